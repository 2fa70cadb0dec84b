"""How long the command under way may still wait for the database. Questions and background work have no such end.

Only waiting counts: what a command takes to decide, or a busy machine to go on with it, is no fault of the database.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from ledger.errors import OutcomeUnknown, Unavailable

CONNECT_SECONDS = 1.0  # a caller waits no longer than this for a connection


class _Budget:
    """The seconds that a command may still wait, but for those since it began to wait."""

    __slots__ = ("clock", "seconds", "since")

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self.seconds = seconds
        self.clock = clock
        self.since: float | None = None  # None while it does not wait

    def left(self) -> float:
        waits = 0.0 if self.since is None else self.clock() - self.since
        return max(0.0, self.seconds - waits)


_budget: ContextVar[_Budget | None] = ContextVar("budget", default=None)


@contextmanager
def at_most(seconds: float, clock: Callable[[], float] = time.monotonic) -> Iterator[None]:
    """All that this thread waits for the database in here, together."""
    token = _budget.set(_Budget(seconds, clock))
    try:
        yield
    finally:
        _budget.reset(token)


@contextmanager
def waiting() -> Iterator[None]:
    """What passes in here is waited for the database; one wait within another counts once."""
    budget = _budget.get()
    if budget is None or budget.since is not None:
        yield
        return
    budget.since = begun = budget.clock()
    try:
        yield
    finally:
        budget.since = None
        budget.seconds -= budget.clock() - begun


def spend(seconds: float) -> None:
    """So long it has waited, as others have measured it."""
    budget = _budget.get()
    if budget is not None and budget.since is None:
        budget.seconds -= seconds


def clear() -> None:
    """What the command is for is recorded: whatever is still read for its answer may take the time of a question."""
    _budget.set(None)


def extend(seconds: float) -> None:
    """What the command has waited for a server that was starting is none of its own time."""
    budget = _budget.get()
    if budget is not None:
        budget.seconds += seconds


def left() -> float | None:
    """Seconds; None where nothing was said."""
    budget = _budget.get()
    return None if budget is None else budget.left()


def is_over() -> bool:
    return left() == 0.0


def no_time_left() -> Unavailable:
    return Unavailable(
        "the command has used up the time that it may wait for the database",
        next_step="try again, or let it take longer with LEDGER_COMMAND_SECONDS",
        given_up="its time is over",
    )


def given_up(why: str) -> OutcomeUnknown:
    return OutcomeUnknown(
        f"PostgreSQL did not answer in time: {why}",
        next_step="repeat it with the same command_id; a command is never recorded twice",
        given_up=why,
    )
