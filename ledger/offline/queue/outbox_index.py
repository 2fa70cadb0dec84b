"""What the lines of an outbox say, on its way into the index beside it: where each begins and what became of it."""

import sqlite3
from typing import Any

from ledger.offline.queue.outbox_lines import Begun, Line, Queued, Settled, read

AT_ONCE = 500  # lines entered at once

ADD = "INSERT OR REPLACE INTO outbox_lines VALUES (?, ?, ?, ?, NULL, NULL, NULL)"
TOUCH = "INSERT OR IGNORE INTO outbox_streams VALUES (?, ?)"
SETTLE = "UPDATE outbox_lines SET outcome = ?, position = ?, settled_by = ? WHERE sequence = ? AND command_id = ?"
FAULT = "INSERT OR REPLACE INTO outbox_faults VALUES (?, ?, ?, ?)"


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
