"""What stands before everything over HTTP: names, origins, sizes, rates, and one log line for each request."""

import asyncio
import contextlib
import json
import logging
import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any
from urllib.parse import urlsplit

import anyio
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

BODY_SECONDS = 30.0  # for a request to arrive whole
STREAM_SECONDS = 600.0  # after which who waits for news has to come back, with a token that is still good
AT_ONCE = 256  # requests in work, streams counted
EACH_AT_ONCE = 64  # of one token, or of one address without one
REMEMBERED = 10_000  # callers whose rate is kept in mind
STREAMS = ("/mcp", "/events")  # what is asked there with GET is news without an end; every other page ends by itself
PROBES = ("/health", "/ready")  # asked by their address, by machines without a name for us

log = logging.getLogger("tracking_ledger.http")

Headers = Mapping[bytes, bytes]


class HostNames:
    """Hosts and origins that may be named, so that a page in a browser cannot be led here by a name of its own.

    >>> names = HostNames(["ledger.example"], ["https://chat.example"])
    >>> names.allows_host("ledger.example:8000"), names.allows_host("evil.example"), names.allows_origin("https://chat.example")
    (True, False, True)
    """

    def __init__(self, hosts: Iterable[str], origins: Iterable[str]) -> None:
        self._hosts = {host.lower() for host in hosts}
        self._origins = {origin.lower().rstrip("/") for origin in origins}

    def allows_host(self, host: str | None) -> bool:
        with contextlib.suppress(ValueError):
            parts = urlsplit(f"//{host}")
            return not parts.path and not parts.username and parts.hostname in self._hosts
        return False

    def allows_origin(self, origin: str | None) -> bool:
        if origin is None or origin.lower().rstrip("/") in self._origins:
            return True
        with contextlib.suppress(ValueError):
            parts = urlsplit(origin)
            return parts.scheme in ("http", "https") and parts.hostname in self._hosts
        return False


class Rates:
    """A bucket for each caller: it holds `burst` requests and is filled again by `rate` a second."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, caller: str, now: float) -> float:
        """0 if the caller may go on, else the seconds after which it may."""
        left, then = self._left.pop(caller, (self._burst, now))
        left = min(self._burst, left + (now - then) * self._rate)
        wait = 0.0 if left >= 1 else (1 - left) / self._rate
        self._left[caller] = (left if wait else left - 1, now)
        if len(self._left) > REMEMBERED:
            self._left.popitem(last=False)
        return wait


class TooSlow(Exception):
    """A body that did not arrive in time."""


async def too_slow(_: Request, __: Exception) -> JSONResponse:
    return _late()


class Guard:
    """The outermost layer: names, draining, the number of requests at once, slow bodies, the log."""

    def __init__(self, app: ASGIApp, names: HostNames) -> None:
        self._app = app
        self._names = names
        self._streams: set[anyio.CancelScope] = set()
        self._now = 0
        self.draining = False

    def drain(self) -> None:
        """Begins nothing new from here on; streams that wait for news end, what runs goes on to its end."""
        self.draining = True
        for stream in list(self._streams):
            stream.cancel()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        seen = _Seen(scope, send)
        self._now += 1
        try:
            headers = dict(reversed(scope["headers"]))  # the first of each name
            refusal = self._refusal(scope["path"], headers)
            if refusal is not None:
                await refusal(scope, receive, seen.send)
            else:
                await self._served(scope, headers, receive, seen)
        except Exception:
            seen.status = seen.status or 500  # which uvicorn answers, and tells why in the log
            raise
        finally:
            self._now -= 1
            seen.log()

    async def _served(self, scope: Scope, headers: Headers, receive: Receive, seen: "_Seen") -> None:
        if not _waits_for_news(scope, headers):
            try:
                await self._app(scope, _in_time(receive), seen.send)
            except TooSlow:
                if seen.status:
                    raise
                await _late()(scope, receive, seen.send)
            return
        with anyio.move_on_after(STREAM_SECONDS) as stream:
            self._streams.add(stream)
            try:
                await self._app(scope, _in_time(receive), seen.send)
            finally:
                self._streams.discard(stream)

    def _refusal(self, path: str, headers: Headers) -> JSONResponse | None:
        if path in PROBES:
            return None
        if not self._names.allows_host(_text(headers.get(b"host"))):
            return _refused(421, "this server does not go by the name in Host: see --allow-host")
        if not self._names.allows_origin(_text(headers.get(b"origin"))):
            return _refused(403, "this server takes no requests from pages of that origin: see --allow-origin")
        if self.draining:
            return _refused(503, "the server is stopping", 1)
        if self._now > AT_ONCE:
            return _refused(503, "too many requests at once", 1)
        return None


class Turns:
    """Limits how often and how many at once, by token, or by address without one. Behind the authentication."""

    def __init__(self, app: ASGIApp, rates: Rates) -> None:
        self._app = app
        self._rates = rates
        self._now: dict[str, int] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        caller = _caller(scope)
        wait = self._rates.wait(caller, time.monotonic())
        if wait > 0:
            await _refused(429, "too many requests", wait)(scope, receive, send)
            return
        if self._now.get(caller, 0) >= EACH_AT_ONCE:
            await _refused(429, "too many requests of one caller at once", 1)(scope, receive, send)
            return
        self._now[caller] = self._now.get(caller, 0) + 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._now[caller] -= 1
            if not self._now[caller]:
                del self._now[caller]


class _Seen:
    """One request as the log tells it: what, from where, by whose token, what became of it. Never what was said."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._scope = scope
        self._send = send
        self._begun = time.perf_counter()
        self.status = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        await self._send(message)

    def log(self) -> None:
        user = self._scope.get("user")
        line: MutableMapping[str, Any] = {
            "kind": "http",
            "method": self._scope["method"],
            "path": self._scope["path"][:100],
            "status": self.status,
            "from": (self._scope.get("client") or ("",))[0],
            "milliseconds": round((time.perf_counter() - self._begun) * 1000, 3),
        }
        if isinstance(user, AuthenticatedUser):
            line["caller"] = user.access_token.client_id
        log.info("%s", json.dumps(line))


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("latin-1")


def _waits_for_news(scope: Scope, headers: Headers) -> bool:
    """Whether the answer is a stream without an end, in either era."""
    is_stream = scope["method"] == "GET" and scope["path"].endswith(STREAMS)
    return is_stream or headers.get(b"mcp-method") == b"subscriptions/listen"


def _caller(scope: Scope) -> str:
    user = scope.get("user")
    if isinstance(user, AuthenticatedUser):
        return user.access_token.client_id
    return f"from {(scope.get('client') or ('',))[0]}"


def _in_time(receive: Receive) -> Receive:
    """The body's pieces, as long as the whole of it comes in time; what comes after it may take for ever."""
    until = asyncio.get_running_loop().time() + BODY_SECONDS
    whole = False

    async def received() -> Message:
        nonlocal whole
        if whole:
            return await receive()
        try:
            async with asyncio.timeout_at(until):
                message = await receive()
        except TimeoutError:
            raise TooSlow from None
        whole = message["type"] != "http.request" or not message.get("more_body", False)
        return message

    return received


def _late() -> JSONResponse:
    return _refused(408, f"the request did not arrive within {BODY_SECONDS:g} s")


def _refused(status: int, why: str, wait: float | None = None) -> JSONResponse:
    if wait is None:
        return JSONResponse({"error": why}, status_code=status)
    seconds = max(1, round(wait))
    return JSONResponse(
        {"error": f"{why}: repeat it in {seconds} s", "retry_after": seconds}, status, {"Retry-After": str(seconds)}
    )
