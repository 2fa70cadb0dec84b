"""Finding work items by their words: what is found, in which order, in which script."""

from typing import Any

import pytest
from starlette.datastructures import QueryParams

from ledger.errors import Invalid
from mcp_adapter.callers.caller import Caller
from mcp_adapter.console import pages
from mcp_adapter.console.ledger import Ledger
from mcp_adapter.console.templates import render
from projections.application.app import App
from projections.questions.work import searches
from tests.conftest import Perform
from tests.support.long_cases import long_cases

SESSION = {"token_budget": 1000, "prompts_count": 1, "yaml_frontmatter": {"schema_version": 1, "topic": "Kraken"}}


def task(perform: Perform, title: str, **more: Any) -> Any:
    return perform("create_work_item", item_type=more.pop("item_type", "task"), title=title, **more)


def found(perform: Perform, text: str, **more: Any) -> list[str]:
    return [item["title"] for item in perform("list_work_items", text=text, **more)["items"]]


@pytest.mark.processes
def test_titles_weigh_more_than_tags_and_tags_more_than_texts(perform: Perform) -> None:
    task(perform, "In a tag", tags=["kraken"])
    task(perform, "The kraken")
    task(perform, "In a text", description="Beware of the kraken.")
    task(perform, "A kraken again", description="kraken", tags=["Kraken"])

    assert found(perform, "kraken") == ["A kraken again", "The kraken", "In a tag", "In a text"]


@pytest.mark.processes
def test_every_text_of_an_item_is_searched(perform: Perform) -> None:
    task(perform, "description", description="kraken")
    task(perform, "findings", item_type="research", metadata={"findings_summary": "It is a Kraken"})
    task(perform, "front matter", item_type="session", metadata=SESSION)
    task(perform, "own key", metadata={"deep": [{"deeper": "kraken"}]})
    for title, change in (("notes", {"notes": "kraken"}), ("reason", {"status": "blocked", "reason": "a kraken"})):
        made = task(perform, title)
        perform("update_work_item", id=made["id"], version=1, **change)

    assert set(found(perform, "kraken")) == {"description", "findings", "front matter", "own key", "notes", "reason"}


@pytest.mark.processes
def test_all_words_must_be_there_and_may_be_beginnings_from_three_letters_on(perform: Perform) -> None:
    task(perform, "Import the ledger")
    task(perform, "Export the ledger")

    assert found(perform, "ledger imp") == ["Import the ledger"]
    assert found(perform, "imp ledger") == ["Import the ledger"]
    assert found(perform, "im ledger") == []
    assert found(perform, "le ") == []
    assert set(found(perform, "LED")) == {"Import the ledger", "Export the ledger"}


@pytest.mark.parametrize(
    ("title", "text"),
    [
        ("Ärger im Büro", "arger buro"),
        ("plain cafe", "Café"),
        ("Straße", "STRASSE"),
        ("Об архиве", "АРХИВ"),
        ("跟踪台账系统", "台账"),
        ("跟踪台账系统", "系"),
        ("カタカナ", "タカ"),
        ("متابعة العمل", "العمل"),
        ("e\u0301tude", "étude"),
        ("ﬁne ligature", "fine"),
        ("snake_case name", "case"),
        ("v1.2.3", "V1.2"),
        ("it's \\ quoted", "it's"),
    ],
)
def test_words_are_found_in_any_script_and_spelling(perform: Perform, title: str, text: str) -> None:
    task(perform, title)
    task(perform, "Another")

    assert found(perform, text) == [title]


@pytest.mark.processes
def test_a_changed_text_is_found_by_its_new_words_only(perform: Perform) -> None:
    made = task(perform, "Old words")
    perform("update_work_item", id=made["id"], version=1, title="New words")

    assert (found(perform, "old"), found(perform, "new")) == ([], ["New words"])


@pytest.mark.processes
def test_a_search_is_filtered_like_any_list(perform: Perform) -> None:
    task(perform, "kraken one", item_type="research")
    gone = task(perform, "kraken two")
    perform("update_work_item", id=gone["id"], version=1, deleted=True)
    done = task(perform, "kraken three", tags=["x"])
    perform("update_work_item", id=done["id"], version=1, status="completed")

    assert found(perform, "kraken", item_type="research") == ["kraken one"]
    assert found(perform, "kraken", status="completed", tag="x") == ["kraken three"]
    assert found(perform, "kraken", ready=True) == ["kraken one"]
    assert len(found(perform, "kraken", include_deleted=True)) == 3


