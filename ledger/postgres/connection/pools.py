"""Pools of connections, one for each database: what uses the same `Pools` shares them.

A process that serves many ledgers then needs no more connections than one that serves a single one: what a pool opens
is of a database and a role, not of a ledger.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import psycopg_pool
from msgspec import Struct
from psycopg import pq
from psycopg.conninfo import make_conninfo

from ledger.errors import Unavailable
from ledger.libpq.ping import ping
from ledger.libpq.session import Session
from ledger.postgres.connection.watchdog import Watchdog

AGAIN_SECONDS = 0.15  # between two tries of a process at a database that is away
END_SECONDS = 0.1  # a worker that still tries to connect must not hold up the end of a process

Pool = psycopg_pool.ConnectionPool[Session]
Make = Callable[[str, type[Session]], Pool]  # called with a connection string and what opens a session of it


class SharedPool:
    """A pool, how many use it, and what they have in common. `first` are sessions that it need not open."""

    def __init__(self, conninfo: str, make: Make, first: Session | None) -> None:
        self.users = 0
        self.first = [first] if first is not None else []
        self.pool = make(conninfo, _sessions(self.first))
        self.watchdog = Watchdog(partial(_answers, conninfo))
        self.asked = Counter[str]()  # about how often each statement was


class Reached(Struct, frozen=True, kw_only=True):
    """How a database was reached that has this program's schema, and whether statements are kept there."""

    conninfo: str
    keeps_statements: bool


class Away:
    """Why a database could not be reached, and when to try again, by time.monotonic; None while one tries."""

    def __init__(self, error: Unavailable) -> None:
        self.error = error
        self.again: float | None = time.monotonic() + AGAIN_SECONDS

    def require_attempt(self) -> None:
        """Raises Unavailable unless it is time for one."""
        if self.again is None or self.again > time.monotonic():
            raise Unavailable(self.error.message, next_step=self.error.next_step, **self.error.details) from self.error

    def allow_one_attempt(self) -> None:
        """Gives the next try to the first caller when it is time for one; raises Unavailable for all others."""
        self.require_attempt()
        self.again = None


class Pools:
    """The pools of a process, one for each database. Safe for many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._shared: dict[str, SharedPool] = {}
        self._reached: dict[str, Reached] = {}
        self._away: dict[str, Away] = {}
        self._trying: dict[str, Callable[[], bool]] = {}  # by place, whether it is seen to be starting

    def take(self, conninfo: str, make: Make, first: Session | None = None) -> SharedPool:
        """The pool of that database; a new one is closed until it is opened. `first` is an open session of it."""
        with self._lock:
            shared = self._shared.get(conninfo)
            if shared is None:
                shared = self._shared[conninfo] = SharedPool(conninfo, make, first)
            elif first is not None:
                first.close()
            shared.users += 1
            return shared

    def note(self, place: str, reached: Reached) -> None:
        """How the database of some settings was reached: until that is in doubt, its next user need not find out."""
        with self._lock:
            self._reached[place] = reached
            self._away.pop(place, None)

    @contextmanager
    def trying(self, place: str, is_coming: Callable[[], bool]) -> Iterator[None]:
        """A try to reach it. While it is away one at a time tries: Unavailable is raised again for all others."""
        with self._lock:
            if place in self._away:
                self._away[place].allow_one_attempt()
        self._trying[place] = is_coming
        try:
            yield
        except Unavailable as error:
            self._away[place] = Away(error)
            raise
        except BaseException:
            self._away.pop(place, None)
            raise
        finally:
            self._trying.pop(place, None)

    def is_away(self, place: str) -> bool:
        """Whether the newest try to reach it failed."""
        return place in self._away

    def is_coming(self, place: str) -> bool:
        """Whether a thread that tries to reach it sees that it is starting."""
        is_coming = self._trying.get(place)
        return is_coming is not None and is_coming()

    def require_attempt(self, place: str) -> None:
        """Raises Unavailable where another thread tries to reach that database, or has just tried."""
        with self._lock:
            if place in self._away:
                self._away[place].require_attempt()

    def forget(self, place: str) -> None:
        with self._lock:
            self._reached.pop(place, None)

    def reached(self, place: str) -> Reached | None:
        """None where no pool of it is in use either: it may have stopped since."""
        with self._lock:
            found = self._reached.get(place)
            return found if found is not None and found.conninfo in self._shared else None

    def open(self, pool: Pool) -> Pool:
        if pool.closed:
            with self._lock:
                if pool.closed:
                    pool.open()
        return pool

    def leave(self, conninfo: str) -> None:
        """Gives a pool back; the last user ends it."""
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
    """A kind of sessions of which the first is open already: each one that is opened costs the server a process."""

    class Sessions(Session):
        @classmethod
        def connect(cls, conninfo: str = "", **given: Any) -> Any:
            return first.pop() if first else super().connect(conninfo, **given)

    return Sessions


def _answers(conninfo: str, connection: Session) -> bool:
    """Whether the server of a connection answers on another one; of a cluster this very host is asked."""
    host, address = connection.info.host, connection.info.hostaddr
    known = {"hostaddr": address} if address else {}
    return ping(make_conninfo(conninfo, host=host, port=connection.info.port, **known)) != pq.Ping.NO_RESPONSE
