"""uvicorn's connection, with an end for clients that never finish the head of a request, and answers in one piece."""

import asyncio
from typing import Any, cast

from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 10.0  # for the head of a request to arrive whole, and for the first one to begin
HEAD = b"HTTP/1."  # how the head of an answer begins


class Connection(H11Protocol):
    """uvicorn itself closes a connection that is idle after an answer, and no other."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(cast(asyncio.Transport, _InOnePiece(transport, self.loop)))
        self._expect_head()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.cycle is None or self.cycle.response_complete:
            self._expect_head()
        else:
            self._forget()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget()
        super().connection_lost(exc)

    def _expect_head(self) -> None:
        """A head that arrives letter by letter gets no more time than another."""
        if self._deadline is None:
            self._deadline = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _forget(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


class _InOnePiece:
    """A transport that sends the head of an answer with its body, if that comes in the same turn of the loop: half the
    system calls, and the client is woken once."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._held = b""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, content: bytes) -> None:
        if self._held:
            content, self._held = self._held + content, b""
        elif content.startswith(HEAD):
            self._held = content
            self._loop.call_soon(self._release)
            return
        self._transport.write(content)

    def close(self) -> None:
        self._release()
        self._transport.close()

    def _release(self) -> None:
        if self._held:
            held, self._held = self._held, b""
            self._transport.write(held)
