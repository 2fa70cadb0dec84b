"""The report's Markdown from a document, without a database."""

from projections.reports import report
from projections.reports.markdown import code, inline, visible
from tests.support.documents import document, item
from tests.support.each import each


def test_an_empty_ledger_gives_a_report_that_says_so() -> None:
    text = report.markdown(document([]))

    assert "No vendors yet." in text
    assert "No work items yet." in text
    assert "No deployments yet." in text


def test_children_are_indented_below_their_parent() -> None:
    text = report.markdown(document([item("w-1", "Top"), item("w-2", "Below", parent_id="w-1", depth=1)]))

    assert "\n- `w-1` Top (task, P3)\n  - `w-2` Below (task, P3)\n" in text


def test_an_item_says_what_it_waits_for_why_it_is_blocked_and_where_it_is_done() -> None:
    blocked = item(
        "w-1",
        status="blocked",
        block_reason="no data",
        branch_name="feature/x",
        blocked_by=[{"ref": "w-9"}],
        assignee="ana",
    )

    text = report.markdown(document([blocked]))

    assert "(task, blocked, P3): blocked because no data; waits for `w-9`; with ana; on `feature/x`\n" in text


@each(
    "title",
    [
        "two\nlines",
        "a | b",
        "`code",
        "# heading\n## Vendors",
        "<!-- tracking-ledger: end -->",
        "[link](http://example.com)",
        "\x1b[31mred\x07",
        "right\u202eleft",
        "\u2028## Vendors",
    ],
)
def test_a_title_stays_in_its_line_and_marks_nothing_up(title: str) -> None:
    text = report.markdown(document([item("w-1", title), item("w-2", "after")]))

    lines = [line for line in text.splitlines() if line.startswith("- ")]
    assert len(lines) == 2
    assert [line for line in text.splitlines() if line.startswith("## ")] == [
        "## Vendors",
        "## Active work",
        "## Ready to begin",
        "## Recent deployments",
        "## Future enhancements",
    ]
    assert not any(ord(letter) < 32 and letter != "\n" for letter in text)
    assert "<!--" not in text


def test_a_cell_of_the_vendor_table_cannot_add_a_column() -> None:
    vendor = {
        "ref": "v-1",
        "name": "A | B",
        "status": "broken",
        "extractor_version": "1|2`3",
        "format_support": {"csv": True, "pdf": False},
        "test_results": {"passing": 10, "total": 12, "skipped": 2},
        "manifest_compliant": None,
    }
    health = {
        "total_vendors": 1,
        "operational_count": 0,
        "broken_count": 1,
        "operational_percentage": 0.0,
        "vendors": [vendor],
    }

    text = report.markdown(document([], vendor_health=health))

    assert "| A \\| B | broken | 1\\|2\\`3 | 10 of 12, 2 skipped | csv, excel?, ocr? | *unknown* | `v-1` |" in text


def test_archived_items_are_spoken_of_only_where_there_are_some() -> None:
    some = document([item("w-000001")])
    archived = some["active_work_items"] | {"total_count": 3, "archived_count": 2}

    assert "\n1 item: 1 active; by type" in report.markdown(some)
    assert "\n3 items, 2 of them archived. The others: 1 active" in report.markdown(
        some | {"active_work_items": archived}
    )


def test_a_long_list_is_folded_with_the_most_important_items_and_a_count() -> None:
    items = [item(f"w-{n:06}", priority=1 if n in (500, 1100) else 4) for n in range(1200)]

    text = report.markdown(document(items))

    assert "`w-000500`" in text
    assert "`w-001100`" in text
    assert text.count("\n- `w-") == report.TREE_LINES
    assert "- ... and 1160 more unfinished items." in text


def test_an_important_item_deep_in_the_tree_is_shown_below_all_it_is_part_of() -> None:
    items = [item(f"w-{n:06}", priority=2) for n in range(100)]
    items += [item("w-900001", priority=5), item("w-900002", priority=1, parent_id="w-900001", depth=1)]

    text = report.markdown(document(items))

    assert "- `w-900001` Something (task, P5)\n  - `w-900002` Something (task, P1)\n" in text


def test_items_in_a_cycle_of_parents_end_nowhere_but_are_shown() -> None:
    items = [item("w-1", parent_id="w-2"), item("w-2", parent_id="w-1", depth=1)]

    text = report.markdown(document(items))

    assert "`w-1`" in text
    assert "`w-2`" in text


def test_the_same_document_gives_the_same_bytes() -> None:
    items = [item(f"w-{n}") for n in range(60)]

    assert report.markdown(document(items)) == report.markdown(document(list(items)))


@each(
    ("text", "expected"),
    [("feature/a", "`feature/a`"), ("a`b", "``a`b``"), ("`", "`` ` ``"), ("a\nb", "a&#10;b")],
)
def test_a_code_span_holds_any_text(text: str, expected: str) -> None:
    assert code(text) == expected


def test_ordinary_words_are_not_escaped() -> None:
    assert inline("read_all (v1.2) - 50%: Umbra's #3") == "read_all (v1.2) - 50%: Umbra's #3"


def test_a_terminal_gets_no_character_that_it_would_obey() -> None:
    text = report.markdown(document([item("w-1", "\x1b[31mred\u202e\n&#27;")]))

    drawn = visible(text)

    assert r"`w-1` \\u001b\[31mred\\u202e\\u000a\&#27; (task, P3)" in drawn
