"""What this machine remembers of its last synchronisation, so that the next one asks for little.

It is no truth: where the file is lost or unreadable, everything is read again, and the same comes out of it.
"""

from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from projections.reports.atomic_file import replacing

FOLDER = "github"


class Cursor(Struct, kw_only=True):
    """Up to where a list was read: `since` is the time to ask from, `seen` the prints of the records known there by
    their ids, `etag` that of the answer, if one page held it all."""

    since: str | None = None
    seen: dict[int, str] = {}
    etag: str | None = None


class Sweep(Struct, kw_only=True):
    """What all issues said of others: `said` by number, `etags` those of the pages, `at` when they were asked."""

    at: float = 0.0
    etags: list[str | None] = []
    said: dict[int, list[Any]] = {}


class Saved(Struct, kw_only=True):
    """`asked` are the address, the repository and the filters that it is true for. `milestones` is the ETag of their
    list, if one page held it. `position` is up to where the ledger
    was looked through, `pending` the numbers of issues to look at again, `listed_at` when all issues were listed."""

    asked: list[str] = []
    issues: Cursor = msgspec.field(default_factory=Cursor)
    comments: Cursor = msgspec.field(default_factory=Cursor)
    milestones: str | None = None
    sweep: Sweep = msgspec.field(default_factory=Sweep)
    position: int = 0
    pending: list[int] = []
    listed_at: float = 0.0


def load(file: Path, asked: list[str]) -> Saved:
    """What is remembered of the same question; else nothing."""
    try:
        known = msgspec.json.decode(file.read_bytes(), type=Saved)
    except (OSError, msgspec.DecodeError):  # lost or cut: everything is read again
        return Saved(asked=asked)
    return known if known.asked == asked else Saved(asked=asked)


def store(file: Path, saved: Saved) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with replacing(file) as target:
        target.write(msgspec.json.encode(saved))


def file_of(home: Path, repository: str) -> Path:
    return home / FOLDER / f"{repository.lower().replace('/', '+')}.json"
