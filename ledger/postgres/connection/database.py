"""Connections to one PostgreSQL.

Everything here is safe behind a pooler in transaction mode: settings are local to a transaction, locks too.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache, partial
from typing import Any, LiteralString

import psycopg
import psycopg_pool
from psycopg.abc import Buffer
from psycopg.adapt import Loader
from psycopg.pq import Format, TransactionStatus

from ledger.libpq.round_trip import Rows, Statement
from ledger.libpq.session import COMMIT, READING, WRITING, Session
from ledger.postgres.connection import deadline, driver_errors
from ledger.postgres.connection.deadline import CONNECT_SECONDS
from ledger.postgres.connection.driver_errors import committing, translated
from ledger.postgres.connection.pools import Pool, Pools, SharedPool
from ledger.postgres.connection.watchdog import Watched

Connection = Session
AWAY_SECONDS = 0.05  # a caller waits no longer than this for a connection where the database is known to be away
EVENTS_IN_TIME = 1000  # recorded in the time that a call may take, also on a slow server
SELDOM = 5  # times that a process asks a statement without keeping it
ON_REQUEST = 2**31 - 1  # None would mean never, also for a statement that asks to be prepared
SESSION: dict[str, Any] = {"autocommit": True, "prepare_threshold": ON_REQUEST}  # how the pool opens each


# Closing does not wait for a worker that still connects: that it goes on for a moment is no news to a person.
logging.getLogger("psycopg.pool").addFilter(lambda record: not str(record.msg).startswith("couldn't stop thread"))


class Database:
    """A pool of connections; within `transaction()` all calls of that thread share one."""

    def __init__(
        self,
        conninfo: str,
        *,
        prepare: bool = True,
        max_size: int = 10,
        call_seconds: float | None = None,
        first: Session | None = None,
        pools: Pools | None = None,
        is_away: Callable[[], bool] = lambda: False,
    ) -> None:
        """`first` is a session of `conninfo`, opened with SESSION: one that the pool need not open.

        Those who are given the same `pools` share the connections to one database. While another one of them finds that
        it `is_away`, what they have left is used, and no new connection waited for.
        """
        self.prepares = prepare  # whether statements may be kept on the server
        self._is_away = is_away
        self._call_seconds = call_seconds
        self._conninfo = conninfo
        self._mine = threading.local()
        self._make = partial(_pool, max_size=max_size)
        self._pools = pools or Pools()
        self._shared = self._pools.take(conninfo, self._make, first)
        self._changing = threading.Lock()
        self._closed = False

    def close(self) -> None:
        with self._changing:
            is_new, self._closed = not self._closed, True
        if is_new:
            self._pools.leave(self._conninfo)

    def call(
        self,
        statement: str,
        parameters: Sequence[Any] = (),
        *,
        events: int = 0,
        waits: float = 0.0,
        binary: bool = False,
    ) -> list[tuple[Any, ...]]:
        """One statement and its rows, in one round trip. After SELDOM times it is kept on the server.

        It may take the call's limit, and that much again for each EVENTS_IN_TIME `events` that it records, and the
        seconds that it `waits` for a lock.
        """
        more = (self._call_seconds or 0) * events / EVENTS_IN_TIME + waits
        with self.connection(self._call_seconds and self._call_seconds + more, more) as connection:
            asked = Statement(_numbered(statement), parameters, keep=self._is_usual(statement), binary=binary)
            return connection.call(asked)

    def connection(self, limit: float | None = None, more: float = 0.0) -> "_Borrowed":
        """This thread's connection if it is in a transaction, else one from the pool. Driver errors become ours.

        It is given up when the server falls silent, after `limit` seconds of waiting for it, and after what the command
        under way may still wait and `more` seconds.
        """
        return _Borrowed(self, limit, more)

    @contextmanager
    def transaction(self, begin: LiteralString = WRITING) -> Iterator[Connection]:
        """Commits at the end, rolls back on an error. Calls of this thread inside it use the same connection."""
        with self._opened(begin) as (connection, _):
            yield connection

    @contextmanager
    def apart(self) -> Iterator[Connection]:
        """A transaction on a connection that this thread's other calls do not use: what it locks is held meanwhile."""
        with translated(), self._pools.open(self._shared.pool).connection() as connection, connection.transaction():
            yield connection

    def forget(self) -> None:
        """Drops the connections that a server which went away has left behind; asks it nothing."""
        if not self._shared.pool.closed:
            self._shared.pool.drain()

    def asks_the_same(self, other: "Database") -> bool:
        """Whether both use the same connections."""
        return self._conninfo == other._conninfo

    def take_over(self, other: "Database") -> None:
        """Asks what the other one asks from here on, which is closed; connections to what it asked before end with
        what is under way."""
        self.prepares = other.prepares
        self._go_to(other._conninfo)
        other.close()

    @property
    def in_transaction(self) -> bool:
        """Whether this thread is inside `transaction()`."""
        return self.mine is not None

    @property
    def mine(self) -> Connection | None:
        """The connection of this thread's transaction."""
        return getattr(self._mine, "connection", None)

    def when_ended(self, committed: Callable[[], None], rolled_back: Callable[[], None]) -> None:
        """See ledger.store.Primary."""
        if self.in_transaction:
            self._mine.ends.append((committed, rolled_back))
        else:
            committed()

    def take(self) -> tuple[SharedPool, Connection]:
        """A connection, and the pool that it goes back to."""
        shared = self._shared
        return shared, self._pools.open(shared.pool).getconn(AWAY_SECONDS if self._is_away() else None)

    @contextmanager
    def reading(self, first: Statement) -> Iterator[tuple[Connection, Rows]]:
        """This thread's transaction, else one that only reads; with the rows of its first statement, sent together."""
        if self.in_transaction:
            with self.connection() as connection:
                yield connection, connection.ask([first])[0]
        else:
            with self._opened(READING, first) as (connection, answers):
                yield connection, answers[0]

    @contextmanager
    def joined_transaction(self) -> Iterator[Connection]:
        """This thread's transaction if it is in one, else one of its own."""
        with self.connection() if self.in_transaction else self.transaction() as connection:
            yield connection

    @contextmanager
    def _opened(self, begin: LiteralString, *first: Statement) -> Iterator[tuple[Connection, list[Rows]]]:
        ends: list[tuple[Callable[[], None], Callable[[], None]]] = []
        with self.connection() as connection:
            try:
                answers, self._mine.connection, self._mine.ends = connection.begin(begin, first), connection, ends
                yield connection, answers
            except BaseException:
                if not connection.closed:
                    connection.execute("ROLLBACK")
                for _, rolled_back in ends:
                    rolled_back()
                raise
            finally:
                self._mine.connection = None
            if connection.pgconn.transaction_status != TransactionStatus.IDLE:  # else its last statement has ended it
                with committing():
                    connection.ask([COMMIT])
        for committed, _ in ends:
            committed()

    def _go_to(self, conninfo: str) -> None:
        with self._changing:
            if conninfo == self._conninfo or self._closed:
                return
            left, self._conninfo, self._shared = self._conninfo, conninfo, self._pools.take(conninfo, self._make)
        self._pools.leave(left)

    def _is_usual(self, statement: str) -> bool:
        asked = self._shared.asked
        asked[statement] += 1
        return self.prepares and asked[statement] > SELDOM


