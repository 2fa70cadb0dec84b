"""The pages inside the chat as a host shows them: an iframe without an origin, spoken to by messages."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from mcp_adapter.capabilities.views import VIEWS, contents

HOST = """<!doctype html><title>host</title>
<iframe id="frame" sandbox="allow-scripts" width="900" height="600"></iframe>
<script>
window.said = [];
addEventListener("message", ({ source, data }) => {
  said.push(data);
  if (data.method === "ui/initialize") {
    const hostContext = { theme: "dark" };
    source.postMessage({ jsonrpc: "2.0", id: data.id, result: { protocolVersion: "2026-01-26", hostContext } }, "*");
  }
});
</script>"""
EVIL = "<img src=x onerror=\"parent.postMessage({jsonrpc:'2.0',method:'evil'},'*')\">"
ITEMS = [
    {"ref": "w-1", "title": EVIL, "status": "active", "priority": 1, "tags": [EVIL]},
    {"ref": "w-2", "title": "شُحن الطلب", "status": "waiting for legal", "priority": 3, "waits_for": "ann"},
]


@pytest.fixture(scope="module")
def page(browser: Any) -> Iterator[Any]:
    with browser.new_context() as context:
        yield context.new_page()


def shown(page: Any, name: str, result: dict[str, Any]) -> Any:
    (view,) = [view for view in VIEWS if view.name == name]
    found = contents(view.address)
    assert found is not None
    page.set_content(HOST)
    page.evaluate("html => { document.getElementById('frame').srcdoc = html }", found.text)
    page.wait_for_function("said.some(message => message.method === 'ui/notifications/initialized')")
    message = json.dumps({"jsonrpc": "2.0", "method": "ui/notifications/tool-result", "params": result})
    page.evaluate("text => document.getElementById('frame').contentWindow.postMessage(JSON.parse(text), '*')", message)
    frame = page.frame_locator("#frame")
    frame.locator("h1").wait_for()
    return frame


def test_the_board_shows_every_item_in_the_column_of_its_state(page: Any) -> None:
    frame = shown(page, "board", {"structuredContent": {"items": ITEMS, "total_count": 7}})

    assert frame.locator("h2").all_inner_texts() == ["active (1)", "waiting for legal (1)"]
    assert EVIL in frame.locator("li").first.inner_text()
    assert "waits for ann" in frame.locator("li").nth(1).inner_text()
    assert "the first 2 of 7" in frame.locator("main").inner_text()
    assert frame.locator("html").get_attribute("data-theme") == "dark"
    assert frame.locator("img").count() == 0
    assert not page.evaluate("said.some(message => message.method === 'evil')")
    page.wait_for_function("said.some(message => message.method === 'ui/notifications/size-changed')")


def test_the_report_shows_each_part_that_has_something_in_it(page: Any) -> None:
    answer = {"project": EVIL, "ready": {"items": [{"ref": "w-1", "title": EVIL}], "total_count": 1}, "overdue": []}

    frame = shown(page, "report", {"structuredContent": answer})

    assert frame.locator("h1").inner_text() == EVIL
    assert frame.locator("h2").all_inner_texts() == ["Ready to start"]
    assert EVIL in frame.locator("td").all_inner_texts()


def test_a_refusal_is_shown_with_its_way_out(page: Any) -> None:
    error = {"code": "no_ledger", "message": "there is no ledger", "next_step": "call create_ledger"}

    frame = shown(page, "board", {"isError": True, "structuredContent": {"error": error}})

    assert "there is no ledger" in frame.locator("main").inner_text()
    assert "call create_ledger" in frame.locator("main").inner_text()
