"""Connections to the tests' own database, kept when a test closes them and lent to the next that asks for such a one.

A new session of PostgreSQL compiles each function and plans each statement anew: forty milliseconds of a core for the
first write, ten times what the write takes. What a client can set in a session is taken back before it is lent again.
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
from psycopg.abc import PQGenConn
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq.abc import PGconn

AS_NEW = b"DEALLOCATE ALL; UNLISTEN *; SELECT pg_advisory_unlock_all(); RESET SESSION AUTHORIZATION; RESET ALL"
MOST = 20  # of one kind

_Kind = tuple[str, tuple[tuple[str, str], ...]]  # connection string, variables


@contextmanager
def kept(database: str) -> Iterator[None]:
    """Keeps those of this process that lead to where this connection string does, as the same role."""
    keeper = _Keeper(database)
    connect, close = generators.connect, psycopg.Connection.close

    def lend(conninfo: str, **more: Any) -> PQGenConn[PGconn]:  # psycopg 3.3.0 hands a time limit on
        lent = keeper.lent(conninfo)
        if lent is not None:
            return lent
        new = yield from connect(conninfo, **more)
        keeper.made(conninfo, new)
        return new

    def give_back(connection: psycopg.Connection[object]) -> None:
        if not connection.closed and keeper.takes(connection.pgconn):
            connection.pgconn = _closed()
        close(connection)

    generators.connect, psycopg.Connection.close = lend, give_back  # type: ignore[assignment, method-assign]
    try:
        yield
    finally:
        generators.connect, psycopg.Connection.close = connect, close  # type: ignore[method-assign]
        keeper.finish()


class _Keeper:
    """The sessions of one process; those of the process that it was forked from are not its own."""

    def __init__(self, database: str) -> None:
        self._place = _place(database)
        self._process = os.getpid()
        self._used = WeakKeyDictionary[PGconn, _Kind]()
        self._kept: defaultdict[_Kind, list[PGconn]] = defaultdict(list)

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

    def takes(self, session: PGconn) -> bool:
        """Keeps it as good as new, if it is one of these and nothing is under way in it; once, if two close it."""
        kind = self._used.pop(session, None) if os.getpid() == self._process else None
        if kind is None or len(self._kept[kind]) >= MOST or not _is_idle(session):
            return False
        session.nonblocking = 0
        if session.exec_(AS_NEW).status != pq.ExecStatus.COMMAND_OK:
            return False
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
