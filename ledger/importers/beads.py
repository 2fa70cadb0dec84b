"""Exports of the tracker beads: JSON lines, one issue each, with its dependencies inside.

A dependency says that `issue_id` depends on `depends_on_id`: of type blocks the other one blocks this issue, of type
parent-child the other one is its parent. What has no place of its own in a work item is kept in its metadata.
"""

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec.structs import replace

from ledger.codec import unstorable
from ledger.finding import Finding
from ledger.importers.reading import LONGEST_ID, Identify, Reading, lines, time_of, too_long, unreadable
from ledger.moment import text
from ledger.work_item.commands import ImportedItem, ImportedLink, Mark

SOURCE = "beads"
NOBODY = "unknown (beads)"
STATUSES = {
    "open": "active",
    "in_progress": "active",
    "hooked": "active",
    "pinned": "active",
    "blocked": "blocked",
    "closed": "completed",
}
DELETED = "tombstone"
LINKS = {"blocks": "depends_on", "parent-child": "parent", "discovered-from": "discovered_from"}
DERIVED = ("dependency_count", "dependent_count")  # counted anew by whoever asks
OURS = (
    "source_type",
    "source_status",
    "source_priority",
    "source_updated_at",
    "source_links",
    "acceptance",
    "source_fields",
)
PLAIN_LINK = {"issue_id", "depends_on_id", "type", "created_at", "created_by"}
NO_METADATA: tuple[Any, ...] = (None, "", "{}", {})
_MANY_DIGITS = re.compile(rb"[0-9]{19}")
LONGEST_TAG = 200  # characters; a longer label is kept in the metadata only

Record = dict[str, Any]
Kind = TypeVar("Kind")


def read(path: Path, identify: Identify, imported_at: datetime) -> Reading:
    """All issues of an export. `imported_at` stands for times that the source does not tell."""
    reading = Reading()
    seen: dict[str, int] = {}
    for number, line in lines(path):
        reading.found += 1
        record = _record(number, line, seen, reading)
        if record is not None:
            _Issue(record, identify, imported_at, reading).take()
    if reading.found and not reading.items:
        first = reading.not_taken[0]
        raise unreadable(path, None, f"holds no beads issue ({first.where}: {first.kind})")
    _keep_early_links(reading)
    return reading


def _record(number: int, line: bytes, seen: dict[str, int], reading: Reading) -> Record | None:
    """The issue on a line; None when it is not one that can be taken, and then the reading says why."""
    where, kind = f"line {number}", None
    record: Any = None
    try:
        record = _decoded(line)
    except OverflowError:
        kind = "number_too_large"
    except (ValueError, RecursionError):
        kind = "not_json"
    if kind is None:
        kind = _fault(record, line, seen)
    if isinstance(record, dict) and isinstance(record.get("id"), str):
        where = f"line {number} ({record['id'][:LONGEST_ID]!a})"
    if kind is not None:
        reading.not_taken.append(Finding(kind, where))
        return None
    seen[record["id"]] = number
    return {key: value for key, value in record.items() if value is not None}


def _decoded(line: bytes) -> Any:
    """The JSON of a line. A whole number beyond 64 bits stays one, so that it is refused and not rounded."""
    return json.loads(line, parse_int=_whole) if _MANY_DIGITS.search(line) else msgspec.json.decode(line)


def _whole(digits: str) -> int:
    if len(digits) > 20 or not -(2**63) <= int(digits) < 2**64:
        raise OverflowError(f"{digits[:40]} has more than 64 bits")
    return int(digits)


def _fault(record: Any, line: bytes, seen: dict[str, int]) -> str | None:
    if not isinstance(record, dict):
        return "not_an_object"
    if not isinstance(record.get("id"), str) or not record["id"].strip():
        return "no_id"
    if not record.keys() & {"title", "issue_type", "status"}:
        return "not_an_issue"
    if len(record["id"]) > LONGEST_ID:
        return "id_too_long"
    if record["id"] in seen:
        return "repeated_id"
    if b"\\u" in line and unstorable(record):
        return "unstorable"
    return None


