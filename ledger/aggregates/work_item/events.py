"""What can happen to a work item. Never edited after release; a changed shape is a new schema with an upcast."""

from typing import Any

from msgspec import Struct

from ledger.envelope import Fact
from ledger.values.revision import Changes


class WorkItemChange(Fact, frozen=True, kw_only=True):
    """The root of what an update records: with the `reason` that was given for it, and `forced_over` whose claim it was
    made by force."""

    reason: str | None = None
    forced_over: str | None = None


class WorkItemCreated(Fact, frozen=True, kw_only=True):
    """Fields an imported source did not state are absent, never a default that looks like a fact.

    `due` and `not_before` are days or moments, see ledger.values.dates; `estimate` is in minutes; `recurrence` a rule,
    see ledger.aggregates.work_item.rules.recurrence, and `recurrence_of` the item after which this one comes. `status`
    and `category` are the state in which the ledger's configuration lets items begin.
    """

    item_type: str
    title: str
    description: str | None = None
    notes: str | None = None
    assignee: str | None = None
    parent_id: str | None = None
    external_source: str | None = None
    external_id: str | None = None
    branch_name: str | None = None
    commits: tuple[str, ...] = ()
    pr_numbers: tuple[int, ...] = ()
    priority: int | None = None
    tags: tuple[str, ...] = ()
    metadata: dict[str, Any] = {}
    due: str | None = None
    not_before: str | None = None
    estimate: int | None = None
    milestone_id: str | None = None
    recurrence: str | None = None
    recurrence_of: str | None = None
    status: str = "active"
    category: str = "active"


class WorkItemRevised(WorkItemChange, frozen=True, kw_only=True):
    """Fields that fit no better fact, old and new; `forced` is the reason for changing what another held."""

    changes: Changes
    forced: str | None = None


class WorkItemMoved(WorkItemChange, frozen=True, kw_only=True):
    """None is the root of the tree."""

    old_parent_id: str | None = None
    new_parent_id: str | None = None


class WorkItemBlocked(WorkItemChange, frozen=True, kw_only=True):
    reason: str


class WorkItemUnblocked(WorkItemChange, frozen=True, kw_only=True):
    pass


class WorkItemCompleted(WorkItemChange, frozen=True, kw_only=True):
    """`forced` is the reason given for completing it over unfinished children or open blockers; `next_id` the item that
    comes after it, made by the same command."""

    forced: str | None = None
    next_id: str | None = None


class WorkItemReopened(WorkItemChange, frozen=True, kw_only=True):
    pass


class WorkItemStatusChanged(WorkItemChange, frozen=True, kw_only=True):
    """It came into or out of a state of the ledger's own; `category` is what rules look at, see ledger.values.states.

    The `reason` of what waits or was dropped stays with the item; `forced` says why it is finished over what is not.
    `next_id` is as in WorkItemCompleted.
    """

    status: str
    category: str
    old_status: str = "active"
    old_category: str = "active"
    forced: str | None = None
    next_id: str | None = None


class WorkItemDeleted(WorkItemChange, frozen=True, kw_only=True):
    """`cascade_of` is the item whose deletion took this one with it; restoring that one brings it back. `forced` is the
    reason for deleting what another held."""

    cascade_of: str | None = None
    forced: str | None = None


class WorkItemRestored(WorkItemChange, frozen=True, kw_only=True):
    pass


class WorkItemLinked(Fact, frozen=True, kw_only=True):
    """Stands in the stream of the item that has the link: `blocks` means this one blocks the other."""

    kind: str
    to_id: str
    note: str | None = None


class WorkItemUnlinked(Fact, frozen=True, kw_only=True):
    kind: str
    to_id: str


class PreviousHolder(Struct, frozen=True, kw_only=True):
    """The holder whose lease ran out, and when."""

    by: str
    until: str


class WorkItemClaimed(Fact, frozen=True, kw_only=True):
    """It was claimed, until a moment of ledger time. Its holder is recognised by a token, which is the holder's secret;
    here is its sha256. `taken_from` is another holder, whose lease had ended. `status` and `category` are the state in
    which the ledger's configuration wants what is claimed, if any."""

    by: str
    until: str
    token_digest: str
    taken_from: PreviousHolder | None = None
    status: str | None = None
    category: str | None = None


class WorkItemClaimRenewed(Fact, frozen=True, kw_only=True):
    until: str


class WorkItemClaimReleased(Fact, frozen=True, kw_only=True):
    pass


class QuestionAsked(WorkItemChange, frozen=True, kw_only=True):
    """The item waits for a person or a role (`whom`) to answer; `by` asked, `at` a time by their own clock.

    A review names the state (word, category) to which its approval `completes` the item, and why over unfinished work.
    """

    whom: str
    by: str
    at: str
    text: str
    choices: tuple[str, ...] = ()
    completes: tuple[str, str] | None = None
    forced: str | None = None


class QuestionAnswered(Fact, frozen=True, kw_only=True):
    """`verdict` is approve, refuse, choose (`choice` is what was chosen) or answer; `text` is the answer, or why."""

    verdict: str
    by: str
    at: str
    choice: str | None = None
    text: str | None = None


class QuestionWithdrawn(Fact, frozen=True, kw_only=True):
    """The question needs no answer any more; `reason` says why, if its author does."""

    reason: str | None = None


class WorkItemArchived(Fact, frozen=True, kw_only=True):
    pass


class WorkItemUnarchived(Fact, frozen=True, kw_only=True):
    pass


class WorkItemReverted(Fact, frozen=True, kw_only=True):
    """Fields are again what they were before the command `undoes`, old and new. It touches what those fields do."""

    changes: Changes
    undoes: str


class WorkItemWithdrawn(Fact, frozen=True, kw_only=True):
    """Its creation by the command `undoes` was undone: it is kept and hidden, what was unique in it is free again."""

    undoes: str


class WorkItemReinstated(Fact, frozen=True, kw_only=True):
    """It is back, because its withdrawal by the command `undoes` was undone."""

    undoes: str


WorkItemFact = (
    WorkItemCreated
    | WorkItemRevised
    | WorkItemMoved
    | WorkItemBlocked
    | WorkItemUnblocked
    | WorkItemCompleted
    | WorkItemReopened
    | WorkItemStatusChanged
    | WorkItemDeleted
    | WorkItemRestored
    | WorkItemLinked
    | WorkItemUnlinked
    | WorkItemClaimed
    | WorkItemClaimRenewed
    | WorkItemClaimReleased
    | QuestionAsked
    | QuestionAnswered
    | QuestionWithdrawn
    | WorkItemArchived
    | WorkItemUnarchived
    | WorkItemReverted
    | WorkItemWithdrawn
    | WorkItemReinstated
)
