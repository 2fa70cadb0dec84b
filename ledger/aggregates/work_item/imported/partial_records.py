"""Records of some fields only: what such a record leaves out keeps the value that its source gave before."""

from typing import Any

from msgspec.structs import replace

from ledger.aggregates.work_item.commands import Attribution, ImportedItem, Stated
from ledger.aggregates.work_item.imported.kept_links import KEPT_UNDER
from ledger.aggregates.work_item.state import WorkItem
from ledger.values.moment import text

FIELDS = (
    "item_type",
    "description",
    "notes",
    "assignee",
    "branch_name",
    "commits",
    "pr_numbers",
    "priority",
    "tags",
    "due",
    "not_before",
    "estimate",
    "milestone_id",
    "recurrence",
)
BEGAN = "source_created_at"  # the metadata key for when an item began, if its first record did not say so
APART = "source_comments"  # the key under which comments by themselves, by their numbers, keep what else they say
CORRECTED = "updated_at"  # which of these says when the comment was last changed
SOURCE_FIELDS = "source_fields"  # the metadata key for those of the source's fields that have names of ours
STATE, STATUS = "source_state", "source_status"  # what the source says plainly, and the word that counts
OWN = {  # names of ours in the metadata, and the fields with which they are stated
    STATUS: "status",
    STATE: "status",
    "source_priority": "priority",
    "source_type": "item_type",
    "source_estimate": "estimate",
    "source_deleted_at": "deleted",
}


def with_unstated(item: ImportedItem, then: WorkItem) -> ImportedItem:
    """The record, with the values of `then` where it states none: the state that its source gave the item before."""
    if item.stated == Stated():
        return item
    rough = {
        field
        for field, marks in item.stated.roughly.items()
        if all(_is_as_before(item, then, names) for names in marks if any(_holds(name, item.stated) for name in names))
    }
    stated = replace(item.stated, without=item.stated.without | rough)
    fields = {
        field: item.fields.get(field) if stated.holds(field) else getattr(then, field) for field in ("title", *FIELDS)
    }
    known = {field: value for field, value in fields.items() if value is not None}
    removed = (
        item.removed if stated.holds("deleted") else Attribution(by="", at=item.changed.at) if then.deleted else None
    )
    return replace(
        item,
        fields=known | {"metadata": _metadata(item, then, stated)},
        status=item.status if stated.holds("status") else None,
        removed=removed,
        comments_missing=item.comments_missing or not stated.holds("comments"),
        stated=stated,
    )


def with_beginning(item: ImportedItem) -> ImportedItem:
    """Marks a new record that may not say when it began, so that a fuller record is recognised as the same item."""
    if item.stated.names is None or item.created_in_source is not None:
        return item
    metadata = item.fields.get("metadata", {}) | {BEGAN: "unknown"}
    return replace(item, fields=item.fields | {"metadata": metadata})


def _is_as_before(item: ImportedItem, then: WorkItem, names: tuple[str, ...]) -> bool:
    """Whether the first of these names that the metadata have has its old value. A missing status counts as old."""
    now = _first(item.fields.get("metadata", {}), names)
    return now == _first(then.metadata, names) or (not now and STATUS in names)


def _first(metadata: dict[str, Any], names: tuple[str, ...]) -> str:
    return str(next((metadata[name] for name in names if name in metadata), "")).casefold()


def _metadata(item: ImportedItem, then: WorkItem, stated: Stated) -> dict[str, Any]:
    given = item.fields.get("metadata", {})
    metadata = {name: value for name, value in given.items() if _holds(name, stated)}
    metadata |= {name: value for name, value in then.metadata.items() if not _holds(name, stated)}
    if BEGAN in then.metadata:
        metadata[BEGAN] = text(item.created_in_source) if item.created_in_source else then.metadata[BEGAN]
    links = _mapping(then.metadata, KEPT_UNDER)
    links = {to: kept for to, kept in links.items() if _is_kept(to, kept, item)}
    for name in (SOURCE_FIELDS, APART):
        before = _mapping(then.metadata, name).items()
        if fields := {field: value for field, value in before if not stated.holds(f"metadata.{field}")}:
            metadata[name] = fields | _mapping(given, name)
    if links:
        metadata[KEPT_UNDER] = _mapping(given, KEPT_UNDER) | links
    return metadata


def _holds(name: str, stated: Stated) -> bool:
    if name in (SOURCE_FIELDS, APART, KEPT_UNDER):
        return True
    return stated.holds(OWN[name]) if name in OWN else stated.holds(f"metadata.{name}")


def _is_kept(to: str, kept: Any, item: ImportedItem) -> bool:
    """Whether the record does not state such a link, or states the same one, maybe without who made it and when."""
    word = kept.get("type") if isinstance(kept, dict) else None
    if any(link.to == to for link in item.links):
        stated_link = _mapping(item.fields.get("metadata", {}), KEPT_UNDER).get(to)
        return item.stated.names is not None and isinstance(stated_link, dict) and stated_link.get("type") == word
    return not item.stated.holds(f"links.{word}" if word else "links")


def _mapping(metadata: dict[str, Any], name: str) -> dict[str, Any]:
    found = metadata.get(name)
    return found if isinstance(found, dict) else {}
