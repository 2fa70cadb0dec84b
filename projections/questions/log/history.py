"""What can be asked of the past of an entity: who changed what when, how it was at a point, what differs between two.

What an event changed is found by comparing the state before and after it, so every fact is described alike.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from msgspec import UNSET, to_builtins

from ledger.aggregates.work_item.events import WorkItemClaimed, WorkItemClaimReleased, WorkItemClaimRenewed
from ledger.aggregates.work_item.item_summaries import CATEGORY as WORK_ITEM
from ledger.aggregates.work_item.state import SECRET_FIELDS
from ledger.catalog import NAME_FIELDS, fact_of, states_of
from ledger.envelope import RecordedEvent, stream_id
from ledger.pending import is_pending, place_of, shown_position, shown_version
from ledger.problems import check, problem
from ledger.store import EventStore
from ledger.values import field_paths
from ledger.values.moment import text
from ledger.values.revision import Changes, between
from projections.questions.answers import Entity
from projections.questions.entities import complete as whole_entity
from projections.questions.log.as_of import Point, is_position, not_there_yet, past, position_of
from projections.questions.pages import page, page_start
from projections.questions.references import references
from projections.questions.work.work_items import MICROS
from projections.read_models.catalog import BY_CATEGORY
from projections.read_models.fold import fold
from projections.tables.contract import Snapshot

LOOKED_BACK = 1000  # positions in which the newest commands of a person are looked for
IMPORTS = ("Import", "ImportWorkItems")  # they speak for others
LONGEST = 200  # characters of a text, unless the whole is asked for
WORDS = ("reason", "forced", "forced_over")  # of a fact
OF_ITEMS = {"parent_id", "milestone_id", "next_id"}  # fields that name a work item


def history(
    log: EventStore,
    category: str,
    entity_id: str,
    *,
    since: Point | None = None,
    as_of: Point | None = None,
    limit: int = 20,
    cursor: str | None = None,
    whole: bool = False,
) -> Entity:
    """A page of what happened to an entity, the newest first. Raises NotFound for one that never was."""
    events = past(log, category, entity_id)
    stream = stream_id(category, entity_id)
    states = states_of(stream, events)
    first = 0 if since is None else version_at(log, category, entity_id, events, since, "since", at_least=0)
    last = len(events) if as_of is None else version_at(log, category, entity_id, events, as_of, "as_of")
    before, _ = page_start(cursor, "history")
    upper = last if before is None else min(last, int(before) - 1)
    found = [{"key": event.version, "id": entity_id} for event in reversed(events[first:upper][-(limit + 1) :])]

    def entries(kept: list[Entity]) -> list[Entity]:
        versions = [line["key"] for line in kept]
        return [_entry(events[v - 1], between(states[v - 1], states[v]), whole=whole) for v in versions]

    return page(found, limit, order="history", total=max(0, last - first), to_entities=entries)


def differing(
    log: EventStore, category: str, entity_id: str, *, earlier: Point, later: Point | None, whole: bool = False
) -> Entity:
    """What differs between two points of an entity's life, the later one being now if it is not named."""
    events = past(log, category, entity_id)
    first = version_at(log, category, entity_id, events, earlier, "diff_from", at_least=0)
    last = len(events) if later is None else version_at(log, category, entity_id, events, later, "as_of", at_least=0)
    states = states_of(stream_id(category, entity_id), events)
    return {
        "from": _place(events, first),
        "to": _place(events, last),
        "changes": _changes(between(states[first], states[last]), whole=whole),
    }


def state_at(log: EventStore, category: str, entity_id: str, point: Point, ref: str) -> Entity:
    """The entity, whole, as it was at a point. Raises NotFound when it was not there yet."""
    events = past(log, category, entity_id)
    version = version_at(log, category, entity_id, events, point, "as_of")
    if version == 0:
        return {"id": entity_id, "ref": ref, "version": 0, **_json(BY_CATEGORY[category].decider.initial)}
    shown: Entity = _value(whole_entity(fold(events[:version])[stream_id(category, entity_id)], ref), whole=True)
    return shown


def version_at(
    log: EventStore,
    category: str,
    entity_id: str,
    events: list[RecordedEvent],
    point: Point,
    field: str,
    *,
    at_least: int | None = None,
) -> int:
    """The version that a point means: `v3` is one, a number a position, else it is a time."""
    at_least = _first(category) if at_least is None else at_least
    if isinstance(point, str) and point[:1] in ("v", "V") and is_position(point[1:]):
        version = int(point[1:])
        if not at_least <= version <= len(events):
            check([problem(field, f"is not one of the versions {at_least} to {len(events)}", point)])
        return version
    if isinstance(point, str) and (known := place_of(events, point)) is not None:
        return known
    position = position_of(log, point, field)
    version = sum(event.position <= position for event in events)
    if version < at_least:
        raise not_there_yet(category, entity_id, events, position)
    return version


def newest_commands(log: EventStore, by: str) -> Iterator[list[RecordedEvent]]:
    """What the commands of this one did that no undo has taken back, the newest first, as far as is looked back."""
    events = list(log.read_all(max(0, log.read_streams([]).head - LOOKED_BACK)))
    passed: set[str] = set()  # commands that were taken back, or are here already
    for event in reversed(events):
        if str(event.command_id) in passed:
            continue
        if undoes := getattr(fact_of(event), "undoes", None):
            passed.add(undoes)
        elif event.by == by and event.command.partition(" ")[0] not in IMPORTS:
            passed.add(str(event.command_id))
            yield [other for other in events if other.command_id == event.command_id]


