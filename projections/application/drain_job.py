"""Draining in the background: a caller waits as long as it can, and the drain goes on without it."""

import logging
import math
import threading
import time
from collections.abc import Callable, Hashable

from ledger.errors import LedgerError
from ledger.machine.jobs import Jobs
from ledger.offline.delivery.drain import Drained
from ledger.postgres.connection.driver_errors import is_held_up

AGAIN_AFTER = 0.5  # seconds, when others hold the ledger's lock
LAST_SECONDS = 5.0  # for the portion under way, at the end of the process
LOOK_EVERY = 0.2  # seconds, whether the process ends
REST = 0.25  # of the time that a drain took: machines that drain together end at about the same time
LONGEST_REST = 3.0  # seconds

ShouldContinue = Callable[[], bool]
Clock = Callable[[], float]
Drains = Callable[[ShouldContinue], Drained | None]  # None if another process is at it

log = logging.getLogger(__name__)


class _Run:
    """How one drain ended, once it is over."""

    def __init__(self, drain: Drains, begun: float) -> None:
        self.drain = drain
        self.begun = begun
        self.rests_until = math.inf
        self.drained: Drained | None = None
        self.error: LedgerError | None = None
        self.over = threading.Event()

    def ended(self, now: float) -> None:
        self.rests_until = now + min(REST * (now - self.begun), LONGEST_REST)
        self.over.set()


class DrainJob:
    """Drains, at most once at a time in this process, as one of the `jobs`, in that lane. Safe for many threads."""

    def __init__(self, jobs: Jobs, lane: Callable[[], Hashable], clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._run: _Run | None = None
        self._job = jobs.add(lambda: ("drain", lane()), self._go_on)

    def begin(self, drain: Drains) -> _Run:
        """Starts a drain unless one is under way."""
        with self._lock:
            if self._run is None or self._run.over.is_set():
                self._run = _Run(drain, self._clock())
                self._job.within(0.0)
            return self._run

    def wait(self, drain: Drains, seconds: float) -> Drained | None:
        """What became of it in that time; None if it goes on, here or in another process. Raises what ended it."""
        run = self.begin(drain)
        if not run.over.wait(seconds):
            return None
        if run.error is not None:
            raise run.error
        return run.drained

    def wait_for_its_end(self, seconds: float) -> None:
        """Waits where a drain is under way or just over, at most so long: for work that can wait.

        It leaves the computer to the drain, and after it the database to the drains of other machines.
        """
        run, until = self._run, self._clock() + seconds
        while run is not None and (left := min(run.rests_until, until) - self._clock()) > 0:
            if self._ending.wait(min(LOOK_EVERY, left)):
                return

    def end(self) -> None:
        """Ends after the portion under way, so that also processes which live for one command get on with it."""
        with self._lock:
            self._ending.set()
        self._job.end(LAST_SECONDS)
        if self._run is not None:
            self._run.over.set()

    def _go_on(self) -> float | None:
        """Drains for a while; answers in how many seconds to try again, None when it is over."""
        run = self._run
        if run is None or run.over.is_set() or self._ending.is_set():
            return None
        try:
            run.drained = run.drain(lambda: not self._ending.is_set())
        except LedgerError as error:
            if is_held_up(error):
                return AGAIN_AFTER
            log.warning("draining has to wait: %s", ascii(error.message)[1:-1])
            run.error = error
        except BaseException:
            run.ended(self._clock())
            raise
        run.ended(self._clock())
        return None
