"""Calls over HTTP that ask for nothing but their answer, in the era without a handshake, answered without the SDK.

The SDK makes a session, a context and a span of each request, checks it three times and its answer twice: most of what
the event loop does for a call. What is exactly such a call is read here in one pass and answered with the same
document; whatever else comes, or comes wrong, goes on to the SDK, whose refusals are not repeated here.
"""

from collections import OrderedDict
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Literal

import msgspec
from mcp.server.connection import Connection
from mcp.server.streamable_http import check_accept_headers
from mcp.types import CLIENT_CAPABILITIES_META_KEY, CLIENT_INFO_META_KEY, PROTOCOL_VERSION_META_KEY
from mcp_types.methods import validate_client_request
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from msgspec import Raw, Struct
from pydantic import ValidationError
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from mcp_adapter.callers.caller import Arguments, Caller
from mcp_adapter.capabilities.answers import Said
from mcp_adapter.capabilities.tools import Tools
from mcp_adapter.transport.sessions import ONLY_ANSWER

ENVELOPE = {PROTOCOL_VERSION_META_KEY, CLIENT_INFO_META_KEY, CLIENT_CAPABILITIES_META_KEY}
ROUTING = {b"mcp-protocol-version": 0, b"mcp-method": 1, b"mcp-name": 2, b"content-type": 3, b"accept": 4}
REMEMBERED = 1_000  # envelopes, each of which a client sends again with every call
LARGEST = 4_096  # bytes of one that is remembered


class _Parameters(Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    envelope: Raw = msgspec.field(name="_meta")
    arguments: Arguments = {}


class _Call(Struct, frozen=True, forbid_unknown_fields=True):
    jsonrpc: Literal["2.0"]
    id: int | str
    method: Literal["tools/call"]
    params: _Parameters


_READING = msgspec.json.Decoder(_Call)


class PlainCalls:
    """Stands before the protocol, behind the authentication. `server` is what it says of itself in an answer."""

    def __init__(
        self, protocol: ASGIApp, tools: Tools, caller_of: Callable[[Request], Caller], server: dict[str, Any]
    ) -> None:
        self._protocol = protocol
        self._tools = tools
        self._caller_of = caller_of
        self._before_content = b',"result":{"_meta":{"io.modelcontextprotocol/serverInfo":%b},"content":' % (
            msgspec.json.encode(server)
        )
        self._clients: OrderedDict[tuple[str, bytes], str | None] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        call = self._plain(scope)
        if call is None:
            await self._protocol(scope, receive, send)
            return
        asked, client = call
        caller = self._caller_of(Request(scope)).named(client)
        said = await self._tools.answer(caller, asked.params.name, asked.params.arguments)
        body = self._written(asked.id, said)
        headers = [(b"content-length", b"%d" % len(body)), (b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _plain(self, scope: Scope) -> tuple[_Call, str | None] | None:
        """The call and the name of its client; None for what the SDK has to look at."""
        body, headers = scope.get(ONLY_ANSWER), _routing(scope)
        if not body or headers is None:
            return None
        revision, method, name, kind, accept = headers
        if method != b"tools/call" or kind != b"application/json" or not _takes_json(accept):
            return None
        try:
            asked = _READING.decode(body)
            client = self._client(revision.decode("latin-1"), bytes(asked.params.envelope))
        except (msgspec.DecodeError, ValidationError, ValueError, RecursionError):
            return None
        return (asked, client) if self._tools.has(asked.params.name) and name == asked.params.name.encode() else None

    def _client(self, revision: str, envelope: bytes) -> str | None:
        """Raises ValueError or ValidationError for an envelope that the SDK would not take, or not only take."""
        key = (revision, envelope)
        if key not in self._clients:
            self._clients[key] = _client(revision, envelope)
            if len(self._clients) > REMEMBERED:
                self._clients.popitem(last=False)
        return self._clients[key]

    def _written(self, id: int | str, said: Said) -> bytes:
        """The text is the structured content already: neither is encoded again."""
        return b"".join(
            (
                b'{"jsonrpc":"2.0","id":',
                msgspec.json.encode(id),
                self._before_content,
                b'[{"type":"text","text":',
                msgspec.json.encode(said.text),
                b'}],"structuredContent":',
                said.text.encode(),
                b',"isError":true' if said.is_error else b',"isError":false',
                b',"resultType":"complete"}}',
            )
        )


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


def _client(revision: str, envelope: bytes) -> str | None:
    if len(envelope) > LARGEST:
        raise ValueError("an envelope of that size is not remembered")
    read = msgspec.json.decode(envelope, type=dict[str, Any])
    if (
        revision not in MODERN_PROTOCOL_VERSIONS
        or read.get(PROTOCOL_VERSION_META_KEY) != revision
        or read.keys() - ENVELOPE
    ):
        raise ValueError("the envelope asks for more than an answer")
    validate_client_request("tools/call", revision, {"name": "", "_meta": read})
    known = Connection.from_envelope(revision, read.get(CLIENT_INFO_META_KEY), read.get(CLIENT_CAPABILITIES_META_KEY))
    return None if known.client_params is None else known.client_params.client_info.name
