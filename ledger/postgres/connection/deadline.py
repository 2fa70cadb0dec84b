"""How long the command under way may still wait for the database. Questions and background work have no such end."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from ledger.errors import OutcomeUnknown, Unavailable

CONNECT_SECONDS = 1.0  # a caller waits no longer than this for a connection

_until: ContextVar[float | None] = ContextVar("until", default=None)  # by time.monotonic


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """All that this thread asks the database in here, together."""
    token = _until.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _until.reset(token)


def clear() -> None:
    """What the command is for is recorded: whatever is still read for its answer may take the time of a question."""
    _until.set(None)


def extend(seconds: float) -> None:
    """What the command has waited for a server that was starting is none of its own time."""
    until = _until.get()
    if until is not None:
        _until.set(until + seconds)


def left() -> float | None:
    """Seconds; None where nothing was said."""
    until = _until.get()
    return None if until is None else max(0.0, until - time.monotonic())


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
