"""A conversation over two files: whole lines in their order, and a client that does not read holds up nothing else."""

import json
import os
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from typing import BinaryIO

import anyio
import anyio.to_thread
import mcp.types as wire
import pytest
from mcp.shared.message import SessionMessage
from pydantic import ValidationError

from mcp_adapter.transport.pipes import AHEAD, MessageReader, MessageWriter, conversation
from tests.support.waits import until

SECONDS = 20
LARGE = "x" * 300_000  # more than a pipe holds


class Client:
    """The other ends of the two pipes, and the server's own."""

    def __init__(self) -> None:
        incoming, outgoing = os.pipe(), os.pipe()
        self.server_reads: BinaryIO = os.fdopen(incoming[0], "rb")
        self.writes: BinaryIO = os.fdopen(incoming[1], "wb", 0)
        self.reads: BinaryIO = os.fdopen(outgoing[0], "rb")
        self.server_writes: BinaryIO = os.fdopen(outgoing[1], "wb")

    def say(self, *methods: str) -> None:
        for method in methods:
            self.writes.write(json.dumps({"jsonrpc": "2.0", "method": method}).encode() + b"\n")


@pytest.fixture
def client() -> Iterator[Client]:
    client = Client()
    yield client
    for file in (client.writes, client.reads, client.server_reads):
        file.close()
    with suppress(BrokenPipeError):  # what was not written goes with the file
        client.server_writes.close()


@asynccontextmanager
async def talking(client: Client) -> AsyncIterator[tuple[MessageReader, MessageWriter]]:
    with anyio.fail_after(SECONDS):
        async with conversation(client.server_reads, client.server_writes) as streams:
            yield streams


def note(method: str, **params: str) -> SessionMessage:
    return SessionMessage(wire.JSONRPCNotification(jsonrpc="2.0", method=method, params=params))


def method_of(item: SessionMessage | Exception) -> str:
    assert isinstance(item, SessionMessage)
    assert isinstance(item.message, wire.JSONRPCNotification)
    return item.message.method


def test_lines_are_taken_in_their_order_and_end_with_the_file(client: Client) -> None:
    methods = [f"m/{number}" for number in range(3 * AHEAD)]
    client.say(*methods)
    client.writes.close()

    async def conversing() -> None:
        async with talking(client) as (said, _):
            assert [method_of(await said.receive()) for _ in methods] == methods
            for _ in range(2):
                with pytest.raises(anyio.EndOfStream):
                    await said.receive()

    anyio.run(conversing)


def test_what_is_no_message_is_handed_on_as_its_error_and_the_next_line_is_read(client: Client) -> None:
    client.writes.write(b"\xff no message\r\nno message\r\n")
    client.say("m")

    async def conversing() -> None:
        async with talking(client) as (said, _):
            assert isinstance(await said.receive(), UnicodeDecodeError)
            assert isinstance(await said.receive(), ValidationError)
            assert method_of(await said.receive()) == "m"

    anyio.run(conversing)


def test_a_client_that_reads_late_holds_up_neither_its_own_messages_nor_the_order_of_answers(client: Client) -> None:
    read: list[bytes] = []

    async def conversing() -> None:
        async with talking(client) as (said, answering), anyio.create_task_group() as group:
            group.start_soon(answering.send, note("first", text=LARGE))
            await anyio.sleep(0)
            group.start_soon(answering.send, note("second"))
            client.say("m")
            assert method_of(await said.receive()) == "m"
            read.extend([await anyio.to_thread.run_sync(client.reads.readline) for _ in range(2)])

    anyio.run(conversing)
    assert [json.loads(line)["method"] for line in read] == ["first", "second"]


def test_what_threads_answer_comes_in_whole_lines_and_keeps_none_of_them_waiting(client: Client) -> None:
    lines = [b"%d %b\n" % (number, b"x" * (number * 1_000)) for number in range(100)]
    read: list[bytes] = []

    async def conversing() -> None:
        async with talking(client) as (_, answering):
            for line in lines:  # more than the pipe holds, and nothing is read yet
                await anyio.to_thread.run_sync(answering.put, line)
            read.extend([await anyio.to_thread.run_sync(client.reads.readline) for _ in lines])

    anyio.run(conversing)
    assert sorted(read) == sorted(lines)


def test_a_client_that_has_closed_its_end_is_not_listened_to_after_a_thread_s_answer(client: Client) -> None:
    client.reads.close()

    async def conversing() -> None:
        async with talking(client) as (said, answering):
            await anyio.to_thread.run_sync(answering.put, b"m\n")
            with pytest.raises(anyio.EndOfStream):
                await said.receive()

    anyio.run(conversing)


def test_a_client_that_has_closed_its_end_is_not_listened_to_any_more(client: Client) -> None:
    client.reads.close()

    async def conversing() -> None:
        async with talking(client) as (said, answering):
            await answering.send(note("m"))
            with pytest.raises(anyio.EndOfStream):
                await said.receive()

    anyio.run(conversing)


def test_a_failure_of_what_sees_the_lines_ends_the_conversation(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures: list[threading.ExceptHookArgs] = []
    monkeypatch.setattr(threading, "excepthook", failures.append)

    def fail(_: bytes) -> None:
        raise TypeError

    async def conversing() -> None:
        async with talking(client) as (said, _):
            said.see = fail
            client.say("m")
            with pytest.raises(anyio.EndOfStream):
                await said.receive()

    anyio.run(conversing)
    until(lambda: failures)
