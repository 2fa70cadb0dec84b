"""Streamable HTTP for a team: the SDK's own app behind our checks, served until it is asked to stop."""

import json
import logging
import os
import signal
import socket
import ssl
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import anyio
import anyio.to_thread
import uvicorn
from mcp.server.auth.middleware.bearer_auth import RequireAuthMiddleware
from mcp.server.auth.routes import build_resource_metadata_url, create_protected_resource_routes
from msgspec import Struct
from pydantic import AnyHttpUrl
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from ledger.errors import LedgerError, Unavailable
from ledger.problems import check, problem
from mcp_adapter.api.description import PREFIX
from mcp_adapter.api.routes import Api
from mcp_adapter.callers.access import Access
from mcp_adapter.callers.authentication import Authentication
from mcp_adapter.callers.caller import SCOPES
from mcp_adapter.callers.issuer import Issuer
from mcp_adapter.callers.workers import Workers
from mcp_adapter.capabilities.plain_calls import PlainCalls, without_handshake
from mcp_adapter.capabilities.subscriptions import Subscriptions
from mcp_adapter.capabilities.tools import Tools
from mcp_adapter.capabilities.toolsets import offered
from mcp_adapter.console.browser_sessions import BrowserSessions
from mcp_adapter.console.routes import Console
from mcp_adapter.server import TITLE, build
from mcp_adapter.transport.bodies import Bodies
from mcp_adapter.transport.connection import Connection
from mcp_adapter.transport.guard import Guard, HostNames, Rates, TooSlow, Turns, too_slow
from mcp_adapter.transport.sessions import Sessions
from projections.application.activity import places
from projections.application.app import App
from projections.application.layers import KINDS, Source
from projections.local_copy.working_files import OPEN
from projections.maintenance.background_jobs import start_background_jobs
from projections.maintenance.console_server import announce, others
from projections.maintenance.webhooks.sender import start_sending
from projections.operations.catalog import OPERATIONS

PATH = "/mcp"
OPERATION = PREFIX + "{name}"
LOOPBACK = ("127.0.0.1", "localhost", "::1")
BODY = 4 * 1024 * 1024  # bytes of a request
BURST = 2.0  # seconds of its rate that a caller may use at once
CONNECTIONS = 1_000
BACKLOG = 128
GRACE = 30  # seconds that what runs may take to end after a signal
READY_SECONDS = 2.0

log = logging.getLogger("tracking_ledger.http")


