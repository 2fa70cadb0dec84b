"""What the facts of one work item add up to."""

from typing import Any, Literal, assert_never, get_args

from msgspec import Struct
from msgspec.structs import replace

from ledger.aggregates.work_item.events import (
    QuestionAnswered,
    QuestionAsked,
    QuestionWithdrawn,
    WorkItemArchived,
    WorkItemBlocked,
    WorkItemClaimed,
    WorkItemClaimReleased,
    WorkItemClaimRenewed,
    WorkItemCompleted,
    WorkItemCreated,
    WorkItemDeleted,
    WorkItemFact,
    WorkItemLinked,
    WorkItemMoved,
    WorkItemReinstated,
    WorkItemReopened,
    WorkItemRestored,
    WorkItemReverted,
    WorkItemRevised,
    WorkItemStatusChanged,
    WorkItemUnarchived,
    WorkItemUnblocked,
    WorkItemUnlinked,
    WorkItemWithdrawn,
)
from ledger.annotation.events import Annotation, AnnotationFact, EffortLogged
from ledger.annotation.state import Attachment, Comment, Effort, annotate, with_effort
from ledger.envelope import UnknownFact, stated
from ledger.values.revision import Changes, apply
from ledger.values.states import FINISHED, ORIGINAL, REASONLESS, WORKABLE

ItemType = Literal["project", "session", "task", "research", "milestone"]
LinkKind = Literal["blocks", "relates_to", "discovered_from", "duplicates"]
IMPLEMENTS = "implements"  # the kind of a link to an enhancement, which the item carries out
ITEM_TYPES: tuple[str, ...] = get_args(ItemType)
LINK_KINDS: tuple[str, ...] = get_args(LinkKind)
SECRET_FIELDS = ("token_digest",)  # of what an item holds: no answer gives them


class Link(Struct, frozen=True, kw_only=True, omit_defaults=True):
    kind: str
    to_id: str
    note: str | None = None


