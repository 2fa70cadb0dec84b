"""Tables as text: CSV and its kin, whatever stands between the cells, with several columns of one name.

Spreadsheets and trackers write commas, semicolons or tabs. A row may be shorter than the header, as Linear writes it,
and a cell may hold line ends. A cell is text: nothing of it is computed.
"""

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from msgspec import Struct

from ledger.importing.readers.reading import LONGEST_LINE, Reading, text_of
from ledger.importing.readers.sample import Sample
from ledger.importing.readers.text_lines import unreadable
from ledger.values.finding import Finding

BETWEEN = ",;\t|"
BEYOND = "beyond_the_columns"  # the name of cells that have no column
MOST_BEFORE = 20  # rows that may stand before the header
_HEAD = 2**17  # characters in which a header is looked for

Names = list[str]
IsHeader = Callable[[Names], bool]


class CsvRow(Struct, frozen=True, kw_only=True):
    """What stands in a row of `length` cells, by the names of its columns; those that hold nothing are left out."""

    line: int
    length: int
    cells: dict[str, list[str]]
    below_blank: bool = False  # an empty line stands above it

    def first(self, names: Iterable[str]) -> str:
        """What the first of these columns that holds something says; empty where none does."""
        return next((self.cells[name][0].strip() for name in names if name in self.cells), "")


class Table(Struct, frozen=True, kw_only=True):
    names: Names
    rows: list[CsvRow]


def has_header(sample: Sample, is_header: IsHeader) -> bool:
    """Whether one of the first rows of a file is the header of such a table."""
    head = sample.text[:_HEAD].lstrip("\ufeff")
    reader = csv.reader(io.StringIO(head, newline=""), delimiter=_between(head))
    try:
        return any(is_header(_trimmed(cells)) for cells, _ in zip(reader, range(MOST_BEFORE), strict=False))
    except csv.Error:
        return False


def table_of(path: Path, is_header: IsHeader, called: str, reading: Reading, *, may_end_early: bool = False) -> Table:
    """The table of a file; Invalid, with the line, for a file that is none, has no such header or is cut off.

    Lines above the header, and single cells below an empty line at the end, are named. So is a last line without its
    end, of whose last cell it cannot be known whether it is whole. Rows whose last cells are left out are told from one
    that is cut off by the others, unless the program that writes them is known for it: `may_end_early`.
    """
    csv.field_size_limit(LONGEST_LINE)
    content = text_of(path).lstrip("\ufeff")
    reader = csv.reader(io.StringIO(content, newline=""), delimiter=_between(content), strict=True)
    try:
        for cells, _ in zip(reader, range(MOST_BEFORE), strict=False):
            if is_header(_trimmed(cells)):
                names = _trimmed(cells)
                found = list(_rows(reader, names))
                rows = _without_footer(found, reading)
                if rows and len(rows) == len(found) and not content.endswith(("\n", "\r")):
                    _check_end(path, rows, names, reading, may_end_early=may_end_early)
                return Table(names=names, rows=rows)
            if any(map(str.strip, cells)):
                reading.warnings.append(Finding("lines_before_the_header", f"line {reader.line_num}"))
    except csv.Error as error:
        raise unreadable(path, reader.line_num, f"is not CSV: {error}", "export it again, whole") from error
    raise unreadable(path, None, f"holds no header of {called} in its first {MOST_BEFORE} rows")


def _rows(reader: Iterator[list[str]], names: Names) -> Iterator[CsvRow]:
    line, below_blank = reader.line_num, False  # type: ignore[attr-defined]  # it is csv's
    for cells in reader:
        first, line = line + 1, reader.line_num  # type: ignore[attr-defined]  # it is csv's
        if _trimmed(cells) == names or not any(map(str.strip, cells)):  # exports put together repeat their header
            below_blank = not cells
            continue
        found: dict[str, list[str]] = {}
        for place, cell in enumerate(cells):
            if cell.strip():
                found.setdefault(names[place] if place < len(names) else BEYOND, []).append(cell)
        yield CsvRow(line=first, length=len(cells), cells=found, below_blank=below_blank)
        below_blank = False


def _without_footer(rows: list[CsvRow], reading: Reading) -> list[CsvRow]:
    """The records: a single cell in each line below an empty one at the end is what a program says of its export."""
    first = next((place for place in range(len(rows) - 1, -1, -1) if rows[place].below_blank), 0)
    if not first or any(row.length > 1 for row in rows[first:]):
        return rows
    reading.warnings += [Finding("lines_below_the_table", f"line {row.line}") for row in rows[first:]]
    return rows[:first]


def _check_end(path: Path, rows: list[CsvRow], names: Names, reading: Reading, *, may_end_early: bool) -> None:
    """Refuses a file that ends within its last line where only that row is too short: it is cut off."""
    last = rows[-1]
    if not may_end_early and last.length < len(names) and all(row.length >= len(names) for row in rows[:-1]):
        found = f"is cut off: {last.length} cells stand there, and the table has {len(names)} columns"
        raise unreadable(path, last.line, found, "export it again, whole, or take the line out if it is no record")
    reading.warnings.append(Finding("last_line_not_ended", f"line {last.line}"))


def _between(content: str) -> str:
    """What stands most often between the cells of the first line that holds any."""
    counts = dict.fromkeys(BETWEEN, 0)
    for line in content.splitlines()[:MOST_BEFORE]:
        bare = "".join(line.split('"')[::2])  # outside of quotes
        counts = {sign: max(counts[sign], bare.count(sign)) for sign in BETWEEN}
    return max(BETWEEN, key=lambda sign: counts[sign])


def _trimmed(cells: list[str]) -> Names:
    return [cell.strip() for cell in cells]
