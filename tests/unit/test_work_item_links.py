"""Links between work items."""

import pytest

from ledger.aggregates.enhancement.events import EnhancementRecorded, EnhancementWithdrawn
from ledger.aggregates.work_item.commands import LinkWorkItems
from ledger.aggregates.work_item.decider import decider
from ledger.aggregates.work_item.events import WorkItemCreated, WorkItemDeleted, WorkItemLinked, WorkItemUnlinked
from ledger.aggregates.work_item.state import Link
from ledger.envelope import Fact
from ledger.errors import NotFound, Refused, VersionConflict
from tests.support.each import each
from tests.support.given import ENTITY, Given, given, numbered

OTHER = numbered(1)


def two_items() -> Given:
    history = given(decider).past(WorkItemCreated(item_type="task", title="One"))
    return history.past(WorkItemCreated(item_type="task", title="Other"), of=OTHER)


def link(kind: str, *, to: str = OTHER, note: str | None = None, expected: int | None = None) -> LinkWorkItems:
    return LinkWorkItems(id=ENTITY, kind=kind, to_id=to, note=note, expected=expected)


def unlink(kind: str) -> LinkWorkItems:
    return LinkWorkItems(id=ENTITY, kind=kind, to_id=OTHER, remove=True)


@each("kind", ["blocks", "relates_to", "discovered_from", "duplicates"])
def test_a_link_stands_in_the_stream_of_the_item_that_has_it(kind: str) -> None:
    outcome = two_items().when(link(kind, note="see there"))

    outcome.then(WorkItemLinked(kind=kind, to_id=OTHER, note="see there"))
    outcome.then_it_has(links=(Link(kind=kind, to_id=OTHER, note="see there"),))


def test_depends_on_is_stored_once_as_its_mirror() -> None:
    two_items().when(link("depends_on")).then((OTHER, WorkItemLinked(kind="blocks", to_id=ENTITY)))


def test_depends_on_is_no_change_where_its_mirror_stands() -> None:
    history = two_items().past(WorkItemLinked(kind="blocks", to_id=ENTITY), of=OTHER)

    history.when(link("depends_on")).then_nothing()


def test_relates_to_is_no_change_where_its_mirror_stands() -> None:
    history = two_items().past(WorkItemLinked(kind="relates_to", to_id=ENTITY), of=OTHER)

    history.when(link("relates_to")).then_nothing()


def test_the_same_link_again_is_no_change() -> None:
    history = two_items().past(WorkItemLinked(kind="blocks", to_id=OTHER, note="n"))

    history.when(link("blocks", note="n")).then_nothing()


def test_a_new_note_replaces_the_old_one() -> None:
    history = two_items().past(WorkItemLinked(kind="blocks", to_id=OTHER, note="old"))

    outcome = history.when(link("blocks", note="new"))

    outcome.then_it_has(links=(Link(kind="blocks", to_id=OTHER, note="new"),))


@each("kind", ["blocks", "depends_on", "relates_to", "discovered_from", "duplicates"])
def test_an_item_is_not_linked_to_itself(kind: str) -> None:
    two_items().when(link(kind, to=ENTITY)).then_invalid("to_id")


def test_both_ends_must_exist() -> None:
    two_items().when(link("blocks", to=numbered(9))).then_refused(NotFound, id=numbered(9))


def test_a_deleted_item_is_not_linked() -> None:
    history = two_items().past(WorkItemDeleted(), of=OTHER)

    refusal = history.when(link("relates_to")).then_refused(Refused, rule="deleted")
    assert [item["id"] for item in refusal.details["items"]] == [OTHER]


def test_an_item_does_not_block_what_must_start_before_it_is_finished() -> None:
    history = two_items().around(precedes=[(("start", OTHER), ("finish", ENTITY))])

    history.when(link("blocks")).then_refused(Refused, rule="dependency_cycle")


def test_depends_on_is_checked_in_the_direction_of_its_mirror() -> None:
    history = two_items().around(precedes=[(("start", ENTITY), ("finish", OTHER))])

    history.when(link("depends_on")).then_refused(Refused, rule="dependency_cycle")


def test_only_blocking_links_can_close_a_cycle() -> None:
    history = two_items().around(precedes=[(("start", OTHER), ("finish", ENTITY))])

    history.when(link("relates_to")).then(WorkItemLinked(kind="relates_to", to_id=OTHER))


def test_a_link_is_void_if_hierarchy_or_links_change_meanwhile() -> None:
    two_items().when(link("blocks")).looking_at("creation", "existence", "hierarchy", "links")


def test_a_removed_link_is_gone() -> None:
    history = two_items().past(WorkItemLinked(kind="blocks", to_id=OTHER))

    history.when(unlink("blocks")).then(WorkItemUnlinked(kind="blocks", to_id=OTHER)).then_it_has(links=())


@pytest.mark.parametrize(("stored", "named"), [("blocks", "depends_on"), ("relates_to", "relates_to")])
def test_a_link_is_removed_from_its_other_end_too(stored: str, named: str) -> None:
    history = two_items().past(WorkItemLinked(kind=stored, to_id=ENTITY), of=OTHER)

    history.when(unlink(named)).then((OTHER, WorkItemUnlinked(kind=stored, to_id=ENTITY)))


def test_removing_a_link_that_is_not_there_is_no_change() -> None:
    two_items().when(unlink("blocks")).then_nothing()


def test_links_need_no_version_but_respect_one() -> None:
    two_items().when(link("blocks", expected=7)).then_refused(VersionConflict, expected=7, actual=1)


def an_item_and_a_wish(*further: Fact) -> Given:
    return two_items().elsewhere("enhancement", OTHER, EnhancementRecorded(title="A wish"), *further)


def test_an_item_implements_an_enhancement_by_a_link_of_its_own_that_needs_no_version() -> None:
    given_both = an_item_and_a_wish()

    given_both.when(unlink("implements")).then_nothing()
    given_both.when(link("implements")).then(WorkItemLinked(kind="implements", to_id=OTHER))
    linked = given_both.past(WorkItemLinked(kind="implements", to_id=OTHER))
    linked.when(link("implements")).then_nothing()
    linked.when(unlink("implements")).then(WorkItemUnlinked(kind="implements", to_id=OTHER))


def test_only_an_enhancement_that_is_there_is_implemented() -> None:
    two_items().when(link("implements", to=numbered(7))).then_refused(NotFound)
    an_item_and_a_wish(EnhancementWithdrawn(undoes="c")).when(link("implements")).then_refused(Refused)
    an_item_and_a_wish().past(WorkItemDeleted()).when(link("implements")).then_refused(Refused, rule="deleted")
