"""What a stop of the server ends: streams without an end, and nothing that ends by itself."""

import anyio
from starlette.responses import PlainTextResponse
from starlette.types import Message, Receive, Scope, Send

from mcp_adapter.transport.guard import Guard, HostNames
from tests.support.each import each


async def received() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


@each(("path", "statuses"), [("/l/ledger/board", [200]), ("/l/ledger/events", []), ("/mcp", [])])
def test_a_page_that_is_being_made_while_the_server_stops_is_answered(path: str, statuses: list[int]) -> None:
    sent: list[Message] = []

    async def page(scope: Scope, receive: Receive, send: Send) -> None:
        guard.drain()
        await anyio.lowlevel.checkpoint()
        await PlainTextResponse("made")(scope, receive, send)

    async def send(message: Message) -> None:
        sent.append(message)

    guard = Guard(page, HostNames(["localhost"], []))
    scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": [(b"host", b"localhost")]}
    anyio.run(guard, scope, received, send)

    assert [message["status"] for message in sent if message["type"] == "http.response.start"] == statuses
