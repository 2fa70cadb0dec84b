"""The two ways out when a database has another history than this machine: a person says which one is right.

Nothing is lost by either: a journal that gives way is set aside under a new name, and what only it held is queued.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout
from msgspec import Struct

from ledger.errors import LedgerClosed, Refused, Unavailable
from ledger.offline.delivery.recovery import common_position, only_acknowledged, only_in
from ledger.offline.journal import FOLLOW_LOCK, Journal
from ledger.offline.lines import line_of
from ledger.offline.queue.outbox_lines import Queued
from ledger.postgres import ledgers
from ledger.postgres.connection.connect import Connector, open_ledger
from ledger.postgres.connection.database import Database
from ledger.postgres.restore import restore
from ledger.postgres.store import PostgresStore
from projections.application.app import App
from projections.application.sync import DIVERGED
from projections.local_copy.working_files import WorkingFiles
from projections.read_models.catalog import SHAPES

LOCK_SECONDS = 10.0


class Rebuilt(Struct, frozen=True, kw_only=True):
    """`common` is the last position that both had. `restored` events went into the database; `queued` commands wait."""

    common: int
    position: int
    restored: int = 0
    queued: int = 0
    set_aside: Path | None = None


class Heads(Struct, frozen=True, kw_only=True):
    """Where the journal and the log in the database end, and up to where they are the same."""

    journal: int
    database: int
    common: int

    @property
    def journal_contains_database(self) -> bool:
        return self.common == self.database


def compare_heads(app: App) -> Heads:
    """Asks the database itself, also one whose ledger is closed. Raises Unavailable when it is away."""
    with _Direct(app) as direct:
        return direct.heads(app.local.journal)


def from_journal(app: App) -> Rebuilt:
    """The journal is right: its tail goes into the database, exact bytes, digests checked, and the ledger is opened.
    What was acknowledged behind its end waits in the outbox.

    Refused unless the database's head lies on the journal.
    """
    with _Direct(app) as direct, _exclusively(app):
        journal, known = app.local.journal, app.identity
        found = direct.heads(journal)
        if not found.journal_contains_database:
            raise Refused(
                f"from position {found.common + 1} on the database has other events than the journal",
                next_step="see `tracking-ledger doctor`; `tracking-ledger rebuild --from-database` takes the database",
                rule="another_history",
                items=[],
            )
        restored = found.journal - found.database
        if restored:
            lines = (line_of(event) for event in journal.read_all(found.database))
            restore(app.settings, known.key, known.ledger, lines)
        queued = _queue(app.local, [], found.journal, found.journal)
        direct.reopen()
        return Rebuilt(common=found.common, position=found.journal, restored=restored, queued=queued)


def from_database(app: App, now: datetime) -> Rebuilt:
    """The database is right: the journal is set aside, and what only it held waits in the outbox."""
    with _Direct(app) as direct, _exclusively(app):
        local = app.local
        found = direct.heads(local.journal)
        lines = list(only_in(local.journal, found.common)) if found.journal > found.common else []
        queued = _queue(local, lines, found.journal, found.common)
        aside = _set_aside(local.journal.file, now)
        direct.reopen()
        return Rebuilt(common=found.common, position=found.database, queued=queued, set_aside=aside)


class _Direct:
    """The database beside the App's own contact, which keeps away from a history that it does not know."""

    def __init__(self, app: App) -> None:
        self._app = app

    def __enter__(self) -> "_Direct":
        known = self._app.identity
        self._database: Database = Connector(self._app.settings).database()
        open_ledger(self._database, known.key, known.name, SHAPES, origin=known.ledger)
        self._store = PostgresStore(self._database, known.ledger, SHAPES, key=known.key)
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    def heads(self, journal: Journal) -> Heads:
        return Heads(
            journal=journal.head.position,
            database=self._store.known_at([])[0],
            common=common_position(journal, self._store),
        )

    def reopen(self) -> None:
        try:
            ledgers.reopen(self._database, self._app.identity.key, DIVERGED)
        except LedgerClosed:  # for another reason, which stays
            return


def _queue(local: WorkingFiles, lines: list[Queued], journal: int, common: int) -> int:
    """Lets these wait, and what was acknowledged behind the end of the journal. How many they are."""
    lines += only_acknowledged(local.sent, local.outbox, journal, common)
    if lines:
        local.outbox.put_before(lines)
    local.acknowledged.forget()
    local.seen.forget()
    local.sent.forget()
    return len(lines)


@contextmanager
def _exclusively(app: App) -> Iterator[None]:
    """No other process follows meanwhile."""
    try:
        with FileLock(app.home / FOLLOW_LOCK, timeout=LOCK_SECONDS):
            yield
    except Timeout as error:
        raise Unavailable(
            f"another process has been following the log for {LOCK_SECONDS:g} s", next_step="repeat it"
        ) from error


def _set_aside(file: Path, now: datetime) -> Path | None:
    """Renames the journal; never over another file."""
    if not file.exists():
        return None
    stamp = now.strftime("%Y%m%dT%H%M%S%f")
    aside = file.with_name(f"{file.stem}.set-aside-{stamp}{file.suffix}")
    file.rename(aside)
    return aside
