"""Folders of Backlog.md: a markdown file for each task, draft, milestone and decision, with YAML front matter.

Ids compare as Backlog.md compares them: letter case and zeros before a number do not count. A task without a named
parent is below the one that its dotted id names. What lies in `archive/` was given up there, unless it was done.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ledger.aggregates.work_item.commands import Attribution, ImportedComment, ImportedItem, ImportedLink, Stated
from ledger.aggregates.work_item.imported.older_records import LAST_CHANGE
from ledger.importing.readers.backlog.body import CHECKLISTS, Body, body_of, one_text
from ledger.importing.readers.backlog.folder import (
    CONFIGS,
    FIRST_PREFIX,
    File,
    Setup,
    canonical,
    files_of,
    root_of,
    setup_of,
)
from ledger.importing.readers.comments import CommentForm, imported_comments
from ledger.importing.readers.reading import Identify, Reading, none_taken, take, time_of
from ledger.importing.readers.record import Record
from ledger.importing.readers.sample import Sample, sample_of
from ledger.importing.readers.text.json_records import Fields
from ledger.importing.readers.text_lines import unreadable
from ledger.importing.readers.words.status_words import category_of, plain
from ledger.values.finding import Finding
from ledger.values.moment import text
from ledger.values.states import FINISHED, WORKABLE, Category

SOURCE = "backlog"
NO_HOLDER = "unknown (backlog)"
DECISIONS: dict[str, Category] = {  # what the words mean of a decision
    "proposed": "planned",
    "accepted": "done",
    "rejected": "dropped",
    "superseded": "dropped",
    "deprecated": "dropped",
}
DRAFT = "Draft"  # the word for what is no task before it is promoted
ITEM_TYPES = {"milestone": "milestone", "decision": "research", "draft": "task", "task": "task"}
TEXTS = {"implementation plan": "implementation_plan", "final summary": "final_summary"}
ALWAYS = {  # what is written of every task; an empty other field is left out
    "title": ("title",),
    "status": ("status",),
    "assignee": ("assignee",),
    "tags": ("labels", "tags"),
    "links.depends_on": ("dependencies",),
    "links.dependencies": ("dependencies",),
}
_DAY = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d)(?::(\d\d))?)?")
_HOUR = re.compile(r"\d\d:\d\d")
_SHORT_DAY = re.compile(r"(\d\d)[-/.](\d\d)[-/.](\d\d)")


def recognises(sample: Sample) -> bool:
    """Recognised by the words of its configuration, or by a task in its folder of tasks."""
    if not sample.is_folder:
        return False
    root = root_of(sample.path)
    configured = (sample_of(root / name).holds(r"^(?:statuses|task_prefix|default_status)\s*:") for name in CONFIGS)
    return any(configured) or any((root / "tasks").glob("*-[0-9]* - *.md"))


def read(path: Path, identify: Identify, imported_at: datetime) -> Reading:
    """All records of the folder, or of `backlog/` in it. `imported_at` stands for times that no file tells."""
    root = root_of(path)
    reading = Reading()
    setup = setup_of(root, path)
    files = list(files_of(root, reading))
    folder = _Folder(setup, {file.key: file for file in reversed(files)})
    for file in files:
        _Reader(file, folder, identify, reading).take(imported_at)
    if not reading.items:
        if reading.not_taken:
            raise none_taken(path, "Backlog.md task", reading)
        raise unreadable(path, None, "holds no Backlog.md task")
    return reading


class _Folder:
    """What one file may have to know of the others: how statuses are called here, and who is meant by a reference."""

    def __init__(self, setup: Setup, files: Mapping[str, File]) -> None:
        self._statuses = [plain(status) for status in setup.statuses]
        self._prefixes = (setup.prefix, FIRST_PREFIX)
        self._files = files
        self._milestones = {
            str(file.fields.get("title")): key for key, file in files.items() if file.kind == "milestone"
        }

    def category(self, status: str) -> Category | None:
        """What a status means here. Between the first and the last one configured an item is under way."""
        word = plain(status)
        known = category_of(status)
        if known is not None or word not in self._statuses:
            return known
        ends: dict[str, Category] = {self._statuses[-1]: "done", self._statuses[0]: "planned"}
        return ends.get(word, "active")

    def milestone(self, named: str) -> str | None:
        """The key of a milestone that is in the folder, by its title or its id."""
        key = self._milestones.get(named, canonical(named))
        return key if key in self._milestones.values() else None

    def key(self, spelled: str) -> str:
        """Whom a reference means: the task of that id, or the one that has it under today's prefix or the first one."""
        whole = f"{self._prefixes[0]}-{spelled}" if spelled[:1].isdigit() else spelled
        key = canonical(whole)
        prefix, _, number = key.partition("-")
        others = [f"{other}-{number}" for other in self._prefixes if prefix in self._prefixes]
        return next((other for other in (key, *others) if other in self._files), key)


