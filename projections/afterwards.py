"""Work that follows a write without holding up its answer: in a thread, and once for all writes of a short while."""

import threading
from collections.abc import Callable

DELAY = 0.2  # seconds: the answer goes out first, and what is written meanwhile is covered too


class Afterwards:
    """`soon` asks for the work; `finish`, at the end of the process, waits until what was asked for is done."""

    def __init__(self, work: Callable[[], None], delay: float = DELAY) -> None:
        self._work = work
        self._delay = delay
        self._lock = threading.Lock()
        self._wanted = False
        self._thread: threading.Thread | None = None
        self._ending = threading.Event()

    def soon(self) -> None:
        with self._lock:
            self._wanted = True
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="tracking-ledger-afterwards", daemon=True)
                self._thread.start()

    def finish(self) -> None:
        self._ending.set()
        thread = self._thread
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        while True:
            self._ending.wait(self._delay)
            with self._lock:
                if not self._wanted:
                    self._thread = None
                    return
                self._wanted = False
            self._work()
