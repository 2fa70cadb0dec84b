"""Operations on what can be begun, and on who has begun it."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from msgspec.structs import asdict, replace
from pydantic import Field

from ledger.aggregates.work_item.commands import ClaimNextWorkItem, ClaimWorkItem, ReleaseClaim, RenewClaim
from ledger.aggregates.work_item.events import WorkItemClaimed
from ledger.aggregates.work_item.item_summaries import CATEGORY
from ledger.aggregates.work_item.rules.claims import token_digest
from ledger.aggregates.work_item.state import ItemType
from ledger.catalog import reading_of
from ledger.envelope import category_of, id_of
from ledger.errors import OutcomeUnknown, Refused, Unavailable
from ledger.problems import Problem, check, problem
from ledger.world import Asker, ReadyFilter
from projections.application.commands import Done, outcome, submit
from projections.application.view import LedgerView
from projections.operations.base import Input, Operation, Writes, command_id, receipt
from projections.operations.inputs.fields import AnyObject, AnyText, AsObject, Cursor, Limit, Name, Token
from projections.operations.work.consequences import with_freed
from projections.operations.work.work_items import asker, summary
from projections.questions.answers import Answered
from projections.questions.references import resolve
from projections.questions.work import item_lists, reasons_to_wait
from projections.questions.work import work_items as questions
from projections.read_models.projection import Row
from projections.tables.contract import Snapshot

LONGEST = 1440  # minutes: a day
OFFERED = 3  # ready items that a refusal names
FIRST_CLAIM = 2  # the version after the first claim at the earliest
HELD = 50  # claims of one name that are looked at

Action = Literal["claim", "next", "renew", "release"]


class ReadyWorkInput(Input):
    limit: Limit = 10
    item_type: Annotated[ItemType | None, AnyText, Field(description="Only this type, like task")] = None
    tag: Annotated[str | None, Field(description="Only with this tag")] = None
    parent_id: Annotated[str | None, Field(description="Only below this item, like w-7k3qd")] = None
    assignee: Annotated[Name | None, Field(description="Only assigned to this person")] = None
    cursor: Cursor = None


class NextItemFilter(Input):
    """What narrows down the next one, named as in ready_work."""

    item_type: ItemType | None = None
    tag: str | None = None
    parent_id: str | None = None
    assignee: Name | None = None


class ClaimWorkItemInput(Writes):
    action: Annotated[
        Action, Field(description="claim takes id, next the first ready item; renew prolongs, release gives back")
    ]
    id: Annotated[str | None, Field(description="The item, like w-7k3qd; not with next")] = None
    token: Annotated[Token | None, Field(description="If several share your name: a word of your own")] = None
    minutes: Annotated[int | None, Field(ge=1, le=LONGEST, description="Length, 1 to 1440; not with release")] = None
    filter: Annotated[
        NextItemFilter, AsObject, AnyObject, Field(description='Narrows next, as ready_work does: {"tag": "docs"}')
    ] = NextItemFilter()


def ready_work(view: LedgerView, request: ReadyWorkInput) -> Answered:
    """What the caller holds already is no item of the list: it stands beside it, on the first page. An empty list says
    for what the others wait."""
    filters, own = _wanted(view, request), asker(view)
    free = replace(own, holder="")
    with view.tables.snapshot() as snapshot:
        page = item_lists.ready(snapshot, filters, asker=free, limit=request.limit, cursor=request.cursor)
        held = _own_claims(snapshot, own) if request.cursor is None else []
        why = {} if page["items"] or request.cursor else _why_nothing(snapshot, own, filters)
    return ({"you_hold": held} if held else {}) | page | {"items": [summary(item) for item in page["items"]]} | why


def _own_claims(snapshot: Snapshot, own: Asker) -> list[Answered]:
    held = [item for item in questions.claimed(snapshot, HELD, own.name) if item["holder"] == own.holder]
    return [{name: item[name] for name in ("ref", "title", "until")} for item in held]


def claim_work_item(view: LedgerView, request: ClaimWorkItemInput) -> Answered:
    check(_faults(request))
    if request.action == "release":
        item = resolve(view.tables, CATEGORY, request.id or "")
        return with_freed(view, [item], lambda: _claim_answer(view, request, _one(view, request)))
    done = _next(view, request) if request.action == "next" else _one(view, request)
    if done is None:
        return {
            "outcome": "none_left",
            **_what_it_waits_for(view, request),
        }
    return _claim_answer(view, request, done)


def _one(view: LedgerView, request: ClaimWorkItemInput) -> Done:
    entity_id, token = resolve(view.tables, CATEGORY, request.id or ""), request.token or view.token_of(request.by)
    command: RenewClaim | ReleaseClaim | ClaimWorkItem
    match request.action:
        case "renew":
            command = RenewClaim(id=entity_id, token=token, minutes=request.minutes)
        case "release":
            command = ReleaseClaim(id=entity_id, token=token)
        case "claim" | "next":
            command = ClaimWorkItem(id=entity_id, token=token, minutes=request.minutes)
    own = command_id(request.command_id)
    try:
        return submit(view, command, category=CATEGORY, by=request.by, command_id=own, token=token)
    except Refused as error:
        if request.action != "claim":
            raise
        raise _with_others(view, error, Asker(name=view.actor(request.by)), entity_id) from error


def _with_others(view: LedgerView, error: Refused, claimer: Asker, wanted: str) -> Refused:
    """The refusal, with what is free for the claimer instead, the most urgent first; or why nothing else is."""
    with view.tables.snapshot() as snapshot:
        page = item_lists.ready(snapshot, ReadyFilter(), asker=claimer, limit=OFFERED, cursor=None)
        not_ready = item_lists.WorkItemFilter(ready=False)
        why = [] if page["items"] else reasons_to_wait.reasons(snapshot, claimer, OFFERED, not_ready, without=wanted)
    free = [{name: item[name] for name in ("ref", "title", "priority")} for item in page["items"]]
    if free:
        others = f"{free[0]['ref']} is free, action next takes the most urgent"
        return Refused(error.message, next_step=f"{error.next_step}; {others}", **error.details, free=free)
    because = f", because {reasons_to_wait.sentence(why)}" if why else ""
    step = f"{error.next_step}; nothing else is ready{because}"
    return Refused(error.message, next_step=step, **error.details, free=[])


def _what_it_waits_for(view: LedgerView, request: ClaimWorkItemInput) -> Answered:
    with view.tables.snapshot() as snapshot:
        return _why_nothing(snapshot, Asker(name=view.actor(request.by)), _wanted(view, request.filter))


def _why_nothing(snapshot: Snapshot, claimer: Asker, filters: ReadyFilter) -> Answered:
    """{waiting?, next_step}: why nothing that was wanted can be begun, the most urgent first."""
    among = "that fits the filter " if filters != ReadyFilter() else ""
    found = reasons_to_wait.reasons(
        snapshot, claimer, OFFERED, item_lists.WorkItemFilter(**asdict(filters), ready=False)
    )
    if not found:
        return {"next_step": f"nothing {among}is ready; list_work_items with ready=false shows what is unfinished"}
    step = "finish what it waits for, or list_work_items with ready=false"
    return {
        "waiting": found,
        "next_step": f"nothing {among}is ready, because {reasons_to_wait.sentence(found)}; {step}",
    }


def _why(request: ClaimWorkItemInput, row: Row) -> str:
    """Why it is this one that action next took."""
    among = "that is ready and fits the filter" if request.filter.model_fields_set else "that is ready"
    priority = "without a priority" if row.state.priority is None else f"priority {row.state.priority}"
    return f"the most urgent {among}: {priority}, the oldest of these (created {row.stamps.created_at[:16]}Z)"


def _next(view: LedgerView, request: ClaimWorkItemInput) -> Done | None:
    token = request.token or view.token_of(request.by)
    command = ClaimNextWorkItem(token=token, minutes=request.minutes, wanted=_wanted(view, request.filter))
    recorded = view.record(command, by=request.by, command_id=command_id(request.command_id), token=token)
    for stream, version in recorded.streams.items():
        return Done(
            outcome=outcome(view.store, recorded),
            category=category_of(stream),
            id=id_of(stream),
            version=version,
            position=recorded.positions[-1] if recorded.positions else None,
            place=recorded.place,
            repeated=recorded.repeated,
        )
    return None


def _claim_answer(view: LedgerView, request: ClaimWorkItemInput, done: Done) -> Answered:
    """The receipt, what was taken, and until when; the token is needed to renew or release it from elsewhere."""
    if done.category != CATEGORY:  # what became of a claim whose answer was lost
        return receipt(view, done, request) | {"next_step": "nothing was claimed: claim again with another command_id"}
    token = request.token or view.token_of(request.by)
    try:
        row, whole = questions.row_in(view.tables, done.id), dict[str, Any]()
        if request.detail:
            with view.tables.snapshot() as snapshot:
                whole = questions.by_id(snapshot, done.id)
    except Unavailable as error:
        raise OutcomeUnknown("it is recorded, and cannot be read", next_step=error.next_step) from error
    before = _previous_holder(view, done) if request.action in ("claim", "next") else {}
    claim = row.state.claim
    mine = claim is not None and claim.token_digest == token_digest(token)
    lease = {"until": claim.until, "token": token} if mine else {}
    why = {"why": _why(request, row)} if request.action == "next" else {}
    return whole | receipt(view, done, request) | {"title": row.state.title} | why | before | lease


def _previous_holder(view: LedgerView, done: Done) -> Answered:
    """{taken_from?}: whose claim had ended and who may still be at work on it."""
    if done.position is None or not isinstance(done.version, int) or done.version <= FIRST_CLAIM:
        return {}
    for recorded in view.store.read_facts(done.position - 1, done.position):
        fact = reading_of(recorded.type, recorded.schema)(recorded.data)
        if isinstance(fact, WorkItemClaimed) and fact.taken_from is not None:
            return {"taken_from": asdict(fact.taken_from)}
    return {}


def _faults(request: ClaimWorkItemInput) -> Iterator[Problem]:
    if request.action == "next":
        if request.id is not None:
            yield problem("id", "is not given with action next, which chooses the item", request.id)
        return
    if request.id is None:
        yield problem("id", f"is required for action {request.action}")
    if request.filter.model_fields_set:
        yield problem("filter", "goes with action next only", sorted(request.filter.model_fields_set))
    if request.action == "release" and request.minutes is not None:
        yield problem("minutes", "is not given with action release, which ends the claim at once", request.minutes)


def _wanted(view: LedgerView, request: ReadyWorkInput | NextItemFilter) -> ReadyFilter:
    parent = resolve(view.tables, CATEGORY, request.parent_id, "parent_id") if request.parent_id else None
    tag = request.tag.strip().lower() if request.tag else None
    return ReadyFilter(item_type=request.item_type, tag=tag, parent_id=parent, assignee=request.assignee)


OPERATIONS = (
    Operation(
        name="ready_work",
        title="Ready work",
        summary="List what can be begun now, the most urgent first. To take one: claim_work_item.",
        toolset="work",
        input=ReadyWorkInput,
        run=ready_work,
    ),
    Operation(
        name="claim_work_item",
        title="Claim a work item",
        summary="Take an item before you begin, so that no other does; renew it, or give it back. "
        "Completing the item ends it.",
        toolset="work",
        input=ClaimWorkItemInput,
        run=claim_work_item,
        scope="write",
    ),
)
