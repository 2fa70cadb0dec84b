"""Creating work items."""

from ledger.aggregates.configuration.events import ConfigurationChanged
from ledger.aggregates.work_item.commands import CreateWorkItem
from ledger.aggregates.work_item.decider import decider
from ledger.aggregates.work_item.events import WorkItemCreated
from ledger.errors import NotFound, Refused
from ledger.values.revision import Change
from ledger.world import Neighbour
from tests.support.each import each
from tests.support.given import CONFIGURATION, ENTITY, given, numbered

PARENT = numbered(1)


def a_lineage(length: int, **first: object) -> list[Neighbour]:
    """The parent at depth length - 1, and its ancestors up to the root."""
    items = [Neighbour(id=numbered(1 + n), title=f"item {n}", status="active") for n in range(length)]
    return [Neighbour(id=PARENT, title="the parent", status="active", **first), *items[1:]]  # type: ignore[arg-type]  # test data


def test_a_new_item_is_active_and_of_middle_priority() -> None:
    command = CreateWorkItem(id=ENTITY, item_type="task", title="Write tests")

    outcome = given(decider).when(command)

    outcome.then(WorkItemCreated(item_type="task", title="Write tests", priority=3))
    outcome.then_it_has(status="active", priority=3, parent_id=None, deleted=False)


def test_every_field_that_is_given_is_recorded() -> None:
    fields = {
        "item_type": "task",
        "title": "Read scanned invoices",
        "description": "with OCR",
        "notes": "slow",
        "assignee": "ada",
        "branch_name": "feature/ocr",
        "commits": ("84b0fb4",),
        "pr_numbers": (12,),
        "priority": 1,
        "tags": ("ocr",),
        "metadata": {"estimated_hours": 2.5, "colour": "green"},
    }

    outcome = given(decider).when(CreateWorkItem(id=ENTITY, **fields))  # type: ignore[arg-type]  # test data

    outcome.then(WorkItemCreated(**fields))  # type: ignore[arg-type]  # test data
    outcome.then_it_has(**fields)


@each("item_type", ["project", "task", "research"])
def test_no_type_needs_a_description(item_type: str) -> None:
    command = CreateWorkItem(id=ENTITY, item_type=item_type, title="T")

    given(decider).when(command).then(WorkItemCreated(item_type=item_type, title="T", priority=3))


def test_all_faults_of_the_form_are_reported_at_once() -> None:
    command = CreateWorkItem(
        id=ENTITY,
        item_type="project",
        title="P",
        due="2026-01-01",
        not_before="2026-01-02",
        metadata={"target_quarter": "Q1 2026"},
    )

    given(decider).when(command).then_invalid("metadata.target_quarter", "not_before")


def test_a_child_is_created_below_its_parent() -> None:
    command = CreateWorkItem(id=ENTITY, item_type="task", title="T", parent_id=PARENT)

    outcome = given(decider).around(lineage={PARENT: a_lineage(1)}).when(command)

    outcome.then(WorkItemCreated(item_type="task", title="T", parent_id=PARENT, priority=3))
    outcome.looking_at("existence", "hierarchy")


def test_a_parent_must_exist() -> None:
    command = CreateWorkItem(id=ENTITY, item_type="task", title="T", parent_id=PARENT)

    given(decider).when(command).then_refused(NotFound, field="parent_id", id=PARENT)


def test_a_parent_must_not_be_deleted() -> None:
    command = CreateWorkItem(id=ENTITY, item_type="task", title="T", parent_id=PARENT)

    outcome = given(decider).around(lineage={PARENT: a_lineage(1, deleted=True)}).when(command)

    outcome.then_refused(Refused, rule="parent_deleted")


def test_the_deepest_item_allowed_is_at_depth_five() -> None:
    command = CreateWorkItem(id=ENTITY, item_type="task", title="T", parent_id=PARENT)

    outcome = given(decider).around(lineage={PARENT: a_lineage(5)}).when(command)

    outcome.then_it_has(parent_id=PARENT)


def test_an_item_at_depth_six_is_refused() -> None:
    command = CreateWorkItem(id=ENTITY, item_type="task", title="T", parent_id=PARENT)

    outcome = given(decider).around(lineage={PARENT: a_lineage(6)}).when(command)

    outcome.then_refused(Refused, rule="depth_limit", depth=6, limit=5)


def test_the_depth_limit_is_a_setting_of_the_ledger() -> None:
    raised = ConfigurationChanged(changes={"depth_limit": Change(5, 7)})
    command = CreateWorkItem(id=ENTITY, item_type="task", title="T", parent_id=PARENT)

    history = given(decider).elsewhere("configuration", CONFIGURATION, raised)
    outcome = history.around(lineage={PARENT: a_lineage(7)}).when(command)

    outcome.then_it_has(parent_id=PARENT)
