"""The outbox: commands accepted while the database was away, on the disk before they are answered.

Lines are only appended, under `outbox.lock`, which is never held across the network. An index beside the file says
where each line begins and what became of it, so that a hundred thousand waiting lines cost nothing at the start.
"""

import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import filelock
import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ledger.errors import Unavailable
from ledger.machine.disk import bytes_at, sync_folder
from ledger.offline.queue.outbox_file import (
    FILE,
    append,
    cut_back,
    is_empty,
    lines_from,
    opened,
    streams_in,
    unusable,
    using,
)
from ledger.offline.queue.outbox_index import WAIT_SECONDS, OutboxIndex
from ledger.offline.queue.outbox_lines import Begun, Outcome, Queued, Settled, read, written

ASIDE = "outbox.damaged"
LOCK = "outbox.lock"
DRAIN_LOCK = "drain.lock"  # held by the process that drains; tried only, never waited for
PAGE = 500  # lines looked up at once

FAULTS = "SELECT line, begins, length, reason FROM outbox_faults ORDER BY line"
LINES = "SELECT sequence, begins, length FROM outbox_lines"
UNSETTLED = LINES + " WHERE outcome IS NULL AND sequence > ? ORDER BY sequence LIMIT ?"
AFTER = LINES + " WHERE sequence > ? AND sequence <= ? ORDER BY sequence LIMIT ?"
OF_STREAMS = (
    "SELECT sequence, begins, length FROM outbox_lines WHERE (outcome IS NULL OR position > ?) AND sequence IN"
    " (SELECT sequence FROM outbox_streams WHERE stream_id IN (SELECT value FROM json_each(?))) ORDER BY sequence"
)
NOT_FOLLOWED = LINES + " WHERE outcome IS NULL OR position > ? ORDER BY sequence"
OF_COMMAND = "SELECT sequence, begins, length, outcome, position FROM outbox_lines WHERE command_id = ?"
SETTLED_BETWEEN = (
    "SELECT DISTINCT s.stream_id FROM outbox_lines l JOIN outbox_streams s ON s.sequence = l.sequence"
    " WHERE l.outcome IS NOT NULL AND l.position > ? AND l.position <= ?"
)
SETTLED_SINCE = (
    "SELECT DISTINCT s.stream_id FROM outbox_lines l JOIN outbox_streams s ON s.sequence = l.sequence"
    " WHERE l.settled_by > ? AND l.position <= ?"
)
COUNT = "SELECT count(*) FROM outbox_lines WHERE outcome IS NULL"
ANY = "SELECT EXISTS (SELECT 1 FROM outbox_lines WHERE outcome IS NULL)"
LAST_SETTLED = "SELECT count(*), coalesce(max(position), 0) FROM outbox_lines WHERE outcome IS NOT NULL"
OUTCOMES = "SELECT command_id, sequence FROM outbox_lines WHERE outcome = ? ORDER BY sequence"
OUTCOMES_SINCE = "SELECT outcome, count(*) FROM outbox_lines WHERE settled_by > ? GROUP BY outcome"
BEFORE = "SELECT command_id FROM outbox_lines WHERE sequence < ?"


class Fault(Struct, frozen=True, kw_only=True):
    """A line that is set aside: what stands in it is not what was written, or only a newer program understands it."""

    line: int
    reason: str
    streams: tuple[str, ...]

    @property
    def is_newer(self) -> bool:
        return self.reason == "newer"


