"""Standard output that cannot be written: its reader has gone, or what it goes to fails."""

from collections.abc import Iterator
from contextlib import contextmanager


class OutputClosed(Exception):
    """The reader of our output has gone, as `head` does when it has its lines."""


class OutputLost(OSError):
    """The answer could not be written: a full disk, a device that fails. What the command did is done."""


@contextmanager
def writing() -> Iterator[None]:
    """Here standard output is written and nothing else, so what fails is no other file. Raises OutputLost."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputLost(error.errno, error.strerror) from error


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
