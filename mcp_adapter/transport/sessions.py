"""Sessions of the protocol era with a handshake, where several processes serve and any of them may be asked.

A session is kept by the process in which it began. A request of one that began elsewhere, in another process or before
a restart, is answered without a session: its token says who asks, and no answer depends on what was asked before.
News (`GET`) comes only from the process that keeps the session; another answers 404, after which a client begins anew.

A call of the era without a handshake that asks for nothing but its answer gets that without a stream being prepared,
which is a quarter of the work. That its client has hung up is noticed when it is answered.
"""

from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from mcp.server import Server
from mcp.server.streamable_http import MCP_SESSION_ID_HEADER
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import Message, Receive, Scope, Send

ONLY_ANSWER = "tracking_ledger.only_answer"  # in the scope: the body of such a call of the era without a handshake
MOST = 1_000  # sessions at once
REMEMBERED = 10_000  # of those that began here, so that one that has ended is not found
IDLE = 1_800.0  # seconds after which a session that asks nothing ends


class Sessions:
    """The protocol as an ASGI application; `run()` while it serves."""

    def __init__(self, server: Server[Any], body: int) -> None:
        self._kept = StreamableHTTPSessionManager(
            server, max_request_body_size=body, max_sessions=MOST, session_idle_timeout=IDLE
        )
        self._without = StreamableHTTPSessionManager(server, max_request_body_size=body, stateless=True)
        self._only_answering = StreamableHTTPSessionManager(
            server, max_request_body_size=body, stateless=True, json_response=True
        )
        self._began_here: OrderedDict[str, None] = OrderedDict()

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        async with self._kept.run(), self._without.run(), self._only_answering.run():
            yield

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        session = Headers(scope=scope).get(MCP_SESSION_ID_HEADER)
        if scope.get(ONLY_ANSWER):
            await self._only_answering.asgi_app(scope, receive, send)
        elif session is None:
            await self._kept.asgi_app(scope, receive, self._remembering(send))
        elif session in self._began_here or scope["method"] != "POST":
            await self._kept.asgi_app(scope, receive, send)
        else:
            await self._without.asgi_app(scope, receive, send)

    def _remembering(self, send: Send) -> Send:
        async def remembered(message: Message) -> None:
            if message["type"] == "http.response.start":
                session = MutableHeaders(scope=message).get(MCP_SESSION_ID_HEADER)
                if session is not None:
                    self._began_here[session] = None
                    if len(self._began_here) > REMEMBERED:
                        self._began_here.popitem(last=False)
            await send(message)

        return remembered
