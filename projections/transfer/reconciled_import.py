"""An import that is compared with its file before it is committed, and taken back whole when anything differs."""

import hashlib
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from msgspec import Struct

from ledger.errors import Unavailable
from ledger.importing.readers.reading import Reading
from ledger.importing.readers.text_lines import decoded
from projections.application.app import App
from projections.transfer.import_execution import ImportResult, Report, record_reading, report
from projections.transfer.reconciliation import NAMES, Check, reconcile

BACKUPS = "backups"


class Migrated(Struct, frozen=True, kw_only=True):
    """`brought` is None when nothing was tried; `checks` are the five, by name."""

    reading: Reading
    brought: ImportResult | None = None
    checks: dict[str, Check] = {}

    @property
    def faults(self) -> list[str]:
        differences = [fault for name, check in self.checks.items() for fault in check.faults(name)]
        return [*self.reading.failures, *differences]


class _RolledBack(Exception):
    """Ends the transaction without a commit; carries what was found in it."""

    def __init__(self, migrated: Migrated) -> None:
        super().__init__("taken back")
        self.migrated = migrated


def migrate(
    app: App,
    source: str,
    path: Path,
    read: Callable[[], Reading],
    known: Mapping[str, str],
    *,
    by: str | None,
    dry_run: bool,
) -> Report:
    """`read` reads the source from the disk each time it is called; `known` are the ids, by their ids there, that an
    import of it brought before.

    A dry run does everything and takes it back.
    """
    backup = None if dry_run else back_up(app, path)
    try:
        migrated, taken_back = _in_one_transaction(app, source, path, read, by, dry_run), False
    except _RolledBack as found:
        migrated, taken_back = found.migrated, bool(found.migrated.faults)
    answer = _report(migrated, known, taken_back, dry_run)
    return answer | {"backup": str(backup) if backup else None}


def back_up(app: App, path: Path) -> Path | None:
    """A copy of a file as it is now, beside this machine's working files of the ledger. None for a folder."""
    if not path.is_file():
        return None
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
        copy = app.home / BACKUPS / f"{path.stem}-{digest}{path.suffix}"
        copy.parent.mkdir(exist_ok=True)
        if not copy.exists():
            shutil.copy2(path, copy)
    except OSError as error:
        raise Unavailable(
            f"no backup of {path} could be made: {error.strerror or error}",
            next_step="make the folder of the working files writable, or choose another with LEDGER_HOME",
            path=str(path),
        ) from error
    return copy


def _in_one_transaction(
    app: App, source: str, path: Path, read: Callable[[], Reading], by: str | None, dry_run: bool
) -> Migrated:
    with app.store.exclusively():
        app.runtime.catch_up()
        reading = read()
        if reading.failures:
            raise _RolledBack(Migrated(reading=reading))
        with app.tables.snapshot() as snapshot:
            before = snapshot.as_of.position
        brought = record_reading(app.live_view(), source, reading, by=by)
        with app.tables.snapshot() as snapshot:
            text = decoded(path.read_bytes()) if path.is_file() else None
            checks = reconcile(snapshot, source, read(), brought.made, before, text)
        migrated = Migrated(reading=reading, brought=brought, checks=checks)
        if dry_run or migrated.faults:
            raise _RolledBack(migrated)
    return migrated


def _report(migrated: Migrated, known: Mapping[str, str], taken_back: bool, dry_run: bool) -> Report:
    """The report, and beside it what only a migration tells."""
    answer = report(migrated.reading, migrated.brought or ImportResult(), known)
    if taken_back or migrated.faults:
        answer |= dict.fromkeys(("taken", "created", "changed", "unchanged", "events"), 0)
    if taken_back or migrated.faults or dry_run:
        answer["position"] = None
    found = answer["found"]
    return answer | {
        "success": not migrated.faults,
        "data_preservation_percentage": round(100 * answer["taken"] / found, 2) if found else 100.0,
        "rollback_executed": taken_back,
        "reconciliation": {name: migrated.checks.get(name, Check()).as_answer() for name in NAMES},
        "errors": migrated.faults,
    }
