"""Standard input and output as one conversation, which ends with the process when no answer can be written any more."""

import io
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, TextIO

from mcp_adapter.transport.pipes import MessageReader, MessageWriter, conversation

STDIN, STDOUT, STDERR = 0, 1, 2
OUTPUT_LOST = 74  # as the commands end: EX_IOERR of sysexits.h


class AnswerStream(io.FileIO):
    """What the client reads. A lost answer ends the process: a client that waits for one sees at least that."""

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:  # the client has gone, and its input ends too
            raise
        except OSError as error:
            with suppress(OSError):  # which may fail likewise
                os.write(STDERR, f"an answer could not be written, so the server ends: {error.strerror}\n".encode())
            os._exit(OUTPUT_LOST)


@asynccontextmanager
async def standard_streams() -> AsyncIterator[tuple[MessageReader, MessageWriter]]:
    """Meanwhile what else is read finds nothing, and what else is printed goes to standard error."""
    sys.stdout.flush()
    with _private(sys.stdin, STDIN) as reading, _private(sys.stdout, STDOUT) as writing:
        incoming = io.BufferedReader(io.FileIO(reading, "rb", closefd=False))
        async with conversation(incoming, io.BufferedWriter(AnswerStream(writing, "wb", closefd=False))) as streams:
            yield streams


@contextmanager
def _private(stream: TextIO, usual: int) -> Iterator[int]:
    """The stream's descriptor under another number, so that no child and no other code reads or writes it."""
    private = os.dup(stream.fileno())
    is_usual = stream.fileno() == usual
    if is_usual:
        _divert(usual)
    try:
        yield private
    finally:
        if is_usual:
            os.dup2(private, usual)


def _divert(usual: int) -> None:
    if usual == STDOUT:
        os.dup2(STDERR, STDOUT)
        return
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, usual)
    os.close(nothing)
