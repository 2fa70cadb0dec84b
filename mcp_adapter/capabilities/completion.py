"""Completion: what a person may mean who has begun to type a reference, a vendor's name or a position."""

from typing import Any

import anyio.to_thread
import mcp.types as wire

from ledger.errors import LedgerError
from mcp_adapter.callers.caller import Caller, CallerOf, Context
from projections.application.app import App
from projections.operations.catalog import OPERATIONS
from projections.read_models import search_terms

MOST = 100  # values that the protocol lets an answer hold


def completer(caller_of: CallerOf) -> Any:
    """The handler of completion/complete, for the arguments of templates and of prompts, which have the same names."""

    async def complete(context: Context, params: wire.CompleteRequestParams) -> wire.CompleteResult:
        caller, begun = caller_of(context), params.argument.value.strip()
        values = await anyio.to_thread.run_sync(_values, caller, params.argument.name, begun)
        shown = wire.Completion(values=values[:MOST], total=len(values), has_more=len(values) > MOST)
        return wire.CompleteResult(completion=shown)

    return complete


def _values(caller: Caller, argument: str, begun: str) -> list[str]:
    try:
        app = caller.seen()
        match argument:
            case "ref" | "item":
                return _items(app, begun)
            case "name":
                return _vendors(app, begun)
            case "position" | "since":
                return _positions(app, begun)
            case _:
                return []
    except LedgerError:  # a suggestion that cannot be made is none
        return []


def _items(app: App, begun: str) -> list[str]:
    """References that begin so, else of the items that a search for the words finds."""
    searched = begun and not begun.lower().startswith("w-") and search_terms.wanted(begun)
    page = OPERATIONS["list_work_items"].perform(app, {"limit": MOST, **({"text": begun} if searched else {})})
    refs = [item["ref"] for item in page["items"]]
    return refs if searched else [ref for ref in refs if ref.startswith(begun.lower())]


def _vendors(app: App, begun: str) -> list[str]:
    page = OPERATIONS["query_vendor_status"].perform(app, {"limit": MOST})
    return [vendor["name"] for vendor in page["items"] if vendor["name"].casefold().startswith(begun.casefold())]


def _positions(app: App, begun: str) -> list[str]:
    head = str(OPERATIONS["prime"].perform(app, {})["position"])
    return [head] if head.startswith(begun) else []
