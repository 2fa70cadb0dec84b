"""Which status follows which, and what completion waits for."""

from typing import Any

import pytest

from ledger.aggregates.work_item.commands import UpdateWorkItem
from ledger.aggregates.work_item.decider import decider
from ledger.aggregates.work_item.events import (
    WorkItemBlocked,
    WorkItemCompleted,
    WorkItemCreated,
    WorkItemDeleted,
    WorkItemReopened,
    WorkItemUnblocked,
)
from ledger.envelope import Fact
from ledger.errors import Refused
from ledger.values.revision import Change
from ledger.world import Neighbour
from tests.support.each import each
from tests.support.given import ENTITY, Given, given, numbered

CREATED = WorkItemCreated(item_type="task", title="T")
BLOCKED = WorkItemBlocked(reason="no key")
CHILD = Neighbour(id=numbered(1), title="a child", status="active", parent_id=ENTITY, depth=1)
GRANDCHILD = Neighbour(id=numbered(2), title="a grandchild", status="active", parent_id=numbered(1), depth=2)
BLOCKER = Neighbour(id=numbered(3), title="a blocker", status="active")
ITSELF = Neighbour(id=ENTITY, title="T", status="active")


def item(*further: Fact) -> Given:
    return given(decider).past(CREATED, *further)


def to(status: str, *, expected: int = 1, reason: str | None = None, force: bool = False) -> UpdateWorkItem:
    return UpdateWorkItem(id=ENTITY, expected=expected, status=status, reason=reason, force=force)


def test_an_active_item_is_blocked_with_a_reason() -> None:
    outcome = item().when(to("blocked", reason="no key"))

    outcome.then(BLOCKED).then_it_has(status="blocked", block_reason="no key")


@each("reason", [None, "", "  "])
def test_blocking_needs_a_reason(reason: str | None) -> None:
    item().when(to("blocked", reason=reason)).then_invalid("reason")


def test_an_unblocked_item_forgets_the_reason() -> None:
    outcome = item(BLOCKED).when(to("active", expected=2))

    outcome.then(WorkItemUnblocked()).then_it_has(status="active", block_reason=None)


def test_an_active_item_is_completed() -> None:
    item().when(to("completed")).then(WorkItemCompleted()).then_it_has(status="completed", forced=None)


def test_a_completed_item_is_reopened() -> None:
    outcome = item(WorkItemCompleted(forced="late")).when(to("active", expected=2))

    outcome.then(WorkItemReopened()).then_it_has(status="active", forced=None)


@pytest.mark.parametrize(
    ("fact", "before", "after"), [(BLOCKED, "blocked", "completed"), (WorkItemCompleted(), "completed", "blocked")]
)
def test_other_ways_lead_through_active(fact: Fact, before: str, after: str) -> None:
    outcome = item(fact).when(to(after, expected=2, reason="because"))

    outcome.then_refused(Refused, rule="status_transition", present=before, wanted=after)


@each(("further", "status"), [([], "active"), ([BLOCKED], "blocked"), ([WorkItemCompleted()], "completed")])
def test_the_same_status_again_is_no_change(further: list[Fact], status: str) -> None:
    item(*further).when(to(status, expected=1 + len(further))).then_nothing()


def test_an_item_with_an_unfinished_child_is_not_completed() -> None:
    outcome = item().around(subtree={ENTITY: [ITSELF, CHILD, GRANDCHILD]}).when(to("completed"))

    refusal = outcome.then_refused(Refused, rule="unfinished", children=[CHILD.id], blockers=[])
    assert [shown["title"] for shown in refusal.details["items"]] == ["a child"]


def test_an_item_with_an_open_blocker_is_not_completed() -> None:
    outcome = item().around(blockers={ENTITY: [BLOCKER]}).when(to("completed"))

    outcome.then_refused(Refused, rule="unfinished", children=[], blockers=[BLOCKER.id])


@pytest.mark.parametrize(
    "child",
    [
        Neighbour(id=CHILD.id, title="done", status="completed", depth=1),
        Neighbour(id=CHILD.id, title="gone", status="active", deleted=True, depth=1),
    ],
)
def test_finished_and_deleted_children_do_not_hold_it_back(child: Neighbour) -> None:
    outcome = item().around(subtree={ENTITY: [ITSELF, child]}).when(to("completed"))

    outcome.then(WorkItemCompleted()).looking_at("creation", "existence", "hierarchy", "links", "reopening")


def test_a_blocked_child_is_unfinished() -> None:
    child = Neighbour(id=CHILD.id, title="stuck", status="blocked", depth=1)

    outcome = item().around(subtree={ENTITY: [ITSELF, child]}).when(to("completed"))

    outcome.then_refused(Refused, rule="unfinished", children=[CHILD.id])


def test_forced_completion_records_its_reason() -> None:
    neighbours = {"subtree": {ENTITY: [ITSELF, CHILD]}, "blockers": {ENTITY: [BLOCKER]}}

    outcome = item().around(**neighbours).when(to("completed", force=True, reason="the rest is dropped"))

    outcome.then(WorkItemCompleted(forced="the rest is dropped")).then_it_has(forced="the rest is dropped")


def test_forced_completion_needs_a_reason() -> None:
    item().around(blockers={ENTITY: [BLOCKER]}).when(to("completed", force=True)).then_invalid("reason")


def test_force_that_was_not_needed_leaves_no_mark() -> None:
    item().when(to("completed", force=True, reason="to be sure")).then(WorkItemCompleted(reason="to be sure"))


def test_fields_and_status_change_together() -> None:
    update = UpdateWorkItem(id=ENTITY, expected=1, fields={"notes": "done at last"}, status="completed")

    outcome = item().when(update)

    outcome.then_it_has(notes="done at last", status="completed")


def test_what_else_is_revised_when_the_status_changes_is_part_of_the_one_fact() -> None:
    command = UpdateWorkItem(id=ENTITY, expected=1, fields={"notes": "done at last"}, status="completed")

    outcome = item().when(command)

    outcome.then(WorkItemCompleted(also={"notes": Change(None, "done at last")}))
    outcome.then_it_has(status="completed", notes="done at last")


@each(
    ("past", "change"),
    [
        ([], {"status": "completed"}),
        ([], {"fields": {"notes": "n"}}),
        ([], {"deleted": True}),
        ([WorkItemDeleted()], {"deleted": False}),
        ([WorkItemCompleted()], {"status": "active"}),
        ([BLOCKED], {"status": "active"}),
        ([BLOCKED], {"status": "blocked"}),
    ],
)
def test_a_reason_that_is_taken_is_recorded_whatever_changes(past: list[Fact], change: dict[str, Any]) -> None:
    command = UpdateWorkItem(id=ENTITY, expected=1 + len(past), reason="so it was agreed", **change)
    itself = Neighbour(id=ENTITY, title="T", status="active", category="active")

    facts = given(decider).past(CREATED, *past).around(subtree={ENTITY: [itself]}).when(command).facts

    assert "so it was agreed" in [fact.reason for fact in facts]


def test_a_reason_without_a_change_is_refused_for_nothing_would_keep_it() -> None:
    given(decider).past(CREATED).when(UpdateWorkItem(id=ENTITY, expected=1, reason="so")).then_invalid("reason")
    given(decider).past(CREATED, WorkItemCompleted()).when(
        UpdateWorkItem(id=ENTITY, expected=2, status="completed", reason="again")
    ).then_invalid("reason")
