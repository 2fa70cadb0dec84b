"""An export of events, brought back: into an empty ledger, which then is that ledger, or behind what it has of it.

A journal, as `publish` puts it into a project, holds the same lines but for the first, and is brought back there.
"""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from ledger import identity
from ledger.codec import origin_digest
from ledger.envelope import RecordedEvent
from ledger.errors import Refused
from ledger.importing.readers.sample import Sample
from ledger.importing.readers.text_lines import text_lines, unreadable
from ledger.offline.lines import event_of
from ledger.postgres.restore import restore
from projections.application.app import App
from projections.transfer.exports import EVENTS, VERSION

SOURCE = "events"
AGAIN = "export them again with `tracking-ledger export -o FILE`, or take an older copy"
EVENT = b'{"position":'  # how the line of an event begins
LONGEST_LINE = 256 * 2**20  # bytes; no JSON in PostgreSQL is longer


class ExportHeader(Struct, frozen=True, kw_only=True):
    """The first line: whose events follow, how many, and the last one's digest."""

    format: str
    version: int
    ledger: UUID
    events: int
    digest: str


class _Digested(Struct, frozen=True):
    digest: str


class Restored(Struct, frozen=True, kw_only=True):
    """`found` events in the file, of which `taken` were not in the log."""

    ledger: UUID
    found: int
    taken: int
    dry_run: bool


def recognises(sample: Sample) -> bool:
    return sample.begins(r'\{"format"\s*:\s*"' + EVENTS + '"') or sample.begins(EVENT.decode())


def bring_back(app: App, path: Path, *, dry_run: bool) -> Restored:
    """Proves the whole file first. The App cannot be used afterwards: its folder may have become another ledger's.

    Invalid for a file that is damaged, cut or of another kind; Refused where the ledger has a history of its own.
    """
    head = _head(path, app.identity.ledger)
    present = app.store.read_streams([]).head
    _check_history(app, path, head, present)
    if not dry_run and present < head.events:
        _restore(app, path, head, present)
        app.runtime.remember_position(head.events)
    return Restored(ledger=head.ledger, found=head.events, taken=max(head.events - present, 0), dry_run=dry_run)


def _restore(app: App, path: Path, head: ExportHeader, present: int) -> None:
    before = app.identity
    app.close()  # what follows the log in the background knows it by the identity it had
    adopts = before.ledger != head.ledger
    now = identity.become_copy(before, head.ledger) if adopts else before
    try:
        restore(app.settings, now.key, head.ledger, (line for _, line in islice(_event_lines(path), present, None)))
    except BaseException:
        if adopts:
            identity.rewrite(before)
        raise


def _check_history(app: App, path: Path, head: ExportHeader, present: int) -> None:
    """Every line is read and proved here, before anything is changed."""
    if present and app.identity.ledger != head.ledger:
        raise Refused(
            f"this ledger has {present} events of its own, {path} holds those of ledger {head.ledger}",
            next_step="import it in a folder whose ledger is empty: make one with `tracking-ledger init`",
            rule="not_empty",
            items=[],
        )
    common = min(present, head.events)
    here = next(iter(app.store.read_all(common - 1, common)), None) if common else None
    for event in _events(path, head):
        if here is not None and event.position == common and event.digest != here.digest:
            raise Refused(
                f"{path} and this ledger differ at or before position {common}",
                next_step="nothing was recorded; compare them with `tracking-ledger log`, or import it in a folder of"
                " its own after `tracking-ledger init`, where it becomes a copy",
                rule="another_history",
                items=[],
            )


def _head(path: Path, own: UUID) -> ExportHeader:
    """What the first line says, or of a journal, which has no such line, what it holds of this folder's ledger."""
    number, first = next(_lines(path), (1, b""))
    if not first:
        raise unreadable(path, None, "is empty: it holds no exported events", AGAIN)
    if first.startswith(EVENT):
        return _of_journal(path, own)
    try:
        head = msgspec.json.decode(first, type=ExportHeader)
    except (ValueError, msgspec.MsgspecError) as error:
        raise unreadable(path, number, f"is no head of exported events: {error}", AGAIN) from error
    if head.format != EVENTS or head.version != VERSION:
        raise unreadable(path, number, f"is of version {head.version} of {head.format!r}, this program reads {VERSION}")
    return head


def _of_journal(path: Path, own: UUID) -> ExportHeader:
    """That each line follows from the one before it is proved later, so the last one says whether all are there."""
    events, last = 0, b""
    for _, line in _lines(path):
        events, last = events + 1, line
    try:
        digest = msgspec.json.decode(last, type=_Digested).digest
    except (ValueError, msgspec.MsgspecError):
        digest = ""  # of a line that is cut off, which is named when its turn comes
    return ExportHeader(format=EVENTS, version=VERSION, ledger=own, events=events, digest=digest)


def _events(path: Path, head: ExportHeader) -> Iterator[RecordedEvent]:
    """Every event, proved by its place and its digest; and the whole by the head."""
    digest, position, number = origin_digest(head.ledger), 0, 1
    for position, (number, line) in enumerate(_event_lines(path), 1):
        try:
            event = event_of(line, position, digest)
        except ValueError as error:
            raise unreadable(path, number, _problem(line, error), AGAIN) from error
        digest = event.digest
        yield event
    if (position, digest.hex()) != (head.events, head.digest):
        problem = f"ends the file after {position} events, its head announces {head.events}"
        raise unreadable(path, number, problem, AGAIN)


def _problem(line: bytes, error: ValueError) -> str:
    if not line.endswith(b"}\n"):
        return "is no event of this ledger: it is cut off in the middle"
    return f"is no event of this ledger: {error}"


def _event_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """All lines but the first one of an export."""
    return ((number, line) for place, (number, line) in enumerate(_lines(path)) if place or line.startswith(EVENT))


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Number and bytes of every line that is not blank, with the end that an export gives it.

    Mail, editors and git may have given it another one; what a line says is proved by its digest.
    """
    for number, line in text_lines(path, LONGEST_LINE):
        if stripped := line.strip():
            yield number, stripped + b"\n"


def as_report(restored: Restored) -> dict[str, Any]:
    report: dict[str, Any] = msgspec.to_builtins(restored)
    return report
