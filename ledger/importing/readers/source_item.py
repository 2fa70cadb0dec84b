"""What a reader of a tracker's file gives: each record in the terms that all trackers have, and how it becomes ours.

A reader yields a SourceItem for each record that it takes. What it does not take it names with `left_out`. Everything
that no field of a SourceItem says stays in its `more`, under the name that the source gave it, so nothing is lost.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from uuid import NAMESPACE_OID

from msgspec import Struct

from ledger.aggregates.work_item.commands import Attribution, ImportedComment, ImportedItem, ImportedLink, Stated
from ledger.aggregates.work_item.imported.older_records import LAST_CHANGE
from ledger.aggregates.work_item.imported.partial_records import STATUS
from ledger.annotation.commands import comment_id_of
from ledger.envelope import minted_id
from ledger.importing.readers.reading import LONGEST_ID, Identify, Reading, none_taken, take
from ledger.importing.readers.record import CLOSED, DELETED, Record
from ledger.values.finding import Finding
from ledger.values.moment import text
from ledger.values.states import FINISHED, Category

SourceLinkKind = Literal["parent", "depends_on", "relates_to", "discovered_from", "duplicates"]


class SourceLink(Struct, frozen=True, kw_only=True):
    """A link to another record by its id in the source. `word` is how the source calls the kind of link."""

    kind: SourceLinkKind
    to: str
    word: str = ""
    by: str | None = None
    at: datetime | None = None


class SourceComment(Struct, frozen=True, kw_only=True):
    """A comment. One without an id is known by its time and author, so those have to stay what they are.

    `corrected_at` is when its author changed it last.
    """

    text: str
    by: str | None = None
    at: datetime | None = None
    corrected_at: datetime | None = None
    id: str | None = None


class SourceItem(Struct, frozen=True, kw_only=True):
    """A record of a tracker. None is what the source does not say; times have their zone.

    `id` is what the record is known by from one import to the next. `status` is the source's word, and `category` what
    it means where that is sure; else the table of words that people use decides. `priority` is 1 (the highest) to 5.
    `due` and `not_before` are days, `2026-12-15`, or moments of RFC 3339; `estimate` is in minutes. `comments` None:
    the source does not say them; `comments_missing`: it has more than it says. `stated` says of what a record
    speaks at all, an empty field included, which is all unless a file can have some fields only. `more` is all else, by
    the source's names; `kept` are words of the source under names of ours: source_type, source_priority, acceptance.
    `place` is where it stands, `line 7`, for what is said of one that is not taken.
    """

    id: str
    title: str = ""
    status: str = ""
    category: Category | None = None
    item_type: Literal["project", "task", "research"] = "task"
    description: str | None = None
    notes: str | None = None
    assignee: str | None = None
    priority: int | None = None
    tags: tuple[str, ...] = ()
    created_at: datetime | None = None
    created_by: str | None = None
    changed_at: datetime | None = None
    ended_at: datetime | None = None
    ended_by: str | None = None
    deleted_at: datetime | None = None
    due: str | None = None
    not_before: str | None = None
    estimate: int | None = None
    links: tuple[SourceLink, ...] = ()
    comments: tuple[SourceComment, ...] | None = None
    comments_missing: bool = False
    stated: Stated = Stated()
    more: dict[str, Any] = {}
    kept: dict[str, Any] = {}
    place: str = ""


Records = Callable[[Path, Reading], Iterator[SourceItem]]
Read = Callable[[Path, Identify, datetime], Reading]


def left_out(reading: Reading, kind: str, where: str) -> None:
    """Counts and names a record of the source that is not taken."""
    reading.found += 1
    reading.not_taken.append(Finding(kind, where))


def reader(source: str, called: str, records: Records) -> Read:
    """Reads a whole source by its records. Invalid where there are some and none of them can be taken."""

    def read(path: Path, identify: Identify, imported_at: datetime) -> Reading:
        reading = Reading()
        seen: set[str] = set()
        for item in records(path, reading):
            fault = _fault(item, seen)
            if fault is not None:
                name = item.id[:LONGEST_ID]
                left_out(reading, fault, f"{item.place} ({name})" if item.place else name)
                continue
            seen.add(item.id)
            reading.found += 1
            take(reading, _Conversion(item, source, identify, imported_at, reading).item(), imported_at)
        if reading.found and not reading.items:
            raise none_taken(path, called, reading)
        return reading

    return read


def _fault(item: SourceItem, seen: set[str]) -> str | None:
    if not item.id.strip():
        return "no_id"
    if len(item.id) > LONGEST_ID:
        return "id_too_long"
    return "repeated_id" if item.id in seen else None


class _Conversion:
    """One record on its way to a work item."""

    def __init__(
        self, item: SourceItem, source: str, identify: Identify, imported_at: datetime, reading: Reading
    ) -> None:
        self._item = item
        self._source = source
        self._identify = identify
        self._record = Record(item.id, dict(item.more), reading)
        self._record.own |= item.kept
        self._unknown = f"unknown ({source})"
        known = [at for at in (item.changed_at, item.ended_at) if at is not None]
        began = item.created_at or min(known, default=imported_at)
        self._created = Attribution(by=item.created_by or self._unknown, at=began)
        self._changed = Attribution(by=self._unknown, at=max(item.changed_at or began, began))

    def item(self) -> ImportedItem:
        item, record = self._item, self._record
        if item.created_at is None:
            record.warn("no_creation_time")
        if not item.title.strip() and item.stated.holds("title"):
            record.warn("no_title")
        if item.comments_missing:
            record.warn("comments_missing")
        says_state = item.status or item.category or item.stated.holds("status")
        status, category = self._state() if says_state else (None, None)
        settled = self._end(category)
        removed = Attribution(by=self._unknown, at=item.deleted_at) if item.deleted_at else None
        self._keep_times()
        return ImportedItem(
            id=self._identify(item.id),
            external_id=item.id,
            fields=self._fields() | {"metadata": record.metadata()},
            created=self._created,
            changed=self._changed,
            status=status,
            category=category,
            settled=settled,
            removed=removed,
            links=tuple(self._link(link) for link in item.links),
            created_in_source=item.created_at,
            changed_in_source=item.changed_at,
            comments=self._comments(),
            comments_missing=item.comments_missing,
            stated=item.stated,
        )

    def _fields(self) -> dict[str, Any]:
        item = self._item
        names = ("description", "notes", "assignee", "priority", "due", "not_before")
        stated = {name: value for name in names if (value := getattr(item, name)) not in (None, "")}
        fields = {"item_type": item.item_type, "title": item.title} | stated
        fields |= self._record.estimate(item.estimate)
        return fields | ({"tags": item.tags} if item.tags else {})

    def _state(self) -> tuple[str, Category | None]:
        item = self._item
        if item.status:
            self._record.own[STATUS] = item.status
        return self._record.state(item.status, item.category)

    def _end(self, category: Category | None) -> Attribution | None:
        item, at = self._item, self._item.ended_at
        if category not in FINISHED:
            return None
        if at is None:
            self._record.warn("no_closing_time")
            return None
        if at < self._created.at:
            self._record.warn("ended_before_it_began", f": {text(at)}")
        return Attribution(by=item.ended_by or self._unknown, at=at)

    def _keep_times(self) -> None:
        times = {LAST_CHANGE: self._item.changed_at, CLOSED: self._item.ended_at, DELETED: self._item.deleted_at}
        self._record.own |= {name: text(at) for name, at in times.items() if at is not None}

    def _link(self, link: SourceLink) -> ImportedLink:
        made = Attribution(by=link.by or self._created.by, at=link.at or self._created.at)
        return ImportedLink(
            kind=link.kind, to_id=self._identify(link.to), to=link.to, word=link.word or link.kind, made=made
        )

    def _comments(self) -> tuple[ImportedComment, ...] | None:
        if self._item.comments is None:
            return None
        found: dict[str, ImportedComment] = {}
        for comment in self._item.comments:
            made = Attribution(by=comment.by or self._unknown, at=comment.at or self._created.at)
            key = comment.id or f"{text(comment.at) if comment.at else ''} {comment.by or ''}"
            while key in found:
                key += "'"
            number = minted_id(NAMESPACE_OID, f"comment {key} of {self._source} {self._item.id}")
            found[key] = ImportedComment(
                id=comment_id_of(number), text=comment.text, made=made, corrected=comment.corrected_at
            )
        return tuple(found.values())
