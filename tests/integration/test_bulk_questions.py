"""What a bulk asks of the database: as much for many items as for few."""

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import pytest

from ledger.errors import Refused
from ledger.libpq.round_trip import RoundTrips, Rows, Statement, Tuples
from tests.conftest import Perform
from tests.support.each import each

Change = Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]]
Items = list[dict[str, Any]]
FEW, MANY = 3, 30


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
        changes = [CHANGES[kind](item, other) for item, other in zip(items, others, strict=True)]
        before = len(round_trips)
        with suppress(Refused):  # of a call of which nothing can be read
            perform("bulk_work_items", items=changes, all_or_nothing=False)
        return len(round_trips) - before

    asked(FEW)

    assert asked(MANY) == asked(FEW)


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
