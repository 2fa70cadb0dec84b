"""What a work item's metadata must and may hold, by type."""

from typing import Any

import pytest

from ledger.aggregates.work_item.commands import CreateWorkItem, UpdateWorkItem
from ledger.aggregates.work_item.decider import decider
from ledger.aggregates.work_item.events import WorkItemCreated
from tests.support.each import each
from tests.support.given import ENTITY, given

SESSION = {"token_budget": 200_000, "prompts_count": 0, "yaml_frontmatter": {"schema_version": "1.0"}}


def creation(item_type: str, metadata: dict[str, Any]) -> CreateWorkItem:
    return CreateWorkItem(id=ENTITY, item_type=item_type, title="T", description="D", metadata=metadata)


@each(
    ("item_type", "metadata"),
    [
        ("project", {"target_quarter": "2026-Q4", "constitutional_principles": ["simplicity"]}),
        ("session", SESSION | {"prompt_path": "prompts/one.md"}),
        ("session", SESSION | {"token_budget": 1_000}),
        ("session", SESSION | {"token_budget": 1_000_000}),
        ("task", {"estimated_hours": 0, "actual_hours": 1000, "acceptance": ["it works"]}),
        ("task", {"estimated_hours": 0.25}),
        ("research", {"research_questions": ["why"], "findings_summary": "x" * 2000, "references": []}),
    ],
)
def test_metadata_within_its_rules_is_kept(item_type: str, metadata: dict[str, Any]) -> None:
    given(decider).when(creation(item_type, metadata)).then_it_has(metadata=metadata)


@each(
    ("item_type", "key", "value"),
    [
        ("project", "target_quarter", "2026-Q5"),
        ("project", "target_quarter", "Q1 2026"),
        ("project", "target_quarter", 2026),
        ("project", "constitutional_principles", "simplicity"),
        ("project", "constitutional_principles", [1]),
        ("task", "estimated_hours", -1),
        ("task", "estimated_hours", 1000.5),
        ("task", "estimated_hours", True),
        ("task", "actual_hours", "three"),
        ("task", "acceptance", "it works"),
        ("research", "research_questions", {"why": 1}),
        ("research", "findings_summary", "x" * 2001),
        ("research", "findings_summary", 7),
        ("research", "references", [None]),
    ],
)
def test_metadata_outside_its_rules_is_refused_by_name(item_type: str, key: str, value: Any) -> None:
    given(decider).when(creation(item_type, {key: value})).then_invalid(f"metadata.{key}")


@each(
    ("key", "value"),
    [
        ("token_budget", 999),
        ("token_budget", 1_000_001),
        ("token_budget", 200_000.5),
        ("prompts_count", -1),
        ("prompts_count", "many"),
        ("yaml_frontmatter", {}),
        ("yaml_frontmatter", {"schema_version": None}),
        ("yaml_frontmatter", "schema_version: 1.0"),
        ("prompt_path", 1),
    ],
)
def test_session_metadata_outside_its_rules_is_refused_by_name(key: str, value: Any) -> None:
    given(decider).when(creation("session", SESSION | {key: value})).then_invalid(f"metadata.{key}")


@pytest.mark.parametrize(
    ("key", "allowed"),
    [("token_budget", "a whole number from 1000 to 1000000"), ("prompts_count", "a whole number of at least 0")],
)
def test_a_refused_number_says_what_is_allowed(key: str, allowed: str) -> None:
    refusal = given(decider).when(creation("session", SESSION | {key: -1})).then_invalid(f"metadata.{key}")

    assert allowed in refusal.message


def test_hours_need_not_be_whole() -> None:
    refusal = given(decider).when(creation("task", {"actual_hours": -1})).then_invalid("metadata.actual_hours")

    assert "a number from 0 to 1000" in refusal.message


def test_a_session_needs_a_budget_a_count_and_its_front_matter() -> None:
    outcome = given(decider).when(creation("session", {}))

    outcome.then_invalid("metadata.token_budget", "metadata.prompts_count", "metadata.yaml_frontmatter")


def test_unknown_keys_are_kept_as_they_are() -> None:
    metadata = {"sprint": 7, "nested": {"list": [1, None, "x"]}, "estimated hours": "lots"}

    given(decider).when(creation("task", metadata)).then_it_has(metadata=metadata)


def test_a_rule_of_one_type_does_not_bind_another() -> None:
    metadata = {"target_quarter": "some day"}

    given(decider).when(creation("task", metadata)).then_it_has(metadata=metadata)


def test_an_update_merges_metadata_key_by_key() -> None:
    history = given(decider).past(
        WorkItemCreated(item_type="task", title="T", metadata={"estimated_hours": 3, "colour": "green"})
    )

    outcome = history.when(UpdateWorkItem(id=ENTITY, expected=1, fields={"metadata": {"actual_hours": 4}}))

    outcome.then_it_has(metadata={"estimated_hours": 3, "colour": "green", "actual_hours": 4})


def test_null_removes_a_key() -> None:
    history = given(decider).past(
        WorkItemCreated(item_type="task", title="T", metadata={"estimated_hours": 3, "colour": "green"})
    )

    outcome = history.when(UpdateWorkItem(id=ENTITY, expected=1, fields={"metadata": {"colour": None}}))

    outcome.then_it_has(metadata={"estimated_hours": 3})


def test_a_required_key_cannot_be_removed() -> None:
    history = given(decider).past(WorkItemCreated(item_type="session", title="S", metadata=SESSION))

    outcome = history.when(UpdateWorkItem(id=ENTITY, expected=1, fields={"metadata": {"prompts_count": None}}))

    outcome.then_invalid("metadata.prompts_count")


def test_clearing_metadata_removes_every_key() -> None:
    history = given(decider).past(WorkItemCreated(item_type="task", title="T", metadata={"a": 1, "b": 2}))

    outcome = history.when(UpdateWorkItem(id=ENTITY, expected=1, fields={"metadata": None}))

    outcome.then_it_has(metadata={})


def test_what_an_import_brought_stays_as_found_when_something_else_changes() -> None:
    history = given(decider).past(
        WorkItemCreated(item_type="session", title="S", metadata={"yaml_frontmatter": {"title": "S"}})
    )

    outcome = history.when(
        UpdateWorkItem(id=ENTITY, expected=1, fields={"title": "Renamed", "metadata": {"prompts_count": 3}})
    )

    outcome.then_it_has(title="Renamed", metadata={"yaml_frontmatter": {"title": "S"}, "prompts_count": 3})
