"""Tasks that `task export` prints: a JSON list, or an object a line. A task is known by its uuid."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from ledger.aggregates.work_item.commands import Stated
from ledger.importing.readers.reading import Reading, time_of
from ledger.importing.readers.record import Record
from ledger.importing.readers.sample import Sample
from ledger.importing.readers.source_item import SourceComment, SourceItem, SourceLink, left_out, reader
from ledger.importing.readers.text.json_records import Fields, filled, records_of
from ledger.values.dates import MOST_MINUTES
from ledger.values.moment import text
from ledger.values.states import Category

SOURCE = "taskwarrior"
STATES: dict[str, Category] = {
    "pending": "planned",
    "waiting": "waiting",
    "recurring": "waiting",  # the pattern that tasks are made after; it is no work itself
    "completed": "done",
    "deleted": "dropped",
}
PRIORITIES = {"H": 2, "M": 3, "L": 4}
ALWAYS = {"title": "description", "status": "status"}  # what is written of every task; an empty other field is left out
DERIVED = ("id", "urgency")  # derived by each export
_SECONDS = r"\d{9,10}"  # a time as its own files have it, and old versions export it
_DURATION = re.compile(r"PT(?=\d)(?:(\d+)H)?(?:(\d+)M)?")


def recognises(sample: Sample) -> bool:
    """Recognised by a task's uuid beside the day that it was entered."""
    return (
        sample.begins(r"[\[{]")
        and sample.holds(r'"uuid"\s*:\s*"')
        and sample.holds(rf'"entry"\s*:\s*"?(?:\d{{8}}T\d{{6}}Z|{_SECONDS})\b')
    )


def records(path: Path, reading: Reading) -> Iterator[SourceItem]:
    for place, whole in records_of(path, reading, lambda whole: whole if isinstance(whole, list) else [whole]):
        record = filled(whole)
        uuid = record.get("uuid")
        if isinstance(uuid, str) and record.keys() & {"description", "status", "entry"}:
            yield replace(_Task(uuid, record, reading).item(), place=place)
        else:
            left_out(reading, "no_id", place)


read = reader(SOURCE, "Taskwarrior task", records)


class _Task(Record):
    """One task on its way."""

    def __init__(self, uuid: str, record: Fields, reading: Reading) -> None:
        super().__init__(uuid, record, reading)
        self._names = frozenset(record)
        for name in ("uuid", *DERIVED):
            record.pop(name, None)

    def item(self) -> SourceItem:
        word = self.text("status") or ""
        category = STATES.get(word)
        created_at, changed_at, ended_at = self.time("entry"), self.time("modified"), self.time("end")
        if category == "planned" and self.rest.get("start"):
            word, category = "started", "active"
        links = (*self._parent(), *self._blockers())
        project = self.rest.get("project")
        return SourceItem(
            id=self.name,
            title=self.text("description") or "",
            status=word,
            category=category,
            priority=self._priority(),
            tags=self.tags("tags", (project,) if isinstance(project, str) else ()).get("tags", ()),
            created_at=created_at,
            changed_at=changed_at,
            ended_at=ended_at,
            due=self._planned("due"),
            not_before=self._planned("wait") or self._planned("scheduled"),
            estimate=self._estimate(),
            links=links,
            comments=self._annotations(),
            stated=Stated(without=frozenset(ours for ours, name in ALWAYS.items() if name not in self._names)),
            more=self.rest,
            kept=self.own,
        )

    def time(self, field: str) -> datetime | None:
        value = self.rest.get(field)
        if isinstance(value, str | int) and re.fullmatch(_SECONDS, str(value)):
            self.rest[field] = text(datetime.fromtimestamp(int(value), UTC))
        return super().time(field)

    def _estimate(self) -> int | None:
        """A field of the user's own that many have; a length in days or a bare number is no time that is known."""
        found = _DURATION.fullmatch(str(self.rest.get("estimate", "")))
        minutes = int(found[1] or 0) * 60 + int(found[2] or 0) if found else 0
        if not 0 < minutes <= MOST_MINUTES:
            return None
        del self.rest["estimate"]
        return minutes

    def _planned(self, field: str) -> str | None:
        moment = self.time(field)
        return text(moment) if moment else None

    def _priority(self) -> int | None:
        letter = self.text("priority")
        if letter is None:
            return None
        self.own["source_priority"] = letter
        if letter not in PRIORITIES:
            self.warn("unknown_priority", f": {letter[:50]}")
        return PRIORITIES.get(letter)

    def _parent(self) -> Iterator[SourceLink]:
        """The task that this one recurs after: it is no work that holds this one up, or that this one is part of."""
        if (parent := self.text("parent")) is not None:
            yield SourceLink(kind="relates_to", to=parent, word="parent")

    def _blockers(self) -> Iterator[SourceLink]:
        """A list, or a text with commas, as versions before 2.6 write it."""
        given = self.rest.pop("depends", [])
        found = given.split(",") if isinstance(given, str) else given if isinstance(given, list) else [given]
        strange = [other for other in found if not isinstance(other, str)]
        if strange:
            self.rest["depends"] = strange
            self.warn("field_not_understood", ": depends")
        for other in found:
            if isinstance(other, str) and other.strip():
                yield SourceLink(kind="depends_on", to=other.strip(), word="depends")

    def _annotations(self) -> tuple[SourceComment, ...]:
        given = self.rest.pop("annotations", [])
        entries: list[Any] = given if isinstance(given, list) else [given]
        plain = [entry for entry in entries if isinstance(entry, dict) and isinstance(entry.get("description"), str)]
        left = [entry for entry in entries if entry not in plain or entry.keys() - {"entry", "description"}]
        if left:
            self.rest["annotations"] = left
        return tuple(SourceComment(text=entry["description"], at=time_of(entry.get("entry"))) for entry in plain)
