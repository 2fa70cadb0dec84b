"""This machine's copy of one ledger: the journal, the rows folded from it, and what is known of the last contact."""

import contextlib
import math
import os
import sqlite3
import threading
import time
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from uuid import UUID

from ledger.machine.disk import write_private
from ledger.offline.acknowledged_position import Acknowledged
from ledger.offline.journal import FILE as JOURNAL
from ledger.offline.journal import Journal
from ledger.offline.local import in_order
from ledger.offline.queue.outbox import Fault, Outbox
from ledger.offline.queue.outbox_file import FILE as OUTBOX
from ledger.offline.queue.outbox_index import INDEX as OUTBOX_INDEX
from ledger.offline.seen_position import Seen
from ledger.offline.sent_commands import SentCommands
from ledger.resources import sql
from projections.local_copy.cache import FILES as CACHES
from projections.local_copy.cache import Cache, cache_file
from projections.local_copy.open_files import OpenFiles

OPEN = OpenFiles()  # of the process
PARTS = ("_cache", "_journal", "_outbox")
INDEX = "journal-index.sqlite3"
MET = "met"  # there since the ledger was found in a database
PLACE = "place"  # where the ledger went from the database of the settings
ERASED = "erased"  # up to which erasure the copies that are made of the journal hold nothing of what it erases
UNUSED_SECONDS = 14 * 86400.0  # after which the rows of another version of the program go
CONTACT = "contact"  # its time is when this machine last knew that its journal is the whole log