def is_of_claims(events: Iterable[RecordedEvent]) -> bool:
    """Whether they changed claims and nothing else, which no undo touches."""
    return all(
        fact.status is None
        if isinstance(fact, WorkItemClaimed)
        else isinstance(fact, (WorkItemClaimRenewed, WorkItemClaimReleased))
        for fact in map(fact_of, events)
    )


def short_changes_of(log: EventStore, snapshot: Snapshot, streams: Iterable[str], command_id: str) -> dict[str, Entity]:
    """By stream {changed?}: what a command changed of each entity, see `short_changes`."""
    pasts = log.read_streams(streams).events
    found = {stream: _changed_by(command_id, stream, pasts.get(stream, [])) for stream in streams}
    changes = with_references(snapshot, list(found.values()))
    return {stream: {"changed": one} if one else {} for stream, one in zip(found, changes, strict=True)}


def _changed_by(command_id: str, stream: str, events: list[RecordedEvent]) -> Entity:
    places = [place for place, event in enumerate(events) if str(event.command_id) == command_id]
    if not places:
        return {}
    states = states_of(stream, events)
    return short_changes(states[places[0]], states[places[-1] + 1])


def short_changes(before: Any, after: Any) -> Entity:
    """What differs and is short, in the order of the fields: {field: {old, new}}; null is unknown or not there."""
    found = field_paths.short_changes(field_paths.flatten(before), field_paths.flatten(after))
    return {path: found[path] for path in between(before, after) if path in found}


def with_references(snapshot: Snapshot, changes: Sequence[Entity]) -> list[Entity]:
    """The same with the references of items instead of their ids."""
    ids = {value for each in changes for path in OF_ITEMS & each.keys() for value in each[path].values() if value}
    refs = references(snapshot, WORK_ITEM, sorted(ids))
    return [
        {
            path: {name: refs.get(value, value) if value else value for name, value in change.items()}
            if path in OF_ITEMS
            else change
            for path, change in each.items()
        }
        for each in changes
    ]


def changed_fields(before: Any, after: Any) -> list[str]:
    """The names of the fields that differ, in the order of the fields."""
    return list(dict.fromkeys(path.partition(".")[0] for path in between(before, after)))


def name_of(state: Any) -> str | None:
    """What people call the entity; None for one without a name."""
    return next((getattr(state, name) for name in NAME_FIELDS if getattr(state, name, None)), None)


def _first(category: str) -> int:
    """The version from which an entity is there; the configuration is from the start."""
    return 0 if category == "configuration" else 1


def changes_of(event: RecordedEvent, states: list[Any]) -> list[Entity]:
    """What an event changed, from the states of its entity after each of its events."""
    return _changes(between(states[event.version - 1], states[event.version]), whole=False)


def words_of(event: RecordedEvent) -> Entity:
    """{reason?, forced?, forced_over?}: what was said of it, which need not be part of the entity afterwards."""
    fact = fact_of(event)
    return {name: value for name in WORDS if (value := getattr(fact, name, None))}


def _entry(event: RecordedEvent, changes: Changes, *, whole: bool) -> Entity:
    undoes = getattr(fact_of(event), "undoes", None)
    return {
        "version": shown_version(event),
        "position": shown_position(event),
        "occurred_at": text(event.occurred_at),
        "recorded_at": None if is_pending(event) else text(event.recorded_at),
        **({"pending": True} if is_pending(event) else {}),
        "by": event.by,
        "event": event.type,
        "command": event.command,
        "command_id": str(event.command_id),
        **({"undoes": undoes} if undoes else {}),
        **words_of(event),
        "changes": _changes(changes, whole=whole),
    }


def _changes(changes: Changes, *, whole: bool) -> list[Entity]:
    return [
        {"field": path, "old": _value(change.old, whole=whole), "new": _value(change.new, whole=whole)}
        for path, change in changes.items()
    ]


def _value(value: Any, *, whole: bool) -> Any:
    """The value without its secrets, a cost as every answer has it; a long text is cut, and says so."""
    match value:
        case str() if len(value) > LONGEST and not whole:
            return f"{value[:LONGEST]}… [{len(value)} characters]"
        case dict():
            cost = {"cost": value["cost_micros"] / MICROS} if "cost_micros" in value else {}
            kept = {key: inner for key, inner in value.items() if key not in (*SECRET_FIELDS, "cost_micros")}
            return {key: _value(inner, whole=whole) for key, inner in kept.items()} | cost
        case list() | tuple():
            return [_value(inner, whole=whole) for inner in value]
        case _:
            return None if value is UNSET else value


def _json(state: Any) -> Entity:
    return {name: to_builtins(getattr(state, name)) for name in state.__struct_fields__}


def _place(events: Iterable[RecordedEvent], version: int) -> Entity:
    event = next((event for event in events if event.version == version), None)
    return {
        "version": shown_version(event) if event else version,
        "position": event and shown_position(event),
        "recorded_at": None if event is None or is_pending(event) else text(event.recorded_at),
    }
