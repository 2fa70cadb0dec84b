"""Which requests are answered without the SDK, and that every other goes on to it as it came."""

import json
from typing import Any, cast

import anyio
import msgspec
import pytest
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser, authorization_context
from mcp.server.auth.provider import AccessToken
from starlette.types import Message, Receive, Scope, Send

from mcp_adapter.callers.workers import Workers
from mcp_adapter.capabilities.plain_calls import Form, PlainCalls
from mcp_adapter.capabilities.tools import Tools
from mcp_adapter.capabilities.toolsets import offered
from mcp_adapter.transport import sessions
from mcp_adapter.transport.bodies import Bodies
from mcp_adapter.transport.sessions import Greeting, McpSession
from projections.operations.catalog import OPERATIONS
from tests.support.each import each
from tests.support.http_client import request

BODY, HEADERS = request(None, "tools/call", {"name": "prime", "arguments": {}})
IN_SESSION = b'{"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": "prime", "arguments": {}}}'
OF_SESSION = {
    "mcp-protocol-version": "2025-11-25",
    "content-type": "application/json",
    "accept": "application/json, text/event-stream",
    "mcp-session-id": "here",
}
GREETING = (
    b'{"jsonrpc": "2.0", "id": 1, "method": "initialize", "params":'
    b' {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "c", "version": "0"}}}'
)


class Asked(Exception):
    """The call was taken, and who asks is looked for."""


class Protocol:
    """What stands behind: it notes what comes, and knows one session."""

    def __init__(self, session: McpSession | None) -> None:
        self.came: list[tuple[list[tuple[bytes, bytes]], bytes]] = []
        self._session = session

    def of(self, id: str) -> McpSession | None:
        return self._session if id == "here" else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert send == sent
        self.came.append((scope["headers"], (await receive())["body"]))


async def sent(_: Message) -> None:
    raise AssertionError("the protocol answers")


def asked(_: Any) -> Any:
    raise Asked


def goes_on(
    body: bytes,
    headers: list[tuple[str, str]],
    session: McpSession | None = None,
    user: AuthenticatedUser | None = None,
) -> bool:
    """Whether the request comes to the protocol, with all that it held."""
    given = [(name.encode(), value.encode()) for name, value in headers]
    scope = {"type": "http", "method": "POST", "headers": given, "user": user}

    async def received() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    protocol = Protocol(session)
    tools = Tools(offered(OPERATIONS), asked, asked, Workers())
    calls = PlainCalls(cast(Any, protocol), tools, asked, Form(b""))
    try:
        anyio.run(Bodies(calls, len(body)), scope, received, sent)
    except Asked:
        return False
    return protocol.came == [(given, body)]


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


@each(
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
)
def test_what_is_no_plain_call_goes_on(body: bytes) -> None:
    assert goes_on(body, [*HEADERS.items()])


@each("name", ["mcp-protocol-version", "mcp-method", "mcp-name", "content-type", "accept"])
def test_a_header_that_is_missing_repeated_or_another_goes_on(name: str) -> None:
    others = [(other, value) for other, value in HEADERS.items() if other != name]

    assert goes_on(BODY, others)
    assert goes_on(BODY, [*HEADERS.items(), (name, HEADERS[name])])
    assert goes_on(BODY, [*others, (name, "text/plain")])


def test_a_client_may_leave_out_who_it_is() -> None:
    assert not goes_on(changed("params/_meta/clientInfo", None), [*HEADERS.items()])


def with_call(session: McpSession) -> McpSession:
    """With a call of it under way."""

    async def running() -> None:
        session.running["7"] = anyio.CancelScope()

    anyio.run(running)
    return session


def begun(owner: AuthenticatedUser | None = None) -> McpSession:
    return McpSession(msgspec.json.decode(GREETING, type=Greeting).params, owner and authorization_context(owner))


def user(name: str) -> AuthenticatedUser:
    return AuthenticatedUser(AccessToken(token="", client_id=name, scopes=[]))


