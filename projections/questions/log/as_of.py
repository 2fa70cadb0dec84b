"""What was so at an earlier point: of one entity by folding its stream, of everything by tables of that position."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ledger.envelope import RecordedEvent, stream_id
from ledger.errors import NotFound
from ledger.problems import check, problem
from ledger.store import EventStore
from ledger.values.moment import parse, text
from projections.local_copy.as_of_tables import tables_as_of
from projections.read_models.fold import fold
from projections.read_models.projection import Row
from projections.tables.contract import Snapshot

Point = str | int
MOST_DIGITS = 18  # of a position


def position_of(log: EventStore, point: Point, field: str = "as_of") -> int:
    """A position as it is, a time as the last position at or before it. Raises Invalid, also for one yet to come."""
    head = log.read_streams([]).head
    if isinstance(point, str) and not is_position(point):
        try:
            return log.position_at(parse(point))
        except ValueError:
            check([problem(field, "must be a position or a time like 2026-11-22T15:00:00Z", point)])
    position = int(point)
    if position > head:
        check([problem(field, f"lies after the newest position, {head}", position)])
    return position


def is_position(text: str) -> bool:
    """Whether a text is a position, or a version: a number that `int` reads and databases hold.

    >>> [text for text in ("120", "0", "²", "-1", "9" * 30, "") if is_position(text)]
    ['120', '0']
    """
    return text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS


def row_at(log: EventStore, category: str, entity_id: str, position: int) -> Row:
    """One entity as it was at a position. Raises NotFound, also when it was not there yet."""
    events = past(log, category, entity_id)
    seen = [event for event in events if event.position <= position]
    if not seen:
        raise not_there_yet(category, entity_id, events, position)
    return fold(seen)[stream_id(category, entity_id)]


def past(log: EventStore, category: str, entity_id: str) -> list[RecordedEvent]:
    """Everything that happened to an entity. Raises NotFound for one that never was."""
    stream = stream_id(category, entity_id)
    events = log.read_streams([stream]).events.get(stream, [])
    if not events and category != "configuration":  # which is there from the start
        noun = category.replace("_", " ")
        raise NotFound(
            f"there is no {noun} {entity_id} in this ledger",
            next_step="check the id, or list what there is",
            id=entity_id,
        )
    return events


def not_there_yet(category: str, entity_id: str, events: list[RecordedEvent], position: int) -> NotFound:
    first, noun = events[0], category.replace("_", " ")
    return NotFound(
        f"the {noun} was not there at position {position}: it came with position {first.position}",
        next_step=f"ask as of position {first.position} or later, or of {text(first.recorded_at)} or later",
        id=entity_id,
        first_position=first.position,
    )


def point_as_answer(log: EventStore, position: int) -> dict[str, Any]:
    """The position and its ledger time, as answers name it."""
    event = next(log.read_all(position - 1, position), None) if position else None
    return {"position": position, "time": event and text(event.recorded_at)}


@contextmanager
def snapshot_at(log: EventStore, point: Point, folder: Path, field: str = "as_of") -> Iterator[Snapshot]:
    """A snapshot of a position or time, for the same questions. `folder` keeps the tables of earlier positions."""
    with tables_as_of(log, position_of(log, point, field), folder) as earlier, earlier.snapshot() as snapshot:
        yield snapshot
