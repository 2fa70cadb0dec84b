"""Deleting work items and bringing them back, alone and with what is below them."""

from ledger.aggregates.work_item.commands import UpdateWorkItem
from ledger.aggregates.work_item.decider import decider
from ledger.aggregates.work_item.events import WorkItemCompleted, WorkItemCreated, WorkItemDeleted, WorkItemRestored
from ledger.errors import Refused
from ledger.world import Neighbour
from tests.support.given import ENTITY, Given, given, numbered

PARENT, CHILD, GRANDCHILD = numbered(1), numbered(2), numbered(3)
DELETE = UpdateWorkItem(id=ENTITY, expected=1, deleted=True)
CASCADE = UpdateWorkItem(id=ENTITY, expected=1, deleted=True, cascade=True)
RESTORE = UpdateWorkItem(id=ENTITY, expected=2, deleted=False)


def item(parent_id: str | None = None) -> Given:
    return given(decider).past(WorkItemCreated(item_type="task", title="T", parent_id=parent_id))


def a_subtree(*deleted: str) -> dict[str, list[Neighbour]]:
    """The item, a child and a grandchild, some of them deleted."""
    itself = Neighbour(id=ENTITY, title="T", status="active", deleted=ENTITY in deleted)
    child = Neighbour(id=CHILD, title="a child", status="active", deleted=CHILD in deleted, depth=1)
    below = Neighbour(id=GRANDCHILD, title="a grandchild", status="active", deleted=GRANDCHILD in deleted, depth=2)
    return {ENTITY: [itself, child, below]}


def test_an_item_is_deleted_and_kept() -> None:
    item().when(DELETE).then(WorkItemDeleted()).then_it_has(deleted=True, title="T")


def test_a_completed_item_can_be_deleted() -> None:
    history = item().past(WorkItemCompleted())

    history.when(UpdateWorkItem(id=ENTITY, expected=2, deleted=True)).then(WorkItemDeleted())


def test_an_item_with_living_children_is_not_deleted() -> None:
    outcome = item().around(subtree=a_subtree()).when(DELETE)

    refusal = outcome.then_refused(Refused, rule="living_children")
    assert [shown["id"] for shown in refusal.details["items"]] == [CHILD, GRANDCHILD]


def test_deleted_children_do_not_hold_it_back() -> None:
    outcome = item().around(subtree=a_subtree(CHILD, GRANDCHILD)).when(DELETE)

    outcome.then(WorkItemDeleted()).looking_at("creation", "existence", "hierarchy")


def test_a_cascade_deletes_the_living_subtree_in_one_decision() -> None:
    outcome = item().around(subtree=a_subtree()).when(CASCADE)

    outcome.then(
        WorkItemDeleted(),
        (CHILD, WorkItemDeleted(cascade_of=ENTITY)),
        (GRANDCHILD, WorkItemDeleted(cascade_of=ENTITY)),
    )


def test_a_cascade_leaves_alone_what_was_deleted_before() -> None:
    outcome = item().around(subtree=a_subtree(GRANDCHILD)).when(CASCADE)

    outcome.then(WorkItemDeleted(), (CHILD, WorkItemDeleted(cascade_of=ENTITY)))


def test_a_deleted_item_is_restored() -> None:
    history = item().past(WorkItemDeleted())

    history.when(RESTORE).then(WorkItemRestored()).then_it_has(deleted=False)


def test_a_restored_cascade_brings_back_exactly_what_it_took() -> None:
    created = WorkItemCreated(item_type="task", title="below")
    history = item().past(WorkItemDeleted())
    history.past(created, WorkItemDeleted(cascade_of=ENTITY), of=CHILD)
    history.past(created, WorkItemDeleted(), of=GRANDCHILD)

    outcome = history.around(subtree=a_subtree(ENTITY, CHILD, GRANDCHILD)).when(RESTORE)

    outcome.then(WorkItemRestored(), (CHILD, WorkItemRestored()))


def test_an_item_below_a_deleted_parent_is_not_restored() -> None:
    above = [Neighbour(id=PARENT, title="the parent", status="active", deleted=True)]
    history = item(parent_id=PARENT).past(WorkItemDeleted(cascade_of=PARENT))

    outcome = history.around(lineage={PARENT: above}).when(RESTORE)

    outcome.then_refused(Refused, rule="parent_deleted")


def test_an_item_below_a_living_parent_is_restored() -> None:
    above = [Neighbour(id=PARENT, title="the parent", status="active")]
    history = item(parent_id=PARENT).past(WorkItemDeleted())

    history.around(lineage={PARENT: above}).when(RESTORE).then(WorkItemRestored())


def test_a_deleted_item_takes_no_other_change() -> None:
    history = item().past(WorkItemDeleted())

    history.when(UpdateWorkItem(id=ENTITY, expected=2, fields={"title": "X"})).then_refused(Refused, rule="deleted")


def test_an_item_is_restored_and_changed_in_one_command() -> None:
    history = item().past(WorkItemDeleted())

    outcome = history.when(UpdateWorkItem(id=ENTITY, expected=2, deleted=False, fields={"title": "X"}))

    outcome.then_it_has(deleted=False, title="X")


def test_restoring_what_is_not_deleted_is_no_change() -> None:
    item().when(UpdateWorkItem(id=ENTITY, expected=1, deleted=False)).then_nothing()
