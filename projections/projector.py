"""From events to rows: the same folding for the append, for a replay and for an earlier position."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ledger.catalog import fact_of
from ledger.envelope import ProposedEvent, RecordedEvent, RowChange, category_of, id_of
from ledger.moment import text
from projections.catalog import BY_CATEGORY
from projections.row import Projection, Row, Stamps

Rows = dict[str, Row]  # by stream


def advance(rows: Rows, event: RecordedEvent) -> None:
    """Brings the row of the event's stream one event further. A category nobody knows has no row."""
    projection = BY_CATEGORY.get(category_of(event.stream_id))
    if projection is not None:
        rows[event.stream_id] = projection.project(
            rows.get(event.stream_id),
            fact_of(event),
            id=id_of(event.stream_id),
            version=event.version,
            position=event.position,
            by=event.by,
            at=event.occurred_at,
        )


def fold(events: Iterable[RecordedEvent]) -> Rows:
    """The rows that a log, or the histories of some streams, add up to."""
    rows: Rows = {}
    for event in events:
        advance(rows, event)
    return rows


def propose(
    past: Callable[[str], list[RecordedEvent]], state: Callable[[str], Any], events: Iterable[ProposedEvent]
) -> Iterator[RowChange]:
    """The rows to write together with proposed events; one row a stream, as its last event leaves it.

    `past` and `state` are what the decision has looked at: a stream's history and what it adds up to.
    """
    before: dict[str, Row | None] = {}
    after: dict[str, tuple[int, Row]] = {}
    for n, event in enumerate(events):
        stream, projection = event.stream_id, BY_CATEGORY[category_of(event.stream_id)]
        if stream not in before:
            before[stream] = _standing(stream, past(stream), state)
        row = after[stream][1] if stream in after else before[stream]
        thing = id_of(stream)
        row = projection.project(
            row, event.fact, id=thing, version=event.version, position=0, by=event.by, at=event.occurred_at
        )
        after[stream] = (n, row)
    for stream, (n, row) in after.items():
        yield change(BY_CATEGORY[category_of(stream)], before[stream], row, n)


def _standing(stream: str, past: list[RecordedEvent], state: Callable[[str], Any]) -> Row | None:
    """The row that a fold of the whole past would end with, without folding it again."""
    if not past:
        return None
    first, last = past[0], past[-1]
    stamps = Stamps(
        created_at=text(first.occurred_at), created_by=first.by, updated_at=text(last.occurred_at), updated_by=last.by
    )
    return Row(id=id_of(stream), version=last.version, position=last.position, stamps=stamps, state=state(stream))


def change(projection: Projection[Any], before: Row | None, after: Row, n: int) -> RowChange:
    old, new = projection.entries_of(before), projection.entries_of(after)
    return RowChange(
        projection=projection.name,
        id=after.id,
        version=after.version,
        n=n,
        doc=projection.document(after),
        terms=projection.terms(before, after),
        added=tuple(sorted(new - old)),
        dropped=tuple(sorted(old - new)),
    )
