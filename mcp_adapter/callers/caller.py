"""Who calls, in which ledger, and what they may do. Over stdio: everything, with the rights of the process."""

from collections.abc import Callable
from typing import Any, get_args

from mcp.server import ServerRequestContext
from msgspec import Struct
from msgspec.structs import replace

from ledger.envelope import Scope
from ledger.errors import Forbidden
from projections.application.app import App
from projections.operations.base import Operation, Writes

Arguments = dict[str, Any]
Context = ServerRequestContext[Any]

SCOPES: tuple[Scope, ...] = get_args(Scope)  # each holds those before it
BY_LENGTH = 100


class Caller(Struct, frozen=True):
    """`actor` None: whom the call or the settings name, else the user of this machine. `token` tells the claims of this
    caller from those of others who act under the same name."""

    app: App
    actor: str | None = None
    scope: Scope = "admin"
    token: str | None = None

    def seen(self) -> App:
        """The ledger as this caller sees it; may open the database, so it is asked in a worker thread."""
        return self.app.for_principal(self.actor, self.scope, self.token)

    def greeted(self, context: Context) -> "Caller":
        """The same under the name with which its client greeted, where nothing else names who acts."""
        client = context.session.client_params
        return self.named(None if client is None else client.client_info.name)

    def named(self, client: str | None) -> "Caller":
        if self.actor is not None or self.app.settings.by or client is None:
            return self
        name = "".join(letter for letter in client if letter.isprintable()).strip()[:BY_LENGTH]
        return replace(self, actor=name or None)

    def may(self, operation: Operation) -> bool:
        return SCOPES.index(operation.scope) <= SCOPES.index(self.scope)

    def check(self, operation: Operation, arguments: Arguments) -> None:
        """Raises Forbidden for what the caller's token does not allow."""
        if not self.may(operation):
            raise Forbidden(
                f"{operation.name} needs the scope {operation.scope}, and this token has {self.scope}",
                next_step="do it with a token of that scope, or ask an administrator of the server for one",
                needed=operation.scope,
                scope=self.scope,
            )
        by = arguments.get("by")
        acts = issubclass(operation.input, Writes)  # elsewhere it says whose work is asked for
        if acts and self.actor is not None and by not in (None, self.actor) and self.scope != "admin":
            raise Forbidden(
                f"this token acts as {self.actor}, not as another",
                next_step="leave `by` out, or use a token of the scope admin",
                needed="admin",
                scope=self.scope,
            )


CallerOf = Callable[[Context], Caller]
