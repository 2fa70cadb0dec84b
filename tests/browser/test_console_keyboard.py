"""Every form of the console by the keyboard alone: each page is walked with Tab, each button is pressed with Enter.

The pages are those of the console's addresses, so a new page, form or operation is walked as well. What Enter sends is
noted and not sent, so one walk sees every form of a page.
"""

from contextlib import closing
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import pytest
from msgspec.structs import replace
from starlette.routing import Route

from ledger.settings import Settings
from mcp_adapter.console import pages
from mcp_adapter.console.routes import Console
from projections.application.app import App
from projections.operations.catalog import OPERATIONS
from tests.browser.conftest import Open, create

pytestmark = pytest.mark.processes
MOST_STOPS = 500
NOT_PAGES = ("/enter", "/favicon.ico", "/static/{name:path}", "/l/{ledger}/events")
BEGIN = """() => {
  window.sent = [];
  for (const form of document.forms) form.noValidate = true;
  window.addEventListener("submit", (event) => {
    event.preventDefault();
    window.sent.push(event.target.outerHTML);
  }, true);
}"""
STEP = """() => {
  const now = document.activeElement;
  if (!now || now === document.body || now === window.first) return null;
  window.first = window.first || now;
  const style = getComputedStyle(now), isNew = !now.hasAttribute("data-walked");
  now.setAttribute("data-walked", "");
  return { tag: now.tagName, isNew, isOpen: now.parentElement.open === true, is: now.outerHTML.slice(0, 120),
           isSeen: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0 };
}"""
LEFT = """() => [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary")]
  .filter((each) => !each.hasAttribute("data-walked")).map((each) => each.outerHTML.slice(0, 120))"""
FORMS = """() => [...document.forms].map((form) => [form.method, new URL(form.action).pathname,
                                                  [...form.querySelectorAll("button")].length])"""


@pytest.fixture
def everything(elsewhere: App, project: Settings, tmp_path: Path) -> list[str]:
    """The pages of a ledger in which each of their forms has something to be about."""

    def did(operation: str, **arguments: Any) -> dict[str, Any]:
        return OPERATIONS[operation].perform(elsewhere, arguments)

    item = create(elsewhere, title="Walked", description="Words\n\n- [ ] to tick", assignee="wanda", due="2999-01-31")
    did("question", id=item["id"], action="ask", whom="wanda", text="Which?", choices=["this", "that"])
    did("claim_work_item", action="claim", id=create(elsewhere, title="Held")["id"])
    did("create_vendor", name="Acme")
    did("webhook", action="add", name="ci", url="https://ci.example.org/hook")
    with closing(App(replace(project, home=tmp_path / "home"))) as other:
        queued = {"id": item["id"], "version": 2, "title": "Queued"}
        OPERATIONS["update_work_item"].perform(elsewhere.on_layer(elsewhere.runtime.journal()), queued)
        OPERATIONS["update_work_item"].perform(other, queued | {"title": "First"})
    assert did("sync_state")["items"], "a conflict was to be made"
    return [*pages.PAGES, f"item/{item['ref']}", *(f"act/{name}" for name, _ in pages.acts())]


def walk(page: Any) -> tuple[list[str], list[str]]:
    """What was wrong on the way through a page, and the paths of the forms that were sent."""
    faults: list[str] = []
    page.evaluate(BEGIN)
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        at = page.evaluate(STEP)
        if at is None:
            break
        if not at["isSeen"]:
            faults.append(f"not to be seen that it is focused: {at['is']}")
        if at["isNew"] and (at["tag"] == "BUTTON" or (at["tag"] == "SUMMARY" and not at["isOpen"])):
            page.keyboard.press("Enter")
    faults += [f"not reached with Tab: {each}" for each in page.evaluate(LEFT)]
    sent = page.evaluate("() => window.sent.length")
    buttons = sum(count for _, _, count in page.evaluate(FORMS))
    if sent != buttons:
        faults.append(f"{buttons} buttons, and {sent} of them sent their form by Enter")
    return faults, [path for method, path, _ in page.evaluate(FORMS) if method == "post"]


def test_every_form_of_every_page_is_sent_by_the_keyboard_alone(opened: Open, everything: list[str]) -> None:
    page = opened("board")
    base = urlsplit(opened.base).path
    faults: dict[str, list[str]] = {}
    walked, forms = set[str](), set[str]()

    for path in ("/", "/sign-in", *(f"{base}/{path}" for path in everything)):
        page.goto(f"{opened.origin}{path}")
        found, sent = walk(page)
        faults |= {path: found} if found else {}
        walked.add(urlsplit(page.url).path)
        forms |= set(sent)

    assert faults == {}, faults
    routes = Console({}, cast(Any, None), cast(Any, None), list).routes()  # asked for its addresses only
    for route in (route for route in routes if isinstance(route, Route) and route.path not in NOT_PAGES):
        if "GET" in (route.methods or ()):
            assert any(route.path_regex.match(path) for path in walked | {"/", base}), f"{route.path} was not walked"
        if "POST" in (route.methods or ()):
            assert any(route.path_regex.match(path) for path in forms), f"no form leads to {route.path}"
    assert {name for name, _ in pages.acts()} <= {path.rpartition("/act/")[2] for path in forms}
