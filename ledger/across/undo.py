"""Taking a command back: new facts that restore what was, unless a later change would be lost by it.

What a command changed is found by comparing each stream's state before and after it, field by field (mappings key by
key, links one by one), so that this holds for every fact there is or will be. A field that was not changed since is
restored. The creation of an entity is taken back by withdrawing it, and that by reinstating it.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from msgspec import UNSET, Struct
from msgspec.structs import replace

from ledger.aggregates.decider import Decided, Undo, Undoable
from ledger.catalog import DECIDERS, fact_of, states_of
from ledger.envelope import Fact, RecordedEvent, UnknownFact, category_of, id_of
from ledger.errors import NewerProgramNeeded, NotFound, Refused
from ledger.pending import shown_position, shown_version
from ledger.values.field_paths import differing, flatten, is_keyed, key
from ledger.values.moment import text
from ledger.values.revision import Change, Changes, apply, between, same
from ledger.world import World

OR_UNTOUCHED = ", or send only_untouched=true to restore only what was not changed since"
SHOWN = 20  # later changes that a refusal names; it counts all

Later = dict[str, Any]


class Turn(Struct, frozen=True, kw_only=True):
    """What an undo would do to one stream. `lost` are the fields that were changed since, and how."""

    stream: str
    now: Any
    changes: Changes
    lost: tuple[Later, ...]

    @property
    def then(self) -> Any:
        return apply(self.now, self.changes)


def decide(command: Undo, world: World) -> Decided:
    world.look(command.streams)
    turns = [_turn(world, stream, command.undone) for stream in command.streams]
    lost = [later for turn in turns for later in turn.lost]
    if lost and not command.only_untouched:
        raise _later_changes(command, lost)
    turns = _allowed(world, [turn for turn in turns if turn.changes], command.only_untouched)
    if not turns:
        raise _later_changes(command, lost) if lost else _nothing_to_undo(command)
    return [(turn.stream, fact) for turn in turns for fact in _facts(world, turn, command.undone)]


def _turn(world: World, stream: str, undone: str) -> Turn:
    past = world.past(stream)
    own = [event for event in past if str(event.command_id) == undone]
    if not own:
        raise NotFound(
            f"command {undone} did nothing to {_ref(world, stream)}",
            next_step="query_history of it shows its commands",
            id=undone,
        )
    if any(isinstance(fact_of(event), UnknownFact) for event in past):
        raise NewerProgramNeeded(
            f"{_ref(world, stream)} has a history that only a newer program understands",
            next_step="upgrade tracking-ledger on this machine",
            id=id_of(stream),
        )
    states = states_of(stream, past)
    first, last = own[0].version, own[-1].version
    later = _touched_since(past, states, last, undone)
    undoable = _undoable(world, stream)
    before = states[first - 1]
    if first == 1 and undoable.withdrawn is not None:
        before = replace(states[last], withdrawn=True)
    changes, lost = _compared(before, states[last], states[-1], later, undoable)
    return Turn(
        stream=stream,
        now=states[-1],
        changes=changes,
        lost=tuple(_later_change(world, stream, event, paths & lost) for event, paths in later if paths & lost),
    )


def _touched_since(
    past: list[RecordedEvent], states: list[Any], last: int, undone: str
) -> list[tuple[RecordedEvent, set[str]]]:
    """The events after `last` with the leaves each of them changed; not those that an undo took back, nor that undo."""
    touched: list[tuple[RecordedEvent, set[str]]] = []
    taken_back: set[str] = set()
    for event in reversed(past[last:]):
        own = str(event.command_id)
        undoes = getattr(fact_of(event), "undoes", None)
        if own in taken_back or undoes == undone:
            continue
        if undoes is not None and any(str(other.command_id) == undoes for other in past[last : event.version]):
            taken_back.add(undoes)
            continue
        touched.append((event, differing(flatten(states[event.version - 1]), flatten(states[event.version]))))
    return touched[::-1]


def _compared(
    before: Any, after: Any, now: Any, later: list[tuple[RecordedEvent, set[str]]], undoable: Undoable[Any]
) -> tuple[Changes, set[str]]:
    """The changes that restore what was, and the leaves that cannot be, because they were changed since."""
    was, made, is_now = flatten(before), flatten(after), flatten(now)
    since = set().union(*(paths for _, paths in later)) if later else set()
    done = {path for path in differing(was, made) if path.partition(".")[0] not in undoable.kept}
    done = {path for path in done if not same(is_now.get(path, UNSET), was.get(path, UNSET))}
    if "withdrawn" in done and before.withdrawn:  # hiding the whole entity hides every later change to it
        lost = {path for path in since | differing(made, is_now) if path.partition(".")[0] not in undoable.kept}
        return ({} if lost else _restoring(before, after, now, done)), lost
    lost = {path for path in done if path in since or not same(is_now.get(path, UNSET), made.get(path, UNSET))}
    lost |= {path for group in undoable.together if not group.isdisjoint(lost) for path in done & group}
    return _restoring(before, after, now, done - lost), lost


def _restoring(before: Any, after: Any, now: Any, paths: set[str]) -> Changes:
    changes: Changes = {}
    all_changes = between(now, before)
    for path in sorted(paths):
        field = path.partition(".")[0]
        if is_keyed(getattr(before, field)) or is_keyed(getattr(now, field)):
            there = msgspec.to_builtins(getattr(now, field))
            changes[field] = Change(there, _relinked(before, after, now, field, paths))
        else:
            changes[path] = all_changes[path]
    return changes


def _relinked(before: Any, after: Any, now: Any, field: str, paths: set[str]) -> list[Any]:
    """The list as it was, if it was not touched since; else as it is now, but for these elements of it."""
    was, is_now = getattr(before, field), getattr(now, field)
    if same(msgspec.to_builtins(is_now), msgspec.to_builtins(getattr(after, field))):
        kept = was
    else:
        back = [element for element in was if key(field, element) in paths]
        kept = (*(element for element in is_now if key(field, element) not in paths), *back)
    found: list[Any] = msgspec.to_builtins(kept)
    return found


def _allowed(world: World, turns: list[Turn], only_untouched: bool) -> list[Turn]:
    """The turns after which the rules hold. With `only_untouched`, an entity that others need stays as it is."""
    while True:
        try:
            for category in dict.fromkeys(category_of(turn.stream) for turn in turns):
                own = [turn for turn in turns if category_of(turn.stream) == category]
                _undoable(world, own[0].stream).check(
                    world, {id_of(turn.stream): (turn.now, turn.then) for turn in own}
                )
            return turns
        except Refused as refused:
            staying = refused.details.get("needed", ())
            if not only_untouched or not staying:
                raise
            turns = [turn for turn in turns if id_of(turn.stream) not in staying]


def _facts(world: World, turn: Turn, undone: str) -> Iterator[Fact]:
    undoable = _undoable(world, turn.stream)
    changes, instead = undoable.restrained(world, turn.now, dict(turn.changes))
    withdrawn = changes.pop("withdrawn", None)
    if withdrawn is not None:
        fact_type = undoable.withdrawn if withdrawn.new is True else undoable.reinstated
        assert fact_type is not None, "whatever can be created can be withdrawn"
        yield fact_type(undoes=undone)
    if changes:
        yield undoable.reverted(changes=changes, undoes=undone)
    yield from instead


def _undoable(world: World, stream: str) -> Undoable[Any]:
    undoable = DECIDERS[category_of(stream)].undoable
    if undoable is None:
        ref = _ref(world, stream)
        raise Refused(
            f"{ref} is a conflict, and its decision cannot be undone",
            rule="not_undoable",
            items=[{"id": id_of(stream), "ref": ref}],
            next_step="undo what the decision changed in the items themselves",
        )
    return undoable


def _ref(world: World, stream: str) -> str:
    return world.reference(category_of(stream), id_of(stream))


def _later_change(world: World, stream: str, event: RecordedEvent, paths: Iterable[str]) -> Later:
    return {
        "id": id_of(stream),
        "ref": _ref(world, stream),
        "version": shown_version(event),
        "position": shown_position(event),
        "event": event.type,
        "by": event.by,
        "at": text(event.recorded_at),
        "fields": sorted(paths),
    }


def _later_changes(command: Undo, lost: list[Later]) -> Refused:
    """Names the newest first, because that is undone first."""
    newest = sorted(lost, key=_place, reverse=True)
    count = "1 later change" if len(lost) == 1 else f"{len(lost)} later changes"
    authors = ", ".join(dict.fromkeys(later["by"] for later in newest))
    first = f"undo those first, beginning with version {newest[0]['version']} of {newest[0]['ref']}"
    rest = "; nothing else is left to restore" if command.only_untouched else OR_UNTOUCHED
    return Refused(
        f"{count} by {authors} would be lost by undoing command {command.undone}",
        rule="later_changes",
        items=newest[:SHOWN],
        later_changes=len(lost),
        next_step=first + rest,
    )


def _place(later: Later) -> tuple[bool, int]:
    """What waits in the outbox comes after all that is recorded."""
    position = later["position"]
    return position is None, position or 0


def _nothing_to_undo(command: Undo) -> Refused:
    return Refused(
        f"nothing that command {command.undone} changed is left to restore; claims are never undone",
        rule="nothing_to_undo",
        items=[],
        next_step="give a claim back (action release); query_history shows what happened since",
    )
