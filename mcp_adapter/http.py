"""Streamable HTTP for a team: the SDK's own app behind our checks, served until it is asked to stop."""

import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from uuid import UUID

import anyio
import anyio.to_thread
import uvicorn
from mcp.server.auth.middleware.bearer_auth import RequireAuthMiddleware
from mcp.server.auth.routes import build_resource_metadata_url, create_protected_resource_routes
from pydantic import AnyHttpUrl
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from ledger.errors import LedgerError
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
from mcp_adapter.transport.log_lines import log_as_lines, say
from mcp_adapter.transport.serving import PATH, Serving, bound, check_serving, host_names, url_of
from mcp_adapter.transport.sessions import McpSessions
from projections.application.app import App
from projections.application.layers import KINDS, Source
from projections.local_copy.working_files import OPEN
from projections.maintenance.background_jobs import start_background_jobs
from projections.maintenance.console_server import announce, others
from projections.maintenance.webhooks.sender import start_sending
from projections.operations.catalog import OPERATIONS

OPERATION = PREFIX + "{name}"
BODY = 4 * 1024 * 1024  # bytes of a request
BURST = 2.0  # seconds of its rate that a caller may use at once
CONNECTIONS = 1_000
GRACE = 30  # seconds that what runs may take to end after a signal
READY_SECONDS = 2.0


def run_http(apps: Iterable[App], serving: Serving) -> None:
    """Serves until SIGTERM or SIGINT, then refuses what is new and finishes what runs. Raises Invalid, Unavailable."""
    by_ledger = {app.identity.ledger: app for app in apps}
    check_serving(serving)
    OPEN.raise_limit()
    listening = bound(serving)
    log_as_lines()  # from here on: until then it is a command, whose refusal is for a person
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
        url = url_of(listening, serving)
        with _announced(serving, url):
            say("serving", url=url, ledgers=[str(ledger) for ledger in by_ledger])
            server.run(sockets=[listening])
            say("stopped")
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
    sessions = McpSessions(server, BODY)
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
    guard = Guard(application, HostNames(host_names(serving), serving.origins))
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
