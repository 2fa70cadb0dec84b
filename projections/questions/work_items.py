"""What can be asked of work items."""

import base64
from collections.abc import Iterable
from typing import Any, Literal

import msgspec
from msgspec import Struct

from ledger.errors import Invalid, NotFound
from ledger.reference import brief
from projections.questions.references import references
from projections.row import Row
from projections.tables import Answer, Snapshot
from projections.work_items import work_items

Order = Literal["updated", "created", "priority", "tree"]
Thing = dict[str, Any]

SUMMARY = ("id", "ref", "version", "item_type", "title", "status", "priority", "parent_id", "assignee", "updated_at")


class Filter(Struct, frozen=True, kw_only=True):
    """None means: any. `since` is a position; `parent_id` a whole UUID."""

    item_type: str | None = None
    status: str | None = None
    parent_id: str | None = None
    roots_only: bool = False
    tag: str | None = None
    since: int | None = None
    include_deleted: bool = False
    include_archived: bool = False


def row(snapshot: Snapshot, thing: str) -> Row:
    """The item's row. Raises NotFound."""
    generation = snapshot.generation("work_items")
    found = snapshot.ask("things/by_id", category="work_item", generation=generation, id=thing)
    if not found:
        raise NotFound(
            f"there is no work item {thing} in this ledger", next_step="check the id, or list_work_items", id=thing
        )
    return rows(found)[0]


def rows(answer: Answer) -> list[Row]:
    return [work_items.row(line["id"], line["version"], line["position"], line["doc"]) for line in answer]


def shown(snapshot: Snapshot, items: Iterable[Row]) -> list[Thing]:
    """Items as flat objects with their references, as every answer has them."""
    listed = list(items)
    refs = references(snapshot, "work_item", [item.id for item in listed])
    return [{"id": item.id, "ref": refs[item.id], "version": item.version, **_fields(item)} for item in listed]


def listed(snapshot: Snapshot, wanted: Filter, *, order: Order, limit: int, offset: int, cursor: str | None) -> Thing:
    """A page of items: {items, total_count, returned, has_more, next_cursor}; the items are whole."""
    filters = {
        "item_type": wanted.item_type,
        "status": wanted.status,
        "parent_id": wanted.parent_id,
        "roots_only": int(wanted.roots_only),
        "tag": wanted.tag,
        "since": wanted.since,
        "hide": int(not wanted.include_deleted) + 2 * int(not wanted.include_archived),
    }
    after = decode_cursor(cursor, order) if cursor else [None, None]
    found = snapshot.ask(
        f"work_items/list_by_{order}", **filters, after_key=after[0], after_id=after[1], limit=limit + 1, offset=offset
    )
    total = snapshot.ask("work_items/count", **filters)[0]["total"]
    page, more = found[:limit], len(found) > limit
    return {
        "items": shown(snapshot, rows(page)),
        "total_count": total,
        "returned": len(page),
        "has_more": more,
        "next_cursor": encode_cursor(order, page[-1]["key"], page[-1]["id"]) if more else None,
    }


def lineage(snapshot: Snapshot, thing: str) -> list[Thing]:
    """The ancestors, root first."""
    found = snapshot.ask("work_items/lineage", id=thing)
    return _named(snapshot, list(reversed(found[1:])))


def descendants(snapshot: Snapshot, thing: str, max_depth: int) -> list[Thing]:
    """Everything below, parents before children, each with its depth below the item."""
    return _named(snapshot, snapshot.ask("work_items/subtree", id=thing, max_depth=max_depth)[1:])


def dependencies(snapshot: Snapshot, thing: str) -> list[Thing]:
    """Every link of the item, seen from it: {kind, id, ref, title, status, note?}."""
    found = snapshot.ask("work_items/links", id=thing)
    refs = references(snapshot, "work_item", [line["id"] for line in found])
    kinds = {("blocks", "in"): "blocked_by", ("discovered_from", "in"): "led_to"}
    return [
        {
            "kind": kinds.get((line["relation"], line["direction"]), line["relation"]),
            "id": line["id"],
            "ref": refs[line["id"]],
            "title": line["title"],
            "status": line["status"],
        }
        for line in found
    ]


def encode_cursor(order: str, key: Any, thing: str) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode([order, key, thing])).decode().rstrip("=")


def decode_cursor(cursor: str, order: str) -> list[Any]:
    """[key, id] of the last item seen. Raises Invalid for one of another list."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        made_for, key, thing = msgspec.json.decode(base64.urlsafe_b64decode(padded), type=tuple[str, str | int, str])
    except (ValueError, msgspec.MsgspecError):
        made_for, key, thing = "", "", ""
    if made_for != order:
        raise Invalid(
            "cursor: is not the next_cursor of this list",
            next_step="send next_cursor as it was answered, with the same order, or start without it",
            fields=[{"field": "cursor", "problem": "is not from this list", "value": cursor[:80]}],
        )
    return [key, thing]


def _fields(item: Row) -> Thing:
    fields: Thing = {**msgspec.to_builtins(item.state), **msgspec.to_builtins(item.stamps)}
    fields["links"] = [{**link, "ref": brief("work_item", link["to_id"])} for link in fields["links"]]
    return fields


def _named(snapshot: Snapshot, answer: Answer) -> list[Thing]:
    refs = references(snapshot, "work_item", [line["id"] for line in answer])
    kept = ("id", "title", "item_type", "status", "parent_id", "depth")
    return [{"ref": refs[line["id"]], **{name: line[name] for name in kept}} for line in answer]
