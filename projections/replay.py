"""Rebuilding the read models from the log: beside the ones that serve, compared with them, and swapped in one step.

Readers never notice: what served goes on serving until the new rows are complete and up to the head.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

import msgspec
from msgspec import Struct

from ledger.envelope import RecordedEvent, RowChange, category_of
from ledger.errors import Invalid, Unavailable
from ledger.store import EventStore
from projections.catalog import BY_CATEGORY, PROJECTIONS
from projections.projector import Rows, advance, change, fold
from projections.row import Entries, Projection, Row
from projections.tables import Generation, Snapshot, Tables, pages

SHOWN = 10  # differences that a report names; it counts all
PAGE = 1000  # entries read at a time
NOWHERE = ("", "", "")  # before the first entry


class Difference(Struct, frozen=True, kw_only=True):
    """The first field in which a stored row is not what the log adds up to; None is what is not there."""

    id: str
    field: str
    stored: Any
    replayed: Any


class Rebuilt(Struct, frozen=True, kw_only=True):
    """What a replay found out of one read model. `equal` is None if nothing served to compare with."""

    projection: str
    rows: int
    equal: bool | None
    different: int = 0
    differences: tuple[Difference, ...] = ()


class Report(Struct, frozen=True, kw_only=True):
    """`as_of` is the position at which stored and replayed rows were compared."""

    as_of: int
    projections: dict[str, Rebuilt]

    @property
    def equal(self) -> bool:
        """Whether nothing is known to differ."""
        return all(found.equal is not False for found in self.projections.values())


def check(log: EventStore, tables: Tables, projections: Sequence[str] = ()) -> Report:
    """Compares read models (default: all) with what the log adds up to. Changes nothing."""
    return _compared(log, tables, _named(projections))[0]


def replay(log: EventStore, tables: Tables, projections: Sequence[str] = ()) -> Report:
    """Rebuilds read models (default: all) and lets the new rows serve. The report tells how the old ones compared."""
    names = _named(projections)
    report, rows, reached = _compared(log, tables, names)
    _rebuild(log, tables, names, rows, reached)
    return report


def catch_up(log: EventStore, tables: Tables) -> None:
    """Brings this program's read models up to the log, if another program wrote past them; else does nothing."""
    behind = tables.behind()
    if not behind:
        return
    fresh = [name for name, seen in behind.items() if seen == 0]
    if fresh:  # the long part without the lock
        _rebuild(log, tables, fresh, {}, 0)
    with log.exclusively():
        if still_behind := tables.behind():
            _extend(log, tables, still_behind)


def _compared(log: EventStore, tables: Tables, names: Sequence[str]) -> tuple[Report, Rows, int]:
    """The report, the rows that the log adds up to, and the position of its last event in them."""
    rows, reached = _advanced(log, {}, 0)
    try:
        with tables.snapshot() as snapshot:
            as_of = snapshot.as_of.position
            rows, reached = _advanced(log, rows, reached, as_of)
            found = {name: _compare(snapshot, PROJECTIONS[name], rows) for name in names}
    except Unavailable:
        if not tables.behind():
            raise
        as_of = reached
        found = {name: Rebuilt(projection=name, rows=_count(rows, name), equal=None) for name in names}
    return Report(as_of=as_of, projections=found), rows, reached


def _advanced(log: EventStore, rows: Rows, reached: int, last: int | None = None) -> tuple[Rows, int]:
    for event in log.read_all(reached):
        if last is not None and event.position > last:
            break
        advance(rows, event)
        reached = event.position
    return rows, reached


def _rebuild(log: EventStore, tables: Tables, names: Sequence[str], rows: Rows, reached: int) -> None:
    """Builds new generations from rows that are as of `reached`, and swaps."""
    rows, reached = _advanced(log, rows, reached)
    with tables.rebuilding(names) as new:
        _put(new, names, {}, rows)
        with log.exclusively():
            tail = list(log.read_all(reached))
            before = {stream: rows[stream] for stream in _streams(tail) if stream in rows}
            for event in tail:
                advance(rows, event)
            _put(new, names, before, {stream: rows[stream] for stream in _streams(tail)})
            new.serve()


def _extend(log: EventStore, tables: Tables, behind: Mapping[str, int]) -> None:
    """Folds what the generations that are there have not seen into them."""
    missed = [
        event
        for event in log.read_all(min(behind.values()))
        if event.position > behind.get(_projection_of(event.stream_id), event.position)
    ]
    histories = log.read_streams(_streams(missed)).events
    seen = [
        event
        for stream, events in histories.items()
        for event in events
        if event.position <= behind[_projection_of(stream)]
    ]
    before = fold(seen)
    after = fold(event for events in histories.values() for event in events)
    with tables.extending(behind) as there:
        _put(there, list(behind), before, after)
        there.serve()


def _put(generation: Generation, names: Sequence[str], before: Rows, after: Rows) -> None:
    for name, streams in _by_projection(after):
        if name in names:
            generation.put(name, _changes(PROJECTIONS[name], streams, before, after))


