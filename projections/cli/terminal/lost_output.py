"""Standard output whose reader has gone, however a library took it."""

from collections.abc import Iterator
from contextlib import contextmanager


class OutputClosed(Exception):
    """The reader of our output has gone, as `head` does when it has its lines."""


@contextmanager
def noticing_closed_output() -> Iterator[None]:
    """Raises OutputClosed where the output has no reader, however a library took it."""
    try:
        yield
    except BrokenPipeError as error:
        raise OutputClosed from error
    except SystemExit as error:  # what Rich makes of it
        if isinstance(error.__context__, BrokenPipeError):
            raise OutputClosed from error
        raise
