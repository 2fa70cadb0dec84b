"""One event stream a page: each message says to which position the log moved, so a page that slept resumes there."""

import time
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import UUID

import anyio
import anyio.to_thread
from starlette.requests import Request
from starlette.responses import StreamingResponse

from ledger.errors import LedgerError
from projections.application.app import App

EVERY = 0.05  # seconds between two looks at a ledger that a page listens to
CHECKED = 1.0  # seconds between two looks at a silent stream's token; each message looks anyway
KEEP_ALIVE = 15.0  # seconds after which a comment keeps proxies from closing a silent stream
LONGEST = 600.0  # seconds after which a page connects again, with a token that is still good


class Stamp:
    """How far one ledger is, as this process sees it: the position, and what waits on this machine."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._looked = 0.0
        self._lock = anyio.Lock()
        self.value = ""

    async def look(self, age: float = 0.0) -> str:
        """The value, at most `age` seconds older than this call. Callers that wait for the same look share it."""
        oldest = time.monotonic() - age
        async with self._lock:
            if self._looked < oldest:
                begun = time.monotonic()
                self.value = await anyio.to_thread.run_sync(self._read)
                self._looked = begun
        return self.value

    def _read(self) -> str:
        waiting = self._app.local.outbox.sequence if self._app.local.waiting else 0
        try:
            with self._app.tables.snapshot() as snapshot:
                head = snapshot.as_of.position
        except LedgerError:  # away: what is queued here can be seen all the same
            head = self._app.local.journal.head.position
        return f"{head}-{waiting}" if waiting else str(head)


class Live:
    """The streams of every served ledger."""

    def __init__(self) -> None:
        self._stamps: dict[UUID, Stamp] = {}
        self._closed = False

    async def look(self, app: App) -> str:
        """How far the ledger is now: a page that is made after a write is none of before it."""
        return await self._stamp(app).look()

    def close(self) -> None:
        """Ends every stream, so that the server can stop."""
        self._closed = True

    def stream(self, request: Request, app: App, is_allowed: Callable[[], bool]) -> StreamingResponse:
        """What moves from now on, for as long as the browser's token is good."""
        since = request.headers.get("last-event-id") or request.query_params.get("at", "")
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(
            self._messages(self._stamp(app), since, is_allowed), media_type="text/event-stream", headers=headers
        )

    def _stamp(self, app: App) -> Stamp:
        return self._stamps.setdefault(app.identity.ledger, Stamp(app))

    async def _messages(self, stamp: Stamp, since: str, is_allowed: Callable[[], bool]) -> AsyncIterator[str]:
        begun = sent = checked = time.monotonic()
        yield ": connected\n\n"
        while not self._closed and time.monotonic() - begun < LONGEST:
            now = await stamp.look(age=EVERY)
            if now != since or time.monotonic() - checked > CHECKED:
                checked = time.monotonic()
                if not is_allowed():
                    return
            if now != since:
                since, sent = now, time.monotonic()
                yield _message("moved", now)
            elif time.monotonic() - sent > KEEP_ALIVE:
                sent = time.monotonic()
                yield ": still here\n\n"
            await anyio.sleep(EVERY)


def _message(event: str, id: str, data: Any = "") -> str:
    return f"event: {event}\nid: {id}\ndata: {data}\n\n"
