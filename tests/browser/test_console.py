"""The web console in a real browser: live, by keyboard, on a phone, and as an accessibility judge sees it."""

import json
import os
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from ledger.settings import Settings
from mcp_adapter.console import pages
from projections.application.app import App
from projections.operations.catalog import OPERATIONS
from tests.browser.conftest import NARROW, WIDE, Accessibility, Open, create
from tests.support.http_client import HttpServer, token

pytestmark = pytest.mark.processes
PAGES = [*pages.PAGES, "board?lanes=assignee", "act/create_work_item", "act/bulk_work_items"]
BROWSERS, WRITERS = 10, 8
SECONDS = float(os.environ.get("LEDGER_TEST_TOGETHER", "60"))  # in which they work together


@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_has_anything_that_an_accessibility_judge_objects_to(
    opened: Open, accessibility: Accessibility, elsewhere: App, second: Settings, scheme: str, viewport: dict[str, int]
) -> None:
    item = create(
        elsewhere,
        title="Judged",
        description="Some **words**\n\n- [x] a box\n\n|a|b|\n|-|-|\n|1|2|",
        tags=["a"],
        assignee="ann",
        due="2999-01-31",
    )
    asked = {"id": item["id"], "action": "ask", "whom": "wanda", "text": "Which?", "choices": ["this", "that"]}
    OPERATIONS["question"].perform(elsewhere, asked)
    OPERATIONS["attach"].perform(elsewhere, {"id": item["id"], "url": "https://example.org/plan"})
    milestone = create(elsewhere, title="Version 1", item_type="milestone")
    create(elsewhere, title="Part of it", milestone_id=milestone["id"], parent_id=item["id"])
    OPERATIONS["link_work_items"].perform(elsewhere, {"id": item["id"], "kind": "blocks", "to_id": milestone["id"]})
    page = opened("board", color_scheme=scheme, bypass_csp=True, viewport=viewport)
    opened.sign_in(page, token(second, "wanda", "admin")[0])
    paths = [*PAGES, f"item/{item['ref']}", f"item/{milestone['ref']}", f"item/{item['ref']}?as_of=1", "item/w-none"]

    faults = []
    for path in ("/", "/?text=judged", "/sign-in", *(f"{urlsplit(opened.base).path}/{path}" for path in paths)):
        page.goto(f"{opened.origin}{path}")
        page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
        faults += [(path, *fault) for fault in accessibility(page)]

    assert faults == []
    opened.complaints = [said for said in opened.complaints if "status of 4" not in said]  # of what is not there


@pytest.mark.parametrize("path", PAGES)
def test_no_page_is_wider_than_a_phone(opened: Open, path: str) -> None:
    page = opened(path, viewport=NARROW)

    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]


@pytest.mark.parametrize("path", [path for path in PAGES if "/" not in path])
def test_no_word_of_a_table_is_broken_on_a_phone(opened: Open, elsewhere: App, path: str) -> None:
    create(elsewhere, title="A title in several words", assignee="ann-with-a-name", tags=["documentation"])
    opened_page = opened(path, viewport=NARROW)

    broken = opened_page.evaluate(
        """() => [...document.querySelectorAll("tbody td, tbody th")].filter((cell) => {
          const range = document.createRange();
          for (const walk = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT); walk.nextNode(); )
            for (const { index, 0: word } of walk.currentNode.data.matchAll(/[^\\s-]+/g)) {
              range.setStart(walk.currentNode, index);
              range.setEnd(walk.currentNode, index + word.length);
              if (word.length < 20 && range.getClientRects().length > 1) return true;
            }
        }).map((cell) => cell.textContent.trim())"""
    )

    assert broken == []


def test_what_another_program_writes_appears_and_what_is_typed_stays(opened: Open, elsewhere: App) -> None:
    item = create(elsewhere, title="Live item")
    page = opened(f"item/{item['ref']}")
    page.locator("[name=f-text]").press_sequentially("half a sen")

    OPERATIONS["update_work_item"].perform(elsewhere, {"id": item["id"], "version": 1, "title": "Renamed elsewhere"})
    page.wait_for_selector("h1:has-text('Renamed elsewhere')", timeout=5_000)

    assert page.input_value("[name=f-text]") == "half a sen"
    assert page.evaluate("document.activeElement.name") == "f-text"


