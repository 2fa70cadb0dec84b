"""Ends a call whose server has fallen silent, and leaves every other call alone however long it takes.

A frozen server holds a client for as long as it is frozen, whatever the keepalives. So a call that takes longer than a
second is looked after: a second connection asks the server whether it answers. If it is silent for a second too, the
call's socket is shut, and the call ends as one whose answer was lost. Only what a session waits for its server counts,
not what its thread does between two statements of a transaction.
"""

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable

import psycopg

from ledger.libpq.session import Session

LONG_CALL_SECONDS = 1.0  # seconds that a call may take before it is looked at, and between two questions
LOOK_EVERY = 0.2
RESTS_AFTER = 5.0  # seconds without a call, then the thread ends


class Watched:
    """What is asked of a borrowed session. `shut` says why its socket was shut; empty if it was not."""

    __slots__ = ("_before", "asked", "connection", "limit", "shut")

    def __init__(self, connection: Session, limit: float | None, now: float) -> None:
        self.connection = connection
        self._before = connection.waited(now)
        self.asked = now  # when its server was seen to answer last
        self.limit = limit
        self.shut = ""

    def waited(self, now: float) -> float:
        """Seconds, for all that was asked since it was borrowed."""
        return self.connection.waited(now) - self._before

    def is_over(self, now: float) -> bool:
        return self.limit is not None and self.waited(now) > self.limit

    def is_long(self, now: float) -> bool:
        return min(self.connection.waits(now), now - self.asked) > LONG_CALL_SECONDS


class Watchdog:
    """`answers(connection)` asks that connection's server on another one, and gives up after a second."""

    def __init__(self, answers: Callable[[Session], bool], clock: Callable[[], float] = time.monotonic) -> None:
        self._answers = answers
        self._clock = clock
        self._lock = threading.Lock()
        self._watched: set[Watched] = set()
        self._thread: threading.Thread | None = None

    def add(self, connection: Session, limit: float | None = None) -> Watched:
        """Looks after a call until it is discarded. `limit` seconds are all it may take, though its server answers."""
        watched = Watched(connection, limit, self._clock())
        with self._lock:
            self._watched.add(watched)
            if self._thread is None:
                self._thread = threading.Thread(target=self._look_after, name="tracking-ledger-watchdog", daemon=True)
                self._thread.start()
        return watched

    def discard(self, watched: Watched) -> None:
        with self._lock:
            self._watched.discard(watched)

    def _look_after(self) -> None:
        idle_since = self._clock()
        while True:
            time.sleep(LOOK_EVERY)
            now = self._clock()
            with self._lock:
                if self._watched:
                    idle_since = now
                elif now - idle_since > RESTS_AFTER:
                    self._thread = None
                    return
                over = [one for one in self._watched if one.is_over(now)]
                long = [one for one in self._watched if one.is_long(now) and one not in over]
            for one in over:
                self._shut(one, f"it took longer than {one.limit:g} s")
            self._ask(long)

    def _ask(self, long: list[Watched]) -> None:
        answers: dict[object, bool] = {}  # each server is asked once, or the last of many would be given up late
        for one in long:
            with contextlib.suppress(psycopg.Error, OSError):  # it ended by itself; the machine cannot ask just now
                server = _server(one.connection)
                if server not in answers:
                    answers[server] = self._answers(one.connection)
                if answers[server]:
                    one.asked = self._clock()
                else:
                    self._shut(one, "the server is silent")

    def _shut(self, one: Watched, why: str) -> None:
        with self._lock, contextlib.suppress(OSError, psycopg.Error):  # it ended by itself meanwhile
            if one in self._watched and not one.shut:
                with socket.socket(fileno=os.dup(one.connection.fileno())) as shared:
                    shared.shutdown(socket.SHUT_RDWR)
                one.shut = why


def _server(connection: Session) -> object:
    return connection.info.host, connection.info.hostaddr, connection.info.port
