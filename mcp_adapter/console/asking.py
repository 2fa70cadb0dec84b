"""One operation for a page: run in a worker thread, as the browser's principal, with its scope checked."""

from typing import Any

from mcp_adapter.callers.caller import Caller
from projections.operations.catalog import OPERATIONS

Answer = dict[str, Any]
OF_ANY_TIME = frozenset({"get_project_configuration", "changes_since"})  # states keep their names; the log its order


class Ledger:
    """What a page asks of one ledger, for one caller, now or as of an earlier point."""

    def __init__(self, caller: Caller, as_of: str | None = None) -> None:
        self.caller = caller
        self.as_of = as_of
        self.may_write = caller.scope != "read" and as_of is None
        self.is_admin = caller.scope == "admin" and as_of is None
        self.may_make_tokens = (
            self.is_admin and caller.actor is not None
        )  # where none are needed, none is made from afar
        self.segment = str(caller.app.identity.ledger)
        self.name = caller.app.identity.name

    @property
    def base(self) -> str:
        return f"/l/{self.segment}"

    @property
    def actor(self) -> str:
        return self.caller.app.actor(self.caller.actor)

    def ask(self, name: str, /, **arguments: Any) -> Answer:
        """Raises what the operation raises, and Forbidden. Call it in a worker thread."""
        operation = OPERATIONS[name]
        if self.as_of is not None and name not in OF_ANY_TIME:
            arguments["as_of"] = self.as_of  # an operation that cannot tell of then refuses it
        self.caller.check(operation, arguments)
        if operation.writes and self.caller.actor is not None:
            arguments["by"] = self.caller.actor
        return operation.perform(self.caller.seen(), arguments)

    def everything(self, name: str, most: int, /, **arguments: Any) -> Answer:
        """The items of a paged answer up to `most`, with what else its first page said."""
        first = self.ask(name, **arguments)
        page, items = first, list(first["items"])
        while page.get("next_cursor") and len(items) < most:
            page = self.ask(name, **arguments, cursor=page["next_cursor"])
            items += page["items"]
        return first | {"items": items[:most], "has_more": bool(page.get("next_cursor")) or len(items) > most}
