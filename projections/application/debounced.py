"""Work that follows a write: in the background, once for all writes of a short while, so that it holds up no answer."""

import logging
import math
import random
import threading
import time
from collections.abc import Callable, Hashable

from ledger.machine.jobs import Jobs

DELAY = 0.2  # seconds: the answer goes out first, and what is written meanwhile is covered too
LONGEST_DELAY = 1.0  # while writes go on and on: many at once cost less than few at a time
LONGEST_REST = 3.0  # while others do it: the status file of this process may be another one than theirs

log = logging.getLogger(__name__)


class Debounced:
    """`soon` asks for the work, `at_once` waits for what an answer promises of it.

    `age` tells how many seconds ago this or another process of the machine has done it: of many that write, one works
    while the others rest. `finish`, at the end of the process, waits until what was asked for is done.
    """

    def __init__(
        self,
        work: Callable[[], None],
        age: Callable[[], float],
        jobs: Jobs,
        lane: Callable[[], Hashable],
        delay: float = DELAY,
    ) -> None:
        """The work is one of the `jobs`, in that lane."""
        self._work = work
        self._age = age
        self._first_delay = self._delay = delay
        self._lock = threading.Lock()
        self._wanted = False
        self._follows_writes = False  # from the first of a burst until none has come for a while
        self._burst_until = 0.0  # by time.monotonic
        self._rests_until = math.inf
        self._job = jobs.add(lane, self._turn)

    @property
    def is_wanted(self) -> bool:
        """Whether the work was asked for and has not begun: `finish` would do it."""
        with self._lock:
            return self._wanted

    def soon(self) -> None:
        with self._lock:
            self._wanted = True
            if self._follows_writes:
                return
            self._follows_writes = True
            self._begin_burst()
        self._job.within(self._delay)

    def at_once(self, promised: Callable[[], None]) -> None:
        """Does what is `promised` for the first write of a burst; the others ask for the work, as `soon` does."""
        now = time.monotonic()
        with self._lock:
            in_burst, self._burst_until = now < self._burst_until, now + self._first_delay
        if in_burst:
            self.soon()
        else:
            promised()

    def finish(self) -> None:
        self._job.end(None)
        while self._takes_on():
            self._work_once()

    def _turn(self) -> float | None:
        """Each rests for a time of its own, so that those who waited together do not all work at once."""
        if (left := self._delay - self._age()) > 0 and time.monotonic() < self._rests_until:
            return left * random.uniform(1, 2)
        if not self._takes_on():
            return None
        self._work_once()
        self._delay = min(2 * self._delay, LONGEST_DELAY)
        self._rests_until = time.monotonic() + self._delay + LONGEST_REST
        return self._delay

    def _work_once(self) -> None:
        try:
            self._work()
        except Exception:  # it is tried again after the next write
            log.exception("what follows a write failed")

    def _takes_on(self) -> bool:
        """Whether the work is wanted; what is asked for from here on is another time."""
        with self._lock:
            wanted, self._wanted = self._wanted, False
            self._follows_writes = wanted
        return wanted

    def _begin_burst(self) -> None:
        self._delay = self._first_delay
        self._rests_until = time.monotonic() + self._delay + LONGEST_REST
