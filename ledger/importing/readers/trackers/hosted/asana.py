"""Tasks that Asana exports as CSV. Other tasks are named by their titles there, also those with commas in them."""

import re
from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace

from ledger.aggregates.work_item.imported.partial_records import STATE
from ledger.importing.readers.reading import Reading
from ledger.importing.readers.sample import Sample
from ledger.importing.readers.source_item import SourceItem, SourceLink, left_out, reader
from ledger.importing.readers.text.cells import CellRecord, Dates
from ledger.importing.readers.text.csv_table import CsvRow, has_header, table_of
from ledger.importing.readers.words.status_words import category_of
from ledger.values.states import FINISHED, Category

SOURCE = "asana"
TIMES = ("Created At", "Completed At", "Last Modified", "Start Date", "Due Date")
PARENT = ("Parent task", "Parent Task")
WAITS_FOR, HOLDS_UP = "Blocked By (Dependencies)", "Blocking (Dependencies)"
SECTION = "Section/Column"
SAID_BY = {
    "title": ("Name",),
    "status": ("Completed At",),
    "description": ("Notes",),
    "assignee": ("Assignee", "Assignee Email"),
    "priority": ("Priority",),
    "tags": ("Tags",),
    "due": ("Due Date",),
    "not_before": ("Start Date",),
    "parent_id": PARENT,
    **{f"links.{column}": (column,) for column in PARENT},
    "links.depends_on": (WAITS_FOR,),
    f"links.{WAITS_FOR}": (WAITS_FOR,),
    "metadata.source_updated_at": ("Last Modified",),
    "metadata.source_closed_at": ("Completed At",),
}
_ROUNDED = re.compile(r"\d[.,]\d+E\+\d+", re.IGNORECASE)  # what a spreadsheet makes of a long number


def is_header(names: list[str]) -> bool:
    return {"Task ID", "Name", "Completed At"} <= set(names)


def recognises(sample: Sample) -> bool:
    """Recognised by the names of columns that every export has."""
    return has_header(sample, is_header)


def records(path: Path, reading: Reading) -> Iterator[SourceItem]:
    table = table_of(path, is_header, "an Asana export", reading)
    rows = table.rows
    dates, named = Dates.of(rows, TIMES), _Named(rows)
    for row in rows:
        number = _number(row)
        if _ROUNDED.fullmatch(number):
            left_out(reading, "id_rounded", f"line {row.line} ({number})")
        elif number:
            yield replace(_Task(number, row, dates, reading).item(table.names, named), place=f"line {row.line}")
        else:
            left_out(reading, "no_id", f"line {row.line}")


read = reader(SOURCE, "Asana task", records)


class _Named:
    """The tasks of a file by their titles, and the blockers of each, as those name it that block it."""

    def __init__(self, rows: list[CsvRow]) -> None:
        self._numbers: dict[str, list[str]] = {}
        for row in rows:
            for title in row.cells.get("Name", ())[:1]:
                self._numbers.setdefault(title.strip(), []).append(_number(row))
        self.held: dict[str, list[str]] = {}
        for row in rows:
            for cell in row.cells.get(HOLDS_UP, ()):
                for other in self.ids_in(cell)[0]:
                    self.held.setdefault(other, []).append(_number(row))

    def ids_in(self, cell: str) -> tuple[list[str], list[str]]:
        """The ids of the tasks that a cell names, and the names that no task has, or several have."""
        parts, numbers, left = cell.split(","), [], []
        while parts:
            length = next(
                (size for size in range(len(parts), 0, -1) if ",".join(parts[:size]).strip() in self._numbers), 1
            )
            name = ",".join(parts[:length]).strip()
            parts = parts[length:]
            same = self._numbers.get(name, [])
            if len(same) == 1:
                numbers.append(same[0])
            elif name:
                left.append(name)
        return numbers, left


class _Task(CellRecord):
    """One task on its way."""

    def item(self, names: list[str], named: _Named) -> SourceItem:
        self.one("Task ID")
        created_at, ended_at, changed_at = (
            self.when("Created At"),
            self.when("Completed At"),
            self.when("Last Modified"),
        )
        word, category = self._state(is_done=ended_at is not None or "Completed At" in self.rest)
        return SourceItem(
            id=self.name,
            title=self.one("Name") or "",
            status=word,
            category=category,
            description=self.one("Notes"),
            assignee=self.one_or_look("Assignee", "Assignee Email"),
            tags=self.labels(self.listed("Tags"), "Tags"),
            created_at=created_at,
            created_by=self.one("Created By"),
            changed_at=changed_at,
            ended_at=ended_at,
            due=self.planned("Due Date"),
            not_before=self.planned("Start Date"),
            links=tuple(self._links(named)),
            **self.priority("Priority"),
            stated=self.stated(
                names,
                SAID_BY,
                refining=(SECTION,),
                roughly={} if "Assignee" in names else {"assignee": (("Assignee Email",),)},
            ),
            more=self.rest,
            kept=self.own,
        )

    def _state(self, *, is_done: bool) -> tuple[str, Category]:
        """A section whose word means a state is one; else it is only where a task stands."""
        section = next(iter(self.look(SECTION)), "").strip()
        category = category_of(section)
        word = "completed" if is_done else "open"
        if category is None or (category in FINISHED) != is_done:
            return word, "done" if is_done else "planned"
        self.own[STATE] = word
        return section, category

    def _links(self, named: _Named) -> Iterator[SourceLink]:
        for column in PARENT:
            yield from (SourceLink(kind="parent", to=other, word=column) for other in self._ids_of(named, column))
        blockers = dict.fromkeys([*self._ids_of(named, WAITS_FOR), *named.held.get(self.name, ())])
        yield from (SourceLink(kind="depends_on", to=other, word=WAITS_FOR) for other in blockers)
        self._ids_of(named, HOLDS_UP)

    def _ids_of(self, named: _Named, column: str) -> list[str]:
        """The ids of those that a column names; what is not sure stays in it."""
        found = [named.ids_in(cell) for cell in self.several(column)]
        left = [name for _, names in found for name in names]
        if left:
            self.rest[column] = left
            self.unread.add(column)
            self.warn("link_kept_as_text", f" -> {', '.join(left)}")
        return [number for numbers, _ in found for number in numbers if number != self.name]


def _number(row: CsvRow) -> str:
    return next(iter(row.cells.get("Task ID", ())), "").strip()
