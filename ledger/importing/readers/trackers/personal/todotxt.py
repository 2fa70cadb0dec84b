"""todo.txt files: a task a line, `x (A) 2026-03-02 2026-03-01 words +project @context key:value`, most of it optional.

A line has no id, so it is known by what a person means by the same task: its words with projects and contexts, and the
day it was written down. Its place in the file, its priority, its completion and its key:value pairs may change. A line
whose words change is another task, unless it says `id:` itself, as some programs write. Of equal lines the oldest is
the first. A folder is read as its todo.txt and done.txt together.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from ledger.aggregates.work_item.commands import Attribution, Edition, ImportedItem, ImportedLink
from ledger.importing.readers.reading import Identify, Reading, inside, lines, take
from ledger.importing.readers.record import CLOSED, LONGEST_TAG, Record
from ledger.importing.readers.sample import Sample
from ledger.importing.readers.text.json_records import Fields
from ledger.importing.readers.text_lines import unreadable
from ledger.importing.readers.trackers.personal.last_written import last_written
from ledger.values.finding import Finding
from ledger.values.moment import text

SOURCE = "todotxt"
NO_HOLDER = "unknown (todo.txt)"
FILES = ("todo.txt", "done.txt")
WITHOUT_WORDS = "(no words)"  # what a line of marks and days alone is known by
EARLIEST_DAY = timedelta(hours=14)  # so long before it begins in UTC a day has begun somewhere
LONGEST_KEY = 200  # characters of a task's words by which it is known; a longer one is known by their digest
PRIORITIES = "ABCDE"  # 1 to 5; a later letter is a 5 too
DAYS = {"due": "due", "not_before": "t"}  # our field -> the key of its pair
_DONE = re.compile(r"x\s+(?=\S)")
_PRIORITY = re.compile(r"\(([A-Z])\)\s+(?=\S)")
_DAY = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:\s+(?=\S)|$)")
_DONE_AGAIN = re.compile(r"x\s+(?=\d{4}-\d\d-\d\d(?:\s|$)|\([A-Z]\)\s)")
_LOOKS_DONE = re.compile(r"(?:X|\[[xX]\]|[-*] \[[xX]\]|✓|✔|✅|☑)\s+\S")
_HEADING = re.compile(r"#+\s+\S.*|[^\W\d][^:]{0,40}:|[-=_*#]{3,}")  # a line by which notes are parted
_PAIR = re.compile(r"([A-Za-z][^\s:]*):(?!//)([^\s:]+)")


class Line(Struct, frozen=True, kw_only=True):
    """A task as its line says it. `words` is the description as written, `pairs` its key:value pairs in order.

    `completed_before` are days of completion before the last one, of a task that was marked more than once.
    """

    where: str
    done: bool
    priority: str | None
    completed_at: datetime | None
    created_at: datetime | None
    words: str
    pairs: list[tuple[str, str]]
    completed_before: list[datetime] = []


class _TaskPrefix(Struct, kw_only=True):
    """What stands before the words of a task that is completed: marks, priority and days in any order."""

    priority: str | None = None
    completed: list[datetime] = []
    created_at: datetime | None = None
    rest: str


def recognises(sample: Sample) -> bool:
    """Recognised by a line that begins as only a task does, or by its name, unless headings show that it is notes."""
    if sample.is_folder:
        return FILES[0] in sample.names
    marked = sample.holds(r"^(?:x \d{4}-\d\d-\d\d |\([A-Z]\) \S|\d{4}-\d\d-\d\d \S.* [+@]\w)")
    if sample.path.name.lower() in FILES:
        return marked or (bool(sample.text) and not sample.holds(rf"^(?:{_HEADING.pattern})\s*$"))
    return sample.path.suffix == ".txt" and marked


def read(path: Path, identify: Identify, imported_at: datetime) -> Reading:
    """All tasks of a file, or of a folder's todo.txt and done.txt. `imported_at` stands for days that no line tells."""
    reading, files = Reading(), _files(path)
    found = list(_lines(files, reading))
    edition = Edition(part=SOURCE, at=max(map(last_written, files)) + EARLIEST_DAY)
    for key, line in _with_keys(found):
        _Reader(key, line, identify, reading).take(imported_at, edition)
    return reading


