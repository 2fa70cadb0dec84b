"""From events to rows: the same folding for the append, for a replay and for an earlier position."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from itertools import islice
from typing import Any, NamedTuple

from msgspec import Raw, Struct
from msgspec.structs import replace

from ledger.aggregates.erasure.decider import CATEGORY as ERASURE
from ledger.catalog import fact_of, is_known_kind, readings_of
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
from ledger.values.revision import Changes, apply, fields_of
from projections.read_models.catalog import BY_CATEGORY, PROJECTIONS
from projections.read_models.columns import Values, values_of
from projections.read_models.projection import Projection, Row, Stamps, behind

Rows = dict[str, Row]  # by stream
Readings = Callable[[Sequence[Raw]], list[Fact]]
AT_ONCE = 100  # events that are decoded together; more of them leave the processor's cache
GROWING = 20_000  # rows at most that are kept as states


class Fold:
    """Rows in the making: what a log, or the histories of some streams, add up to.

    It keeps what the rows will need and nothing of the events, so it grows with the rows. Of many, the `growing` that
    events came for last are kept as states, the others as their documents, which take less memory. `unknown` counts the
    events that only a newer program understands: they are in the versions and change nothing else.
    """

    def __init__(self, growing: int = GROWING) -> None:
        self._rows: dict[str, _GrowingRow | _Document | None] = {}  # None: an unknown category has no row
        self._growing: dict[str, _GrowingRow] = {}
        self._most_growing = growing
        self._readings: dict[tuple[str, int], Readings] = {}
        self.unknown: Counter[tuple[str, int]] = Counter()
        self.reached = 0  # the position of the last event
        self.last_erasure = 0  # what was read before it was recorded may hold texts that are gone

    def add(self, facts: Iterable[RecordedFact]) -> None:
        """Takes events in their order."""
        left = iter(facts)
        while taken := list(islice(left, AT_ONCE)):
            self._add(taken)
            if len(self._growing) > self._most_growing:
                self._put_by()

    def streams(self, projection: str) -> list[str]:
        """The streams whose rows belong to a read model."""
        category = PROJECTIONS[projection].decider.category
        return [stream for stream, row in self._rows.items() if row and category_of(stream) == category]

    def row(self, stream: str) -> Row | None:
        row = self._rows.get(stream)
        if isinstance(row, _GrowingRow):
            return row.row(id_of(stream))
        return row and BY_CATEGORY[category_of(stream)].row(id_of(stream), *row)

    def rows(self) -> Rows:
        return {stream: row for stream in self._rows if (row := self.row(stream))}

    def _add(self, taken: Sequence[RecordedFact]) -> None:
        growing = self._growing
        for recorded, fact in zip(taken, self._read(taken), strict=True):
            stream = recorded.stream_id
            row = growing.get(stream) or self._row_for(stream, recorded)
            self.reached = recorded.position
            if row is None:
                continue
            version = recorded.version
            if version != row.version + 1:
                raise behind(row.projection, id_of(stream), row.version, version)
            row.add(fact)
            row.version, row.position = version, recorded.position
            row.updated_at, row.updated_by = recorded.occurred_at, recorded.by

    def _read(self, taken: Sequence[RecordedFact]) -> Iterator[Fact]:
        """What the events say. The payloads of one kind are read at once."""
        kinds = [(recorded.type, recorded.schema) for recorded in taken]
        payloads: dict[tuple[str, int], list[Raw]] = {kind: [] for kind in set(kinds)}
        for kind, recorded in zip(kinds, taken, strict=True):
            payloads[kind].append(recorded.data)
        facts = {kind: iter(self._reading(kind)(of_kind)) for kind, of_kind in payloads.items()}
        self.unknown.update({kind: len(payloads[kind]) for kind in payloads if not is_known_kind(*kind)})
        return (next(facts[kind]) for kind in kinds)

    def _reading(self, kind: tuple[str, int]) -> Readings:
        return self._readings.get(kind) or self._readings.setdefault(kind, readings_of(*kind))

    def _row_for(self, stream: str, fact: RecordedFact) -> "_GrowingRow | None":
        """The row of a stream that is not among the growing ones, where there is one after the event."""
        row, category = self._rows.get(stream), category_of(stream)
        if category == ERASURE:
            self.last_erasure = fact.position
        projection = BY_CATEGORY.get(category)
        if projection is None:
            self._rows[stream] = None
            return None
        before = projection.row(id_of(stream), *row) if isinstance(row, _Document) else None
        grown = self._rows[stream] = self._growing[stream] = _GrowingRow(projection, fact, before)
        return grown

    def _put_by(self) -> None:
        """Makes documents of half of the growing rows, those whose last events are the oldest."""
        oldest = sorted(self._growing, key=lambda stream: self._growing[stream].position)
        for stream in oldest[: len(oldest) // 2 + 1]:
            grown = self._growing.pop(stream)
            row = grown.row(id_of(stream))
            self._rows[stream] = _Document(grown.version, row.position, grown.projection.document(row))


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


class _Document(NamedTuple):
    """A row that no event has come for lately."""

    version: int
    position: int
    document: bytes


class _GrowingRow:
    """What the events of one stream add up to so far.

    Revisions of whole fields wait until another event comes or the row is asked for: what is revised again meanwhile is
    set once.
    """

    __slots__ = (
        "created_at", "created_by", "decider", "fields", "position", "projection", "revised", "state", "updated_at",
        "updated_by", "version", "waiting",
    )  # fmt: skip

    def __init__(self, projection: Projection[Any], fact: RecordedFact, before: Row | None) -> None:
        """Begins with the first event of the stream, or with the row `before` and its next event."""
        self.projection = projection
        self.decider = projection.decider
        self.revised = projection.decider.revised
        initial: Struct = projection.decider.initial
        self.state: Struct = before.state if before else initial
        self.fields = fields_of(type(initial))
        self.waiting: Changes = {}
        self.version: Any = before.version if before else 0
        self.position = before.position if before else 0
        self.created_at = before.stamps.created_at if before else text(fact.occurred_at)
        self.created_by = before.stamps.created_by if before else fact.by
        self.updated_at, self.updated_by = fact.occurred_at, fact.by

    def add(self, fact: Any) -> None:
        if type(fact) is self.revised and not fact.also and self.fields.issuperset(fact.changes):
            self.waiting.update(fact.changes)
        else:
            self.state = self.decider.after(self._settled(), fact)

    def row(self, id: str) -> Row:
        stamps = Stamps(
            created_at=self.created_at,
            created_by=self.created_by,
            updated_at=text(self.updated_at),
            updated_by=self.updated_by,
        )
        return Row(id=id, version=self.version, position=self.position, stamps=stamps, state=self._settled())

    def _settled(self) -> Struct:
        if self.waiting:
            self.state = apply(self.state, self.waiting)
            self.waiting = {}
        return self.state


def fold(events: Iterable[RecordedEvent]) -> Rows:
    """The rows that some streams' events add up to."""
    folded = Fold()
    folded.add(map(recorded_fact, events))
    return folded.rows()


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
    kept = {entry[:2] for entry in new}
    return RowChange(
        projection=projection.name,
        id=after.id,
        version=after.version,
        n=n,
        doc=projection.document(after),
        is_new=before is None,
        terms=projection.terms(before, after),
        added=tuple(sorted(new - old)),
        dropped=tuple(sorted(entry for entry in old - new if entry[:2] not in kept)),
    )
