"""Bodies that the SDK does not read in the revisions with a handshake: batches, a byte order mark, unpaired surrogates;
and, in all of them, names that are given twice.

A batch becomes one request for each of its messages, sent as the whole was sent, and one array of their answers.
The body of what asks for no notes beside its answer goes on in the scope, too.
"""

import json
from typing import Any

import mcp.types as wire
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import BaseModel
from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ledger.codec import unstorable
from mcp_adapter.transport.batches import MOST, REVISION, Batch, id_of, invalid, invalid_params
from mcp_adapter.transport.repeated_names import repeated_name
from mcp_adapter.transport.sessions import ONLY_ANSWER, TEXT

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
SURROGATE = b"\\ud"  # the beginning of a surrogate's JSON escape, and of many other characters'
PROGRESS = b"progressToken"  # with which notes are asked for beside the answer
REFUSED = -32000  # what an HTTP status that is no success becomes among the answers to a batch


class Bodies:
    """Stands before the protocol, after the caller was checked. Bodies of more than `most` bytes go on as they are."""

    def __init__(self, app: ASGIApp, most: int) -> None:
        self._app = app
        self._most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        pieces = await self._pieces(receive)
        body = b"".join(piece.get("body", b"") for piece in pieces)
        headers = Headers(scope=scope)
        revision = headers.get("mcp-protocol-version", REVISION)
        read = _unusual(body, revision)
        if isinstance(read, Batch):
            await (await self._answered(read, scope, receive))(scope, receive, send)
        elif isinstance(read, wire.JSONRPCError):
            await JSONResponse(_json(read), 400)(scope, receive, send)
        else:
            is_call = revision in MODERN_PROTOCOL_VERSIONS and headers.get("mcp-method") == "tools/call"
            only_answer = PROGRESS not in body and len(body) <= self._most
            marked = {**scope, TEXT: body if only_answer else b"", ONLY_ANSWER: is_call and only_answer}
            await self._app(marked, _replayed(pieces if read is None else [_piece(read)], receive), send)

    async def _pieces(self, receive: Receive) -> list[Message]:
        """The body's, or as many of them as show that it is too long."""
        pieces = [await receive()]
        size = len(pieces[0].get("body", b""))
        while pieces[-1].get("more_body", False) and size <= self._most:
            pieces.append(await receive())
            size += len(pieces[-1].get("body", b""))
        return pieces

    async def _answered(self, batch: Batch, scope: Scope, receive: Receive) -> Response:
        answers, statuses = [_json(answer) for answer in batch.answers], [400] * len(batch.answers)
        for message in batch.messages:
            answered = _Answered()
            body = json.dumps(_json(message)).encode()
            await self._app(_shortened(scope, len(body)), _replayed([_piece(body)], receive), answered.send)
            statuses.append(answered.status)
            if isinstance(message, wire.JSONRPCRequest):
                answers.append(answered.to(message.id))
        status = min(statuses)
        return JSONResponse(answers, status) if answers else Response(status_code=status)


class _Answered:
    """What one message of a batch was answered."""

    def __init__(self) -> None:
        self.status = 0
        self._body = b""

    async def send(self, message: Message) -> None:
        self.status = message.get("status", self.status)
        self._body += message.get("body", b"")

    def to(self, request: str | int) -> dict[str, Any]:
        """The answer to a request, which comes as a JSON text or as one of a stream's events."""
        events = [line.removeprefix(b"data:") for line in self._body.splitlines() if line.startswith(b"data:")]
        for text in events or [self._body]:
            found = json.loads(text) if text.strip()[:1] == b"{" else {}
            if id_of(found) == request and ("result" in found or "error" in found):
                return dict(found)
        error = wire.ErrorData(code=REFUSED, message=f"answered with the HTTP status {self.status}")
        return _json(wire.JSONRPCError(jsonrpc="2.0", id=request, error=error))


def _unusual(body: bytes, revision: str) -> bytes | Batch | wire.JSONRPCError | None:
    if repeated := repeated_name(body):
        return invalid_params(json.loads(repeated.text), str(repeated))
    return None if body[:1] == b"{" and SURROGATE not in body.lower() else _read(body, revision)


def _read(body: bytes, revision: str) -> bytes | Batch | wire.JSONRPCError | None:
    """The body as the SDK reads it, a batch, or why it is refused; None to leave all that to the SDK."""
    text = body.removeprefix(BYTE_ORDER_MARK)
    try:
        read = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if halves := unstorable(read):
        why = "; ".join(f"{half['field']} {half['problem']}" for half in halves[:20])
        return invalid_params(read, why)
    if not isinstance(read, list) or revision != REVISION:
        return text
    return Batch(read) if 0 < len(read) <= MOST else invalid(None, f"a batch holds 1 to {MOST} messages")


def _shortened(scope: Scope, length: int) -> Scope:
    headers = [(name, value) for name, value in scope["headers"] if name != b"content-length"]
    return {**scope, "headers": [*headers, (b"content-length", str(length).encode())]}


def _replayed(pieces: list[Message], receive: Receive) -> Receive:
    left = iter(pieces)

    async def received() -> Message:
        return next(left, None) or await receive()

    return received


def _piece(body: bytes) -> Message:
    return {"type": "http.request", "body": body, "more_body": False}


def _json(message: BaseModel) -> dict[str, Any]:
    return message.model_dump(mode="json", by_alias=True, exclude_unset=True)
