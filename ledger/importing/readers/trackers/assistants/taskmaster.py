"""Tasks of task-master: one JSON file, either one list (`{"tasks": []}`) or one for each tag (`{tag: {"tasks": []}}`).

A subtask's id counts within its task (`2`) or is whole (`5.2`), as a text or as a number; here it is whole. So it is in
dependencies: in a subtask's own list a bare number means its sibling, else a task of the list. Items of the list
`master` have the same ids as those of a file without tags, which task-master turns into one.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from msgspec import Struct

from ledger.aggregates.work_item.commands import Attribution, Edition, ImportedItem, ImportedLink, Stated
from ledger.aggregates.work_item.imported.older_records import LAST_CHANGE, LIST
from ledger.importing.readers.reading import LONGEST_ID, Identify, Reading, none_taken, take, time_of
from ledger.importing.readers.record import CLOSED, Record
from ledger.importing.readers.sample import Sample
from ledger.importing.readers.text.json_records import Fields
from ledger.importing.readers.text.json_text import Problem, as_storable, document
from ledger.importing.readers.text_lines import unreadable
from ledger.values.finding import Finding
from ledger.values.moment import text
from ledger.values.states import FINISHED

SOURCE = "taskmaster"
NO_HOLDER = "unknown (task-master)"
MAIN = "master"
ROOT = "tasks"  # the list of a file without tags, where it stands beside the list of the tag `master`
CREATED = ("createdAt", "created_at", "created")
ALWAYS = {  # what is written of every task
    "title": "title",
    "description": "description",
    "notes": "details",
    "status": "status",
    "priority": "priority",
    "links": "dependencies",
    "metadata.testStrategy": "testStrategy",
}
CHANGED = ("updatedAt", "updated_at", "updated", "lastModified")
COMPLETED = ("completedAt", "completed_at")


class _List(Struct, frozen=True, kw_only=True):
    """The tasks of one tag. `began` and `changed` are the list's times, for tasks that have none of their own.

    `edition` is when the list says that it last changed, `says` everything that it says of itself. `doubled` are tasks
    that stand in the list of `master` too, under the same number with the same title.
    """

    tag: str
    tasks: list[Any]
    began: datetime
    changed: datetime
    edition: Edition | None
    says: Fields
    doubled: frozenset[str] = frozenset()

    @property
    def stands_in(self) -> Finding:
        """The warning that the list's times stand for those of its tasks, or that the list has none either."""
        if self.edition is None and self.began == self.changed:
            return Finding("times_unknown", self.tag)
        return Finding("times_of_the_whole_list", f"{self.tag}: {text(self.began)} to {text(self.changed)}")

    def full_id(self, number: str) -> str:
        """The id of a task or subtask in the file."""
        return number if self.tag == MAIN or number in self.doubled else f"{self.tag}:{number}"


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
    problems: list[Problem] = []


def recognises(sample: Sample) -> bool:
    """Recognised by a list of tasks at the top, or within a tag."""
    return sample.begins(r'\{[^\[]*"tasks"\s*:\s*\[')


def read(path: Path, identify: Identify, imported_at: datetime) -> Reading:
    """All tasks and subtasks of a file. `imported_at` stands for times that the source does not say."""
    reading = Reading()
    whole, repeated = document(path)
    reading.not_taken += [Finding("repeated_field", as_storable(name)[0]) for name in repeated]
    for tasks in _lists(path, whole, imported_at, reading):
        taken = {task.number: task for task in _tasks(tasks, reading)}
        readers = [_Reader(task, tasks, taken.keys(), identify, reading) for task in taken.values()]
        if any(reader.lacks_times for reader in readers):
            reading.warnings.append(tasks.stands_in)
        for place, reader in enumerate(readers):
            reader.take(imported_at, is_first=place == 0)
    if reading.found and not reading.items:
        raise none_taken(path, "task", reading)
    return reading


def _lists(path: Path, whole: Any, imported_at: datetime, reading: Reading) -> Iterator[_List]:
    """Each list with its tag. Beside the list of `master` that of a file without tags is another one."""
    if not isinstance(whole, dict):
        raise unreadable(path, None, "is no task-master file: it holds no lists of tasks")
    tags = {tag: found for tag, found in whole.items() if _is_list(found)}
    broken = [tag for tag, found in whole.items() if isinstance(found, dict) and "tasks" in found and tag not in tags]
    reading.not_taken += [Finding("not_a_list", as_storable(tag)[0][:LONGEST_ID]) for tag in broken]
    has_root = isinstance(whole.get(ROOT), list)
    if not has_root and not tags:
        raise unreadable(path, None, "is no task-master file: it holds no lists of tasks")
    others = {name: value for name, value in whole.items() if name not in tags and name != ROOT}
    for place, (tag, found) in enumerate(sorted(tags.items(), key=lambda entry: entry[0] != MAIN)):
        more = {"beside": others} if others and place == 0 and not has_root else {}
        yield _list(as_storable(tag)[0], found | more, imported_at, reading)
    if has_root:
        main = _titles(tags[MAIN]["tasks"]) if MAIN in tags else {}
        doubled = frozenset(number for number, title in _titles(whole[ROOT]).items() if main.get(number) == title)
        tag = ROOT if MAIN in tags else MAIN
        yield _list(tag, others | {"tasks": whole[ROOT]}, imported_at, reading, doubled)


