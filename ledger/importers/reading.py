"""A source read to its end: what it gives, and what of it cannot be taken or is taken with a warning."""

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

from msgspec import Struct

from ledger.errors import Invalid
from ledger.finding import Finding
from ledger.moment import parse
from ledger.work_item.commands import ImportedItem

LONGEST_LINE = 16 * 2**20  # bytes
LARGEST_FILE = 96 * 2**20  # bytes; one import is one statement, and a JSON array in PostgreSQL ends at 256 MB
LONGEST_ID = 500  # characters; an index entry of PostgreSQL ends at 2,700 bytes
# requirements section 1; an import records longer texts as found
LIMITS = {"title": 200, "description": 20_000, "notes": 20_000, "assignee": 100, "tags": 50}

Identify = Callable[[str], str]  # an id in the source -> the id of its thing in the ledger


class Reading(Struct, kw_only=True):
    """`found` counts the records of the source, whether they are taken or not."""

    found: int = 0
    items: list[ImportedItem] = []
    warnings: list[Finding] = []
    not_taken: list[Finding] = []


def imported_id(ledger: UUID, source: str, external_id: str) -> str:
    """The id of the thing that an import creates: whoever imports the record into this ledger names the same thing."""
    return str(uuid5(ledger, f"{source}:{external_id}"))


def lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Number and bytes of every line that is not blank; Invalid for a file that cannot be a text of lines."""
    try:
        yield from _lines(path)
    except OSError as error:
        raise unreadable(path, None, f"cannot be read: {error.strerror or error}") from error


def unreadable(path: Path, line: int | None, problem: str) -> Invalid:
    where = f"{path}, line {line}" if line else str(path)
    return Invalid(
        f"{where} {problem}",
        next_step="name a file of the right format; nothing was recorded",
        fields=[{"field": "file", "problem": problem, "value": str(path), "line": line}],
    )


def time_of(value: Any) -> datetime | None:
    """An RFC 3339 time; None for anything else, and for the zero time that Go writes for "never"."""
    try:
        moment = parse(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return moment if moment is not None and moment.year > 1 else None


def too_long(item: ImportedItem) -> Iterator[Finding]:
    """Fields beyond today's limits."""
    for field, limit in LIMITS.items():
        value = item.fields.get(field)
        longest = max(map(len, value), default=0) if isinstance(value, tuple) else len(value or "")
        if longest > limit:
            yield Finding("longer_than_the_limit", f"{item.external_id}: {field} ({longest} characters, limit {limit})")


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    size = 0
    with path.open("rb") as file:
        for number, line in enumerate(iter(lambda: file.readline(LONGEST_LINE + 1), b""), 1):
            size += len(line)
            if len(line) > LONGEST_LINE:
                raise unreadable(path, number, f"is longer than {LONGEST_LINE:,} bytes")
            if size > LARGEST_FILE:
                raise unreadable(
                    path, number, f"lies beyond {LARGEST_FILE:,} bytes: that is more than one import takes"
                )
            if b"\0" in line:
                raise unreadable(path, number, "holds binary zeros: it is not a text")
            stripped = line.removeprefix(b"\xef\xbb\xbf").strip()
            if stripped:
                _check_encoding(path, number, stripped)
                yield number, stripped


def _check_encoding(path: Path, number: int, line: bytes) -> None:
    try:
        line.decode()
    except UnicodeDecodeError as error:
        raise unreadable(path, number, f"is not UTF-8 ({error.reason} at byte {error.start})") from None