def parsed(where: str, text: str) -> Line:
    """
    >>> line = parsed("line 1", "x 2026-03-02 2026-03-01 Call +home @phone due:2026-03-05")
    >>> line.done, line.created_at.day, line.words, line.pairs
    (True, 1, 'Call +home @phone due:2026-03-05', [('due', '2026-03-05')])
    """
    done = _DONE.match(text) or ((priority := _PRIORITY.match(text)) and _DONE_AGAIN.match(text, priority.end()))
    head = _done_prefix(text) if done else _open_prefix(text)
    pairs = [(found[1], found[2]) for word in head.rest.split() if (found := _PAIR.fullmatch(word))]
    marked = dict(pairs).get("pri", "")
    return Line(
        where=where,
        done=bool(done),
        priority=head.priority or (marked if re.fullmatch("[A-Z]", marked) else None),
        completed_at=head.completed[0] if head.completed else None,
        created_at=head.created_at,
        words=head.rest,
        pairs=pairs,
        completed_before=head.completed[1:],
    )


def _open_prefix(text: str) -> _TaskPrefix:
    """The prefix by the format's rules: a priority first, then a day."""
    head = _TaskPrefix(rest=text)
    _take_priority(head)
    head.created_at = _take_day(head)
    return head


def _done_prefix(text: str) -> _TaskPrefix:
    """The prefix as programs write it: a priority before, between or behind the two days, a mark in front of another.

    Of two days the first is that of the completion. One alone is it too, unless it stands behind the priority, where
    it stood before an `x` was put in front of the line.
    """
    head = _TaskPrefix(rest=text)
    _take_priority(head)
    mark = _DONE.match(head.rest)
    while mark:
        head.rest = head.rest[mark.end() :]
        is_behind = _take_priority(head)
        first = _take_day(head)
        _take_priority(head)
        second = _take_day(head) if first else None
        _take_priority(head)
        head.completed += [first] if first and (second or not is_behind) else []
        head.created_at = second or (first if is_behind else None)
        mark = _DONE_AGAIN.match(head.rest)
    return head


def _take_priority(head: _TaskPrefix) -> bool:
    found = _PRIORITY.match(head.rest) if head.priority is None else None
    if found is not None:
        head.priority, head.rest = found[1], head.rest[found.end() :]
    return found is not None


def _take_day(head: _TaskPrefix) -> datetime | None:
    day, head.rest = _day(head.rest)
    return day


def _files(path: Path) -> list[Path]:
    files = [inside(path, name) for name in FILES if (path / name).exists()] if path.is_dir() else [path]
    if not files:
        raise unreadable(path, None, f"is a folder without {' and '.join(FILES)}")
    return files


def _lines(files: list[Path], reading: Reading) -> Iterator[Line]:
    for file in files:
        for number, line in lines(file):
            reading.found += 1
            where = f"{file.name}, line {number}" if len(files) > 1 else f"line {number}"
            yield parsed(where, line.decode())


def _planned(value: str) -> str | None:
    day, rest = _day(value)
    return value if day is not None and not rest else None


def _day(text: str) -> tuple[datetime | None, str]:
    found = _DAY.match(text)
    if found is None:
        return None, text
    try:
        return datetime(int(found[1]), int(found[2]), int(found[3]), tzinfo=UTC), text[found.end() :]
    except ValueError:
        return None, text


def _with_keys(found: list[Line]) -> Iterator[tuple[str, Line]]:
    """Each task with the key it is known by; equal ones are numbered by age, so that a newer one changes no other."""
    times: Counter[str] = Counter()
    keys: dict[int, str] = {}
    for place in sorted(range(len(found)), key=lambda place: (_age(found[place]), place)):
        key = _key(found[place])
        times[key] += 1
        keys[place] = key if times[key] == 1 else f"{key}  #{times[key]}"
    return ((keys[place], line) for place, line in enumerate(found))


def _age(line: Line) -> datetime:
    return line.created_at or line.completed_at or datetime.max.replace(tzinfo=UTC)


def _key(line: Line) -> str:
    pairs = dict(line.pairs)
    if "id" in pairs:
        return f"id:{pairs['id']}"
    words = " ".join(word for word in line.words.split() if not _PAIR.fullmatch(word)) or line.words
    key = f"{line.created_at:%Y-%m-%d} {words}" if line.created_at else words or WITHOUT_WORDS
    if len(key) <= LONGEST_KEY:
        return key
    return f"{key[:LONGEST_KEY]} {hashlib.sha256(key.encode()).hexdigest()[:16]}"


