"""What can be asked of work items. `id` is the whole UUID; `expected` the version the writer has read."""

from typing import Any

from msgspec import UNSET, UnsetType

from ledger.envelope import Command


class WorkItemCommand(Command, frozen=True, kw_only=True):
    """The root of this category's commands."""

    id: str


class CreateWorkItem(WorkItemCommand, frozen=True, kw_only=True):
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


class UpdateWorkItem(WorkItemCommand, frozen=True, kw_only=True):
    """Only what changes. `fields` maps a field to its new value, None clears it; metadata merges key by key.

    `parent_id` moves the item: a UUID, or None for the root. `force` goes with a `reason`.
    """

    expected: int
    fields: dict[str, Any] = {}
    status: str | None = None
    reason: str | None = None
    parent_id: str | None | UnsetType = UNSET
    deleted: bool | None = None
    cascade: bool = False
    force: bool = False


class LinkWorkItems(WorkItemCommand, frozen=True, kw_only=True):
    """`id` is the item that has the link; `expected` None means: whatever its version, links are a set."""

    kind: str
    to_id: str
    remove: bool = False
    note: str | None = None
    expected: int | None = None
