"""Brings what other tools have recorded into the ledger as one command, and tells what became of every record of it."""

import time
from pathlib import Path

from msgspec import Struct

from ledger.envelope import imported_id
from ledger.errors import Unavailable
from ledger.importing.readers.reading import Reading
from ledger.values.finding import Finding
from projections.application.app import App
from projections.transfer.import_execution import Report, identified, known_ids, record_reading, report
from projections.transfer.import_sources import SOURCES, check
from projections.transfer.reconciled_import import migrate


class ImportRequest(Struct, frozen=True, kw_only=True):
    """`source` is one of SOURCES. A dry run decides everything and records nothing.

    A record that is older than what its source said before is left out and named, unless `older_wins`.
    """

    source: str
    path: Path
    by: str | None = None
    dry_run: bool = False
    older_wins: bool = False

    def run(self, app: App) -> Report:
        """All of the source in one append; the report names what is not taken. Invalid for one of another kind.

        A source that is reconciled is compared with the ledger before the commit: where they differ, `success` is
        false, nothing was recorded, and `errors` name every difference. Unavailable while the database is away, as what
        is new in a source is known from what the ledger holds; then nothing was recorded or queued. A source that
        cannot be read is Invalid then too.
        """
        try:
            return self._imported(app)
        except Unavailable as away:
            self._read_alone(app)
            raise Unavailable(
                f"{self.path} was not imported, and nothing of it was recorded or queued: what is new in it is known"
                f" from what the ledger holds, but {away.message}",
                next_step=f"import it again when the database answers: {away.next_step}",
                **away.details,
            ) from away

    def _read_alone(self, app: App) -> None:
        """Reads the source without the database, to find out whether it can be read."""
        ledger = app.identity.ledger
        SOURCES[self.source].read(self.path, lambda id: imported_id(ledger, self.source, id), app.clock())

    def _imported(self, app: App) -> Report:
        started = time.perf_counter()
        check(self.source, self.path)
        if not self.dry_run:
            app.sync.require_drained()
        view = app.live_view()
        known = known_ids(view, self.source)
        identify, imported_at = identified(view, self.source, known), app.clock()

        def read() -> Reading:
            return SOURCES[self.source].read(self.path, identify, imported_at)

        if SOURCES[self.source].reconciled:
            found = migrate(app, self.source, self.path, read, known, by=self.by, dry_run=self.dry_run)
        else:
            reading = read()
            if not reading.found:
                reading.warnings.append(Finding("no_record", str(self.path)))
            brought = record_reading(
                view, self.source, reading, by=self.by, dry_run=self.dry_run, older_wins=self.older_wins
            )
            found = report(reading, brought, known)
        if found["position"] is not None:
            app.after_write.soon()
            app.store.refresh_statistics()
        elapsed_ms = round((time.perf_counter() - started) * 1000, 1)
        return found | {"dry_run": self.dry_run, "elapsed_ms": elapsed_ms}