def _is_list(found: Any) -> bool:
    return isinstance(found, dict) and isinstance(found.get("tasks"), list)


def _titles(tasks: list[Any]) -> dict[str, str]:
    """The titles of a list's tasks and subtasks by their numbers."""
    found: dict[str, str] = {}
    waiting = [_Found(record, None, "") for record in tasks]
    while waiting:
        one = waiting.pop()
        number = _number(one.record.get("id"), one.parent) if isinstance(one.record, dict) else None
        if number is not None:
            found[number] = str(one.record.get("title"))
            waiting += _below(one, number)
    return found


def _list(
    tag: str, found: Fields, imported_at: datetime, reading: Reading, doubled: frozenset[str] = frozenset()
) -> _List:
    """Its times stand in `metadata`, in the first versions in `meta`."""
    metadata = found.get("metadata") or found.get("meta")
    known = metadata if isinstance(metadata, dict) else {}
    created, updated = (
        next((moment for name in names if (moment := time_of(known.get(name)))), None) for names in (CREATED, CHANGED)
    )
    began = created or imported_at
    changed = updated or began
    says, problems = as_storable({name: value for name, value in found.items() if name != "tasks"})
    reading.warnings += [Finding(kind, f"{tag}: {path}") for kind, path in problems]
    return _List(
        tag=tag,
        tasks=found["tasks"],
        began=began,
        changed=max(began, changed),
        edition=Edition(part=tag, at=updated) if updated else None,
        says=says,
        doubled=doubled,
    )


def _tasks(tasks: _List, reading: Reading) -> Iterator[_Task]:
    """Every record of the list that can be taken, each number once; the reading names the others."""
    seen: set[str] = set()
    waiting = [_Found(record, None, f"{tasks.tag}, task {place}") for place, record in enumerate(tasks.tasks, 1)][::-1]
    while waiting:
        found = waiting.pop()
        reading.found += 1
        number = _number(found.record.get("id"), found.parent) if isinstance(found.record, dict) else None
        fault = "below_a_record_not_taken" if found.parent == "" else _fault(found.record, number, seen, tasks)
        if fault is not None:
            where = f"{found.where} ({number})" if number else found.where
            reading.not_taken.append(Finding(fault, where))
        elif number is not None:
            seen.add(number)
            fields, problems = _fields(found.record)
            yield _Task(number=number, parent=found.parent, fields=fields, problems=problems)
        waiting += _below(found, number if fault is None or number in tasks.doubled else "")


def _below(found: _Found, number: str | None) -> list[_Found]:
    """The subtasks of a record, the last one first; an empty number says that the record was not taken."""
    subtasks = found.record.get("subtasks") if isinstance(found.record, dict) else None
    listed = enumerate(subtasks if isinstance(subtasks, list) else (), 1)
    return [_Found(record, number, f"{found.where}, subtask {place}") for place, record in listed][::-1]


def _fields(record: Fields) -> tuple[Fields, list[Problem]]:
    own = ("id", "subtasks", "dependencies") if isinstance(record.get("subtasks", []), list) else ("id", "dependencies")
    fields, problems = as_storable(
        {name: value for name, value in record.items() if name not in own and value is not None}
    )
    dependencies = {"dependencies": record["dependencies"]} if record.get("dependencies") is not None else {}
    return {**fields, **dependencies}, problems  # whose dotted ids stay as they are written


def _fault(found: Any, number: str | None, seen: set[str], tasks: _List) -> str | None:
    if not isinstance(found, dict):
        return "not_an_object"
    if number is None:
        return "no_id"
    if len(number) > LONGEST_ID:
        return "id_too_long"
    return "repeated_id" if number in seen or number in tasks.doubled else None


def _number(spelled: Any, parent: str | None = None) -> str | None:
    """An id in one spelling; a subtask's with its task's before it."""
    if isinstance(spelled, bool) or not isinstance(spelled, (int, str, Decimal)) or not str(spelled).strip():
        return None
    number: str = as_storable(str(spelled).strip())[0]
    return number if parent is None or number.startswith(f"{parent}.") else f"{parent}.{number}"


