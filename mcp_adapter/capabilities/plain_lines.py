"""Plain calls over standard streams, answered without the SDK and without the event loop.

The thread that reads hands them to a worker, which writes the answer. What the SDK knows of the conversation is heard
from what it answers: until then every call goes to it.
"""

import threading
from collections.abc import Callable
from typing import Any, Self

import anyio
import anyio.to_thread
import mcp.types as wire
from mcp.shared.message import SessionMessage
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from ledger.errors import Forbidden
from mcp_adapter.callers.caller import Caller
from mcp_adapter.capabilities.plain_calls import STRUCTURED, WITH_HANDSHAKE, Form
from mcp_adapter.capabilities.tools import Tools, Work
from mcp_adapter.transport.batches import Batches
from mcp_adapter.transport.pipes import Incoming, MessageWriter, message
from mcp_adapter.transport.plain import Envelopes, PlainCall, plain_call

REVISIONS = (*STRUCTURED, *MODERN_PROTOCOL_VERSIONS)


class PlainLines:
    """Answers plain calls while it is open.

    Calls that run at its end are given up, as the SDK gives up its own: reads at once, writes when they are done.
    """

    def __init__(
        self,
        writer: MessageWriter,
        outgoing: Batches,
        tools: Tools,
        caller_of: Callable[[str | None], Caller],
        modern: Form,
    ) -> None:
        self._writer = writer
        self._outgoing = outgoing
        self._tools = tools
        self._caller_of = caller_of
        self._modern = modern
        self._takes = True
        self._client: str | None = None  # by its greeting
        self._envelopes = Envelopes()
        self._running: dict[str, _Running] = {}
        self._ended = threading.Condition()  # what is running is looked at and changed under it

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        with self._ended:
            self._takes = False
            running = [*self._running.values()]
        for call in running:
            call.give_up()
        if self._writes():
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(self._wait_for_writes)

    def see(self, line: bytes) -> Incoming | None:
        """None for a line that holds a plain call, which is begun, else the message. The thread that reads calls it."""
        call = plain_call(line)
        if call is not None and self._begin(call):
            return None
        read = message(line)
        self._note(read)
        return read

    def _note(self, read: Incoming) -> None:
        match read:
            case SessionMessage(message=wire.JSONRPCRequest(method="initialize", params=params)):
                self._takes = self._outgoing.revision is None  # a client that greets again is the SDK's from then on
                self._client = _name(params)
            case SessionMessage(message=wire.JSONRPCNotification(method="notifications/cancelled", params=params)):
                call = self._running.get(str((params or {}).get("requestId")))
                if call is not None:
                    call.give_up()

    def _begin(self, call: PlainCall) -> bool:
        revision, key = self._outgoing.revision, str(call.id)
        if revision not in REVISIONS or not self._tools.has(call.params.name) or self._tools.waits_for_ledger:
            return False
        try:
            client = self._envelopes.client(revision, call) or self._client
            work = self._tools.work(self._caller_of(client), call.params.name, call.params.arguments)
        except (ValueError, Forbidden):
            return False
        form = self._modern if revision in MODERN_PROTOCOL_VERSIONS else WITH_HANDSHAKE
        running = _Running(work, lambda answer: self._writer.put(form.written(call.id, answer) + b"\n"), self._forget)
        with self._ended:
            if not self._takes or key in self._running:
                return False
            self._running[key] = running
        work.workers.hand_over(running)
        return True

    def _forget(self, over: "_Running") -> None:
        with self._ended:
            self._running = {key: call for key, call in self._running.items() if call is not over}
            self._ended.notify_all()

    def _writes(self) -> bool:
        return any(call.work.writes for call in self._running.values())

    def _wait_for_writes(self) -> None:
        with self._ended:
            self._ended.wait_for(lambda: not self._writes())


class _Running:
    """One call: carried out by a worker, or given up by any thread."""

    def __init__(self, work: Work, answer: Callable[[Any], None], over: Callable[["_Running"], None]) -> None:
        self.work = work
        self._answer = answer
        self._over = over
        self._begun = threading.Lock()
        self._is_given_up = False

    def carry_out(self) -> None:
        if not self._begun.acquire(blocking=False):
            return
        try:
            answer = self.work.answer()
            if not self._is_given_up:
                self._answer(answer)
        finally:
            self._over(self)

    def give_up(self) -> None:
        """Leaves it without an answer; one that has not begun never begins."""
        self._is_given_up = True
        if self._begun.acquire(blocking=False):
            self._over(self)


def _name(params: Any) -> str | None:
    """The client's name, as its greeting states it; a wrong greeting is refused by the SDK."""
    client = (params or {}).get("clientInfo")
    name = client.get("name") if isinstance(client, dict) else None
    return name if isinstance(name, str) else None
