"""Lines of standard input that the SDK does not read: batches, a byte order mark, and what is no message.

The SDK passes over them in silence, and their sender would wait for ever.
"""

import json
from typing import Any

import mcp.types as wire
from anyio.streams.memory import MemoryObjectSendStream
from mcp.shared._stream_protocols import ReadStream  # the SDK has no public name for what it hands out
from mcp.shared.message import SessionMessage
from pydantic import ValidationError

from mcp_adapter.transport.batches import MOST, Batch, Batches, id_of, invalid

BYTE_ORDER_MARK = "\ufeff"

Incoming = SessionMessage | Exception


async def read_on(
    incoming: ReadStream[Incoming], readable: MemoryObjectSendStream[Incoming], outgoing: Batches
) -> None:
    """Passes messages on, until there are no more; the rest is answered with the JSON-RPC error it deserves."""
    async with incoming, readable:
        async for item in incoming:
            found = read(item) if isinstance(item, ValidationError) else item
            if isinstance(found, Batch) and not outgoing.taken:
                found = invalid(None, "this revision of the protocol has no batches, send one message a line")
            match found:
                case SessionMessage():
                    await _note_cancelled(found.message, outgoing)
                    await readable.send(found)
                case Batch():
                    await outgoing.begin(found)
                    for message in found.messages:
                        await readable.send(SessionMessage(message))
                case wire.JSONRPCError():
                    await outgoing.send(SessionMessage(found))


def read(error: ValidationError) -> SessionMessage | Batch | wire.JSONRPCError | None:
    """What a line holds in which the SDK sees no message; None for an empty one.

    JSON that names half a character is JSON: the message is passed on, and the tool says which argument holds it.
    """
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
    try:
        return SessionMessage(wire.jsonrpc_message_adapter.validate_python(line, by_name=False))
    except ValidationError:
        return invalid(id_of(line), f"the line is not one JSON-RPC 2.0 message, nor a batch of 1 to {MOST}")


async def _note_cancelled(message: wire.JSONRPCMessage, outgoing: Batches) -> None:
    if isinstance(message, wire.JSONRPCNotification) and message.method == "notifications/cancelled":
        await outgoing.cancel((message.params or {}).get("requestId"))