class _Reader(Record):
    """One file on its way."""

    def __init__(self, file: File, folder: _Folder, identify: Identify, reading: Reading) -> None:
        super().__init__(file.fields.pop("id"), file.fields, reading)
        self._file = file
        self._folder = folder
        self._identify = identify

    def take(self, imported_at: datetime) -> None:
        for kind, problem in self._file.problems:
            self.warn(kind, f": {problem}")
        created, changed = self._marks(imported_at)
        body = one_text(self._file.body) if self._file.kind == "decision" else body_of(self._file.body)
        for heading in body.unpaired:
            self.warn("section_without_its_end", f": {heading}")
        links = self._links(created)
        comments = self._comments(body, changed)
        status, category = self._state()
        given_up = "archive" in self._file.place.parts and category not in FINISHED
        fields: Fields = {"item_type": ITEM_TYPES[self._file.kind], "title": str(self._value("title") or "")}
        if not fields["title"].strip() and "title" in self._file.names:
            self.warn("no_title")
        fields |= self._assignee() | self.priority("priority") | self._labels() | self._texts(body)
        fields |= self.plans() | self._milestone()
        item = ImportedItem(
            id=self._identify(self._file.key),
            external_id=self.name,
            fields=fields | {"metadata": self._metadata(body)},
            created=created,
            changed=changed,
            status=status,
            category=category,
            removed=changed if given_up else None,
            links=links,
            created_in_source=self._created_at,
            changed_in_source=self._changed_at,
            put_aside=self._file.put_aside,
            comments=comments,
            stated=self._without(is_placed=given_up or status in (DRAFT, "completed")),
        )
        take(self.reading, item, imported_at)

    def _without(self, *, is_placed: bool) -> Stated:
        """What the file says nothing of; where it lies may say its state too."""
        missing = {field: names for field, names in ALWAYS.items() if self._file.names.isdisjoint(names)}
        if is_placed:
            missing.pop("status", None)
        return Stated(
            without=frozenset({*missing, *(f"metadata.{name}" for names in missing.values() for name in names)})
        )

    def _marks(self, imported_at: datetime) -> tuple[Attribution, Attribution]:
        """Who began it when, and when it last changed."""
        self._changed_at = self._day("updated_date")
        self._created_at = created_at = self._day("created_date") or self._day("date")
        if created_at is None:
            self.warn("no_creation_time")
        began = created_at or self._changed_at or imported_at
        reporter = self.rest.get("reporter")
        created = Attribution(by=reporter if isinstance(reporter, str) else NO_HOLDER, at=began)
        return created, Attribution(by=NO_HOLDER, at=max(self._changed_at or began, began))

    def _day(self, field: str) -> datetime | None:
        """A date, with or without a time, which is UTC there."""
        value = self.rest.get(field)
        moment = _moment(value) if isinstance(value, str) else None
        if moment is not None:
            del self.rest[field]
            if not _HOUR.search(str(value)):
                self.warn("no_time_of_day", f": {field}")
        elif value is not None:
            self.warn("time_not_understood", f": {field}")
        return moment

    def _state(self) -> tuple[str, Category | None]:
        """The status and what it means: by the words people use, else by its place among those configured."""
        written = self.rest.get("status")
        word = written if isinstance(written, str) else ""
        if not word and self._file.kind == "milestone":
            return "active", None
        known = DECISIONS.get(plain(word)) if self._file.kind == "decision" else None
        status, category = self.state(_undecorated(word), known or self._folder.category(word))
        if self._file.kind == "draft" and (category is None or category in WORKABLE):
            return DRAFT, "waiting"
        if "completed" in self._file.place.parts and category not in FINISHED:
            self.warn("status_disagrees_with_its_folder")
            return "completed", None
        return status, category

    def _links(self, created: Attribution) -> tuple[ImportedLink, ...]:
        parent = self._parent()
        links = [self._linked("parent", parent, "parent_task_id", created)] if parent else []
        for spelled in self._references("dependencies"):
            links.append(self._linked("depends_on", spelled, "dependencies", created))
        return tuple(links)

    def _milestone(self) -> Fields:
        """The milestone of the folder that a task belongs to; as it is written it stays in the metadata."""
        named = self.rest.get("milestone")
        key = self._folder.milestone(named) if isinstance(named, str) and self._file.kind != "milestone" else None
        return {"milestone_id": self._identify(key)} if key else {}

    def _comments(self, body: Body, changed: Attribution) -> tuple[ImportedComment, ...]:
        """A comment without a time is as old as the file's newest."""
        form = CommentForm(number="index", author="author", time="created", time_of=_time)
        comments, left = imported_comments(body.comments, self, changed, form, name=self._file.key)
        if left:
            self.own["comments"] = left
        return comments

    def _parent(self) -> str | None:
        field = "parent_task_id" if "parent_task_id" in self.rest else "parent"
        named = self.rest.pop(field, None) if isinstance(self.rest.get(field), (str, int)) else None
        if named is not None:
            return str(named)
        above, _, last = self._file.key.rpartition(".")
        return above if last and above and self._file.kind in ("task", "draft") else None

    def _references(self, field: str) -> list[str]:
        given = self.rest.pop(field, [])
        given = [part.strip() for part in given.split(",") if part.strip()] if isinstance(given, str) else given
        entries = given if isinstance(given, list) else [given]
        strange = [entry for entry in entries if not isinstance(entry, (str, int)) or isinstance(entry, bool)]
        if strange:
            self.rest[field] = strange
            self.reading.not_taken += [
                Finding("link_not_understood", f"{self.name}: {str(entry)[:100]}") for entry in strange
            ]
        return [str(entry) for entry in entries if entry not in strange]

    def _linked(self, kind: str, spelled: str, word: str, made: Attribution) -> ImportedLink:
        key = self._folder.key(spelled)
        if not spelled[:1].isdigit() and key != canonical(spelled):
            self.warn("link_by_another_prefix", f": {spelled} is {key}")
        return self._link(kind, key, word, made)

    def _link(self, kind: str, key: str, word: str, made: Attribution) -> ImportedLink:
        return ImportedLink(kind=kind, to_id=self._identify(key), to=key, word=word, made=made)

    def _assignee(self) -> Fields:
        """The first of them; all of them stay as they are when they are several."""
        given = self.rest.get("assignee")
        names = [name for name in (given if isinstance(given, list) else [given]) if isinstance(name, str) and name]
        if not names:
            return {}
        if given in (names[0], [names[0]]):
            del self.rest["assignee"]
        return {"assignee": names[0]}

    def _labels(self) -> Fields:
        more = ("draft",) if self._file.kind == "draft" else ()
        field = "labels" if "labels" in self.rest else "tags"
        if isinstance(labels := self.rest.get(field), list):
            self.rest[field] = [str(label) if type(label) is int else label for label in labels]
        return self.tags(field, more)

    def _texts(self, body: Body) -> Fields:
        description = body.texts.pop("description", None)
        if description is None and body.before:
            description, body.before = body.before, ""
        notes = body.texts.pop("implementation notes", None)
        return {name: value for name, value in (("description", description), ("notes", notes)) if value}

    def _metadata(self, body: Body) -> Fields:
        self.own["source_type"] = self.rest.pop("type", None) or self._file.kind
        self.own["source_file"] = str(self._file.place)
        if "status" in self.rest:
            self.own["source_status"] = self.rest.pop("status")
        if self._changed_at is not None:
            self.own[LAST_CHANGE] = text(self._changed_at)
        self.own |= {TEXTS.get(heading, heading): value for heading, value in body.texts.items()}
        for heading, entries in body.checklists.items():
            name = CHECKLISTS[heading]
            self.own[name] = [entry for _, entry in entries]
            self.own[f"{name}_checked"] = [place for place, (checked, _) in enumerate(entries, 1) if checked]
        more = {"body": body.before, "sections": body.more}
        self.own |= {name: value for name, value in more.items() if value}
        return self.metadata()

    def _value(self, field: str) -> Any:
        """A text, also one that looks like a number."""
        value = self.rest.get(field)
        if isinstance(value, (str, int)):
            del self.rest[field]
            return value
        return None


def _undecorated(status: str) -> str:
    """
    >>> _undecorated("◑ In Progress")
    'In Progress'
    """
    return re.sub(r"^[\W_]+", "", status).strip()


def _time(value: Any) -> datetime | None:
    return _moment(value) if isinstance(value, str) else None


def _moment(value: str) -> datetime | None:
    day, short = _DAY.fullmatch(value.strip()), _SHORT_DAY.fullmatch(value.strip())
    if day:
        parts = [int(part) for part in day.groups() if part is not None]
    elif short:
        parts = [2000 + int(short[3]), int(short[2]), int(short[1])]
    else:
        return time_of(value)
    try:
        return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]  # three to six whole numbers
    except ValueError:
        return None
