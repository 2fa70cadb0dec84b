"""The status file: the report where people and version control find it, beside what they wrote there themselves.

It is replaced whole or not at all. Who writes holds the lock of this machine, never across the network, and asks again
if another has written since: so an older report does not follow a newer one, and a frozen server holds up no writer.
What an editor saves meanwhile is read again and kept.
"""

import contextlib
import logging
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from filelock import FileLock, Timeout
from msgspec import Struct

from ledger.envelope import configuration_id
from ledger.errors import Damaged, LedgerError, Refused, Unavailable
from projections.application.activity import activity_line
from projections.application.app import App
from projections.application.layers import KINDS
from projections.application.view import LedgerView
from projections.fallback import router
from projections.maintenance import current_report
from projections.questions.configuration import state_in
from projections.reports import report
from projections.reports.atomic_file import replacing
from projections.reports.marked_section import generated, path_in, report_in, with_report
from projections.reports.merge import laid_over
from projections.reports.parse import parse
from projections.reports.report import Document

LOCK = "status.lock"
LOCK_SECONDS = 10.0
ATTEMPTS = 5  # while another program keeps saving the file

log = logging.getLogger(__name__)


class Written(Struct, frozen=True, kw_only=True):
    """What became of the file. `kept` is where the generated part lies that had been edited, if any.

    `outcome` is `created`, `replaced`, `unchanged`, or `added`: below the text of a file that had no generated part.
    """

    file: Path
    outcome: str
    position: int
    kept: Path | None = None


class _SavedMeanwhile(Exception):
    """The file was saved by another program since it was read."""


def place(app: App) -> Path:
    """Where the status file is: LEDGER_STATUS_FILE, else in the project folder."""
    return path_in(app.identity.project, app.settings.status_file)


def write_status(app: App, view: LedgerView | None = None) -> Written:
    """Brings the status file up to what the ledger says now. Raises Refused and Unavailable; then it is as before.

    With a `view` nothing but that is asked.
    """
    file = place(app)
    if view is not None:
        with _exclusively(app):
            return _written(app, file, _document(view))
    for _ in range(ATTEMPTS):
        seen = _look(file)
        _, document = router.run_on_first_source(app, _document)
        with _exclusively(app):
            if _look(file) == seen:
                return _written(app, file, document)
    raise _changing(file)


def keep_status(app: App, view: LedgerView | None) -> None:
    """Writes the status file after a write: a queued one, one that came home, or any if the ledger's setting wants it.

    What fails is only reported.
    """
    try:
        is_kept = _is_kept(view) if view else router.run_on_first_source(app, _is_kept)[1]
        if is_kept or not app.local.is_settled or _says_that_writes_wait(place(app)):
            with activity_line(lambda: app.home, "background", "status_file", app.actor(None)) as line:
                line.positions = [write_status(app, view).position]
    except LedgerError as error:
        log.warning("the status file has to wait: %s", ascii(error.message)[1:-1])


def _document(view: LedgerView) -> Document:
    return current_report.document(view, report.IN_MARKDOWN)


def _written(app: App, file: Path, document: Document) -> Written:
    return write(file, _with_a_later_file(file, document), app.home)


def _with_a_later_file(file: Path, document: Document) -> Document:
    """The document; or, with the database away, what a file of a later position tells, and over it what is queued."""
    kind = KINDS[document["sync"]["source"]]
    if kind.is_live:
        return document
    try:
        shown = read(file)
    except (Damaged, Refused):
        return document
    if shown is None or shown["as_of"]["position"] < document["as_of"]["position"]:
        return document
    is_whole = kind.is_complete and shown["as_of"] == document["as_of"]
    return document if is_whole else laid_over(shown, document)


def _says_that_writes_wait(file: Path) -> bool:
    """Whether the file says that writes wait, which by now may be untrue."""
    try:
        document = read(file)
    except (Damaged, Refused):
        return False
    return document is not None and document["sync"]["queued"] > 0


def _is_kept(view: LedgerView) -> bool:
    """Whether the ledger's setting wants the file."""
    return state_in(view.tables, configuration_id(view.identity.ledger)).write_status_file


def write(file: Path, document: Document, home: Path) -> Written:
    """Puts a report into a file; `home` is where an edited generated part is kept."""
    text, position = report.with_ids(document), document["as_of"]["position"]
    for _ in range(ATTEMPTS):
        seen, before = _look(file), _content(file)
        after = with_report(before or b"", text)
        if after == before:
            return Written(file=file, outcome="unchanged", position=position)
        part = generated(before or b"")
        kept = None if part is None or part.proven else _keep(home, part.text)
        if _replaced(file, after, seen):
            outcome = "created" if before is None else "replaced" if part else "added"
            return Written(file=file, outcome=outcome, position=position, kept=kept)
    raise _changing(file)


def read(file: Path) -> Document | None:
    """What the status file shows, also one that is nothing but a report; None without a file or a report in it.

    Raises Damaged and Refused.
    """
    try:
        content = file.read_bytes()
    except OSError:
        return None
    text = report_in(content)
    if text is None and content.startswith(b"# Status of "):
        text = content.decode("utf-8", "replace")
    return None if text is None else parse(text)


def _look(file: Path) -> tuple[int, ...] | None:
    """What changes when another program writes the file; None if it is not there."""
    try:
        status = file.stat()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unreadable(file, error.strerror or "") from error
    return status.st_ino, status.st_size, status.st_mtime_ns


def _content(file: Path) -> bytes | None:
    if file.exists() and not file.is_file():
        raise _unreadable(file, "it is not a file")
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unreadable(file, error.strerror or "") from error


def _replaced(file: Path, content: bytes, seen: tuple[int, ...] | None) -> bool:
    """Whether the file is the new one now; it is not if it changed since it was looked at."""

    def check() -> None:
        if _look(file) != seen:
            raise _SavedMeanwhile

    try:
        with replacing(file, check) as stream:
            stream.write(content)
    except _SavedMeanwhile:
        return False
    return True


def _keep(home: Path, text: bytes) -> Path:
    kept = home / f"status-edited-{sha256(text).hexdigest()[:12]}.md"
    kept.write_bytes(text)
    return kept


@contextlib.contextmanager
def _exclusively(app: App) -> Iterator[None]:
    try:
        with FileLock(app.home / LOCK, timeout=LOCK_SECONDS):
            yield
    except Timeout:
        raise Unavailable(
            f"another process has been writing the status file for {LOCK_SECONDS:g} s", next_step="try again"
        ) from None


def _changing(file: Path) -> Unavailable:
    return Unavailable(f"{file} keeps changing", next_step="close what keeps saving it, and try again")


def _unreadable(file: Path, why: str) -> Unavailable:
    return Unavailable(
        f"{file} cannot be written: {why}",
        next_step="make the file and its folder writable, or name another with LEDGER_STATUS_FILE",
        path=str(file),
    )
