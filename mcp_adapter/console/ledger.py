"""One operation for a page: run in a worker thread, as the browser's principal, with its scope checked."""

from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import quote

from mcp_adapter.callers.caller import Caller
from projections.application.view import LedgerView
from projections.fallback import router
from projections.operations.catalog import OPERATIONS
from projections.questions.answers import Answered

Result = TypeVar("Result")
LOG = "changes_since"  # what it answers is of any time


class Ledger:
    """What a page asks of one ledger, for one caller, now or as of an earlier point."""

    def __init__(self, caller: Caller, as_of: str | None = None, then: LedgerView | None = None) -> None:
        self.caller = caller
        self._then = then
        self.as_of = as_of
        self.may_write = caller.scope != "read" and as_of is None
        self.is_admin = caller.scope == "admin" and as_of is None
        # where no tokens are needed, none can be made from another machine
        self.may_make_tokens = self.is_admin and caller.actor is not None
        self.segment = str(caller.app.identity.ledger)
        self.name = caller.app.identity.name

    @property
    def base(self) -> str:
        return f"/l/{self.segment}"

    @property
    def actor(self) -> str:
        return self.caller.app.actor(self.caller.actor)

    @property
    def position(self) -> int | None:
        """The position of the earlier point, once that is known."""
        return self._then.as_of if self._then else None

    @property
    def kept(self) -> str:
        """The query that makes an address lead to the same point."""
        return f"?as_of={quote(self.as_of, safe='')}" if self.as_of else ""

    def answering(self, make: Callable[["Ledger"], Result]) -> Result:
        """What `make` makes of the ledger's answers; for an earlier point all come from the same tables."""
        as_of = self.as_of
        if as_of is None:
            return make(self)

        def made(view: LedgerView) -> Result:
            with view.earlier(as_of) as then:
                return make(Ledger(self.caller, as_of, then))

        return router.run_on_first_source(self.caller.seen(), made)[1]

    def ask(self, name: str, /, **arguments: Any) -> Answered:
        """Raises what the operation raises, and Forbidden. Call it in a worker thread."""
        operation = OPERATIONS[name]
        then = self._then if name != LOG else None
        if then is not None and "as_of" in operation.input.model_fields:
            arguments["as_of"] = then.as_of  # it may also look into the log, which goes on
        self.caller.check(operation, arguments)
        if operation.writes and self.caller.actor is not None:
            arguments["by"] = self.caller.actor
        return operation.perform(then or self.caller.seen(), arguments)

    def everything(self, name: str, most: int, /, **arguments: Any) -> Answered:
        """The items of a paged answer up to `most`, with what else its first page said."""
        first = self.ask(name, **arguments)
        page, items = first, list(first["items"])
        while page.get("next_cursor") and len(items) < most:
            page = self.ask(name, **arguments, cursor=page["next_cursor"])
            items += page["items"]
        return first | {"items": items[:most], "has_more": bool(page.get("next_cursor")) or len(items) > most}
