"""What one source made of an item: the state that its own events add up to, whatever was done here since."""

from datetime import datetime

from ledger.envelope import RecordedEvent, import_of, stream_id
from ledger.work_item.state import WorkItem
from ledger.world import World

CATEGORY = "work_item"


def source_events(entity_id: str, source: str, world: World) -> list[RecordedEvent]:
    own = import_of(source)
    return [event for event in world.past(stream_id(CATEGORY, entity_id)) if event.command == own]


def source_state(entity_id: str, source: str, world: World) -> WorkItem:
    """An item that does not exist, if the source said nothing of it."""
    stream, imported = stream_id(CATEGORY, entity_id), source_events(entity_id, source, world)
    whole = len(imported) == len(world.past(stream))
    state: WorkItem = world.state_of(stream) if whole else world.partly(stream, imported)
    return state


def began(entity_id: str, world: World) -> datetime | None:
    """When an item was created, by its first event; None if there is no such item."""
    past = world.past(stream_id(CATEGORY, entity_id))
    return past[0].occurred_at if past else None