class _Issue:
    """One issue on its way: what is understood is taken out of the record, the rest goes into the metadata."""

    def __init__(self, record: Record, identify: Identify, imported_at: datetime, reading: Reading) -> None:
        self._rest = record
        self._id: str = record.pop("id")
        self._identify = identify
        self._reading = reading
        self._changed_at = self._time("updated_at")
        created_at = self._time("created_at")
        if created_at is None:
            self._warn("no_creation_time")
            closed_at = time_of(record.get("closed_at"))
            created_at = min((at for at in (self._changed_at, closed_at) if at is not None), default=imported_at)
        self._created = Mark(by=self._text("created_by") or NOBODY, at=created_at)
        self._changed = Mark(by=NOBODY, at=max(self._changed_at or created_at, created_at))

    def take(self) -> None:
        record = self._rest
        links = self._links()
        status, settled, removed = self._standing(str(record.get("status", "")))
        fields: dict[str, Any] = {"item_type": "project" if record.get("issue_type") == "epic" else "task"}
        for field in ("title", "description", "notes", "assignee"):
            if (value := self._text(field)) is not None:
                fields[field] = value
        if not fields.get("title", "").strip():
            self._warn("no_title")
        fields = {"title": ""} | fields | self._priority() | self._tags()
        item = ImportedItem(
            id=self._identify(self._id),
            external_id=self._id,
            fields=fields | {"metadata": self._metadata()},
            created=self._created,
            changed=self._changed,
            status=status,
            settled=settled,
            removed=removed,
            links=links,
        )
        self._reading.items.append(item)
        self._reading.warnings += too_long(item)

    def _standing(self, word: str) -> tuple[str | None, Mark | None, Mark | None]:
        """Status, when it came to that, and when it was deleted."""
        closed_at = self._time("closed_at") if word in ("closed", DELETED) else None
        closed = Mark(by=NOBODY, at=closed_at) if closed_at else None
        if word == DELETED:
            at = self._time("deleted_at") or self._changed.at
            removed = Mark(by=self._text("deleted_by") or NOBODY, at=at)
            return ("completed" if closed else None), closed, removed
        if word == "closed" and closed is None:
            self._warn("no_closing_time")
        if word not in STATUSES:
            self._warn("unknown_status" if word else "no_status")
        return STATUSES.get(word, "active"), closed, None

    def _priority(self) -> Record:
        priority = self._taken("priority", int)
        if priority is None:
            return {}
        self._rest["source_priority"] = priority
        if priority < 0:
            self._warn("unknown_priority")
            return {}
        return {"priority": min(priority + 1, 5)}

    def _tags(self) -> Record:
        labels = self._rest.get("labels")
        if not isinstance(labels, list) or not labels:
            return {}
        tags = [label.strip().lower() for label in labels if isinstance(label, str)]
        kept = tuple(dict.fromkeys(tag for tag in tags if tag and len(tag) <= LONGEST_TAG))
        if len(tags) != len(labels) or any(not 0 < len(tag) <= LONGEST_TAG for tag in tags):
            self._warn("label_not_a_tag")
        if list(kept) == labels:
            del self._rest["labels"]
        return {"tags": kept} if kept else {}

    def _links(self) -> tuple[ImportedLink, ...]:
        given, parent = self._rest.pop("dependencies", []), self._rest.pop("parent", None)
        links: list[ImportedLink] = []
        kept: list[Any] = []
        for entry in given if isinstance(given, list) else [given]:
            link = self._link(entry)
            if link is not None:
                links.append(link)
            if link is None or not _is_plain(entry):
                kept.append(entry)
        parents = [link.to for link in links if link.kind == "parent"]
        if isinstance(parent, str) and parent and not parents:
            links.append(self._linked("parent", parent, "parent", self._created))
        elif parent is not None and parent not in parents:
            self._rest["parent"] = parent
            self._warn("parent_disagrees")
        if kept:
            self._rest["dependencies"] = kept
        return tuple(sorted(links, key=lambda link: link.kind == "parent" and link.to != parent))

    def _link(self, entry: Any) -> ImportedLink | None:
        to = entry.get("depends_on_id") if isinstance(entry, dict) else None
        if not isinstance(to, str) or not to or entry.get("issue_id", self._id) != self._id:
            self._reading.not_taken.append(Finding("link_not_understood", f"{self._id}: {str(entry)[:100]}"))
            return None
        kind = entry.get("type")
        word = kind if isinstance(kind, str) and kind else "no type"
        by = entry.get("created_by")
        made = Mark(
            by=by if isinstance(by, str) and by else NOBODY, at=time_of(entry.get("created_at")) or self._created.at
        )
        return self._linked(LINKS.get(word, "relates_to"), to, word, made)

    def _linked(self, kind: str, to: str, word: str, made: Mark) -> ImportedLink:
        return ImportedLink(kind=kind, to_id=self._identify(to), to=to, word=word, made=made)

    def _metadata(self) -> Record:
        """Everything that is left, the words of the source, and what our own fields of the metadata can say."""
        rest = self._rest
        for name in DERIVED:
            rest.pop(name, None)
        counted, comments = rest.pop("comment_count", 0), rest.get("comments", [])
        if counted != (len(comments) if isinstance(comments, list) else 0):
            self._warn("comments_missing")
        own: Record = {}
        for name in ("issue_type", "status"):
            if name in rest:
                own["source_type" if name == "issue_type" else "source_status"] = rest.pop(name)
        if "source_priority" in rest:
            own["source_priority"] = rest.pop("source_priority")
        if self._changed_at is not None:
            own["source_updated_at"] = text(self._changed_at)
        if (acceptance := self._text("acceptance_criteria")) is not None:
            own["acceptance"] = [acceptance]
        clashing = {name: rest.pop(name) for name in OURS if name in rest}
        return rest | own | ({"source_fields": clashing} if clashing else {})

    def _time(self, name: str) -> datetime | None:
        """A time is taken when it is one; else it stays, as found, among the rest."""
        moment = time_of(self._rest.get(name))
        if moment is not None:
            del self._rest[name]
        elif self._rest.get(name):
            self._warn("time_not_understood")
        return moment

    def _text(self, name: str) -> str | None:
        return self._taken(name, str)

    def _taken(self, name: str, kind: type[Kind]) -> Kind | None:
        value = self._rest.get(name)
        if type(value) is kind:
            del self._rest[name]
            return value
        if value is not None:
            self._warn("field_not_understood", f": {name}")
        return None

    def _warn(self, kind: str, more: str = "") -> None:
        self._reading.warnings.append(Finding(kind, self._id + more))


def _is_plain(entry: Record) -> bool:
    """Whether a link of ours says all that this dependency says."""
    more = entry.keys() - PLAIN_LINK - {"metadata"}
    return not more and entry.get("metadata") in NO_METADATA and time_of(entry.get("created_at")) is not None


def _keep_early_links(reading: Reading) -> None:
    """A link older than the item that has it is recorded with its creation; who made it when stands in its metadata."""
    created = {item.id: item.created for item in reading.items}
    for place, item in enumerate(reading.items):
        early = [link for link in item.links if _is_early(link, created.get(_owner(item, link)))]
        if early:
            kept = {link.to: {"created_at": text(link.made.at), "created_by": link.made.by} for link in early}
            metadata = item.fields["metadata"] | {"source_links": kept}
            reading.items[place] = replace(item, fields=item.fields | {"metadata": metadata})
            reading.warnings += [
                Finding("link_older_than_its_item", f"{item.external_id} -> {link.to}") for link in early
            ]


def _is_early(link: ImportedLink, created: Mark | None) -> bool:
    return created is not None and link.made.at < created.at


def _owner(item: ImportedItem, link: ImportedLink) -> str:
    return link.to_id if link.kind == "depends_on" else item.id
