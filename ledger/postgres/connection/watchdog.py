"""Ends a call whose server has fallen silent, and leaves every other call alone however long it takes.

A frozen server holds a client for as long as it is frozen, whatever the keepalives. So a call that takes longer than a
second is looked after: a second connection asks the server whether it answers. If it is silent for a second too, the
call's socket is shut, and the call ends as one whose answer was lost.
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
    """One call. `shut` says why its socket was shut; empty if it was not."""

    __slots__ = ("asked", "begun", "connection", "limit", "shut")

    def __init__(self, connection: Session, limit: float | None) -> None:
        self.connection = connection
        self.begun = self.asked = time.monotonic()
        self.limit = limit
        self.shut = ""


class Watchdog:
    """`answers(connection)` asks that connection's server on another one, and gives up after a second."""

    def __init__(self, answers: Callable[[Session], bool]) -> None:
        self._answers = answers
        self._lock = threading.Lock()
        self._watched: set[Watched] = set()
        self._thread: threading.Thread | None = None

    def add(self, connection: Session, limit: float | None = None) -> Watched:
        """Looks after a call until it is discarded. `limit` seconds are all it may take, though its server answers."""
        watched = Watched(connection, limit)
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
        idle_since = time.monotonic()
        while True:
            time.sleep(LOOK_EVERY)
            now = time.monotonic()
            with self._lock:
                if self._watched:
                    idle_since = now
                elif now - idle_since > RESTS_AFTER:
                    self._thread = None
                    return
                over = [one for one in self._watched if one.limit and now - one.begun > one.limit]
                long = [one for one in self._watched if now - one.asked > LONG_CALL_SECONDS and one not in over]
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
                    one.asked = time.monotonic()
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
