"""From events to rows: the same folding for the append, for a replay and for an earlier position."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any

from msgspec import Raw
from msgspec.structs import replace

from ledger.aggregates.erasure.decider import CATEGORY as ERASURE
from ledger.catalog import fact_of, is_known_kind, reading_of
from ledger.envelope import (
    Fact,
    ProposedEvent,
    RecordedEvent,
    RecordedFact,
    RowChange,
    category_of,
    id_of,
    recorded_fact,
)
from ledger.values.moment import text
from projections.read_models.catalog import BY_CATEGORY, PROJECTIONS
from projections.read_models.columns import Values, values_of
from projections.read_models.projection import Projection, Row, Stamps, behind

Rows = dict[str, Row]  # by stream


class Fold:
    """Rows in the making: what a log, or the histories of some streams, add up to.

    It keeps what the rows will need and nothing of the events, so it grows with the rows. `unknown` counts the events
    that only a newer program understands: they are in the versions and change nothing else.
    """

    def __init__(self) -> None:
        self._rows: dict[str, _GrowingRow | None] = {}
        self._readings: dict[tuple[str, int], Callable[[Raw], Fact]] = {}
        self.unknown: Counter[tuple[str, int]] = Counter()
        self.reached = 0  # the position of the last event
        self.last_erasure = 0  # what was read before it was recorded may hold texts that are gone

    def add(self, facts: Iterable[RecordedFact]) -> set[str]:
        """Takes events in their order. Answers the streams that have rows and were touched."""
        rows, readings, touched = self._rows, self._readings, set()
        for fact in facts:
            stream = fact.stream_id
            kind = (fact.type, fact.schema)
            read = readings.get(kind) or self._reading(kind)
            self.reached = fact.position
            row = rows[stream] if stream in rows else self._begun(stream, fact)
            if self.unknown and kind in self.unknown:
                self.unknown[kind] += 1
            if row is None:
                continue
            if fact.version != row.version + 1:
                raise behind(row.projection, id_of(stream), row.version, fact.version)
            row.state = row.after(row.state, read(fact.data))
            row.version, row.position = fact.version, fact.position
            row.updated_at, row.updated_by = fact.occurred_at, fact.by
            touched.add(stream)
        return touched

    def streams(self, projection: str) -> list[str]:
        """The streams whose rows belong to a read model."""
        return [stream for stream, row in self._rows.items() if row and row.projection.name == projection]

    def row(self, stream: str) -> Row | None:
        row = self._rows.get(stream)
        if row is None:
            return None
        stamps = Stamps(
            created_at=text(row.created_at),
            created_by=row.created_by,
            updated_at=text(row.updated_at),
            updated_by=row.updated_by,
        )
        return Row(id=id_of(stream), version=row.version, position=row.position, stamps=stamps, state=row.state)

    def _begun(self, stream: str, fact: RecordedFact) -> "_GrowingRow | None":
        """An unknown category has no row."""
        projection = BY_CATEGORY.get(category_of(stream))
        row = self._rows[stream] = _GrowingRow(projection, fact) if projection else None
        if category_of(stream) == ERASURE:
            self.last_erasure = fact.position
        return row

    def _reading(self, kind: tuple[str, int]) -> Callable[[Raw], Fact]:
        read = self._readings[kind] = reading_of(*kind)
        if not is_known_kind(*kind):
            self.unknown[kind] = 0
        return read


def advance(rows: Rows, event: RecordedEvent) -> None:
    """Brings the row of the event's stream one event further. An unknown category has no row."""
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


class _GrowingRow:
    """What the events of one stream add up to so far."""

    __slots__ = (
        "after", "created_at", "created_by", "position", "projection", "state", "updated_at", "updated_by", "version",
    )  # fmt: skip

    def __init__(self, projection: Projection[Any], first: RecordedFact) -> None:
        self.projection = projection
        self.after = projection.decider.after
        self.state: Any = projection.decider.initial
        self.version = self.position = 0
        self.created_at = self.updated_at = first.occurred_at
        self.created_by = self.updated_by = first.by


def fold(events: Iterable[RecordedEvent]) -> Rows:
    """The rows that some streams' events add up to."""
    folded = Fold()
    streams = folded.add(map(recorded_fact, events))
    return {stream: row for stream in streams if (row := folded.row(stream))}


def propose(
    past: Callable[[str], list[RecordedEvent]], state: Callable[[str], Any], events: Iterable[ProposedEvent]
) -> Iterator[RowChange]:
    """The rows to write together with proposed events; one row a stream, as its last event leaves it.

    `past` and `state` are what the decision has looked at: a stream's history and what it adds up to.
    """
    before: dict[str, Row | None] = {}
    after: dict[str, tuple[int, Row]] = {}
    for n, event in enumerate(events):
        stream, projection = event.stream_id, BY_CATEGORY.get(category_of(event.stream_id))
        if projection is None:  # an erasure has no row
            continue
        if stream not in before:
            before[stream] = _row_of(stream, past(stream), state)
        row = after[stream][1] if stream in after else before[stream]
        entity_id = id_of(stream)
        row = projection.project(
            row, event.fact, id=entity_id, version=event.version, position=0, by=event.by, at=event.occurred_at
        )
        after[stream] = (n, row)
    for stream, (n, row) in after.items():
        projection = BY_CATEGORY[category_of(stream)]
        made = change(projection, before[stream], row, n)
        yield replace(made, columns=_values(projection.name)(made.doc))


@cache
def _values(projection: str) -> Values:
    return values_of(PROJECTIONS[projection].columns)


def _row_of(stream: str, past: list[RecordedEvent], state: Callable[[str], Any]) -> Row | None:
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
        is_new=before is None,
        terms=projection.terms(before, after),
        added=tuple(sorted(new - old)),
        dropped=tuple(sorted(old - new)),
    )
