"""The console's pages on paper: nothing is cut off, no control is printed, and every text is there."""

from typing import Any

import pytest

from projections.application.app import App
from projections.operations.catalog import OPERATIONS
from tests.browser.conftest import Open, create
from tests.support.printed import printed

pytestmark = pytest.mark.processes

LONG = "a-word-without-any-space-" * 12


@pytest.fixture
def item(elsewhere: App) -> dict[str, Any]:
    """One with boxes to tick, a wide table, long code, a link, and a chain of items before it."""
    text = (
        "Read [the plan](https://example.org/plan).\n\n- [ ] print it\n- [x] read it\n\n"
        f"| {' | '.join(f'heading {n}' for n in range(12))} |\n|{'-|' * 12}\n| {' | '.join(['value'] * 12)} |\n\n"
        f"```\n{LONG}\n```\n"
    )
    item = create(elsewhere, title=f"On paper {LONG}"[:200], description=text, tags=["t" * 40], assignee="ann " * 12)
    OPERATIONS["comment"].perform(elsewhere, {"id": item["id"], "action": "add", "text": "Said of it."})
    after = item
    for number in range(4):
        before = create(elsewhere, title=f"Before {number}")
        link = {"id": before["id"], "kind": "blocks", "to_id": after["id"]}
        OPERATIONS["link_work_items"].perform(elsewhere, link)
        after = before
    return item


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_loses_anything_on_paper(opened: Open, item: dict[str, Any], scheme: str) -> None:
    page = opened("board", color_scheme=scheme)

    faults = {}
    for path in ("board", "list", "graph", "log", "vendors", "needs-me", "report", f"item/{item['ref']}"):
        page.goto(f"{opened.base}/{path}")
        faults[path] = printed(page)

    assert {path: found for path, found in faults.items() if found} == {}


def test_a_description_with_boxes_is_printed_and_a_link_says_where_it_leads(opened: Open, item: dict[str, Any]) -> None:
    page = opened(f"item/{item['ref']}")

    printed(page)

    link = page.get_by_role("link", name="the plan")
    assert page.get_by_text("print it", exact=True).is_visible()
    assert "https://example.org/plan" in link.evaluate("e => getComputedStyle(e, '::after').content")
