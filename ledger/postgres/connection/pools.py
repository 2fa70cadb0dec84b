"""Pools of connections, one for each database: what uses the same `Pools` shares them.

A process that serves many ledgers then needs no more connections than one that serves a single one: what a pool opens
is of a database and a role, not of a ledger.
"""

import threading
from collections.abc import Callable
from typing import Any

import psycopg_pool

from ledger.libpq.session import Session

END_SECONDS = 0.1  # a worker that still tries to connect must not hold up the end of a process

Pool = psycopg_pool.ConnectionPool[Session]
Make = Callable[[str, type[Session]], Pool]  # called with a connection string and what opens a session of it


class _Shared:
    """A pool, and how many use it. `first` are sessions that it need not open."""

    def __init__(self, conninfo: str, make: Make, first: Session | None) -> None:
        self.users = 0
        self.first = [first] if first is not None else []
        self.pool = make(conninfo, _sessions(self.first))


class Pools:
    """Safe for many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._shared: dict[str, _Shared] = {}

    def take(self, conninfo: str, make: Make, first: Session | None = None) -> Pool:
        """The pool of that database; a new one is closed until it is opened. `first` is an open session of it."""
        with self._lock:
            shared = self._shared.get(conninfo)
            if shared is None:
                shared = self._shared[conninfo] = _Shared(conninfo, make, first)
            elif first is not None:
                first.close()
            shared.users += 1
            return shared.pool

    def open(self, pool: Pool) -> Pool:
        if pool.closed:
            with self._lock:
                if pool.closed:
                    pool.open()
        return pool

    def leave(self, conninfo: str) -> None:
        """Ends it with its last user."""
        with self._lock:
            shared = self._shared[conninfo]
            shared.users -= 1
            if shared.users:
                return
            del self._shared[conninfo]
        shared.pool.close(timeout=END_SECONDS)
        for unused in shared.first:
            unused.close()


def _sessions(first: list[Session]) -> type[Session]:
    """Sessions of which the first is open already: each that is opened costs the server a process."""

    class Sessions(Session):
        @classmethod
        def connect(cls, conninfo: str = "", **given: Any) -> Any:
            return first.pop() if first else super().connect(conninfo, **given)

    return Sessions
