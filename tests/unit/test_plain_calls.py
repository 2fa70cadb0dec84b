"""Which requests are answered without the SDK, and that every other goes on to it as it came."""

import json
from typing import Any

import anyio
import pytest
from starlette.types import Message, Receive, Scope, Send

from mcp_adapter.callers.workers import Workers
from mcp_adapter.capabilities.plain_calls import Form, PlainCalls
from mcp_adapter.capabilities.tools import Tools
from mcp_adapter.capabilities.toolsets import offered
from mcp_adapter.transport.sessions import ONLY_ANSWER
from projections.operations.catalog import OPERATIONS
from tests.support.http_client import request

BODY, HEADERS = request(None, "tools/call", {"name": "prime", "arguments": {}})


class Asked(Exception):
    """The call was taken, and who asks is looked for."""


def goes_on(body: bytes, headers: list[tuple[str, str]]) -> bool:
    """Whether the request comes to the protocol, with all that it held."""
    scope = {
        "type": "http",
        "headers": [(name.encode(), value.encode()) for name, value in headers],
        ONLY_ANSWER: body,
    }
    came: list[Scope] = []

    async def protocol(scope: Scope, receive: Receive, send: Send) -> None:
        assert (receive, send) == (received, sent)
        came.append(scope)

    async def received() -> Message:
        raise AssertionError("the body is the protocol's to receive")

    async def sent(_: Message) -> None:
        raise AssertionError("the protocol answers")

    def caller(_: Any) -> Any:
        raise Asked

    tools = Tools(offered(OPERATIONS), caller, caller, Workers())
    try:
        anyio.run(PlainCalls(protocol, tools, caller, Form(b"")), scope, received, sent)
    except Asked:
        return False
    return came == [scope]


def changed(place: str, value: Any) -> bytes:
    """The body with another value in its place, or without one."""
    body = json.loads(BODY)
    *path, last = place.split("/")
    inner = body
    for name in path:
        inner = next(found for key, found in inner.items() if key.endswith(name))
    key = next((key for key in inner if key.endswith(last)), last)
    inner.pop(key, None)
    if value is not None:
        inner[key] = value
    return json.dumps(body).encode()


def test_a_call_is_taken() -> None:
    assert not goes_on(BODY, [*HEADERS.items()])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        BODY[:-1],
        BODY + b"{}",
        b"[" + BODY + b"]",
        changed("jsonrpc", "1.0"),
        changed("id", None),
        changed("id", 1.5),
        changed("id", True),
        changed("method", "tools/list"),
        changed("more", 1),
        changed("params/name", "no_such_tool"),
        changed("params/name", "work_overview"),
        changed("params/name", 1),
        changed("params/arguments", "{}"),
        changed("params/arguments", []),
        changed("params/task", {}),
        changed("params/_meta", None),
        changed("params/_meta/protocolVersion", None),
        changed("params/_meta/protocolVersion", "2025-11-25"),
        changed("params/_meta/protocolVersion", 1),
        changed("params/_meta/clientCapabilities", None),
        changed("params/_meta/clientCapabilities", 1),
        changed("params/_meta/clientInfo", {"version": "0"}),
        changed("params/_meta/progressToken", 1),
        changed("params/_meta/traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        changed("params/_meta/clientInfo", {"name": "x" * 5_000, "version": "0"}),
        BODY.replace(b'"arguments": {}', b'"arguments": {"a": NaN}'),
        BODY.replace(b'"arguments": {}', b'"arguments": {"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
        BODY.replace(b'"arguments": {}', b'"arguments": {"a": "\xff"}'),
    ],
    ids=lambda body: body.decode("latin-1")[:150],
)
def test_what_is_no_plain_call_goes_on(body: bytes) -> None:
    assert goes_on(body, [*HEADERS.items()])


@pytest.mark.parametrize("name", ["mcp-protocol-version", "mcp-method", "mcp-name", "content-type", "accept"])
def test_a_header_that_is_missing_repeated_or_another_goes_on(name: str) -> None:
    others = [(other, value) for other, value in HEADERS.items() if other != name]

    assert goes_on(BODY, others)
    assert goes_on(BODY, [*HEADERS.items(), (name, HEADERS[name])])
    assert goes_on(BODY, [*others, (name, "text/plain")])


def test_a_client_may_leave_out_who_it_is() -> None:
    assert not goes_on(changed("params/_meta/clientInfo", None), [*HEADERS.items()])