class _Reader(Record):
    """One line on its way."""

    def __init__(self, key: str, line: Line, identify: Identify, reading: Reading) -> None:
        super().__init__(key, {}, reading)
        self._line = line
        self._identify = identify

    def take(self, imported_at: datetime, edition: Edition) -> None:
        line = self._line
        if not line.words:
            self.reading.warnings.append(Finding("no_title", line.where))
        if line.created_at is None:
            self.warn("no_creation_time")
        if line.created_at or line.completed_at:
            self.warn("no_time_of_day")
        if not line.done and _LOOKS_DONE.match(line.words):
            self.warn("looks_completed", f": {line.words[:50]}")
        if _HEADING.fullmatch(line.words):
            self.warn("looks_like_a_heading")
        began = line.created_at or line.completed_at or imported_at
        created = Attribution(by=NO_HOLDER, at=began)
        changed = Attribution(by=NO_HOLDER, at=max(line.completed_at or began, began))
        if line.done and line.completed_at is None:
            self.warn("no_closing_time")
        self._keep_days(began)
        item = ImportedItem(
            id=self._identify(self.name),
            external_id=self.name,
            fields={"item_type": "task", "title": line.words}
            | self._rank()
            | self._labels()
            | self._days()
            | self._metadata(),
            created=created,
            changed=changed,
            status="completed" if line.done else "active",
            settled=changed if line.done else None,
            links=self._links(created),
            edition=edition,
            undated=None if self.name.startswith("id:") else _key(replace(line, created_at=None)),
        )
        take(self.reading, item, imported_at)

    def _keep_days(self, began: datetime) -> None:
        completed = [self._line.completed_at, *self._line.completed_before]
        days = [text(day) for day in completed if day is not None]
        if days:
            self.own[CLOSED] = days[0]
        if days[1:]:
            self.own["completed_before"] = days[1:]
        if self._line.completed_at is not None and self._line.completed_at < began:
            self.warn("ended_before_it_began", f": {days[0]}")

    def _rank(self) -> Fields:
        if self._line.priority is None:
            return {}
        self.own["source_priority"] = self._line.priority
        return {"priority": PRIORITIES.find(self._line.priority) + 1 or 5}

    def _labels(self) -> Fields:
        """Projects and contexts, which are tags without their sign; which is which stays in the metadata."""
        for name, sign in (("projects", "+"), ("contexts", "@")):
            words = [word[1:] for word in self._line.words.split() if word.startswith(sign) and len(word) > 1]
            if words:
                self.own[name] = list(dict.fromkeys(words))
        found = [word.lower() for word in (*self.own.get("projects", ()), *self.own.get("contexts", ()))]
        tags = tuple(dict.fromkeys(tag for tag in found if len(tag) <= LONGEST_TAG))
        return {"tags": tags} if tags else {}

    def _days(self) -> Fields:
        """`due:` and `t:`, which is where some programs write the day before which a task is hidden."""
        values = {field: [value for key, value in self._line.pairs if key == pair] for field, pair in DAYS.items()}
        return {field: day for field, days in values.items() if len(days) == 1 and (day := _planned(days[0]))}

    def _links(self, created: Attribution) -> tuple[ImportedLink, ...]:
        """`p:` names the `id:` of the task above, as the program topydo writes it."""
        above = [f"id:{value}" for key, value in self._line.pairs if key == "p"]
        return tuple(
            ImportedLink(kind="parent", to_id=self._identify(key), to=key, word="p", made=created) for key in above
        )

    def _metadata(self) -> Fields:
        """The pairs that say no day of ours, under their own names; one that comes twice is a list."""
        taken = {DAYS[field] for field in self._days()}
        for key, value in self._line.pairs:
            if key in taken:
                continue
            if key not in self.rest:
                self.rest[key] = value
            elif isinstance(self.rest[key], list):
                self.rest[key].append(value)
            else:
                self.rest[key] = [self.rest[key], value]
        for key in sorted(self.rest.keys() & set(DAYS.values())):
            self.warn("time_not_understood", f": {key}")
        return {"metadata": self.metadata()}
