"""The HTML page as a person meets it: a real browser draws it, filters it, and is driven by the keyboard.

`.ci/extra` installs the browser; where there is none these tests are skipped. `LEDGER_TEST_SCREENSHOTS` names a folder
that gets a picture of the page in light and dark, wide and narrow.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from projections.application.app import App
from projections.maintenance.current_report import document_in
from projections.reports.html_page import page as page_of
from tests.browser.conftest import Accessibility
from tests.conftest import Perform
from tests.support.printed import printed

pytestmark = pytest.mark.usefixtures("catalogue")

HOSTILE = "</script><img src=x onerror=document.title='hacked'><!-- \u202e"
WIDE, NARROW = {"width": 1200, "height": 900}, {"width": 390, "height": 844}
Open = Callable[..., Any]


@pytest.fixture
def opened(app: App, browser: Any, tmp_path: Path) -> Iterator[Open]:
    """opened("#kind=task", color_scheme="dark") -> the page; whatever it asks of a network or complains about fails."""
    complaints: list[str] = []
    contexts: list[Any] = []

    def open_page(view: str = "", **how: Any) -> Any:
        file = tmp_path / "status.html"
        with app.tables.snapshot() as snapshot:
            file.write_text(page_of(snapshot, app.store, document_in(app.live_view(), snapshot)), encoding="utf-8")
        context = browser.new_context(**{"viewport": WIDE, **how})
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: request.url.split("#")[0] == file.as_uri() or complaints.append(request.url))
        page.goto(file.as_uri() + view)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def catalogue(perform: Perform) -> None:
    """A project with a part that is done, one that is blocked, vendors with test runs, and deployments."""
    project = perform("create_work_item", item_type="project", title="Catalogue", description="d", priority=1)
    session = perform(
        "create_work_item",
        item_type="task",
        title="Parsers",
        parent_id=project["id"],
        tags=["parser", "two words"],
        assignee="ann lee",
        priority=2,
        description="Read every price list.",
    )
    done = perform("create_work_item", item_type="task", title="Read the first file", parent_id=session["id"])
    perform("update_work_item", id=done["id"], version=1, status="completed")
    blocked = perform("create_work_item", item_type="research", title=f"Scans {HOSTILE}", tags=["ocr"])
    perform("update_work_item", id=blocked["id"], version=1, status="blocked", reason="no scans yet")
    for n in range(80):
        perform("create_work_item", item_type="task", title=f"Row {n}", priority=5)
    for name, status in (("Acme", "operational"), ("Globex", "broken"), ("Umbra", "broken")):
        vendor = perform("create_vendor", name=name, status=status)
        for n in range(1, 13):
            results = {"passing": 12 - n % 4 * (status == "broken"), "total": 12, "skipped": 0}
            perform("update_vendor_status", id=vendor["id"], version=n, test_results=results)
    for n in range(24):
        perform(
            "record_deployment",
            deployed_at=f"2026-{1 + n // 3:02}-{1 + n % 3 * 9:02}T08:30:00Z",
            commit_hash=f"{n + 1:040x}",
            pr_number=n + 1,
            pr_title=f"Change {n}",
            test_summary={"passed": 45, "failed": int(n % 7 == 3)},
            constitutional_compliance=n % 5 != 4,
            environment="production" if n % 2 else "staging",
        )
    perform(
        "record_enhancement", title="Prices during the day", description="As they change.", priority=2, principles=[]
    )


def visible(page: Any) -> list[str]:
    titles = page.locator("#tree .title").all()
    return [title.inner_text() for title in titles if title.is_visible()]


def wait_for(page: Any, count: str) -> None:
    expect: Any = pytest.importorskip("playwright.sync_api").expect
    expect(page.locator("[data-filters=tree] output")).to_have_text(count)


def test_hostile_texts_do_nothing(opened: Open) -> None:
    page = opened()

    assert page.title().startswith("Status of ")
    assert page.locator("img").count() == 0
    assert page.get_by_text("</script><img src=x").first.is_visible()


def test_what_is_finished_is_hidden_until_it_is_asked_for(opened: Open) -> None:
    page = opened()

    page.get_by_role("button", name="Open all").click()
    before = visible(page)
    page.get_by_label("Status").first.select_option("completed")
    wait_for(page, "1 of 84")

    assert "Read the first file" not in before
    assert visible(page) == ["Catalogue", "Parsers", "Read the first file"]


def test_a_search_shows_what_it_finds_below_what_it_is_part_of(opened: Open) -> None:
    page = opened()

    page.get_by_label("Search").first.fill("pars")
    wait_for(page, "1 of 84")

    assert visible(page) == ["Catalogue", "Parsers"]
    page.get_by_label("Search").first.press("Escape")
    wait_for(page, "83 of 84")


def test_a_tag_of_two_words_can_be_chosen(opened: Open) -> None:
    page = opened()

    page.get_by_label("Tag").select_option("two words")
    wait_for(page, "1 of 84")

    assert visible(page) == ["Catalogue", "Parsers"]


def test_the_view_is_in_the_address_and_an_address_is_a_view(opened: Open) -> None:
    page = opened()
    page.get_by_label("Assignee").select_option(label="ann lee (1)")
    page.get_by_label("Priority").select_option("2")
    page.wait_for_url("**priority=2*")  # the count is the same before
    address = page.evaluate("location.hash")

    sent = opened(address)
    wait_for(sent, "1 of 84")

    assert visible(page) == visible(sent) == ["Catalogue", "Parsers"]
    assert sent.get_by_label("Priority").input_value() == "2"
    page.get_by_role("button", name="Clear").first.click()
    wait_for(page, "83 of 84")
    assert page.evaluate("location.hash") == ""


def test_an_item_opens_and_has_an_address_of_its_own(opened: Open) -> None:
    page = opened()
    page.get_by_label("Search").first.fill("every price list")  # words of its description
    wait_for(page, "1 of 84")
    page.locator("#tree > li > details > ul > li", has_text="Parsers").locator(".item > summary").first.click()
    assert page.get_by_text("Read every price list.").is_visible()

    address = page.get_by_role("link", name="Link to w-").locator("visible=true").get_attribute("href")
    sent = opened(address)

    assert sent.get_by_text("Read every price list.").is_visible()
    assert sent.get_by_text("Row 3").first.is_visible()


def test_everything_is_there_without_scripts(opened: Open) -> None:
    page = opened(java_script_enabled=False)

    assert page.locator("form:visible").count() == 0
    assert page.locator("#tree [data-status]").count() == 84


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_accessibility_judge_objects_to_nothing(opened: Open, accessibility: Accessibility, scheme: str) -> None:
    page = opened(color_scheme=scheme, bypass_csp=True)
    page.get_by_label("Search").first.fill("pars")  # what is above it is dimmed
    wait_for(page, "1 of 84")
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")

    assert accessibility(page) == []


def test_a_long_list_is_folded_with_its_count(opened: Open) -> None:
    page = opened()

    assert page.get_by_text("42 more items").is_visible()
    assert len(visible(page)) == 40


def test_the_keyboard_is_enough(opened: Open) -> None:
    page = opened()

    page.keyboard.press("/")
    focused = page.evaluate("document.activeElement.name")
    page.keyboard.press("Escape")
    page.locator("#tree .branch > summary").first.focus()
    page.keyboard.press("Enter")

    assert focused == "text"
    assert "Parsers" in visible(page)


def test_the_test_runs_of_a_vendor_are_drawn_to_scale(opened: Open) -> None:
    page = opened()

    plots = page.locator("svg.plot")
    heights = (
        page.locator("tr", has_text="Acme")
        .locator("rect.good")
        .evaluate_all("all => all.map(e => e.height.baseVal.value)")
    )

    assert plots.count() == 3
    assert heights == [36] * 12
    assert page.locator("tr", has_text="Globex").locator("rect.bad").count() == 9


def test_a_deployment_of_the_timeline_leads_to_its_line(opened: Open) -> None:
    page = opened()

    page.locator("svg.timeline a").first.click()

    oldest = page.locator(".deployments li", has_text="Change 0")
    assert page.locator("svg.timeline a").count() == 24
    assert oldest.is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("name", "size"), [("wide", WIDE), ("narrow", NARROW)])
def test_it_fits_every_screen_and_can_be_read_in_light_and_dark(
    opened: Open, scheme: str, name: str, size: dict[str, int]
) -> None:
    page = opened(color_scheme=scheme, viewport=size)

    if folder := os.environ.get("LEDGER_TEST_SCREENSHOTS"):
        page.screenshot(path=str(Path(folder) / f"status-{name}-{scheme}.png"), full_page=True)

    assert page.evaluate("document.documentElement.scrollWidth") == size["width"]
    assert _contrasts(page) == []


def _contrasts(page: Any) -> list[str]:
    """The kinds of text whose contrast with their ground is below 4.5 to 1, as WCAG AA asks."""
    found: list[str] = page.evaluate(
        """() => {
          const linear = (v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
          const weights = [0.2126, 0.7152, 0.0722];
          const light = (rgb) => rgb.reduce((sum, v, n) => sum + linear(v / 255) * weights[n], 0);
          const parse = (text) => text.match(/[\\d.]+/g).map(Number);
          const ground = (e) => { for (; e; e = e.parentElement) {
            const c = parse(getComputedStyle(e).backgroundColor); if (c.length < 4 || c[3] > 0) return c; } };
          const poor = new Set();
          for (const e of document.querySelectorAll("body *")) {
            if (!e.offsetParent || ![...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim())) continue;
            const [a, b] = [parse(getComputedStyle(e).color), ground(e)].map((c) => light(c.slice(0, 3)) + 0.05);
            if (Math.max(a, b) / Math.min(a, b) < 4.5) poor.add(e.className || e.tagName);
          }
          return [...poor];
        }"""
    )
    return found


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_lost_on_paper(opened: Open, scheme: str) -> None:
    page = opened(color_scheme=scheme)

    faults = printed(page)

    assert faults == []
    assert page.get_by_text("Change 0", exact=True).is_visible()  # of the older deployments, folded on the screen
    assert (len(visible(page)), page.get_by_text("more items").is_visible()) == (82, False)
