"""Pages inside the chat (the extension MCP Apps): the board and the report, for clients that show such pages.

A page is one self-contained file that only reads: it shows the answer of the tool that it belongs to, which its host
hands it, and requests nothing. Other clients hear nothing of it.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

import mcp.types as wire
from mcp.server.apps import APP_MIME_TYPE, EXTENSION_ID, client_supports_apps
from msgspec import Struct

from ledger.resources import folder
from mcp_adapter.callers.caller import Context

EXTENSIONS: Mapping[str, dict[str, Any]] = {EXTENSION_ID: {}}
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
<main id="view" aria-live="polite"></main>
<script>
{script}</script>
</body>
</html>
"""


class View(Struct, frozen=True):
    """One page, and the tools whose answers it shows. Its script is `templates/views/<name>.js`."""

    name: str
    title: str
    sentence: str
    tools: tuple[str, ...]

    @property
    def address(self) -> str:
        return f"ui://ledger/{self.name}"


VIEWS = (
    View("board", "Board", "Work items in a column for each state.", ("list_work_items", "ready_work")),
    View("report", "Status report", "Vendors, work, deployments and plans.", ("project_status",)),
)
_OF_TOOL = {tool: view for view in VIEWS for tool in view.tools}


def with_view(tool: wire.Tool, context: Context) -> wire.Tool:
    """The tool, with the address of its page for a client that shows pages."""
    view = _OF_TOOL.get(tool.name)
    if view is None or not client_supports_apps(context):
        return tool
    return tool.model_copy(update={"meta": {"ui": {"resourceUri": view.address}}})


def resources(context: Context) -> list[wire.Resource]:
    """The pages, for a client that shows them."""
    if not client_supports_apps(context):
        return []
    return [
        wire.Resource(
            uri=view.address, name=view.name, title=view.title, description=view.sentence, mime_type=APP_MIME_TYPE
        )
        for view in VIEWS
    ]


def contents(uri: str) -> wire.TextResourceContents | None:
    """The page at an address; None for the address of something else."""
    for view in VIEWS:
        if uri == view.address:
            meta = {"ui": {"prefersBorder": True}}
            return wire.TextResourceContents(uri=uri, mime_type=APP_MIME_TYPE, text=_page(view), _meta=meta)
    return None


@cache
def _page(view: View) -> str:
    """Made of files of ours alone: no text of a ledger is in it."""
    files = folder("templates") / "views"
    style, host, own = ((files / name).read_text("utf-8") for name in ("views.css", "host.js", f"{view.name}.js"))
    return PAGE.format(title=view.title, style=style, script=host + own)
