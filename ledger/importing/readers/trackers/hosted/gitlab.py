"""GitLab's issues: the JSON that its interface and `glab` print, a project export's lines, and the CSV that it mails.

An issue is known by its project and number, `group/project#7`, where the file tells the project. A label of the kind
`workflow::in dev` is the state of an open issue where its word is a known one.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from ledger.aggregates.work_item.commands import Stated
from ledger.aggregates.work_item.imported.partial_records import STATE
from ledger.importing.readers.reading import Reading, time_of
from ledger.importing.readers.record import PRIORITIES, Record
from ledger.importing.readers.sample import Sample, sample_of
from ledger.importing.readers.source_item import SourceComment, SourceItem, SourceLink, left_out, reader
from ledger.importing.readers.text.cells import CellRecord, Dates
from ledger.importing.readers.text.csv_table import has_header, table_of
from ledger.importing.readers.text.json_records import Fields, filled, records_of, text_at
from ledger.importing.readers.words.status_words import category_of
from ledger.values.states import FINISHED, Category

SOURCE = "gitlab"
LABELLED = ("labels", "label_links")
LABEL = "source_label"  # the key of the metadata under which the label is kept that says the state
SAID_BY = {
    "title": ("title",),
    "status": ("state",),
    "description": ("description",),
    "assignee": ("assignees", "assignee"),
    "priority": LABELLED,
    "tags": LABELLED,
    "due": ("due_date",),
    "not_before": ("start_date",),
    "estimate": ("time_stats", "time_estimate"),
    "item_type": ("issue_type", "type"),
    "comments": ("notes",),
    "parent_id": ("parent",),
    "links": ("links",),
    "links.parent": ("parent",),
    "links.duplicates": ("duplicated_to_id",),
    "links.duplicated_to_id": ("duplicated_to_id",),
    f"metadata.{LABEL}": LABELLED,
    "metadata.source_updated_at": ("updated_at",),
    "metadata.source_closed_at": ("closed_at",),
}
COLUMNS = {
    "title": ("Title",),
    "status": ("State",),
    "description": ("Description",),
    "assignee": ("Assignee Username", "Assignee"),
    "priority": ("Labels",),
    "tags": ("Labels",),
    "due": ("Due Date",),
    "estimate": ("Time Estimate",),
    f"metadata.{LABEL}": ("Labels",),
    "metadata.source_updated_at": ("Updated At (UTC)", "Updated At"),
    "metadata.source_closed_at": ("Closed At (UTC)", "Closed At"),
}
_ADDRESS = re.compile(r"https?://[^/]+/(.+?)/(?:-/)?(?:issues|work_items)/(\d+)")
_SCOPED = re.compile(r"(?:status|workflow|state|stage)::(.+)", re.IGNORECASE)
_PRIORITY = re.compile(r"(?:priority|prio)::(.+)", re.IGNORECASE)


def is_header(names: list[str]) -> bool:
    return {"Title", "Issue ID", "URL", "State"} <= set(names)


def recognises(sample: Sample) -> bool:
    """Recognised by an issue's number within its project beside its title and state, or by the columns of its CSV."""
    names = (r'"iid"\s*:\s*"?\d', r'"title"\s*:', r'"state"\s*:\s*"(?:opened|closed)"')
    return (sample.begins(r"[\[{]") and all(map(sample.holds, names))) or has_header(sample, is_header)


def records(path: Path, reading: Reading) -> Iterator[SourceItem]:
    if has_header(sample_of(path), is_header):
        yield from _of_table(path, reading)
        return
    found = list(records_of(path, reading, _listed))
    present, held = {_name(record) for _, record in found}, _waiting(record for _, record in found)
    by_id = {number: _name(record) for _, record in found if type(number := record.get("id")) is int}
    for place, record in found:
        name = _name(record)
        if name:
            issue = _Issue(name, filled(record), reading)
            yield replace(issue.item(record.keys(), held.get(name, []), present, by_id), place=place)
        else:
            left_out(reading, "no_id", place)


read = reader(SOURCE, "GitLab issue", records)


def _listed(whole: Any) -> list[Any]:
    if isinstance(whole, dict) and isinstance(whole.get("issues"), list):
        return list(whole["issues"])
    return whole if isinstance(whole, list) else [whole]


def _name(record: Any) -> str | None:
    """The project and the number, or the number alone."""
    full = text_at(record, "references", "full")
    if full:
        return full
    address = _ADDRESS.match(text_at(record, "web_url") or "")
    if address:
        return f"{address[1]}#{address[2]}"
    iid = record.get("iid") if isinstance(record, dict) else None
    return f"{record.get('project_id') or ''}#{iid}" if isinstance(iid, int) and not isinstance(iid, bool) else None


def _waiting(records: Iterable[Fields]) -> dict[str, list[str]]:
    """The blockers of each issue, as those name it that block it."""
    held: dict[str, list[str]] = {}
    for record in records:
        links, name = record.get("links"), _name(record)
        for entry in links if isinstance(links, list) and name else ():
            if text_at(entry, "link_type") == "blocks" and (other := _name(entry)):
                held.setdefault(other, []).append(str(name))
    return held


