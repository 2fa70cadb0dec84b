"""Plain calls over HTTP, in the era without a handshake, answered without the SDK and with the same document."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import msgspec
from mcp.server.streamable_http import check_accept_headers
from msgspec import Struct
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from mcp_adapter.callers.caller import Caller
from mcp_adapter.capabilities.answers import Said
from mcp_adapter.capabilities.tools import Tools
from mcp_adapter.transport.plain import Envelopes, PlainCall, plain_call
from mcp_adapter.transport.sessions import ONLY_ANSWER

ROUTING = {b"mcp-protocol-version": 0, b"mcp-method": 1, b"mcp-name": 2, b"content-type": 3, b"accept": 4}
REMEMBERED = 1_000  # values of the header that says what a client takes


class Form(Struct, frozen=True):
    """What an answer has before its content and after it, in one era of the protocol."""

    before: bytes
    after: bytes = b"}}"

    def written(self, id: int | str, said: Said) -> bytes:
        """The text is the structured content already: neither is encoded again."""
        return b"".join(
            (
                b'{"jsonrpc":"2.0","id":',
                msgspec.json.encode(id),
                self.before,
                b'"content":[{"type":"text","text":',
                msgspec.json.encode(said.text),
                b'}],"structuredContent":',
                said.text.encode(),
                b',"isError":true' if said.is_error else b',"isError":false',
                self.after,
            )
        )


def without_handshake(server: dict[str, Any]) -> Form:
    """`server` is what it says of itself in each answer."""
    said = msgspec.json.encode({"io.modelcontextprotocol/serverInfo": server})
    return Form(b',"result":{"_meta":%b,' % said, b',"resultType":"complete"}}')


class PlainCalls:
    """Stands before the protocol, behind the authentication."""

    def __init__(self, protocol: ASGIApp, tools: Tools, caller_of: Callable[[Request], Caller], form: Form) -> None:
        self._protocol = protocol
        self._tools = tools
        self._caller_of = caller_of
        self._form = form
        self._envelopes = Envelopes()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        plain = self._plain(scope)
        if plain is None:
            await self._protocol(scope, receive, send)
            return
        call, client = plain
        caller = self._caller_of(Request(scope)).named(client)
        body = self._form.written(call.id, await self._tools.answer(caller, call.params.name, call.params.arguments))
        headers = [(b"content-length", b"%d" % len(body)), (b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _plain(self, scope: Scope) -> tuple[PlainCall, str | None] | None:
        """The call and the name of its client; None for what the SDK has to look at."""
        body, headers = scope.get(ONLY_ANSWER), _routing(scope)
        if not body or headers is None:
            return None
        revision, method, name, kind, accept = headers
        if method != b"tools/call" or kind != b"application/json" or not _takes_json(accept):
            return None
        call = plain_call(body)
        if call is None or not self._tools.has(call.params.name) or name != call.params.name.encode():
            return None
        try:
            return call, self._envelopes.client(revision.decode("latin-1"), call)
        except ValueError:
            return None


def _routing(scope: Scope) -> list[bytes] | None:
    """The headers that decide how a request is taken, in the order of ROUTING; None if one is missing or repeated."""
    found: list[bytes | None] = [None] * len(ROUTING)
    for name, value in scope["headers"]:
        place = ROUTING.get(name)
        if place is not None:
            if found[place] is not None:
                return None
            found[place] = value
    complete = [value for value in found if value is not None]
    return complete if len(complete) == len(ROUTING) else None


@lru_cache(REMEMBERED)
def _takes_json(accept: bytes) -> bool:
    return check_accept_headers(Request({"type": "http", "headers": [(b"accept", accept)]}))[0]
