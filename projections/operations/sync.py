"""Operations on what waits for the database, and on what met other changes when it got there."""

from collections.abc import Iterator
from typing import Annotated, Any
from uuid import UUID, uuid5

from pydantic import Field

from ledger.aggregates.conflict.commands import Choice, ResolveConflict
from ledger.aggregates.conflict.decider import CATEGORY
from ledger.envelope import category_of, id_of
from ledger.errors import LedgerError
from ledger.offline.queue.outbox_lines import Queued
from projections.application.view import LedgerView
from projections.operations.base import Input, Operation, Writes, carry_out, command_id
from projections.operations.inputs.fields import AnyObject, Metadata, Version
from projections.operations.queued_edits import Inputs, read_edit
from projections.operations.work.consequences import with_freed
from projections.questions import conflicts as questions
from projections.questions.answers import Answered
from projections.questions.references import reference, resolve

MOST = 50  # conflicts in one answer; all are counted
SHOWN = 10  # waiting commands that are named; all are counted


class SyncStateInput(Input):
    """Nothing: what there is to see to."""


class ResolveConflictInput(Writes):
    id: Annotated[str, Field(description="The conflict, like x-7k3qd")]
    version: Version
    choice: Annotated[
        Choice,
        Field(description="mine repeats the queued write, theirs drops it, edited repeats it with changes"),
    ]
    changes: Annotated[
        Metadata | None, AnyObject, Field(description="With edited: fields and their new values, null removes one")
    ] = None


def sync_state(view: LedgerView, _: SyncStateInput) -> Answered:
    with view.tables.snapshot() as snapshot:
        found = questions.waiting(snapshot, limit=MOST)
        position = snapshot.as_of.position
    return {
        "position": position,
        "journal": view.local.journal.head.position,
        "queued": view.local.outbox.waiting,
        "waiting": [_waiting(view, line) for line in view.local.outbox.unsettled(limit=SHOWN)],
        "faults": [_fault(fault.line, fault.reason) for fault in view.local.outbox.faults],
        "conflicts": found["total_count"],
        "items": found["items"],
        "returned": found["returned"],
        "has_more": found["has_more"],
    }


def resolve_conflict(view: LedgerView, request: ResolveConflictInput, inputs: Inputs) -> Answered:
    entity_id = resolve(view.tables, CATEGORY, request.id)
    changes = request.changes
    if changes:
        with view.tables.snapshot() as snapshot:
            changes = read_edit(inputs, questions.by_id(snapshot, entity_id)["command"], changes)
    command = ResolveConflict(id=entity_id, expected=request.version, choice=request.choice, arguments=changes)

    def carried_out() -> Answered:
        answer = carry_out(view, request, CATEGORY, command, questions.by_id)
        own = command_id(request.command_id)
        if own is not None and (followed := list(_follow(view, entity_id, own, (str(own),), request.by))):
            answer["resolved_too"] = followed
        return answer

    with view.tables.snapshot() as snapshot:
        about = questions.items_of(snapshot, entity_id)
    return with_freed(view, about, carried_out)


def _follow(view: LedgerView, entity_id: str, own: UUID, after: tuple[str, ...], by: str | None) -> Iterator[str]:
    """Carries out what waited for the conflict, in order, as far as no other change is overwritten."""
    with view.tables.snapshot() as snapshot:
        waiting = questions.after(snapshot, entity_id)
    for row in waiting:
        given = uuid5(own, row.id)
        command = ResolveConflict(id=row.id, expected=row.version, choice="mine", after=after)
        try:
            view.record(command, by=by, command_id=given)
        except LedgerError:  # it goes on waiting for a decision
            continue
        after = (*after, str(given))
        yield reference(view.tables, CATEGORY, row.id)
        yield from _follow(view, row.id, own, after, by)


def _waiting(view: LedgerView, line: Queued) -> dict[str, Any]:
    about = [reference(view.tables, category_of(stream), id_of(stream)) for stream in line.streams]
    return {"place": line.sequence, "command": line.command, "by": line.by, "about": about}


def _fault(line: int, reason: str) -> dict[str, Any]:
    return {"line": line, "reason": reason}


def operations(inputs: Inputs) -> tuple[Operation, ...]:
    """`inputs` are those of the commands that may wait."""
    return (
        Operation(
            name="sync_state",
            title="Sync status",
            summary="Read which writes of this machine wait for the database, and which met others (conflicts).",
            toolset="sync",
            input=SyncStateInput,
            run=sync_state,
        ),
        Operation(
            name="resolve_conflict",
            title="Resolve a conflict",
            summary="End one conflict that sync_state lists, after reading both sides of it.",
            toolset="sync",
            input=ResolveConflictInput,
            run=lambda app, wanted: resolve_conflict(app, wanted, inputs),
            scope="write",
        ),
    )
