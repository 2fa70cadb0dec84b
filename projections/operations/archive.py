"""The operation on the archive."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from ledger.decider import Problem, check, problem
from ledger.envelope import id_of
from ledger.work_item.commands import ArchiveWorkItems, RestoreArchived
from ledger.work_item.decider import decide
from ledger.work_item.item_summaries import CATEGORY
from projections.application.app import App
from projections.operations.base import Answered, Operation, Writes, command_id, where
from projections.questions.references import references, resolve

NAMED = 20  # items that the answer names


class ArchiveWorkItemsInput(Writes):
    action: Annotated[Literal["archive", "restore"], Field(description="Which")]
    id: Annotated[str | None, Field(description="Else all")] = None
    older_than_days: Annotated[int | None, Field(ge=0, le=36_500, description="Else setting")] = None
    dry_run: Annotated[bool, Field(description="Only tell")] = False


def archive_work_items(app: App, wanted: ArchiveWorkItemsInput) -> Answered:
    check(_faults(wanted))
    command = _command(wanted, resolve(app.tables, CATEGORY, wanted.id) if wanted.id is not None else None)
    if wanted.dry_run:
        streams = [entry[0] for entry in decide(command, app.handler.world(app.actor(wanted.by)))]
        outcome: Answered = {"outcome": "dry_run"}
    else:
        recorded = app.record(command, by=wanted.by, command_id=command_id(wanted.command_id))
        streams = list(recorded.streams)
        outcome = where(app, recorded)
        outcome |= {"repeated": True} if recorded.repeated else {}
    ids = [id_of(stream) for stream in streams]
    with app.tables.snapshot() as snapshot:
        refs = references(snapshot, CATEGORY, ids[:NAMED])
    return {**outcome, "action": wanted.action, "count": len(ids), "refs": [refs[thing] for thing in ids[:NAMED]]}


def _command(wanted: ArchiveWorkItemsInput, thing: str | None) -> ArchiveWorkItems | RestoreArchived:
    if wanted.action == "restore" and thing is not None:
        return RestoreArchived(id=thing)
    return ArchiveWorkItems(id=thing, older_than_days=wanted.older_than_days)


def _faults(wanted: ArchiveWorkItemsInput) -> Iterator[Problem]:
    if wanted.action == "restore" and wanted.id is None:
        yield problem("id", "is required for action restore")
    if wanted.action == "restore" and wanted.older_than_days is not None:
        yield problem("older_than_days", "goes with action archive only", wanted.older_than_days)


OPERATIONS = (
    Operation(
        name="archive_work_items",
        title="Archive work items",
        summary="Hide old finished trees, or restore one.",
        input=ArchiveWorkItemsInput,
        run=archive_work_items,
        writes=True,
    ),
)
