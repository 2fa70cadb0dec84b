"""The cache: the read models as the journal adds up to them, in the machine's SQLite file.

It can be deleted at any time: it is folded from the journal again. Its checkpoint is a position with the log's digest
there, so rows of another history are noticed and rebuilt. Versions of the program whose rows look different have a
file each: in one, each would fold everything again after the other.
"""

import zlib
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path

from ledger.envelope import RecordedEvent, category_of
from ledger.offline.journal import Journal
from ledger.offline.queue.outbox import Outbox
from ledger.resources import sql
from projections.local_copy.overlay import Overlay
from projections.read_models.catalog import BY_CATEGORY, SHAPES
from projections.read_models.fold import advance, change
from projections.tables.sqlite import SqliteTables
from projections.tables.sqlite_advance import SqliteAdvance

FILES = "cache*.sqlite3"  # those of all versions of the program
PORTION = 500  # events folded at once: another thread's next fold waits for that


def shape() -> str:
    """What tells rows in SQLite from those of a version of the program for which they look different."""
    described = f"{sql('cache/schema')}{sorted(SHAPES.items())}"
    return f"{zlib.crc32(described.encode()):08x}"


def cache_file() -> str:
    """The name of this version's file."""
    return f"cache-{shape()}.sqlite3"


class Cache:
    """The rows of `journal`, in `file`. Many processes may follow at once: each finds what the others have done."""

    def __init__(self, file: Path, journal: Journal, outbox: Outbox, clock: Callable[[], datetime]) -> None:
        self.journal = journal
        self.tables = SqliteTables(file, journal.ledger, clock, self.follow)
        self._overlay = Overlay(journal, outbox)

    def close(self) -> None:
        self.tables.close()

    def rest(self) -> None:
        """Lets go of what is open, until it is needed again."""
        self.tables.close()

    def follow(self) -> None:
        """Brings the rows up to the journal's head, and lays what waits over them; takes no lock when they are so."""
        head = self.journal.head
        with self.tables.reading() as rows:
            is_up = rows.complete and rows.checkpoint == (head.position, head.digest)
            is_laid = self._overlay.is_laid(rows)
        if not is_up:
            while self._portion():
                pass
            with self.tables.reading() as rows:
                is_laid = self._overlay.is_laid(rows)
        if is_laid:
            return
        with self.tables.advancing() as rows:
            if rows.complete:  # else another version of the program has just made rows of its own
                self._overlay.lay(rows)

    def begin_anew(self) -> bool:
        """Folds all rows again, and leaves nothing in the file of what they were. Whether it could."""
        with self.tables.advancing() as rows:
            rows.clear()
            rows.reached(0, None, self.journal.digest_at(0))
        self.follow()
        return self.tables.vacuum()

    def _portion(self) -> bool:
        """Folds some more events. Answers whether there may be others."""
        checkpoint = self._checkpoint()
        events = list(islice(self.journal.read_all(checkpoint[0]), PORTION))  # not inside: one file's lock at a time
        with self.tables.advancing() as rows:
            if rows.checkpoint != checkpoint or not rows.complete:
                return True  # another process was faster, or is of another version and has made rows of its own
            if events:
                streams = [event.stream_id for event in events]
                with self._overlay.lifted(rows, streams, events[-1].position):
                    fold_into(rows, events)
                    rows.reached(events[-1].position, events[-1].recorded_at, events[-1].digest)
        return len(events) == PORTION

    def _checkpoint(self) -> tuple[int, bytes | None]:
        """Where to go on; rows that are not of this journal, or not of this program's shape, go first."""
        with self.tables.reading() as rows:
            checkpoint, complete = rows.checkpoint, rows.complete
        if complete and checkpoint[1] == self.journal.digest_at(checkpoint[0]):
            return checkpoint
        with self.tables.advancing() as rows:
            if (rows.checkpoint, rows.complete) == (checkpoint, complete):
                rows.clear()
                rows.reached(0, None, self.journal.digest_at(0))
            return rows.checkpoint


def fold_into(rows: SqliteAdvance, events: Sequence[RecordedEvent]) -> None:
    """Folds neighbouring events on the rows that stand."""
    streams = list(dict.fromkeys(event.stream_id for event in events))
    before = rows.rows(streams)
    after = dict(before)
    for event in events:
        advance(after, event)
    rows.put(
        change(BY_CATEGORY[category_of(stream)], before.get(stream), after[stream], after[stream].position)
        for stream in streams
        if stream in after
    )
