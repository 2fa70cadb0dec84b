"""The index beside an outbox: where each of its lines begins, and what became of it."""

import sqlite3
import threading
from pathlib import Path
from typing import Any

from ledger.machine.disk import bytes_at, make_schema, stamp_of, transaction
from ledger.offline.queue.outbox_file import is_empty, lines_from, using
from ledger.offline.queue.outbox_lines import Begun, Line, Queued, Settled, read
from ledger.resources import sql

INDEX = "outbox-index.sqlite3"
WAIT_SECONDS = 10.0
AT_ONCE = 500  # lines entered at once

ADD = "INSERT OR REPLACE INTO outbox_lines VALUES (?, ?, ?, ?, NULL, NULL, NULL)"
TOUCH = "INSERT OR IGNORE INTO outbox_streams VALUES (?, ?)"
SETTLE = "UPDATE outbox_lines SET outcome = ?, position = ?, settled_by = ? WHERE sequence = ? AND command_id = ?"
PROGRESS = "SELECT sequence, lines, ends, begins, proof FROM outbox_progress"
ADVANCE = "INSERT OR REPLACE INTO outbox_progress VALUES (1, ?, ?, ?, ?, ?)"
FORGET = ("outbox_progress", "outbox_lines", "outbox_streams", "outbox_faults")
FAULT = "INSERT OR REPLACE INTO outbox_faults VALUES (?, ?, ?, ?)"


class OutboxIndex:
    """Where each line of an outbox's file begins and what became of it, in a file beside it. Safe for many threads."""

    def __init__(self, file: Path) -> None:
        self.guard = threading.RLock()
        self._file = file
        self._seen: tuple[int, ...] | None = None
        self._none_at: tuple[str, object] = ("", None)  # what counted nothing when the file was this
        self._connection: sqlite3.Connection | None = None

    def close(self) -> None:
        with self.guard:
            if self._connection is not None:
                self._connection.close()
                self._connection, self._seen = None, None

    def rest(self) -> None:
        """Lets go of what is open, until it is needed again; not while it is used."""
        if self.guard.acquire(blocking=False):
            try:
                self.close()
            finally:
                self.guard.release()

    def ask(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        with self.guard:
            self.look()
            with using(self._file):
                return self._opened().execute(statement, parameters).fetchall()

    def holds_none(self, statement: str) -> bool:
        """Whether it counts nothing; asked again only when the file is another."""
        with self.guard:
            self.look()
            if self._seen is None or self._none_at != (statement, self._seen):
                if self.ask(statement)[0][0]:
                    return False
                self._none_at = (statement, self._seen)
            return True

    def progress(self) -> list[tuple[Any, ...]]:
        """Where the index ends; nothing only where the file has no whole line, so that its beginning may be written."""
        found = self.ask(PROGRESS)
        if not found and not is_empty(self._file):  # another process doubts a line: the index is rebuilt
            with self.guard:
                self._seen = None
            found = self.ask(PROGRESS)
        return found

    def look(self) -> None:
        """Takes in what was appended since, by this process or another."""
        stamp = stamp_of(self._file)
        if stamp is not None and stamp == self._seen:
            return
        with using(self._file):
            index = self._opened()
            with transaction(index):
                self._take_in(index)
        self._seen = stamp

    def reindex(self) -> None:
        """A line is not what it was when it was taken in: the next look is at all of them again."""
        with self.guard:
            self._opened().execute("DELETE FROM outbox_progress")
            self._seen = None

    def _take_in(self, index: sqlite3.Connection) -> None:
        sequence, lines, ends = self._trusted(index)
        before, progress = lines, []
        if not self._file.exists():
            return
        with self._file.open("rb") as file:
            file.seek(ends)
            entries = Entries(index)
            for begins, raw in lines_from(file, ends):
                lines += 1
                line = parsed(index, lines, begins, raw)
                if line is not None:
                    sequence = max(sequence, line.sequence)
                    entries.add(line, begins, len(raw))
                ends = begins + len(raw)
                progress = [sequence, lines, ends, begins, raw[-80:]]
            entries.write()
            if lines > before:
                index.execute(ADVANCE, progress)

    def _trusted(self, index: sqlite3.Connection) -> tuple[int, int, int]:
        """Where the index ends, if that is still what the file holds; else it starts over."""
        found = index.execute(PROGRESS).fetchone()
        if found is not None:
            sequence, lines, ends, begins, proof = found
            if bytes_at(self._file, begins, ends - begins)[-80:] == proof:
                return sequence, lines, ends
        for table in FORGET:
            index.execute(f"DELETE FROM {table}")  # noqa: S608  # constants only
        return 0, 0, 0

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            path = self._file.with_name(INDEX)
            self._connection = sqlite3.connect(
                path, timeout=WAIT_SECONDS, isolation_level=None, check_same_thread=False
            )
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = NORMAL")
            make_schema(self._connection, sql("cache/outbox"))
        return self._connection


def parsed(index: sqlite3.Connection, number: int, begins: int, raw: bytes) -> Line | None:
    try:
        line = read(raw)
    except ValueError:
        index.execute(FAULT, [number, begins, len(raw), "damaged"])
        return None
    if line is None:
        index.execute(FAULT, [number, begins, len(raw), "newer"])
    return line


class Entries:
    """What lines say, on its way into the index: many lines of one kind are written at once."""

    def __init__(self, index: sqlite3.Connection) -> None:
        self._index = index
        self._queued: list[tuple[Any, ...]] = []
        self._touched: list[tuple[str, int]] = []
        self._settled: list[tuple[Any, ...]] = []

    def add(self, line: Line, begins: int, length: int) -> None:
        match line:
            case Queued():
                if self._settled or len(self._queued) >= AT_ONCE:
                    self.write()
                self._queued.append((line.sequence, str(line.command_id), begins, length))
                self._touched += [(stream, line.sequence) for stream in line.streams]
            case Settled():
                position = max(line.positions, default=0)
                self._settled.append((line.outcome, position, line.sequence, line.settles, str(line.command_id)))
            case Begun():
                pass

    def write(self) -> None:
        for statement, rows in ((ADD, self._queued), (TOUCH, self._touched), (SETTLE, self._settled)):
            self._index.executemany(statement, rows)
            rows.clear()
