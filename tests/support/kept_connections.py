"""Connections to the tests' own database, kept when a test closes them and lent to the next that asks for such a one.

A new session of PostgreSQL compiles each function and plans each statement again: forty milliseconds of a core for the
first write, ten times what the write takes. What a client can set in a session is taken back before it is lent again;
the statements that it keeps prepared stay, with the names under which its client knows them.
"""

import os
import select
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from psycopg import generators, pq
from psycopg._preparing import PrepareManager
from psycopg.abc import PQGenConn
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq.abc import PGconn

from ledger.libpq.round_trip import MOST_KEPT
from ledger.libpq.session import Session

AS_NEW = b"UNLISTEN *; SELECT pg_advisory_unlock_all(); RESET SESSION AUTHORIZATION; RESET ALL"
MOST = 20  # of one kind

_Kind = tuple[str, tuple[tuple[str, str], ...]]  # connection string, variables


@contextmanager
def kept(database: str) -> Iterator[None]:
    """Keeps those of this process that lead to where this connection string does, as the same role."""
    keeper = _Keeper(database)
    connect, close, begin = generators.connect, psycopg.Connection.close, psycopg.Connection.__init__

    def lend(conninfo: str, **more: Any) -> PQGenConn[PGconn]:  # psycopg 3.3.0 hands a time limit on
        lent = keeper.lent(conninfo)
        if lent is not None:
            return lent
        new = yield from connect(conninfo, **more)
        keeper.made(conninfo, new)
        return new

    def begin_lent(connection: psycopg.Connection[object], *arguments: Any, **named: Any) -> None:
        begin(connection, *arguments, **named)
        keeper.statements.hand_to(connection)

    def give_back(connection: psycopg.Connection[object]) -> None:
        if not connection.closed and keeper.takes(connection):
            connection.pgconn = _closed()
        close(connection)

    connections: Any = psycopg.Connection
    generators.connect, connections.close, connections.__init__ = lend, give_back, begin_lent  # type: ignore[assignment]
    try:
        yield
    finally:
        generators.connect, connections.close, connections.__init__ = connect, close, begin
        keeper.finish()


class _Statements:
    """What is prepared in each session: as the driver knows it, and the names that our own round trips use."""

    def __init__(self) -> None:
        self._of_driver = WeakKeyDictionary[PGconn, PrepareManager]()
        self._of_ours = WeakKeyDictionary[PGconn, tuple[dict[object, bytes], Iterator[int]]]()

    def take_from(self, connection: psycopg.Connection[Any]) -> None:
        self._of_driver[connection.pgconn] = connection._prepared
        if isinstance(connection, Session):
            asking = connection._round_trips
            self._of_ours[connection.pgconn] = asking._names, asking._number

    def hand_to(self, connection: psycopg.Connection[Any]) -> None:
        connection._prepared = self._of_driver.get(connection.pgconn, connection._prepared)
        if isinstance(connection, Session) and connection.pgconn in self._of_ours:
            asking = connection._round_trips
            asking._names, asking._number = self._of_ours[connection.pgconn]


class _Keeper:
    """The sessions of one process; those of the process that it was forked from are not its own."""

    def __init__(self, database: str) -> None:
        self._place = _place(database)
        self._process = os.getpid()
        self._used = WeakKeyDictionary[PGconn, _Kind]()
        self._kept: defaultdict[_Kind, list[PGconn]] = defaultdict(list)
        self.statements = _Statements()

    def lent(self, conninfo: str) -> PGconn | None:
        kind = _kind(conninfo)
        waiting = self._kept.get(kind, []) if os.getpid() == self._process else []
        with suppress(IndexError):  # the last one is gone
            while True:
                session = waiting.pop()
                if _is_silent(session):
                    self._used[session] = kind
                    return session
                session.finish()
        return None

    def made(self, conninfo: str, session: PGconn) -> None:
        if _place(conninfo) == self._place and os.getpid() == self._process:
            self._used[session] = _kind(conninfo)

    def takes(self, connection: psycopg.Connection[object]) -> bool:
        """Keeps it as good as new, if it is one of these and nothing is under way in it; once, if two close it."""
        session = connection.pgconn
        kind = self._used.pop(session, None) if os.getpid() == self._process else None
        if kind is None or len(self._kept[kind]) >= MOST or not _is_idle(session) or _is_full(connection):
            return False
        session.nonblocking = 0
        if session.exec_(AS_NEW).status != pq.ExecStatus.COMMAND_OK:
            return False
        self.statements.take_from(connection)
        self._kept[kind].append(session)
        return True

    def finish(self) -> None:
        for session in [session for waiting in self._kept.values() for session in waiting]:
            session.finish()


def _kind(conninfo: str) -> _Kind:
    """All that decides what a new session would be: libpq reads variables as well."""
    return conninfo, tuple(sorted(item for item in os.environ.items() if item[0].startswith("PG")))


def _is_idle(session: PGconn) -> bool:
    outside = session.transaction_status == pq.TransactionStatus.IDLE
    return outside and session.pipeline_status == pq.PipelineStatus.OFF


def _is_full(connection: psycopg.Connection[object]) -> bool:
    """Whether what it is asked next is prepared no more, as in no session that begins."""
    return isinstance(connection, Session) and len(connection._round_trips._names) >= MOST_KEPT // 2


def _place(conninfo: str) -> tuple[object, ...]:
    known = conninfo_to_dict(conninfo)
    return tuple(known.get(name) for name in ("host", "port", "user", "dbname"))


def _is_silent(session: PGconn) -> bool:
    """Whether its server has said nothing since: what it says unasked is that the session is over."""
    looking = select.poll()
    looking.register(session.socket, select.POLLIN)
    return not looking.poll(0)


def _closed() -> PGconn:
    closed = pq.PGconn.connect_start(b"")
    closed.finish()
    return closed
