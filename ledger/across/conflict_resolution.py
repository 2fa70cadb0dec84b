"""How a conflict ends: its command is applied to the current state, as it was or edited; or it is dropped on record."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from msgspec.structs import replace

from ledger.across.undo import decide as decide_undo
from ledger.aggregates.conflict.commands import ResolveConflict
from ledger.aggregates.conflict.decider import CATEGORY
from ledger.aggregates.conflict.events import Base, ConflictResolved
from ledger.aggregates.conflict.state import Conflict
from ledger.aggregates.decider import Decided, Undo
from ledger.aggregates.guards import check_administrator, check_current
from ledger.aggregates.work_item.commands import ChangeWorkItems
from ledger.catalog import FACTS, decider_of
from ledger.codec import convert
from ledger.command_codec import command_of
from ledger.envelope import Command, id_of, stream_id
from ledger.errors import Damaged, NotFound, Refused
from ledger.pending import Version
from ledger.problems import check, problem
from ledger.world import World


def decide(command: ResolveConflict, world: World) -> Decided:
    conflict: Conflict = world.state(CATEGORY, command.id)
    _check(command, conflict, world)
    resolved = ConflictResolved(choice=command.choice, arguments=command.arguments)
    return [(stream_id(CATEGORY, command.id), resolved), *_carried_out(command, conflict, world)]


def rebased(command: Command, bases: Mapping[str, Base], version_of: Callable[[str], int]) -> Command:
    """The command as its writer would give it after reading the current state."""
    if isinstance(command, ChangeWorkItems):
        return replace(command, changes=tuple(_moved(change, bases, version_of) for change in command.changes))
    alone: Command = _moved(command, bases, version_of)
    return alone


def _moved(command: Any, bases: Mapping[str, Base], version_of: Callable[[str], int]) -> Any:
    expected: Version | None = getattr(command, "expected", None)
    stream = next((stream for stream in bases if id_of(stream) == getattr(command, "id", None)), None)
    if expected is None or stream is None:
        return command
    base = bases[stream].version
    known = expected if isinstance(expected, int) else base
    return replace(command, expected=version_of(stream) + known - base)


def _check(command: ResolveConflict, conflict: Conflict, world: World) -> None:
    ref = world.reference(CATEGORY, command.id)
    if not conflict.exists:
        raise NotFound(f"there is no conflict {ref} in this ledger", next_step="see sync_state", id=command.id)
    check_current(world, CATEGORY, command.id, command.expected)
    if conflict.status != "open":
        raise Refused(
            f"{ref} is resolved already: {conflict.status}",
            rule="resolved",
            items=[],
            next_step="sync_state shows the conflicts that still wait",
        )
    if (command.choice == "edited") != (command.arguments is not None):
        check([problem("changes", "are required with edited, and not taken with mine or theirs", command.arguments)])
    waiting = [other for other in conflict.waits_for if world.state(CATEGORY, other).status == "open"]
    if waiting and command.choice != "theirs":
        raise Refused(
            f"{ref} builds on {world.reference(CATEGORY, waiting[0])}, which is not resolved yet",
            rule="waits_for",
            items=[{"id": other, "ref": world.reference(CATEGORY, other)} for other in waiting],
            next_step="resolve that one first",
        )
    if command.after:
        _check_untouched(command, conflict, world)


def _check_untouched(command: ResolveConflict, conflict: Conflict, world: World) -> None:
    """A resolution that follows another one by itself must not overwrite any change."""
    later = [
        event
        for stream in conflict.about
        for event in world.past(stream)
        if event.version > conflict.standing.get(stream, 0) and str(event.command_id) not in command.after
    ]
    if later or conflict.met:
        raise Refused(
            f"others changed what {world.reference(CATEGORY, command.id)} is about",
            rule="changed_meanwhile",
            items=[],
            next_step="choose mine, theirs or edited",
        )


def _carried_out(command: ResolveConflict, conflict: Conflict, world: World) -> Decided:
    if command.choice == "theirs":
        return []
    if conflict.proposed:  # facts that no rule judges again
        check_administrator(world, "a conflict of recovered events is resolved")
        return list(_as_proposed(conflict))
    arguments = _edited(conflict, command.arguments or {})
    try:
        asked = command_of(conflict.command, conflict.schema, arguments)
    except Damaged as error:
        check([problem("changes", f"do not fit a {conflict.command}: {error.__cause__}", command.arguments)])
        raise
    asked = rebased(asked, conflict.bases, world.version)
    return decide_undo(asked, world) if isinstance(asked, Undo) else decider_of(asked).decide(asked, world)


def _edited(conflict: Conflict, changes: dict[str, Any]) -> dict[str, Any]:
    """The arguments with what was changed in them: its fields may be named directly."""
    arguments = dict(conflict.arguments)
    for name, value in changes.items():
        if name in ("id", "expected"):
            check([problem(f"changes.{name}", "stays what it was", value)])
        if "fields" in arguments and name not in arguments and name != "status":
            arguments["fields"] = {**arguments["fields"], name: value}
        else:
            arguments[name] = value
    return arguments


def _as_proposed(conflict: Conflict) -> Iterator[tuple[str, Any]]:
    for one in conflict.proposed:
        yield one["stream"], convert(FACTS[one["type"]], one["schema"], one["data"])
