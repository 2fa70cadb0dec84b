"""Whatever an operation takes as a reason, a note or a text is found again in the log."""

from collections.abc import Callable
from typing import Any

import pytest

from projections.operations.catalog import OPERATIONS
from tests.conftest import Perform

WORDS = "so it was agreed"
ARGUMENTS = ("reason", "note", "text")  # what callers say of an act
Item = dict[str, Any]
Act = Callable[[Perform, Item], object]


def update(perform: Perform, item: Item, **change: Any) -> object:
    version = perform("query_work_item", id=item["id"])["version"]
    return perform("update_work_item", id=item["id"], version=version, reason=WORDS, by="bob", **change)


def dropped(perform: Perform, item: Item) -> object:
    perform("update_project_configuration", version=0, states=[{"name": "wont_do", "category": "dropped"}])
    return update(perform, item, status="wont_do")


def reopened(perform: Perform, item: Item) -> object:
    perform("update_work_item", id=item["id"], version=1, status="completed")
    return update(perform, item, status="active")


def in_bulk(perform: Perform, item: Item) -> object:
    change = {"op": "update", "id": item["id"], "version": 1, "status": "completed", "reason": WORDS}
    return perform("bulk_work_items", items=[change])


def withdrawn(perform: Perform, item: Item) -> object:
    perform("question", id=item["id"], action="ask", whom="ann", text="?")
    return perform("question", id=item["id"], action="withdraw", text=WORDS)


def answered(perform: Perform, item: Item) -> object:
    perform("question", id=item["id"], action="ask", whom="ann", text="?")
    return perform("question", id=item["id"], action="answer", verdict="approve", text=WORDS, by="ann")


ACTS: dict[str, tuple[str, Act]] = {
    "completed": ("update_work_item", lambda perform, item: update(perform, item, status="completed")),
    "reopened": ("update_work_item", reopened),
    "dropped": ("update_work_item", dropped),
    "deleted": ("update_work_item", lambda perform, item: update(perform, item, deleted=True)),
    "retitled": ("update_work_item", lambda perform, item: update(perform, item, title="New")),
    "bulk": ("bulk_work_items", in_bulk),
    "withdrawn": ("question", withdrawn),
    "answered": ("question", answered),
    "asked": (
        "question",
        lambda perform, item: perform("question", id=item["id"], action="ask", whom="ann", text=WORDS),
    ),
    "comment": ("comment", lambda perform, item: perform("comment", id=item["id"], text=WORDS)),
    "effort": ("log_effort", lambda perform, item: perform("log_effort", id=item["id"], minutes=5, note=WORDS)),
}


@pytest.mark.parametrize("name", ACTS)
def test_what_was_said_of_an_act_is_in_the_history(perform: Perform, name: str) -> None:
    item = perform("create_work_item", item_type="task", title="T")

    ACTS[name][1](perform, item)

    newest = perform("query_history", id=item["id"])["items"][0]
    changes = perform("changes_since", since=0)["items"]
    assert WORDS in str(newest)
    assert WORDS in str(changes[-1])


def test_no_operation_takes_a_reason_that_is_not_tried_here() -> None:
    named = {
        each.name for each in OPERATIONS.values() if each.writes and set(ARGUMENTS) & each.input.model_fields.keys()
    }

    assert named <= {operation for operation, _ in ACTS.values()}


@pytest.mark.processes
def test_what_was_forced_over_a_claim_says_so_in_history_and_changes(perform: Perform) -> None:
    item = perform("create_work_item", item_type="task", title="T")
    perform("claim_work_item", action="claim", id=item["id"], by="ann")

    update(perform, item, status="completed", force=True)

    newest = perform("query_history", id=item["id"])["items"][0]
    change = perform("changes_since", since=0)["items"][-1]
    assert (newest["forced"], newest["forced_over"]) == (WORDS, "ann")
    assert (change["forced"], change["forced_over"]) == (WORDS, "ann")
