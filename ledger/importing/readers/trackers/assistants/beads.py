"""Exports of the tracker beads: JSON lines, one issue each, with its dependencies inside.

A dependency says that `issue_id` depends on `depends_on_id`: of type blocks the other one blocks this issue, of type
parent-child the other one is its parent. What has no place of its own in a work item is kept in its metadata.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ledger.aggregates.work_item.commands import Attribution, ImportedComment, ImportedItem, ImportedLink, Stated
from ledger.aggregates.work_item.imported.older_records import LAST_CHANGE
from ledger.importing.readers.comments import CommentForm, imported_comments
from ledger.importing.readers.reading import LONGEST_ID, Identify, Reading, lines, none_taken, take, time_of
from ledger.importing.readers.record import CLOSED, Record
from ledger.importing.readers.record import DELETED as WHEN_DELETED
from ledger.importing.readers.sample import Sample
from ledger.importing.readers.text.json_records import Fields
from ledger.importing.readers.text.json_text import Problem, as_storable, document, parsed, repeated_fields
from ledger.values.finding import Finding
from ledger.values.moment import text
from ledger.values.states import FINISHED, WORKABLE, Category

SOURCE = "beads"
NO_HOLDER = "unknown (beads)"
NO_WORK = {"pinned": "pinned", "is_template": "template"}  # marks of what beads never offers, and their words
GATE = "gate"  # the type of an issue that is a condition others wait for
DELETED = "tombstone"
LINKS = {  # by their words without signs, since programs write parent-child, parent_child and parentChild
    "blocks": "depends_on",
    "notype": "depends_on",
    "blockedby": "depends_on",
    "dependson": "depends_on",
    "conditionalblocks": "depends_on",
    "waitsfor": "depends_on",
    "parentchild": "parent",
    "childof": "parent",
    "subtaskof": "parent",
    "parent": "parent",
    "discoveredfrom": "discovered_from",
    "duplicates": "duplicates",
    "duplicateof": "duplicates",
}
NO_TYPE = "no type"  # what is said of a dependency without one, which is of type blocks in beads
ALMOST_BLOCKS = ("conditionalblocks", "waitsfor", "notype")  # the first two for a failure of the other, its children
PLAIN_WORDS = ("blocks", "parent-child", "discovered-from", "duplicates")  # of which a link of ours says all
DERIVED = ("dependent_count", "dependents", "notes_preview")  # derived by each export
ALWAYS = {  # what is written of every issue; an empty other field is left out
    "title": "title",
    "status": "status",
    "priority": "priority",
    "item_type": "issue_type",
}
WORDS = {"issue_type": "source_type", "status": "source_status"}
COMMENT = CommentForm(number="id", author="author", time="created_at", more=frozenset({"issue_id"}))
PLAIN_LINK = {"issue_id", "depends_on_id", "type", "created_at", "created_by"}
NO_JSON = object()  # for a line that is none
NO_METADATA: tuple[Any, ...] = (None, "", "{}", {})

Located = tuple[str, Any]  # its place in the file, the JSON


def recognises(sample: Sample) -> bool:
    """Recognised by the fields of an issue in the first line, or in the entries of a list."""
    if sample.begins(r"\["):
        return sample.holds(r'"id"\s*:\s*"') and sample.holds(r'"(?:issue_type|depends_on_id)"\s*:')
    record = r'\{[^\n]*"(?:issue_type|_schema"\s*:\s*"beads[^"\n]*|_type"\s*:\s*"(?:issue|memory))"'
    old_record = r'\{(?=[^\n]*"id"\s*:)(?=[^\n]*"status"\s*:)[^\n]*"created_at"\s*:'
    return sample.begins(record) or sample.begins(old_record)


def read(path: Path, identify: Identify, imported_at: datetime) -> Reading:
    """All issues of an export. `imported_at` stands for times that the source does not say."""
    given = [(place, source, *_record(source)) for place, source in _records(path)]
    reading = Reading(found=len(given))
    repeated = _repeated([(place, record) for place, _, record, _, fault in given if not fault])
    for place, source, record, problems, fault in given:
        where = f"{place} ({record['id'][:LONGEST_ID]!a})" if _has_id(record) else place
        fault = fault or ("repeated_id" if place in repeated else None)
        if fault is not None:
            reading.not_taken.append(Finding(fault, where))
            continue
        reading.not_taken += [Finding("repeated_field", f"{where}: {path}") for path in repeated_fields(source)]
        reading.warnings += [Finding(kind, f"{record['id']}: {path}") for kind, path in problems]
        _Issue(
            {key: value for key, value in record.items() if value is not None}, identify, imported_at, reading
        ).take()
    if reading.found and not reading.items:
        raise none_taken(path, "beads issue", reading)
    return reading


def _records(path: Path) -> Iterator[Located]:
    """Every record: a line of an export, or an entry of the list that programs print, by itself or as `issues`."""
    listed = _listed(path)
    if listed is not None:
        yield from ((f"entry {place}", record) for place, record in enumerate(listed, 1))
        return
    for number, line in lines(path):
        source = _line(line)
        if not (isinstance(source, dict) and "_schema" in source and "id" not in source):  # a head is no record
            yield f"line {number}", source


def _listed(path: Path) -> list[Any] | None:
    """The records of a file that is one JSON document, on one line or on many; None for one of JSON lines."""
    first = next((line for _, line in lines(path)), b"")
    if not first.startswith(b"[") and first != b"{" and not _has_issues(_line(first)):
        return None
    whole = document(path)[0]
    if _has_issues(whole):
        return list(whole["issues"])
    return whole if isinstance(whole, list) else [whole]


def _has_issues(whole: Any) -> bool:
    return isinstance(whole, dict) and "id" not in whole and isinstance(whole.get("issues"), list)


def _line(line: bytes) -> Any:
    try:
        return parsed(line.decode())
    except (ValueError, RecursionError):
        return NO_JSON


def _record(source: Any) -> tuple[Any, list[Problem], str | None]:
    """The record as it can be kept, what of it is not as it was, and why it cannot be one at all."""
    if source is NO_JSON:
        return None, [], "not_json"
    try:
        record, problems = as_storable(source)
    except RecursionError:
        return None, [], "not_json"
    return record, problems, _fault(record)


def _has_id(record: Any) -> bool:
    return isinstance(record, dict) and isinstance(record.get("id"), str)


def _fault(record: Any) -> str | None:
    if not isinstance(record, dict):
        return "not_an_object"
    if record.get("_type", "issue") != "issue":
        return "another_kind_of_record"
    if not _has_id(record) or not record["id"].strip():
        return "no_id"
    if not record.keys() & {"title", "issue_type", "status"}:
        return "not_an_issue"
    return "id_too_long" if len(record["id"]) > LONGEST_ID else None


def _repeated(records: list[tuple[str, Fields]]) -> set[str]:
    """Where an issue stands once more: of several records the one that was changed last counts, of equals the first.

    One id with two times of creation is two issues, which two clones have made apart from each other.
    """
    seen: dict[str, set[datetime | None]] = {}
    repeated: set[str] = set()
    for place, record in sorted(records, key=_last_change, reverse=True):
        created_at, others = time_of(record.get("created_at")), seen.setdefault(record["id"], set())
        if others and (created_at is None or not others.isdisjoint({created_at, None})):
            repeated.add(place)
        others.add(created_at)
    return repeated


def _last_change(placed: tuple[str, Fields]) -> datetime:
    return time_of(placed[1].get("updated_at")) or datetime.min.replace(tzinfo=UTC)


class _Issue(Record):
    """One issue on its way: what is understood is taken out of the record, the rest goes into the metadata."""

    def __init__(self, record: Fields, identify: Identify, imported_at: datetime, reading: Reading) -> None:
        super().__init__(record.pop("id"), record, reading)
        if isinstance(record.get("type"), str) and "issue_type" not in record:
            record["issue_type"] = record.pop("type")  # as the first exports called it
        self._unstated = {ours for ours, name in ALWAYS.items() if name not in record}
        self._identify = identify
        self._imported_at = imported_at
        self._changed_at = self.time("updated_at")
        self._created_at = created_at = self.time("created_at")
        if created_at is None:
            self.warn("no_creation_time")
            closed_at = time_of(record.get("closed_at"))
            created_at = min((at for at in (self._changed_at, closed_at) if at is not None), default=imported_at)
        self._comments_missing = False
        self._created = Attribution(by=self.text("created_by") or NO_HOLDER, at=created_at)
        self._changed = Attribution(by=NO_HOLDER, at=max(self._changed_at or created_at, created_at))

    def take(self) -> None:
        record = self.rest
        links = self._links()
        comments = self._comments()
        word = str(record.get("status", ""))
        removed = self._removed(word)
        status, category = self._state(word) if removed is None else (None, None)
        settled = self._settled() if removed or category in FINISHED or "status" in self._unstated else None
        if removed and settled:
            status = "completed"
        elif category in FINISHED and settled is None:
            self.warn("no_closing_time")
        item = ImportedItem(
            id=self._identify(self.name),
            external_id=self.name,
            fields=self._fields(),
            created=self._created,
            changed=self._changed,
            status=status,
            category=category,
            settled=settled,
            removed=removed,
            links=links,
            created_in_source=self._created_at,
            changed_in_source=self._changed_at,
            comments=comments,
            comments_missing=self._comments_missing,
            stated=Stated(without=frozenset(self._unstated)),
        )
        take(self.reading, item, self._imported_at)

    def _fields(self) -> Fields:
        fields: Fields = {"title": "", "item_type": "project" if self.rest.get("issue_type") == "epic" else "task"}
        for field in ("title", "description", "notes", "assignee"):
            if (value := self.text(field)) is not None:
                fields[field] = value
        if not fields["title"].strip():
            self.warn("no_title")
        fields |= self._rank() | self.tags("labels") | self.plans()
        return fields | {"metadata": self._metadata()}

    def _state(self, word: str) -> tuple[str | None, Category | None]:
        """The status and what it means; beads offers what is open, unless it is no work."""
        marks = [mark for field, mark in NO_WORK.items() if self.rest.get(field) is True]
        marks += [GATE] if self.rest.get("issue_type") == GATE else []
        status, category = self.state(word)
        return (marks[0], "waiting") if marks and category in WORKABLE else (status, category)

    def _settled(self) -> Attribution | None:
        closed_at = self.ended("closed_at", CLOSED, self._created.at)
        return Attribution(by=NO_HOLDER, at=closed_at) if closed_at else None

    def _removed(self, word: str) -> Attribution | None:
        if _plain(word) != DELETED:
            return None
        at = self.ended("deleted_at", WHEN_DELETED, self._created.at) or self._changed.at
        return Attribution(by=self.text("deleted_by") or NO_HOLDER, at=at)

    def _rank(self) -> Fields:
        given = self.rest.get("priority")
        if isinstance(given, (str, float)) and (found := re.fullmatch(r"[Pp]?(\d)(?:\.0)?", str(given).strip())):
            self.rest["priority"] = int(found[1])  # as it is typed, and as it comes out of a table
        priority = self.pop("priority", int)
        if priority is None:
            return {}
        self.own["source_priority"] = given
        if priority < 0:
            self.warn("unknown_priority")
            return {}
        return {"priority": min(priority + 1, 5)}

    def _links(self) -> tuple[ImportedLink, ...]:
        given, parent = self.rest.pop("dependencies", []), self.rest.pop("parent", None)
        counted = self.rest.pop("dependency_count", None)
        if type(counted) is int and isinstance(given, list) and counted > len(given):
            self._unstated |= {"links", "parent_id"}
            self.warn("links_missing")
        links: list[ImportedLink] = []
        kept: list[Any] = []
        for value in given if isinstance(given, list) else [given]:
            entry = {"depends_on_id": value} if isinstance(value, str) else value
            link = self._link(entry)
            if link is not None:
                links.append(link)
            if link is None or not _is_plain(entry):
                kept.append(value)
        parents = [link.to for link in links if link.kind == "parent"]
        if isinstance(parent, str) and parent and not parents:
            links.append(self._linked("parent", parent, "parent", self._created))
        elif parent is not None and parent not in parents:
            self.rest["parent"] = parent
            self.warn("parent_disagrees")
        if kept:
            self.rest["dependencies"] = kept
        return tuple(sorted(links, key=lambda link: link.kind == "parent" and link.to != parent))

    def _link(self, entry: Any) -> ImportedLink | None:
        """A dependency as exports have it; or as `bd show` prints it, the whole other issue with the link's kind."""
        shown = isinstance(entry, dict) and "id" in entry and "depends_on_id" not in entry
        to = entry.get("id" if shown else "depends_on_id") if isinstance(entry, dict) else None
        if not isinstance(to, str) or not to or entry.get("issue_id", self.name) != self.name:
            self.reading.not_taken.append(Finding("link_not_understood", f"{self.name}: {str(entry)[:100]}"))
            return None
        word = entry.get("dependency_type", entry.get("type"))
        word = word if isinstance(word, str) and word.strip() else NO_TYPE
        kind = LINKS.get(_plain(word), "relates_to")
        if _plain(word) in ALMOST_BLOCKS:
            self.warn("link_taken_as_blocking", f" -> {to} ({word})")
        if shown:
            return self._linked(kind, to, word, self._created)
        by = entry.get("created_by")
        made = Attribution(
            by=by if isinstance(by, str) and by else NO_HOLDER, at=time_of(entry.get("created_at")) or self._created.at
        )
        return self._linked(kind, to, word, made)

    def _linked(self, kind: str, to: str, word: str, made: Attribution) -> ImportedLink:
        return ImportedLink(kind=kind, to_id=self._identify(to), to=to, word=word, made=made)

    def _comments(self) -> tuple[ImportedComment, ...] | None:
        """None where the record does not say: a list of issues counts them only."""
        counted, given = self.rest.pop("comment_count", None), self.rest.pop("comments", None)
        entries = given if isinstance(given, list) else []
        self._comments_missing = type(counted) is int and counted > len(entries)
        if self._comments_missing:
            self.warn("comments_missing")
        created = Attribution(by=NO_HOLDER, at=self._created.at)
        comments, left = imported_comments(entries, self, created, COMMENT)
        if given and (left or not entries):
            self.rest["comments"] = left if entries else given
        if given and not entries:
            self.warn("field_not_understood", ": comments")
        return comments if entries else None

    def _metadata(self) -> Fields:
        """Everything that is left, the words of the source, and what our own fields of the metadata can say."""
        rest = self.rest
        for name in DERIVED:
            rest.pop(name, None)
        rest.pop("_type", None)
        for name, ours in WORDS.items():
            if name in rest:
                self.own[ours] = rest.pop(name)
        if self._changed_at is not None:
            self.own[LAST_CHANGE] = text(self._changed_at)
        if (acceptance := self.text("acceptance_criteria")) is not None:
            self.own["acceptance"] = [acceptance]
        return self.metadata()


def _is_plain(entry: Fields) -> bool:
    """Whether a link of ours says all that this dependency says. Another issue printed whole stands in its own line."""
    if "dependency_type" in entry:
        return True
    more = entry.keys() - PLAIN_LINK - {"metadata"}
    if entry.get("type") not in PLAIN_WORDS and _plain(str(entry.get("type"))) in LINKS:
        return False
    return not more and entry.get("metadata") in NO_METADATA and time_of(entry.get("created_at")) is not None


def _plain(word: str) -> str:
    return re.sub(r"[\W_]+", "", word).lower()
