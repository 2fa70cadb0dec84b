"""Operations on what can be begun, and on who has begun it."""

from collections.abc import Iterator
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from ledger.decider import Problem, check, problem
from ledger.envelope import Command, id_of
from ledger.errors import OutcomeUnknown, Unavailable
from ledger.work_item.claiming import token_digest
from ledger.work_item.commands import ClaimNextWorkItem, ClaimWorkItem, ReleaseClaim, RenewClaim
from ledger.work_item.item_summaries import CATEGORY
from ledger.world import Wanted
from projections.application.app import App, Done
from projections.operations.base import (
    Answered,
    AnyObject,
    AnyText,
    AsObject,
    Input,
    Limit,
    Name,
    Operation,
    Token,
    Writes,
    command_id,
    receipt,
)
from projections.operations.work_items import ItemType, summary
from projections.questions import work_items as questions
from projections.questions.references import resolve

LONGEST = 1440  # minutes: a day

Action = Literal["claim", "next", "renew", "release"]


class ReadyWorkInput(Input):
    limit: Limit = 10
    item_type: Annotated[ItemType | None, AnyText, Field(description="Only")] = None
    tag: Annotated[str | None, Field(description="Has it")] = None
    parent_id: Annotated[str | None, Field(description="Below it")] = None
    assignee: Annotated[Name | None, Field(description="For them")] = None
    cursor: Annotated[str | None, Field(description="Next")] = None


class Filter(Input):
    """What narrows down the next one, named as in ready_work."""

    item_type: ItemType | None = None
    tag: str | None = None
    parent_id: str | None = None
    assignee: Name | None = None


class ClaimWorkItemInput(Writes):
    action: Annotated[Action, Field(description="next: first ready")]
    id: Annotated[str | None, Field(description="But next")] = None
    token: Annotated[Token | None, Field(description="Another's")] = None
    minutes: Annotated[int | None, Field(ge=1, le=LONGEST, description="Lease")] = None
    filter: Annotated[Filter, AsObject, AnyObject, Field(description="For next")] = Filter()


def ready_work(app: App, wanted: ReadyWorkInput) -> Answered:
    filters, holder = _wanted(app, wanted), token_digest(app.token)
    with app.tables.snapshot() as snapshot:
        page = questions.ready(snapshot, filters, holder=holder, limit=wanted.limit, cursor=wanted.cursor)
    return page | {"items": [summary(item) for item in page["items"]]}


def claim_work_item(app: App, wanted: ClaimWorkItemInput) -> Answered:
    check(_faults(wanted))
    done = _next(app, wanted) if wanted.action == "next" else _one(app, wanted)
    if done is None:
        return {
            "outcome": "none_left",
            "next_step": "nothing is ready; list_work_items with blocked=true shows what waits",
        }
    return _told(app, wanted, done)


def _one(app: App, wanted: ClaimWorkItemInput) -> Done:
    thing, token = resolve(app.tables, CATEGORY, wanted.id or ""), wanted.token or app.token

    def make(_: UUID) -> Command:
        match wanted.action:
            case "renew":
                return RenewClaim(id=thing, token=token, minutes=wanted.minutes)
            case "release":
                return ReleaseClaim(id=thing, token=token)
            case _:
                return ClaimWorkItem(id=thing, token=token, minutes=wanted.minutes)

    return app.do(make, category=CATEGORY, by=wanted.by, command_id=command_id(wanted.command_id), token=token)


def _next(app: App, wanted: ClaimWorkItemInput) -> Done | None:
    token = wanted.token or app.token
    command = ClaimNextWorkItem(token=token, minutes=wanted.minutes, wanted=_wanted(app, wanted.filter))
    recorded = app.record(command, by=wanted.by, command_id=command_id(wanted.command_id), token=token)
    for stream, version in recorded.streams.items():
        return Done(
            outcome=app.outcome(recorded),
            category=CATEGORY,
            id=id_of(stream),
            version=version,
            position=recorded.positions[-1] if recorded.positions else None,
            place=recorded.place,
            repeated=recorded.repeated,
        )
    return None


def _told(app: App, wanted: ClaimWorkItemInput, done: Done) -> Answered:
    """The receipt, what was taken, and until when; the token is needed to renew or release it from elsewhere."""
    token = wanted.token or app.token
    try:
        with app.tables.snapshot() as snapshot:
            row = questions.row(snapshot, done.id)
            whole = questions.by_id(snapshot, done.id) if wanted.detail else {}
    except Unavailable as error:
        raise OutcomeUnknown("it is recorded, and cannot be read", next_step=error.next_step) from error
    claim = row.state.claim
    mine = claim is not None and claim.token_digest == token_digest(token)
    lease = {"until": claim.until, "token": token} if mine else {}
    return whole | receipt(app, done) | {"title": row.state.title} | lease


def _faults(wanted: ClaimWorkItemInput) -> Iterator[Problem]:
    if wanted.action == "next":
        if wanted.id is not None:
            yield problem("id", "is not given with action next, which chooses the item", wanted.id)
        return
    if wanted.id is None:
        yield problem("id", f"is required for action {wanted.action}")
    if wanted.filter.model_fields_set:
        yield problem("filter", "goes with action next only", sorted(wanted.filter.model_fields_set))


def _wanted(app: App, wanted: ReadyWorkInput | Filter) -> Wanted:
    parent = resolve(app.tables, CATEGORY, wanted.parent_id, "parent_id") if wanted.parent_id else None
    tag = wanted.tag.strip().lower() if wanted.tag else None
    return Wanted(item_type=wanted.item_type, tag=tag, parent_id=parent, assignee=wanted.assignee)


OPERATIONS = (
    Operation(
        name="ready_work",
        title="Ready work",
        summary="What can begin now; claim_work_item takes it.",
        input=ReadyWorkInput,
        run=ready_work,
    ),
    Operation(
        name="claim_work_item",
        title="Claim a work item",
        summary="Before you begin: take an item, renew or release it.",
        input=ClaimWorkItemInput,
        run=claim_work_item,
        writes=True,
    ),
)
