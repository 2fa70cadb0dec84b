"""Waiting for what comes about by itself, on a machine that may do other things too."""

import time
from collections.abc import Callable

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
