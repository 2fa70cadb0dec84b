"""Calls that ask for nothing but their answer, read in one pass: which they are, and which client sends them.

The SDK makes a session, a context and a span of each request, checks it three times and its answer twice: most of what
the event loop does for a call. What is not exactly such a call, or is wrong, is left to the SDK, whose refusals are not
repeated.
"""

from collections import OrderedDict
from typing import Any, Literal

import msgspec
from mcp.server.connection import Connection
from mcp.types import CLIENT_CAPABILITIES_META_KEY, CLIENT_INFO_META_KEY, PROTOCOL_VERSION_META_KEY
from mcp_types.methods import validate_client_request
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from msgspec import Raw, Struct
from pydantic import ValidationError

ENVELOPE = {PROTOCOL_VERSION_META_KEY, CLIENT_INFO_META_KEY, CLIENT_CAPABILITIES_META_KEY}
ASKS_FOR_MORE = {"progressToken", "traceparent", "tracestate", "baggage"}
RESERVED = "io.modelcontextprotocol/"
REMEMBERED = 1_000  # envelopes, each of which a client sends again with every call
LARGEST = 4_096  # bytes of one that is remembered


class Parameters(Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    arguments: dict[str, Any] = {}
    envelope: Raw = msgspec.field(name="_meta", default_factory=Raw)


class PlainCall(Struct, frozen=True, forbid_unknown_fields=True):
    jsonrpc: Literal["2.0"]
    id: int | str
    method: Literal["tools/call"]
    params: Parameters


_READING = msgspec.json.Decoder(PlainCall)


def plain_call(text: bytes) -> PlainCall | None:
    """The call; None for what the SDK has to read."""
    try:
        return _READING.decode(text)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None


class Envelopes:
    """What the clients' envelopes say, each looked through once."""

    def __init__(self) -> None:
        self._clients: OrderedDict[tuple[str, bytes], str | None] = OrderedDict()

    def client(self, revision: str, call: PlainCall) -> str | None:
        """The name that the envelope gives, if any. Raises ValueError for one with which more is asked for than an
        answer, or which the SDK would refuse."""
        key = (revision, bytes(call.params.envelope))
        if key not in self._clients:
            self._clients[key] = _client(*key)
            if len(self._clients) > REMEMBERED:
                self._clients.popitem(last=False)
        return self._clients[key]


def _client(revision: str, envelope: bytes) -> str | None:
    if len(envelope) > LARGEST:
        raise ValueError("an envelope of that size is not remembered")
    try:
        read = msgspec.json.decode(envelope, type=dict[str, Any]) if envelope else {}
    except RecursionError as error:
        raise ValueError("the envelope is too deep") from error
    if revision in MODERN_PROTOCOL_VERSIONS:
        return _stated(revision, read)
    if read.keys() & ASKS_FOR_MORE or any(name.startswith(RESERVED) for name in read):
        raise ValueError("the envelope asks for more than an answer")
    return None


def _stated(revision: str, envelope: dict[str, Any]) -> str | None:
    if envelope.get(PROTOCOL_VERSION_META_KEY) != revision or envelope.keys() - ENVELOPE:
        raise ValueError("the envelope asks for more than an answer")
    try:
        validate_client_request("tools/call", revision, {"name": "", "_meta": envelope})
    except (ValidationError, RecursionError) as error:
        raise ValueError("the SDK says what is wrong with the envelope") from error
    info, capabilities = envelope.get(CLIENT_INFO_META_KEY), envelope.get(CLIENT_CAPABILITIES_META_KEY)
    known = Connection.from_envelope(revision, info, capabilities).client_params
    return None if known is None else known.client_info.name
