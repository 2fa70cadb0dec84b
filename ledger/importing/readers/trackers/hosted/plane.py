"""Issues that Plane exports as CSV, in its newer form with lists as JSON in the cells, or in its older one."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from ledger.aggregates.work_item.imported.partial_records import STATE
from ledger.importing.readers.reading import Reading
from ledger.importing.readers.sample import Sample
from ledger.importing.readers.source_item import SourceComment, SourceItem, SourceLink, left_out, reader
from ledger.importing.readers.text.cells import CellRecord, Dates
from ledger.importing.readers.text.csv_table import has_header, table_of
from ledger.importing.readers.text.json_records import text_at
from ledger.importing.readers.text.json_text import as_storable, parsed
from ledger.importing.readers.words.status_words import category_of
from ledger.values.states import FINISHED, Category

SOURCE = "plane"
NUMBER = ("Identifier", "ID")
TIMES = ("Created At", "Updated At", "Completed At", "Archived At", "Start Date", "Target Date")

REFINING = ("Is Draft", "Completed At")
DUPLICATE = "duplicate"  # the type of a relation to what an issue repeats
SAID_BY = {
    "title": ("Name",),
    "status": ("State Name", "State"),
    "description": ("Description", "Description Stripped"),
    "assignee": ("Assignees", "Assignee"),
    "priority": ("Priority",),
    "tags": ("Labels",),
    "due": ("Target Date",),
    "not_before": ("Start Date",),
    "deleted": ("Archived At",),
    "comments": ("Comments",),
    "parent_id": ("Parent",),
    "links": ("Relations",),
    "metadata.source_updated_at": ("Updated At",),
    "metadata.source_closed_at": ("Completed At",),
}


def is_header(names: list[str]) -> bool:
    newer, older = (
        {"Name", "Identifier", "State Name", "Target Date"},
        {"Name", "ID", "State", "Target Date", "Project"},
    )
    return newer <= set(names) or older <= set(names)


def recognises(sample: Sample) -> bool:
    """Recognised by the names of its columns."""
    return has_header(sample, is_header)


def records(path: Path, reading: Reading) -> Iterator[SourceItem]:
    table = table_of(path, is_header, "a Plane export", reading)
    rows = table.rows
    dates, present = Dates.of(rows, TIMES), {row.first(NUMBER) for row in rows}
    held: dict[str, list[str]] = {}  # the blockers of each, as those name it that block it
    for row in rows:
        for relation in _list(next(iter(row.cells.get("Relations", ())), "")):
            if _kind(relation) == ("blocked_by", "incoming") or text_at(relation, "type") == "blocking":
                held.setdefault(text_at(relation, "issue") or "", []).append(row.first(NUMBER))
    for row in rows:
        if row.first(NUMBER):
            issue = _Issue(row.first(NUMBER), row, dates, reading)
            yield replace(issue.item(table.names, held, present), place=f"line {row.line}")
        else:
            left_out(reading, "no_id", f"line {row.line}")


read = reader(SOURCE, "Plane issue", records)


class _Issue(CellRecord):
    """One issue on its way."""

    def item(self, names: list[str], held: dict[str, list[str]], present: set[str]) -> SourceItem:
        self.one(*NUMBER)
        word, category = self._state()
        created_at, changed_at = self.when("Created At"), self.when("Updated At")
        return SourceItem(
            id=self.name,
            title=self.one("Name") or "",
            status=word,
            category=category,
            description=self.one("Description", "Description Stripped"),
            assignee=self._first("Assignees", "Assignee"),
            tags=self.labels([str(label) for label in self._entries("Labels")], "Labels"),
            created_at=created_at,
            created_by=self.one("Created By Name", "Created By"),
            changed_at=changed_at,
            ended_at=self.when("Completed At"),
            deleted_at=self.when("Archived At") if category not in FINISHED else None,
            due=self.planned("Target Date"),
            not_before=self.planned("Start Date"),
            links=tuple(self._links(held, present)),
            comments=self._comments() if "Comments" in names else None,
            **self.priority("Priority"),
            stated=self.stated(names, SAID_BY, refining=REFINING),
            more=self.rest,
            kept=self.own,
        )

    def _state(self) -> tuple[str, Category | None]:
        word = self.one("State Name", "State") or ""
        category = category_of(word) or ("done" if "Completed At" in self.rest else None)
        is_draft = next(iter(self.look("Is Draft")), "").lower() == "true"
        if not is_draft or category in FINISHED:
            return word, category
        self.own[STATE] = word
        return "draft", "waiting"

    def _entries(self, column: str) -> list[Any]:
        return [one for cell in self.several(column) for one in _list(cell)]

    def _first(self, *columns: str) -> str | None:
        """The first of several people; all of them stay."""
        for column in columns:
            people = [str(one) for cell in self.look(column) for one in _list(cell)]
            if people:
                return people[0]
        return None

    def _links(self, held: dict[str, list[str]], present: set[str]) -> Iterator[SourceLink]:
        if parent := self.one("Parent"):
            yield SourceLink(kind="parent", to=parent.strip(), word="Parent")
        blockers, left = dict.fromkeys(held.get(self.name, ())), []
        for relation in self._entries("Relations"):
            (word, direction), other = _kind(relation), text_at(relation, "issue")
            if other and (word, direction) == ("blocked_by", "outgoing"):
                blockers[other] = None
            elif other and word not in ("blocked_by", "blocking"):
                if direction == "outgoing" or other not in present:
                    is_duplicate = (word, direction) == (DUPLICATE, "outgoing")
                    yield SourceLink(kind="duplicates" if is_duplicate else "relates_to", to=other, word=word)
            elif other not in present:
                left.append(relation)
        if left:
            self.rest["Relations"] = left
            self.warn("link_kept_as_text", f" -> {str(left)[:100]}")
        yield from (SourceLink(kind="depends_on", to=other, word="blocked_by") for other in blockers)

    def _comments(self) -> tuple[SourceComment, ...]:
        comments, left = [], []
        for entry in self._entries("Comments"):
            body = text_at(entry, "comment")
            if body:
                at = self.at("Comments", text_at(entry, "created_at") or "")
                comments.append(SourceComment(text=body, by=text_at(entry, "created_by"), at=at))
            else:
                left.append(entry)
        if left:
            self.rest["Comments"] = left
        return tuple(comments)


def _kind(relation: Any) -> tuple[str, str]:
    return text_at(relation, "type") or "", text_at(relation, "direction") or "outgoing"


def _list(cell: str) -> list[Any]:
    """What a cell lists, as JSON or with commas.

    >>> _list('["a, b", "c"]'), _list("a, b"), _list("[]")
    (['a, b', 'c'], ['a', 'b'], [])
    """
    try:
        found, _ = as_storable(parsed(cell))
    except (ValueError, RecursionError):
        return [part.strip() for part in cell.split(",") if part.strip()]
    return found if isinstance(found, list) else [found]
