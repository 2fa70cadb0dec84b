"""Plain calls over standard streams, answered without the SDK, which sees all other messages.

What the SDK knows of the conversation is heard from what it answers: until then every call goes to it.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Self

import mcp.types as wire
from mcp.shared.message import SessionMessage
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from mcp_adapter.callers.caller import Caller
from mcp_adapter.capabilities.plain_calls import Form
from mcp_adapter.capabilities.tools import Tools
from mcp_adapter.transport.batches import Batches
from mcp_adapter.transport.pipes import Answering, Incoming, PlainLine, Said, message
from mcp_adapter.transport.plain import Envelopes, PlainCall

REVISIONS = ("2025-06-18", "2025-11-25", *MODERN_PROTOCOL_VERSIONS)  # which have structured content
WITH_HANDSHAKE = Form(b',"result":{')


class PlainLines:
    """What the client says but for plain calls. Those that run at its end are given up, as the SDK gives up its own."""

    def __init__(
        self,
        said: Said,
        answering: Answering,
        outgoing: Batches,
        tools: Tools,
        caller_of: Callable[[str | None], Caller],
        modern: Form,
    ) -> None:
        self._said = said
        self._answering = answering
        self._outgoing = outgoing
        self._tools = tools
        self._caller_of = caller_of
        self._modern = modern
        self._takes = True
        self._client: str | None = None  # by its greeting
        self._envelopes = Envelopes()
        self._running: dict[str, asyncio.Task[None]] = {}

    async def receive(self) -> Incoming:
        while True:
            line = await self._said.receive()
            if not isinstance(line, PlainLine):
                self._note(line)
                return line
            if not self._begin(line.call):
                return message(line.text)

    async def aclose(self) -> None:
        await self._said.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        running = [*self._running.values()]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _note(self, line: Incoming) -> None:
        match line:
            case SessionMessage(message=wire.JSONRPCRequest(method="initialize", params=params)):
                self._takes = self._outgoing.revision is None  # a client that greets again is the SDK's from then on
                self._client = _name(params)
            case SessionMessage(message=wire.JSONRPCNotification(method="notifications/cancelled", params=params)):
                task = self._running.get(str((params or {}).get("requestId")))
                if task is not None:
                    task.cancel()

    def _begin(self, call: PlainCall) -> bool:
        revision, key, name = self._outgoing.revision, str(call.id), call.params.name
        if revision not in REVISIONS or not self._takes or key in self._running or not self._tools.has(name):
            return False
        if self._tools.waits_for_ledger:
            return False
        try:
            client = self._envelopes.client(revision, call)
        except ValueError:
            return False
        self._running[key] = asyncio.create_task(self._answer(key, call, self._caller_of(client or self._client)))
        return True

    async def _answer(self, key: str, call: PlainCall, caller: Caller) -> None:
        form = self._modern if self._outgoing.revision in MODERN_PROTOCOL_VERSIONS else WITH_HANDSHAKE
        try:
            said = await self._tools.answer(caller, call.params.name, call.params.arguments)
            await self._answering.write(form.written(call.id, said) + b"\n")
        finally:
            del self._running[key]


def _name(params: Any) -> str | None:
    """The client's, as its greeting states it; one that is wrong is refused by the SDK."""
    client = (params or {}).get("clientInfo")
    name = client.get("name") if isinstance(client, dict) else None
    return name if isinstance(name, str) else None
