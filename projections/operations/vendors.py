"""Operations on vendors."""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from ledger.aggregates.vendor.commands import CreateVendor, UpdateVendor
from ledger.aggregates.vendor.decider import CATEGORY
from ledger.aggregates.vendor.events import TestResults
from ledger.aggregates.vendor.state import Format, Status
from ledger.errors import Refused
from ledger.problems import Problem, check, problem
from ledger.values.moment import parse, text
from projections.application.view import LedgerView
from projections.operations.base import Input, Operation, Writes, carry_out, command_id, happened, new_id, sent_fields
from projections.operations.inputs.fields import AsOf, Cursor, HappenedAt, Limit, Metadata, NotBlank, Point, Version
from projections.questions import vendor_history
from projections.questions import vendors as questions
from projections.questions.answers import Answered
from projections.questions.log.as_of import past, point_as_answer, position_of, row_at
from projections.questions.references import category_of_reference, resolve

REVISABLE = ("status", "extractor_version", "format_support", "manifest_compliant", "metadata")
LIST_ONLY = ("status", "format", "limit", "cursor", "broke_since")
UUID_LENGTH = 36

VendorName = Annotated[
    str, Field(min_length=1, max_length=100, pattern="^[A-Za-z0-9 _-]+$"), NotBlank, AfterValidator(str.strip)
]
ExtractorVersion = Annotated[str, Field(min_length=1, max_length=50)]
FormatSupport = dict[Format, bool]
Results = dict[Literal["passing", "total", "skipped"], Annotated[int, Field(ge=0)]]
Part = Literal["test_runs"]


class CreateVendorInput(Writes):
    name: Annotated[VendorName, Field(description="Unique name, of letters, digits, blanks, _ and -")]
    status: Annotated[Status | None, Field(description="Whether its extractor works")] = None
    extractor_version: Annotated[ExtractorVersion | None, Field(description="Of its extractor, like 1.8.0")] = None
    format_support: FormatSupport = Field(
        default_factory=dict, description='Which formats it reads, of excel, csv, pdf, ocr: {"csv": true, "ocr": false}'
    )
    test_results: Annotated[
        Results | None,
        Field(description='Counts of its newest run, those known: {"passing": 7, "total": 9, "skipped": 1}'),
    ] = None
    manifest_compliant: Annotated[bool | None, Field(description="Whether its manifest follows the rules")] = None
    metadata: Metadata = Field(default_factory=dict, description="Anything else, by name")
    happened_at: HappenedAt = None


class QueryVendorStatusInput(Input):
    id: Annotated[str | None, Field(description="One vendor: its id, reference (v-7k3qd) or name")] = None
    name: Annotated[str | None, Field(description="One by name, in any case")] = None
    status: Annotated[Status | None, Field(description="List those in this state")] = None
    format: Annotated[Format | None, Field(description="List those that read this format")] = None
    limit: Limit = 50
    cursor: Cursor = None
    as_of: AsOf = None
    include: Annotated[
        tuple[Part, ...],
        Field(description="For one vendor: test_runs adds every run, and last_good, the last good state"),
    ] = ()
    broke_since: Annotated[
        Point | None,
        Field(description="List what broke after this position (120), time or deployment (d-7k3qd), with last_good"),
    ] = None


class UpdateVendorStatusInput(Writes):
    id: Annotated[str | None, Field(description="Id, reference (v-7k3qd) or name of the vendor")] = None
    name: Annotated[str | None, Field(description="Its name, in place of id")] = None
    version: Version
    status: Annotated[Status | None, Field(description="New state of its extractor")] = None
    extractor_version: Annotated[ExtractorVersion, Field(description="Its new version, like 1.8.0")] = ""
    format_support: FormatSupport = Field(default_factory=dict, description="Formats that change; others stay")
    test_results: Results = Field(
        default_factory=dict, description="A new run: passing, total, skipped; left out is as in the last"
    )
    manifest_compliant: Annotated[bool, Field(description="Whether its manifest follows the rules")] = False
    metadata: Metadata = Field(default_factory=dict, description="Entries to set; one of null is removed")
    deployment_id: Annotated[str | None, Field(description="Deployment that the run tested, like d-7k3qd")] = None
    happened_at: HappenedAt = None


def create_vendor(view: LedgerView, request: CreateVendorInput) -> Answered:
    fields: dict[str, Any] = request.model_dump(exclude={"by", "command_id", "detail", "happened_at"})
    results = None if request.test_results is None else TestResults(**request.test_results)

    command = CreateVendor(id=new_id(request), **fields | {"test_results": results})

    return carry_out(view, request, CATEGORY, command, questions.by_id, occurred_at=happened(view, request.happened_at))


def query_vendor_status(view: LedgerView, request: QueryVendorStatusInput) -> Answered:
    check(_query_problems(request))
    if request.name is not None and request.as_of is None and not request.include:
        return questions.by_name(view.tables, request.name)
    if request.id is not None or request.name is not None:
        return _one(view, request)
    if request.broke_since is not None:
        return _broken_since(view, request.broke_since)
    with view.snapshot(request.as_of) as snapshot:
        return questions.listed(
            snapshot, status=request.status, format=request.format, limit=request.limit, cursor=request.cursor
        )