@pytest.mark.processes
def test_the_pages_of_a_search_together_are_all_that_is_found(perform: Perform) -> None:
    perform(
        "bulk_work_items",
        items=[{"op": "create", "item_type": "task", "title": f"kraken {n}", "priority": 1 + n % 3} for n in range(7)],
    )

    for order in ("relevance", "updated", "created", "priority"):
        seen: list[str] = []
        cursor = None
        while True:
            page = perform("list_work_items", text="kraken", limit=3, cursor=cursor, order=order)
            seen += [item["title"] for item in page["items"]]
            cursor = page["next_cursor"]
            assert page["total_count"] == 7
            if not page["has_more"]:
                break
        assert len(set(seen)) == len(seen) == 7


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Words that more than four items have are common, of which the six that changed last are searched."""
    monkeypatch.setattr(searches, "COMMON", 4)
    monkeypatch.setattr(searches, "LOOKED_AT", 6)


@long_cases("order", ["relevance", "updated", "created", "priority"])
@pytest.mark.usefixtures("few")
def test_words_that_many_have_are_searched_among_what_changed_last(perform: Perform, order: str) -> None:
    made = [task(perform, f"kraken {n}", tags=["kraken"] if n == 3 else []) for n in range(10)]
    perform("update_work_item", id=made[0]["id"], version=1, notes="changed last")

    page = perform("list_work_items", text="kraken", order=order)

    assert {item["title"] for item in page["items"]} == {f"kraken {n}" for n in (0, 5, 6, 7, 8, 9)}
    assert (page["total_count"], page["total_is_at_least"], page["has_more"]) == (None, 6, False)
    assert page["next_step"] == (
        "more than 4 items have these words, so only the 6 that changed last were searched: add a word or a filter"
    )


@pytest.mark.processes
@pytest.mark.usefixtures("few")
def test_a_search_for_common_words_is_whole_where_a_filter_lets_few_through(perform: Perform) -> None:
    tagged = [task(perform, f"kraken {n}", tags=["deep"]) for n in range(5)]
    for n in range(5, 15):
        task(perform, f"kraken {n}")

    page = perform("list_work_items", text="kraken", tag="deep")

    assert {item["id"] for item in page["items"]} == {item["id"] for item in tagged}
    assert page["total_count"] == 5
    assert "next_step" not in page


@pytest.mark.processes
@pytest.mark.usefixtures("few")
def test_a_search_that_finds_nothing_among_what_changed_last_says_so_too(perform: Perform) -> None:
    for n in range(5):
        task(perform, f"kraken {n}")
    for n in range(6):
        task(perform, f"squid {n}")

    page = perform("list_work_items", text="kraken")
    ready = perform("list_work_items", text="kraken", ready=True)

    for found in (page, ready):
        assert (found["items"], found["total_count"], found["total_is_at_least"]) == ([], None, 0)
        assert "add a word or a filter" in found["next_step"]


@pytest.mark.processes
@pytest.mark.parametrize("name", ["board", "list"])
@pytest.mark.usefixtures("few")
def test_the_console_says_of_common_words_how_many_items_were_found_at_least(
    perform: Perform, app: App, name: str
) -> None:
    for n in range(7):
        task(perform, f"kraken {n}")
    ledger, query = Ledger(Caller(app=app)), QueryParams("text=kraken")
    title, page = pages.PAGES[name]

    given = {"ledger": ledger, "query": query, "title": title, "pages": pages.PAGES, "acts": [], "new_id": str}
    nowhere = {"said": "", "answered": None, "newest": 0, "at": "", "position": None}
    shown = render(name, **given, **nowhere, **page(ledger, query))

    assert "at least 6" in shown
    assert ("add a word or a filter" in shown) == (name == "list")


@pytest.mark.processes
@pytest.mark.usefixtures("few")
def test_the_pages_of_a_search_for_common_words_are_together_what_was_searched(perform: Perform) -> None:
    for n in range(9):
        task(perform, f"kraken {n}")

    first = perform("list_work_items", text="kraken", limit=4)
    second = perform("list_work_items", text="kraken", limit=4, cursor=first["next_cursor"])

    assert [page["has_more"] for page in (first, second)] == [True, False]
    assert len({item["id"] for page in (first, second) for item in page["items"]}) == 6
    assert "next_step" in second


@pytest.mark.processes
def test_a_search_sees_the_past_if_asked(perform: Perform) -> None:
    made = task(perform, "First words")
    perform("update_work_item", id=made["id"], version=1, title="Second words")

    assert found(perform, "first", as_of="1") == ["First words"]


@pytest.mark.parametrize("text", ["", "...", "\u0301", "x" * 501])
def test_a_text_without_a_word_is_refused(perform: Perform, text: str) -> None:
    with pytest.raises(Invalid):
        perform("list_work_items", text=text)


@pytest.mark.parametrize("arguments", [{"text": "a", "order": "tree"}, {"order": "relevance"}])
def test_an_order_that_has_no_meaning_is_refused(perform: Perform, arguments: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        perform("list_work_items", **arguments)


def test_another_ledgers_words_are_not_found(perform: Perform) -> None:
    assert found(perform, "kraken", include_deleted=True, include_archived=True) == []


@pytest.mark.processes
def test_a_text_of_a_megabyte_is_stored_and_found(perform: Perform) -> None:
    task(perform, "Huge", metadata={"body": " ".join(f"word{n}" for n in range(100_000))})
    task(perform, "Long words", metadata={"body": " ".join(f"{n}" + "ж" * 60 for n in range(8_000))})

    assert found(perform, "word77 huge") == ["Huge"]
    assert found(perform, "long words") == ["Long words"]
