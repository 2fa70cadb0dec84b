"""The read models of one ledger in an SQLite file: what answers when there is no server.

Many processes may share the file: a view never waits for a writer, and a writer never for a view.
"""

import re
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cache, lru_cache
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from msgspec import structs

from ledger import store_errors
from ledger.catalog import UNIQUE
from ledger.envelope import RowChange
from ledger.errors import Unavailable
from ledger.machine.disk import make_schema, transaction
from ledger.resources import folder, sql
from ledger.values.moment import parse, text
from projections.read_models.catalog import SHAPES
from projections.read_models.search_terms import score
from projections.tables.contract import ATTEMPTS, Answer, AsOf, Question, incomplete, serving, with_generations
from projections.tables.question_text import KEPT, filtering, with_filters
from projections.tables.sqlite_advance import (
    ADVANCE,
    CACHE_KILOBYTES,
    GENERATIONS,
    LEAVE_BEHIND,
    REGISTER,
    SqliteAdvance,
)
from projections.tables.sqlite_rows import HOLDER, put_entries, put_rows

WAIT_SECONDS = 10.0  # for another process that writes

PROGRESS = "SELECT position, recorded_at FROM progress WHERE ledger_id = ?"
BEHIND = "SELECT projection, shape, behind_after FROM projections WHERE ledger_id = ? AND behind_after IS NOT NULL"
NUMBERS = "SELECT projection, shape, generation FROM projections WHERE ledger_id = ?"
NEXT = "SELECT coalesce(max(generation), 0) + 1 FROM projections WHERE ledger_id = ?"
SERVE = (
    "INSERT INTO projections VALUES (?, ?, ?, ?, NULL)"
    " ON CONFLICT DO UPDATE SET generation = excluded.generation, behind_after = NULL"
)
CLEAR = "DELETE FROM {} WHERE ledger_id = ? AND generation = ?"


class SqliteSnapshot:
    """See projections.tables.contract.Snapshot."""

    def __init__(self, connection: sqlite3.Connection, ledger: str, as_of: AsOf, generations: dict[str, int]) -> None:
        self._connection = connection
        self._ledger = ledger
        self._generations = generations
        self.as_of = as_of

    def ask(self, question: str, **parameters: Any) -> Answer:
        given = with_generations(parameters, self._ledger, self._generations)
        statement = _statement(question, filtering(_words(question), given))
        cursor = self._connection.execute(statement, {name: _bound(value) for name, value in given.items()})
        names = [column[0] for column in cursor.description]
        return [_with_document(dict(zip(names, row, strict=True))) for row in cursor]

    def ask_all(self, questions: Sequence[Question]) -> list[Answer]:
        return [self.ask(question, **parameters) for question, parameters in questions]

    def generation(self, projection: str) -> int:
        return self._generations[projection]


class SqliteGeneration:
    """See projections.tables.contract.Generation. It keeps what it is given until `serve`, with the file unlocked."""

    def __init__(self, tables: "SqliteTables", projections: Iterable[str], *, fresh: bool) -> None:
        self._tables = tables
        self._fresh = fresh
        self._rows: dict[str, list[RowChange]] = {name: [] for name in projections}

    def put(self, projection: str, rows: Iterable[RowChange]) -> None:
        self._rows[projection] += rows

    def serve(self) -> None:
        self._tables._replace(self._rows, fresh=self._fresh)


