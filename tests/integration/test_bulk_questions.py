"""What a command about many items asks of the database: as much as for few."""

import json
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from ledger.errors import Refused
from ledger.libpq.round_trip import RoundTrips, Rows, Statement, Tuples
from projections.application.app import App
from projections.tables.postgres import PostgresTables
from projections.transfer.file_import import ImportRequest
from tests.conftest import Perform
from tests.support.each import each

Change = Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]]
Items = list[dict[str, Any]]
Call = Callable[[], Any]
FEW, MANY = 3, 30
SEVERAL = 18  # of more items, an undo reads the whole tree once


@pytest.fixture
def round_trips(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One more entry for each round trip of this thread."""
    made: list[int] = []
    own = threading.get_ident()
    ask, ask_tuples = RoundTrips.ask, RoundTrips.ask_tuples

    def counted(trips: RoundTrips, statements: Sequence[Statement]) -> list[Rows]:
        made.extend([1] if threading.get_ident() == own else [])
        return ask(trips, statements)

    def counted_tuples(trips: RoundTrips, statements: Sequence[Statement]) -> list[Tuples]:
        made.extend([1] if threading.get_ident() == own else [])
        return ask_tuples(trips, statements)

    monkeypatch.setattr(RoundTrips, "ask", counted)
    monkeypatch.setattr(RoundTrips, "ask_tuples", counted_tuples)
    return made


def update(**changes: Any) -> Change:
    return lambda item, _: {"op": "update", "id": item["ref"], "version": 1, **changes}


def link(kind: str) -> Change:
    return lambda item, other: {"op": "link", "id": item["ref"], "kind": kind, "to_id": other["ref"]}


CHANGES: dict[str, Change] = {
    "tag": update(tags=["new"]),
    "assign": update(assignee="ann"),
    "finish": update(status="completed"),
    "drop": update(status="dropped", reason="not wanted"),
    "delete": update(deleted=True),
    "cascade": lambda _, other: {"op": "update", "id": other["parent"], "version": 1, "deleted": True, "cascade": True},
    "restore": lambda _, other: {"op": "update", "id": other["deleted"], "version": 2, "deleted": False},
    "relate": link("relates_to"),
    "block": link("blocks"),
    "comment": lambda item, _: {"op": "comment", "id": item["ref"], "text": "Seen"},
    "below": lambda item, _: {"op": "create", "item_type": "task", "title": "Below", "parent_id": item["ref"]},
    "move": lambda item, other: {"op": "update", "id": item["ref"], "version": 1, "parent_id": other["ref"]},
    "stale": lambda item, _: {"op": "update", "id": item["ref"], "version": 7, "title": "Stale"},
    "unknown": lambda item, _: {"op": "update", "id": f"{item['ref']}00000", "version": 1, "title": "Unknown"},
    "over_children": lambda _, other: {"op": "update", "id": other["parent"], "version": 1, "status": "completed"},
}


@each("kind", CHANGES)
def test_a_bulk_asks_as_many_questions_for_many_items_as_for_few(
    perform: Perform, round_trips: list[int], kind: str
) -> None:
    def asked(count: int) -> int:
        items, others = created(perform, count), created(perform, count)
        if kind == "restore":
            others = [other | {"deleted": deleted_tree(perform)} for other in others]
        changes = [CHANGES[kind](item, other) for item, other in zip(items, others, strict=True)]
        before = len(round_trips)
        with suppress(Refused):  # of a call of which nothing can be read
            perform("bulk_work_items", items=changes, all_or_nothing=False)
        return len(round_trips) - before

    asked(FEW)

    assert asked(MANY) == asked(FEW)


def undone(perform: Perform, count: int, *steps: dict[str, Any]) -> Call:
    """The undo of the last of some steps, each of which changes so many items at once."""
    items = created(perform, count)
    for version, step in enumerate(steps, 1):
        given = step | ({"parent_id": items[0]["parent"]} if "parent_id" in step else {})
        changes = [{"op": "update", "id": item["ref"], "version": version, **given} for item in items[1:]]
        done = perform("bulk_work_items", items=changes)
    return lambda: perform("undo", command=done["command_id"])


def links_undone(perform: Perform, count: int) -> Call:
    pairs = zip(created(perform, count), created(perform, count), strict=True)
    done = perform("bulk_work_items", items=[link("blocks")(*pair) for pair in pairs])
    return lambda: perform("undo", command=done["command_id"])


def creations_undone(perform: Perform, count: int) -> Call:
    items = [{"op": "create", "item_type": "task", "title": f"{n}"} for n in range(count)]
    done = perform("bulk_work_items", items=items)
    return lambda: perform("undo", command=done["command_id"])


def cascade_undone(perform: Perform, count: int) -> Call:
    root = tree(perform, count)
    done = perform("update_work_item", id=root, version=1, deleted=True, cascade=True)
    return lambda: perform("undo", command=done["command_id"])


def deployment(perform: Perform, count: int) -> Call:
    items = [item["ref"] for item in created(perform, count)]
    vendors = [f"Vendor {count} {n}" for n in range(count)]
    for name in vendors:
        perform("create_vendor", name=name)
    return lambda: perform("record_deployment", pr_title="All", work_item_ids=items, vendor_ids=vendors)


def enhancement(perform: Perform, count: int) -> Call:
    first = [perform("record_enhancement", title=f"Wanted {count} {n}")["ref"] for n in range(count)]
    return lambda: perform("record_enhancement", title=f"After {count}", depends_on=first)


def moves_told(perform: Perform, count: int) -> Call:
    undone(perform, count, {"parent_id": ...})
    return lambda: perform("changes_since", since=0, types=["WorkItemMoved"])


ABOUT_SEVERAL: dict[str, Callable[[Perform, int], Call]] = {
    "cascade_undone": cascade_undone,
    "moves_undone": lambda perform, count: undone(perform, count, {"parent_id": ...}),
    "completions_undone": lambda perform, count: undone(perform, count, {"status": "completed"}),
    "reopenings_undone": lambda perform, count: undone(perform, count, {"status": "completed"}, {"status": "active"}),
    "links_undone": links_undone,
    "creations_undone": creations_undone,
    "deployment": deployment,
    "enhancement": enhancement,
    "moves_told": moves_told,
}


@each("kind", ABOUT_SEVERAL)
def test_an_operation_asks_as_many_questions_about_several_parts_as_about_few(
    perform: Perform, round_trips: list[int], kind: str
) -> None:
    def asked(count: int) -> int:
        call = ABOUT_SEVERAL[kind](perform, count)
        before = len(round_trips)
        call()
        return len(round_trips) - before

    asked(FEW)

    assert asked(SEVERAL) == asked(FEW + 1)


def test_an_import_asks_as_many_questions_about_many_records_as_about_few(
    app: App, tmp_path: Path, round_trips: list[int]
) -> None:
    """Of records that are new, that have ended since, and that the source has numbered anew."""

    def asked(count: int) -> list[int]:
        made = []
        for state, month in (("open", 1), ("closed", 1), ("closed", 2)):
            issues = [_issue(count, n, state, month) for n in range(count)]
            file = tmp_path / "issues.jsonl"
            file.write_text("".join(f"{json.dumps(issue)}\n" for issue in issues), encoding="utf-8")
            before = len(round_trips)
            ImportRequest(source="beads", path=file, by="tester").run(app)
            made.append(len(round_trips) - before)
        return made

    asked(FEW)

    assert asked(MANY) == asked(FEW + 1)


Write = Callable[[Perform, str], Any]
MOST: dict[str, tuple[int, Write]] = {  # round trips of a write, which is given the id of its item
    "retitle": (2, lambda perform, item: perform("update_work_item", id=item, version=1, title="Other")),
    "comment": (4, lambda perform, item: perform("comment", id=item, text="Seen")),
    "claim": (4, lambda perform, item: perform("claim_work_item", action="claim", id=item)),
    "relate": (5, lambda perform, item: perform("link_work_items", id=item, kind="relates_to", to_id=another(perform))),
}


@each("kind", MOST)
def test_a_write_takes_no_more_round_trips_than_it_needs(perform: Perform, round_trips: list[int], kind: str) -> None:
    most, write = MOST[kind]
    asked = []
    for _ in range(2):  # the first one finds out what a process knows later
        item = another(perform)
        before = len(round_trips)
        write(perform, item)
        asked.append(len(round_trips) - before)

    assert asked[1] <= most


def another(perform: Perform) -> str:
    made: str = perform("create_work_item", item_type="task", title="Another")["id"]
    return made


def test_the_first_question_of_a_process_takes_two_round_trips_and_the_next_one_one(
    app: App, round_trips: list[int]
) -> None:
    tables = PostgresTables(app.database, app.identity.key)

    for _ in range(2):
        tables.ask("work_items/parents")

    assert len(round_trips) == 2 + 1


def _issue(count: int, n: int, state: str, month: int) -> dict[str, Any]:
    moment = f"2026-0{month}-0{n % 9 + 1}T10:00:00Z"
    ended = {"closed_at": moment} if state == "closed" else {}
    title = f"Issue {count} {n} {month}"
    return {
        "id": f"b{count}-{n}",
        "title": title,
        "status": state,
        "issue_type": "task",
        "priority": 2,
        "created_at": moment,
        "updated_at": moment,
        **ended,
    }


def deleted_tree(perform: Perform) -> str:
    root = tree(perform, 1)
    perform("update_work_item", id=root, version=1, deleted=True, cascade=True)
    return root


def tree(perform: Perform, count: int) -> str:
    """An item with so many below it."""
    root: str = perform("create_work_item", item_type="task", title="Root")["ref"]
    below = [{"op": "create", "item_type": "task", "title": f"Below {n}", "parent_id": root} for n in range(count)]
    perform("bulk_work_items", items=below)
    return root


def created(perform: Perform, count: int) -> Items:
    """So many items, each below one of its own, whose reference is `parent`."""
    parents: Items = [
        {"op": "create", "item_type": "task", "title": f"Parent {n}", "key": f"{n}"} for n in range(count)
    ]
    children: Items = [
        {"op": "create", "item_type": "task", "title": f"Child {n}", "parent_id": f"${n}"} for n in range(count)
    ]
    made: Items = perform("bulk_work_items", items=parents + children)["results"]
    return [child | {"parent": parent["ref"]} for parent, child in zip(made, made[count:], strict=False)]
