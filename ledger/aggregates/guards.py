"""What the rules of every category refuse alike: what is missing, a version that is not the newest, too few rights."""

from collections.abc import Callable, Iterable
from typing import Any

from ledger.annotation.events import ANNOTATION_FACTS, EFFORT_FACTS
from ledger.envelope import RecordedEvent, minted_id, stream_id
from ledger.errors import Forbidden, NotFound, Refused, VersionConflict
from ledger.pending import Version, newest, parse, place_of, shown_version
from ledger.values.field_paths import differing, flatten, short_changes
from ledger.values.moment import text
from ledger.world import World

CHANGES_NAMED = 5  # in the refusal of a stale write, the newest
ANNOTATIONS = frozenset(fact.__name__ for fact in (*ANNOTATION_FACTS, *EFFORT_FACTS))

Fold = Callable[[str, Iterable[RecordedEvent]], Any]  # a stream's id and events to the state they add up to


def existing(world: World, category: str, entity_id: str, expected: Version | None) -> Any:
    """The state of an entity that must exist, at the version its writer has read (None: at whichever it is)."""
    stream = stream_id(category, entity_id)
    past = world.past(stream)
    if not past:
        raise NotFound(
            f"there is no {category.replace('_', ' ')} {entity_id} in this ledger",
            next_step="check the id, or list what there is",
            id=entity_id,
        )
    if expected is not None:
        check_current(world, category, entity_id, expected)
    state = world.state(category, entity_id)
    if getattr(state, "withdrawn", False):
        raise Refused(
            f"{world.reference(category, entity_id)} was withdrawn: its creation was undone",
            rule="withdrawn",
            items=[{"id": entity_id, "ref": world.reference(category, entity_id)}],
            next_step=f"undo that with `undo` of its version {newest(past)}, or create a new one",
        )
    return state


def check_administrator(world: World, what: str) -> None:
    """Raises Forbidden for a caller without the scope admin, whichever tool or command it uses."""
    if world.scope != "admin":
        raise Forbidden(
            f"{what} with the scope admin, and {world.by} has {world.scope}",
            next_step="ask an administrator of this ledger to do it",
            needed="admin",
            scope=world.scope,
        )


def check_current(world: World, category: str, entity_id: str, expected: Version) -> None:
    """Raises VersionConflict unless the entity is at the version that its writer has read, but for annotations."""
    past = world.past(stream_id(category, entity_id))
    known = place_of(past, expected)
    if known is not None and all(event.type in ANNOTATIONS for event in past[known:]):
        return
    named = parse(expected)
    if named is not None and world.state("conflict", minted_id(named[0], "conflict")).exists:
        raise _became_a_conflict(world, category, entity_id, expected, minted_id(named[0], "conflict"))
    raise version_conflict(world.reference(category, entity_id), entity_id, expected, past, world.fold)


def version_conflict(
    ref: str, entity_id: str, expected: Version, past: list[RecordedEvent], fold: Fold
) -> VersionConflict:
    """The error for a writer whose version is not the newest: both versions, and who changed which fields since."""
    actual, known = newest(past), place_of(past, expected)
    since = range(len(past))[known if known is not None else _number(expected) :]
    return VersionConflict(
        f"{ref} is at version {actual}, not {expected}: read it again and retry",
        next_step=f"read it again and repeat the change with version {actual} if it is still wanted",
        id=entity_id,
        expected=expected,
        actual=actual,
        by=past[-1].by if past else None,
        changed_since=[_change(past, place, fold) for place in since[-CHANGES_NAMED:]],
    )


def _change(past: list[RecordedEvent], place: int, fold: Fold) -> dict[str, Any]:
    """Who did what with the event at this place, the fields that it changed, and the new values that are short."""
    event = past[place]
    change: dict[str, Any] = {
        "version": shown_version(event),
        "event": event.type,
        "by": event.by,
        "at": None,
        "fields": [],
    }
    if not event.data:  # an earlier change of the same bulk, of which no more is known yet
        return change
    before, after = (flatten(fold(event.stream_id, past[:end])) for end in (place, place + 1))
    fields = sorted({path.partition(".")[0] for path in differing(before, after)})
    values = {path: value["new"] for path, value in short_changes(before, after).items()}
    return change | {"at": text(event.occurred_at), "fields": fields} | ({"values": values} if values else {})


def _became_a_conflict(
    world: World, category: str, entity_id: str, expected: Version, conflict: str
) -> VersionConflict:
    ref, past = world.reference("conflict", conflict), world.past(stream_id(category, entity_id))
    return VersionConflict(
        f"version {expected} of {world.reference(category, entity_id)} is a change that became the conflict {ref}",
        next_step=f"decide {ref} with resolve_conflict, or read it again and change it at version {newest(past)}",
        id=entity_id,
        expected=expected,
        actual=newest(past),
        conflict=ref,
    )


def _number(version: Version) -> int:
    return version if isinstance(version, int) else 0
