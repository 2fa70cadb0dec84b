"""A source read to its end: what it gives, and what of it cannot be taken or is taken with a warning."""

import stat
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path, PurePath
from typing import Any

from msgspec import Struct

from ledger.errors import Invalid
from ledger.importing.commands import ImportedDeployment, ImportedEnhancement, ImportedVendor
from ledger.values.finding import Finding
from ledger.values.moment import FUTURE_ALLOWED, parse, text
from ledger.work_item.commands import ImportedItem

LONGEST_LINE = 16 * 2**20  # bytes
LARGEST_FILE = 96 * 2**20  # bytes; one import is one statement, and a JSON array in PostgreSQL ends at 256 MB
LONGEST_ID = 500  # characters; an index entry of PostgreSQL ends at 2,700 bytes
# requirements section 1; an import records longer texts as found
LIMITS = {"title": 200, "description": 20_000, "notes": 20_000, "assignee": 100, "tags": 50}

Identify = Callable[[str], str]  # an id in the source -> the id of its thing in the ledger


class Reading(Struct, kw_only=True):
    """`found` counts the records of the source, whether they are taken or not; each is told whole, every time.

    `not_taken` names every record that is in none of the lists, and every part of one that is nowhere in it. `taken`
    counts the records in the lists where that is not the number of things: several commits make one deployment.
    `failures` are reasons for which nothing of the source may be taken.
    """

    found: int = 0
    taken: int | None = None
    items: list[ImportedItem] = []
    vendors: list[ImportedVendor] = []
    deployments: list[ImportedDeployment] = []
    enhancements: list[ImportedEnhancement] = []
    warnings: list[Finding] = []
    not_taken: list[Finding] = []
    failures: list[str] = []


def lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Number and bytes of every line that is not blank; Invalid for a file that cannot be a text of lines."""
    return ((number, line.strip()) for number, line in _every_line(path) if not line.isspace() and line)


def text_of(path: Path) -> str:
    """The whole text of a file, its byte order mark left out; Invalid for a file that cannot be a text of lines."""
    return b"\n".join(content for _, content in _every_line(path)).decode()


def check_text(path: Path) -> None:
    """Raises Invalid for a file that cannot be a text of lines, with the line that shows it."""
    for _ in _every_line(path):
        pass


def inside(root: Path, place: PurePath | str) -> Path:
    """A file of a folder; Invalid for a link that leaves the folder, or that leads nowhere."""
    file = root / place
    try:
        outside = file.is_symlink() and not file.resolve(strict=True).is_relative_to(root.resolve())
    except (OSError, RuntimeError) as error:
        raise unreadable(file, None, f"cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if outside:
        raise unreadable(file, None, "is a link that leaves the folder")
    return file


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


def take(reading: Reading, item: ImportedItem, imported_at: datetime) -> None:
    """Adds an item, with a warning for whatever in it today's rules would refuse."""
    reading.items.append(item)
    reading.warnings += _too_long(item)
    latest = max(mark.at for mark in (item.created, item.changed, item.settled, item.removed) if mark is not None)
    if latest > imported_at + FUTURE_ALLOWED:
        reading.warnings.append(Finding("time_in_the_future", f"{item.external_id}: {text(latest)}"))


def _too_long(item: ImportedItem) -> Iterator[Finding]:
    for field, limit in LIMITS.items():
        value = item.fields.get(field)
        longest = max(map(len, value), default=0) if isinstance(value, tuple) else len(value or "")
        if longest > limit:
            yield Finding("longer_than_the_limit", f"{item.external_id}: {field} ({longest} characters, limit {limit})")


def _every_line(path: Path) -> Iterator[tuple[int, bytes]]:
    """Every line without its end. A device or a pipe, which might never end, is not opened."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise unreadable(path, None, "cannot be read: it is a folder" if path.is_dir() else "is no ordinary file")
        yield from _lines(path)
    except OSError as error:
        raise unreadable(path, None, f"cannot be read: {error.strerror or error}") from error


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
            _check_encoding(path, number, line)
            yield number, (line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line).removesuffix(b"\n")


def _check_encoding(path: Path, number: int, line: bytes) -> None:
    try:
        line.decode()
    except UnicodeDecodeError as error:
        raise unreadable(path, number, f"is not UTF-8 ({error.reason} at byte {error.start})") from None
