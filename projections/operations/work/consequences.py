"""What follows from a write: which items became ready by it, and which enhancements have all their work done."""

from collections.abc import Callable, Iterable

from projections.application.view import LedgerView
from projections.questions import enhancements
from projections.questions.answers import Answered
from projections.questions.work import readiness


def with_freed(view: LedgerView, changed: Iterable[str], write: Callable[[], Answered]) -> Answered:
    """What a write of these items answers, with {became_ready?, carried_out?}; repeated, what came of it then."""
    ids = list(changed)
    if not ids:
        return write()
    with view.tables.snapshot() as snapshot:
        waited = readiness.waiting(snapshot, ids, snapshot.as_of.now)
    answer = write()
    with view.tables.snapshot() as snapshot:
        if answer.get("repeated"):
            waited = [line for line in readiness.could_become_ready(snapshot, ids) if line["id"] not in set(ids)]
        answer |= readiness.became_ready(snapshot, waited, snapshot.as_of.now)
        done = enhancements.carried_out_by(snapshot, ids)
    return answer | ({"carried_out": done, "next_step": _say_so(done)} if done else {})


def _say_so(finished: list[Answered]) -> str:
    named = ", ".join(f"{one['ref']} ({one['status'] or 'unknown'})" for one in finished)
    return f"all work of {named} is finished: if nothing is missing, say so with update_enhancement (up to completed)"
