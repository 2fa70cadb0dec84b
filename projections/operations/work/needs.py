"""The operation on what waits for the one who asks."""

from ledger.envelope import configuration_id
from projections.application.view import LedgerView
from projections.operations.base import Asks, Operation
from projections.operations.inputs.fields import AsOf, Limit
from projections.questions.answers import Answered
from projections.questions.overviews import needs
from projections.tables.contract import Snapshot


class NeedsMeInput(Asks):
    limit: Limit = 20
    as_of: AsOf = None


def needs_me(view: LedgerView, request: NeedsMeInput) -> Answered:
    with view.snapshot(request.as_of) as snapshot:
        return of_asker(view, snapshot, request.by, request.limit)


def of_asker(view: LedgerView, snapshot: Snapshot, by: str | None, limit: int) -> Answered:
    """What waits for the one who asks, whom the call may name."""
    settings, is_administrator = configuration_id(view.identity.ledger), view.principal.scope == "admin"
    return needs.of_person(snapshot, view.actor(by), settings, is_administrator=is_administrator, limit=limit)


OPERATIONS = (
    Operation(
        name="needs_me",
        title="What waits for me",
        summary="List what waits for you: reviews and questions to you or your roles, open conflicts, claims of yours "
        "that ended, items that you hold and others wait for, what is due. To answer: question. What can be begun: "
        "ready_work.",
        toolset="work",
        input=NeedsMeInput,
        run=needs_me,
        by_default=False,
    ),
)
