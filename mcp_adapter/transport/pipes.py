"""One conversation over two open files, a message a line.

The SDK's own transport asks a worker thread for each line it reads, and twice for each that it writes. Here one thread
reads all the time, and what the other side takes at once is written at once.
"""

import asyncio
import json
import select
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from typing import BinaryIO

import anyio
import anyio.to_thread
import mcp.types as wire
from mcp.shared.message import SessionMessage

from mcp_adapter.transport.repeated_names import repeated_name

Incoming = SessionMessage | Exception

AHEAD = 16  # lines that are read before the first of them is taken
AT_ONCE = getattr(select, "PIPE_BUF", 0)  # bytes that anything takes without a wait, once it says that it takes some


@asynccontextmanager
async def conversation(reading: BinaryIO, writing: BinaryIO) -> AsyncIterator[tuple["MessageReader", "MessageWriter"]]:
    """What the client says, and where it is answered. It also ends when the client reads no more."""
    incoming = MessageReader(reading)
    try:
        yield incoming, MessageWriter(writing, incoming.end)
    finally:
        incoming.end()


class MessageReader:
    """Reads what the client says; a line that is no message becomes the error that says why."""

    def __init__(self, file: BinaryIO) -> None:
        self._loop = asyncio.get_running_loop()
        self._taken = asyncio.Queue[Incoming | None]()
        self._places = threading.Semaphore(AHEAD)
        self._ended = False
        self.see: Callable[[bytes], Incoming | None] = message  # or what keeps a line for itself, in the reading thread
        self._reading = threading.Thread(target=self._read, args=[file], name="tracking-ledger-input", daemon=True)

    async def receive(self) -> Incoming:
        if self._reading.ident is None:  # not before it is said what sees the lines
            self._reading.start()
        found = await self._taken.get()
        if found is None or self._ended:
            self.end()
            raise anyio.EndOfStream
        self._places.release()
        return found

    async def aclose(self) -> None:
        self.end()

    def end(self) -> None:
        """Nothing more is taken; whatever waits for a message finds the end."""
        self._ended = True
        self._taken.put_nowait(None)
        self._places.release()

    def _read(self, file: BinaryIO) -> None:
        try:
            for line in _lines(file):
                self._places.acquire()
                if self._ended:
                    return
                item = repeated_name(line) or self.see(line)
                if item is None:
                    self._places.release()
                else:
                    self._hand_on(item)
        finally:  # whatever ends this thread, the conversation does not wait for it
            self._hand_on(None)

    def _hand_on(self, item: Incoming | None) -> None:
        with suppress(RuntimeError):  # the loop was closed meanwhile
            self._loop.call_soon_threadsafe(self._taken.put_nowait, item)


class MessageWriter:
    """Writes answers to the client. When the client has closed its end, `gone` is called, and what is sent is lost."""

    def __init__(self, file: BinaryIO, gone: Callable[[], None]) -> None:
        self._file = file
        self._gone = gone
        self._loop = asyncio.get_running_loop()
        self._turn = anyio.Lock(fast_acquire=True)
        self._writing = threading.Lock()
        self._waiting: set[asyncio.Task[None]] = set()
        self._looking = _looking(file)

    async def send(self, item: SessionMessage, /) -> None:
        await self.write(item.message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n")

    async def write(self, line: bytes) -> None:
        try:
            async with self._turn:
                if not self._written_at_once(line):
                    await anyio.to_thread.run_sync(self._write, line)
        except BrokenPipeError:
            self._gone()

    def put(self, line: bytes) -> None:
        """Writes from any thread, which does not wait: what the client does not take at once is written by and by."""
        with suppress(RuntimeError):  # the conversation is over
            try:
                if not self._written_at_once(line):
                    self._loop.call_soon_threadsafe(self._write_later, line)
            except BrokenPipeError:
                self._loop.call_soon_threadsafe(self._gone)

    async def aclose(self) -> None:
        return

    async def __aenter__(self) -> "MessageWriter":
        return self

    async def __aexit__(self, *_: object) -> None:
        return

    def _write_later(self, line: bytes) -> None:
        task = self._loop.create_task(self.write(line))
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)

    def _written_at_once(self, line: bytes) -> bool:
        if len(line) > AT_ONCE or self._looking is None or not self._writing.acquire(blocking=False):
            return False
        try:
            takes = bool(self._looking.poll(0))
            if takes:
                self._file.write(line)
                self._file.flush()
            return takes
        finally:
            self._writing.release()

    def _write(self, line: bytes) -> None:
        with self._writing:
            self._file.write(line)
            self._file.flush()


class UnusualId(Exception):
    """A line with an id that the SDK does not see, which takes the request for a note that is not answered."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


def _lines(file: BinaryIO) -> Iterator[bytes]:
    with suppress(OSError, ValueError):  # the file was closed meanwhile
        yield from file


def message(line: bytes) -> Incoming:
    try:
        text = line.decode()
        found = wire.jsonrpc_message_adapter.validate_json(text, by_name=False)
        has_no_id = isinstance(found, wire.JSONRPCNotification)
        return UnusualId(text) if has_no_id and "id" in json.loads(text) else SessionMessage(found)
    except Exception as error:  # whatever a line does to the check, it is answered
        return error


def _looking(file: BinaryIO) -> "select.poll | None":
    """What says whether the file takes something now, where the system can say that."""
    if not hasattr(select, "poll"):
        return None
    looking = select.poll()
    looking.register(file.fileno(), select.POLLOUT)
    return looking
