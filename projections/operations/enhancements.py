"""Operations on enhancements."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from ledger.enhancement.commands import RecordEnhancement, UpdateEnhancement
from ledger.enhancement.decider import CATEGORY
from ledger.envelope import Command, minted_id
from projections.app import App
from projections.operations.base import (
    Answered,
    Input,
    Limit,
    Metadata,
    NotBlank,
    Operation,
    Priority,
    Text,
    Texts,
    Title,
    Version,
    Writes,
    carry_out,
    given,
)
from projections.questions import enhancements as questions
from projections.questions.links import resolve_all
from projections.questions.references import resolve

REVISABLE = ("title", "description", "priority", "target_quarter", "principles", "metadata")

Status = Literal["planned", "approved", "implementing", "completed", "dropped"]
Quarter = Annotated[str, Field(pattern="^[0-9]{4}-Q[1-4]$")]
Description = Annotated[Text, NotBlank]


class RecordEnhancementInput(Writes):
    title: Annotated[Title, Field(description="What it is.")]
    description: Annotated[Description, Field(description="Longer text.")]
    priority: Annotated[Priority, Field(description="1 (highest) to 5.")]
    principles: Annotated[Texts, Field(description="Principles.")]
    status: Annotated[Status, Field(description="How far it is.")] = "planned"
    target_quarter: Annotated[Quarter | None, Field(description="Such as 2026-Q1.")] = None
    depends_on: Annotated[Texts, Field(description="Ids or refs.")] = ()
    metadata: Metadata = Field(default_factory=dict, description="Anything else.")


class UpdateEnhancementInput(Writes):
    id: Annotated[str, Field(description="Id or ref.")]
    version: Version
    title: Annotated[Title, Field(description="New title.")] = ""
    description: Annotated[Description, Field(description="New description.")] = ""
    priority: Annotated[Priority, Field(description="1 (highest) to 5.")] = 3
    principles: Annotated[Texts, Field(description="Replaces all.")] = ()
    status: Annotated[Status | None, Field(description="Next, or dropped.")] = None
    target_quarter: Annotated[Quarter | None, Field(description="null clears.")] = None
    depends_on: Annotated[Texts, Field(description="Replaces all.")] = ()
    metadata: Metadata = Field(default_factory=dict, description="Merged; null removes.")


class ListEnhancementsInput(Input):
    priority: Annotated[Priority | None, Field(description="Only this.")] = None
    status: Annotated[Status | None, Field(description="Only this.")] = None
    target_quarter: Annotated[Quarter | None, Field(description="Only this.")] = None
    limit: Limit = 50
    cursor: Annotated[str | None, Field(description="next_cursor before.")] = None


def record_enhancement(app: App, wanted: RecordEnhancementInput) -> Answered:
    fields: dict[str, Any] = wanted.model_dump(exclude={"by", "command_id", "detail"}) | _dependencies(app, wanted)

    def make(command_id: UUID) -> Command:
        return RecordEnhancement(id=minted_id(command_id), **fields)

    return carry_out(app, wanted, CATEGORY, make, questions.by_id)


def update_enhancement(app: App, wanted: UpdateEnhancementInput) -> Answered:
    thing = resolve(app.tables, CATEGORY, wanted.id)
    fields = given(wanted, *REVISABLE) | _dependencies(app, wanted)

    def make(_: UUID) -> Command:
        return UpdateEnhancement(id=thing, expected=wanted.version, fields=fields, status=wanted.status)

    return carry_out(app, wanted, CATEGORY, make, questions.by_id)


def list_enhancements(app: App, wanted: ListEnhancementsInput) -> Answered:
    with app.tables.snapshot() as snapshot:
        return questions.listed(
            snapshot,
            priority=wanted.priority,
            status=wanted.status,
            target_quarter=wanted.target_quarter,
            limit=wanted.limit,
            cursor=wanted.cursor,
        )


def _dependencies(app: App, wanted: Input) -> dict[str, Any]:
    links = given(wanted, "depends_on")
    return dict(resolve_all(app.tables, {field: (CATEGORY, names) for field, names in links.items()}))


OPERATIONS = (
    Operation(
        name="record_enhancement",
        title="Record an enhancement",
        summary="Record a planned enhancement.",
        input=RecordEnhancementInput,
        run=record_enhancement,
        writes=True,
    ),
    Operation(
        name="update_enhancement",
        title="Change an enhancement",
        summary="Change an enhancement or its status, at the version you read. Only what you name changes.",
        input=UpdateEnhancementInput,
        run=update_enhancement,
        writes=True,
    ),
    Operation(
        name="list_enhancements",
        title="List enhancements",
        summary="Find enhancements by priority, status or quarter, a page at a time.",
        input=ListEnhancementsInput,
        run=list_enhancements,
    ),
)
