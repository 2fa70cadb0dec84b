"""The journal: this machine's copy of the confirmed log, one line a position, proved line by line.

Only a follower appends, and only at the end, but for an erasure: with that the file is rewritten beside the old one,
the erased lines and the new ones together, and renamed, so no machine knows of an erasure that it has not done. An
unfinished last line is what a killed process left: it counts as not there, and the next append cuts it. A whole line
that does not parse or chain is damage: everything before it answers, nothing behind it does, and it is named with its
number.

An index beside it (in the cache's file, made again when lost) knows where each line begins, so that opening and asking
for a stream read next to nothing. It is only trusted to find lines: each line that is read is proved again.
"""

import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO
from uuid import UUID

import msgspec
from msgspec import Struct

from ledger.across.erasure import applied, payloads_in
from ledger.aggregates.erasure.decider import CATEGORY as ERASURE
from ledger.codec import origin_digest
from ledger.envelope import Past, Recorded, RecordedEvent, RecordedFact, recorded_fact
from ledger.errors import Damaged, Unavailable
from ledger.machine.disk import append_at, bytes_at, make_schema, stamp_of, sync_folder, transaction, whole_lines
from ledger.offline.lines import event_of, line_of, with_payload
from ledger.resources import sql
from ledger.values.moment import EPOCH, microseconds

FILE = "journal.jsonl"
FOLLOW_LOCK = "follow.lock"  # held by the process that appends, which never waits for it, or sets the journal aside
WAIT_SECONDS = 10.0  # for another process that writes to the index
PAGE = 1000  # lines looked up at once
NEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0)  # how a draft is opened

LAST = "SELECT position, digest, recorded_at, begins + length, begins, length FROM journal_lines ORDER BY position DESC"
ADD = "INSERT INTO journal_lines VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
FORGET = "DELETE FROM journal_lines WHERE position >= ?"
LINES = "SELECT position, begins, length, digest FROM journal_lines WHERE position BETWEEN ? AND ? ORDER BY position"
OF_STREAM = "SELECT position FROM journal_lines WHERE stream_id = ? ORDER BY version"
OF_COMMAND = "SELECT position FROM journal_lines WHERE command_id = ? ORDER BY position"
OF_COMMANDS = (
    "SELECT command_id, max(position) FROM journal_lines"
    " WHERE command_id IN (SELECT value FROM json_each(?)) GROUP BY command_id"
)
LAST_ERASURE = "SELECT coalesce(max(position), 0) FROM journal_lines WHERE stream_id >= ? AND stream_id < ?"
RECORDED_AT = "SELECT recorded_at FROM journal_lines WHERE position = ?"

Proved = Mapping[tuple[bytes, bytes], RecordedEvent]  # (the digest before it, its line) -> the event
NOTHING: Proved = {}


class Head(Struct, frozen=True, kw_only=True):
    """The end of a log: its last position, that event's digest and ledger time. At position 0 the ledger's origin."""

    position: int
    digest: bytes
    recorded_at: datetime | None