class WorkingFiles:
    """The working files of a ledger in the folder `home`, each opened when first needed.

    Where many ledgers are open, the files of those that are not used are closed again; that can happen at any time.
    """

    def __init__(self, home: Path, ledger: UUID, clock: Callable[[], datetime], open_files: OpenFiles = OPEN) -> None:
        self.home = home
        self.ledger = ledger
        self._clock = clock
        self._outbox_file = home / OUTBOX  # looked for in each call: making this path takes as long as that
        self.seen = Seen(home)
        self.sent = SentCommands(home)
        self._making = threading.RLock()
        self._open_files = open_files

    @property
    def journal(self) -> Journal:
        self._open_files.use(self)
        with self._making:
            return self._journal

    @cached_property
    def acknowledged(self) -> Acknowledged:
        return Acknowledged(self.home)

    @property
    def outbox(self) -> Outbox:
        self._open_files.use(self)
        with self._making:
            return self._outbox

    @property
    def cache(self) -> Cache:
        self._open_files.use(self)
        with self._making:
            return self._cache

    @property
    def is_settled(self) -> bool:
        """Whether no command of this machine waits for the database."""
        return not self._outbox_file.exists() or self.outbox.is_settled

    @property
    def is_plain(self) -> bool:
        """Whether there is no outbox: what its lines lay over the journal changes with each of them."""
        return not self._outbox_file.exists()

    @property
    def waiting(self) -> int:
        """How many commands of this machine wait for the database."""
        return self.outbox.waiting if self._outbox_file.exists() else 0

    @property
    def faults(self) -> list[Fault]:
        """Lines of the outbox that are set aside."""
        return self.outbox.faults if self._outbox_file.exists() else []

    def waiting_since(self) -> datetime | None:
        """When the oldest waiting command was given."""
        oldest = self.outbox.unsettled(limit=1) if self._outbox_file.exists() else []
        return oldest[0].occurred_at if oldest else None

    @property
    def was_in_a_database(self) -> bool:
        """Whether this machine has ever found the ledger in a database."""
        return (self.home / MET).exists() or self.contact() is not None or self.journal.head.position > 0

    @property
    def newest_known(self) -> int:
        """The newest position that this machine wrote or was shown. Raises Unavailable when that cannot be known."""
        acknowledged = self.acknowledged.read()
        return max(self.seen.position, self.journal.head.position, acknowledged.position if acknowledged else 0)

    @property
    def reach(self) -> int:
        """Up to which position this machine's own copy holds the whole log, its own newer events included."""
        reached = self.journal.head.position
        lines = self.outbox.waiting_after(reached) if self._outbox_file.exists() else []
        for line in in_order(lines):
            if line.first == reached + 1:
                reached += len(line.events)
        return reached

    def note_database(self) -> None:
        """The ledger is in a database now."""
        with contextlib.suppress(OSError):  # it is met again at the next start
            (self.home / MET).touch()

    @property
    def last_place(self) -> str | None:
        """Where the ledger was found last, if not in the database of the settings."""
        try:
            return (self.home / PLACE).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):  # then the database of the settings says it again
            return None

    def note_place(self, place: str | None) -> None:
        if place == self.last_place:
            return
        with contextlib.suppress(OSError):
            if place is None:
                (self.home / PLACE).unlink(missing_ok=True)
            else:
                write_private(self.home / PLACE, place.encode())

    def clear(self) -> None:
        """Drops what the journal has by now: sent commands, and the outbox once the journal has all of it."""
        reached = self.journal.head.position
        if self._outbox_file.exists():
            self.outbox.clear(reached)
        self.sent.clear(reached, self.journal.ends_of)

    def erase(self, renew_copies: Callable[[], None]) -> None:
        """Takes the texts that the journal erases out of all files made of it here; `renew_copies` renews the others.

        What a kill or another process prevents is done the next time.
        """
        newest = self.journal.last_erasure
        if not newest:
            return
        if self._outbox_file.exists():
            self.outbox.forget_ended(self.journal.head.position)
        self.sent.forget_recorded(self.journal.head.position, self.journal.ends_of, newest)
        if not self.is_erased:
            from projections.local_copy import as_of_tables  # imported here for start-up

            as_of_tables.forget(self.home / as_of_tables.FOLDER)
            self._remove_other_caches(unused=0.0)
            if self.cache.begin_anew():
                renew_copies()
                write_private(self.home / ERASED, b"%d\n" % newest)

    @property
    def is_erased(self) -> bool:
        """Whether nothing that was made of the journal here holds what it erases."""
        return self._erased_up_to() >= self.journal.last_erasure

    def _erased_up_to(self) -> int:
        try:
            return int((self.home / ERASED).read_bytes())
        except (FileNotFoundError, ValueError):
            return 0

    def contact(self) -> datetime | None:
        """When the journal was last known to be the whole log."""
        try:
            return datetime.fromtimestamp((self.home / CONTACT).stat().st_mtime, UTC)
        except OSError:
            return None

    @property
    def followed(self) -> float:
        """Seconds since `contact`; infinite where there was none, or one that lies ahead as the clock was set back."""
        contact = self.contact()
        ago = time.time() - contact.timestamp() if contact else -1.0
        return ago if ago >= 0 else math.inf

    def touch(self, when: float) -> None:
        """The journal is the whole log of that time, in seconds since 1970."""
        with contextlib.suppress(OSError):  # only an age becomes less exact
            (self.home / CONTACT).touch()
            os.utime(self.home / CONTACT, (when, when))

    def rest(self) -> None:
        """Closes what is not in use; what is needed again is opened again."""
        made = self.__dict__
        parts: list[Cache | Journal | Outbox] = [made[name] for name in PARTS if name in made]
        for part in parts:
            part.rest()
        self.sent.close()

    def close(self) -> None:
        self._open_files.forget(self)
        with self._making:
            for name in PARTS:
                if name in self.__dict__:
                    self.__dict__.pop(name).close()
        self.sent.close()

    @cached_property
    def _journal(self) -> Journal:
        _usable(self.home / INDEX, "cache/journal")
        return Journal(self.home / JOURNAL, self.ledger, self.home / INDEX, self._clock)

    @cached_property
    def _outbox(self) -> Outbox:
        _usable(self.home / OUTBOX_INDEX, "cache/outbox")
        return Outbox(self.home)

    @cached_property
    def _cache(self) -> Cache:
        file = self.home / cache_file()
        _usable(file, "cache/schema")
        with contextlib.suppress(OSError):  # the next to open it does this
            file.touch()
            self._remove_other_caches(unused=UNUSED_SECONDS)
        return Cache(file, self._journal, self._outbox, self._clock)

    def _remove_other_caches(self, *, unused: float) -> None:
        """Removes those of other versions of the program, which make them again, if unused for so many seconds."""
        for file in self.home.glob(CACHES):
            with contextlib.suppress(FileNotFoundError):  # another process removes it too
                if file.name != cache_file() and time.time() - file.stat().st_mtime >= unused:
                    _remove(file)


def _usable(file: Path, schema: str) -> None:
    """Removes a file that can be made again, if it is broken or of another program's shape."""
    shape = zlib.crc32(sql(schema).encode()) & 0x7FFFFFFF
    with contextlib.suppress(sqlite3.OperationalError):  # what is in use or cannot be opened is named by its user
        try:
            with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as connection:
                found = connection.execute("PRAGMA user_version").fetchone()[0]
                if found == shape:
                    return
                if not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                    connection.execute(f"PRAGMA user_version = {shape}")
                    return
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise
        _remove(file)
        with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as connection:
            connection.execute(f"PRAGMA user_version = {shape}")


def _remove(file: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        file.with_name(file.name + suffix).unlink(missing_ok=True)
