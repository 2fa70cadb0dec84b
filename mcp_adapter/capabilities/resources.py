"""Resources: what a person pins to a conversation. Each is read by the operation that a tool call would run."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

import anyio.to_thread
import mcp.types as wire
from mcp import MCPError
from msgspec import Struct

from ledger.errors import LedgerError
from mcp_adapter.callers.caller import Caller, CallerOf, Context
from mcp_adapter.capabilities import views
from mcp_adapter.capabilities.answers import fitted
from mcp_adapter.capabilities.tools import one_page
from projections.application.app import App
from projections.operations.catalog import OPERATIONS
from projections.questions.answers import Answered

MARKDOWN, JSON = "text/markdown", "application/json"
EVERYTHING = ["ancestors", "descendants", "dependencies", "deployments"]


class ResourceKind(Struct, frozen=True):
    """One kind of resource: its address, with at most one name in braces, and how to read it."""

    address: str
    name: str
    title: str
    sentence: str
    media: str
    read: Callable[[App, str], Answered | str]

    @property
    def variable(self) -> str | None:
        found = re.search(r"\{(\w+)\}", self.address)
        return found[1] if found else None

    def name_in(self, uri: str) -> str | None:
        """The name that an address of this kind holds, empty if there is none in it; None for another address."""
        before, _, after = self.address.partition(f"{{{self.variable}}}")
        if self.variable is None:
            return "" if uri == self.address else None
        name = uri.removeprefix(before)
        return unquote(name) if uri.startswith(before) and not after and name and "/" not in name else None


def _report(app: App, _: str) -> str:
    return str(_perform(app, "project_status", {"format": "markdown"})["markdown"])


def _prime(app: App, _: str) -> str:
    return str(_perform(app, "prime", {})["text"])


def _item(app: App, name: str) -> Answered:
    return _perform(app, "query_work_item", {"id": name, "include": EVERYTHING})


def _vendor(app: App, name: str) -> Answered:
    return _perform(app, "query_vendor_status", {"id": name})


def _recorded(app: App, name: str) -> Answered:
    if not re.fullmatch(r"[1-9][0-9]{0,17}", name):
        raise ValueError("a position is a number from 1 on")
    page = _perform(app, "changes_since", {"since": str(int(name) - 1), "limit": 1})
    found = [item for item in page["items"] if item["position"] == int(name)]
    if not found:
        raise ValueError(f"there is no position {name} yet")
    return dict(found[0])


RESOURCE_KINDS = (
    ResourceKind(
        "ledger://status", "status", "Status report", "Vendors, work, deployments and plans.", MARKDOWN, _report
    ),
    ResourceKind("ledger://prime", "prime", "Start here", "How to work here, and what is going on.", MARKDOWN, _prime),
    ResourceKind(
        "ledger://items/{ref}", "item", "Work item", "An item with what is above, below and around it.", JSON, _item
    ),
    ResourceKind("ledger://vendors/{name}", "vendor", "Vendor", "A vendor, by name, reference or id.", JSON, _vendor),
    ResourceKind(
        "ledger://log/{position}", "log", "Event", "What was recorded at a position of the log.", JSON, _recorded
    ),
)


async def list_resources(context: Context, params: wire.PaginatedRequestParams | None) -> wire.ListResourcesResult:
    one_page("resources", params)
    listed = [wire.Resource(uri=kind.address, **_described(kind)) for kind in RESOURCE_KINDS if kind.variable is None]
    return wire.ListResourcesResult(resources=listed + views.resources(context))


async def list_templates(_: Context, params: wire.PaginatedRequestParams | None) -> wire.ListResourceTemplatesResult:
    one_page("resource templates", params)
    kinds = [kind for kind in RESOURCE_KINDS if kind.variable is not None]
    listed = [wire.ResourceTemplate(uri_template=kind.address, **_described(kind)) for kind in kinds]
    return wire.ListResourceTemplatesResult(resource_templates=listed)


def _described(kind: ResourceKind) -> dict[str, Any]:
    return {
        "name": kind.name,
        "title": kind.title,
        "description": kind.sentence,
        "mime_type": kind.media,
        "annotations": wire.Annotations(audience=["user", "assistant"]),
    }


def reader(caller_of: CallerOf) -> Callable[[Context, wire.ReadResourceRequestParams], Any]:
    """The handler of resources/read."""

    async def read(context: Context, params: wire.ReadResourceRequestParams) -> wire.ReadResourceResult:
        content = views.contents(params.uri)
        if content is None:
            content = await anyio.to_thread.run_sync(_contents, caller_of(context), params.uri)
        return wire.ReadResourceResult(contents=[content])

    return read


def _contents(caller: Caller, uri: str) -> wire.TextResourceContents:
    return contents(caller.seen(), uri)


def contents(app: App, uri: str) -> wire.TextResourceContents:
    """What stands at an address. Raises MCPError for an address of nothing, and for what cannot be read now."""
    for kind in RESOURCE_KINDS:
        name = kind.name_in(uri)
        if name is not None:
            text = _text(kind, app, uri, name)
            return wire.TextResourceContents(uri=uri, mime_type=kind.media, text=text)
    raise nothing_at(uri, "no resource has this address")


def nothing_at(uri: str, why: str) -> MCPError:
    return MCPError(wire.INVALID_PARAMS, f"Resource not found: {why}", {"uri": uri[:500]})


def _text(kind: ResourceKind, app: App, uri: str, name: str) -> str:
    try:
        found = kind.read(app, name)
    except LedgerError as error:
        answer = error.as_answer()["error"]
        if error.number < 500:
            raise nothing_at(uri, error.message) from error
        raise MCPError(wire.INTERNAL_ERROR, error.message, {"uri": uri[:500], **answer}) from error
    except ValueError as error:
        raise nothing_at(uri, str(error)) from error
    if isinstance(found, str):
        return found
    return json.dumps(fitted(found), ensure_ascii=False, separators=(",", ":"))


def _perform(app: App, operation: str, arguments: Mapping[str, Any]) -> Answered:
    return OPERATIONS[operation].perform(app, dict(arguments))
