"""Reads the bearer token of a request, which then goes on with who sends it.

It is what the SDK's backend does in Starlette's middleware, and the SDK's middleware behind that, in one step.
"""

import time
from collections.abc import Awaitable, Callable

from mcp.server.auth.middleware.auth_context import auth_context_var
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from starlette.authentication import AuthCredentials, UnauthenticatedUser
from starlette.types import ASGIApp, Receive, Scope, Send

BEARER = b"bearer "  # in any case

Verify = Callable[[str], Awaitable[AccessToken | None]]


class Authentication:
    """Refuses nothing: what needs a token says so itself."""

    def __init__(self, app: ASGIApp, verify: Verify) -> None:
        self._app = app
        self._verify = verify

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        secret = _secret(scope)
        accepted = None if secret is None else await self._verify(secret)
        if accepted is None or (accepted.expires_at and accepted.expires_at < int(time.time())):
            scope["auth"], scope["user"] = AuthCredentials(), UnauthenticatedUser()
            await self._app(scope, receive, send)
            return
        user = AuthenticatedUser(accepted)
        scope["auth"], scope["user"] = AuthCredentials(user.scopes), user
        before = auth_context_var.set(user)
        try:
            await self._app(scope, receive, send)
        finally:
            auth_context_var.reset(before)


def _secret(scope: Scope) -> str | None:
    """The secret in the first header of that name, as HTTP has it."""
    given = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
    return given[len(BEARER) :].decode("latin-1") if given[: len(BEARER)].lower() == BEARER else None
