"""Pages inside the chat: who is offered them, and what they are made of."""

import re
from typing import Any

import pytest

from ledger.settings import Settings
from mcp_adapter.capabilities.registry import tool
from mcp_adapter.capabilities.views import VIEWS
from projections.operations.catalog import OPERATIONS
from tests.support.long_cases import long_cases
from tests.support.mcp_client import HANDSHAKES, STATELESS, served

EXTENSION = "io.modelcontextprotocol/ui"
MEDIA = "text/html;profile=mcp-app"
SHOWS: dict[str, Any] = {"extensions": {EXTENSION: {"mimeTypes": [MEDIA]}}}


@long_cases("revision", [HANDSHAKES[-1], STATELESS])
def test_a_client_that_shows_pages_is_offered_them(settings: Settings, revision: str) -> None:
    with served(settings, revision=revision, capabilities=SHOWS) as client:
        tools = {listed["name"]: listed for listed in client.tools()}
        resources = {listed["uri"]: listed for listed in client.request("resources/list", {})["resources"]}
        pages = {view: client.request("resources/read", {"uri": view.address})["contents"][0] for view in VIEWS}

    if revision == STATELESS:  # the handshake's capabilities have no place for extensions
        assert EXTENSION in client.greeting["capabilities"]["extensions"]
    for view in VIEWS:
        assert resources[view.address]["mimeType"] == pages[view]["mimeType"] == MEDIA
        for name in view.tools:
            assert tools[name].pop("_meta") == {"ui": {"resourceUri": view.address}}
            assert tools[name] == tool(OPERATIONS[name]).model_dump(by_alias=True, exclude_none=True)


@pytest.mark.parametrize("capabilities", [{}, {"extensions": {EXTENSION: {"mimeTypes": ["text/plain"]}}}])
def test_all_others_see_nothing_of_them(settings: Settings, capabilities: dict[str, Any]) -> None:
    with served(settings, capabilities=capabilities) as client:
        assert not [listed["name"] for listed in client.tools() if "_meta" in listed]
        assert not [
            listed["uri"]
            for listed in client.request("resources/list", {})["resources"]
            if listed["uri"].startswith("ui:")
        ]


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_a_page_needs_nothing_from_anywhere_and_reads_no_text_as_markup(settings: Settings, view: Any) -> None:
    with served(settings) as client:
        (page,) = client.request("resources/read", {"uri": view.address})["contents"]

    html = page["text"]
    assert not re.search(r"https?:|\bsrc\s*=|\bhref\s*=|@import|url\(", html)
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|Function\(", html)
    assert not re.search(r"\bfetch\(|XMLHttpRequest|WebSocket|EventSource", html)
    assert len(html) < 12_000