class Outbox:
    """One machine's waiting commands of one ledger, in `folder`. Safe for many threads and processes.

    What cannot be read or written raises Unavailable, and then nothing was queued.
    """

    def __init__(self, folder: Path) -> None:
        self.file = folder / FILE
        self._draft = self.file.with_suffix(".new")
        self._folder = folder
        self._index = OutboxIndex(self.file)
        self._guard = self._index.guard
        self._lock = filelock.FileLock(folder / LOCK, timeout=WAIT_SECONDS, thread_local=True)
        self._drainer = threading.Lock()
        self._drain_lock = filelock.FileLock(folder / DRAIN_LOCK, timeout=0, thread_local=False)

    def close(self) -> None:
        self._index.close()

    def rest(self) -> None:
        """Lets go of what is open, until it is needed again."""
        self._index.rest()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """No other process queues meanwhile; what others have queued is known."""
        with using(self.file):
            self._lock.acquire()
        try:
            yield
        finally:
            self._lock.release()

    @contextmanager
    def draining(self) -> Iterator[bool]:
        """Whether this one may drain: one thread of one process at a time, and no other waits for it."""
        if not self._drainer.acquire(blocking=False):  # the file's lock is the process's, so its threads share it
            yield False
            return
        try:
            with using(self.file):
                self._drain_lock.acquire()
        except Unavailable:
            self._drainer.release()
            yield False
            return
        try:
            yield True
        finally:
            self._drain_lock.release()
            self._drainer.release()

    @property
    def is_settled(self) -> bool:
        """Whether nothing waits; nearly free when the file did not change. Without an index the file itself says it."""
        if is_empty(self.file):
            return True
        try:
            return self._index.holds_none(ANY)
        except Unavailable:
            return not self._waiting_in_file()

    @property
    def waiting(self) -> int:
        """How many commands are not settled."""
        return 0 if not self.file.exists() else int(self._index.ask(COUNT)[0][0])

    @property
    def sequence(self) -> int:
        """The number of the last line."""
        found = self._index.progress() if self.file.exists() else []
        return found[0][0] if found else 0

    @property
    def faults(self) -> list[Fault]:
        """The lines that are set aside."""
        if not self.file.exists():
            return []
        rows = self._index.ask(FAULTS)
        return [
            Fault(line=line, reason=reason, streams=streams_in(bytes_at(self.file, begins, length)))
            for line, begins, length, reason in rows
        ]

    def unsettled(self, after: int = 0, limit: int = PAGE) -> list[Queued]:
        """The first commands that wait, in their order."""
        return self._read(self._index.ask(UNSETTLED, after, limit)) if self.file.exists() else []

    def lines(self, after: int, up_to: int) -> Iterator[Queued]:
        """The queued lines between two numbers, settled or not."""
        while after < up_to and (page := self._read(self._index.ask(AFTER, after, up_to, PAGE))):
            yield from page
            after = page[-1].sequence

    def of_streams(self, streams: Iterable[str], reached: int) -> list[Queued]:
        """The commands of these streams that a log up to `reached` does not hold yet, in their order.

        One may have events of a thousand streams, so each is read once however many of them are asked for.
        """
        if not self.file.exists():
            return []
        return self._read(self._index.ask(OF_STREAMS, reached, msgspec.json.encode(list(streams)).decode()))

    def waiting_after(self, reached: int) -> list[Queued]:
        """The commands that a log up to `reached` does not hold yet, in their order."""
        return self._read(self._index.ask(NOT_FOLLOWED, reached)) if self.file.exists() else []

    def streams_ended_between(self, after: int, up_to: int) -> list[str]:
        """The streams of commands that ended at these positions."""
        if not self.file.exists():
            return []
        return [row[0] for row in self._index.ask(SETTLED_BETWEEN, after, up_to)]

    def streams_ended_since(self, sequence: int, reached: int) -> list[str]:
        """The streams of commands whose end was written after that line, and that a log up to `reached` holds."""
        if not self.file.exists():
            return []
        return [row[0] for row in self._index.ask(SETTLED_SINCE, sequence, reached)]

    def find(self, command_id: UUID) -> tuple[Queued, Outcome | None, int | None] | None:
        """The line of a command, how it ended and where, if it did."""
        rows = self._index.ask(OF_COMMAND, str(command_id)) if self.file.exists() else []
        if not rows:
            return None
        queued = self._read([rows[0][:3]])
        return (queued[0], rows[0][3], rows[0][4]) if queued else None

    def ended(self, outcome: Outcome) -> list[tuple[UUID, int]]:
        """The commands in this file that ended so, each with its number."""
        return [(UUID(command), sequence) for command, sequence in self._index.ask(OUTCOMES, outcome)]

    def ended_since(self, sequence: int) -> dict[str, int]:
        """How many commands ended by lines behind that one, by outcome, as far as this file still tells."""
        return dict(self._index.ask(OUTCOMES_SINCE, sequence))

    def own_before(self, sequence: int) -> set[UUID]:
        """The commands that were given before that line."""
        return {UUID(row[0]) for row in self._index.ask(BEFORE, sequence)}

    def append(self, line: Queued | Settled, *more: Queued | Settled) -> None:
        """Puts lines at the end, on the disk before it returns. Only under `locked`."""
        with self._guard:
            self._index.look()
            lines = (line, *more)
            commands = [str(one.command_id) for one in lines if isinstance(one, Queued)]
            self._write(b"".join(map(written, lines)), commands)
            with suppress(Unavailable):  # it stands in the file: the index can wait
                self._index.look()

    def clear(self, reached: int) -> bool:
        """Replaces the file by an empty one if all is settled and the journal holds it. Whether it did."""
        with self.locked(), self._guard:
            if not self.file.exists() or self.waiting or self.faults:
                return False
            count, last = self._index.ask(LAST_SETTLED)[0]
            if not count or last > reached:
                return False
            self._replace(written(Begun(sequence=self.sequence)))
            return True

    def forget_ended(self, reached: int) -> None:
        """Leaves nothing but what waits, if a log up to `reached` holds the rest. Not while a drain is under way, or a
        damaged line is set aside."""
        with self.draining() as mine, self.locked(), self._guard:
            if not mine or not self.file.exists() or self.faults:
                return
            self._draft.unlink(missing_ok=True)  # of a process that was killed at it
            count, last = self._index.ask(LAST_SETTLED)[0]
            if count and last <= reached:
                self._replace_by(self._every_waiting())

    def put_before(self, earlier: Sequence[Queued]) -> None:
        """Puts commands in front of all that wait, in one step; one that waits already is not put twice.

        Raises Unavailable while a damaged line is set aside, which would be lost by it.
        """
        with self.locked(), self._guard:
            if faults := self.faults:
                raise unusable(self.file, OSError(f"line {faults[0].line} is damaged"))
            ids = {line.command_id for line in earlier}
            self._replace_by([*earlier, *(line for line in self._every_waiting() if line.command_id not in ids)])

    def set_aside(self) -> int:
        """Moves damaged lines into a file beside this one, so that what waits behind them goes on. How many they were.

        Nothing reads that file again; it is there for a person. Lines of a newer program stay.
        """
        with self.locked(), self._guard:
            if not self.file.exists():
                return 0
            self._index.reindex()  # also what was damaged after it was taken in
            rows = [row for row in self._index.ask(FAULTS) if row[3] == "damaged"]
            if not rows:
                return 0
            content, kept, ends = self.file.read_bytes(), b"", 0
            for _, begins, length, _ in rows:
                kept, ends = kept + content[ends:begins], begins + length
            damaged = b"".join(content[begins : begins + length].rstrip(b"\n") + b"\n" for _, begins, length, _ in rows)
            with using(self.file), os.fdopen(opened(self.file.with_name(ASIDE), os.O_APPEND), "ab") as file:
                file.write(damaged)
                file.flush()
                os.fsync(file.fileno())
            self._replace(kept + content[ends:])
            return len(rows)

    def _waiting_in_file(self) -> set[tuple[int, UUID]]:
        waiting: set[tuple[int, UUID]] = set()
        with using(self.file), self.file.open("rb") as file:
            for _, raw in lines_from(file, 0):
                with suppress(ValueError):  # a damaged line, which is set aside
                    match read(raw):
                        case Queued(sequence=sequence, command_id=command):
                            waiting.add((sequence, command))
                        case Settled(settles=sequence, command_id=command):
                            waiting.discard((sequence, command))
        return waiting

    def _every_waiting(self) -> Iterator[Queued]:
        after = 0
        while page := self.unsettled(after):
            yield from page
            after = page[-1].sequence

    def _replace_by(self, lines: Iterable[Queued]) -> None:
        begun = Begun(sequence=self.sequence)
        numbered = (replace(line, sequence=begun.sequence + n) for n, line in enumerate(lines, 1))
        self._replace(b"".join([written(begun), *map(written, numbered)]))

    def _replace(self, content: bytes) -> None:
        """The whole file by another one, or not at all. Only under `locked`."""
        draft = self._draft
        with using(self.file):
            with os.fdopen(opened(draft, os.O_TRUNC), "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self.file)
            sync_folder(self._folder)
        self._index.look()

    def _write(self, lines: bytes, commands: Sequence[str] = ()) -> None:
        found = self._index.progress()
        ends = found[0][2] if found else 0
        with using(self.file):
            descriptor = opened(self.file)
        try:
            if ends == 0:
                lines = written(Begun(sequence=0)) + lines
            elif os.pread(descriptor, 1, ends - 1) != b"\n":
                lines = b"\n" + lines
            append(descriptor, ends, lines)
            if ends == 0:
                sync_folder(self._folder)
        except OSError as error:
            cut_back(descriptor, ends, error, commands)
            raise unusable(self.file, error) from error
        finally:
            os.close(descriptor)

    def _read(self, rows: Sequence[tuple[Any, ...]]) -> list[Queued]:
        """The lines at these places, each proved again."""
        found: list[Queued] = []
        if not rows:
            return found
        with using(self.file), self.file.open("rb") as file:
            for _, begins, length in rows:
                file.seek(begins)
                try:
                    line = read(file.read(length))
                except ValueError:
                    self._index.reindex()
                    continue
                if isinstance(line, Queued):
                    found.append(line)
        return found
