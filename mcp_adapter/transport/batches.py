"""Batches: arrays of messages, which one revision of the protocol has. They are taken apart and answered together."""

from typing import Any, NamedTuple

import mcp.types as wire
from mcp.shared._stream_protocols import WriteStream  # the SDK has no public name for what it hands out
from mcp.shared.message import SessionMessage
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import RootModel, ValidationError

REVISION = "2025-03-26"  # the only one that has batches
MOST = 100  # messages of a batch

Answer = wire.JSONRPCResponse | wire.JSONRPCError


class Refusal(NamedTuple):
    """The error that a sender is answered with in place of what its message asks."""

    answer: wire.JSONRPCError


class Answers(RootModel[list[Answer]]):
    """The answers to one batch, in the order in which they were ready."""


class Batch:
    """One batch: the messages in it, and what of them is answered. Entries that are no message are answered at once."""

    def __init__(self, entries: list[Any]) -> None:
        self.messages: list[wire.JSONRPCMessage] = []
        self.answers: list[Answer] = []
        for entry in entries:
            message = one_message(entry, "an entry of the batch is not one JSON-RPC 2.0 message")
            if isinstance(message, Refusal):
                self.answers.append(message.answer)
                continue
            if isinstance(message, wire.JSONRPCRequest) and message.method == "initialize":
                self.answers.append(invalid(message.id, "initialize cannot be part of a batch"))
            else:
                self.messages.append(message)
        self.waiting = [message.id for message in self.messages if isinstance(message, wire.JSONRPCRequest)]

    def take(self, answer: Answer) -> bool:
        """Whether the answer belongs to this batch, which then has it."""
        if answer.id not in self.waiting:
            return False
        self.waiting.remove(answer.id)
        self.answers.append(answer)
        return True


class Batches:
    """The batches of one conversation, and the stream that its answers are written to, in place of the SDK's own."""

    def __init__(self, outgoing: WriteStream[SessionMessage]) -> None:
        self._outgoing = outgoing
        self._open: list[Batch] = []
        self.revision: str | None = None  # that of the protocol, as soon as an answer shows it

    @property
    def taken(self) -> bool:
        """Whether the revision that both sides agreed on has batches."""
        return self.revision == REVISION

    async def begin(self, batch: Batch) -> None:
        self._open.append(batch)
        await self._write_whole()

    async def cancel(self, request: Any) -> None:
        """A request that its sender gave up is never answered, so no batch waits for it."""
        for batch in self._open:
            if request in batch.waiting:
                batch.waiting.remove(request)
        await self._write_whole()

    async def send(self, item: SessionMessage, /) -> None:
        message = item.message
        if isinstance(message, wire.JSONRPCResponse):
            self.revision = _shown(message.result) or self.revision
        if isinstance(message, Answer) and any(batch.take(message) for batch in self._open):
            await self._write_whole()
        else:
            await self._outgoing.send(item)

    async def aclose(self) -> None:
        await self._outgoing.aclose()

    async def __aenter__(self) -> "Batches":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def _write_whole(self) -> None:
        whole = [batch for batch in self._open if not batch.waiting]
        self._open = [batch for batch in self._open if batch.waiting]
        for batch in whole:
            if batch.answers:  # a batch of nothing but notifications has none
                answers: Any = Answers(batch.answers)
                await self._outgoing.send(SessionMessage(answers))


def _shown(result: dict[str, Any]) -> str | None:
    """The revision that a result shows: a greeting's, or that of the era in which each says of what type it is."""
    return result.get("protocolVersion") or (MODERN_PROTOCOL_VERSIONS[-1] if "resultType" in result else None)


def one_message(read: Any, otherwise: str) -> wire.JSONRPCMessage | Refusal:
    """What JSON holds one message, or why it is refused. An id that is none would make a note of a request."""
    if isinstance(read, dict) and "method" in read and "id" in read:
        request = read["id"]
        if isinstance(request, float) and request.is_integer():
            read = {**read, "id": int(request)}
        elif id_of(read) is None:
            return Refusal(invalid(None, "the id of a request is a text or a whole number"))
    try:
        return wire.jsonrpc_message_adapter.validate_python(read, by_name=False)
    except ValidationError:
        return Refusal(invalid(id_of(read), otherwise))


def invalid(request: str | int | None, why: str) -> wire.JSONRPCError:
    error = wire.ErrorData(code=wire.INVALID_REQUEST, message=f"Invalid request: {why}")
    return wire.JSONRPCError(jsonrpc="2.0", id=request, error=error)


def invalid_params(message: Any, why: str) -> wire.JSONRPCError:
    error = wire.ErrorData(code=wire.INVALID_PARAMS, message=f"Invalid params: {why}")
    return wire.JSONRPCError(jsonrpc="2.0", id=id_of(message), error=error)


def id_of(message: Any) -> str | int | None:
    """The id of what may be a request, where it can be made out."""
    found = message.get("id") if isinstance(message, dict) else None
    return found if isinstance(found, (str, int)) and not isinstance(found, bool) else None
