"""The read models as they were at an earlier position, in tables of their own, so that the same questions answer.

They are not folded from the whole log each time: what was folded once is kept among this machine's working files, and
the next position is reached from the nearest one before it. Everything kept can be deleted at any time.
"""

import shutil
import time as clock
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from ledger.envelope import RecordedEvent
from ledger.store import EventStore
from projections.local_copy.cache import fold_into, shape
from projections.read_models.catalog import PROJECTIONS
from projections.tables.replay import changes, folded_until
from projections.tables.sqlite import SqliteTables

FOLDER = "earlier"
KEPT = 8  # positions; the one that was not needed for the longest time goes
PREFIX = "being-made-"  # of folders
A_DAY = 86400.0  # seconds
AT_ONCE = 50_000  # events folded between two writings of the rows they touch
WORTH_KEEPING = 5000  # events that had to be folded


@contextmanager
def tables_as_of(log: EventStore, position: int, kept: Path | None = None) -> Iterator[SqliteTables]:
    """Tables that hold what the log up to a position adds up to. It costs reading what lies between that and the
    nearest position before it in the folder `kept`; without one, all of the log up to there."""
    last = next(log.read_all(position - 1, position), None) if position else None
    time = last.recorded_at if last else log.read_streams([]).now
    with _folder(kept) as folder:
        file = folder / "rows.sqlite3"
        begun = _nearest(kept, position) if kept else None
        if begun:
            with suppress(FileNotFoundError):  # another process has just given it up
                shutil.copyfile(begun, file)
        tables = SqliteTables(file, log.ledger, lambda: time)
        try:
            folded = _bring_to(tables, log, position, last)
            yield tables
        finally:
            tables.close()
        if kept and folded >= WORTH_KEEPING:
            _keep(file, kept, position)


def forget(kept: Path) -> None:
    """Removes what is kept, and what is being made to be kept: it may hold texts that are erased."""
    for file in kept.glob("*"):
        shutil.rmtree(file) if file.is_dir() else file.unlink(missing_ok=True)


def _bring_to(tables: SqliteTables, log: EventStore, position: int, last: RecordedEvent | None) -> int:
    """Folds what is missing. Answers how many events that were."""
    with tables.advancing() as rows:
        reached, digest = rows.checkpoint
        there = next(log.read_all(reached - 1, reached), None) if reached else None
        if there is None or there.digest != digest or not rows.complete:  # of another history, or broken
            rows.clear()
            reached = 0
            folded = folded_until(log, position)
            for projection in PROJECTIONS.values():
                rows.put(changes(folded, projection))
        else:
            events = log.read_all(reached, position)
            while portion := list(islice(events, AT_ONCE)):
                fold_into(rows, portion)
        rows.reached(position, last.recorded_at if last else None, last.digest if last else None)
    return position - reached


@contextmanager
def _folder(kept: Path | None) -> Iterator[Path]:
    """A folder for this one answer; beside what is kept, so that it can be moved there."""
    if kept:
        kept.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=PREFIX, dir=kept) as folder:
        yield Path(folder)


def _nearest(kept: Path, position: int) -> Path | None:
    """What was kept of the last position up to this one; it counts as needed now."""
    found = [file for file in kept.glob(_name("*")) if int(file.name.partition("-")[0]) <= position]
    nearest = max(found, key=lambda file: int(file.name.partition("-")[0]), default=None)
    if nearest:
        with suppress(OSError):
            nearest.touch()
    return nearest


def _keep(file: Path, kept: Path, position: int) -> None:
    try:
        file.replace(kept / _name(str(position)))
    except FileNotFoundError:  # an erasure has taken everything that was folded before it
        return
    by_need = sorted(kept.glob("*.sqlite3"), key=lambda each: each.stat().st_mtime, reverse=True)
    for old in by_need[KEPT:]:
        old.unlink(missing_ok=True)
    for left in kept.glob(f"{PREFIX}*"):  # by a process that was killed
        with suppress(OSError):
            if left.stat().st_mtime < clock.time() - A_DAY:
                shutil.rmtree(left)


def _name(position: str) -> str:
    """Files of another program's shapes have other names, and go when they were not needed for long."""
    return f"{position}-{shape()}.sqlite3"
