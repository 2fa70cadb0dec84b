"""The operation on the archive."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from ledger.aggregates.work_item.commands import ArchiveWorkItems, RestoreArchived
from ledger.aggregates.work_item.decider import decide
from ledger.aggregates.work_item.item_summaries import CATEGORY
from ledger.envelope import id_of
from ledger.problems import Problem, check, problem
from projections.application.view import LedgerView
from projections.operations.base import Operation, Writes, command_id, where
from projections.questions.answers import Answered
from projections.questions.references import references, resolve

NAMED = 20  # items that the answer names


class ArchiveWorkItemsInput(Writes):
    action: Annotated[Literal["archive", "restore"], Field(description="archive hides, restore brings back")]
    id: Annotated[
        str | None, Field(description="The item with all below it, like w-7k3qd; every old one if left out")
    ] = None
    older_than_days: Annotated[
        int | None,
        Field(ge=0, le=36_500, description="Finished at least so many days ago; the setting archive_days if left out"),
    ] = None
    dry_run: Annotated[bool, Field(description="true only tells what it would do")] = False


def archive_work_items(view: LedgerView, request: ArchiveWorkItemsInput) -> Answered:
    check(_faults(request))
    command = _command(request, resolve(view.tables, CATEGORY, request.id) if request.id is not None else None)
    if request.dry_run:
        streams = [entry[0] for entry in decide(command, view.handler.world(view.actor(request.by)))]
        outcome: Answered = {"outcome": "dry_run"}
    else:
        recorded = view.record(command, by=request.by, command_id=command_id(request.command_id))
        streams = list(recorded.streams)
        outcome = where(view, recorded)
        outcome |= {"repeated": True} if recorded.repeated else {}
    ids = [id_of(stream) for stream in streams]
    with view.tables.snapshot() as snapshot:
        refs = references(snapshot, CATEGORY, ids[:NAMED])
    return {
        **outcome,
        "action": request.action,
        "count": len(ids),
        "refs": [refs[entity_id] for entity_id in ids[:NAMED]],
    }


def _command(request: ArchiveWorkItemsInput, entity_id: str | None) -> ArchiveWorkItems | RestoreArchived:
    if request.action == "restore" and entity_id is not None:
        return RestoreArchived(id=entity_id)
    return ArchiveWorkItems(id=entity_id, older_than_days=request.older_than_days)


def _faults(request: ArchiveWorkItemsInput) -> Iterator[Problem]:
    if request.action == "restore" and request.id is None:
        yield problem("id", "is required for action restore")
    if request.action == "restore" and request.older_than_days is not None:
        yield problem("older_than_days", "goes with action archive only", request.older_than_days)


OPERATIONS = (
    Operation(
        name="archive_work_items",
        title="Archive work items",
        summary="Hide finished trees of items from the lists, or bring one back. Nothing is lost.",
        toolset="work",
        input=ArchiveWorkItemsInput,
        run=archive_work_items,
        scope="admin",
        by_default=False,
    ),
)
