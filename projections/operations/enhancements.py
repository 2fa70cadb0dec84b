"""Operations on enhancements."""

from typing import Annotated, Any

from pydantic import Field

from ledger.aggregates.enhancement.commands import RecordEnhancement, UpdateEnhancement
from ledger.aggregates.enhancement.decider import CATEGORY
from ledger.aggregates.enhancement.state import Status
from projections.application.view import LedgerView
from projections.operations.base import Input, Operation, Writes, carry_out, inside, new_id, sent_fields
from projections.operations.inputs.argument_values import NULL_IS_A_VALUE
from projections.operations.inputs.fields import (
    AnyObject,
    AsObject,
    Cursor,
    Limit,
    Metadata,
    NotBlank,
    Priority,
    Text,
    Texts,
    Title,
    Version,
)
from projections.questions import enhancements as questions
from projections.questions.answers import Answered
from projections.questions.links import resolve_all
from projections.questions.references import resolve

REVISABLE = ("title", "description", "priority", "target_quarter", "principles", "metadata")

Quarter = Annotated[str, Field(pattern="^[0-9]{4}-Q[1-4]$")]
Description = Annotated[Text, NotBlank]


class RecordEnhancementInput(Writes):
    title: Annotated[Title, Field(description="What is wanted, in one line")]
    description: Annotated[Description | None, Field(description="Why, and how, in Markdown")] = None
    priority: Annotated[Priority | None, Field(description="1 (most urgent) to 5 (least); unknown if left out")] = None
    principles: Annotated[Texts, Field(description="Principles of the project that it serves, as far as known")] = ()
    status: Annotated[Status, Field(description="How far it is")] = "planned"
    target_quarter: Annotated[Quarter | None, Field(description="Quarter it is meant for, like 2026-Q1")] = None
    depends_on: Annotated[Texts, Field(description="Enhancements it needs first: ids or references, like e-7k3qd")] = ()
    metadata: Metadata = Field(default_factory=dict, description="Anything else, by name")


class EnhancementChanges(Input):
    """What changes, under the names of record_enhancement. Metadata merges, null removes; lists are replaced."""

    title: Title = ""
    description: Description = ""
    priority: Priority = 3
    principles: Texts = ()
    status: Status | None = None
    target_quarter: Quarter | None = Field(default=None, json_schema_extra=NULL_IS_A_VALUE)
    depends_on: Texts = ()
    metadata: Metadata = Field(default_factory=dict)


class UpdateEnhancementInput(Writes):
    id: Annotated[str, Field(description="Id or reference, like e-7k3qd")]
    version: Version
    changes: Annotated[
        EnhancementChanges,
        AsObject,
        AnyObject,
        Field(
            description="Fields of record_enhancement that change; metadata merges, lists are replaced, null empties"
        ),
    ]


class ListEnhancementsInput(Input):
    priority: Annotated[Priority | None, Field(description="Only of this priority")] = None
    status: Annotated[Status | None, Field(description="Only in this state")] = None
    target_quarter: Annotated[Quarter | None, Field(description="Only for this quarter, like 2026-Q1")] = None
    limit: Limit = 50
    cursor: Cursor = None


def record_enhancement(view: LedgerView, request: RecordEnhancementInput) -> Answered:
    fields: dict[str, Any] = request.model_dump(exclude={"by", "command_id", "detail"}) | _dependencies(view, request)

    command = RecordEnhancement(id=new_id(request), **fields)

    return carry_out(view, request, CATEGORY, command, questions.by_id)


def update_enhancement(view: LedgerView, request: UpdateEnhancementInput) -> Answered:
    entity_id, changes = resolve(view.tables, CATEGORY, request.id), request.changes
    with inside("changes", EnhancementChanges):
        fields = sent_fields(changes, *REVISABLE) | _dependencies(view, changes)

        command = UpdateEnhancement(id=entity_id, expected=request.version, fields=fields, status=changes.status)

        return carry_out(view, request, CATEGORY, command, questions.by_id)


def list_enhancements(view: LedgerView, request: ListEnhancementsInput) -> Answered:
    with view.tables.snapshot() as snapshot:
        return questions.listed(
            snapshot,
            priority=request.priority,
            status=request.status,
            target_quarter=request.target_quarter,
            limit=request.limit,
            cursor=request.cursor,
        )


def _dependencies(view: LedgerView, request: Input) -> dict[str, Any]:
    links = sent_fields(request, "depends_on")
    return dict(resolve_all(view.tables, {field: (CATEGORY, names) for field, names in links.items()}))


OPERATIONS = (
    Operation(
        name="record_enhancement",
        title="Record an enhancement",
        summary="Record a wish for later. For work to do now: create_work_item.",
        toolset="enhancements",
        input=RecordEnhancementInput,
        run=record_enhancement,
        scope="write",
        commands={RecordEnhancement: RecordEnhancementInput},
        by_default=False,
    ),
    Operation(
        name="update_enhancement",
        title="Change an enhancement",
        summary="Change a wish of record_enhancement, or say how far it is. Only what is sent changes.",
        toolset="enhancements",
        input=UpdateEnhancementInput,
        run=update_enhancement,
        scope="write",
        commands={UpdateEnhancement: EnhancementChanges},
        by_default=False,
    ),
    Operation(
        name="list_enhancements",
        title="List enhancements",
        summary="List what is planned for later, the most urgent first. Work to do now: list_work_items.",
        toolset="enhancements",
        input=ListEnhancementsInput,
        run=list_enhancements,
        by_default=False,
    ),
)
