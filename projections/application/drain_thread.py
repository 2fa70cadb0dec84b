"""Draining in a thread of its own: a caller waits as long as it can, and the drain goes on without it."""

import logging
import threading
import time
from collections.abc import Callable

from ledger.errors import LedgerError
from ledger.offline.delivery.drain import Drained
from ledger.postgres.connection.database import is_held_up

AGAIN_AFTER = 0.5  # seconds, when others hold the ledger's lock
LAST_SECONDS = 5.0  # for the portion under way, at the end of the process
LOOK_EVERY = 0.2  # seconds, whether the process ends

ShouldContinue = Callable[[], bool]
Drains = Callable[[ShouldContinue], Drained | None]  # None if another process is at it

log = logging.getLogger(__name__)


class _Run:
    """One thread, and how it ended."""

    def __init__(self, drain: Drains, ending: threading.Event) -> None:
        self.drained: Drained | None = None
        self.error: LedgerError | None = None
        self._drain = drain
        self._ending = ending
        self.thread = threading.Thread(target=self._run, name="tracking-ledger-drain", daemon=True)
        self.thread.start()

    def _run(self) -> None:
        while not self._ending.is_set():
            try:
                self.drained = self._drain(lambda: not self._ending.is_set())
                return
            except LedgerError as error:
                if not is_held_up(error):
                    log.warning("draining has to wait: %s", ascii(error.message)[1:-1])
                    self.error = error
                    return
            self._ending.wait(AGAIN_AFTER)


class DrainThread:
    """At most one thread of this process. Safe for many that wait."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._run: _Run | None = None

    def begin(self, drain: Drains) -> _Run:
        """Unless it is under way already."""
        with self._lock:
            if self._run is None or not self._run.thread.is_alive():
                self._run = _Run(drain, self._ending)
            return self._run

    def wait(self, drain: Drains, seconds: float) -> Drained | None:
        """What became of it in that time; None if it goes on, here or in another process. Raises what ended it."""
        run = self.begin(drain)
        run.thread.join(seconds)
        if run.thread.is_alive():
            return None
        if run.error is not None:
            raise run.error
        return run.drained

    def wait_for_its_end(self, seconds: float) -> None:
        """Where it is under way: work that can wait leaves this process to it so long."""
        run, until = self._run, time.monotonic() + seconds
        while run is not None and run.thread.is_alive() and not self._ending.is_set():
            if (left := until - time.monotonic()) <= 0:
                return
            run.thread.join(min(LOOK_EVERY, left))

    def end(self) -> None:
        """After the portion under way, so that also processes which live for one command get on with it."""
        with self._lock:
            self._ending.set()
            run = self._run
        if run is not None:
            run.thread.join(LAST_SECONDS)
