"""What a run leaves behind, once everything works again: every machine drains and follows, and all is read.

It is done in a process of the newest version of the program that the run had.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from msgspec import Struct

from ledger import identity
from ledger.envelope import RecordedEvent
from ledger.errors import Diverged, LedgerClosed, LedgerError
from ledger.postgres.connection.connect import connect
from ledger.postgres.store import PostgresStore
from ledger.settings import Settings
from projections.application.app import App
from projections.read_models.catalog import SHAPES
from projections.tables.contract import Tables
from projections.tables.replay import check
from projections.tables.sqlite import SqliteTables

PEACE_SECONDS = 60.0  # for a machine to come home once everything works again


class Left(Struct, kw_only=True):
    """See `Evidence`, whose part it becomes."""

    log: list[RecordedEvent] = []
    journals: list[list[RecordedEvent]] = []
    waiting: list[int] = []
    faulty_lines: list[int] = []
    rows_equal: list[bool] = []
    failures: list[str] = []


def come_home(homes: list[Settings]) -> None:
    """Each machine records what waits there."""
    for settings in homes:
        app = App(settings)
        _drain(app)
        app.close()


def left_behind(homes: list[Settings]) -> Left:
    """Read when none of the machines records any more."""
    apps = [App(settings) for settings in homes]
    left = Left()
    for app in apps:
        with _naming_failures(left.failures):
            until(app.sync.follow)  # a process that has not ended yet may be at it
    with _naming_failures(left.failures):
        left.log = _log(homes[0])
        left.journals = [list(app.local.journal.read_all()) for app in apps]
        left.waiting = [app.local.waiting for app in apps]
        left.faulty_lines = [len(app.local.outbox.faults) for app in apps]
        rows: list[Tables] = [apps[0].tables, *(_rows(app) for app in apps)]
        left.rows_equal = [check(apps[0].store, tables).equal for tables in rows]
    for app in apps:
        app.close()
    return left


def _log(settings: Settings) -> list[RecordedEvent]:
    """As the database has it, also where its ledger was closed."""
    with closing(connect(settings)) as database:
        return list(PostgresStore(database, identity.find(settings.project).ledger, SHAPES).read_all())


def until(condition: Callable[[], bool]) -> None:
    last = time.monotonic() + PEACE_SECONDS
    while not condition() and time.monotonic() < last:
        time.sleep(0.05)


def _drain(app: App) -> None:
    last = time.monotonic() + PEACE_SECONDS
    while time.monotonic() < last:
        try:
            _ = app.database
            if app.sync.drain_for(5.0):
                return
        except (LedgerClosed, Diverged):  # which no time mends; what is missing is named at the end
            return
        except LedgerError:
            pass
        time.sleep(0.2)


def _rows(app: App) -> SqliteTables:
    """This machine's own, up to the log."""
    app.local.cache.follow()
    return app.local.cache.tables


@contextmanager
def _naming_failures(failures: list[str]) -> Iterator[None]:
    """A machine that cannot come home is named, with all that was seen until then."""
    try:
        yield
    except LedgerError as error:
        failures.append(f"{error.code}: {error.message}")