class Serving(Struct, frozen=True, kw_only=True):
    """How to serve. `rate` is requests a second of one token; port 0 takes a free one.

    `announce` is a file that says where the server listens, for as long as it does.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    certificate: str | None = None
    key: str | None = None
    proxies: str | None = None
    issuer: str | None = None
    keys_url: str | None = None
    public_url: str | None = None
    rate: float = 50.0
    tokens_needed: bool = True
    toolsets: tuple[str, ...] = ()
    read_only: bool = False
    announce: Path | None = None


def run_http(apps: Iterable[App], serving: Serving) -> None:
    """Serves until SIGTERM or SIGINT, then refuses what is new and finishes what runs. Raises Invalid, Unavailable."""
    by_ledger = {app.identity.ledger: app for app in apps}
    check(_faults(serving))
    OPEN.raise_limit()
    listening = bound(serving)
    _log_as_lines()  # from here on: until then it is a command, whose refusal is for a person
    stops = [stop for app in by_ledger.values() for stop in _jobs(app, by_ledger.__len__)]

    def missing() -> list[App]:
        """Opened, with their jobs, the projects of this user that are not served yet; none where a team is served."""
        if serving.announce is None:
            return []
        first = next(iter(by_ledger.values()))
        new = [project for project in others(first) if project.ledger not in by_ledger]
        apps = [first.for_project(project.project) for project in new]
        stops.extend(stop for app in apps for stop in _jobs(app, by_ledger.__len__))
        return apps

    guard, subscriptions = assembled(by_ledger, serving, missing)
    server = _Server(_server_settings(guard, serving), guard, subscriptions)
    for number in (signal.SIGTERM, signal.SIGINT):  # uvicorn repeats the signal at its end, and then we want to go on
        signal.signal(number, lambda *_: None)
    try:
        with _announced(serving, _address(listening, serving)):
            _say("serving", url=_address(listening, serving), ledgers=[str(ledger) for ledger in by_ledger])
            server.run(sockets=[listening])
            _say("stopped")
    finally:
        for stop in stops:
            stop()
        for app in by_ledger.values():
            app.close()


def assembled(
    apps: dict[UUID, App], serving: Serving, missing: Callable[[], list[App]] = list
) -> tuple[Guard, Subscriptions]:
    """The ASGI application, outermost layer first: names, tokens, turns, the protocol."""
    access = Access(apps, _issuer(serving), tokens_needed=serving.tokens_needed)
    subscriptions = Subscriptions(access.caller)
    offer = offered(OPERATIONS, serving.toolsets, read_only=serving.read_only)
    workers = Workers()
    tools = Tools(offer, access.caller, subscriptions.tools_changed, workers)
    server = build(access.caller, tools, subscriptions)
    sessions = Sessions(server, BODY)
    calls = PlainCalls(sessions, tools, access.caller_of, without_handshake(server.server_info_stamp))
    api = Api(offer.operations, access.caller_of, workers, tokens_needed=serving.tokens_needed)
    protocol = _for_callers(_by_path(calls, api), serving)

    @asynccontextmanager
    async def running(_: Starlette) -> AsyncIterator[None]:
        async with sessions.run():
            yield

    turns = Turns(protocol, Rates(serving.rate, serving.rate * BURST))
    bodies = Bodies(turns, BODY)
    routes = [
        Route(PATH, endpoint=bodies),
        Route(f"{PREFIX}openapi.json", api.description),
        Route(OPERATION, endpoint=turns),
        *_metadata(serving),
    ]
    inner = Starlette(routes=routes, lifespan=running, exception_handlers={TooSlow: too_slow})
    application = _by_path(bodies, inner)
    if serving.tokens_needed:
        application = Authentication(application, access.verify_token)
    guard = Guard(application, HostNames(_hosts(serving), serving.origins))
    is_secure = serving.certificate is not None or serving.proxies is not None
    browsers = BrowserSessions(apps, access, tokens_needed=serving.tokens_needed, is_secure=is_secure)
    inner.routes.extend([*_probes(apps, guard), *Console(apps, browsers, workers, missing).routes()])
    return guard, subscriptions


def _for_callers(protocol: ASGIApp, serving: Serving) -> ASGIApp:
    """The protocol, for those who have a token where one is needed."""
    if not serving.tokens_needed:
        return protocol
    metadata = build_resource_metadata_url(AnyHttpUrl(serving.public_url)) if serving.public_url else None
    return RequireAuthMiddleware(protocol, ["read"], metadata)


def _by_path(protocol: ASGIApp, others: ASGIApp) -> ASGIApp:
    """What is asked at PATH goes to the protocol without a router before it: it is what most requests ask for."""

    async def chosen(scope: Scope, receive: Receive, send: Send) -> None:
        await (protocol if scope.get("path") == PATH else others)(scope, receive, send)

    return chosen


def _jobs(app: App, ledgers: Callable[[], int]) -> Iterator[Callable[[], None]]:
    """What goes on in the background for a ledger, begun; each answers what stops it."""
    yield start_sending(app)
    yield start_background_jobs(app, ledgers=ledgers)


def _server_settings(guard: Guard, serving: Serving) -> uvicorn.Config:
    return uvicorn.Config(
        guard,
        http=Connection,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=serving.proxies is not None,
        forwarded_allow_ips=serving.proxies or "",
        ssl_certfile=serving.certificate,
        ssl_keyfile=serving.key,
        limit_concurrency=CONNECTIONS,
        timeout_graceful_shutdown=GRACE,
        ws="none",
    )


@contextmanager
def _announced(serving: Serving, address: str) -> Iterator[None]:
    """The file that says where the server listens is there meanwhile, if one is wanted."""
    if serving.announce is None:
        yield
        return
    try:
        announce(serving.announce, address.removesuffix(PATH))
        yield
    finally:
        serving.announce.unlink(missing_ok=True)


class _Server(uvicorn.Server):
    """Tells everything that waits for news to end before it waits for what runs."""

    def __init__(self, config: uvicorn.Config, guard: Guard, subscriptions: Subscriptions) -> None:
        super().__init__(config)
        self._guard = guard
        self._subscriptions = subscriptions

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._subscriptions.close()
        self._guard.drain()
        await super().shutdown(sockets)


def _probes(apps: Mapping[UUID, App], guard: Guard) -> list[BaseRoute]:
    async def health(_: Request) -> JSONResponse:
        return JSONResponse({"status": "ok"})

    async def ready(_: Request) -> JSONResponse:
        if guard.draining:
            return JSONResponse({"ready": False, "why": "stopping"}, status_code=503)
        with anyio.move_on_after(READY_SECONDS):
            one_of_each = {app.settings.dsn: app for app in apps.values()}  # database: they are away one by one
            found = [
                await anyio.to_thread.run_sync(_source, app, abandon_on_cancel=True) for app in one_of_each.values()
            ]
            able = not all(KINDS[source].is_empty for source in found)
            return JSONResponse({"ready": able, "sources": found}, status_code=200 if able else 503)
        return JSONResponse({"ready": False, "why": "no answer in time"}, status_code=503)

    return [Route("/health", health), Route("/ready", ready)]


def _source(app: App) -> Source:
    """Where an answer would come from now: the database, else this machine's copy, else nowhere."""
    for layer in (app.runtime.live, app.runtime.journal):
        try:
            found = layer()
            with found.tables.snapshot():
                return found.source
        except LedgerError:
            continue
    return "none"


