"""Who comes in over HTTP: our own tokens, or those of an issuer elsewhere."""

from collections.abc import Mapping
from functools import lru_cache
from uuid import UUID

import anyio.to_thread
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from starlette.requests import Request

from ledger.envelope import Scope
from mcp_adapter.callers.caller import SCOPES, Caller, Context
from mcp_adapter.callers.issuer import Issuer
from projections.application.app import App
from projections.maintenance.access_tokens import PREFIX, Tokens, digest

LEDGER, SCOPE = "ledger", "scope"  # claims of ours in what the SDK carries
REMEMBERED = 1_000  # of those who come in


class Access:
    """Verifies tokens, for the SDK's middleware, and says who asks. Each request is verified by itself."""

    def __init__(self, apps: Mapping[UUID, App], issuer: Issuer | None, *, tokens_needed: bool = True) -> None:
        self._apps = apps
        self._tokens: dict[UUID, Tokens] = {}  # of those ledgers of `apps` that were asked of: more may come
        self._ledger_of: dict[str, UUID] = {}  # by the digest of a token that was seen: where to look first
        self._issuer = issuer
        self._tokens_needed = tokens_needed

    async def verify_token(self, token: str) -> AccessToken | None:
        if token.startswith(PREFIX):
            return self._own(token)
        if self._issuer is None:
            return None
        return await anyio.to_thread.run_sync(self._foreign, self._issuer, token)

    def caller(self, context: Context) -> Caller:
        """Who asks in this call."""
        if context.request is None:
            raise TypeError("a call over HTTP came without its request")
        return self.caller_of(context.request).greeted(context)

    def caller_of(self, request: Request) -> Caller:
        """Who sends this request."""
        user = request.scope.get("user")
        if not isinstance(user, AuthenticatedUser):
            if self._tokens_needed:
                raise PermissionError("a request without a token reached the protocol")
            return Caller(app=self._first)
        return self._caller(user.access_token)

    def holder_of(self, secret: str) -> Caller | None:
        """Who one of our own tokens stands for; None for one that opens nothing now."""
        accepted = self._own(secret) if secret.startswith(PREFIX) else None
        return None if accepted is None else self._caller(accepted)

    def without_token(self, app: App) -> Caller:
        """Any caller where no tokens are needed."""
        return Caller(app=app)

    def _caller(self, accepted: AccessToken) -> Caller:
        claims = accepted.claims or {}
        return Caller(app=self._apps[UUID(claims[LEDGER])], actor=accepted.subject, scope=claims[SCOPE])

    @property
    def _first(self) -> App:
        return next(iter(self._apps.values()))

    def _own(self, secret: str) -> AccessToken | None:
        key = digest(secret)
        known = self._ledger_of.get(key)
        if known is not None and (accepted := self._accepted_in(known, key)) is not None:
            return accepted
        for ledger in sorted(self._apps, key=self._tokens.__contains__):  # one that is known is in none that was read
            if (accepted := self._accepted_in(ledger, key)) is not None:
                self._ledger_of[key] = ledger
                return accepted
        return None

    def _accepted_in(self, ledger: UUID, key: str) -> AccessToken | None:
        app = self._apps[ledger]
        if ledger not in self._tokens:
            self._tokens[ledger] = Tokens(app.home)
            self._ledger_of |= {token.digest: ledger for token in self._tokens[ledger].all()}
        found = self._tokens[ledger].good(key, ledger, app.clock())
        return None if found is None else _accepted(f"token {found.id}", found.actor, found.scope, ledger)

    def _foreign(self, issuer: Issuer, token: str) -> AccessToken | None:
        stated = issuer.verified(token)
        if stated is None:
            return None
        ledger = stated.ledger or (self._first.identity.ledger if len(self._apps) == 1 else None)
        if ledger is None or ledger not in self._apps:
            return None
        return _accepted(f"{issuer.url} {stated.subject}", stated.subject, stated.scope, ledger, stated.expires_at)


@lru_cache(REMEMBERED)
def _accepted(client: str, actor: str, scope: Scope, ledger: UUID, expires_at: int | None = None) -> AccessToken:
    """The token as the SDK carries it, without the secret: nothing needs that once it was checked.

    It is the same for each request, so nothing changes it."""
    return AccessToken(
        token="",
        client_id=client,
        scopes=list(SCOPES[: SCOPES.index(scope) + 1]),
        expires_at=expires_at,
        subject=actor,
        claims={LEDGER: str(ledger), SCOPE: scope},
    )
