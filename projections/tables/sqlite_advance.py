"""The rows of one ledger in an SQLite file while a transaction brings them further along a log."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime

import msgspec

from ledger.envelope import RowChange, category_of, id_of, stream_id
from ledger.values.moment import text
from projections.read_models.catalog import BY_CATEGORY, SHAPES
from projections.read_models.fold import Rows
from projections.tables.contract import serving
from projections.tables.sqlite_rows import ADD, entry_values, put_rows

CACHE_KILOBYTES = 8192  # at most: some thousand rows with their indexes, which one portion of a follower changes
LARGE_CACHE_KILOBYTES = 65536  # at most, while many thousand rows are put at once

GENERATIONS = (
    "SELECT projection || ':' || shape, generation FROM projections WHERE ledger_id = ? AND behind_after IS NULL"
)
REGISTER = "INSERT INTO projections VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
LEAVE_BEHIND = (
    "UPDATE projections SET behind_after = ?"
    " WHERE ledger_id = ? AND projection = ? AND shape <> ? AND behind_after IS NULL"
)
CHECKPOINT = "SELECT position, digest FROM progress WHERE ledger_id = ?"
ADVANCE = (
    "INSERT INTO progress VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE"
    " SET position = excluded.position, recorded_at = excluded.recorded_at, digest = excluded.digest"
)
ROWS = (
    "SELECT id, version, position, doc FROM {}"
    " WHERE ledger_id = ? AND generation = ? AND id IN (SELECT value FROM json_each(?))"
)
EMPTY = "DELETE FROM {} WHERE ledger_id = ?"
INSERT_REPLACE = "INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
INSERT_IGNORE = f"{ADD} ON CONFLICT DO NOTHING"  # but its place, which may be another


class SqliteAdvance:
    """The rows inside one transaction that advances them. `checkpoint` is (position, digest) of what they add up to."""

    def __init__(self, connection: sqlite3.Connection, ledger: str) -> None:
        self.connection = connection
        self.ledger = ledger
        self.checkpoint: tuple[int, bytes | None] = connection.execute(CHECKPOINT, [ledger]).fetchone() or (0, None)

    @property
    def complete(self) -> bool:
        """Whether every read model of this program is there, up to the checkpoint."""
        return self._generations().keys() == SHAPES.keys()

    def rows(self, streams: Iterable[str]) -> Rows:
        """The rows of some streams as they stand; one that has none is absent."""
        generations, found = self._generations(), Rows()
        for category, ids in ids_by_category(streams).items():
            projection = BY_CATEGORY[category]
            asked = [self.ledger, generations[projection.name], msgspec.json.encode(ids).decode()]
            for id, version, position, doc in self.connection.execute(ROWS.format(projection.name), asked):
                found[stream_id(category, id)] = projection.row(id, version, position, doc.encode())
        return found

    def generation(self, projection: str) -> int:
        """The generation of a read model that serves."""
        return self._generations()[projection]

    def put(self, changes: Iterable[RowChange], *, yielding: bool = False) -> None:
        """Puts rows; `n` is the position of a row's newest event. What one gives up another may take at once.

        A unique value that two rows have belongs to the one that is put, or with `yielding` to the one that has it:
        what waits for the database gives way to what it has recorded.
        """
        generations, by_name = self._generations(), defaultdict(list)
        for change in changes:
            by_name[change.projection].append(change)
        for name, some in by_name.items():
            put_rows(self.connection, [self.ledger, generations[name]], name, some)
        for name, some in by_name.items():
            place = [self.ledger, generations[name]]
            entries = ([*place, *entry_values(entry, change.id)] for change in some for entry in change.added)
            self.connection.executemany(INSERT_IGNORE if yielding else INSERT_REPLACE, entries)

    @contextmanager
    def with_a_large_cache(self) -> Iterator[None]:
        """Keeps in memory what many rows touch, instead of writing and reading it again and again."""
        self.connection.execute(f"PRAGMA cache_size = -{LARGE_CACHE_KILOBYTES}")
        try:
            yield
        finally:
            self.connection.execute(f"PRAGMA cache_size = -{CACHE_KILOBYTES}")

    def clear(self) -> None:
        """Starts over: no rows, at position 0."""
        for table in (*SHAPES, "work_item_terms", "entries", "projections", "progress", "overlaid", "overlay_progress"):
            self.connection.execute(EMPTY.format(table), [self.ledger])
        for number, (name, shape) in enumerate(SHAPES.items(), 1):
            self.connection.execute(REGISTER, [self.ledger, name, shape, number, None])
        self.checkpoint = (0, None)

    def reached(self, position: int, at: datetime | None, digest: bytes | None) -> None:
        """This program's rows are true up to this position of the log, whose digest it has there; those that another
        version has of a read model are behind from here on."""
        for name, shape in SHAPES.items():
            self.connection.execute(LEAVE_BEHIND, [self.checkpoint[0], self.ledger, name, shape])
        self.connection.execute(ADVANCE, [self.ledger, position, at and text(at), digest])
        self.checkpoint = (position, digest)

    def _generations(self) -> dict[str, int]:
        return serving(dict(self.connection.execute(GENERATIONS, [self.ledger]).fetchall()))


def ids_by_category(streams: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for stream in streams:
        if category_of(stream) in BY_CATEGORY:
            found.setdefault(category_of(stream), []).append(id_of(stream))
    return found