class Claim(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who took it, and until when. `until` is ledger time as text; the lease holds before it and not at it.

    `moved_from` is the state (word, category) that the claim moved it out of.
    """

    by: str
    until: str
    token_digest: str
    moved_from: tuple[str, str] | None = None


class Question(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the item waits for: asked of a person or a role, by an author, at a time by their clock.

    The approval of a review `completes` the item: it comes to that state (word, category).
    """

    whom: str
    by: str
    at: str
    text: str
    choices: tuple[str, ...] = ()
    completes: tuple[str, str] | None = None
    forced: str | None = None
    reason: str | None = None
    forced_over: str | None = None


class Answer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The newest answer, with the question that it ended."""

    question: Question
    verdict: str
    by: str
    at: str
    choice: str | None = None
    text: str | None = None


class WorkItem(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An empty `item_type` means: there is no such item. `nexts_made` counts the items that came after it, also those
    that were taken back."""

    item_type: str = ""
    title: str = ""
    status: str = "active"
    category: str = "active"
    block_reason: str | None = None
    forced: str | None = None
    parent_id: str | None = None
    description: str | None = None
    notes: str | None = None
    assignee: str | None = None
    external_source: str | None = None
    external_id: str | None = None
    branch_name: str | None = None
    commits: tuple[str, ...] = ()
    pr_numbers: tuple[int, ...] = ()
    priority: int | None = None
    tags: tuple[str, ...] = ()
    metadata: dict[str, Any] = {}
    links: tuple[Link, ...] = ()
    comments: dict[str, Comment] = {}
    attachments: dict[str, Attachment] = {}  # by URL
    question: Question | None = None
    answer: Answer | None = None
    due: str | None = None
    not_before: str | None = None
    estimate: int | None = None
    milestone_id: str | None = None
    recurrence: str | None = None
    recurrence_of: str | None = None
    next_id: str | None = None
    nexts_made: int = 0
    effort: dict[str, Effort] = {}
    deleted: bool = False
    cascade_of: str | None = None
    archived: bool = False
    claim: Claim | None = None
    withdrawn: bool = False

    @property
    def exists(self) -> bool:
        return self.item_type != ""

    @property
    def workable(self) -> bool:
        """Whether by its state it can be begun, or goes on."""
        return self.category in WORKABLE

    @property
    def finished(self) -> bool:
        return self.category in FINISHED


def evolve(item: WorkItem, fact: WorkItemFact | Annotation | EffortLogged | UnknownFact) -> WorkItem:
    """A claim ends with the work: when the item is blocked, completed, deleted or withdrawn."""
    match fact:
        case EffortLogged():
            return replace(item, effort=with_effort(item.effort, fact))
        case AnnotationFact():
            return annotate(item, fact)
        case WorkItemCreated():
            return WorkItem(**stated(fact))
        case WorkItemRevised(changes=changes):
            return apply(item, changes)
        case WorkItemMoved(new_parent_id=parent):
            return replace(item, parent_id=parent)
        case WorkItemBlocked(reason=reason):
            return replace(item, status="blocked", category="waiting", block_reason=reason, claim=None)
        case WorkItemUnblocked():
            return replace(item, status="active", category="active", block_reason=None)
        case WorkItemCompleted():
            return _completed(item, fact)
        case WorkItemReopened():
            return replace(item, status="active", category="active", block_reason=None, forced=None, archived=False)
        case WorkItemStatusChanged():
            return _changed(item, fact)
        case WorkItemDeleted(cascade_of=root):
            return replace(item, deleted=True, cascade_of=root, claim=None)
        case WorkItemRestored():
            return replace(item, deleted=False, cascade_of=None)
        case WorkItemClaimed():
            return _claimed(item, fact)
        case WorkItemClaimRenewed(until=until):
            return replace(item, claim=item.claim and replace(item.claim, until=until))
        case WorkItemClaimReleased():
            return _released(item)
        case QuestionAsked():
            return replace(item, question=Question(**stated(fact)), answer=None)
        case QuestionAnswered():
            return _answered(item, fact)
        case QuestionWithdrawn():
            return replace(item, question=None)
        case WorkItemArchived():
            return replace(item, archived=True)
        case WorkItemUnarchived():
            return replace(item, archived=False)
        case WorkItemLinked(kind=kind, to_id=to, note=note):
            return replace(item, links=(*_links_without(item, kind, to), Link(kind=kind, to_id=to, note=note)))
        case WorkItemUnlinked(kind=kind, to_id=to):
            return replace(item, links=_links_without(item, kind, to))
        case WorkItemReverted(changes=changes):
            return _reverted(item, changes)
        case WorkItemWithdrawn():
            return replace(item, withdrawn=True, claim=None)
        case WorkItemReinstated():
            return replace(item, withdrawn=False)
        case UnknownFact():
            return item  # carried, not interpreted
        case _:
            assert_never(fact)


def _completed(item: WorkItem, fact: WorkItemCompleted) -> WorkItem:
    done = replace(item, status="completed", category="done", forced=fact.forced)
    return _followed(replace(done, block_reason=None, claim=None, question=None), fact.next_id)


def _answered(item: WorkItem, fact: QuestionAnswered) -> WorkItem:
    if item.question is None:
        return item
    answer = Answer(
        question=item.question, verdict=fact.verdict, by=fact.by, at=fact.at, choice=fact.choice, text=fact.text
    )
    return replace(item, question=None, answer=answer)


def _changed(item: WorkItem, fact: WorkItemStatusChanged) -> WorkItem:
    workable, finished = fact.category in WORKABLE, fact.category in FINISHED
    changed = replace(
        item,
        status=fact.status,
        category=fact.category,
        block_reason=None if fact.category in REASONLESS else fact.reason,
        forced=fact.forced if finished else None,
        archived=item.archived and (finished or not item.finished),
        claim=item.claim and replace(item.claim, moved_from=None) if workable else None,
        question=None if finished else item.question,
    )
    return _followed(changed, fact.next_id)


def _followed(item: WorkItem, next_id: str | None) -> WorkItem:
    return replace(item, next_id=next_id, nexts_made=item.nexts_made + 1) if next_id is not None else item


def _claimed(item: WorkItem, fact: WorkItemClaimed) -> WorkItem:
    claim = Claim(by=fact.by, until=fact.until, token_digest=fact.token_digest)
    if fact.status is None or fact.category is None:
        return replace(item, claim=claim)
    before = (item.status, item.category)
    if fact.status == item.status and item.claim is not None:  # a lease that ended left it there
        before = item.claim.moved_from or before
    return replace(item, status=fact.status, category=fact.category, claim=replace(claim, moved_from=before))


def _released(item: WorkItem) -> WorkItem:
    """Back where the claim found it; unless it was moved on since."""
    status, category = (item.claim and item.claim.moved_from) or (item.status, item.category)
    return replace(item, status=status, category=category, claim=None)


def _links_without(item: WorkItem, kind: str, to_id: str) -> tuple[Link, ...]:
    return tuple(link for link in item.links if (link.kind, link.to_id) != (kind, to_id))


def _reverted(item: WorkItem, changes: Changes) -> WorkItem:
    reverted = apply(item, changes)
    if "status" in changes and "category" not in changes:  # of one category, or of before there were categories
        reverted = replace(reverted, category=ORIGINAL.get(reverted.status, reverted.category))
    at_work = reverted.workable and not reverted.deleted
    return reverted if at_work else replace(reverted, claim=None)