def test_a_call_in_a_session_is_taken() -> None:
    assert not goes_on(IN_SESSION, [*OF_SESSION.items()], begun())
    assert not goes_on(IN_SESSION, [*OF_SESSION.items()], begun(user("token a")), user("token a"))


def test_a_call_in_a_session_of_another_process_is_taken() -> None:
    assert not goes_on(IN_SESSION, [*(OF_SESSION | {"mcp-session-id": "elsewhere"}).items()], begun())


@each("name", [*OF_SESSION])
def test_a_header_of_a_session_that_is_missing_repeated_or_another_goes_on(name: str) -> None:
    others = [(other, value) for other, value in OF_SESSION.items() if other != name]

    assert goes_on(IN_SESSION, others, begun())
    assert goes_on(IN_SESSION, [*OF_SESSION.items(), (name, OF_SESSION[name])], begun())
    if name != "mcp-session-id":
        assert goes_on(IN_SESSION, [*others, (name, "text/plain")], begun())


@pytest.mark.parametrize(
    ("header", "other"),
    [("mcp-protocol-version", "2025-06-18"), ("mcp-protocol-version", "2025-03-26"), ("accept", "application/json")],
)
def test_what_the_session_did_not_agree_to_goes_on(header: str, other: str) -> None:
    assert goes_on(IN_SESSION, [*(OF_SESSION | {header: other}).items()], begun())


def test_a_session_is_its_owners() -> None:
    assert goes_on(IN_SESSION, [*OF_SESSION.items()], begun(user("token a")), user("token b"))
    assert goes_on(IN_SESSION, [*OF_SESSION.items()], begun(user("token a")))


def test_a_session_of_which_the_sdk_has_not_said_for_long_that_it_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    session = begun()
    monkeypatch.setattr(sessions, "SURE", 0.0)

    assert goes_on(IN_SESSION, [*OF_SESSION.items()], session)


@pytest.mark.parametrize(("method", "status"), [("DELETE", 200), ("POST", 404)])
def test_a_session_that_the_sdk_has_ended(method: str, status: int) -> None:
    session = begun()

    async def told(_: Message) -> None:
        """The client is told."""

    said = {"type": "http.response.start", "status": status}
    anyio.run(session.watched({"type": "http", "method": method}, told), said)

    assert goes_on(IN_SESSION, [*OF_SESSION.items()], session)


def test_an_id_that_is_in_use_goes_on() -> None:
    assert goes_on(IN_SESSION, [*OF_SESSION.items()], with_call(begun()))


@pytest.mark.parametrize(
    "body",
    [
        IN_SESSION.replace(b'"arguments": {}', b'"_meta": {"traceparent": "00-0af7651916cd43dd8448eb211c80319c"}'),
        IN_SESSION.replace(b'"arguments": {}', b'"_meta": {"io.modelcontextprotocol/related-task": {}}'),
        IN_SESSION.replace(b'"prime"', b'"no_such_tool"'),
        IN_SESSION.replace(b'"tools/call"', b'"tools/list"'),
    ],
)
def test_what_asks_for_more_in_a_session_goes_on(body: bytes) -> None:
    assert goes_on(body, [*OF_SESSION.items()], begun())


@pytest.mark.parametrize(("sender", "given_up"), [("token a", True), ("token b", False)])
def test_a_call_is_given_up_by_a_note_of_its_session(sender: str, given_up: bool) -> None:
    session = with_call(begun(user("token a")))
    note = b'{"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 7}}'

    assert goes_on(note, [*OF_SESSION.items()], session, user(sender))
    assert session.running["7"].cancel_called is given_up


def test_a_note_or_a_greeting_that_is_too_deep_is_left_to_the_sdk() -> None:
    deep = b"[" * 100_000 + b"]" * 100_000
    note = b'{"method": "notifications/cancelled", "params": {"requestId": 7, "more": %b}}' % deep

    assert goes_on(note, [*OF_SESSION.items()], begun())
    assert sessions._greetings(GREETING.replace(b'"capabilities": {}', b'"capabilities": %b' % deep)) is None
