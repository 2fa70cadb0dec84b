"""Operations on deployments."""

import re
from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from ledger.decider import Problem, check, problem
from ledger.deployment.commands import AmendDeployment, RecordDeployment
from ledger.deployment.decider import CATEGORY, LINKS
from ledger.values.moment import FUTURE_ALLOWED, parse
from projections.application.view import LedgerView
from projections.operations.argument_values import NULL_IS_A_VALUE
from projections.operations.base import (
    Answered,
    AnyObject,
    AsObject,
    Endpoint,
    Input,
    Limit,
    Metadata,
    Name,
    Operation,
    Texts,
    Title,
    Version,
    Writes,
    carry_out,
    given,
    inside,
    new_id,
)
from projections.questions import deployments as questions
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


def _whole_commit(value: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{40}", value := value.strip().lower()):
        raise ValueError("must be a whole commit hash, 40 hex digits")
    return value


def _beginning(value: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{7,40}", value := value.strip().lower()):
        raise ValueError("must be a commit hash or its first 7 or more hex digits")
    return value


Commit = Annotated[str, AfterValidator(_whole_commit)]
PullRequest = Annotated[int, Field(ge=1)]
Count = Annotated[int, Field(ge=0)]
Counts = Annotated[dict[str, Count], AsObject]
CountChanges = Annotated[dict[str, Count | None], AsObject]


class RecordDeploymentInput(Writes):
    deployed_at: Annotated[Endpoint, Field(description="RFC 3339")]
    commit_hash: Annotated[Commit, Field(description="40 hex")]
    pr_number: Annotated[PullRequest, Field(description="Number")]
    pr_title: Annotated[Title, Field(description="Title")]
    test_summary: Annotated[Counts, Field(description="Name: count")]
    constitutional_compliance: Annotated[bool, Field(description="Complies")]
    vendor_ids: Annotated[Texts, Field(description="Or names")] = ()
    work_item_ids: Annotated[Texts, Field(description="Or refs")] = ()
    environment: Annotated[Name | None, Field(description="Where")] = None
    metadata: Metadata = Field(default_factory=dict, description="More")
    redeployment: Annotated[bool, Field(description="Again")] = False


class QueryDeploymentsInput(Input):
    id: Annotated[str | None, Field(description="Just this")] = None
    earliest: Annotated[Endpoint | None, Field(alias="from", description="Time")] = None
    latest: Annotated[Endpoint | None, Field(alias="to", description="Time")] = None
    vendor: Annotated[str | None, Field(description="Or name")] = None
    work_item: Annotated[str | None, Field(description="Or ref")] = None
    commit: Annotated[Annotated[str, AfterValidator(_beginning)] | None, Field(description="Or start")] = None
    pr_number: Annotated[PullRequest | None, Field(description="Number")] = None
    environment: Annotated[str | None, Field(description="Only")] = None
    limit: Limit = 50
    cursor: Annotated[str | None, Field(description="Next")] = None


class DeploymentChanges(Input):
    """Corrections, named as in record_deployment. Counts and metadata merge, null removes; links are replaced."""

    deployed_at: Endpoint = ""
    commit_hash: Commit = ""
    pr_number: PullRequest = 1
    pr_title: Title = ""
    test_summary: CountChanges = Field(default_factory=dict)
    constitutional_compliance: bool = False
    vendor_ids: Texts = ()
    work_item_ids: Texts = ()
    environment: Name | None = Field(default=None, json_schema_extra=NULL_IS_A_VALUE)
    metadata: Metadata = Field(default_factory=dict)


class AmendDeploymentInput(Writes):
    id: Annotated[str, Field(description="Or ref")]
    version: Version
    changes: Annotated[DeploymentChanges, AsObject, AnyObject, Field(description="As recorded; null removes")]


def record_deployment(view: LedgerView, request: RecordDeploymentInput) -> Answered:
    check(_future(view, request.deployed_at))
    fields: dict[str, Any] = request.model_dump(exclude={"by", "command_id", "detail"}) | _links(view, request)

    command = RecordDeployment(id=new_id(request), **fields)

    return carry_out(view, request, CATEGORY, command, questions.by_id)


def amend_deployment(view: LedgerView, request: AmendDeploymentInput) -> Answered:
    entity_id, changes = resolve(view.tables, CATEGORY, request.id), request.changes
    with inside("changes", DeploymentChanges):
        if "deployed_at" in changes.model_fields_set:
            check(_future(view, changes.deployed_at))
        fields = given(changes, *AMENDABLE) | _links(view, changes)

        command = AmendDeployment(id=entity_id, expected=request.version, fields=fields)

        return carry_out(view, request, CATEGORY, command, questions.by_id)


def query_deployments(view: LedgerView, request: QueryDeploymentsInput) -> Answered:
    if request.id is not None:
        check(_beside_id(request))
        entity_id = resolve(view.tables, CATEGORY, request.id)
        with view.tables.snapshot() as snapshot:
            return questions.by_id(snapshot, entity_id)
    filters = questions.Filter(
        earliest=request.earliest,
        latest=request.latest,
        vendor=_resolved(view, "vendor", request.vendor),
        work_item=_resolved(view, "work_item", request.work_item),
        commit=request.commit,
        pr_number=request.pr_number,
        environment=request.environment,
    )
    with view.tables.snapshot() as snapshot:
        return questions.listed(snapshot, filters, limit=request.limit, cursor=request.cursor)


def _links(view: LedgerView, request: Input) -> dict[str, Any]:
    """The ids that the links given mean."""
    links = given(request, *LINKS)
    return dict(resolve_all(view.tables, {field: (LINKS[field], names) for field, names in links.items()}))


def _resolved(view: LedgerView, category: str, named: str | None) -> str | None:
    return None if named is None else resolve_one(view.tables, category, named, category)


def _future(view: LedgerView, deployed_at: str) -> Iterator[Problem]:
    if parse(deployed_at) > view.clock() + FUTURE_ALLOWED:
        yield problem("deployed_at", "lies more than 5 minutes in the future", deployed_at)


def _beside_id(request: QueryDeploymentsInput) -> Iterator[Problem]:
    for name, field in QueryDeploymentsInput.model_fields.items():
        if name != "id" and name in request.model_fields_set and getattr(request, name) is not None:
            yield problem(field.alias or name, "belongs to the list: send it without id", getattr(request, name))


OPERATIONS = (
    Operation(
        name="record_deployment",
        title="Record a deployment",
        summary="Record what went out. Safe to repeat.",
        toolset="deployments",
        input=RecordDeploymentInput,
        run=record_deployment,
        scope="write",
        commands={RecordDeployment: RecordDeploymentInput},
    ),
    Operation(
        name="query_deployments",
        title="Read deployments",
        summary="What shipped: one, or a list.",
        toolset="deployments",
        input=QueryDeploymentsInput,
        run=query_deployments,
    ),
    Operation(
        name="amend_deployment",
        title="Amend a deployment",
        summary="Correct a deployment.",
        toolset="deployments",
        input=AmendDeploymentInput,
        run=amend_deployment,
        scope="write",
        commands={AmendDeployment: DeploymentChanges},
        by_default=False,
    ),
)