def _listed_objects(given: Any) -> list[Fields]:
    return [one for one in given if isinstance(one, dict)] if isinstance(given, list) else []


def _scoped(labels: Iterable[str]) -> list[str]:
    """The words of labels that say a state, such as `workflow::in dev`."""
    return [found[1].strip() for label in labels if (found := _SCOPED.fullmatch(label))]


def _finer(word: str, words: Iterable[str | None]) -> str | None:
    """The first word that says more than that an issue is open, or that a closed one was given up."""
    known = [(one, category) for one in words if one and (category := category_of(one))]
    if word.casefold() == "closed":
        return next((one for one, category in known if category == "dropped"), None)
    return next((one for one, category in known if category not in FINISHED), None)


def _rank(labels: Iterable[str]) -> str | None:
    return next((found[1].strip() for label in labels if (found := _PRIORITY.fullmatch(label))), None)


def _priority(word: str | None) -> int | None:
    return PRIORITIES.get(word.lower(), PRIORITIES.get(f"p{word}")) if word else None


def _user(person: Any) -> str | None:
    return text_at(person, "username") or text_at(person, "name")


class _Issue(Record):
    """One issue on its way."""

    def item(
        self, names: Iterable[str], held: list[str], present: set[str | None], by_id: dict[int, str | None]
    ) -> SourceItem:
        created_at, changed_at, ended_at = (self.time(name) for name in ("created_at", "updated_at", "closed_at"))
        labels = self._labels()
        word, category = self._state(labels)
        comments, counted = self._comments(), self.rest.get("user_notes_count")
        kind = self.rest.get("issue_type") or self.rest.get("type")
        self.own |= {"source_type": kind} if isinstance(kind, str) else {}
        return SourceItem(
            id=self.name,
            title=self.text("title") or "",
            status=word,
            category=category,
            description=self.text("description"),
            assignee=self._assignee(),
            priority=self._priority(labels),
            tags=self._tags(labels),
            created_at=created_at,
            created_by=_user(self.rest.get("author")),
            changed_at=changed_at,
            ended_at=ended_at,
            ended_by=_user(self.rest.get("closed_by")),
            due=self._day("due_date"),
            not_before=self._day("start_date"),
            estimate=self._estimate(),
            links=tuple(self._links(held, present, by_id)),
            comments=comments,
            comments_missing=type(counted) is int and counted > len(comments or ()),
            stated=self._stated(set(names), is_closed=category in FINISHED),
            more=self.rest,
            kept=self.own,
        )

    def _stated(self, names: set[str], *, is_closed: bool) -> Stated:
        """An open issue's labels and status say more than its state, a closed one's may say that it was given up."""
        labels = next((name for name in LABELLED if name in names), "labels")
        refining = (labels, "moved_to_id") if is_closed else (labels,)
        return self.stated(names, SAID_BY, refining=refining, marks=(LABEL,))

    def _labels(self) -> list[str]:
        """The labels, which are texts, objects with a name, or linked as in a project export."""
        linked = [link.get("label") for link in _listed_objects(self.rest.get("label_links"))]
        given = self.rest.get("labels") or linked
        found = (
            [text_at(one, "name") or text_at(one, "title") or one for one in given] if isinstance(given, list) else []
        )
        return [one for one in found if isinstance(one, str)]

    def _tags(self, labels: list[str]) -> tuple[str, ...]:
        given = self.rest.get("labels")
        self.rest["labels"] = labels
        tags: tuple[str, ...] = self.tags("labels").get("tags", ())
        if isinstance(given, list) and any(not isinstance(one, str) for one in given):
            self.rest["labels"] = given
        return tags

    def _state(self, labels: list[str]) -> tuple[str, Category | None]:
        word = self.text("state") or ""
        status = text_at(self.rest, "status", "name") or text_at(self.rest, "status")
        moved = "duplicate" if self.rest.get("duplicated_to_id") else "moved" if self.rest.get("moved_to_id") else None
        finer = _finer(word, (status, *_scoped(labels)))
        self.own |= {LABEL: finer} if finer else {}
        word_here = finer or (moved if word == "closed" else None)
        if word_here is None:
            return word, category_of(word)
        self.own[STATE] = word
        return word_here, "dropped" if word == "closed" else category_of(word_here)

    def _priority(self, labels: list[str]) -> int | None:
        word = _rank(labels)
        self.own |= {"source_priority": word} if word else {}
        return _priority(word)

    def _assignee(self) -> str | None:
        given = self.rest.get("assignees")
        names = [name for one in given if (name := _user(one))] if isinstance(given, list) else []
        return names[0] if names else _user(self.rest.get("assignee"))

    def _day(self, field: str) -> str | None:
        value = self.rest.get(field)
        if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value) and time_of(f"{value}T00:00:00Z"):
            return str(self.rest.pop(field))
        if value is not None:
            self.warn("time_not_understood", f": {field}")
        return None

    def _estimate(self) -> int | None:
        """GitLab says seconds, in `time_stats` or beside it."""
        stats = self.rest.get("time_stats")
        seconds = stats.get("time_estimate") if isinstance(stats, dict) else self.rest.get("time_estimate")
        return seconds // 60 if isinstance(seconds, int) and seconds > 0 and seconds % 60 == 0 else None

    def _links(self, held: list[str], present: set[str | None], by_id: dict[int, str | None]) -> Iterator[SourceLink]:
        """Where the file has them: `links` as the interface answers them, and `parent`."""
        left, blockers = [], dict.fromkeys(held)
        given = self.rest.pop("links", [])
        for entry in given if isinstance(given, list) else []:
            kind, other = text_at(entry, "link_type") or "", _name(entry)
            if kind == "is_blocked_by" and other:
                blockers[other] = None
            elif kind == "relates_to" and other:
                yield SourceLink(kind="relates_to", to=other, word=kind)
            elif kind != "blocks" or other not in present:
                left.append(entry)
        yield from (SourceLink(kind="depends_on", to=other, word="is_blocked_by") for other in blockers)
        if left or isinstance(given, dict):
            self.rest["links"] = left or given
        number = self.rest.get("duplicated_to_id")
        if type(number) is int and (original := by_id.get(number)) is not None:
            yield SourceLink(kind="duplicates", to=original, word="duplicated_to_id")
        parent = _name(self.rest.get("parent"))
        if parent and parent != self.name:
            yield SourceLink(kind="parent", to=parent, word="parent")

    def _comments(self) -> tuple[SourceComment, ...] | None:
        given = self.rest.pop("notes", None)
        if not isinstance(given, list):
            return None
        comments, left = [], []
        for note in given:
            body = text_at(note, "body") or text_at(note, "note")
            if body and not note.get("system"):
                by, at = _user(note.get("author")), time_of(note.get("created_at"))
                number = note.get("id") or note.get("discussion_id")
                changed = time_of(note.get("updated_at"))
                corrected = changed if changed and at and changed > at else None
                key = str(number) if number else None
                comments.append(SourceComment(text=body, by=by, at=at, corrected_at=corrected, id=key))
            else:
                left.append(note)
        if left:
            self.rest["notes"] = left
        return tuple(comments)


