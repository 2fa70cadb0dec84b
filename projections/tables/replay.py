"""Rebuilding the read models from the log: beside the ones that serve, compared with them, and swapped in one step.

Readers never notice: what served goes on serving until the new rows are complete and up to the head. Writers wait for
the swap only, because everything that takes long is done before the log is locked.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import msgspec
from msgspec import Raw, Struct

from ledger.envelope import Past, RecordedEvent, RecordedFact, RowChange, category_of
from ledger.errors import Damaged, Invalid, Refused, Unavailable
from ledger.store import EventStore
from projections.read_models.catalog import BY_CATEGORY, PROJECTIONS
from projections.read_models.fold import Fold, Rows, change, fold
from projections.read_models.projection import Projection
from projections.tables.compare import Comparison, compare
from projections.tables.contract import Generation, Tables

PORTION = 2000  # events folded between two looks at the progress
SHORT = 200  # events that may be left for the time under the lock
ROUNDS = 20  # of catching up before the lock, should writers never pause
RETRY_SECONDS, RETRIES = 0.2, 25  # while another program builds the same read models

_encode = msgspec.json.Encoder().encode

# (what is counted: "events" or "rows", how many are done, how many there are)
Progress = Callable[[str, int, int], None]


class LogSource(Protocol):
    """The log, or a copy of its beginning, such as the journal."""

    def read_facts(self, after: int = 0, up_to: int | None = None) -> Iterator[RecordedFact]: ...

    def read_all(self, after: int = 0, up_to: int | None = None) -> Iterator[RecordedEvent]: ...

    def read_streams(self, streams: Iterable[str]) -> Past: ...


class ErasedMeanwhile(Refused):
    """Texts were erased after a fold was begun, whose rows would hold them."""


class Unknown(Struct, frozen=True, kw_only=True):
    """Events that only a newer program understands; they are in their rows' versions and changed nothing else."""

    type: str
    schema: int
    events: int


class Report(Struct, frozen=True, kw_only=True):
    """`as_of` is the position up to which the log was folded."""

    as_of: int
    projections: dict[str, Comparison]
    unknown: tuple[Unknown, ...] = ()

    @property
    def equal(self) -> bool:
        """Whether nothing is known to differ."""
        return all(found.equal is not False for found in self.projections.values())


def no_progress(what: str, done: int, total: int) -> None:
    """Progress that is not shown."""


def check(
    log: EventStore,
    tables: Tables,
    projections: Sequence[str] = (),
    *,
    source: LogSource | None = None,
    until: int | None = None,
    progress: Progress = no_progress,
) -> Report:
    """Compares read models (default: all) with what the log adds up to. Changes nothing.

    With `source` the fold begins with that copy of the log. With `until`, a position, it ends there, and only rows
    that did not change since are compared.
    """
    names = _checked_names(projections)
    folded = folded_until(log, until, source=source, progress=progress)
    try:
        with tables.snapshot() as snapshot:
            if until is None:
                _fold(folded, log, snapshot.as_of.position, progress)
            found = {name: compare(snapshot, PROJECTIONS[name], folded) for name in names}
    except Unavailable:
        if not tables.behind():
            raise
        found = _uncompared(names, folded)
    return Report(as_of=folded.reached, projections=found, unknown=_unknown(folded))


def replay(
    log: EventStore,
    tables: Tables,
    projections: Sequence[str] = (),
    *,
    source: LogSource | None = None,
    progress: Progress = no_progress,
) -> Report:
    """Rebuilds read models (default: all) and lets the new rows serve.

    With `source` the fold begins with that copy of the log and is completed from the log. Raises Refused while another
    replay of this ledger is under way, Damaged when the copy is not the log's beginning.
    """
    names = _checked_names(projections)
    with tables.rebuild_lock():
        folded = _rebuilt(log, tables, names, source, progress)
    return Report(as_of=folded.reached, projections=_uncompared(names, folded), unknown=_unknown(folded))


def _rebuilt(
    log: EventStore, tables: Tables, names: Sequence[str], source: LogSource | None, progress: Progress
) -> Fold:
    """Again, where texts were erased meanwhile that the rows would hold."""
    while True:
        folded = folded_until(log, None, source=source, progress=progress)
        try:
            swap_in(log, tables, names, folded, progress)
        except ErasedMeanwhile:
            continue
        return folded


def swap_in(
    log: EventStore, tables: Tables, names: Sequence[str], folded: Fold, progress: Progress = no_progress
) -> None:
    """Lets the rows of a fold serve, completed from the log. Call it while `tables.rebuild_lock()` is open.

    Raises ErasedMeanwhile, and then nothing has changed.
    """
    begun = folded.reached
    with tables.rebuilding(names) as new:
        _fill(new, names, folded, progress)
        for _ in range(ROUNDS):
            if _follow(log, new, names, folded) <= SHORT:
                break
        with log.exclusively():
            _follow(log, new, names, folded)
            _check_erasures(folded, begun)
            new.serve()


def bring_up(log: EventStore, tables: Tables, names: Sequence[str], folded: Fold) -> None:
    """Brings rows that serve, are behind and hold what was folded up to the log's head, and the fold with them."""
    begun = folded.reached
    with log.exclusively(), tables.extending(names) as there:
        _follow(log, there, names, folded)
        _check_erasures(folded, begun)
        there.serve()