def test_what_came_of_a_form_stays_when_the_page_is_renewed(opened: Open, elsewhere: App) -> None:
    item = create(elsewhere, title="Remarked on")
    page = opened(f"item/{item['ref']}")
    page.fill("[name=f-text]", "A remark")
    page.get_by_role("button", name="Comment", exact=True).click()
    page.wait_for_selector("text=A remark")

    OPERATIONS["update_work_item"].perform(elsewhere, {"id": item["id"], "version": 1, "title": "Named since"})
    page.wait_for_selector("h1:has-text('Named since')")

    assert page.get_by_role("status").inner_text() == "Saved."


def test_a_card_is_moved_by_keyboard_alone(opened: Open, elsewhere: App) -> None:
    create(elsewhere, title="Move me by keyboard", priority=1)
    page = opened("board")
    card = page.locator("article", has_text="Move me by keyboard")

    card.locator("summary").focus()
    page.keyboard.press("Enter")
    card.locator("select").focus()
    page.keyboard.press("c")  # completed, as a select is used by its first letter
    card.locator("button").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("text=Saved.")

    assert page.locator("[data-state=completed] article", has_text="Move me by keyboard").count() == 1


def test_a_double_click_records_once(opened: Open) -> None:
    page = opened("act/create_work_item")
    page.fill("[name=f-title]", "Clicked twice")
    page.locator("[name=f-item_type]").select_option("task")

    page.locator("main button.main").dblclick()
    page.wait_for_url("**/item/**")
    page.goto(f"{opened.base}/list?text=twice")

    assert page.locator("tbody tr", has_text="Clicked twice").count() == 1


def test_everything_is_done_without_scripts(opened: Open) -> None:
    page = opened("act/create_work_item", java_script_enabled=False)
    page.fill("[name=f-title]", "Without scripts")
    page.locator("[name=f-item_type]").select_option("task")

    page.click("main button.main")
    page.fill("[name=f-text]", "A remark")
    page.click("button:has-text('Comment')")

    assert page.locator("article", has_text="A remark").count() == 1
    assert page.locator("h1", has_text="Without scripts").count() == 1


def test_two_browsers_and_a_program_on_one_item_lose_nothing_and_tell_each_other(opened: Open, elsewhere: App) -> None:
    item = create(elsewhere, title="Shared", description="As it was")
    first, second = (opened(f"item/{item['ref']}") for _ in range(2))
    for page, words in ((first, "First says"), (second, "Second says")):
        page.locator("summary", has_text="Edit").click()
        page.fill("[name=f-description]", words)

    OPERATIONS["update_work_item"].perform(elsewhere, {"id": item["id"], "version": 1, "title": "Named elsewhere"})
    first.wait_for_selector("h1:has-text('Named elsewhere')")
    first.locator("form.stack", has=first.locator("[name=f-description]")).locator("button.main").click()
    first.wait_for_selector("text=Changed meanwhile")
    kept = first.input_value("[name=f-description]")
    first.fill("[name=f-title]", "Named elsewhere")
    first.locator("main button.main").click()
    first.wait_for_selector("text=First says")
    second.locator("form.stack", has=second.locator("[name=f-description]")).locator("button.main").click()
    second.wait_for_selector("text=Changed meanwhile")

    assert kept == "First says"
    assert second.input_value("[name=f-description]") == "Second says"
    found = OPERATIONS["query_work_item"].perform(elsewhere, {"id": item["id"]})
    assert (found["title"], found["description"], found["version"]) == ("Named elsewhere", "First says", 3)
    opened.complaints = [said for said in opened.complaints if "409" not in said]


def test_keys_lead_to_the_search_and_to_a_new_item_but_not_while_something_is_typed(opened: Open) -> None:
    page = opened("board")

    page.keyboard.press("/")
    page.keyboard.type("n/n")
    typed = page.input_value(".search [name=text]")
    page.locator("main").focus()
    page.keyboard.press("n")
    page.wait_for_url("**/act/create_work_item")

    assert typed == "n/n"


def test_all_projects_are_searched_and_fit_on_a_phone(opened: Open, elsewhere: App, second: Settings) -> None:
    create(elsewhere, title="A title that is long enough to be wider than the screen of a phone would be " * 2)
    page = opened("board", viewport=NARROW)
    opened.sign_in(page, token(second, "wanda", "admin")[0])

    widths = [page.evaluate("document.documentElement.scrollWidth")]
    page.locator("[name=text]").focus()
    page.keyboard.type("wider")
    page.keyboard.press("Enter")
    page.wait_for_selector("main li")
    widths.append(page.evaluate("document.documentElement.scrollWidth"))

    assert page.get_by_role("heading", name="All projects").count() == 1
    assert max(widths) <= NARROW["width"]


