"""Operations on deployments."""

import re
from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from ledger.aggregates.deployment.commands import AmendDeployment, RecordDeployment
from ledger.aggregates.deployment.decider import CATEGORY, LINKS
from ledger.problems import Problem, check, problem
from projections.application.view import LedgerView
from projections.operations.base import Input, Operation, Writes, carry_out, happened, inside, new_id, sent_fields
from projections.operations.inputs.argument_values import NULL_IS_A_VALUE
from projections.operations.inputs.fields import (
    AnyObject,
    Cursor,
    Limit,
    Metadata,
    Name,
    PullRequest,
    Texts,
    Time,
    Title,
    Version,
)
from projections.questions import deployments as questions
from projections.questions.answers import Answered
from projections.questions.links import resolve_all, resolve_one
from projections.questions.references import resolve

AMENDABLE = (
    "deployed_at",
    "commit_hash",
    "pr_number",
    "pr_title",
    "test_summary",
    "constitutional_compliance",
    "environment",
    "metadata",
)


def _full_hash(value: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{40}", value := value.strip().lower()):
        raise ValueError("must be a whole commit hash, 40 hex digits")
    return value


def _beginning(value: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{7,40}", value := value.strip().lower()):
        raise ValueError("must be a commit hash or its first 7 or more hex digits")
    return value


Commit = Annotated[str, AfterValidator(_full_hash)]
Count = Annotated[int, Field(ge=0)]
Emptied = Field(default=None, json_schema_extra=NULL_IS_A_VALUE)


class RecordDeploymentInput(Writes):
    deployed_at: Annotated[
        Time | None, Field(description="When, RFC 3339 like 2026-11-20T08:30:00Z; unknown if left out, not now")
    ] = None
    commit_hash: Annotated[Commit | None, Field(description="Its whole hash, 40 hex digits")] = None
    pr_number: Annotated[PullRequest | None, Field(description="Number of the pull request, like 41")] = None
    pr_title: Annotated[Title | None, Field(description="Its title, or what was deployed")] = None
    test_summary: dict[str, Count] = Field(
        default_factory=dict, description='Counts by name: {"passed": 112, "failed": 0}; leave out what you do not know'
    )
    constitutional_compliance: Annotated[
        bool | None, Field(description="Whether it keeps the project's constitution, if checked")
    ] = None
    vendor_ids: Annotated[Texts, Field(description="Vendors it concerns: ids, references or names")] = ()
    work_item_ids: Annotated[Texts, Field(description="Items it delivers, like w-7k3qd")] = ()
    environment: Annotated[Name | None, Field(description="Where to, like production")] = None
    metadata: Metadata = Field(default_factory=dict, description="Anything else, by name")
    redeployment: Annotated[bool, Field(description="true: deployed once more, record it again")] = False


class QueryDeploymentsInput(Input):
    id: Annotated[str | None, Field(description="Only this one, whole, like d-7k3qd")] = None
    earliest: Annotated[Time | None, Field(alias="from", description="Deployed at or after, RFC 3339")] = None
    latest: Annotated[Time | None, Field(alias="to", description="Deployed at or before, RFC 3339")] = None
    vendor: Annotated[str | None, Field(description="Of this vendor: id, reference or name")] = None
    work_item: Annotated[str | None, Field(description="That deliver this item, like w-7k3qd")] = None
    commit: Annotated[
        Annotated[str, AfterValidator(_beginning)] | None,
        Field(description="Of this commit: 7 digits or more"),
    ] = None
    pr_number: Annotated[PullRequest | None, Field(description="Of this pull request")] = None
    environment: Annotated[str | None, Field(description="To this place, like production")] = None
    limit: Limit = 50
    cursor: Cursor = None


class DeploymentChanges(Input):
    """Corrections, named as in record_deployment; null makes a field unknown, counts and metadata merge, links are
    replaced."""

    deployed_at: Time | None = Emptied
    commit_hash: Commit | None = Emptied
    pr_number: PullRequest | None = Emptied
    pr_title: Title | None = Emptied
    test_summary: dict[str, Count | None] = Field(default_factory=dict)
    constitutional_compliance: bool | None = Emptied
    vendor_ids: Texts = ()
    work_item_ids: Texts = ()
    environment: Name | None = Emptied
    metadata: Metadata = Field(default_factory=dict)


class AmendDeploymentInput(Writes):
    id: Annotated[str, Field(description="Id or reference of the deployment, like d-7k3qd")]
    version: Version
    changes: Annotated[
        DeploymentChanges,
        AnyObject,
        Field(
            description="Fields of record_deployment that change; null makes one unknown, counts and metadata merge, "
            "links are replaced"
        ),
    ]


def record_deployment(view: LedgerView, request: RecordDeploymentInput) -> Answered:
    happened(view, request.deployed_at, "deployed_at")
    fields: dict[str, Any] = request.model_dump(exclude={"by", "command_id", "detail"}) | _links(view, request)

    command = RecordDeployment(id=new_id(request), **fields)

    return carry_out(view, request, CATEGORY, command, questions.by_id)


def amend_deployment(view: LedgerView, request: AmendDeploymentInput) -> Answered:
    entity_id, changes = resolve(view.tables, CATEGORY, request.id), request.changes
    with inside("changes", DeploymentChanges):
        if "deployed_at" in changes.model_fields_set:
            happened(view, changes.deployed_at, "deployed_at")
        fields = sent_fields(changes, *AMENDABLE) | _links(view, changes)

        command = AmendDeployment(id=entity_id, expected=request.version, fields=fields)

        return carry_out(view, request, CATEGORY, command, questions.by_id)


def query_deployments(view: LedgerView, request: QueryDeploymentsInput) -> Answered:
    if request.id is not None:
        check(_problems_beside_id(request))
        entity_id = resolve(view.tables, CATEGORY, request.id)
        with view.tables.snapshot() as snapshot:
            return questions.by_id(snapshot, entity_id)
    resolved = {
        "vendor": _resolved(view, "vendor", request.vendor),
        "work_item": _resolved(view, "work_item", request.work_item),
    }
    filters = questions.DeploymentFilter(
        **request.model_dump(include=set(questions.DeploymentFilter.__struct_fields__)) | resolved
    )
    with view.tables.snapshot() as snapshot:
        return questions.listed(snapshot, filters, limit=request.limit, cursor=request.cursor)


def _links(view: LedgerView, request: Input) -> dict[str, Any]:
    """The ids that the links given mean."""
    links = sent_fields(request, *LINKS)
    return dict(resolve_all(view.tables, {field: (LINKS[field], names) for field, names in links.items()}))


def _resolved(view: LedgerView, category: str, named: str | None) -> str | None:
    return None if named is None else resolve_one(view.tables, category, named, category)


def _problems_beside_id(request: QueryDeploymentsInput) -> Iterator[Problem]:
    for name, field in QueryDeploymentsInput.model_fields.items():
        if name != "id" and name in request.model_fields_set and getattr(request, name) is not None:
            yield problem(field.alias or name, "is for the list: send it without id", getattr(request, name))


OPERATIONS = (
    Operation(
        name="record_deployment",
        title="Record a deployment",
        summary="Record what went out, with the items and vendors it concerns. Name at least the commit, pull request "
        "or title. Repeating commit, pull request and environment answers the first record.",
        toolset="deployments",
        input=RecordDeploymentInput,
        run=record_deployment,
        scope="write",
        commands={RecordDeployment: RecordDeploymentInput},
    ),
    Operation(
        name="query_deployments",
        title="Read deployments",
        summary="Read one deployment by id, or list what went out, the newest first.",
        toolset="deployments",
        input=QueryDeploymentsInput,
        run=query_deployments,
    ),
    Operation(
        name="amend_deployment",
        title="Amend a deployment",
        summary="Correct what record_deployment recorded, or link further items and vendors.",
        toolset="deployments",
        input=AmendDeploymentInput,
        run=amend_deployment,
        scope="write",
        commands={AmendDeployment: DeploymentChanges},
        by_default=False,
    ),
)
