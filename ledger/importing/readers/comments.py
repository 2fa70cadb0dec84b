"""Comments of a source: each with its author, its time and its text."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_OID

from ledger.aggregates.work_item.commands import Attribution, ImportedComment
from ledger.annotation.commands import comment_id_of
from ledger.envelope import minted_id
from ledger.importing.readers.record import Record


def comment_id(number: str | int, name: str) -> str:
    """The id here of the comment that the source knows by `number`, on the record `name`."""
    return comment_id_of(minted_id(NAMESPACE_OID, f"comment {number} of {name}"))


def imported_comments(
    entries: Iterable[Any],
    record: Record,
    otherwise: Attribution,
    *,
    name: str | None = None,
    fields: tuple[str, str, str],
    plain: frozenset[str],
    time_of: Callable[[Any], datetime | None],
    corrected: str | None = None,
) -> tuple[tuple[ImportedComment, ...], list[Any]]:
    """The comments on a record, and the entries that are none or say more than one; what is not understood is named.

    `fields` name what in an entry is its number among the comments, its author and its time, `corrected` the time of
    its last change; `plain` are those that a comment of ours says whole; `name` is what the comments are known by where
    it is not the record's. `otherwise` is who and when where an entry does not tell.
    """
    comments: dict[str, ImportedComment] = {}
    left: list[Any] = []
    for place, entry in enumerate(entries, 1):
        text = entry.get("text") if isinstance(entry, dict) else None
        if not isinstance(text, str) or not text.strip():
            left.append(entry)
            record.warn("field_not_understood", ": comments")
            continue
        key, by, at = (entry.get(field) for field in fields)
        number = key if isinstance(key, (str, int)) and f"{key}" not in comments else f"place {place}"
        made = Attribution(
            by=by if isinstance(by, str) and by.strip() else otherwise.by, at=time_of(at) or otherwise.at
        )
        comments[f"{number}"] = ImportedComment(
            id=comment_id(number, name or record.name),
            text=text,
            made=made,
            corrected=time_of(entry.get(corrected)) if corrected else None,
        )
        if at and time_of(at) is None:
            record.warn("time_not_understood", f": comments, {at!s:.50}")
        if entry.keys() - plain or (at and time_of(at) is None):
            left.append(entry)
    return tuple(comments.values()), left
