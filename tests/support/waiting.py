"""Waiting for what comes about by itself, on a machine that may do other things too."""

import time
from collections.abc import Callable

SECONDS = 120.0


def until(condition: Callable[[], object]) -> None:
    """Returns once it holds; what has not come about by then never will."""
    give_up_at = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < give_up_at, "it did not come about"
        time.sleep(0.02)
