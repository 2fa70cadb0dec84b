"""The addresses of the console, and what each of its answers has: who may see it, and headers that let nothing in."""

import secrets
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import UUID

from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from ledger.errors import LedgerError, NotFound
from ledger.resources import folder
from mcp_adapter.callers.workers import Workers
from mcp_adapter.console import forms, pages, tokens
from mcp_adapter.console.browser_sessions import BrowserSessions
from mcp_adapter.console.ledger import Ledger
from mcp_adapter.console.live import Live
from mcp_adapter.console.shared_pages import COMMAND_ID, RenderedPage, Shared
from mcp_adapter.console.templates import render
from projections.application.app import App

STATIC = {
    "console.css": "text/css",
    "console.js": "text/javascript",
    "favicon.svg": "image/svg+xml",
    "vendor/htmx.min.js": "text/javascript",
    "vendor/hx-sse.min.js": "text/javascript",
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
}
SMALL = 1024  # bytes from which an answer is compressed; no page holds a secret that its length could tell
FOUND = 20  # items of each project that a search in all of them shows
LONGEST_FORM = 1024 * 1024  # bytes
MOST_FIELDS = 6000  # a description of 20,000 characters has up to 2,500 boxes, and each two fields
MOVED_TO = "ledger-moved-to"  # the header in which a page that renews itself says what the stream told it
STATUS = {"version_conflict": 409, "not_found": 404, "forbidden": 403, "unavailable": 503}


