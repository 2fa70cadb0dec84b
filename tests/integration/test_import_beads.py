"""Beads exports, imported into a real PostgreSQL."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ledger.envelope import imported_id
from ledger.errors import Invalid
from projections.application.app import App
from projections.transfer.file_import import ImportRequest
from tests.conftest import Perform
from tests.support.beads import DAY, closed, export, issue, needs

REAL = Path(__file__).parents[3] / "shared" / "data" / "trackers" / "beads-issues-2026-02-27.jsonl"
needs_real_file = pytest.mark.skipif(not REAL.exists(), reason="../shared/data is not beside the checkout")

Bring = Callable[..., dict[str, Any]]


@pytest.fixture
def bring(app: App, tmp_path: Path) -> Bring:
    """bring(issue, ...) -> the report of importing an export that holds these issues."""
    return lambda *issues, **more: ImportRequest(source="beads", path=export(tmp_path, *issues), **more).run(app)


@pytest.fixture
def items(perform: Perform) -> Callable[[], dict[str, dict[str, Any]]]:
    """All work items in the ledger, whole, by their id in the source."""

    def read() -> dict[str, dict[str, Any]]:
        listed = perform("list_work_items", include_deleted=True, limit=100, detail=True)["items"]
        return {item["external_id"] or item["title"]: item for item in listed}

    return read


Items = Callable[[], dict[str, dict[str, Any]]]


def events(app: App) -> list[tuple[str, str]]:
    return [(event.type, event.by) for event in app.store.read_all()]


def test_authors_and_times_are_those_of_the_source_not_of_the_importer(bring: Bring, items: Items, app: App) -> None:
    report = bring(closed("a-1", day=5))

    assert (report["created"], report["events"]) == (1, 2)
    assert events(app) == [("WorkItemCreated", "ann"), ("WorkItemCompleted", "unknown (beads)")]
    item = items()["a-1"]
    assert (item["created_at"], item["created_by"]) == ("2026-03-01T10:00:00.000000Z", "ann")
    assert (item["updated_at"], item["status"]) == ("2026-03-05T10:00:00.000000Z", "completed")


def test_importing_again_changes_nothing(bring: Bring, app: App) -> None:
    given = [
        closed("a-1"),
        issue("a-2", labels=["X"], dependencies=[needs("a-2", "a-1")]),
        issue("a-3", status="blocked"),
    ]
    bring(*given)
    before = events(app)

    report = bring(*given)

    assert (report["events"], report["unchanged"], report["position"]) == (0, 3, None)
    assert events(app) == before


def test_a_dry_run_tells_the_same_and_records_nothing(bring: Bring, app: App) -> None:
    given = [closed("a-1"), issue("a-2", dependencies=[needs("a-2", "gone")])]

    planned = bring(*given, dry_run=True)

    assert events(app) == []
    written = bring(*given)
    for unlike in ("dry_run", "position", "elapsed_ms"):
        planned.pop(unlike), written.pop(unlike)
    assert planned == written


def test_two_states_of_an_export_become_the_events_between_them(bring: Bring, items: Items, app: App) -> None:
    bring(issue("a-1", description="old", assignee="eve"), issue("a-2"), closed("a-3"))
    before = len(events(app))

    report = bring(
        closed("a-1", day=6, description="new", dependencies=[needs("a-1", "a-2", "parent-child")]),
        issue("a-2"),
        issue("a-3", updated_at=DAY.format(7)),
    )

    assert (report["changed"], report["unchanged"]) == (2, 1)
    assert sorted(kind for kind, _ in events(app)[before:]) == [
        "WorkItemCompleted",
        "WorkItemMoved",
        "WorkItemReopened",
        "WorkItemRevised",
        "WorkItemRevised",
    ]
    now = items()
    assert (now["a-1"]["description"], now["a-1"].get("assignee"), now["a-1"]["status"]) == ("new", None, "completed")
    assert (now["a-1"]["parent_id"], now["a-3"]["status"]) == (now["a-2"]["id"], "active")


def test_a_link_that_is_gone_from_the_source_is_removed_and_one_made_here_stays(
    bring: Bring, items: Items, perform: Perform, app: App
) -> None:
    bring(issue("a-1", dependencies=[needs("a-1", "a-2")]), issue("a-2"), issue("a-3"))
    known = items()
    perform("link_work_items", id=known["a-1"]["id"], kind="relates_to", to_id=known["a-3"]["id"])

    bring(issue("a-1"), issue("a-2"), issue("a-3"))

    assert [kind for kind, _ in events(app)][-1] == "WorkItemUnlinked"
    assert [link["kind"] for link in items()["a-1"]["links"]] == ["relates_to"]
    assert items()["a-2"].get("links", []) == []


def test_what_was_changed_here_is_not_overwritten(bring: Bring, items: Items, perform: Perform) -> None:
    bring(issue("a-1"), issue("a-2"))
    known = items()
    perform("update_work_item", id=known["a-1"]["id"], version=1, title="Ours", assignee="me")

    report = bring(issue("a-1", title="Theirs", notes="new", updated_at=DAY.format(4)), issue("a-2"))

    now = items()["a-1"]
    assert (now["title"], now["assignee"], now["notes"]) == ("Ours", "me", "new")
    assert report["warnings"] == [{"kind": "changed_on_both_sides", "count": 1, "examples": ["a-1: title"]}]
    assert bring(issue("a-1", title="Theirs", notes="new", updated_at=DAY.format(4)), issue("a-2"))["events"] == 0


def test_what_was_deleted_here_stays_deleted(bring: Bring, items: Items, perform: Perform) -> None:
    bring(issue("a-1"))
    perform("update_work_item", id=items()["a-1"]["id"], version=1, deleted=True)

    report = bring(issue("a-1", title="Theirs"))

    assert (report["events"], [warning["kind"] for warning in report["warnings"]]) == (0, ["deleted_here"])


def test_half_of_a_file_and_then_all_of_it_is_the_same_as_all_of_it(bring: Bring, items: Items) -> None:
    first = issue("a-1", dependencies=[needs("a-1", "a-2"), needs("a-1", "a-3", "parent-child")])
    half = bring(first)

    whole = bring(first, issue("a-2"), issue("a-3"))

    assert [(entry["kind"], entry["count"]) for entry in half["dangling_links"]] == [("link_to_absent_id", 2)]
    assert (whole["not_taken"], whole["links"]["taken"]) == ([], 2)
    now = items()
    assert now["a-1"]["parent_id"] == now["a-3"]["id"]
    assert [link["to_id"] for link in now["a-2"]["links"]] == [now["a-1"]["id"]]


def test_a_link_older_than_its_item_keeps_its_time_whatever_part_of_the_file_comes_again(
    bring: Bring, items: Items
) -> None:
    early = issue("a-1", dependencies=[needs("a-1", "a-2", created_at="2026-02-01T00:00:00Z")])
    whole = bring(early, issue("a-2"))

    part = bring(early)

    kept = {"a-2": {"created_at": "2026-02-01T00:00:00.000000Z", "created_by": "bob"}}
    assert [warning["kind"] for warning in whole["warnings"]] == ["link_older_than_its_item"]
    assert (part["events"], items()["a-1"]["metadata"]["source_links"]) == (0, kept)


def test_what_breaks_a_rule_of_today_is_recorded_as_found(bring: Bring, items: Items) -> None:
    chain = [
        issue(f"d-{n}", dependencies=[needs(f"d-{n}", f"d-{n - 1}", "parent-child")] if n else []) for n in range(8)
    ]
    cycle = [issue("c-1", dependencies=[needs("c-1", "c-2")]), issue("c-2", dependencies=[needs("c-2", "c-1")])]

    report = bring(*chain, *cycle, issue("long", title="t" * 300))

    assert {warning["kind"]: warning["count"] for warning in report["warnings"]} == {
        "deeper_than_the_limit": 2,
        "cycle": 1,
        "longer_than_the_limit": 1,
    }
    assert len(items()["long"]["title"]) == 300


def test_a_comment_is_found_by_its_words_and_two_of_one_second_stay_two(
    bring: Bring, perform: Perform, items: Items
) -> None:
    first = {"id": 1, "author": "ann", "text": "remember the zebra", "created_at": DAY.format(2)}
    second = {"id": "c-2", "author": "ann", "text": "and the gnu", "created_at": DAY.format(2)}
    bring(issue("a-1", comments=[first], comment_count=1))

    report = bring(issue("a-1", comments=[first, second], comment_count=2))

    read = perform("query_work_item", id=items()["a-1"]["id"])["comments"]
    assert report["events"] == 1
    assert {(one["by"], one["at"], one["text"]) for one in read} == {
        ("ann", DAY.format(2).replace("Z", ".000000Z"), text) for text in (first["text"], second["text"])
    }
    for word in ("zebra", "gnu"):
        assert perform("list_work_items", text=word)["total_count"] == 1


def test_a_tombstone_deletes_what_was_imported_before(bring: Bring, items: Items) -> None:
    bring(issue("a-1"))

    bring(issue("a-1", status="tombstone", deleted_at=DAY.format(8), deleted_by="bob"))

    assert (items()["a-1"]["deleted"], items()["a-1"]["updated_by"]) == (True, "bob")


def test_a_file_that_cannot_be_read_records_nothing(bring: Bring, app: App) -> None:
    with pytest.raises(Invalid):
        bring(issue("a-1"), b'{"id": "x", "title": "\xff"}')

    assert events(app) == []


@pytest.mark.processes
@needs_real_file
def test_the_real_file_is_taken_as_an_independent_count_has_it(app: App, perform: Perform) -> None:
    rows = [json.loads(line) for line in REAL.read_text().splitlines()]
    ids = {row["id"] for row in rows}
    links = [link for row in rows for link in row.get("dependencies", [])]
    absent = [link for link in links if link["depends_on_id"] not in ids]
    of_kind = Counter(link["type"] for link in links)
    by_id = {row["id"]: row for row in rows}
    open_below_closed = [
        link
        for link in links
        if link["type"] == "parent-child"
        and by_id[link["issue_id"]]["status"] != "closed"
        and by_id.get(link["depends_on_id"], {}).get("status") == "closed"
    ]

    report = ImportRequest(source="beads", path=REAL).run(app)

    assert (report["found"], report["taken"], report["created"]) == (len(rows), 704, len(ids))
    assert (report["links"]["found"], report["links"]["taken"]) == (745, 745 - len(absent))
    assert {word: counts["found"] for word, counts in report["links"]["by_kind"].items()} == of_kind
    assert report["not_taken"] == []
    assert [(entry["kind"], entry["count"]) for entry in report["dangling_links"]] == [("link_to_absent_id", 30)]
    assert perform("list_work_items")["total_count"] == 704
    statuses = Counter(row["status"] for row in rows)
    for status, theirs in (
        ("completed", "closed"),
        ("active", "open"),
        *((word, word) for word in ("hooked", "pinned")),
    ):
        assert perform("list_work_items", status=status)["total_count"] == statuses[theirs]
    recorded = Counter(event.type for event in app.store.read_all())
    assert recorded["WorkItemCompleted"] == 403
    assert recorded["WorkItemLinked"] == sum(link["type"] != "parent-child" for link in links if link not in absent)
    assert len(open_below_closed) == 240

    assert ImportRequest(source="beads", path=REAL).run(app)["events"] == 0


@pytest.mark.processes
@needs_real_file
def test_the_real_file_answers_as_anything_else_does(app: App, perform: Perform) -> None:
    rows = {row["id"]: row for row in map(json.loads, REAL.read_text().splitlines())}
    child = next(row for row in rows.values() if row.get("parent") in rows)
    ImportRequest(source="beads", path=REAL).run(app)

    found = imported_id(app.store.ledger, "beads", child["id"])
    answer = perform("query_work_item", id=found, include=["ancestors", "descendants", "dependencies"])
    assert (answer["title"], answer["description"]) == (child["title"], child["description"])
    assert answer["ancestors"][-1]["title"] == rows[child["parent"]]["title"]