class _Borrowed:
    """See Database.connection. No generator, as _Translated."""

    __slots__ = ("_database", "_limit", "_more", "_shared", "_watched")

    def __init__(self, database: Database, limit: float | None, more: float) -> None:
        self._database = database
        self._limit, self._more = limit, more
        self._watched: Watched | None = None  # what is borrowed from the pool

    def __enter__(self) -> Connection:
        mine = self._database.mine
        if mine is not None:
            return mine
        with translated():
            return self._taken(self._seconds())

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        watched = self._watched
        if watched is not None:
            self._shared.watchdog.discard(watched)
            deadline.spend(watched.waited(time.monotonic()))
            self._shared.pool.putconn(watched.connection)
        if error is None:
            return
        if watched is not None and watched.shut and isinstance(error, psycopg.OperationalError):
            raise deadline.given_up(watched.shut) from error
        if (ours := driver_errors.meaning(error)) is not None:
            raise ours from error

    def _seconds(self) -> float | None:
        left, limit = deadline.left(), self._limit
        if left is not None:
            limit = left + self._more if limit is None else min(limit, left + self._more)
        if limit == 0.0:
            raise deadline.no_time_left()
        return limit

    def _taken(self, seconds: float | None) -> Connection:
        with deadline.waiting():
            shared, connection = self._database.take()
        try:
            if connection.has_hung_up:
                connection.close()
                raise driver_errors.hung_up()
            self._shared, self._watched = shared, shared.watchdog.add(connection, seconds)
        except BaseException:
            shared.pool.putconn(connection)
            raise
        return connection


def _pool(conninfo: str, sessions: type[Session], max_size: int) -> Pool:
    return psycopg_pool.ConnectionPool(
        conninfo,
        connection_class=sessions,
        min_size=0,
        max_size=max_size,
        open=False,
        timeout=CONNECT_SECONDS,
        reconnect_timeout=CONNECT_SECONDS,
        max_idle=300.0,
        kwargs=SESSION,
        configure=_configure,
        check=None,
    )


@cache
def _numbered(statement: str) -> bytes:
    """The statement with $1, $2 for its parameters, which the driver would look for each time."""
    return "".join(f"${n}{part}" if n else part for n, part in enumerate(statement.split("%s"))).encode()


class _RawLoader(Loader):
    """JSON as the bytes that are stored: a reader decodes it into its own type."""

    def load(self, data: Buffer) -> bytes:
        return bytes(data)


class _RawBinaryLoader(_RawLoader):
    format = Format.BINARY


def _configure(connection: Connection) -> None:
    connection.adapters.register_loader("json", _RawLoader)
    connection.adapters.register_loader("json", _RawBinaryLoader)
    connection.adapters.register_loader("jsonb", _RawLoader)