class SqliteTables:
    """See projections.tables.contract.Tables. `clock` tells the time where no server does."""

    def __init__(
        self, file: Path, ledger: UUID, clock: Callable[[], datetime], catch_up: Callable[[], None] | None = None
    ) -> None:
        self._file = file
        self._ledger = str(ledger)
        self._clock = clock
        self._catch_up = catch_up
        self._idle: list[sqlite3.Connection] = []
        self._opening = threading.Lock()
        self._creating = threading.RLock()
        self._was_closed = False  # then what is opened next may find another file, or none
        self._create()

    def close(self) -> None:
        """What a view uses that is open stays so."""
        with self._opening:
            self._was_closed = True
            while self._idle:
                self._idle.pop().close()

    @contextmanager
    def snapshot(self) -> Iterator[SqliteSnapshot]:
        for _ in range(ATTEMPTS):
            with self._transaction("BEGIN") as connection:
                as_of, generations = self._enter(connection)
                if self._catch_up is None or generations.keys() == SHAPES.keys():
                    yield self._view(connection, as_of, generations)
                    return
            self._catch_up()
        with self._transaction("BEGIN") as connection:
            yield self._view(connection, *self._enter(connection))

    def ask(self, question: str, **parameters: Any) -> tuple[AsOf, Answer]:
        as_of, [answer] = self.ask_all([(question, parameters)])
        return as_of, answer

    def ask_all(self, questions: Sequence[Question]) -> tuple[AsOf, list[Answer]]:
        with self.snapshot() as snapshot:
            return snapshot.as_of, [snapshot.ask(question, **parameters) for question, parameters in questions]

    def behind(self) -> dict[str, int]:
        with self._transaction("BEGIN") as connection:
            rows = connection.execute(BEHIND, [self._ledger]).fetchall()
        return {name: seen for name, shape, seen in rows if SHAPES.get(name) == shape}

    @contextmanager
    def rebuild_lock(self) -> Iterator[None]:
        yield  # a rebuilding keeps its rows to itself until it serves: of two at once the later one counts

    @contextmanager
    def rebuilding(self, projections: Iterable[str]) -> Iterator[SqliteGeneration]:
        yield SqliteGeneration(self, projections, fresh=True)

    @contextmanager
    def extending(self, projections: Iterable[str]) -> Iterator[SqliteGeneration]:
        yield SqliteGeneration(self, projections, fresh=False)

    def apply(self, changes: Iterable[RowChange], first_position: int, head: int, at: datetime) -> None:
        """Writes the rows of one command; its event 0 stands at `first_position`, `head` and `at` are its last one's.

        Raises NotUnique when a unique entry is taken, and ReadModelBehind as an append does; then nothing is written.
        """
        with self._transaction("BEGIN IMMEDIATE") as connection:
            numbers = self._enter(connection)[1]
            if numbers.keys() != SHAPES.keys():
                raise store_errors.read_model_behind(shapes=SHAPES, serving=numbers)
            for name, shape in SHAPES.items():
                connection.execute(LEAVE_BEHIND, [first_position - 1, self._ledger, name, shape])
            for change in changes:
                self._put(connection, change.projection, numbers[change.projection], change, first_position + change.n)
            connection.execute(ADVANCE, [self._ledger, head, text(at), None])

    def advance(self, head: int, at: datetime | None) -> None:
        """The rows are true up to this position of the log, as after rebuilding all of them from a copy of it."""
        with self._transaction("BEGIN IMMEDIATE") as connection:
            connection.execute(ADVANCE, [self._ledger, head, at and text(at), None])

    def check_unique(self, changes: Iterable[RowChange]) -> None:
        """Raises NotUnique for rows of which another has a unique value already."""
        with self._transaction("BEGIN") as connection:
            numbers = self._enter(connection)[1]
            for change in changes:
                for relation, target, *_ in change.added:
                    asked = [self._ledger, numbers[change.projection], relation, target, change.id]
                    if relation in UNIQUE and (holder := connection.execute(HOLDER, asked).fetchone()):
                        raise store_errors.not_unique(relation=relation, target=target, id=holder[0])

    @contextmanager
    def reading(self) -> Iterator[SqliteAdvance]:
        """The same as `advancing`, but only to read: no lock is taken."""
        with self._transaction("BEGIN") as connection:
            yield SqliteAdvance(connection, self._ledger)

    @contextmanager
    def advancing(self) -> Iterator[SqliteAdvance]:
        """One transaction that brings the rows further along a log; no other process writes meanwhile."""
        with self._transaction("BEGIN IMMEDIATE") as connection:
            yield SqliteAdvance(connection, self._ledger)

    def vacuum(self) -> bool:
        """Takes what was deleted out of the file too. Whether it could: not while another process reads."""
        with self._connection() as connection:
            connection.execute("VACUUM")
            is_busy: int = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        return not is_busy

    def _replace(self, rows: dict[str, list[RowChange]], *, fresh: bool) -> None:
        with self._transaction("BEGIN IMMEDIATE") as connection:
            found = connection.execute(NUMBERS, [self._ledger]).fetchall()
            before = {name: number for name, shape, number in found if SHAPES.get(name) == shape}
            for name, changes in rows.items():
                old = before.get(name)
                new = connection.execute(NEXT, [self._ledger]).fetchone()[0] if fresh else before[name]
                for change in changes:
                    self._put(connection, name, new, change, change.n)
                connection.execute(SERVE, [self._ledger, name, SHAPES[name], new])
                if old != new:
                    for table in ("entries", "work_item_terms", name):
                        connection.execute(CLEAR.format(table), [self._ledger, old])

    def _put(
        self, connection: sqlite3.Connection, projection: str, generation: int, change: RowChange, position: int
    ) -> None:
        place = [self._ledger, generation]
        put_rows(connection, place, projection, [structs.replace(change, n=position)])
        put_entries(connection, place, change)

    def _enter(self, connection: sqlite3.Connection) -> tuple[AsOf, dict[str, int]]:
        position, at = connection.execute(PROGRESS, [self._ledger]).fetchone() or (0, None)
        time, now = parse(at) if at else None, self._clock()
        as_of = AsOf(position=position, time=time, now=max(now, time) if time else now)
        return as_of, serving(dict(connection.execute(GENERATIONS, [self._ledger]).fetchall()))

    def _view(self, connection: sqlite3.Connection, as_of: AsOf, generations: dict[str, int]) -> SqliteSnapshot:
        if generations.keys() != SHAPES.keys():
            raise incomplete(generations)
        return SqliteSnapshot(connection, self._ledger, as_of, generations)

    def _create(self) -> None:
        """Makes the schema. Where all is there already, no other process that writes is waited for."""
        with self._connection() as connection:
            make_schema(connection, sql("cache/schema"))
            known = {(name, shape) for name, shape, _ in connection.execute(NUMBERS, [self._ledger])}
        if SHAPES.items() <= known:
            return
        with self._transaction("BEGIN IMMEDIATE") as connection:
            position = (connection.execute(PROGRESS, [self._ledger]).fetchone() or (0,))[0]
            for name, shape in SHAPES.items():
                number = connection.execute(NEXT, [self._ledger]).fetchone()[0]
                connection.execute(REGISTER, [self._ledger, name, shape, number, 0 if position else None])

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        with self._connection() as connection, transaction(connection, begin):
            yield connection

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        """One that no other thread uses meanwhile."""
        with self._using():
            with self._creating:
                if self._was_closed:
                    self._was_closed = False
                    self._create()
            with self._opening:
                connection = self._idle.pop() if self._idle else self._open()
            try:
                yield connection
            finally:
                with self._opening:
                    self._idle.append(connection)

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._file, timeout=WAIT_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            connection.create_function("term_score", 2, _term_score, deterministic=True)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")  # what a power cut takes is replayed
            connection.execute(f"PRAGMA cache_size = -{CACHE_KILOBYTES}")
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    @contextmanager
    def _using(self) -> Iterator[None]:
        """A disk that is full or broken is an answer."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            raise Unavailable(
                f"the read models in {self._file} cannot be used: {error}",
                next_step="check its disk and permissions; the file may be removed, it is made again from the journal",
                file=str(self._file),
            ) from error


@lru_cache(KEPT)
def _statement(question: str, filters: frozenset[str]) -> str:
    """The question with its parameters as SQLite writes them."""
    return re.sub(r"%\((\w+)\)s", r":\1", with_filters(_words(question), filters))


@cache
def _words(question: str) -> str:
    """The question in SQLite's words where it has its own."""
    own = folder("sql") / "questions" / f"{question}.sqlite.sql"
    return own.read_text(encoding="utf-8") if own.is_file() else sql(f"questions/{question}")


def _term_score(kept: str | None, terms: str) -> int:
    return score(kept or "", msgspec.json.decode(terms))


def _bound(value: Any) -> Any:
    return msgspec.json.encode(value).decode() if isinstance(value, (list, tuple)) else value


def _with_document(row: dict[str, Any]) -> dict[str, Any]:
    return row | {"doc": row["doc"].encode()} if row.get("doc") is not None else row