class Console:
    """The handlers of all pages. `missing` opens the projects that this machine's user has opened since, if any."""

    def __init__(
        self,
        apps: dict[UUID, App],
        sessions: BrowserSessions,
        workers: Workers,
        missing: Callable[[], list[App]],
    ) -> None:
        self._apps = apps
        self._missing = missing
        self._sessions = sessions
        self._workers = workers
        self.live = Live()
        self._shared: dict[UUID, Shared] = {}

    def routes(self) -> list[BaseRoute]:
        small = [Middleware(GZipMiddleware, minimum_size=SMALL, compresslevel=1)]
        return [
            Route("/", self.home, middleware=small),
            Route("/sign-in", self.sign_in, methods=["GET", "POST"]),
            Route("/sign-out", self.sign_out, methods=["POST"]),
            Route("/enter", self.enter),
            Route("/favicon.ico", lambda request: RedirectResponse("/static/favicon.svg")),
            Route("/static/{name:path}", self.static, middleware=small),
            Route("/l/{ledger}", self.first),
            Route("/l/{ledger}/events", self.events),
            Route("/l/{ledger}/item/{ref}", self.item, middleware=small),
            Route("/l/{ledger}/act/{operation}", self.act, methods=["GET", "POST"], middleware=small),
            Route("/l/{ledger}/tokens/{act}", self.tokens, methods=["POST"]),
            Route("/l/{ledger}/{page}", self.page, middleware=small),
        ]

    async def home(self, request: Request) -> Response:
        """The only ledger, or all that this browser may see."""
        callers = self._sessions.callers(request)
        if not callers:
            return RedirectResponse("/sign-in", status_code=303, headers=HEADERS)
        ledgers = [Ledger(caller) for caller in callers.values()]
        if len(ledgers) == 1:
            return RedirectResponse(f"{ledgers[0].base}/board", status_code=303, headers=HEADERS)
        text = request.query_params.get("text", "")
        shown = [await self._in_thread(partial(_summary, ledger, text), ledger) for ledger in ledgers]
        return _html("all", title="All projects", ledgers=shown, text=text)

    async def sign_in(self, request: Request) -> Response:
        if request.method == "GET":
            return _html("sign_in", title="Sign in", wrong=False)
        _check_origin(request)
        form = await request.form(max_fields=5, max_part_size=LONGEST_FORM)
        answer = RedirectResponse("/", status_code=303, headers=HEADERS)
        if self._sessions.sign_in(request, answer, [str(form.get("token", "")).strip()]):
            return answer
        return _html("sign_in", status=403, title="Sign in", wrong=True)

    async def enter(self, request: Request) -> Response:
        """Follows a one-time link."""
        secrets = await self._in_thread(partial(self._sessions.follow_link, request.query_params.get("once", "")))
        if secrets:
            self._apps |= {app.identity.ledger: app for app in await self._in_thread(self._missing)}
        answer = RedirectResponse("/", status_code=303, headers=HEADERS)
        if self._sessions.sign_in(request, answer, secrets):
            return answer
        return _html("sign_in", status=403, title="Sign in", wrong=True)

    async def sign_out(self, request: Request) -> Response:
        _check_origin(request)
        answer = RedirectResponse("/sign-in", status_code=303, headers=HEADERS)
        self._sessions.sign_out(answer)
        return answer

    async def static(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in STATIC:
            raise HTTPException(404)
        place = folder("templates") / "console" / name
        return FileResponse(place, media_type=STATIC[name], headers=HEADERS | {"Cache-Control": "max-age=300"})

    async def first(self, request: Request) -> Response:
        return RedirectResponse(f"{request.url.path.rstrip('/')}/board", status_code=303, headers=HEADERS)

    async def page(self, request: Request) -> Response:
        name = request.path_params["page"]
        if name not in pages.PAGES:
            raise HTTPException(404)
        title, page = pages.PAGES[name]
        return await self._page_response(request, name.replace("-", "_"), title, page)

    async def item(self, request: Request) -> Response:
        ref = request.path_params["ref"]
        return await self._page_response(request, "item", ref, lambda ledger, query: pages.item(ledger, query, ref))

    async def events(self, request: Request) -> Response:
        app = self._ledger(request).caller.app
        return self.live.stream(request, app, lambda: app.identity.ledger in self._sessions.callers(request))

    async def act(self, request: Request) -> Response:
        """A form for any write, and what becomes of one that was sent."""
        operation = request.path_params["operation"]
        if not forms.is_known(operation):
            raise HTTPException(404)
        if request.method == "GET":
            title = operation.replace("_", " ").capitalize()
            return await self._page_response(
                request, "act", title, lambda ledger, query: pages.act(ledger, query, operation)
            )
        _check_origin(request)
        ledger = self._ledger(request)
        form = await request.form(max_fields=MOST_FIELDS, max_part_size=LONGEST_FORM)
        answer, refused = await self._in_thread(lambda: forms.carry_out(ledger, operation, form), ledger)
        if answer is not None and "secret" in answer:
            words = forms.words_of_secret(answer)
            return await self._rendered(ledger, "secret", title="Keep the secret", words=words, secret=answer["secret"])
        if answer is not None:
            place = forms.where_to(ledger, operation, form, answer)
            separator = "&" if urlsplit(place).query else "?"
            outcome = quote(forms.outcome(answer))
            return RedirectResponse(f"{place}{separator}said={outcome}", status_code=303, headers=HEADERS)
        assert refused is not None
        return await self._refused(ledger, operation, form, refused)

    async def tokens(self, request: Request) -> Response:
        """Makes or revokes a token, for administrators."""
        _check_origin(request)
        ledger = self._ledger(request)
        form = await request.form(max_fields=10, max_part_size=LONGEST_FORM)
        try:
            if request.path_params["act"] == "revoke":
                await self._in_thread(lambda: tokens.revoke(ledger, form))
                return RedirectResponse(
                    f"{ledger.base}/settings?said={forms.REVOKED}", status_code=303, headers=HEADERS
                )
            secret, made = await self._in_thread(lambda: tokens.make(ledger, form))
        except LedgerError as refused:
            status = STATUS.get(refused.code, 422)
            return await self._rendered(ledger, "missing", status=status, title="Not done", refused=refused)
        words = f"This token acts as {made.actor} with the scope {made.scope}."
        return await self._rendered(ledger, "secret", title="Keep the token", words=words, secret=secret)

    async def _refused(self, ledger: Ledger, operation: str, form: Any, refused: LedgerError) -> Response:
        """What was refused, why, and the form again with what was typed."""
        kept = [(name, str(value)) for name, value in form.multi_items() if name != "f-command_id"]
        current = refused.details.get("actual") if refused.code == "version_conflict" else None
        return await self._rendered(
            ledger,
            "refused",
            status=STATUS.get(refused.code, 422),
            title="Not saved",
            refused=refused,
            operation=operation,
            kept=kept,
            current=current,
        )

    async def _page_response(self, request: Request, template: str, title: str, page: pages.Page) -> Response:
        """A page; one that renews what it shows, because the ledger moved, may be given what was made for another."""
        ledger, query = self._ledger(request), request.query_params
        app = ledger.caller.app
        at = await self.live.look(app)
        make = partial(self._page, ledger, query, at, template, title, page)
        if request.headers.get(MOVED_TO) == at:
            key = (request.url.path, request.url.query, ledger.caller.actor, ledger.caller.scope)
            return _sent(await self._shared.setdefault(app.identity.ledger, Shared()).page(at, key, make))
        return _sent(await make())

    async def _page(
        self, ledger: Ledger, query: QueryParams, at: str, template: str, title: str, page: pages.Page
    ) -> RenderedPage:
        try:
            values = await self._in_thread(lambda: ledger.answering(partial(_values, page, query)), ledger)
        except LedgerError as error:
            is_missing = isinstance(error, NotFound) or (template == "item" and _is_about_id(error))
            status = 404 if is_missing else STATUS.get(error.code, 422)
            title = "Not found" if is_missing else "No answer"
            return await self._made(ledger, "missing", status=status, title=title, refused=error)
        return await self._made(ledger, template, title=title, query=query, at=at, **values)

    async def _rendered(self, ledger: Ledger, template: str, *, status: int = 200, **values: Any) -> Response:
        return _sent(await self._made(ledger, template, status=status, **values))

    async def _made(
        self, ledger: Ledger, template: str, *, status: int = 200, query: QueryParams | None = None, **values: Any
    ) -> RenderedPage:
        common = {
            "ledger": ledger,
            "pages": pages.PAGES,
            "acts": list(pages.acts()),
            "new_id": lambda: COMMAND_ID,
            "said": forms.known_text(query.get("said", "")) if query else "",
            "query": query or QueryParams(),
            "answered": await self._in_thread(lambda: _source(ledger), ledger),
            "newest": ledger.caller.app.local.journal.head.position,
            "at": "",
            "position": None,
        }
        return RenderedPage(status, await self._in_thread(lambda: render(template, **common | values), ledger))

    def _ledger(self, request: Request) -> Ledger:
        """The ledger of the address, for this browser. One that it may not see is as good as none."""
        callers = self._sessions.callers(request)
        try:
            caller = callers.get(UUID(request.path_params["ledger"]))
        except ValueError:
            caller = None
        if caller is None:
            if not callers:
                raise HTTPException(303, headers={"Location": "/sign-in"})
            raise HTTPException(404)
        is_form = "operation" in request.path_params  # and every form is of now
        return Ledger(caller, None if is_form else request.query_params.get("as_of") or None)

    async def _in_thread(self, work: Callable[[], Any], ledger: Ledger | None = None) -> Any:
        workers = self._workers if ledger is None else self._workers.of(ledger.caller.app.settings.dsn)
        return await workers.run(work)


def _values(page: pages.Page, query: QueryParams, ledger: Ledger) -> pages.Values:
    return {"position": ledger.position, **page(ledger, query)}


def _is_about_id(error: LedgerError) -> bool:
    return [fault["field"] for fault in error.details.get("fields", ())] == ["id"]


def _source(ledger: Ledger) -> Any:
    layer = ledger.caller.app.answered_by
    return None if layer is None or layer.is_live else layer.sentence(ledger.caller.app.clock())


def _summary(ledger: Ledger, text: str) -> dict[str, Any]:
    nothing: dict[str, Any] = {"ledger": ledger, "counts": None, "waiting": 0, "found": [], "more": 0, "fault": None}
    try:
        if text:
            found = ledger.ask("list_work_items", text=text, limit=FOUND)
            return nothing | {"found": found["items"], "more": found["has_more"]}
        waiting = ledger.ask("needs_me", by=ledger.actor, limit=1)["total_count"]
        return nothing | {"counts": ledger.ask("project_status", limit=1)["active_work_items"], "waiting": waiting}
    except LedgerError as error:
        return nothing | {"fault": error.message}


def _sent(made: RenderedPage) -> HTMLResponse:
    return HTMLResponse(made.for_one_browser(), made.status, HEADERS)


def _html(template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    return HTMLResponse(render(template, **values), status, HEADERS)


def _check_origin(request: Request) -> None:
    """A form counts only if a page of this server sent it: browsers say so themselves, and nothing else can."""
    origin, host = request.headers.get("origin"), request.headers.get("host")
    if request.headers.get("sec-fetch-site") in ("same-origin", "none"):
        return
    if origin is None or not secrets.compare_digest(urlsplit(origin).netloc.lower(), (host or "").lower()):
        raise HTTPException(403, "a form of another site is not taken")
