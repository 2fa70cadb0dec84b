"""Standard input and output as one conversation, which ends with the process when no answer can be written any more."""

import io
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
from mcp.server.stdio import stdio_server

OUTPUT_LOST = 74  # as the commands end: EX_IOERR of sysexits.h


class Answers(io.FileIO):
    """What the client reads. A lost answer ends the process: a client that waits for one sees at least that."""

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:  # the client has gone, and its input ends too
            raise
        except OSError as error:
            os.write(2, f"an answer could not be written, so the server ends: {error.strerror}\n".encode())
            os._exit(OUTPUT_LOST)


@asynccontextmanager
async def standard_streams() -> AsyncIterator[tuple[Any, Any]]:
    """As the SDK opens them, which would wait for one more line of a client that waits for the lost answer.

    Meanwhile what else is printed goes to standard error.
    """
    sys.stdout.flush()
    client = os.dup(1)
    os.dup2(2, 1)
    try:
        written = io.TextIOWrapper(io.BufferedWriter(Answers(client, "wb", closefd=False)), "utf-8")
        async with stdio_server(stdout=anyio.wrap_file(written)) as streams:
            yield streams
    finally:
        os.dup2(client, 1)
        os.close(client)
