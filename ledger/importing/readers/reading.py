"""A source read to its end: what it gives, and what of it cannot be taken or is taken with a warning."""

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path, PurePath
from typing import Any

from msgspec import Struct

from ledger.aggregates.work_item.commands import ImportedItem
from ledger.errors import Invalid
from ledger.importing.commands import ImportedDeployment, ImportedEnhancement, ImportedVendor
from ledger.importing.readers.finding_words import KINDS
from ledger.importing.readers.text_lines import LARGEST_FILE, text_lines, unreadable
from ledger.values.finding import Finding
from ledger.values.moment import FUTURE_ALLOWED, parse, text

LONGEST_LINE = 16 * 2**20  # bytes
LONGEST_ID = 500  # characters; an index entry of PostgreSQL ends at 2,700 bytes
LONGEST_COMMENT = 20_000  # characters; an import records longer texts as found, of these fields too
LIMITS = {"title": 200, "description": 20_000, "notes": 20_000, "assignee": 100, "tags": 50}

REPORTED = ("active", "waiting", "review", "dropped")  # categories in which an item is not ready, or ended undone
ANY_KIND = "any"

Identify = Callable[[str], str]  # an id in the source -> the id of its entity in the ledger


class Reading(Struct, kw_only=True):
    """`found` counts the records of the source, whether they are taken or not; each comes whole, every time.

    `not_taken` names every record that is in none of the lists, and every part of one that is nowhere in it. `taken`
    counts the records in the lists where that is not the number of entities: several commits make one deployment.
    `failures` are reasons for which nothing of the source may be taken. `not_read` says where a source that is compared
    with the ledger was not understood, by the kind of records that may stand there, `ANY_KIND` if that is not known.
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
    not_read: dict[str, list[str]] = {}

    @property
    def entities(self) -> int:
        """How many entities it gives."""
        return len(self.items) + len(self.vendors) + len(self.deployments) + len(self.enhancements)


def lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Number and bytes of every line that is not blank; Invalid for a file that cannot be a text of lines."""
    return ((number, line.strip()) for number, line in _every_line(path) if not line.isspace() and line)


def text_of(path: Path) -> str:
    """The whole text of a file but for its byte order mark; Invalid for a file that cannot be a text of lines."""
    return b"".join(content for _, content in _every_line(path)).decode()


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


def none_taken(path: Path, called: str, reading: Reading) -> Invalid:
    """Why nothing of a source was recorded of which no record can be taken: what is wrong with the first of them."""
    first = reading.not_taken[0]
    why = f"{first.where}: {KINDS.get(first.kind, first.kind)}"
    return unreadable(path, None, f"holds no {called} that can be taken ({why})")


def time_of(value: Any) -> datetime | None:
    """An RFC 3339 time; None for anything else, and for the zero time that Go writes for "never"."""
    try:
        moment = parse(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return moment if moment is not None and moment.year > 1 else None


def take(reading: Reading, item: ImportedItem, imported_at: datetime) -> None:
    """Adds an item, with a warning for whatever in it today's rules would refuse. A blank name is no assignee."""
    if not (item.fields.get("assignee") or "unset").strip():
        del item.fields["assignee"]
    reading.items.append(item)
    reading.warnings += _too_long(item)
    if item.category in REPORTED:
        reading.warnings.append(Finding(f"state_{item.category}", f"{item.external_id}: {item.status}"))
    created, changed = item.created_in_source, item.changed_in_source
    if created is not None and changed is not None and changed < created:
        reading.warnings.append(Finding("changed_before_it_began", f"{item.external_id}: {text(changed)}"))
    latest = max(mark.at for mark in (item.created, item.changed, item.settled, item.removed) if mark is not None)
    if latest > imported_at + FUTURE_ALLOWED:
        reading.warnings.append(Finding("time_in_the_future", f"{item.external_id}: {text(latest)}"))


def _too_long(item: ImportedItem) -> Iterator[Finding]:
    for comment in item.comments or ():
        if (length := len(comment.text)) > LONGEST_COMMENT:
            where = f"{item.external_id}: a comment ({length} characters, limit {LONGEST_COMMENT})"
            yield Finding("longer_than_the_limit", where)
    for field, limit in LIMITS.items():
        value = item.fields.get(field)
        longest = max(map(len, value), default=0) if isinstance(value, tuple) else len(value or "")
        if longest > limit:
            yield Finding("longer_than_the_limit", f"{item.external_id}: {field} ({longest} characters, limit {limit})")


def _every_line(path: Path) -> Iterator[tuple[int, bytes]]:
    """Every line with its end, as far as one import goes."""
    size = 0
    for number, line in text_lines(path, LONGEST_LINE):
        size += len(line)
        if size > LARGEST_FILE:
            raise unreadable(path, number, f"lies beyond {LARGEST_FILE:,} bytes: that is more than one import takes")
        yield number, line
