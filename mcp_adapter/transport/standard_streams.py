"""Standard input and output as one conversation, which ends with the process when no answer can be written any more."""

import io
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import anyio
from mcp.server.stdio import stdio_server

STDOUT, STDERR = 1, 2
OUTPUT_LOST = 74  # as the commands end: EX_IOERR of sysexits.h


class Answers(io.FileIO):
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
async def standard_streams() -> AsyncIterator[tuple[Any, Any]]:
    """As the SDK opens them, which would wait for one more line of a client that waits for the lost answer.

    Meanwhile what else is printed goes to standard error.
    """
    sys.stdout.flush()
    client = os.dup(sys.stdout.fileno())
    is_diverted = sys.stdout.fileno() == STDOUT
    if is_diverted:
        os.dup2(STDERR, STDOUT)
    try:
        written = io.TextIOWrapper(io.BufferedWriter(Answers(client, "wb", closefd=False)), "utf-8")
        async with stdio_server(stdout=anyio.wrap_file(written)) as streams:
            yield streams
    finally:
        if is_diverted:
            os.dup2(client, STDOUT)
        os.close(client)