def _of_table(path: Path, reading: Reading) -> Iterator[SourceItem]:
    table = table_of(path, is_header, "GitLab's CSV", reading)
    rows = table.rows
    times = [name for name in ("Created At", "Updated At", "Closed At") for name in (name, f"{name} (UTC)")]
    dates = Dates.of(rows, times)
    for row in rows:
        address = _ADDRESS.match(next(iter(row.cells.get("URL", ())), ""))
        number = next(iter(row.cells.get("Issue ID", ())), "")
        if not address and not number:
            left_out(reading, "no_id", f"line {row.line}")
            continue
        name = f"{address[1]}#{address[2]}" if address else f"#{number}"
        yield replace(_Row(name, row, dates, reading).item(table.names), place=f"line {row.line}")


class _Row(CellRecord):
    """One row of the CSV on its way."""

    def item(self, names: list[str]) -> SourceItem:
        labels = self.listed("Labels")
        word, rank = self.one("State") or "", _rank(labels)
        finer = _finer(word, _scoped(labels))
        self.own |= {STATE: word, LABEL: finer} if finer else {}
        self.own |= {"source_priority": rank} if rank else {}
        created_at, changed_at, ended_at = (
            self.utc(f"{name} At (UTC)", f"{name} At") for name in ("Created", "Updated", "Closed")
        )
        seconds = next(iter(self.look("Time Estimate")), "")
        return SourceItem(
            id=self.name,
            title=self.one("Title") or "",
            status=finer or word,
            category=category_of(finer or word),
            description=self.one("Description"),
            assignee=self._assignee(),
            priority=_priority(rank),
            tags=self.labels(labels, "Labels"),
            created_at=created_at,
            created_by=self.one_or_look("Author Username", "Author"),
            changed_at=changed_at,
            ended_at=ended_at,
            due=self.planned("Due Date"),
            estimate=int(seconds) // 60 or None if seconds.isdecimal() else None,
            stated=self.stated(
                names,
                COLUMNS,
                refining=("Labels",),
                marks=(LABEL,),
                roughly={} if "Assignee Username" in names else {"assignee": (("Assignee",),)},
            ),
            more=self.rest,
            kept=self.own,
        )

    def _assignee(self) -> str | None:
        """The first of several people; all of them stay."""
        given = self.one("Assignee Username")
        if given is None:
            return next(iter(self.look("Assignee")), None)
        first, *others = (name.strip() for name in given.split(","))
        self.rest |= {"Assignee Username": given} if others else {}
        return first
