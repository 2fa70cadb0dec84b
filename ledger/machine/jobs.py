"""Work in the background for all ledgers of a process: each job when it is due, those of one lane on a few threads.

A lane is what jobs wait for, such as a database: one that is silent keeps no other lane's jobs waiting.
"""

import heapq
import logging
import threading
import time
from collections.abc import Callable, Hashable
from itertools import count

MOST = 2  # threads of a lane
RESTS_AFTER = 5.0  # seconds without a job, then a thread ends

Work = Callable[[], float | None]  # answers in how many seconds it is due again, None: when it is asked for

log = logging.getLogger(__name__)


class _Lane:
    def __init__(self, lock: threading.Lock) -> None:
        self.due: list[tuple[float, int, Job]] = []  # also entries that count no more: their job is due at another time
        self.changed = threading.Condition(lock)
        self.threads = self.idle = 0


class Jobs:
    """The jobs of a process. Safe for many threads; its own threads never keep a process alive."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._over = threading.Condition(self._lock)
        self._lanes: dict[Hashable, _Lane] = {}
        self._order = count()

    def add(self, lane: Callable[[], Hashable], work: Work, every: float | None = None) -> "Job":
        """A job that begins when it is asked for. Its lane may be another one each time.

        After a fault, which is logged, it is due again in `every` seconds.
        """
        return Job(self, lane, work, every)

    @property
    def threads(self) -> int:
        """How many threads there are now."""
        with self._lock:
            return sum(lane.threads for lane in self._lanes.values())

    def _enter(self, job: "Job", due: float) -> None:
        """Puts a job into its lane. Called under the lock."""
        key = job.lane()
        lane = self._lanes.get(key) or self._lanes.setdefault(key, _Lane(self._lock))
        heapq.heappush(lane.due, (due, next(self._order), job))
        lane.changed.notify()
        self._keep_one_waiting(key, lane)

    def _keep_one_waiting(self, key: Hashable, lane: _Lane) -> None:
        if lane.due and not lane.idle and lane.threads < self._most:
            lane.threads += 1
            threading.Thread(target=self._carry_out, args=[key, lane], name="tracking-ledger-jobs", daemon=True).start()

    def _carry_out(self, key: Hashable, lane: _Lane) -> None:
        while (job := self._next(key, lane)) is not None:
            again = job.carry_out()
            with self._lock:
                job.settle(again)
                self._over.notify_all()

    def _next(self, key: Hashable, lane: _Lane) -> "Job | None":
        """Waits for the next job that is due; None when there is none to wait for."""
        with self._lock:
            idle_since = time.monotonic()
            while True:
                while lane.due and lane.due[0][2].due != lane.due[0][0]:
                    heapq.heappop(lane.due)
                now = time.monotonic()
                if lane.due and lane.due[0][0] <= now:
                    job = heapq.heappop(lane.due)[2]
                    job.begin()
                    self._keep_one_waiting(key, lane)
                    return job
                rest = idle_since + RESTS_AFTER - now
                if rest <= 0 and (lane.threads > 1 or not lane.due):
                    lane.threads -= 1
                    if not lane.threads:
                        del self._lanes[key]
                    return None
                first = lane.due[0][0] - now if lane.due else rest
                lane.idle += 1
                lane.changed.wait(min(first, rest) if rest > 0 else first)
                lane.idle -= 1


class Job:
    """One of `Jobs`, at most one run of it at a time."""

    def __init__(self, jobs: Jobs, lane: Callable[[], Hashable], work: Work, every: float | None) -> None:
        self.lane = lane
        self.due: float | None = None  # by time.monotonic; None while it runs, or is not asked for
        self._jobs = jobs
        self._work = work
        self._every = every
        self._thread: int | None = None  # that in which it runs
        self._asked: float | None = None  # meanwhile
        self._ended = False

    def within(self, seconds: float) -> None:
        """Lets it begin within that time. Asked for while it runs, it runs again."""
        with self._jobs._lock:
            self._ask(time.monotonic() + seconds)

    def end(self, seconds: float | None = 0.0) -> bool:
        """Lets it never begin again, and waits so long for the run under way: whether that is over."""
        with self._jobs._lock:
            self._ended, self.due = True, None
            self._work = _nothing  # what remembers when it was due does not keep what it worked on
            self.lane = _nothing
            if self._thread == threading.get_ident():
                return False
            return self._jobs._over.wait_for(lambda: self._thread is None, seconds)

    def begin(self) -> None:
        """Notes that it runs now. Called under the lock of `Jobs`, as `settle` is."""
        self.due, self._asked, self._thread = None, None, threading.get_ident()

    def carry_out(self) -> float | None:
        try:
            return self._work()
        except Exception:  # a fault in one job must not end the others'
            log.exception("a job in the background failed")
            return self._every

    def settle(self, again: float | None) -> None:
        self._thread = None
        wanted = [self._asked] if self._asked is not None else []
        if again is not None:
            wanted.append(time.monotonic() + again)
        if wanted:
            self._ask(min(wanted))

    def _ask(self, due: float) -> None:
        if self._ended:
            return
        if self._thread is not None:
            self._asked = due if self._asked is None else min(self._asked, due)
        elif self.due is None or due < self.due:
            self.due = due
            self._jobs._enter(self, due)


def _nothing() -> None:
    return None
