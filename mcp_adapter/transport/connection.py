"""uvicorn's connection, with an end for clients that never finish what they send, and answers in one piece.

Its parser is in C. It takes a head of any length, any number of hosts, blanks behind a value as part of it, trailers
behind a body as if they were headers, and of a request that offers another protocol no body. Here what arrives without
completing anything is bounded, a request names one host, a value ends before its blanks, trailers are dropped, and the
offer is ignored: HTTP/1.1 is spoken.
"""

import asyncio
from typing import Any, cast

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_SECONDS = 10.0  # for the head of a request to arrive whole, and for the first one to begin
MOST_UNFINISHED = 64 * 1024  # bytes of a head, of trailers, or between two pieces of a body
HEAD = b"HTTP/1."  # how the head of an answer begins


class Connection(HttpToolsProtocol):
    """uvicorn itself closes a connection that is idle after an answer, and no other."""

    _deadline: asyncio.TimerHandle | None = None
    _unfinished = 0  # bytes since something was whole
    _is_head = True  # what is read next

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(cast(asyncio.Transport, _InOnePiece(transport, self.loop)))
        self._expect_head()

    def data_received(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        self._unfinished += len(data)
        try:
            self._parse(data)
        except httptools.HttpParserError:
            self._refuse()
        if self._unfinished > MOST_UNFINISHED:
            self._refuse()
        if self.cycle is None or self.cycle.response_complete:
            self._expect_head()
        else:
            self._forget()

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._is_head:
            super().on_header(name, value.strip(b" \t"))

    def on_headers_complete(self) -> None:
        if self.parser.should_upgrade():
            return  # it comes again, without the offer
        hosts = sum(name == b"host" for name, _ in self.headers)
        if hosts > 1 or (not hosts and self.parser.get_http_version() == "1.1"):
            raise ValueError("a request names one host")  # which the parser makes an error of its own
        self._is_head, self._unfinished = False, 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._unfinished = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        if self._is_head:
            return
        self._is_head, self._unfinished = True, 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Requests that were sent before they could be answered are answered before more are read."""
        super().on_response_complete()
        if self.pipeline:
            self.flow.pause_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget()
        super().connection_lost(exc)

    def _parse(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as offered:
            head = [b"%s %s HTTP/%s" % (self.parser.get_method(), self.url, self.parser.get_http_version().encode())]
            head += [b"%s: %s" % header for header in self.headers if header[0] != b"upgrade"]
            self.parser = httptools.HttpRequestParser(self)
            self._parse(b"\r\n".join([*head, b"", data[offered.args[0] :]]))

    def _refuse(self) -> None:
        if not self.transport.is_closing():
            self.send_400_response("Invalid HTTP request received.")

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
