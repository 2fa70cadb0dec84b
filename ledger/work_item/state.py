"""What the facts of one work item add up to."""

from typing import Any, Literal, get_args

from msgspec import Struct
from msgspec.structs import replace

from ledger.annotation.events import AnnotationFact
from ledger.annotation.state import Comment, annotate
from ledger.envelope import Fact, stated
from ledger.values.revision import apply
from ledger.work_item.events import (
    WorkItemArchived,
    WorkItemBlocked,
    WorkItemClaimed,
    WorkItemClaimReleased,
    WorkItemClaimRenewed,
    WorkItemCompleted,
    WorkItemCreated,
    WorkItemDeleted,
    WorkItemLinked,
    WorkItemMoved,
    WorkItemReinstated,
    WorkItemReopened,
    WorkItemRestored,
    WorkItemReverted,
    WorkItemRevised,
    WorkItemUnarchived,
    WorkItemUnblocked,
    WorkItemUnlinked,
    WorkItemWithdrawn,
)

ItemType = Literal["project", "session", "task", "research"]
Status = Literal["active", "blocked", "completed"]
LinkKind = Literal["blocks", "relates_to", "discovered_from"]
ITEM_TYPES: tuple[str, ...] = get_args(ItemType)
LINK_KINDS: tuple[str, ...] = get_args(LinkKind)


class Link(Struct, frozen=True, kw_only=True, omit_defaults=True):
    kind: str
    to_id: str
    note: str | None = None


class Claim(Struct, frozen=True, kw_only=True):
    """Who took it, and until when. `until` is ledger time as text; the lease holds before it and not at it."""

    by: str
    until: str
    token_digest: str


class WorkItem(Struct, frozen=True, kw_only=True):
    """An empty `item_type` means: there is no such item."""

    item_type: str = ""
    title: str = ""
    status: Status = "active"
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
    deleted: bool = False
    cascade_of: str | None = None
    archived: bool = False
    claim: Claim | None = None
    withdrawn: bool = False

    @property
    def exists(self) -> bool:
        return self.item_type != ""


def evolve(item: WorkItem, fact: Fact) -> WorkItem:
    """A claim ends with the work: when the item is blocked, completed, deleted or withdrawn."""
    match fact:
        case AnnotationFact():
            return annotate(item, fact)
        case WorkItemCreated():
            return WorkItem(**stated(fact))
        case WorkItemRevised(changes=changes):
            return apply(item, changes)
        case WorkItemMoved(new_parent_id=parent):
            return replace(item, parent_id=parent)
        case WorkItemBlocked(reason=reason):
            return replace(item, status="blocked", block_reason=reason, claim=None)
        case WorkItemUnblocked():
            return replace(item, status="active", block_reason=None)
        case WorkItemCompleted(forced=forced):
            return replace(item, status="completed", block_reason=None, forced=forced, claim=None)
        case WorkItemReopened():
            return replace(item, status="active", forced=None, archived=False)
        case WorkItemDeleted(cascade_of=root):
            return replace(item, deleted=True, cascade_of=root, claim=None)
        case WorkItemRestored():
            return replace(item, deleted=False, cascade_of=None)
        case WorkItemClaimed(by=by, until=until, token_digest=token):
            return replace(item, claim=Claim(by=by, until=until, token_digest=token))
        case WorkItemClaimRenewed(until=until):
            return replace(item, claim=item.claim and replace(item.claim, until=until))
        case WorkItemClaimReleased():
            return replace(item, claim=None)
        case WorkItemArchived():
            return replace(item, archived=True)
        case WorkItemUnarchived():
            return replace(item, archived=False)
        case WorkItemLinked(kind=kind, to_id=to, note=note):
            kept = tuple(link for link in item.links if (link.kind, link.to_id) != (kind, to))
            return replace(item, links=(*kept, Link(kind=kind, to_id=to, note=note)))
        case WorkItemUnlinked(kind=kind, to_id=to):
            return replace(item, links=tuple(link for link in item.links if (link.kind, link.to_id) != (kind, to)))
        case WorkItemReverted(changes=changes):
            reverted = apply(item, changes)
            at_work = reverted.status == "active" and not reverted.deleted
            return reverted if at_work else replace(reverted, claim=None)
        case WorkItemWithdrawn():
            return replace(item, withdrawn=True, claim=None)
        case WorkItemReinstated():
            return replace(item, withdrawn=False)
        case _:
            return item  # an unknown fact of a newer program is carried, not interpreted
