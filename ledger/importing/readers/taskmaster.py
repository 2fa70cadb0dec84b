"""Tasks of task-master: one JSON file, either one list (`{"tasks": []}`) or one for each tag (`{tag: {"tasks": []}}`).

A subtask's id counts within its task (`2`) or is whole (`5.2`), as a text or as a number; here it is whole. So it is in
dependencies: in a subtask's own list a bare number means its sibling, else a task of the list. Items of the list
`master` have the same ids as those of a file without tags, which task-master turns into one.
"""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from msgspec import Struct

from ledger.codec import storable, unstorable
from ledger.importing.readers.json_text import document, plain
from ledger.importing.readers.reading import LONGEST_ID, Identify, Reading, take, time_of
from ledger.importing.readers.record import Record
from ledger.importing.readers.sample import Sample
from ledger.importing.readers.text_lines import unreadable
from ledger.values.finding import Finding
from ledger.values.moment import text
from ledger.work_item.commands import ImportedItem, ImportedLink, Mark

SOURCE = "taskmaster"
NO_HOLDER = "unknown (task-master)"
MAIN = "master"
STATUSES = {
    "pending": "active",
    "in-progress": "active",
    "review": "active",
    "blocked": "blocked",
    "done": "completed",
    "completed": "completed",
}
REMOVED = ("cancelled", "canceled", "deferred")

Fields = dict[str, Any]


class _List(Struct, frozen=True, kw_only=True):
    """The tasks of one tag. `began` and `changed` are the list's times, for tasks that have none of their own."""

    tag: str
    tasks: list[Any]
    began: datetime
    changed: datetime

    def whole(self, number: str) -> str:
        """The id of a task or subtask in the file."""
        return number if self.tag == MAIN else f"{self.tag}:{number}"


class _Found(Struct, frozen=True):
    """A record of a list, below the task with the number `parent`."""

    record: Any
    parent: str | None
    where: str


class _Task(Struct, frozen=True, kw_only=True):
    """A task as it stands in its list. `number` is `5`, or `5.2` for a subtask of `parent`."""

    number: str
    parent: str | None
    fields: Fields


def recognises(sample: Sample) -> bool:
    """By a list of tasks at the top, or within a tag."""
    return sample.begins(r'\{[^\[]*"tasks"\s*:\s*\[')


def read(path: Path, identify: Identify, imported_at: datetime) -> Reading:
    """All tasks and subtasks of a file. `imported_at` stands for times that the source does not tell."""
    reading = Reading()
    for tasks in _lists(path, document(path), imported_at, reading):
        taken = {task.number: task for task in _tasks(tasks, reading)}
        for task in taken.values():
            _Reader(task, tasks, taken.keys(), identify, reading).take(imported_at)
    if reading.found and not reading.items:
        first = reading.not_taken[0]
        raise unreadable(path, None, f"holds no task ({first.where}: {first.kind})")
    return reading


def _lists(path: Path, whole: Any, imported_at: datetime, reading: Reading) -> Iterator[_List]:
    if not isinstance(whole, dict):
        raise unreadable(path, None, "is no task-master file: it holds no lists of tasks")
    tags = {tag: found for tag, found in whole.items() if _is_list(found)}
    broken = [tag for tag, found in whole.items() if isinstance(found, dict) and "tasks" in found and tag not in tags]
    reading.not_taken += [Finding("not_a_list", tag[:LONGEST_ID]) for tag in broken]
    if isinstance(whole.get("tasks"), list):
        yield _list(MAIN, whole, imported_at, reading)
    elif not tags:
        raise unreadable(path, None, "is no task-master file: it holds no lists of tasks")
    for tag, found in tags.items():
        yield _list(tag, found, imported_at, reading)


def _is_list(found: Any) -> bool:
    return isinstance(found, dict) and isinstance(found.get("tasks"), list)


def _list(tag: str, found: Fields, imported_at: datetime, reading: Reading) -> _List:
    """Its times stand in `metadata`, in the first versions in `meta`."""
    metadata = found.get("metadata") or found.get("meta")
    told = metadata if isinstance(metadata, dict) else {}
    began = time_of(told.get("created") or told.get("createdAt")) or imported_at
    changed = time_of(told.get("updated") or told.get("updatedAt") or told.get("lastModified")) or began
    if found["tasks"]:
        reading.warnings.append(Finding("times_of_the_whole_list", f"{tag}: {text(began)} to {text(changed)}"))
    return _List(tag=tag, tasks=found["tasks"], began=began, changed=max(began, changed))


def _tasks(tasks: _List, reading: Reading) -> Iterator[_Task]:
    """Every record of the list that can be taken, each number once; the reading names the others."""
    seen: set[str] = set()
    waiting = [_Found(record, None, f"{tasks.tag}, task {place}") for place, record in enumerate(tasks.tasks, 1)][::-1]
    while waiting:
        found = waiting.pop()
        reading.found += 1
        number = _number(found.record.get("id"), found.parent) if isinstance(found.record, dict) else None
        fault = "below_a_record_not_taken" if found.parent == "" else _fault(found.record, number, seen)
        if fault is not None:
            where = f"{found.where} ({number})" if number else found.where
            reading.not_taken.append(Finding(fault, where))
        elif number is not None:
            seen.add(number)
            yield _Task(number=number, parent=found.parent, fields=_fields(found.record))
        waiting += _below(found, "" if fault else number)


