"""Plain calls over HTTP, answered without the SDK and with the same document.

In the era with a handshake the answer is JSON, which its revisions allow, where the SDK sends a stream of one event.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import msgspec
from anyio import CancelScope
from mcp.server.streamable_http import REQUEST_CANCELLED, check_accept_headers
from msgspec import Struct
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from mcp_adapter.callers.caller import Caller
from mcp_adapter.capabilities.answers import ToolAnswer
from mcp_adapter.capabilities.tools import Tools
from mcp_adapter.transport.plain import Envelopes, PlainCall, plain_call
from mcp_adapter.transport.sessions import ONLY_ANSWER, TEXT, McpSession, McpSessions

WITHOUT_HANDSHAKE = {b"mcp-protocol-version": 0, b"content-type": 1, b"accept": 2, b"mcp-method": 3, b"mcp-name": 4}
IN_SESSION = {b"mcp-protocol-version": 0, b"content-type": 1, b"accept": 2, b"mcp-session-id": 3}
STRUCTURED = ("2025-06-18", "2025-11-25")  # revisions with a handshake that have structured content
CANCELLED = b"notifications/cancelled"
REMEMBERED = 1_000  # values of the header that says what a client takes


class Form(Struct, frozen=True):
    """What an answer has before its content and after it, in one era of the protocol."""

    before: bytes
    after: bytes = b"}}"

    def written(self, id: int | str, answer: ToolAnswer) -> bytes:
        """The text is the structured content already: neither is encoded again."""
        return b"".join(
            (
                b'{"jsonrpc":"2.0","id":',
                msgspec.json.encode(id),
                self.before,
                b'"content":[{"type":"text","text":',
                msgspec.json.encode(answer.text),
                b'}],"structuredContent":',
                answer.text.encode(),
                b',"isError":true' if answer.is_error else b',"isError":false',
                self.after,
            )
        )


WITH_HANDSHAKE = Form(b',"result":{')


def without_handshake(server: dict[str, Any]) -> Form:
    """`server` is what it says of itself in each answer."""
    meta = msgspec.json.encode({"io.modelcontextprotocol/serverInfo": server})
    return Form(b',"result":{"_meta":%b,' % meta, b',"resultType":"complete"}}')


class AcceptedCall(Struct, frozen=True):
    """A call that passes by the SDK, and the session in which it may be given up."""

    call: PlainCall
    caller: Caller
    form: Form
    session: McpSession | None = None


class PlainCalls:
    """An ASGI application that answers plain calls and hands on all others; behind the authentication."""

    def __init__(
        self, protocol: McpSessions, tools: Tools, caller_of: Callable[[Request], Caller], without_handshake: Form
    ) -> None:
        self._protocol = protocol
        self._tools = tools
        self._caller_of = caller_of
        self._without_handshake = without_handshake
        self._envelopes = Envelopes()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        text: bytes = scope.get(TEXT, b"")
        taken = self._taken(scope, text) if text else None
        if taken is None:
            await self._protocol(scope, receive, send)
            return
        body = await self._answer(taken)
        headers = [(b"content-length", b"%d" % len(body)), (b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, taken: AcceptedCall) -> bytes:
        call, running = taken.call, CancelScope()
        if taken.session is not None:
            taken.session.running[str(call.id)] = running
        try:
            with running:
                answer = await self._tools.answer(taken.caller, call.params.name, call.params.arguments)
                return taken.form.written(call.id, answer)
        finally:
            if taken.session is not None:
                del taken.session.running[str(call.id)]
        error = {"code": REQUEST_CANCELLED, "message": "Request cancelled"}
        return msgspec.json.encode({"jsonrpc": "2.0", "id": call.id, "error": error})

    def _taken(self, scope: Scope, text: bytes) -> AcceptedCall | None:
        """The call that is answered here; None for what the SDK has to look at."""
        try:
            return self._of_the_other_era(scope, text) if scope[ONLY_ANSWER] else self._in_session(scope, text)
        except ValueError:  # of the envelope
            return None

    def _of_the_other_era(self, scope: Scope, text: bytes) -> AcceptedCall | None:
        headers = _once(scope, WITHOUT_HANDSHAKE)
        if headers is None:
            return None
        revision, kind, accept, _, name = headers
        call = plain_call(text) if kind == b"application/json" and _taking(accept)[0] else None
        if call is None or not self._tools.has(call.params.name) or name != call.params.name.encode():
            return None
        client = self._envelopes.client(revision.decode("latin-1"), call)
        return AcceptedCall(call, self._caller_of(Request(scope)).named(client), self._without_handshake)

    def _in_session(self, scope: Scope, text: bytes) -> AcceptedCall | None:
        """A call in a session. One that began in another process is answered by what the call holds."""
        headers = _once(scope, IN_SESSION)
        if headers is None:
            return None
        revision, kind, accept, id = (value.decode("latin-1") for value in headers)
        session = self._protocol.of(id)
        if session is not None and CANCELLED in text:
            session.give_up(scope, text)
        if session is not None and not session.goes_on(scope, revision):
            return None
        is_read = kind == "application/json" and all(_taking(accept.encode("latin-1"))) and revision in STRUCTURED
        call = plain_call(text) if is_read else None
        if call is None or not self._tools.has(call.params.name):
            return None
        if session is not None and str(call.id) in session.running:
            return None
        self._envelopes.client(revision, call)  # names none in this era, and may ask for more than an answer
        client = None if session is None else session.client
        return AcceptedCall(call, self._caller_of(Request(scope)).named(client), WITH_HANDSHAKE, session)


def _once(scope: Scope, names: dict[bytes, int]) -> list[bytes] | None:
    """The headers of these names, in their order; None if one is missing or repeated."""
    found: list[bytes | None] = [None] * len(names)
    for name, value in scope["headers"]:
        place = names.get(name)
        if place is not None:
            if found[place] is not None:
                return None
            found[place] = value
    complete = [value for value in found if value is not None]
    return complete if len(complete) == len(names) else None


@lru_cache(REMEMBERED)
def _taking(accept: bytes) -> tuple[bool, bool]:
    """Whether a client takes JSON, and whether it takes a stream of events."""
    return check_accept_headers(Request({"type": "http", "headers": [(b"accept", accept)]}))
