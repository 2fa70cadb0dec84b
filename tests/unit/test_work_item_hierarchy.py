"""Moving work items in the tree."""

from ledger.aggregates.work_item.commands import UpdateWorkItem
from ledger.aggregates.work_item.decider import decider
from ledger.aggregates.work_item.events import WorkItemCreated, WorkItemMoved
from ledger.errors import NotFound, Refused
from ledger.world import Neighbour
from tests.support.given import ENTITY, Given, given, numbered

OLD, NEW, BELOW = numbered(1), numbered(2), numbered(3)
NEW_PARENT = Neighbour(id=NEW, title="the new parent", status="active")
MOVE = UpdateWorkItem(id=ENTITY, expected=1, parent_id=NEW)


def item() -> Given:
    return given(decider).past(WorkItemCreated(item_type="task", title="T", parent_id=OLD))


def test_a_move_names_both_parents() -> None:
    outcome = item().around(lineage={NEW: [NEW_PARENT]}).when(MOVE)

    outcome.then(WorkItemMoved(old_parent_id=OLD, new_parent_id=NEW)).then_it_has(parent_id=NEW)
    outcome.looking_at("existence", "hierarchy", "links")


def test_none_makes_a_root() -> None:
    outcome = item().when(UpdateWorkItem(id=ENTITY, expected=1, parent_id=None))

    outcome.then(WorkItemMoved(old_parent_id=OLD)).then_it_has(parent_id=None)


def test_not_naming_a_parent_does_not_move() -> None:
    item().when(UpdateWorkItem(id=ENTITY, expected=1)).then_nothing()


def test_moving_to_the_parent_it_has_is_no_change() -> None:
    item().when(UpdateWorkItem(id=ENTITY, expected=1, parent_id=OLD)).then_nothing()


def test_an_item_is_not_its_own_parent() -> None:
    item().when(UpdateWorkItem(id=ENTITY, expected=1, parent_id=ENTITY)).then_refused(Refused, rule="hierarchy_cycle")


def test_an_item_does_not_move_below_its_own_descendant() -> None:
    neighbours = {
        "lineage": {NEW: [NEW_PARENT]},
        "precedes": [(("start", ENTITY), ("start", NEW))],
    }

    item().around(**neighbours).when(MOVE).then_refused(Refused, rule="hierarchy_cycle")


def test_an_item_does_not_move_below_one_that_must_finish_before_it() -> None:
    neighbours = {
        "lineage": {NEW: [NEW_PARENT]},
        "precedes": [(("finish", NEW), ("finish", ENTITY))],
    }

    item().around(**neighbours).when(MOVE).then_refused(Refused, rule="dependency_cycle")


def test_the_new_parent_must_exist() -> None:
    item().when(MOVE).then_refused(NotFound, field="parent_id", id=NEW)


def test_the_new_parent_must_not_be_deleted() -> None:
    gone = Neighbour(id=NEW, title="gone", status="active", deleted=True)

    item().around(lineage={NEW: [gone]}).when(MOVE).then_refused(Refused, rule="parent_deleted")


def test_the_depth_limit_counts_the_whole_subtree_that_moves() -> None:
    above = [NEW_PARENT, *(Neighbour(id=numbered(10 + n), title="above", status="active") for n in range(3))]
    subtree = [
        Neighbour(id=ENTITY, title="T", status="active"),
        Neighbour(id=BELOW, title="a child", status="active", depth=1),
        Neighbour(id=numbered(4), title="a grandchild", status="active", depth=2),
    ]

    outcome = item().around(lineage={NEW: above}, subtree={ENTITY: subtree}).when(MOVE)

    outcome.then_refused(Refused, rule="depth_limit", depth=6, limit=5)


def test_a_subtree_that_just_fits_is_moved() -> None:
    above = [NEW_PARENT, *(Neighbour(id=numbered(10 + n), title="above", status="active") for n in range(3))]
    subtree = [
        Neighbour(id=ENTITY, title="T", status="active"),
        Neighbour(id=BELOW, title="a child", status="active", depth=1),
    ]

    outcome = item().around(lineage={NEW: above}, subtree={ENTITY: subtree}).when(MOVE)

    outcome.then_it_has(parent_id=NEW)
