"""What became ready by a write: decided in one place, by what could not be begun before it and can be after it."""

from collections.abc import Callable, Iterable

from projections.application.view import LedgerView
from projections.operations.base import Answered
from projections.questions.work import readiness


def with_freed(view: LedgerView, changed: Iterable[str], write: Callable[[], Answered]) -> Answered:
    """What a write of these items answers, with {became_ready?}; repeated, what came of it then."""
    ids = list(changed)
    if not ids:
        return write()
    with view.tables.snapshot() as snapshot:
        candidates = readiness.could_become_ready(snapshot, ids)
        ready = readiness.ready_of(snapshot, candidates, snapshot.as_of.now)
    answer = write()
    before = ids if answer.get("repeated") else [line["id"] for line in ready]
    with view.tables.snapshot() as snapshot:
        waited = [line for line in candidates if line["id"] not in set(before)]
        return answer | readiness.became_ready(snapshot, waited, snapshot.as_of.now)