def write(
    log: EventStore,
    projections: Sequence[str],
    file: Path,
    *,
    source: LogSource | None = None,
    until: int | None = None,
    progress: Progress = no_progress,
) -> Report:
    """Writes the rows as of a position (default: the head) to a new file, one JSON object a line.

    Raises Invalid for a file that is there already or cannot be written.
    """
    names = _checked_names(projections)
    with _new(file) as lines:
        folded = folded_until(log, until, source=source, progress=progress)
        for name in names:
            for row in changes(folded, PROJECTIONS[name]):
                place = {"projection": name, "id": row.id, "version": row.version, "position": row.n}
                lines.write(_encode({**place, "row": Raw(row.doc)}) + b"\n")
    return Report(as_of=folded.reached, projections=_uncompared(names, folded), unknown=_unknown(folded))


def catch_up(log: EventStore, tables: Tables) -> None:
    """Brings this program's read models up to the log, if another program wrote past them; else does nothing."""
    for _ in range(RETRIES):  # the long part without the lock
        fresh = [name for name, seen in tables.behind().items() if seen == 0]
        if not fresh:
            break
        try:
            replay(log, tables, fresh)
        except Refused:  # another program is at it, and may be waiting for a lock that the caller holds
            time.sleep(RETRY_SECONDS)
    if tables.behind():
        with log.exclusively():
            if still_behind := tables.behind():
                _extend(log, tables, still_behind)


def folded_until(
    log: EventStore, until: int | None, *, source: LogSource | None = None, progress: Progress = no_progress
) -> Fold:
    """What the log adds up to at a position, or at its head; read from a copy of it as far as that goes."""
    folded = Fold()
    if source is not None:
        _fold(folded, source, until, progress)
        _prove(log, source, folded.reached)
    copied = folded.reached
    _fold(folded, log, until, progress)
    if folded.last_erasure > copied > 0:  # the copy may hold what was erased since
        return folded_until(log, until, progress=progress)
    return folded


def changes(folded: Fold, projection: Projection[Any]) -> Iterator[RowChange]:
    """Every row of a read model."""
    for stream in folded.streams(projection.name):
        if row := folded.row(stream):
            yield change(projection, None, row, row.position)


@contextmanager
def _new(file: Path) -> Iterator[BinaryIO]:
    try:
        opened = file.open("xb")
    except OSError as error:
        raise Invalid(
            f"{file} cannot be written: {error.strerror}",
            next_step="name a new file in a folder that is there",
            fields=[{"field": "output", "problem": f"cannot be written: {error.strerror}", "value": str(file)}],
        ) from error
    with opened:
        try:
            yield opened
        except BaseException:
            file.unlink(missing_ok=True)
            raise


def _check_erasures(folded: Fold, begun: int) -> None:
    if folded.last_erasure > begun:
        raise ErasedMeanwhile(
            f"texts were erased at position {folded.last_erasure}, after these rows were begun",
            rule="erased_meanwhile",
            items=[],
            next_step="repeat it",
        )


def _fold(folded: Fold, log: LogSource, until: int | None, progress: Progress) -> None:
    facts = log.read_facts(folded.reached, until)
    total = until or log.read_streams([]).head
    while portion := list(islice(facts, PORTION)):
        folded.add(portion)
        progress("events", folded.reached, max(total, folded.reached))


def _prove(log: EventStore, source: LogSource, position: int) -> None:
    """Whether a copy of the log's beginning is one: the chain of digests says it by its end."""
    ends = [next(each.read_all(position - 1, position), None) for each in (source, log)] if position else []
    if len({end and end.digest for end in ends}) > 1:
        raise Damaged(
            f"the copy's event at position {position} is not the log's: it is another history",
            next_step="replay from the log itself, and see `tracking-ledger doctor`",
            position=position,
        )


def _fill(new: Generation, names: Sequence[str], folded: Fold, progress: Progress) -> None:
    total = sum(len(folded.streams(name)) for name in names)
    done = 0

    def counted(rows: Iterable[RowChange]) -> Iterator[RowChange]:
        nonlocal done
        for row in rows:
            yield row
            done += 1
            if done % PORTION == 0 or done == total:
                progress("rows", done, total)

    for name in names:
        new.put(name, counted(changes(folded, PROJECTIONS[name])))


def _follow(log: EventStore, new: Generation, names: Sequence[str], folded: Fold) -> int:
    """Puts what was recorded meanwhile. Answers how many events that were."""
    begun = folded.reached
    facts = log.read_facts(begun)
    while portion := list(islice(facts, PORTION)):
        streams = {fact.stream_id for fact in portion}
        before = {stream: row for stream in streams if (row := folded.row(stream))}
        folded.add(portion)
        _put(new, names, before, {stream: row for stream in streams if (row := folded.row(stream))})
    return folded.reached - begun


def _extend(log: EventStore, tables: Tables, behind: Mapping[str, int]) -> None:
    """Folds what the generations that are there have not seen into them."""
    missed = {
        event.stream_id
        for event in log.read_all(min(behind.values()))
        if event.position > behind.get(_projection_of(event.stream_id), event.position)
    }
    histories = log.read_streams(missed).events
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
    for name in names:
        of_this = [stream for stream in after if _projection_of(stream) == name]
        if of_this:
            rows = (change(PROJECTIONS[name], before.get(s), after[s], after[s].position) for s in of_this)
            generation.put(name, rows)


def _uncompared(names: Sequence[str], folded: Fold) -> dict[str, Comparison]:
    return {name: Comparison(projection=name, rows=len(folded.streams(name)), equal=None) for name in names}


def _unknown(folded: Fold) -> tuple[Unknown, ...]:
    return tuple(Unknown(type=kind[0], schema=kind[1], events=n) for kind, n in sorted(folded.unknown.items()) if n)


def _checked_names(given: Sequence[str]) -> list[str]:
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


def _projection_of(stream: str) -> str:
    projection = BY_CATEGORY.get(category_of(stream))
    return projection.name if projection else ""
