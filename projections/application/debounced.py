"""Work that follows a write: in a thread, once for all writes of a short while, so that it holds up no answer."""

import random
import threading
import time
from collections.abc import Callable

DELAY = 0.2  # seconds: the answer goes out first, and what is written meanwhile is covered too
LONGEST_DELAY = 1.0  # while writes go on and on: many at once cost less than few at a time
LONGEST_REST = 3.0  # while others do it: the status file of this process may be another one than theirs


class Debounced:
    """`soon` asks for the work, `at_once` waits for what an answer promises of it.

    `age` tells how many seconds ago this or another process of the machine has done it: of many that write, one works
    while the others rest. `finish`, at the end of the process, waits until what was asked for is done.
    """

    def __init__(self, work: Callable[[], None], age: Callable[[], float], delay: float = DELAY) -> None:
        self._work = work
        self._age = age
        self._delay = delay
        self._lock = threading.Lock()
        self._wanted = False
        self._burst_until = 0.0  # by time.monotonic
        self._thread: threading.Thread | None = None
        self._ending = threading.Event()

    def soon(self) -> None:
        with self._lock:
            self._wanted = True
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="tracking-ledger-debounced", daemon=True)
                self._thread.start()

    def at_once(self, promised: Callable[[], None]) -> None:
        """Of a burst of writes the first waits for what is promised, the others ask for the work."""
        now = time.monotonic()
        with self._lock:
            in_burst, self._burst_until = now < self._burst_until, now + self._delay
        if in_burst:
            self.soon()
        else:
            promised()

    def finish(self) -> None:
        self._ending.set()
        thread = self._thread
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        try:
            self._work_on()
        except BaseException:
            with self._lock:
                self._thread = None  # what goes wrong once is tried again after the next write
            raise

    def _work_on(self) -> None:
        delay = self._delay
        while True:
            self._ending.wait(delay)
            self._let_others_go_first(delay)
            with self._lock:
                if not self._wanted:
                    self._thread = None
                    return
                self._wanted = False
            self._work()
            delay = min(2 * delay, LONGEST_DELAY)

    def _let_others_go_first(self, delay: float) -> None:
        """Each rests for a time of its own, so that those who waited together do not all work at once."""
        until = time.monotonic() + LONGEST_REST
        while (left := delay - self._age()) > 0 and time.monotonic() < until:
            if self._ending.wait(left * random.uniform(1, 2)):
                return
