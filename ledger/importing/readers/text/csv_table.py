"""Tables as text: CSV and its kin, whatever stands between the cells, with several columns of one name.

Spreadsheets and trackers write commas, semicolons or tabs. A row may be shorter than the header, as Linear writes it,
and a cell may hold line ends. A cell is text: nothing of it is computed.
"""

import csv
import io
from collections.abc import Callable, Iterator
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


class Row(Struct, frozen=True, kw_only=True):
    """What stands in a row, by the names of its columns; cells that hold nothing are left out."""

    line: int
    cells: dict[str, list[str]]


class Table(Struct, frozen=True, kw_only=True):
    names: Names
    rows: list[Row]


def has_header(sample: Sample, is_header: IsHeader) -> bool:
    """Whether one of the first rows of a file is the header of such a table."""
    head = sample.text[:_HEAD].lstrip("\ufeff")
    reader = csv.reader(io.StringIO(head, newline=""), delimiter=_between(head))
    try:
        return any(is_header(_trimmed(cells)) for cells, _ in zip(reader, range(MOST_BEFORE), strict=False))
    except csv.Error:
        return False


def table_of(path: Path, is_header: IsHeader, called: str, reading: Reading) -> Table:
    """The table of a file; Invalid, with the line, for a file that is none or has no such header.

    Lines above the header are named.
    """
    csv.field_size_limit(LONGEST_LINE)
    content = text_of(path).lstrip("\ufeff")
    reader = csv.reader(io.StringIO(content, newline=""), delimiter=_between(content), strict=True)
    try:
        for cells, _ in zip(reader, range(MOST_BEFORE), strict=False):
            if is_header(_trimmed(cells)):
                names = _trimmed(cells)
                return Table(names=names, rows=list(_rows(reader, names)))
            if any(map(str.strip, cells)):
                reading.warnings.append(Finding("lines_before_the_header", f"line {reader.line_num}"))
    except csv.Error as error:
        raise unreadable(path, reader.line_num, f"is not CSV: {error}", "export it again, whole") from error
    raise unreadable(path, None, f"holds no header of {called} in its first {MOST_BEFORE} rows")


def _rows(reader: Iterator[list[str]], names: Names) -> Iterator[Row]:
    line = reader.line_num  # type: ignore[attr-defined]  # it is csv's
    for cells in reader:
        first, line = line + 1, reader.line_num  # type: ignore[attr-defined]  # it is csv's
        if _trimmed(cells) == names or not any(map(str.strip, cells)):  # exports put together repeat their header
            continue
        found: dict[str, list[str]] = {}
        for place, cell in enumerate(cells):
            if cell.strip():
                found.setdefault(names[place] if place < len(names) else BEYOND, []).append(cell)
        yield Row(line=first, cells=found)


def _between(content: str) -> str:
    """What stands most often between the cells of the first line that holds any."""
    counts = dict.fromkeys(BETWEEN, 0)
    for line in content.splitlines()[:MOST_BEFORE]:
        bare = "".join(line.split('"')[::2])  # outside of quotes
        counts = {sign: max(counts[sign], bare.count(sign)) for sign in BETWEEN}
    return max(BETWEEN, key=lambda sign: counts[sign])


def _trimmed(cells: list[str]) -> Names:
    return [cell.strip() for cell in cells]
