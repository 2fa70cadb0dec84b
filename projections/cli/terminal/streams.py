"""The standard streams of a command, whatever it was started with: one that is closed, one that takes nothing."""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

NAMES = ("stdin", "stdout", "stderr")  # by their numbers
ERRORS = 2


class OutputLost(OSError):
    """The answer could not be written: a full disk, a device that fails. What the command did is done."""


class _Answers(io.BufferedWriter):
    """Standard output: what fails here is no other file.

    The file below it is the library's own. An interruption that came in a method of ours there, when its bytes were
    written, would leave them in the buffer, to be written again.
    """

    def write(self, data: Any, /) -> int:
        with _naming_output():
            return super().write(data)

    def flush(self) -> None:
        with _naming_output():
            super().flush()


class _Remarks(io.BufferedWriter):
    """Standard error: what cannot be written there is lost, and changes nothing of what a command does."""

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            raise
        except OSError:
            return len(data)

    def flush(self) -> None:
        try:
            super().flush()
        except BrokenPipeError:
            raise
        except OSError:
            return


@contextmanager
def _naming_output() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputLost(error.errno, error.strerror) from error


def complete() -> None:
    """Opens the standard streams that are closed, before a file of ours has the number of one of them."""
    for number, name in enumerate(NAMES):
        if getattr(sys, name) is None:
            opened = os.open(os.devnull, os.O_WRONLY if number == ERRORS else os.O_RDONLY)  # an answer is lost
            os.dup2(opened, number)
            if opened != number:
                os.close(opened)
            os.set_inheritable(number, True)
            stream = open(number, "w" if number else "r", encoding="utf-8", closefd=False)  # noqa: SIM115  # for the process's life
            setattr(sys, name, stream)


def answers(stream: TextIO) -> TextIO:
    """Standard output whose failure to be written raises OutputLost, or BrokenPipeError where its reader has gone."""
    return _over(_Answers, stream)


def remarks(stream: TextIO) -> TextIO:
    """Standard error that fails only where its reader has gone."""
    return _over(_Remarks, stream)


def _over(writer: type[io.BufferedWriter], stream: TextIO) -> TextIO:
    """The stream through this writer; a terminal that lacks a letter still gets the line."""
    lines = stream.isatty() or stream.fileno() == ERRORS
    file = io.FileIO(stream.fileno(), "wb", closefd=False)
    return io.TextIOWrapper(writer(file), encoding=stream.encoding, errors="backslashreplace", line_buffering=lines)
