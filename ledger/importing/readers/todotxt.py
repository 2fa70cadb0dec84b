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
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from msgspec import Struct

from ledger.codec import unstorable
from ledger.importing.readers.reading import Identify, Reading, inside, lines, take
from ledger.importing.readers.record import LONGEST_TAG, Record
from ledger.importing.readers.sample import Sample
from ledger.importing.readers.text_lines import unreadable
from ledger.values.finding import Finding
from ledger.work_item.commands import ImportedItem, ImportedLink, Mark

SOURCE = "todotxt"
NO_HOLDER = "unknown (todo.txt)"
FILES = ("todo.txt", "done.txt")
LONGEST_KEY = 200  # characters of a task's words by which it is known; a longer one is known by their digest
PRIORITIES = "ABCDE"  # 1 to 5; a later letter is a 5 too
_DONE = re.compile(r"x\s+(?=\S)")
_PRIORITY = re.compile(r"\(([A-Z])\)\s+(?=\S)")
_DAY = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:\s+(?=\S)|$)")
_PAIR = re.compile(r"([A-Za-z][^\s:]*):(?!//)([^\s:]+)")

Fields = dict[str, Any]


class Line(Struct, frozen=True, kw_only=True):
    """A task as its line says it. `words` is the description as written, `pairs` its key:value pairs in order."""

    where: str
    done: bool
    priority: str | None
    completed_at: datetime | None
    created_at: datetime | None
    words: str
    pairs: list[tuple[str, str]]


def recognises(sample: Sample) -> bool:
    """By its name, or by a line that begins as only a task does."""
    if sample.is_folder:
        return FILES[0] in sample.names
    marked = sample.holds(r"^(?:x \d{4}-\d\d-\d\d |\([A-Z]\) \S|\d{4}-\d\d-\d\d \S.* [+@]\w)")
    return bool(sample.text) and (sample.path.name.lower() in FILES or (sample.path.suffix == ".txt" and marked))


def read(path: Path, identify: Identify, imported_at: datetime) -> Reading:
    """All tasks of a file, or of a folder's todo.txt and done.txt. `imported_at` stands for days that no line tells."""
    reading = Reading()
    for key, line in _known(list(_lines(path, reading))):
        _Reader(key, line, identify, reading).take(imported_at)
    return reading


def parsed(where: str, text: str) -> Line:
    """
    >>> line = parsed("line 1", "x 2026-03-02 2026-03-01 Call +home @phone due:2026-03-05")
    >>> line.done, line.created_at.day, line.words, line.pairs
    (True, 1, 'Call +home @phone due:2026-03-05', [('due', '2026-03-05')])
    """
    done = _DONE.match(text)
    rest = text[done.end() :] if done else text
    priority = _PRIORITY.match(rest)
    rest = rest[priority.end() :] if priority else rest
    first, rest = _day(rest)
    second, rest = _day(rest) if done and first else (None, rest)
    pairs = [(found[1], found[2]) for word in rest.split() if (found := _PAIR.fullmatch(word))]
    marked = dict(pairs).get("pri", "")
    return Line(
        where=where,
        done=done is not None,
        priority=priority[1] if priority else (marked if re.fullmatch("[A-Z]", marked) else None),
        completed_at=first if done else None,
        created_at=second if done else first,
        words=rest,
        pairs=pairs,
    )


def _lines(path: Path, reading: Reading) -> Iterator[Line]:
    files = [inside(path, name) for name in FILES if (path / name).exists()] if path.is_dir() else [path]
    if not files:
        raise unreadable(path, None, f"is a folder without {' and '.join(FILES)}")
    for file in files:
        for number, line in lines(file):
            reading.found += 1
            where = f"{file.name}, line {number}" if len(files) > 1 else f"line {number}"
            text = line.decode()
            if unstorable(text):
                reading.not_taken.append(Finding("unstorable", where))
            else:
                yield parsed(where, text)


def _day(text: str) -> tuple[datetime | None, str]:
    found = _DAY.match(text)
    if found is None:
        return None, text
    try:
        return datetime(int(found[1]), int(found[2]), int(found[3]), tzinfo=UTC), text[found.end() :]
    except ValueError:
        return None, text


def _known(found: list[Line]) -> Iterator[tuple[str, Line]]:
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
    key = f"{line.created_at:%Y-%m-%d} {words}" if line.created_at else words
    if len(key) <= LONGEST_KEY:
        return key
    return f"{key[:LONGEST_KEY]} {hashlib.sha256(key.encode()).hexdigest()[:16]}"


class _Reader(Record):
    """One line on its way."""

    def __init__(self, key: str, line: Line, identify: Identify, reading: Reading) -> None:
        super().__init__(key, {}, reading)
        self._line = line
        self._identify = identify

    def take(self, imported_at: datetime) -> None:
        line = self._line
        if line.created_at is None:
            self.warn("no_creation_time")
        began = line.created_at or line.completed_at or imported_at
        created = Mark(by=NO_HOLDER, at=began)
        changed = Mark(by=NO_HOLDER, at=max(line.completed_at or began, began))
        if line.done and line.completed_at is None:
            self.warn("no_closing_time")
        item = ImportedItem(
            id=self._identify(self.name),
            external_id=self.name,
            fields={"item_type": "task", "title": line.words} | self._rank() | self._labels() | self._metadata(),
            created=created,
            changed=changed,
            status="completed" if line.done else "active",
            settled=changed if line.done else None,
            links=self._links(created),
        )
        take(self.reading, item, imported_at)

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

    def _links(self, created: Mark) -> tuple[ImportedLink, ...]:
        """`p:` names the `id:` of the task above, as the program topydo writes it."""
        above = [f"id:{value}" for key, value in self._line.pairs if key == "p"]
        return tuple(
            ImportedLink(kind="parent", to_id=self._identify(key), to=key, word="p", made=created) for key in above
        )

    def _metadata(self) -> Fields:
        """The pairs, under their own names; one that comes twice is a list."""
        for key, value in self._line.pairs:
            if key not in self.rest:
                self.rest[key] = value
            elif isinstance(self.rest[key], list):
                self.rest[key].append(value)
            else:
                self.rest[key] = [self.rest[key], value]
        return {"metadata": self.metadata()}
