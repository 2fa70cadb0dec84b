"""What may be archived, and how it comes back."""

from datetime import timedelta

from ledger.aggregates.work_item.commands import (
    ArchiveWorkItems,
    CreateWorkItem,
    LinkWorkItems,
    RestoreArchived,
    UpdateWorkItem,
)
from ledger.aggregates.work_item.decider import decider
from ledger.aggregates.work_item.events import (
    WorkItemArchived,
    WorkItemCompleted,
    WorkItemCreated,
    WorkItemReopened,
    WorkItemUnarchived,
)
from ledger.errors import Refused
from ledger.world import Neighbour
from tests.support.given import ENTITY, FIRST_DAY, NOW, Given, given, numbered

CREATED = WorkItemCreated(item_type="task", title="T")
CHILD, PARENT = numbered(1), numbered(2)
ROOT = Neighbour(id=ENTITY, title="T", status="completed")
DAYS = (NOW - FIRST_DAY) // timedelta(days=1)  # between what happened and now


def finished() -> Given:
    return given(decider).past(CREATED, WorkItemCompleted()).past(CREATED, WorkItemCompleted(), of=CHILD)


def tree(status: str = "completed", *, archived: bool = False, deleted: bool = False) -> dict[str, list[Neighbour]]:
    child = Neighbour(id=CHILD, title="C", status=status, parent_id=ENTITY, depth=1, archived=archived, deleted=deleted)
    return {ENTITY: [ROOT, child]}


def test_all_that_is_old_enough_is_archived_in_one_append() -> None:
    outcome = finished().around(finished=[ENTITY, CHILD]).when(ArchiveWorkItems(older_than_days=0))

    outcome.then(WorkItemArchived(), (CHILD, WorkItemArchived())).then_it_has(archived=True)


def test_what_changed_after_it_was_found_is_decided_again() -> None:
    finished().around(finished=[ENTITY]).when(ArchiveWorkItems(older_than_days=DAYS + 1)).then_again()


def test_an_item_is_archived_with_its_whole_subtree() -> None:
    outcome = finished().around(subtree=tree()).when(ArchiveWorkItems(id=ENTITY))

    outcome.then(WorkItemArchived(), (CHILD, WorkItemArchived()))
    outcome.looking_at("creation", "existence", "hierarchy", "reopening")


def test_never_a_part_of_a_tree() -> None:
    refusal = (
        finished()
        .around(subtree=tree("active"))
        .when(ArchiveWorkItems(id=ENTITY))
        .then_refused(Refused, rule="unfinished")
    )

    assert [item["id"] for item in refusal.details["items"]] == [CHILD]


def test_a_deleted_child_is_as_good_as_a_finished_one() -> None:
    outcome = finished().around(subtree=tree("active", deleted=True)).when(ArchiveWorkItems(id=ENTITY))

    outcome.then(WorkItemArchived(), (CHILD, WorkItemArchived()))


def test_what_is_archived_already_is_not_archived_again() -> None:
    finished().around(subtree=tree(archived=True)).when(ArchiveWorkItems(id=ENTITY)).then(WorkItemArchived())


def test_a_younger_item_is_refused_when_an_age_is_named() -> None:
    asked = finished().around(subtree=tree()).when(ArchiveWorkItems(id=ENTITY, older_than_days=DAYS + 1))

    refusal = asked.then_refused(Refused, rule="too_recent")
    assert [item["id"] for item in refusal.details["items"]] == [ENTITY, CHILD]


def test_it_comes_back_with_what_is_below_and_above_it() -> None:
    above = Neighbour(id=PARENT, title="P", status="completed", archived=True)
    itself = Neighbour(id=ENTITY, title="T", status="completed", archived=True)
    world = finished().past(CREATED, of=PARENT).around(lineage={ENTITY: [itself, above]}, subtree=tree(archived=True))

    outcome = world.when(RestoreArchived(id=ENTITY))

    outcome.then((PARENT, WorkItemUnarchived()), WorkItemUnarchived(), (CHILD, WorkItemUnarchived()))


def test_an_archived_item_changes_only_after_it_came_back() -> None:
    archived = given(decider).past(CREATED, WorkItemCompleted(), WorkItemArchived())

    refusal = archived.when(UpdateWorkItem(id=ENTITY, expected=3, fields={"notes": "n"})).then_refused(
        Refused, rule="archived"
    )
    assert "restore" in refusal.next_step
    link = LinkWorkItems(id=ENTITY, kind="relates_to", to_id=CHILD)
    archived.past(CREATED, of=CHILD).when(link).then_refused(Refused, rule="archived")


def test_nothing_is_created_below_an_archived_parent() -> None:
    parent = Neighbour(id=PARENT, title="P", status="completed", archived=True)
    creating = CreateWorkItem(id=ENTITY, item_type="task", title="T", parent_id=PARENT)

    given(decider).around(lineage={PARENT: [parent]}).when(creating).then_refused(Refused, rule="parent_archived")


def test_what_its_source_reopens_is_no_longer_archived() -> None:
    reopened = given(decider).past(CREATED, WorkItemCompleted(), WorkItemArchived(), WorkItemReopened())

    reopened.when(UpdateWorkItem(id=ENTITY, expected=4, fields={"notes": "n"})).then_it_has(archived=False, notes="n")
