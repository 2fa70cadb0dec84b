"""The operation that answers what went into work and where its time went."""

from typing import Annotated

from pydantic import Field

from ledger.values.dates import begins
from ledger.values.moment import parse
from ledger.world import DEEPEST
from projections.application.view import LedgerView
from projections.operations.base import Input, Operation
from projections.operations.inputs.fields import AsOf, Limit, Name
from projections.operations.work.work_item_inputs import Planned
from projections.questions.answers import Answered
from projections.questions.log import work_report as questions
from projections.questions.references import resolve
from projections.questions.work import work_items
from projections.tables.contract import Snapshot

CATEGORY = "work_item"


class WorkReportInput(Input):
    id: Annotated[
        str | None, Field(description="Only this item with all below it, or what belongs to it if it is a milestone")
    ] = None
    person: Annotated[
        Name | None, Field(description="Only this person: their effort, the items they had, held or completed")
    ] = None
    since: Annotated[
        Planned | None, Field(description="Only what happened since: a day like 2026-11-20, or an RFC 3339 time")
    ] = None
    limit: Limit = 20
    as_of: AsOf = None


def work_report(view: LedgerView, request: WorkReportInput) -> Answered:
    root = resolve(view.tables, CATEGORY, request.id) if request.id is not None else None
    with view.snapshot(request.as_of) as snapshot:
        then = snapshot.as_of.time if request.as_of is not None else None
        scope = questions.Scope(
            items=_tree(snapshot, root) if root is not None else None,
            person=request.person,
            since=parse(begins(request.since)) if request.since is not None else None,
            until=then or snapshot.as_of.now,
        )
        answer = questions.work_report(view.store, snapshot, scope, request.limit)
        return answer | (work_items.currency(snapshot) if any(one["cost"] for one in answer["people"]) else {})


def _tree(snapshot: Snapshot, root: str) -> frozenset[str]:
    there = work_items.row(snapshot, root).id
    return frozenset([there, *(below["id"] for below in work_items.descendants(snapshot, root, DEEPEST))])


OPERATIONS = (
    Operation(
        name="work_report",
        title="Report effort and time",
        summary="Read where the work went: effort and completed items of each person, time in each state, item by "
        "item, what is overdue and what waits for whom. To record effort: log_effort; of one item alone: "
        "query_work_item with include effort.",
        toolset="work",
        input=WorkReportInput,
        run=work_report,
        by_default=False,
    ),
)