class Journal:
    """The confirmed log as this machine has it. Safe for many threads, and beside other processes.

    It answers what a store answers about its past; `clock` tells the time, which never runs behind the last line's.
    A file that cannot be read or an index that cannot be written raises Unavailable.
    """

    def __init__(
        self, file: Path, ledger: UUID, index: Path, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self.file = file
        self.ledger = ledger
        self._clock = clock
        self._lock = threading.RLock()
        self._origin = Head(position=0, digest=origin_digest(ledger), recorded_at=None)
        self._damage: Damaged | None = None
        self._seen: tuple[int, ...] | None = None
        self._head, self._end = self._origin, 0
        self._index_file = index
        self._index: sqlite3.Connection | None = self._connected()

    def close(self) -> None:
        with self._lock:
            self._let_go()

    def rest(self) -> None:
        """Lets go of what is open, until it is needed again; not while it is used."""
        if self._lock.acquire(blocking=False):
            try:
                self._let_go()
            finally:
                self._lock.release()

    @property
    def head(self) -> Head:
        """The last line that is proved; looks whether another process has appended."""
        with self._lock:
            self._look()
            return self._head

    @property
    def damage(self) -> Damaged | None:
        """The first line that is not what was recorded, if there is one; the journal ends before it."""
        with self._lock:
            self._look()
            return self._damage

    def append(self, events: Sequence[RecordedEvent]) -> None:
        """Adds the events after the head. The caller holds `follow.lock`, and has looked at `head` since.

        They are on the disk when this returns: no write waits for a follower, and a line of garbage after a power cut
        would be damage, where a missing one is only fetched again.
        """
        with self._lock:
            self._look()
            if self._damage is not None:
                raise self._damage
            erased = [payload for event in events for payload in payloads_in(event)]
            proved = dict(self._proved(list(applied(events, erased))))
            lines = [line for _, line in proved]
            with _asking(self.file):
                if erased:
                    self._write_anew({payload.position: payload.data.encode() for payload in erased}, lines)
                else:
                    append_at(self.file, self._end, b"".join(lines))
            self._look(proved)

    def read_all(self, after: int = 0, up_to: int | None = None) -> Iterator[RecordedEvent]:
        """See ledger.store.EventStore."""
        head = self.head.position
        last = head if up_to is None else min(up_to, head)
        while after < last:
            page = self._read(range(after + 1, min(after + PAGE, last) + 1))
            yield from page
            if not page:  # a line turned out to be damaged since
                return
            after = page[-1].position

    def read_facts(self, after: int = 0, up_to: int | None = None) -> Iterator[RecordedFact]:
        """See ledger.store.EventStore."""
        return map(recorded_fact, self.read_all(after, up_to))

    def read_streams(self, streams: Iterable[str]) -> Past:
        """See ledger.store.EventStore."""
        with self._lock:
            self._look()
            found = {stream: self._read_each(self._positions(OF_STREAM, stream)) for stream in sorted(set(streams))}
            events = {stream: past for stream, past in found.items() if past}
            return Past(head=self._head.position, now=self.now(), events=events)

    def find_command(self, command_id: UUID) -> tuple[Recorded, bytes] | None:
        """See ledger.store.EventStore."""
        with self._lock:
            self._look()
            events = self._read_each(self._positions(OF_COMMAND, str(command_id)))
        if not events:
            return None
        recorded = Recorded(
            positions=tuple(event.position for event in events),
            streams={event.stream_id: event.version for event in events},
            recorded_at=events[0].recorded_at,
            repeated=True,
        )
        return recorded, events[0].command_digest

    def ends_of(self, commands: Iterable[UUID]) -> dict[UUID, int]:
        """The position of the last event of each of these commands that is here."""
        with self._lock:
            if not self.head.position:
                return {}
            rows = self._ask(OF_COMMANDS, msgspec.json.encode(list(commands)).decode())
        return {UUID(command): position for command, position in rows}

    def position_at(self, moment: datetime) -> int:
        """See ledger.store.EventStore. Ledger time rises with the position, so halving finds it."""
        wanted = microseconds(moment)
        with self._lock:
            low, high = 0, self.head.position
            while low < high:
                middle = (low + high + 1) // 2
                found = self._ask(RECORDED_AT, middle)[0][0]
                low, high = (middle, high) if found <= wanted else (low, middle - 1)
            return low

    def digest_at(self, position: int) -> bytes | None:
        """The digest of a position, as the line says it; None if the journal does not reach so far."""
        if position == 0:
            return self._origin.digest
        with self._lock:
            events = self._read([position]) if position <= self.head.position else []
        return events[0].digest if events else None

    @property
    def last_erasure(self) -> int:
        """The position of the newest erasure, all of which is done here; 0 if there is none."""
        with self._lock:
            self._look()
            position: int = self._ask(LAST_ERASURE, f"{ERASURE}-", f"{ERASURE}.")[0][0]
        return position

    def now(self) -> datetime:
        """The ledger's time as far as this machine knows it."""
        now, last = self._clock(), self._head.recorded_at
        return max(now, last) if last else now

    def _write_anew(self, payloads: Mapping[int, bytes], lines: Sequence[bytes]) -> None:
        """The proved lines with these payloads, and new ones behind them, in the place of the file: it is the one or
        the other, whatever ends this process."""
        draft = self.file.with_name(f"{self.file.name}.new")
        with os.fdopen(os.open(draft, NEW, 0o600), "wb") as writing:
            if self._head.position:
                with self.file.open("rb") as reading:
                    for position, line in enumerate(islice(reading, self._head.position), 1):
                        data = payloads.get(position)
                        writing.write(line if data is None else with_payload(line, data))
            writing.writelines(lines)
            writing.flush()
            os.fsync(writing.fileno())
        draft.replace(self.file)
        sync_folder(self.file.parent)
        self._ask(FORGET, 0)

    def _proved(self, events: Sequence[RecordedEvent]) -> Iterator[tuple[tuple[bytes, bytes], RecordedEvent]]:
        position, previous = self._head.position, self._head.digest
        for event in events:
            position += 1
            line = line_of(event)
            try:
                found = event_of(line, position, previous)
            except ValueError as error:
                raise Damaged(
                    f"position {position} of the log does not follow from the journal's line {position - 1}: {error}",
                    next_step="see `tracking-ledger doctor`",
                    position=position,
                ) from error
            yield (previous, line), found
            previous = found.digest

    def _look(self, proved: Proved = NOTHING) -> None:
        """Takes in what was appended since, by this process or another; what is `proved` needs no other proof."""
        stamp = stamp_of(self.file)
        if stamp == self._seen:
            return
        with _asking(self.file), self._indexing():
            self._damage = None
            self._head, self._end = self._indexed()
            if self._end < (stamp[0] if stamp else 0):
                self._take_in(proved)
        self._seen = stamp

    def _indexed(self) -> tuple[Head, int]:
        """Where the index ends, if that is still what the file holds; else it starts over."""
        found = self._ask(LAST + " LIMIT 1")
        if not found:
            return self._origin, 0
        position, digest, recorded_at, end, begins, length = found[0]
        if bytes_at(self.file, begins, length).endswith(b'"%s"}\n' % digest.hex().encode()):
            return Head(position=position, digest=digest, recorded_at=_moment(recorded_at)), end
        self._ask(FORGET, 0)
        return self._origin, 0

    def _take_in(self, proved: Proved) -> None:
        with self.file.open("rb") as file:
            file.seek(self._end)
            self._opened().executemany(ADD, self._entries(file, proved))

    def _entries(self, file: BinaryIO, proved: Proved) -> Iterator[tuple[object, ...]]:
        """An entry of the index for each whole line; the head goes with them, up to the first that is damaged."""
        for line in whole_lines(file):
            position, previous = self._head.position + 1, self._head.digest
            try:
                event = proved.get((previous, line)) or event_of(line, position, previous)
            except ValueError as error:
                self._damage = _damaged(self.file, position, error)
                return
            yield _entry(event, self._end, len(line))
            self._head = Head(position=position, digest=event.digest, recorded_at=event.recorded_at)
            self._end += len(line)

    def _positions(self, question: str, key: str) -> list[int]:
        return [row[0] for row in self._ask(question, key)]

    def _read_each(self, positions: Iterable[int]) -> list[RecordedEvent]:
        return [event for position in positions for event in self._read([position])]

    def _read(self, positions: Sequence[int]) -> list[RecordedEvent]:
        """The events of neighbouring positions, each proved; they end before the first that is damaged."""
        first, last = positions[0], positions[-1]
        with self._lock:
            rows = self._ask(LINES, first - 1, last)
            previous = rows.pop(0)[3] if first > 1 and rows else self._origin.digest
            if not rows:
                return []
            begins, end = rows[0][1], rows[-1][1] + rows[-1][2]
            with _asking(self.file):
                raw = bytes_at(self.file, begins, end - begins)
            events = []
            for position, start, length, _ in rows:
                try:
                    event = event_of(raw[start - begins : start - begins + length], position, previous)
                except ValueError:
                    self._reindex_from(position)
                    if self._damage is None:  # another process has rewritten the file meanwhile
                        return self._read(positions)
                    break
                events.append(event)
                previous = event.digest
            return events

    def _reindex_from(self, position: int) -> None:
        """A line is not what it was when it was taken in: look at everything from there on again."""
        with self._indexing():
            self._ask(FORGET, position)
        self._seen = None
        self._look()

    def _connected(self) -> sqlite3.Connection:
        with _asking(self._index_file):
            index = sqlite3.connect(
                self._index_file, timeout=WAIT_SECONDS, isolation_level=None, check_same_thread=False
            )
            index.execute("PRAGMA journal_mode = WAL")
            index.execute("PRAGMA synchronous = NORMAL")
            make_schema(index, sql("cache/journal"))
        return index

    def _opened(self) -> sqlite3.Connection:
        """The index; one that is opened again may have been rebuilt meanwhile."""
        if self._index is None:
            self._index, self._seen = self._connected(), None
            self._look()
        return self._index

    def _let_go(self) -> None:
        if self._index is not None:
            self._index.close()
            self._index = None

    def _ask(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        with _asking(self.file):
            return self._opened().execute(statement, parameters).fetchall()

    @contextmanager
    def _indexing(self) -> Iterator[None]:
        """One process at a time adds to the index."""
        with _asking(self.file), transaction(self._opened()):
            yield


def _entry(event: RecordedEvent, begins: int, length: int) -> tuple[object, ...]:
    return (
        event.position,
        event.stream_id,
        event.version,
        str(event.command_id),
        microseconds(event.recorded_at),
        begins,
        length,
        event.digest,
    )


def _moment(value: int) -> datetime:
    return EPOCH + timedelta(microseconds=value)


def _damaged(file: Path, number: int, error: ValueError) -> Damaged:
    return Damaged(
        f"{file} is damaged in line {number}: {error}",
        next_step="see `tracking-ledger doctor`: what stands before that line is still answered",
        file=str(file),
        line=number,
    )


@contextmanager
def _asking(file: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise Unavailable(
            f"the working file {file} cannot be used: {error}",
            next_step="check its disk and permissions, or choose another folder with LEDGER_HOME",
            file=str(file),
        ) from error