def _changes(projection: Projection[Any], streams: Iterable[str], before: Rows, after: Rows) -> Iterator[RowChange]:
    for stream in streams:
        yield change(projection, before.get(stream), after[stream], after[stream].position)


def _compare(snapshot: Snapshot, projection: Projection[Any], rows: Rows) -> Rebuilt:
    category = projection.decider.category
    replayed = {row.id: row for stream, row in rows.items() if category_of(stream) == category}
    entries = _stored_entries(snapshot, projection.name)
    differences: list[Difference] = []
    unseen = set(replayed)
    for stored in pages(snapshot, category, snapshot.generation(projection.name)):
        thing = stored["id"]
        unseen.discard(thing)
        differences += _differences(projection, stored, entries.pop(thing, frozenset()), replayed.get(thing))
    differences += [Difference(id=thing, field="id", stored=None, replayed=thing) for thing in sorted(unseen)]
    differences += [
        Difference(id=thing, field="entries", stored=sorted(found), replayed=None)
        for thing, found in entries.items()
        if thing not in unseen
    ]
    differences += _other_terms(snapshot, projection, [replayed[thing] for thing in replayed.keys() - unseen])
    return Rebuilt(
        projection=projection.name,
        rows=len(replayed),
        equal=not differences,
        different=len(differences),
        differences=tuple(differences[:SHOWN]),
    )


def _differences(
    projection: Projection[Any], stored: Mapping[str, Any], entries: Entries, replayed: Row | None
) -> Iterator[Difference]:
    """At most one: the first."""
    if replayed is None:
        yield Difference(id=stored["id"], field="id", stored=stored["id"], replayed=None)
        return
    there = _flat(stored["version"], stored["position"], stored["doc"], entries)
    expected = _flat(
        replayed.version, replayed.position, projection.document(replayed), projection.entries_of(replayed)
    )
    for field in [*expected, *(field for field in there if field not in expected)]:
        if not _same(there.get(field), expected.get(field)):
            yield Difference(id=replayed.id, field=field, stored=there.get(field), replayed=expected.get(field))
            return


def _other_terms(snapshot: Snapshot, projection: Projection[Any], rows: Sequence[Row]) -> Iterator[Difference]:
    """Rows that are not found by the words that are in them."""
    if projection.texts is None:
        return
    for at in range(0, len(rows), PAGE):
        words = {row.id: projection.terms(None, row) for row in rows[at : at + PAGE]}
        given = {"ids": list(words), "words": list(words.values())}
        for found in snapshot.ask(f"{projection.name}/differing_terms", **given):
            yield Difference(id=found["id"], field="terms", stored="other words", replayed=words[found["id"]])


def _flat(version: int | str, position: int, document: bytes, entries: Entries) -> dict[str, Any]:
    return {"version": version, "position": position, **msgspec.json.decode(document), "entries": sorted(entries)}


def _same(one: Any, other: Any) -> bool:
    """As JSON; numbers by their value, because a database may write 1e20 in another way."""
    match one, other:
        case (dict(), dict()):
            return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
        case (list() | tuple(), list() | tuple()):
            return len(one) == len(other) and all(map(_same, one, other))
        case (bool(), _) | (_, bool()):
            return one is other
        case (float(), int() | float()) | (int(), float()):
            return float(one) == float(other)
        case _:
            return bool(one == other)


def _stored_entries(snapshot: Snapshot, name: str) -> dict[str, Entries]:
    found: dict[str, set[tuple[str, str]]] = {}
    relation, target, thing = NOWHERE
    while page := snapshot.ask(
        "entries/of_generation",
        generation=snapshot.generation(name),
        after_relation=relation,
        after_target=target,
        after_id=thing,
        limit=PAGE,
    ):
        for entry in page:
            relation, target, thing = entry["relation"], entry["target"], entry["id"]
            found.setdefault(thing, set()).add((relation, target))
    return {thing: frozenset(entries) for thing, entries in found.items()}


def _named(given: Sequence[str]) -> list[str]:
    unknown = [name for name in given if name not in PROJECTIONS]
    if unknown:
        raise Invalid(
            f"no read model is called {', '.join(unknown)}",
            next_step=f"name some of {', '.join(PROJECTIONS)}, or none for all",
            fields=[
                {"field": "projection", "problem": "is not a read model", "value": name, "allowed": list(PROJECTIONS)}
                for name in unknown
            ],
        )
    return list(dict.fromkeys(given)) or list(PROJECTIONS)


def _streams(events: Iterable[RecordedEvent]) -> list[str]:
    """The streams of events that have rows."""
    return list(dict.fromkeys(event.stream_id for event in events if category_of(event.stream_id) in BY_CATEGORY))


def _projection_of(stream: str) -> str:
    projection = BY_CATEGORY.get(category_of(stream))
    return projection.name if projection else ""


def _by_projection(rows: Rows) -> Iterator[tuple[str, Iterator[str]]]:
    key: Callable[[str], str] = _projection_of
    yield from groupby(sorted(rows, key=key), key)


def _count(rows: Rows, name: str) -> int:
    return sum(_projection_of(stream) == name for stream in rows)
