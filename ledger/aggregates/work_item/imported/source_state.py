"""What one source made of an item: the state that its own events add up to, whatever was done here since."""

from datetime import datetime
from itertools import zip_longest

from ledger.aggregates.work_item.events import QuestionAsked, WorkItemStatusChanged
from ledger.aggregates.work_item.state import WorkItem
from ledger.envelope import RecordedEvent, import_of, stream_id
from ledger.world import World

CATEGORY = "work_item"


def source_events(entity_id: str, source: str, world: World) -> list[RecordedEvent]:
    """What it said; not the move to review that a completion became."""
    own, past = import_of(source), world.past(stream_id(CATEGORY, entity_id))
    return [
        event
        for event, after in zip_longest(past, past[1:])
        if event.command == own and not _moved_to_review(event, after)
    ]


def _moved_to_review(event: RecordedEvent, after: RecordedEvent | None) -> bool:
    """A review is asked for right after the item came to it, see ledger.aggregates.work_item.rules.reviews."""
    return (
        after is not None
        and (event.type, after.type) == (WorkItemStatusChanged.__name__, QuestionAsked.__name__)
        and event.command_id == after.command_id
    )


def source_state(entity_id: str, source: str, world: World) -> WorkItem:
    """An item that does not exist, if the source said nothing of it."""
    stream, imported = stream_id(CATEGORY, entity_id), source_events(entity_id, source, world)
    whole = len(imported) == len(world.past(stream))
    state: WorkItem = world.state_of(stream) if whole else world.fold(stream, imported)
    return state


def began(entity_id: str, world: World) -> datetime | None:
    """When an item was created, by its first event; None if there is no such item."""
    past = world.past(stream_id(CATEGORY, entity_id))
    return past[0].occurred_at if past else None
