"""The operation that records what went into a work item: entries of minutes, tokens and cost."""

from typing import Annotated

from pydantic import Field

from ledger.annotation.commands import LogEffort, comment_id_of
from ledger.problems import check, problem
from ledger.values.dates import begins
from ledger.values.moment import text
from projections.application.view import LedgerView
from projections.operations.base import Operation, Writes, carry_out, happened, new_id
from projections.operations.inputs.fields import LARGEST_NUMBER
from projections.operations.work.work_item_inputs import Planned
from projections.questions.answers import Answered
from projections.questions.references import resolve
from projections.questions.work import work_items as questions

CATEGORY = "work_item"
MICROS = 1_000_000
MOST = 1_000_000_000  # tokens, or units of the currency, of one entry


class LogEffortInput(Writes):
    id: Annotated[str, Field(description="The work item: id or reference like w-7k3qd")]
    minutes: Annotated[int, Field(ge=0, le=LARGEST_NUMBER, description="Minutes of work to add, like 90")] = 0
    tokens: Annotated[int, Field(ge=0, le=MOST, description="Tokens of a model to add, like 120000")] = 0
    cost: Annotated[
        float, Field(ge=0, le=MOST, description="Cost to add in the project's currency, like 1.25, to six places")
    ] = 0.0
    note: Annotated[str | None, Field(max_length=500, description="What it went into, in a sentence")] = None
    happened_at: Annotated[
        Planned | None,
        Field(description="When: a day like 2026-11-20, or an RFC 3339 time; now if left out"),
    ] = None


def log_effort(view: LedgerView, request: LogEffortInput) -> Answered:
    command = effort_command(view, request, resolve(view.tables, CATEGORY, request.id), comment_id_of(new_id(request)))
    return carry_out(view, request, CATEGORY, command, questions.by_id) | {"entry_id": command.entry_id}


def effort_command(view: LedgerView, request: LogEffortInput, entity_id: str, entry_id: str) -> LogEffort:
    cost = round(request.cost * MICROS)
    if not (request.minutes or request.tokens or cost):
        check([problem("minutes", "must be above 0, unless tokens or cost is", request.minutes)])
    at = happened(view, request.happened_at and begins(request.happened_at))
    return LogEffort(
        category=CATEGORY,
        id=entity_id,
        entry_id=entry_id,
        at=None if at is None else text(at),
        minutes=request.minutes,
        tokens=request.tokens,
        cost_micros=cost,
        note=request.note,
    )


OPERATIONS = (
    Operation(
        name="log_effort",
        title="Log effort",
        summary="Add minutes, tokens or cost that went into an item; query_work_item sums them (include effort).",
        toolset="work",
        by_default=False,
        input=LogEffortInput,
        run=log_effort,
        scope="write",
        commands={LogEffort: LogEffortInput},
    ),
)
