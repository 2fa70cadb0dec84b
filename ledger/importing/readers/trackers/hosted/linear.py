"""Issues that Linear exports as CSV, with 21, 30 or 34 columns; the last cells of a row may be missing."""

from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace

from ledger.importing.readers.reading import Reading
from ledger.importing.readers.sample import Sample
from ledger.importing.readers.source_item import SourceItem, SourceLink, SourceLinkKind, left_out, reader
from ledger.importing.readers.text.cells import CellRecord, Dates
from ledger.importing.readers.text.csv_table import CsvRow, has_header, table_of
from ledger.importing.readers.words.status_words import category_of
from ledger.values.states import FINISHED, Category

SOURCE = "linear"
NUMBER = ("ID", "Id")
TIMES = ("Created", "Updated", "Completed", "Canceled", "Archived", "Due Date")
WAITS_FOR, HOLDS_UP = ("Blocked by", "Blocked By"), "Blocks"
RELATED: dict[str, SourceLinkKind] = {"Related to": "relates_to", "Duplicate of": "duplicates"}
REFINING = ("Completed", "Canceled", "Started")
SAID_BY = {
    "title": ("Title",),
    "status": ("Status",),
    "description": ("Description",),
    "assignee": ("Assignee",),
    "priority": ("Priority",),
    "tags": ("Labels",),
    "due": ("Due Date",),
    "deleted": ("Archived",),
    "parent_id": ("Parent issue",),
    "links.Parent issue": ("Parent issue",),
    "links.depends_on": WAITS_FOR,
    f"links.{WAITS_FOR[0]}": WAITS_FOR,
    **{f"links.{key}": (column,) for column, kind in RELATED.items() for key in (column, kind)},
    "metadata.source_updated_at": ("Updated",),
}
ENDED = {"metadata.source_closed_at": ("Completed", "Canceled")}
FORMULA = "+-=@"  # what Linear writes an apostrophe before


def is_header(names: list[str]) -> bool:
    return {"Team", "Title", "Status", "Cycle Number"} <= set(names) and any(name in names for name in NUMBER)


def recognises(sample: Sample) -> bool:
    """Recognised by the names of columns that every export has."""
    return has_header(sample, is_header)


def records(path: Path, reading: Reading) -> Iterator[SourceItem]:
    table = table_of(path, is_header, "a Linear export", reading, may_end_early=True)
    rows = table.rows
    held: dict[str, list[str]] = {}  # the blockers of each, as those name it that block it
    for row in rows:
        for cell in row.cells.get(HOLDS_UP, ()):
            for other in cell.split(","):
                held.setdefault(other.strip(), []).append(row.first(NUMBER))
    dates, present = Dates.of(rows, TIMES), {row.first(NUMBER) for row in rows}
    for row in rows:
        if row.first(NUMBER):
            yield replace(_Issue(row, dates, reading).item(table.names, held, present), place=f"line {row.line}")
        else:
            left_out(reading, "no_id", f"line {row.line}")


read = reader(SOURCE, "Linear issue", records)


class _Issue(CellRecord):
    """One issue on its way."""

    def __init__(self, row: CsvRow, dates: Dates, reading: Reading) -> None:
        super().__init__(row.first(NUMBER), row, dates, reading)
        self.one(*NUMBER)

    def item(self, names: list[str], held: dict[str, list[str]], present: set[str]) -> SourceItem:
        created_at, changed_at = self.when("Created"), self.when("Updated")
        completed_at, canceled_at = self.when("Completed"), self.when("Canceled")
        word = self.one("Status") or ""
        category: Category | None = "dropped" if canceled_at else "done" if completed_at else category_of(word)
        if category is None and "Started" in self.rest:
            category = "active"
        is_gone = "Archived" in self.rest and category not in FINISHED
        return SourceItem(
            id=self.name,
            title=_unguarded(self.one("Title")) or "",
            status=word,
            category=category,
            description=_unguarded(self.one("Description")),
            assignee=self.one("Assignee"),
            tags=self.labels(self.listed("Labels"), "Labels"),
            created_at=created_at,
            created_by=self.one("Creator"),
            changed_at=changed_at,
            ended_at=canceled_at or completed_at,
            deleted_at=self.when("Archived") if is_gone else None,
            due=self.planned("Due Date"),
            links=tuple(self._links(held, present)),
            **self.priority("Priority"),
            stated=self.stated(names, SAID_BY, all_of=ENDED, refining=REFINING),
            more=self.rest,
            kept=self.own,
        )

    def _links(self, held: dict[str, list[str]], present: set[str]) -> Iterator[SourceLink]:
        if parent := self.one("Parent issue"):
            yield SourceLink(kind="parent", to=parent.strip(), word="Parent issue")
        blockers = [other for column in WAITS_FOR for other in self.listed(column)]
        for other in dict.fromkeys([*blockers, *held.get(self.name, ())]):
            yield SourceLink(kind="depends_on", to=other, word=WAITS_FOR[0])
        for column, kind in RELATED.items():
            yield from (SourceLink(kind=kind, to=other, word=column) for other in self.listed(column))
        absent = [other for other in self.listed(HOLDS_UP) if other not in present]
        if absent:
            self.rest[HOLDS_UP] = absent
            self.warn("link_kept_as_text", f" -> {', '.join(absent)}")


def _unguarded(text: str | None) -> str | None:
    """
    >>> _unguarded("'=1+1"), _unguarded("'tis")
    ('=1+1', "'tis")
    """
    return text[1:] if text and text[0] == "'" and text[1:2] and text[1] in FORMULA else text
