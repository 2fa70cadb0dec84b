"""Answers for lines that are no message: the SDK passes over them in silence, and their sender would wait for ever."""

import json
from contextlib import suppress
from typing import Any

import mcp.types as wire
from anyio.streams.memory import MemoryObjectSendStream
from mcp.shared._stream_protocols import ReadStream, WriteStream  # the SDK has no public name for what it hands out
from mcp.shared.message import SessionMessage
from pydantic import ValidationError

Incoming = SessionMessage | Exception


async def answer_unreadable(
    incoming: ReadStream[Incoming], readable: MemoryObjectSendStream[Incoming], outgoing: WriteStream[SessionMessage]
) -> None:
    """Passes messages on, until there are no more; the rest is answered with the JSON-RPC error it deserves."""
    async with readable:
        async for item in incoming:
            if not isinstance(item, Exception):
                await readable.send(item)
            elif (answer := unreadable(item)) is not None:
                await outgoing.send(SessionMessage(answer))


def unreadable(error: Exception) -> wire.JSONRPCError | None:
    """What to answer; nothing for an empty line. The id is the line's own where it can be made out."""
    if not isinstance(error, ValidationError):
        return None
    fault = error.errors(include_url=False, include_context=False)[0]
    line = fault["input"]
    if isinstance(line, str) and not line.strip():
        return None
    if fault["type"] == "json_invalid":
        code, sentence = wire.PARSE_ERROR, f"Parse error: {fault['msg'][:200]}"
    else:
        code, sentence = wire.INVALID_REQUEST, "Invalid request: the line is not one JSON-RPC 2.0 message"
    return wire.JSONRPCError(jsonrpc="2.0", id=_id(line), error=wire.ErrorData(code=code, message=sentence))


def _id(line: Any) -> str | int | None:
    if isinstance(line, str):
        with suppress(ValueError, RecursionError):
            line = json.loads(line)
    found = line.get("id") if isinstance(line, dict) else None
    return found if isinstance(found, (str, int)) and not isinstance(found, bool) else None
