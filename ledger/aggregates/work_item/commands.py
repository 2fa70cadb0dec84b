"""What can be asked of work items. `id` is the whole UUID; `expected` the version the writer has read."""

from datetime import datetime
from typing import Any

from msgspec import UNSET, Struct, UnsetType

from ledger.annotation.commands import AnnotationCommand
from ledger.envelope import Command, import_of
from ledger.pending import Version
from ledger.values.states import FINISHED, ORIGINAL, Category, State
from ledger.world import ReadyFilter


class ItemCommand(Command, frozen=True, kw_only=True):
    """The root of the commands on one work item."""

    id: str


class CreateWorkItem(ItemCommand, frozen=True, kw_only=True):
    item_type: str
    title: str
    description: str | None = None
    notes: str | None = None
    assignee: str | None = None
    parent_id: str | None = None
    branch_name: str | None = None
    commits: tuple[str, ...] = ()
    pr_numbers: tuple[int, ...] = ()
    priority: int | None = 3
    tags: tuple[str, ...] = ()
    metadata: dict[str, Any] = {}
    due: str | None = None
    not_before: str | None = None
    estimate: int | None = None
    milestone_id: str | None = None
    recurrence: str | None = None


class UpdateWorkItem(ItemCommand, frozen=True, kw_only=True):
    """Changes what it names. `fields` maps a field to its new value, None clears it; metadata merges key by key.

    `parent_id` moves the item: a UUID, or None for the root. `force` goes with a `reason`. `expected` None means:
    as the changes before it in the same command, which creates the item, have left it.
    """

    expected: Version | None
    fields: dict[str, Any] = {}
    status: str | None = None
    reason: str | None = None
    parent_id: str | UnsetType | None = UNSET
    deleted: bool | None = None
    cascade: bool = False
    force: bool = False


class LinkWorkItems(ItemCommand, frozen=True, kw_only=True):
    """`id` is the item that has the link; `expected` None means: whatever its version, links are a set."""

    kind: str
    to_id: str
    remove: bool = False
    note: str | None = None
    expected: Version | None = None


class ChangeWorkItems(Command, frozen=True, kw_only=True):
    """Several changes in one append, each decided after the ones before it.

    If one is refused, all are; unless `refused_are_left_out`.
    """

    changes: tuple[CreateWorkItem | UpdateWorkItem | LinkWorkItems | AnnotationCommand, ...]
    refused_are_left_out: bool = False


class ClaimWorkItem(ItemCommand, frozen=True, kw_only=True):
    """`token` is the holder's secret; without `minutes` the lease is as long as the setting says."""

    token: str
    minutes: int | None = None


class ClaimNextWorkItem(Command, frozen=True, kw_only=True):
    """The most urgent ready item that fits `wanted` and is not held."""

    token: str
    minutes: int | None = None
    wanted: ReadyFilter = ReadyFilter()


class RenewClaim(ItemCommand, frozen=True, kw_only=True):
    token: str
    minutes: int | None = None


class ReleaseClaim(ItemCommand, frozen=True, kw_only=True):
    token: str


class AskQuestion(ItemCommand, frozen=True, kw_only=True):
    """`whom` is a person or one of the ledger's roles."""

    whom: str
    text: str
    choices: tuple[str, ...] = ()


class AnswerQuestion(ItemCommand, frozen=True, kw_only=True):
    """`verdict` is approve, refuse, choose or answer; what refuses or answers says why in `text`."""

    verdict: str
    choice: str | None = None
    text: str | None = None


class WithdrawQuestion(ItemCommand, frozen=True, kw_only=True):
    reason: str | None = None


class ArchiveWorkItems(Command, frozen=True, kw_only=True):
    """An item with its whole subtree; without `id` every one that is old enough.

    `older_than_days` is how long nothing in it may have changed. None: what the setting says, and with an `id` 0.
    """

    id: str | None = None
    older_than_days: int | None = None


class RestoreArchived(ItemCommand, frozen=True, kw_only=True):
    """Brings an item back from the archive, with its subtree and with its ancestors."""


class Attribution(Struct, frozen=True, kw_only=True):
    """Who did something in the source, and when."""

    by: str
    at: datetime