def _below(found: _Found, number: str | None) -> list[_Found]:
    """The subtasks of a record, the last one first; an empty number says that the record was not taken."""
    subtasks = found.record.get("subtasks") if isinstance(found.record, dict) else None
    listed = enumerate(subtasks if isinstance(subtasks, list) else (), 1)
    return [_Found(record, number, f"{found.where}, subtask {place}") for place, record in listed][::-1]


def _fields(record: Fields) -> Fields:
    own = ("id", "subtasks", "parentId") if isinstance(record.get("subtasks", []), list) else ("id", "parentId")
    fields = {field: value for field, value in record.items() if field not in own and value is not None}
    dependencies = {"dependencies": fields.pop("dependencies")} if "dependencies" in fields else {}
    return {**plain(fields), **dependencies}  # whose dotted ids stay as they are written


def _fault(found: Any, number: str | None, seen: set[str]) -> str | None:
    if not isinstance(found, dict):
        return "not_an_object"
    if number is None:
        return "no_id"
    if len(number) > LONGEST_ID:
        return "id_too_long"
    if number in seen:
        return "repeated_id"
    whole = plain(found)
    return "unstorable" if not storable(whole) and unstorable(whole) else None


def _number(spelled: Any, parent: str | None = None) -> str | None:
    """An id in one spelling; a subtask's with its task's before it."""
    if isinstance(spelled, bool) or not isinstance(spelled, (int, str, Decimal)) or not str(spelled).strip():
        return None
    number = str(spelled).strip()
    return number if parent is None or number.startswith(f"{parent}.") else f"{parent}.{number}"


class _Reader(Record):
    """One task on its way."""

    def __init__(self, task: _Task, tasks: _List, numbers: Any, identify: Identify, reading: Reading) -> None:
        super().__init__(tasks.whole(task.number), task.fields, reading)
        self._task = task
        self._list = tasks
        self._numbers = numbers
        self._identify = identify
        self._changed_at = self.time("updatedAt")
        began = self.time("createdAt") or min(tasks.began, self._changed_at or tasks.began)
        self._created = Mark(by=NO_HOLDER, at=began)
        self._changed = Mark(by=NO_HOLDER, at=max(self._changed_at or tasks.changed, began))

    def take(self, imported_at: datetime) -> None:
        links = self._links()
        status, removed = self._standing()
        fields: Fields = {"item_type": "task", "title": self.text("title") or ""}
        for field, theirs in {"description": "description", "notes": "details", "assignee": "assignee"}.items():
            if (value := self.text(theirs)) is not None:
                fields[field] = value
        if not fields["title"].strip():
            self.warn("no_title")
        tag = self._list.tag
        fields |= self.priority("priority") | self.tags("tags", () if tag == MAIN else (tag,))
        item = ImportedItem(
            id=self._identify(self.name),
            external_id=self.name,
            fields=fields | {"metadata": self._metadata()},
            created=self._created,
            changed=self._changed,
            status=status,
            removed=removed,
            links=links,
        )
        take(self.reading, item, imported_at)

    def _standing(self) -> tuple[str | None, Mark | None]:
        """Status, and when it was deleted."""
        word = str(self.rest.get("status", "")).strip().lower().replace("_", "-")
        if word in REMOVED:
            return "active", self._changed
        if word not in STATUSES:
            self.warn("unknown_status" if word else "no_status", f": {word[:50]}" if word else "")
        return STATUSES.get(word, "active"), None

    def _links(self) -> tuple[ImportedLink, ...]:
        links = [self._linked("parent", self._task.parent, "subtask")] if self._task.parent is not None else []
        given = self.rest.pop("dependencies", [])
        strange = []
        for entry in given if isinstance(given, list) else [given]:
            number = _number(entry)
            if number is None:
                strange.append(plain(entry))
                self.reading.not_taken.append(Finding("link_not_understood", f"{self.name}: {str(entry)[:100]}"))
            else:
                links.append(self._linked("depends_on", self._meant(number), "dependencies"))
        if strange:
            self.rest["dependencies"] = strange
        return tuple(links)

    def _meant(self, number: str) -> str:
        sibling = f"{self._task.parent}.{number}"
        return sibling if sibling in self._numbers and sibling != self._task.number else number

    def _linked(self, kind: str, number: str, word: str) -> ImportedLink:
        to = self._list.whole(number)
        return ImportedLink(kind=kind, to_id=self._identify(to), to=to, word=word, made=self._created)

    def _metadata(self) -> Fields:
        if "status" in self.rest:
            self.own["source_status"] = self.rest.pop("status")
        criteria = self.rest.get("acceptanceCriteria")
        if isinstance(criteria, list) and all(isinstance(criterion, str) for criterion in criteria):
            self.own["acceptance"] = self.rest.pop("acceptanceCriteria")
        if self._changed_at is not None:
            self.own["source_updated_at"] = text(self._changed_at)
        if self._list.tag != MAIN:
            self.own["source_tag"] = self._list.tag
        return self.metadata()
