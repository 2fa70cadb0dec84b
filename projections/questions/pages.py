"""A list, a page at a time: the next page is asked for by the place where the last one ended."""

import base64
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from ledger.errors import Invalid
from projections.questions.answers import Entity
from projections.tables.contract import Answer

PageStart = tuple[str | int | None, str | None]  # the sort key and the id of the last entity seen; None: from the start

START: PageStart = (None, None)


def page(
    found: Answer, limit: int, *, order: str, total: int | None, to_entities: Callable[[Answer], list[Entity]]
) -> Entity:
    """{items, total_count, returned, has_more, next_cursor}. `found` are up to `limit` + 1 lines with their `key`."""
    kept, more = found[:limit], len(found) > limit
    return {
        "items": to_entities(kept),
        "total_count": total,
        "returned": len(kept),
        "has_more": more,
        "next_cursor": encode_cursor(order, kept[-1]["key"], kept[-1]["id"]) if more else None,
    }


def counted(found: Mapping[str, Any]) -> str:
    """How many items a list has, as far as they were counted.

    >>> counted({"total_count": 1234}), counted({"total_count": None, "total_is_at_least": 100})
    ('1,234', 'more than 100')
    >>> counted({"total_count": None, "total_is_at_least": 3, "next_step": "add a word"})
    'at least 3'
    """
    if found["total_count"] is not None:
        return f"{found['total_count']:,}"
    return f"{'at least' if 'next_step' in found else 'more than'} {found['total_is_at_least']:,}"


def page_start(cursor: str | None, order: str) -> PageStart:
    """Where the page after this cursor begins. Raises Invalid for a cursor of another list."""
    return decode_cursor(cursor, order) if cursor else START


def encode_cursor(order: str, key: str | int, entity_id: str) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode([order, key, entity_id])).decode().rstrip("=")


def decode_cursor(cursor: str, order: str) -> PageStart:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        made_for, key, entity_id = msgspec.json.decode(
            base64.urlsafe_b64decode(padded), type=tuple[str, str | int, str]
        )
    except (ValueError, msgspec.MsgspecError):
        made_for, key, entity_id = "", "", ""
    if made_for != order:
        raise not_of_this_list(cursor)
    return key, entity_id


def not_of_this_list(cursor: str) -> Invalid:
    return Invalid(
        "cursor: is not the next_cursor of this list",
        next_step="send next_cursor as it was answered, with the same filters and order, or start without it",
        fields=[{"field": "cursor", "problem": "is not from this list", "value": cursor[:80]}],
    )