class ImportedLink(Struct, frozen=True, kw_only=True):
    """`kind` is parent, depends_on, relates_to, discovered_from or duplicates; child or blocks from the other end.

    `word` is the source's own, `to` the other's id there.
    """

    kind: str
    to_id: str
    to: str
    word: str
    made: Attribution


class Edition(Struct, frozen=True, kw_only=True):
    """A part of a source that says when it last changed, for the records in it that do not say so themselves."""

    part: str
    at: datetime


class ImportedComment(Struct, frozen=True, kw_only=True):
    """What was said in the source, by whom and when. `id` follows from what the source knows it by.

    `corrected` is when its author changed it last, where the source says so.
    """

    id: str
    text: str
    made: Attribution
    corrected: datetime | None = None


class Stated(Struct, frozen=True, kw_only=True):
    """The fields that a record of a source states, even if only that they are empty. All others keep their value.

    `names` None: all fields but those in `without`. A name is a field of the item, `status`, `deleted`, `parent_id`,
    `comments`, `links.KIND`, `links.WORD` or `metadata.NAME`; `links` alone means every link. `roughly` are fields
    that the record states less exactly than another record may: such a field keeps its value while the metadata named
    there are what they were. Of names in one tuple, the first that the metadata have counts.
    """

    names: frozenset[str] | None = None
    without: frozenset[str] = frozenset()
    roughly: dict[str, tuple[tuple[str, ...], ...]] = {}

    def holds(self, field: str) -> bool:
        ways = {field, field.partition(".")[0]}
        return ways.isdisjoint(self.without) and (self.names is None or not ways.isdisjoint(self.names))


class ImportedItem(Struct, frozen=True, kw_only=True):
    """A work item as a source states it. `status` None: the source does not say.

    A `status` that is none of the original words (active, blocked, completed) is the source's own word, which is kept;
    it comes with the `category` of ledger.values.states that it means, because the rules look at that only.
    `fields` are those of WorkItemCreated; one that is not named is absent in the source. `changed` is the last change
    that the source knows of, `settled` when it came to its status, `removed` when it was deleted. `created_in_source`
    and `changed_in_source` are the times that the record itself states, None where it states none. `put_aside` says
    that a link by its id means another record. `undated` is its external id without the day on which it began, where
    its source leaves that day out of the record now and then.
    `vendors` are names: the ids of those that the ledger has are kept as `metadata.vendor_ids`. `comments` None: the
    source does not say; `comments_missing`: it has more than it tells, so one that is not among them has not gone.
    What is not `stated` stays what it was.
    """

    id: str
    external_id: str
    fields: dict[str, Any]
    created: Attribution
    changed: Attribution
    status: str | None = None
    category: Category | None = None
    settled: Attribution | None = None
    removed: Attribution | None = None
    links: tuple[ImportedLink, ...] = ()
    vendors: tuple[str, ...] = ()
    created_in_source: datetime | None = None
    changed_in_source: datetime | None = None
    edition: Edition | None = None
    put_aside: bool = False
    undated: str | None = None
    comments: tuple[ImportedComment, ...] | None = None
    comments_missing: bool = False
    stated: Stated = Stated()

    @property
    def state(self) -> State | None:
        if self.status is None:
            return None
        if self.category is None:
            return State(name=self.status, category=ORIGINAL[self.status])
        return State(name=self.status, category=self.category)

    @property
    def finished(self) -> bool:
        return self.state is not None and self.state.category in FINISHED


class ImportWorkItems(Command, frozen=True, kw_only=True):
    """All of one source at once. What it gave before is compared, so that only what changed in it is recorded.

    A record that is older than what the ledger knows of it changes nothing, unless `older_wins`.
    """

    source: str
    items: tuple[ImportedItem, ...]
    older_wins: bool = False

    @property
    def recorded_as(self) -> str:
        return import_of(self.source)


WorkItemCommand = (
    CreateWorkItem
    | UpdateWorkItem
    | LinkWorkItems
    | ChangeWorkItems
    | ClaimWorkItem
    | ClaimNextWorkItem
    | RenewClaim
    | ReleaseClaim
    | AskQuestion
    | AnswerQuestion
    | WithdrawQuestion
    | ArchiveWorkItems
    | RestoreArchived
    | ImportWorkItems
)
