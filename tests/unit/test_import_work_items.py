"""What an import records, by what its source gave before and what was done here since."""

from datetime import datetime
from typing import Any

from ledger.aggregates.configuration.events import ConfigurationChanged
from ledger.aggregates.work_item.commands import Attribution, ImportedItem, ImportedLink, ImportWorkItems
from ledger.aggregates.work_item.decider import decider
from ledger.aggregates.work_item.events import (
    WorkItemBlocked,
    WorkItemCompleted,
    WorkItemCreated,
    WorkItemDeleted,
    WorkItemLinked,
    WorkItemMoved,
    WorkItemRevised,
    WorkItemStatusChanged,
)
from ledger.aggregates.work_item.imported.item_plan import plan
from ledger.aggregates.work_item.state import Link
from ledger.catalog import fold_stream
from ledger.envelope import Past
from ledger.values.moment import parse
from ledger.values.revision import Change
from ledger.world import World
from tests.support.given import CONFIGURATION, ENTITY, LEDGER, Neighbours, given, numbered

OTHER = numbered(1)
ABSENT = numbered(2)


def day(number: int) -> datetime:
    return parse(f"2026-03-{number:02}T10:00:00Z")


def mark(number: int, by: str = "ann") -> Attribution:
    return Attribution(by=by, at=day(number))


def item(entity_id: str = ENTITY, *links: ImportedLink, **more: Any) -> ImportedItem:
    fields = {"item_type": "task", "title": "T"} | more.pop("fields", {})
    plain: dict[str, Any] = {"status": "active", "created": mark(1), "changed": mark(1)}
    return ImportedItem(id=entity_id, external_id=f"x-{entity_id[:4]}", fields=fields, links=links, **plain | more)


def link(kind: str, to: str = OTHER, at: int = 2) -> ImportedLink:
    return ImportedLink(kind=kind, to_id=to, to="x", word=kind, made=mark(at, "bob"))


def source(*items: ImportedItem) -> ImportWorkItems:
    return ImportWorkItems(source="beads", items=items)


def created(entity_id: str = ENTITY, **more: Any) -> WorkItemCreated:
    return WorkItemCreated(
        **{"item_type": "task", "title": "T", "external_source": "beads", "external_id": f"x-{entity_id[:4]}"} | more
    )


def empty_world() -> World:
    return World(LEDGER, lambda _: Past(head=0, now=day(9), events={}), fold_stream, Neighbours())


def test_a_new_item_is_created_closed_and_linked_by_whom_and_when_the_source_says() -> None:
    command = source(
        item(ENTITY, link("discovered_from"), status="completed", settled=mark(3, "cid"), changed=mark(3)), item(OTHER)
    )

    decided = decider.decide(command, empty_world())

    assert [entry[1:] for entry in decided if entry[0].endswith(ENTITY)] == [
        (created(), "ann", day(1)),
        (WorkItemLinked(kind="discovered_from", to_id=OTHER), "bob", day(2)),
        (WorkItemCompleted(), "cid", day(3)),
    ]


def test_a_later_change_that_the_source_only_dates_is_recorded_at_its_time() -> None:
    stated = item(fields={"metadata": {"source_updated_at": "then", "k": 1}}, changed=mark(4))

    revised = WorkItemRevised(changes={"metadata.source_updated_at": Change(new="then")})
    given(decider).when(source(stated)).then(created(metadata={"k": 1}), revised)


def test_a_dependency_stands_in_the_stream_of_the_blocker() -> None:
    outcome = given(decider).when(source(item(ENTITY, link("depends_on")), item(OTHER)))

    outcome.then(created(), (OTHER, created(OTHER)), (OTHER, WorkItemLinked(kind="blocks", to_id=ENTITY)))


def test_a_parent_that_came_later_is_a_move() -> None:
    outcome = given(decider).when(source(item(ENTITY, link("parent", at=5)), item(OTHER)))

    outcome.then(created(), (OTHER, created(OTHER)), WorkItemMoved(new_parent_id=OTHER))


def test_a_second_parent_is_kept_as_a_relation() -> None:
    third = numbered(3)

    outcome = given(decider).when(
        source(item(ENTITY, link("parent", at=1), link("parent", to=third, at=2)), item(OTHER), item(third))
    )

    outcome.then_it_has(parent_id=OTHER, links=(Link(kind="relates_to", to_id=third, note="parent"),))