def test_a_token_is_made_shown_once_and_revoked_by_the_keyboard(opened: Open) -> None:
    page = opened("settings")
    page.locator("[name=actor]").focus()
    page.keyboard.type("newcomer")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=Keep the token")

    secret = page.locator("main code").inner_text()
    page.goto(f"{opened.base}/settings")
    revoke = page.get_by_role("button", name="of newcomer")
    revoke.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("text=Revoked.")

    assert secret.startswith("tl_")
    assert revoke.count() == 0


def test_all_acts_of_an_item_are_reached_by_the_keyboard(opened: Open, elsewhere: App) -> None:
    page = opened(f"item/{create(elsewhere, title='By keyboard')['ref']}")
    page.locator("summary", has_text="Link, ask").focus()
    page.keyboard.press("Enter")

    page.locator("[name=f-url]").focus()
    page.keyboard.type("docs/plan.md")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=Saved.")

    assert page.get_by_role("heading", name="Attachments", exact=True).count() == 1


def test_ten_browsers_beside_eight_assistants_lose_nothing_and_disturb_no_one_who_types(
    opened: Open, console: HttpServer, project: Settings, elsewhere: App
) -> None:
    item = create(elsewhere, title="Worked on together")
    pages = [opened(f"item/{item['ref']}") for _ in range(BROWSERS)]
    until = time.monotonic() + SECONDS
    made: list[list[str]] = [[] for _ in range(WRITERS)]
    writers = [
        threading.Thread(
            target=write,
            args=(console, token(project, f"writer-{number}")[0], f"W{number}", lambda: time.monotonic() > until, ids),
        )
        for number, ids in enumerate(made)
    ]
    for writer in writers:
        writer.start()
    said: list[str] = []
    for number, page in enumerate(pages):
        begin_to_type(page, number)
    while time.monotonic() < until:
        for number, page in enumerate(pages):
            assert being_typed(page) == (f"Being typed by {number}", 5)
            comment(page, f"Browser {number} says {len(said)}")
            said.append(f"Browser {number} says {len(said)}")
            begin_to_type(page, number)
    for writer in writers:
        writer.join()

    OPERATIONS["update_work_item"].perform(elsewhere, {"id": item["id"], "version": item["version"], "title": "Done"})
    for page in pages:
        page.wait_for_selector("h1:has-text('Done')")
        assert {text for text in said if page.get_by_text(text, exact=True).count() != 1} == set()

    [found] = OPERATIONS["list_work_items"].perform(elsewhere, {"text": "done", "fields": ["comment_count"]})["items"]
    assert found["comment_count"] == len(said)
    ids = [id for each in made for id in each]
    total = OPERATIONS["list_work_items"].perform(elsewhere, {"text": "wrote", "limit": 1})["total_count"]
    assert (len(set(ids)), total) == (len(ids), len(ids))
    assert all(made)
    assert [line for line in answers(console) if line["status"] >= 500] == []


def write(server: HttpServer, secret: str, name: str, is_over: Callable[[], bool], made: list[str]) -> None:
    while not is_over():
        title = f"{name} wrote {len(made)}"
        made.append(server.call(secret, "create_work_item", item_type="task", title=title)["id"])


def begin_to_type(page: Any, number: int) -> None:
    """Leaves the cursor inside a reason that is not sent."""
    page.fill(".acts [name=f-reason]", f"Being typed by {number}")
    page.locator(".acts [name=f-reason]").evaluate("field => field.setSelectionRange(5, 5)")


def being_typed(page: Any) -> tuple[str, int]:
    """What stands in the field that has the focus, and where in it the cursor is."""
    value, cursor = page.evaluate("[document.activeElement.value, document.activeElement.selectionStart]")
    return value, cursor


def comment(page: Any, text: str) -> None:
    page.fill("[name=f-text]", text)
    page.get_by_role("button", name="Comment", exact=True).click()
    page.locator("article.comment", has_text=text).wait_for()


def answers(server: HttpServer) -> list[dict[str, Any]]:
    """What the server's log says of each request."""
    lines = [json.loads(line) for line in server.log.read_text().splitlines() if line.startswith("{")]
    return [line for line in lines if line["kind"] == "http"]
