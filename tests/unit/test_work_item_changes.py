"""Changing the fields of work items."""

from datetime import timedelta

from ledger.aggregates.work_item.commands import UpdateWorkItem
from ledger.aggregates.work_item.decider import decider
from ledger.aggregates.work_item.events import WorkItemCreated, WorkItemRevised
from ledger.errors import NotFound, VersionConflict
from ledger.values.moment import text
from ledger.values.revision import Change
from tests.support.each import each
from tests.support.given import ENTITY, FIRST_DAY, given

CREATED = WorkItemCreated(item_type="task", title="T", description="D", assignee="ada", priority=3, tags=("one",))


def test_a_revision_holds_only_what_changed_old_and_new() -> None:
    update = UpdateWorkItem(id=ENTITY, expected=1, fields={"title": "Better", "description": "D", "priority": 1})

    outcome = given(decider).past(CREATED).when(update)

    outcome.then(WorkItemRevised(changes={"title": Change("T", "Better"), "priority": Change(3, 1)}))


def test_an_update_that_changes_nothing_records_nothing() -> None:
    update = UpdateWorkItem(id=ENTITY, expected=1, fields={"title": "T", "tags": ["one"]}, status="active")

    given(decider).past(CREATED).when(update).then_nothing()


@each(("field", "empty"), [("description", None), ("assignee", None), ("tags", ())])
def test_a_cleared_field_is_empty(field: str, empty: object) -> None:
    update = UpdateWorkItem(id=ENTITY, expected=1, fields={field: None})

    given(decider).past(CREATED).when(update).then_it_has(**{field: empty})


def test_a_field_that_is_not_named_keeps_its_value() -> None:
    update = UpdateWorkItem(id=ENTITY, expected=1, fields={"description": None})

    given(decider).past(CREATED).when(update).then_it_has(title="T", assignee="ada", tags=("one",))


def test_a_project_needs_no_description() -> None:
    history = given(decider).past(WorkItemCreated(item_type="project", title="P", description="D"))

    history.when(UpdateWorkItem(id=ENTITY, expected=1, fields={"description": None})).then_it_has(description=None)


def test_an_imported_project_without_description_can_be_renamed() -> None:
    history = given(decider).past(WorkItemCreated(item_type="project", title="P"))

    history.when(UpdateWorkItem(id=ENTITY, expected=1, fields={"title": "Q"})).then_it_has(title="Q", description=None)


def test_a_stale_writer_gets_both_versions_and_what_happened_since() -> None:
    history = given(decider).past(CREATED, WorkItemRevised(changes={"title": Change("T", "U")}))

    outcome = history.when(UpdateWorkItem(id=ENTITY, expected=1, fields={"title": "V"}))

    outcome.then_refused(
        VersionConflict,
        expected=1,
        actual=2,
        by="somebody",
        changed_since=[
            {
                "version": 2,
                "event": "WorkItemRevised",
                "by": "somebody",
                "at": text(FIRST_DAY + timedelta(minutes=2)),
                "fields": ["title"],
                "values": {"title": "U"},
            }
        ],
    )


def test_a_stale_writer_reads_the_new_values_that_are_short() -> None:
    changes = {"description": Change(None, "d" * 500), "priority": Change(None, 2), "assignee": Change(None, "ann")}
    history = given(decider).past(CREATED, WorkItemRevised(changes=changes))

    outcome = history.when(UpdateWorkItem(id=ENTITY, expected=1, fields={"title": "V"}))

    outcome.then_refused(
        VersionConflict,
        changed_since=[
            {
                "version": 2,
                "event": "WorkItemRevised",
                "by": "somebody",
                "at": text(FIRST_DAY + timedelta(minutes=2)),
                "fields": ["assignee", "description", "priority"],
                "values": {"assignee": "ann", "priority": 2},
            }
        ],
    )


def test_a_version_that_does_not_exist_yet_is_a_conflict_too() -> None:
    outcome = given(decider).past(CREATED).when(UpdateWorkItem(id=ENTITY, expected=2, fields={"title": "V"}))

    outcome.then_refused(VersionConflict, expected=2, actual=1)


def test_what_does_not_exist_cannot_be_changed() -> None:
    given(decider).when(UpdateWorkItem(id=ENTITY, expected=1, fields={"title": "V"})).then_refused(NotFound, id=ENTITY)
