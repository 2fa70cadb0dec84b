"""Who calls, in which ledger, and what they may do. Over stdio: everything, with the rights of the process."""

from collections.abc import Callable
from typing import Any

from mcp.server import ServerRequestContext
from msgspec import Struct

from ledger.envelope import Scope
from ledger.errors import Forbidden
from projections.application.app import App
from projections.operations.base import Asks, Operation, Writes

Arguments = dict[str, Any]
Context = ServerRequestContext[Any]

SCOPES: tuple[Scope, ...] = ("read", "write", "admin")  # each holds those before it
BY_LENGTH = 100


class Caller(Struct, frozen=True):
    """`actor` None: whom the call, the settings or the greeting name; `holder`: whose claims are one's own."""

    app: App
    actor: str | None = None
    scope: Scope = "admin"
    holder: str | None = None

    def seen(self) -> App:
        """The ledger as this caller sees it; may open the database, so it is asked in a worker thread."""
        return self.app if self.holder is None else self.app.for_principal(self.holder, self.actor, self.scope)

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

    def signed(self, operation: Operation, arguments: Arguments, client: str | None = None) -> Arguments:
        """A call without `by` is signed with the token's name, else what the settings say, else the client's name."""
        if not issubclass(operation.input, (Writes, Asks)) or arguments.get("by") is not None:
            return arguments
        if self.actor is not None:
            return {**arguments, "by": self.actor}
        if self.app.settings.by or client is None:
            return arguments
        name = "".join(letter for letter in client if letter.isprintable()).strip()[:BY_LENGTH]
        return {**arguments, "by": name or None}


CallerOf = Callable[[Context], Caller]
