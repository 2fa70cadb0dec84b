"""One row of a table on its way: what is understood is taken out of its cells, and nothing of the rest is lost."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from msgspec import Struct

from ledger.importing.readers.reading import Reading
from ledger.importing.readers.record import Record
from ledger.importing.readers.text.csv_table import BEYOND, CsvRow
from ledger.importing.readers.words.cell_time import cell_time, day_is_first
from ledger.importing.readers.words.written_time import WrittenTime
from ledger.values.moment import text


class Dates(Struct, frozen=True, kw_only=True):
    """How the dates of one file are written."""

    day_first: bool | None = None

    @classmethod
    def of(cls, rows: Iterable[CsvRow], columns: Iterable[str]) -> "Dates":
        named = set(columns)
        return cls(day_first=day_is_first(cell for row in rows for name in named for cell in row.cells.get(name, ())))

    def read(self, cell: str) -> WrittenTime | None:
        return cell_time(cell, day_first=self.day_first)


class CellRecord(Record):
    """`rest` has a text for a column with one cell that holds something, else the list of them."""

    def __init__(self, name: str, row: CsvRow, dates: Dates, reading: Reading) -> None:
        rest: dict[str, Any] = {column: cells[0] if len(cells) == 1 else cells for column, cells in row.cells.items()}
        super().__init__(name, rest, reading)
        self._dates = dates
        if BEYOND in rest:
            self.warn("more_cells_than_columns", f": line {row.line}")

    def several(self, column: str) -> list[str]:
        """All cells of a column, which are taken."""
        value = self.rest.pop(column, [])
        return value if isinstance(value, list) else [value]

    def look(self, column: str) -> list[str]:
        """All cells of a column, which stay."""
        value = self.rest.get(column, [])
        return value if isinstance(value, list) else [value]

    def one(self, *columns: str) -> str | None:
        """The first cell of the first of these columns that holds something; it is taken where it is alone."""
        for column in columns:
            if column in self.rest:
                cells = self.look(column)
                if len(cells) == 1:
                    del self.rest[column]
                return cells[0]
        return None

    def one_or_look(self, column: str, other: str) -> str | None:
        """The first cell of a column, or of the other one, which stays as it does where both are there."""
        return self.one(column) or next(iter(self.look(other)), None)

    def when(self, *columns: str) -> datetime | None:
        """A time. One that leaves a doubt is taken as written_time says, with a warning, and stays as it is written."""
        column = next((column for column in columns if column in self.rest), None)
        if column is None:
            return None
        found = self._dates.read(self.look(column)[0])
        return self._take_time(column, found)

    def utc(self, *columns: str) -> datetime | None:
        """A time of a column that is known to be in UTC, where its cell says no zone."""
        column = next((column for column in columns if column in self.rest), None)
        if column is not None and (found := self._dates.read(self.look(column)[0])) and found.doubt == "no_zone":
            self.rest.pop(column)
            return found.at
        return self.when(*columns)

    def at(self, column: str, cell: str) -> datetime | None:
        """The time in a part of a cell."""
        found = self._dates.read(cell)
        if found is not None and found.doubt:
            self.warn(found.doubt, f": {column}")
        return found.at if found else None

    def planned(self, *columns: str) -> str | None:
        """A day or a moment of a plan; midnight without a zone is the day."""
        column = next((column for column in columns if column in self.rest), None)
        found = self._dates.read(self.look(column)[0]) if column else None
        if column is None or found is None or found.at is None:
            self._not_understood(column)
            return None
        is_day = found.doubt is not None and found.at.time().isoformat() == "00:00:00"
        if not is_day:
            self._take_time(column, found)
            return text(found.at)
        self.rest.pop(column)
        return found.at.date().isoformat()

    def listed(self, column: str, between: str = ",") -> list[str]:
        """The parts of a cell that holds several, and of all cells of that column; they are taken."""
        return [part.strip() for cell in self.several(column) for part in cell.split(between) if part.strip()]

    def labels(self, names: list[str], column: str) -> tuple[str, ...]:
        """Labels as tags; those that no tag can say stay in their column."""
        if not names:
            return ()
        self.rest[column] = names
        tags: tuple[str, ...] = self.tags(column).get("tags", ())
        return tags

    def _take_time(self, column: str, found: WrittenTime | None) -> datetime | None:
        if found is None or found.at is None:
            self._not_understood(column)
            return None
        if found.doubt is None:
            self.rest.pop(column)
        else:
            self.warn(found.doubt, f": {column}")
        return found.at

    def _not_understood(self, column: str | None) -> None:
        if column is not None:
            self.unread.add(column)
            self.warn("time_not_understood", f": {column}")