class _Reader(Record):
    """One task on its way."""

    def __init__(self, task: _Task, tasks: _List, numbers: Any, identify: Identify, reading: Reading) -> None:
        super().__init__(tasks.full_id(task.number), task.fields, reading)
        self._task = task
        self._list = tasks
        self._numbers = numbers
        self._identify = identify
        for kind, problem in task.problems:
            self.warn(kind, f": {problem}")
        self._changed_at, self._created_at = self._first_time(CHANGED), self._first_time(CREATED)
        began = self._created_at or min(tasks.began, self._changed_at or tasks.began)
        self._created = Attribution(by=NO_HOLDER, at=began)
        self._changed = Attribution(by=NO_HOLDER, at=max(self._changed_at or tasks.changed, began))

    @property
    def lacks_times(self) -> bool:
        return self._created_at is None or self._changed_at is None

    def take(self, imported_at: datetime, *, is_first: bool) -> None:
        """The first task of a list keeps what the list says of itself."""
        unstated = frozenset(ours for ours, name in ALWAYS.items() if name not in self.rest)
        links = self._links()
        status, category = self.state(str(self.rest.get("status", "")))
        settled = self._end() if category in FINISHED else None
        fields: Fields = {"item_type": "task", "title": self.text("title") or ""}
        for field, theirs in {"description": "description", "notes": "details", "assignee": "assignee"}.items():
            if (value := self.text(theirs)) is not None:
                fields[field] = value
        if not fields["title"].strip():
            self.warn("no_title")
        tag = self._list.tag
        fields |= self.priority("priority") | self.tags("tags", () if tag == MAIN else (tag,)) | self.plans()
        item = ImportedItem(
            id=self._identify(self.name),
            external_id=self.name,
            fields=fields | {"metadata": self._metadata(is_first=is_first)},
            created=self._created,
            changed=self._changed,
            status=status,
            category=category,
            settled=settled,
            links=links,
            created_in_source=self._created_at,
            changed_in_source=self._changed_at,
            edition=self._list.edition,
            stated=Stated(without=unstated),
        )
        take(self.reading, item, imported_at)

    def _first_time(self, names: Iterable[str]) -> datetime | None:
        return next((self.time(name) for name in names if self.rest.get(name)), None)

    def _end(self) -> Attribution | None:
        ended = [name for name in COMPLETED if self.rest.get(name)]
        at = self.ended(ended[0], CLOSED, self._created.at) if ended else None
        return Attribution(by=NO_HOLDER, at=at) if at else None

    def _links(self) -> tuple[ImportedLink, ...]:
        links = [self._linked("parent", self._task.parent, "subtask")] if self._task.parent is not None else []
        given = self.rest.pop("dependencies", [])
        strange = []
        given = [part for part in given.split(",") if part.strip()] if isinstance(given, str) else given
        for entry in given if isinstance(given, list) else [given]:
            number = _number(entry)
            if number is None:
                strange.append(as_storable(entry)[0])
                self.reading.not_taken.append(Finding("link_not_understood", f"{self.name}: {str(entry)[:100]}"))
            else:
                links.append(self._linked("depends_on", self._task_id(number), "dependencies"))
        if strange:
            self.rest["dependencies"] = strange
        return tuple(links)

    def _task_id(self, number: str) -> str:
        sibling = f"{self._task.parent}.{number}"
        return sibling if sibling in self._numbers and sibling != self._task.number else number

    def _linked(self, kind: str, number: str, word: str) -> ImportedLink:
        to = self._list.full_id(number)
        return ImportedLink(kind=kind, to_id=self._identify(to), to=to, word=word, made=self._created)

    def _metadata(self, *, is_first: bool) -> Fields:
        self._check_parent()
        edition, says = self._list.edition, self._list.says
        if is_first and (edition or says):
            updated = {"updated": text(edition.at)} if edition else {}
            self.own[LIST] = {"name": self._list.tag, **updated, "says": says}
        if "subtasks" in self.rest:  # they are no list
            self.warn("field_not_understood", ": subtasks")
        if "status" in self.rest:
            self.own["source_status"] = self.rest.pop("status")
        criteria = self.rest.get("acceptanceCriteria")
        if isinstance(criteria, list) and all(isinstance(criterion, str) for criterion in criteria):
            self.own["acceptance"] = self.rest.pop("acceptanceCriteria")
        if self._changed_at is not None:
            self.own[LAST_CHANGE] = text(self._changed_at)
        if self._list.tag != MAIN:
            self.own["source_tag"] = self._list.tag
        return self.metadata()

    def _check_parent(self) -> None:
        """`parentId` says again what the nesting says, or it is kept as found."""
        parent, named = self._task.parent, _number(self.rest.get("parentId"))
        if parent is not None and named in (parent, parent.rpartition(".")[2]):
            del self.rest["parentId"]
        elif "parentId" in self.rest:
            self.warn("parent_disagrees")