def update_vendor_status(view: LedgerView, request: UpdateVendorStatusInput) -> Answered:
    entity_id = _vendor_to_update(view, request)
    at = _when(view, entity_id, request)
    tested = request.deployment_id
    deployment = resolve(view.tables, "deployment", tested, "deployment_id") if tested is not None else None
    results = TestResults(**request.test_results) if "test_results" in request.model_fields_set else None

    command = UpdateVendor(
        id=entity_id,
        expected=request.version,
        fields=sent_fields(request, *REVISABLE),
        test_results=results,
        deployment_id=deployment,
    )

    return carry_out(view, request, CATEGORY, command, questions.by_id, occurred_at=at)


def _when(view: LedgerView, entity_id: str, request: UpdateVendorStatusInput) -> datetime | None:
    """The time that is stated, which cannot lie before what it would replace: that is newer, and stays true."""
    at = happened(view, request.happened_at)
    own = command_id(request.command_id)
    if at is None or (own is not None and view.store.find_command(own) is not None):
        return at
    status, run = request.status is not None, "test_results" in request.model_fields_set
    newer = vendor_history.last_statement(past(view.store, CATEGORY, entity_id), status=status, run=run)
    if newer is not None and at < newer.occurred_at:
        raise Refused(
            f"happened_at {text(at)} lies before {text(newer.occurred_at)}, when its newest recorded change happened",
            rule="out_of_order",
            items=[{"id": entity_id, "version": newer.version, "at": text(newer.occurred_at)}],
            next_step="the later one counts: report the earlier one with comment, or send the right happened_at",
        )
    return at


def _one(view: LedgerView, request: QueryVendorStatusInput) -> Answered:
    entity_id = questions.resolve_vendor(view.tables, request.id if request.id is not None else request.name or "")
    as_of = None if request.as_of is None else position_of(view.store, request.as_of)
    with view.tables.snapshot() as snapshot:
        if as_of is None:
            vendor = questions.by_id(snapshot, entity_id)
        else:
            vendor = questions.to_entities(snapshot, [row_at(view.store, CATEGORY, entity_id, as_of)])[0]
            vendor["as_of"] = point_as_answer(view.store, as_of)
        if "test_runs" in request.include:
            events = past(view.store, CATEGORY, entity_id)
            seen = [event for event in events if as_of is None or event.position <= as_of]
            vendor["test_runs"] = vendor_history.with_deployments(snapshot, vendor_history.test_runs(seen))
            vendor["last_good"] = vendor_history.last_good(seen)
    return vendor


def _broken_since(view: LedgerView, since: Point) -> Answered:
    """Since a deployment means since it went out, or since it was recorded if that was earlier."""
    if category_of_reference(str(since)) == "deployment" or len(str(since)) == UUID_LENGTH:
        entity_id = resolve(view.tables, "deployment", str(since), "broke_since")
        recorded = past(view.store, "deployment", entity_id)[0].position - 1
        deployed_at = row_at(view.store, "deployment", entity_id, view.store.read_streams([]).head).state.deployed_at
        deployed = view.store.position_at(parse(deployed_at)) if deployed_at else recorded
        position = min(recorded, deployed)
    else:
        position = position_of(view.store, since, "broke_since")
    with view.tables.snapshot() as snapshot:
        found = vendor_history.broken_since(view.store, snapshot, position)
    return {
        "items": found,
        "total_count": len(found),
        "returned": len(found),
        "has_more": False,
        "next_cursor": None,
        "since": point_as_answer(view.store, position),
    }


def _query_problems(request: QueryVendorStatusInput) -> Iterator[Problem]:
    if request.id is not None and request.name is not None:
        yield problem("name", "is given beside id: send one of them", request.name)
    if request.id is not None or request.name is not None:
        for field in LIST_ONLY:
            if field in request.model_fields_set and getattr(request, field) is not None:
                yield problem(field, "is for the list: send it without id and name", getattr(request, field))


def _vendor_to_update(view: LedgerView, request: UpdateVendorStatusInput) -> str:
    if (request.id is None) == (request.name is None):
        check([problem("id", "or name is needed, one of them: which vendor is it?", request.id)])
    if request.id is not None:
        return questions.resolve_vendor(view.tables, request.id)
    entity_id: str = questions.by_name(view.tables, request.name or "")["id"]
    return entity_id


OPERATIONS = (
    Operation(
        name="create_vendor",
        title="Create a vendor",
        summary="Record a vendor and what is known of it; what is left out is unknown, not false. For one that exists, "
        "and its test runs: update_vendor_status.",
        toolset="vendors",
        input=CreateVendorInput,
        run=create_vendor,
        scope="write",
        commands={CreateVendor: CreateVendorInput},
    ),
    Operation(
        name="query_vendor_status",
        title="Read vendors",
        summary="Read one vendor by id or name, or list them: all, by status or format, or those that broke since a "
        "point.",
        toolset="vendors",
        input=QueryVendorStatusInput,
        run=query_vendor_status,
    ),
    Operation(
        name="update_vendor_status",
        title="Change a vendor",
        summary="Record what changed for a vendor: it broke or works again, a new version, a test run. Only what is "
        "sent changes.",
        toolset="vendors",
        input=UpdateVendorStatusInput,
        run=update_vendor_status,
        scope="write",
        commands={UpdateVendor: UpdateVendorStatusInput},
    ),
)