def test_a_link_to_an_absent_item_is_kept_in_the_metadata_until_that_is_there() -> None:
    kept = {"x": {"type": "depends_on", "created_at": "2026-03-02T10:00:00.000000Z", "created_by": "bob"}}

    given(decider).when(source(item(ENTITY, link("depends_on", to=ABSENT), link("relates_to", to=ENTITY)))).then(
        created(metadata={"source_links": kept})
    )


def test_a_link_to_an_item_that_only_the_ledger_has_is_taken() -> None:
    history = given(decider).past(WorkItemCreated(item_type="task", title="here"), of=OTHER)

    history.when(source(item(ENTITY, link("relates_to")))).then(
        created(), WorkItemLinked(kind="relates_to", to_id=OTHER, note="relates_to")
    )


def test_what_waits_for_its_own_child_or_parent_has_a_plain_link_that_blocks_nothing() -> None:
    child, grandchild = (
        item(OTHER, link("parent", to=ENTITY)),
        item(ABSENT, link("parent"), link("depends_on", to=ENTITY)),
    )

    outcome = given(decider).when(source(item(ENTITY, link("depends_on", to=ABSENT)), child, grandchild))

    outcome.then_it_has(links=(Link(kind="relates_to", to_id=ABSENT, note="depends_on"),))


def test_a_plain_link_in_place_of_one_that_waits_for_ever_is_reported() -> None:
    planned = plan(
        source(item(ENTITY, link("depends_on", to=OTHER)), item(OTHER, link("parent", to=ENTITY))), empty_world()
    )

    assert [finding.kind for finding in planned.warnings] == ["waits_within_its_own_line"]


def test_what_waits_for_its_sibling_waits() -> None:
    sibling = item(ABSENT, link("parent", to=OTHER))

    outcome = given(decider, ABSENT).when(
        source(item(ENTITY, link("parent"), link("depends_on", to=ABSENT)), sibling, item(OTHER))
    )

    outcome.then_it_has(links=(Link(kind="blocks", to_id=ENTITY),))


def test_closed_over_open_children_it_is_completed_with_force_as_imported() -> None:
    parent = item(OTHER, status="completed", settled=mark(4), changed=mark(4))

    outcome = given(decider, OTHER).when(source(item(ENTITY, link("parent", at=1)), parent))

    outcome.then_it_has(status="completed", forced="as imported")


def test_blocked_and_deleted_are_recorded_with_the_reason_imported() -> None:
    stated = item(status="blocked", changed=mark(2), removed=mark(3))

    given(decider).when(source(stated)).then(created(), WorkItemBlocked(reason="imported"), WorkItemDeleted())


def test_facts_are_in_the_order_of_time_over_all_items() -> None:
    command = source(item(OTHER, created=mark(6), changed=mark(6)), item(ENTITY))

    given(decider).when(command).then(created(), (OTHER, created(OTHER)))


def test_a_word_of_the_source_is_kept_with_the_category_that_it_means() -> None:
    stated = item(status="in_progress", category="active", settled=mark(3, "cid"), fields={"assignee": "bob"})

    outcome = given(decider).when(source(stated))

    outcome.then(created(assignee="bob"), WorkItemStatusChanged(status="in_progress", category="active"))
    outcome.then_it_has(status="in_progress", category="active", assignee="bob")


def test_a_word_that_means_a_state_of_the_ledger_or_an_original_one_is_that_state() -> None:
    states = [{"name": "In Progress", "category": "active"}]
    configured = ConfigurationChanged(changes={"states": Change([], states)})
    history = given(decider).elsewhere("configuration", CONFIGURATION, configured)

    history.when(source(item(status="in_progress", category="planned"))).then_it_has(
        status="In Progress", category="active"
    )
    history.when(source(item(status="Completed", category="dropped"))).then(created(), WorkItemCompleted())


def test_a_finished_word_of_the_source_finishes_the_item_over_what_is_open() -> None:
    parent = item(OTHER, status="cancelled", category="dropped", settled=mark(4), changed=mark(4))

    outcome = given(decider).when(source(item(ENTITY, link("parent", at=1)), parent))

    outcome.then(
        created(parent_id=OTHER),
        (OTHER, created(OTHER)),
        (OTHER, WorkItemStatusChanged(status="cancelled", category="dropped", forced="as imported")),
    )
