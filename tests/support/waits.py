"""Waiting for what comes about by itself, on a machine that may do other things too."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psutil

SECONDS = 120.0


def until(condition: Callable[[], object]) -> None:
    """Returns once it holds; what has not come about by then never will."""
    give_up_at = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < give_up_at, "it did not come about"
        time.sleep(0.02)


def until_ended(*processes: psutil.Process) -> None:
    """A zombie has: one whose parent is gone stays until the first process of the machine looks, a second later."""
    until(lambda: not any(map(_lives, processes)))


def _lives(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@contextmanager
def let_go(release: Callable[[], object], seconds: float = 40.0) -> Iterator[None]:
    """While this is open: what still waits after so many seconds is let go by `release`, and has failed."""
    needed = threading.Event()

    def fire() -> None:
        needed.set()
        release()

    timer = threading.Timer(seconds, fire)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
    assert not needed.is_set(), f"it waited for {seconds:g} s, and would have for ever"
