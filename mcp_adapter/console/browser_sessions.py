"""Who a browser stands for: a cookie that carries a token of the ledger, verified in every request.

The console has no passwords of its own. A token that is revoked is out with the next request of any open page.
"""

from collections.abc import Mapping
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from mcp_adapter.callers.access import Access
from mcp_adapter.callers.caller import Caller
from projections.application.app import App
from projections.maintenance.console_links import ConsoleLinks

COOKIE = "ledger_console"
SEPARATOR = "."  # between the tokens of several ledgers; no token has one
MOST_TOKENS = 20
DAYS = 30


class BrowserSessions:
    """Reads and writes the cookie. `is_secure` says that browsers reach the server over TLS."""

    def __init__(self, apps: Mapping[UUID, App], access: Access, *, tokens_needed: bool, is_secure: bool) -> None:
        self._apps = apps
        self._access = access
        self._tokens_needed = tokens_needed
        self._is_secure = is_secure

    def callers(self, request: Request) -> dict[UUID, Caller]:
        """The ledgers that this browser may see, each with who it is there."""
        if not self._tokens_needed:
            return {ledger: self._access.without_token(app) for ledger, app in self._apps.items()}
        found: dict[UUID, Caller] = {}
        for secret in self._secrets(request):
            caller = self._access.holder_of(secret)
            if caller is not None:
                found.setdefault(caller.app.identity.ledger, caller)
        return found

    def sign_in(self, request: Request, response: Response, secrets: list[str]) -> bool:
        """Whether one of the tokens is good; then they are in the cookie, beside those of other ledgers."""
        given = self._holders(secrets)
        if not given:
            return False
        others = self._holders(self._secrets(request))
        self._set(response, SEPARATOR.join({**given, **others, **given}.values()))
        return True

    def sign_out(self, response: Response) -> None:
        response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict", secure=self._is_secure)

    def follow_link(self, nonce: str) -> list[str]:
        """The tokens behind a one-time link, which is used up by this."""
        for app in list(self._apps.values()):  # in a thread, while others may be taken in
            if secrets := ConsoleLinks(app.home).take(nonce, app.clock()):
                return secrets
        return []

    def _holders(self, secrets: list[str]) -> dict[UUID, str]:
        """The tokens that are valid now, one for each ledger."""
        found: dict[UUID, str] = {}
        for secret in secrets[:MOST_TOKENS]:
            caller = self._access.holder_of(secret)
            if caller is not None:
                found.setdefault(caller.app.identity.ledger, secret)
        return found

    def _set(self, response: Response, value: str) -> None:
        response.set_cookie(
            COOKIE,
            value,
            max_age=DAYS * 86_400,
            path="/",
            httponly=True,
            samesite="strict",
            secure=self._is_secure,
        )

    def _secrets(self, request: Request) -> list[str]:
        return [part for part in request.cookies.get(COOKIE, "").split(SEPARATOR)[:MOST_TOKENS] if part]
