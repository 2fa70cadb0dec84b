"""This process's contact with its database: made in the background, remembered when lost, made again when possible.

A caller waits at most a second for it, once per outage; from then on every caller hears at once that it is away, and
trying goes on. A server that is starting, or a schema that is being migrated, is waited for longer, and the first
command has all of its own time then. Once a server answers again, callers wait for it a second more: what they wrote
meanwhile would only have to be drained, and a process that goes on at full speed holds up the thread that connects.
"""

import random
import threading
import time
from collections.abc import Callable, Hashable

from ledger.errors import OutcomeUnknown, Unavailable
from ledger.machine.jobs import Jobs
from ledger.postgres.connection import deadline
from ledger.postgres.connection.database import Database
from ledger.postgres.connection.deadline import CONNECT_SECONDS

COMING_SECONDS = 60.0  # at most, for what is seen to be is_starting
LOOK_EVERY = 0.05
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 0.5  # seconds between two tries; what is written meanwhile has to be drained
SPREAD = 0.25  # of a pause, by which those of many machines differ


class Contact:
    """`reach(database | None)` makes the database ready, the same one again if there was one; `is_starting` says
    whether waiting makes sense. A caller waits for `seconds`. Trying is one of the `jobs`, in that lane."""

    def __init__(
        self,
        reach: Callable[[Database | None], Database],
        is_starting: Callable[[], bool],
        seconds: float = CONNECT_SECONDS,
        *,
        jobs: Jobs | None = None,
        lane: Hashable = None,
    ) -> None:
        self._reach = reach
        self._is_starting = is_starting
        self._seconds = seconds
        self._changed = threading.Condition()
        self._database: Database | None = None
        self._ready = False
        self._closed = False
        self._error: Exception | None = None
        self._trying = False
        self._pause = FIRST_PAUSE
        self._begun = 0.0
        self._under_way = False  # a try
        self._answered: float | None = None  # since when a server is seen to answer it
        self._job = (jobs or Jobs()).add(lambda: ("contact", lane), self._attempt)

    @property
    def opened(self) -> bool:
        """Whether a database was ever reached."""
        return self._database is not None

    @property
    def ready(self) -> bool:
        """Whether it can be asked now, as far as is known."""
        return self._ready

    def database(self) -> Database:
        """The database, within those seconds. Raises Unavailable, and what else is wrong with it."""
        with self._changed:
            if not self._ready:
                self._wait()
            if self._ready and self._database is not None:
                return self._database
            raise self._error or _not_yet(self._seconds)

    def mark_lost(self, *, after_timeout: bool) -> None:
        """The database did not answer. `after_timeout` says that the caller has given it its second already."""
        with self._changed:
            if self._ready:
                self._ready, self._error = False, None
                self._try()
                if after_timeout:
                    self._begun -= self._seconds

    def close(self) -> None:
        with self._changed:
            self._closed, self._ready = True, False
            self._changed.notify_all()
        self._job.end()
        if self._database is not None:
            self._database.close()

    def _wait(self) -> None:
        is_first, begun = self._database is None, time.monotonic()
        self._try()
        with deadline.waiting():
            while not self._is_settled():
                self._changed.wait(LOOK_EVERY)
        if is_first and self._ready and (waited := time.monotonic() - begun) > self._seconds:
            deadline.extend(waited)

    def _is_settled(self) -> bool:
        if self._ready or self._closed:
            return True
        if self._error is not None:
            return not self._comes_back()
        after_timeout = time.monotonic() - self._begun
        return after_timeout > self._seconds and (not self._is_starting() or after_timeout > COMING_SECONDS)

    def _comes_back(self) -> bool:
        """Whether a server answers the try that is under way, after others failed, and not for too long already."""
        if not self._under_way or not self._is_starting() or deadline.is_over():
            return False
        if self._answered is None:
            self._answered = time.monotonic()
        return time.monotonic() - self._answered < self._seconds

    def _try(self) -> None:
        if not self._trying and not self._closed:
            self._begun, self._error = time.monotonic(), None
            self._trying, self._pause = True, FIRST_PAUSE
            self._job.within(0.0)

    def _attempt(self) -> float | None:
        """Tries once; answers in how many seconds to try again, None when that is over."""
        with self._changed:
            self._under_way, self._answered = True, None
        try:
            database = self._reach(self._database)
        except (Unavailable, OutcomeUnknown) as error:
            self._failed(error)
        except Exception as error:  # it is there, and something is wrong that only a person can mend: callers raise it
            self._failed(error, ends=True)
            return None
        else:
            self._connected(database)
            return None
        pause, self._pause = self._pause, min(2 * self._pause, LONGEST_PAUSE)
        return pause * random.uniform(1 - SPREAD, 1 + SPREAD)

    def _connected(self, database: Database) -> None:
        with self._changed:
            self._database, self._ready, self._error, self._trying = database, not self._closed, None, False
            self._under_way = False
            self._changed.notify_all()
        if self._closed:  # meanwhile
            database.close()

    def _failed(self, error: Exception, *, ends: bool = False) -> None:
        with self._changed:
            self._error, self._under_way = error, False
            if ends:
                self._trying = False
            self._changed.notify_all()


def _not_yet(seconds: float) -> Unavailable:
    return Unavailable(
        f"PostgreSQL did not answer within {seconds:g} s",
        next_step="see `tracking-ledger doctor`; connecting goes on in the background",
    )
