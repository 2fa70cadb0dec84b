"""The HTML page: one file that needs nothing else, in which every text of a ledger is only a text."""

import base64
import re
from hashlib import sha256
from html.parser import HTMLParser
from typing import Any

import pytest

from projections.application.app import App
from projections.maintenance.current_report import document_in
from projections.reports.html_page import ITEMS, page
from tests.conftest import Perform
from tests.support.long_cases import long_cases

HOSTILE = [
    "</script><script>alert(1)</script>",
    "<!--",
    "<img src=x onerror=alert(1)>",
    "\" onmouseover='alert(1)' x=\"",
    "&lt;b&gt; &#60;",
    "{{ 7 * 7 }} {% raw %}",
    "\x1b[31m\u202eturned\u2066",
    "]]><svg/onload=alert(1)>",
]
VOID = {"meta", "input", "br"}


class Reader(HTMLParser):
    """Every element with its attributes, the texts, and whether all that was opened is closed."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@pytest.fixture
def made(app: App) -> Any:
    def make() -> str:
        with app.tables.snapshot() as snapshot:
            return page(snapshot, app.store, document_in(app.live_view(), snapshot))

    return make


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    return reader


def everything(perform: Perform, text: str) -> None:
    """One of each kind, with this text wherever a text may stand."""
    project = perform("create_work_item", item_type="project", title=text, description=text, tags=[text[:50]])
    task = perform("create_work_item", item_type="task", title=text, parent_id=project["id"], branch_name=text)
    perform("update_work_item", id=task["id"], version=1, status="blocked", reason=text, assignee=text)
    perform("link_work_items", id=project["id"], kind="relates_to", to_id=task["id"])
    vendor = perform("create_vendor", name="Acme", status="broken", extractor_version=text[:50])
    perform("update_vendor_status", id=vendor["id"], version=1, test_results={"passing": 3, "total": 4, "skipped": 0})
    perform(
        "record_deployment",
        deployed_at="2026-11-20T08:30:00Z",
        commit_hash="84b0fb41c6a1b1a7a9c2a4b4c7f8e9d0a1b2c3d4",
        pr_number=1,
        pr_title=text,
        test_summary={text: 1, "failed": 1},
        constitutional_compliance=True,
        environment=text,
        vendor_ids=[vendor["id"]],
        work_item_ids=[task["id"]],
    )
    perform("record_enhancement", title=text, description=text, priority=1, principles=[text])


@long_cases("text", HOSTILE)
def test_a_hostile_text_is_only_a_text(perform: Perform, made: Any, text: str) -> None:
    everything(perform, text)

    reader = read(made())

    assert [tag for tag, _ in reader.elements if tag in ("script", "img", "iframe")] == ["script"]
    assert not any(name.startswith("on") or name == "style" for _, given in reader.elements for name in given)
    shown = text.replace("\x1b", "\\x1b").replace("\u202e", "\\u202e").replace("\u2066", "\\u2066")
    assert reader.texts.count(shown) >= 8
    assert not re.search("[\x00-\x08\x0b-\x1f\u2028-\u202e\u2066-\u2069]", "".join(reader.texts))


@pytest.mark.processes
def test_nothing_is_fetched_and_only_our_own_script_and_style_may_run(perform: Perform, made: Any) -> None:
    everything(perform, "plain")

    text = made()

    reader = read(text)
    (policy,) = [given["content"] for tag, given in reader.elements if given.get("http-equiv")]
    script, style = (
        re.search("<script>(.*?)</script>", text, re.DOTALL),
        re.search("<style>(.*?)</style>", text, re.DOTALL),
    )
    assert policy is not None and script is not None and style is not None
    for part in (script, style):
        digest = base64.b64encode(sha256(part[1].encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'; ")
    links = [value for _, given in reader.elements for name, value in given.items() if name in ("href", "src")]
    assert all(value is not None and value.startswith("#") for value in links)


@pytest.mark.processes
def test_every_link_within_the_page_leads_somewhere(perform: Perform, made: Any) -> None:
    everything(perform, "plain")

    elements = read(made()).elements

    targets = {given["id"] for _, given in elements if "id" in given}
    assert {str(given["href"])[1:] for _, given in elements if "href" in given} <= targets


@pytest.mark.processes
def test_the_same_position_gives_the_same_bytes(perform: Perform, made: Any) -> None:
    everything(perform, "plain")

    assert made() == made()


@pytest.mark.processes
def test_a_vendor_shows_its_newest_runs_from_the_oldest_to_the_newest(perform: Perform, made: Any) -> None:
    vendor = perform("create_vendor", name="Acme")
    for n in range(1, 41):
        results = {"passing": n, "total": 40, "skipped": 0}
        perform("update_vendor_status", id=vendor["id"], version=n, test_results=results)

    titles = [text for text in read(made()).texts if "passing, version" in text]

    assert len(titles) == 30
    assert "11 of 40 passing" in titles[0]
    assert "40 of 40 passing" in titles[-1]


def test_what_is_overdue_has_a_section_of_its_own(perform: Perform, made: Any) -> None:
    assert 'id="overdue"' not in made()
    perform("create_work_item", item_type="task", title="<b>late", due="2020-01-31")

    html = made()

    assert re.search(r'<section id="overdue".*?&lt;b&gt;late.*?due 2020-01-31', html, re.DOTALL)
    assert 'id="due"' not in html


def test_an_empty_ledger_has_a_page_that_says_how_to_begin(made: Any) -> None:
    html = made()

    assert 'tracking-ledger add "A title"' in "".join(read(html).texts)
    assert "No work items yet" in html
    assert "<h2" not in html


def test_no_section_is_without_content(perform: Perform, made: Any) -> None:
    perform("create_work_item", item_type="task", title="The only one")

    html = made()

    assert re.findall('<section id="([a-z]+)"', html) == ["ready", "week", "work"]
    assert "vendors operational" not in html


@pytest.mark.processes
def test_everything_that_is_said_of_an_item_can_be_read(perform: Perform, made: Any) -> None:
    asking = perform(
        "create_work_item", item_type="task", title="First", description="How it is meant.", due="2999-01-31"
    )
    other = perform("create_work_item", item_type="task", title="Second", estimate=90)
    perform("update_work_item", id=other["id"], version=1, notes="Found out.")
    perform("link_work_items", id=asking["id"], kind="blocks", to_id=other["id"])
    perform("comment", action="add", id=asking["id"], text="A remark.")
    perform("question", action="ask", id=asking["id"], whom="ann", text="Which of them?", choices=["this", "that"])
    perform("attach", id=other["id"], url="https://example.org/plan")

    html = made()

    said = " ".join("".join(read(html).texts).split())
    for text in (
        "How it is meant.",
        "Found out.",
        "A remark.",
        "Which of them? (this, that)",
        "90 minutes",
        "due 2999",
    ):
        assert text in said
    assert "https://example.org/plan" in said
    assert f'<dt>Waits for</dt><dd><a href="#{asking["ref"]}">' in html
    assert f'<li id="{asking["ref"]}"' in html
    assert re.search('<section id="waiting".*?First.*?<bdi>ann</bdi>, since', html, re.DOTALL)


@pytest.mark.processes
def test_as_many_items_as_are_asked_for_are_listed_and_the_others_counted(perform: Perform, app: App) -> None:
    for n in range(5):
        perform("create_work_item", item_type="task", title=f"Task {n}")

    with app.tables.snapshot() as snapshot:
        view = app.live_view()
        some, all_of_them = (page(snapshot, app.store, document_in(view, snapshot, items)) for items in (3, ITEMS))

    assert "2 others left out" in some
    assert "left out" not in all_of_them
    assert ITEMS >= 5_000


def test_the_last_week_counts_what_was_finished_in_a_state_of_the_ledgers_own(perform: Perform, made: Any) -> None:
    perform("update_project_configuration", version=0, states=[{"name": "shipped", "category": "done"}])
    for status in ("shipped", "completed"):
        item = perform("create_work_item", item_type="task", title="x")
        perform("update_work_item", id=item["id"], version=1, status=status)

    assert "2 created, 2 completed, 1 other changes" in " ".join(read(made()).texts)


@pytest.mark.processes
def test_a_long_list_is_folded_and_counted(perform: Perform, made: Any) -> None:
    for n in range(60):
        perform("create_work_item", item_type="task", title=f"Task {n}")

    assert "20 more items" in read(made()).texts
