"""Work that follows a write: in a thread, once for all writes of a short while, so that it holds up no answer."""

import threading
import time
from collections.abc import Callable

DELAY = 0.2  # seconds: the answer goes out first, and what is written meanwhile is covered too
LONGEST_DELAY = 1.0  # while writes go on and on: many at once cost less than few at a time


class Afterwards:
    """`soon` asks for the work, `at_once` waits for what an answer promises of it.

    `finish`, at the end of the process, waits until what was asked for is done.
    """

    def __init__(self, work: Callable[[], None], delay: float = DELAY) -> None:
        self._work = work
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
                self._thread = threading.Thread(target=self._run, name="tracking-ledger-afterwards", daemon=True)
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
        delay = self._delay
        while True:
            self._ending.wait(delay)
            with self._lock:
                if not self._wanted:
                    self._thread = None
                    return
                self._wanted = False
            self._work()
            delay = min(2 * delay, LONGEST_DELAY)
