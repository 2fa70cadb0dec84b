"""Lines of standard input that the SDK does not read: batches, a byte order mark, and what is no message.

The SDK passes over them in silence, and their sender would wait for ever.
"""

import json
from collections import deque
from typing import Any, Self

import anyio
import mcp.types as wire
from mcp.shared.message import SessionMessage
from pydantic import ValidationError

from mcp_adapter.transport.batches import (
    MOST,
    Batch,
    Batches,
    Refusal,
    id_of,
    invalid,
    invalid_params,
    one_message,
)
from mcp_adapter.transport.pipes import UnusualId
from mcp_adapter.transport.repeated_names import RepeatedName

BYTE_ORDER_MARK = "\ufeff"

Incoming = SessionMessage | Exception
Unreadable = ValidationError | UnicodeDecodeError | UnusualId | RepeatedName


class Messages:
    """What the client says, read on to its end: what is no message is answered with the JSON-RPC error it deserves."""

    def __init__(self, incoming: Any, outgoing: Batches) -> None:
        self._incoming = incoming
        self._outgoing = outgoing
        self._of_batches: deque[wire.JSONRPCMessage] = deque()

    async def receive(self) -> Incoming:
        while not self._of_batches:
            item = await self._incoming.receive()
            found = read(item) if isinstance(item, Unreadable) else item
            if isinstance(found, Batch) and not self._outgoing.taken:
                found = invalid(None, "this revision of the protocol has no batches, send one message a line")
            match found:
                case SessionMessage():
                    await _note_cancelled(found.message, self._outgoing)
                    return found
                case Batch():
                    await self._outgoing.begin(found)
                    self._of_batches.extend(found.messages)
                case wire.JSONRPCError():
                    await self._outgoing.send(SessionMessage(found))
        return SessionMessage(self._of_batches.popleft())

    async def aclose(self) -> None:
        await self._incoming.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Incoming:
        try:
            return await self.receive()
        except anyio.EndOfStream:
            raise StopAsyncIteration from None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


def read(error: Unreadable) -> SessionMessage | Batch | wire.JSONRPCError | None:
    """What a line holds in which the SDK sees no message; None for an empty one.

    JSON with an unpaired surrogate is JSON: the message is passed on, and the tool says which argument holds it.
    """
    if isinstance(error, UnicodeDecodeError):
        return _in_another_encoding(error)
    if isinstance(error, RepeatedName):
        return invalid_params(json.loads(error.text), str(error))
    if isinstance(error, UnusualId):
        return _read(json.loads(error.text))
    faults = error.errors(include_url=False, include_context=False)
    if faults[0]["type"] == "json_invalid":
        text = str(faults[0]["input"]).removeprefix(BYTE_ORDER_MARK).strip()
        if not text:
            return None
        try:
            return _read(json.loads(text))
        except (ValueError, RecursionError):
            parse_error = wire.ErrorData(code=wire.PARSE_ERROR, message=f"Parse error: {faults[0]['msg'][:200]}")
            return wire.JSONRPCError(jsonrpc="2.0", id=None, error=parse_error)
    return _read(faults[-1]["input"])  # the last of them is about the line as a whole


def _read(line: Any) -> SessionMessage | Batch | wire.JSONRPCError:
    if isinstance(line, list) and 0 < len(line) <= MOST:
        return Batch(line)
    message = one_message(line, f"the line is not one JSON-RPC 2.0 message, nor a batch of 1 to {MOST}")
    return message.answer if isinstance(message, Refusal) else SessionMessage(message)


def _in_another_encoding(error: UnicodeDecodeError) -> wire.JSONRPCError:
    """Refuses the request that the rest of the line makes, as far as it can be made out: its texts would be others."""
    try:
        request = id_of(json.loads(error.object.decode("utf-8", "replace").removeprefix(BYTE_ORDER_MARK)))
    except (ValueError, RecursionError):
        request = None
    why = f"byte {error.object[error.start]:#04x} at {error.start} of the line is no UTF-8: send UTF-8"
    fault = wire.ErrorData(code=wire.PARSE_ERROR, message=f"Parse error: {why}")
    return wire.JSONRPCError(jsonrpc="2.0", id=request, error=fault)


async def _note_cancelled(message: wire.JSONRPCMessage, outgoing: Batches) -> None:
    if isinstance(message, wire.JSONRPCNotification) and message.method == "notifications/cancelled":
        await outgoing.cancel((message.params or {}).get("requestId"))
