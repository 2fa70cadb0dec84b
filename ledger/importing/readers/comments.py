"""Comments of a source: each with its author, its time and its text."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_OID

from msgspec import Struct

from ledger.aggregates.work_item.commands import Attribution, ImportedComment
from ledger.annotation.commands import comment_id_of
from ledger.envelope import minted_id
from ledger.importing.readers.reading import time_of
from ledger.importing.readers.record import Record


def comment_id(number: str | int, name: str) -> str:
    """The id here of the comment that the source knows by `number`, on the record `name`."""
    return comment_id_of(minted_id(NAMESPACE_OID, f"comment {number} of {name}"))


class CommentForm(Struct, frozen=True, kw_only=True):
    """How a source writes a comment. `number`, `author` and `time` are the names of its fields, `corrected` that of the
    time of its last change, all read by `time_of`; `more` are further fields that say nothing more of it."""

    number: str
    author: str
    time: str
    corrected: str | None = None
    more: frozenset[str] = frozenset()
    time_of: Callable[[Any], datetime | None] = time_of

    @property
    def fields(self) -> frozenset[str]:
        """All that a comment of ours says whole."""
        return self.more | {self.number, self.author, self.time, "text"}


def imported_comments(
    entries: Iterable[Any], record: Record, otherwise: Attribution, form: CommentForm, *, name: str | None = None
) -> tuple[tuple[ImportedComment, ...], list[Any]]:
    """The comments on a record, and the entries that are none or say more than one; what is not understood is named.

    `name` is what the comments are known by where it is not the record's. `otherwise` is who and when where an entry
    does not say.
    """
    comments: dict[str, ImportedComment] = {}
    left: list[Any] = []
    for place, entry in enumerate(entries, 1):
        text = entry.get("text") if isinstance(entry, dict) else None
        if not isinstance(text, str) or not text.strip():
            left.append(entry)
            record.warn("field_not_understood", ": comments")
            continue
        key, by, written = (entry.get(field) for field in (form.number, form.author, form.time))
        number = key if isinstance(key, (str, int)) and f"{key}" not in comments else f"place {place}"
        at = form.time_of(written)
        comments[f"{number}"] = ImportedComment(
            id=comment_id(number, name or record.name),
            text=text,
            made=Attribution(by=by if isinstance(by, str) and by.strip() else otherwise.by, at=at or otherwise.at),
            corrected=form.time_of(entry.get(form.corrected)) if form.corrected else None,
        )
        is_unclear = bool(written) and at is None
        if is_unclear:
            record.warn("time_not_understood", f": comments, {written!s:.50}")
        if is_unclear or entry.keys() - form.fields:
            left.append(entry)
    return tuple(comments.values()), left