def _metadata(serving: Serving) -> list[Route]:
    """RFC 9728: where tokens for this server come from."""
    if serving.issuer is None or serving.public_url is None:
        return []
    return create_protected_resource_routes(
        resource_url=AnyHttpUrl(serving.public_url),
        authorization_servers=[AnyHttpUrl(serving.issuer)],
        scopes_supported=list(SCOPES),
        resource_name=TITLE,
    )


def _issuer(serving: Serving) -> Issuer | None:
    if serving.issuer is None or serving.public_url is None:
        return None
    keys = serving.keys_url or serving.issuer.rstrip("/") + "/.well-known/jwks.json"
    return Issuer(serving.issuer, serving.public_url, keys)


def _hosts(serving: Serving) -> list[str]:
    """The names we go by: those given, that of the address itself, and this machine's own on a loopback address."""
    own = LOOPBACK if serving.host in LOOPBACK else () if serving.host in ("0.0.0.0", "::") else (serving.host,)
    public = [str(AnyHttpUrl(serving.public_url).host)] if serving.public_url else []
    return [*serving.hosts, *own, *public]


def _faults(serving: Serving) -> Iterable[dict[str, Any]]:
    for name, url in (("public_url", serving.public_url), ("issuer", serving.issuer), ("jwks", serving.keys_url)):
        if url is not None and not _is_address(url):
            yield problem(name, f"must be an http or https address, and {url!r} is none", url)
            return
    for origin in serving.origins:
        if not _is_address(origin) or urlsplit(origin).path.strip("/"):
            yield problem("allow_origin", "must be an origin like https://app.example.org, without a path", origin)
    for proxy in (serving.proxies or "").split(",") if serving.proxies is not None else ():
        if not _is_proxy(proxy.strip()):
            yield problem("behind_proxy", "must be addresses or networks with commas between them, or *", proxy.strip())
    if serving.certificate and serving.key and (fault := _unreadable(serving.certificate, serving.key)):
        yield problem("tls_cert", f"and tls_key must be readable PEM files that belong together: {fault}")
    open_to_others = serving.host not in LOOPBACK
    if open_to_others and serving.certificate is None and serving.proxies is None:
        yield problem(
            "host",
            "is reached by others, who would send tokens in the clear: give tls_cert and tls_key, or behind_proxy",
            serving.host,
        )
    if open_to_others and not serving.tokens_needed:
        yield problem("no_tokens", "is for this machine's own address only", serving.host)
    if not _hosts(serving):
        yield problem("allow_host", "is needed on this address: the names by which clients reach it", serving.host)
    if (serving.certificate is None) != (serving.key is None):
        yield problem("tls_cert", "and tls_key go together", serving.certificate or serving.key)
    if (serving.issuer is None) != (serving.public_url is None):
        yield problem("issuer", "and public_url go together", serving.issuer or serving.public_url)


def _is_address(url: str) -> bool:
    with suppress(ValueError):
        said = urlsplit(url)
        return said.scheme in ("http", "https") and bool(said.hostname)
    return False


def _is_proxy(said: str) -> bool:
    with suppress(ValueError):
        return said == "*" or bool(ip_network(said, strict=False))
    return False


def _unreadable(certificate: str, key: str) -> str | None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password="")
    except (OSError, ValueError) as error:  # an encrypted key is refused: there is no one to ask for its password
        return str(error)
    return None


def bound(serving: Serving) -> socket.socket:
    """The listening socket of a server; Unavailable where its address is not to be had."""
    family = socket.AF_INET6 if ":" in serving.host else socket.AF_INET
    # with the protocol named, or the event loop does not turn off the delay of small packets
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((serving.host, serving.port))
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        raise Unavailable(
            f"{serving.host} port {serving.port} cannot be listened on: {error.strerror or error}",
            next_step="choose another with --host and --port, or stop what listens there",
        ) from error
    return listening


def _address(listening: socket.socket, serving: Serving) -> str:
    host = f"[{serving.host}]" if ":" in serving.host else serving.host
    scheme = "https" if serving.certificate else "http"
    return f"{scheme}://{host}:{listening.getsockname()[1]}{PATH}"


class _Lines(logging.Formatter):
    """Every record as one JSON line; of an exception only what it is and where, because its words may be a secret."""

    def format(self, record: logging.LogRecord) -> str:
        said = record.getMessage()
        if record.name.startswith("tracking_ledger."):
            return said
        line = {"kind": "log", "level": record.levelname.lower(), "logger": record.name, "message": said[:500]}
        if record.exc_info and record.exc_info[1]:
            line |= {"error": type(record.exc_info[1]).__name__, "at": ", ".join(places(record.exc_info[1]))}
        return json.dumps(line)


def _log_as_lines() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Lines())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("tracking_ledger").setLevel(logging.INFO)
    # what no line says is not found out for each
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False


def _say(event: str, **more: Any) -> None:
    log.info("%s", json.dumps({"kind": "server", "event": event, "pid": os.getpid(), **more}))
