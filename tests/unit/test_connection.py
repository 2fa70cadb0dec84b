"""What a connection over HTTP makes of what its parser would take, and of what never ends."""

import asyncio
from typing import Any

import pytest
import uvicorn
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from mcp_adapter.transport.connection import MOST_UNFINISHED, Connection
from tests.support.each import each

REFUSED = b"HTTP/1.1 400 Bad Request"
CHUNKED = b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
LONG = b"z" * 8 * MOST_UNFINISHED  # several times what is read at once


async def seen(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers what of a request an application sees."""
    request = Request(scope, receive)
    body = (await request.body()).decode()
    await JSONResponse([request.url.path, sorted(request.headers), body, request.headers.get("x")])(
        scope, receive, send
    )


def answered(packet: bytes, piece: int = 2**20) -> bytes:
    """What comes back for a packet that is sent in such pieces, until nothing comes any more."""

    async def run() -> bytes:
        config = uvicorn.Config(seen, log_config=None, ws="none", proxy_headers=False)
        state: Any = ServerState()
        made = lambda: Connection(config=config, server_state=state, app_state={})  # noqa: E731
        async with await asyncio.get_running_loop().create_server(made, "127.0.0.1", 0) as listening:
            reader, writer = await asyncio.open_connection(*listening.sockets[0].getsockname())
            for start in range(0, len(packet), piece):
                writer.write(packet[start : start + piece])
                await asyncio.sleep(0)
            writer.write_eof()
            try:
                return await asyncio.wait_for(reader.read(), 60)
            except ConnectionError:  # it did not read what was too much
                return REFUSED
            finally:
                writer.close()

    return asyncio.run(run())


@each(
    "packet",
    [
        b"GET /mcp HTTP/1.1\r\nHost: localhost\r\nx: " + LONG,
        b"GET /mcp HTTP/1.1\r\nHost: localhost\r\n" + b"x: y\r\n" * (len(LONG) // 6),
        b"GET /" + LONG,
        CHUNKED + b"0\r\nx: " + LONG,
        CHUNKED + b"0\r\n" + b"x: y\r\n" * (len(LONG) // 6),
        CHUNKED + b"5;" + LONG,
    ],
    ids=["a header", "headers", "an address", "a trailer", "trailers", "the head of a piece"],
)
def test_what_goes_on_without_an_end_is_refused(packet: bytes) -> None:
    assert answered(packet).startswith(REFUSED)


@pytest.mark.parametrize("hosts", [b"", b"Host: localhost\r\nHost: elsewhere\r\n"], ids=["none", "two"])
def test_a_request_names_one_host(hosts: bytes) -> None:
    assert answered(b"GET /mcp HTTP/1.1\r\n" + hosts + b"\r\n").startswith(REFUSED)


def test_a_length_beside_chunks_is_refused() -> None:
    assert answered(CHUNKED.replace(b"Transfer", b"Content-Length: 5\r\nTransfer")).startswith(REFUSED)


@each("value", [b"a b", b"  a b", b"a b \t ", b"\ta b\t"])
def test_blanks_around_a_value_are_no_part_of_it(value: bytes) -> None:
    answer = answered(b"GET /mcp HTTP/1.1\r\nHost: localhost\r\nx:" + value + b"\r\n\r\n")

    assert answer.endswith(b'["/mcp",["host","x"],"","a b"]')


@pytest.mark.parametrize("piece", [2**20, 7])
def test_trailers_are_no_headers(piece: int) -> None:
    answer = answered(CHUNKED + b"0\r\nAuthorization: Bearer x\r\n\r\n", piece)

    assert answer.endswith(b'["/mcp",["host","transfer-encoding"],"hello",null]')


@pytest.mark.parametrize("piece", [2**20, 7])
def test_a_request_that_offers_another_protocol_is_answered_with_its_body(piece: int) -> None:
    head = b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"

    answer = answered(head + b"Content-Length: 5\r\n\r\nhello", piece)

    assert answer.endswith(b'["/mcp",["connection","content-length","host"],"hello",null]')


def test_requests_that_are_sent_at_once_are_answered_in_their_order() -> None:
    packet = b"".join(b"GET /%d HTTP/1.1\r\nHost: localhost\r\n\r\n" % number for number in range(300))

    answer = answered(packet, 1000)

    assert [answer.find(b'"/%d"' % number) for number in range(300)] == sorted(
        answer.find(b'"/%d"' % number) for number in range(300)
    )
    assert b'"/299"' in answer
