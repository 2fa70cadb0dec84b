"""Sessions of the protocol era with a handshake, where several processes serve and any of them may be asked.

A session is kept by the process in which it began. A request of one that began elsewhere, in another process or before
a restart, is answered without a session: its token says who asks, and no answer depends on what was asked before.
News (`GET`) comes only from the process that keeps the session; another answers 404, after which a client starts over.

A call of the era without a handshake that asks for nothing but its answer gets that without a stream being prepared,
which is a quarter of the work. That its client has hung up is noticed when it is answered.

Of a session that it keeps the SDK alone knows whether it goes on. Calls that pass by the SDK count on it for a while
after the SDK has answered in that session; then one goes to the SDK again, which also keeps the session from ending.
"""

import math
import time
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Literal

import msgspec
from anyio import CancelScope
from mcp.server import Server
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser, authorization_context
from mcp.server.streamable_http import MCP_SESSION_ID_HEADER
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from msgspec import Struct
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import Message, Receive, Scope, Send

TEXT = "tracking_ledger.text"  # in the scope: the body of a message that does not ask for notes beside its answer
ONLY_ANSWER = "tracking_ledger.only_answer"  # in the scope: whether it is such a call of the era without a handshake
MOST = 1_000  # sessions at once
REMEMBERED = 10_000  # of those that began here, so that one that has ended is not found
IDLE = 1_800.0  # seconds after which a session that asks nothing ends
SURE = IDLE / 4  # seconds after an answer of the SDK during which its session is taken to go on


class ClientInfo(Struct, frozen=True):
    name: str


class Greetings(Struct, frozen=True, rename="camel"):
    protocol_version: str
    client_info: ClientInfo


class Greeting(Struct, frozen=True):
    method: Literal["initialize"]
    params: Greetings


class Cancelled(Struct, frozen=True, rename="camel"):
    request_id: str | int


class Cancellation(Struct, frozen=True):
    method: Literal["notifications/cancelled"]
    params: Cancelled


_reading = msgspec.json.Decoder(Greeting)
_noting = msgspec.json.Decoder(Cancellation)


class McpSession:
    """A session that began in this process: what a call that passes by the SDK must know of it."""

    def __init__(self, greetings: Greetings | None, owner: Any) -> None:
        """The greetings with which it began; without them no call passes by the SDK."""
        self.client = None if greetings is None else greetings.client_info.name
        self._revision = None if greetings is None else greetings.protocol_version
        self._owner = owner
        self._answered = time.monotonic()
        self.running: dict[str, CancelScope] = {}  # by the ids of calls

    def goes_on(self, scope: Scope, revision: str) -> bool:
        """Whether it is still known to be open, for a request of that revision."""
        is_sure = time.monotonic() < self._answered + SURE
        return is_sure and revision == self._revision and self._owner == _owner(scope)

    def give_up(self, scope: Scope, note: bytes) -> None:
        """The call that a client's note names, if it passes by the SDK."""
        id = _cancelled(note)
        if id in self.running and self._owner == _owner(scope):
            self.running[id].cancel()

    def watched(self, scope: Scope, send: Send) -> Send:
        """Notes what the SDK answers to a request of this session."""

        async def watching(message: Message) -> None:
            if message["type"] == "http.response.start":
                goes_on = message["status"] < 300 and scope["method"] != "DELETE"
                self._answered = time.monotonic() if goes_on else -math.inf
            await send(message)

        return watching


class McpSessions:
    """The protocol as an ASGI application; `run()` while it serves."""

    def __init__(self, server: Server[Any], body: int) -> None:
        self._kept = StreamableHTTPSessionManager(
            server, max_request_body_size=body, max_sessions=MOST, session_idle_timeout=IDLE
        )
        self._without = StreamableHTTPSessionManager(server, max_request_body_size=body, stateless=True)
        self._only_answering = StreamableHTTPSessionManager(
            server, max_request_body_size=body, stateless=True, json_response=True
        )
        self._began_here: OrderedDict[str, McpSession] = OrderedDict()

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        async with self._kept.run(), self._without.run(), self._only_answering.run():
            yield

    def of(self, id: str) -> McpSession | None:
        """The session that began here under that id; None for another process's, and from before a restart."""
        return self._began_here.get(id)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        id = Headers(scope=scope).get(MCP_SESSION_ID_HEADER)
        session = None if id is None else self._began_here.get(id)
        if scope.get(ONLY_ANSWER):
            await self._only_answering.asgi_app(scope, receive, send)
        elif id is None:
            await self._kept.asgi_app(scope, receive, self._remembering(scope, send))
        elif session is not None:
            await self._kept.asgi_app(scope, receive, session.watched(scope, send))
        elif scope["method"] != "POST":
            await self._kept.asgi_app(scope, receive, send)
        else:
            await self._without.asgi_app(scope, receive, send)

    def _remembering(self, scope: Scope, send: Send) -> Send:
        async def remembered(message: Message) -> None:
            if message["type"] == "http.response.start":
                id = MutableHeaders(scope=message).get(MCP_SESSION_ID_HEADER)
                if id is not None:
                    self._began_here[id] = McpSession(_greetings(scope.get(TEXT, b"")), _owner(scope))
                    if len(self._began_here) > REMEMBERED:
                        self._began_here.popitem(last=False)
            await send(message)

        return remembered


def _greetings(text: bytes) -> Greetings | None:
    try:
        return _reading.decode(text).params
    except (ValueError, RecursionError):
        return None


def _cancelled(note: bytes) -> str | None:
    try:
        return str(_noting.decode(note).params.request_id)
    except (ValueError, RecursionError):
        return None


def _owner(scope: Scope) -> Any:
    """The caller who began the session: the only one whom the SDK lets use it."""
    user = scope.get("user")
    return authorization_context(user) if isinstance(user, AuthenticatedUser) else None
