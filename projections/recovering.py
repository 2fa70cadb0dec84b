"""What is left when neither the database nor this machine's copy is there: git, and the status file.

Each answers through a ledger of its own, in a folder that is thrown away, filled with what was found; so the same
operations answer as ever. Nothing can be written to it.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from functools import cached_property
from itertools import islice
from pathlib import Path
from shutil import copyfileobj
from tempfile import TemporaryDirectory
from typing import Literal
from uuid import UUID

from ledger.envelope import Proposal, Recorded
from ledger.errors import Damaged, Invalid, LedgerError, Refused, Unavailable
from ledger.handler import Handler
from ledger.importers import git_history
from ledger.importers.git_log import git_output
from ledger.memory import MemoryStore
from ledger.moment import parse as moment_of
from ledger.offline.journal import FILE as JOURNAL
from ledger.offline.journal import Journal
from ledger.store import EventStore
from projections.app import App
from projections.bringing import bring, identified
from projections.cache import fold_into
from projections.catalog import BY_CATEGORY, SHAPES
from projections.layers import Layer, Source
from projections.neighbourhood import TableNeighbourhood
from projections.projector import change, propose
from projections.report import Document
from projections.report_reading import parse
from projections.row import Row
from projections.shown_rows import BY, rows
from projections.sqlite_tables import SqliteTables
from projections.status_text import NAME, report_in

PUBLISHED = f".ledger/{JOURNAL}"
LOOKED_AT = 50  # committed versions of the status file, the newest first, until one can be read
PORTION = 2000  # events folded at once
GIT: Literal["git"] = "git"  # what an import from there is called, and its layer


class Recovered:
    """A ledger of its own with what was found, in a folder that `close` removes."""

    def __init__(self, ledger: UUID, clock: Callable[[], datetime]) -> None:
        self.ledger = ledger
        self._clock = clock
        self._folder = TemporaryDirectory(prefix="tracking-ledger-")
        self.folder = Path(self._folder.name)
        self.log: EventStore | Journal = MemoryStore(ledger, clock, lambda *_: None)

    @cached_property
    def tables(self) -> SqliteTables:
        return SqliteTables(self.folder / "rows.sqlite3", self.ledger, self._clock)

    def layer(self, source: Source) -> Layer:
        store = _Unwritable(self.log)
        handler = Handler(store, TableNeighbourhood(self.tables), propose)
        return Layer(source=source, store=store, tables=self.tables, handler=handler)

    def fill(self, document: Document) -> None:
        """With what a report shows."""
        by_name: dict[str, list[Row]] = {}
        for category, row in rows(document):
            by_name.setdefault(category, []).append(row)
        with self.tables.rebuilding(SHAPES) as fresh:
            for category, found in by_name.items():
                projection = BY_CATEGORY[category]
                fresh.put(projection.name, (change(projection, None, row, row.position) for row in found))
            fresh.serve()
        time = document["as_of"]["time"]
        self.tables.advance(document["as_of"]["position"], time and moment_of(time))

    def follow(self, journal: Journal) -> None:
        """With what a journal holds, up to its first damaged line."""
        self.log = journal
        events = journal.read_all()
        while portion := list(islice(events, PORTION)):
            with self.tables.advancing() as advance:
                fold_into(advance, portion)
                advance.reached(portion[-1].position, portion[-1].recorded_at, portion[-1].digest)

    def close(self) -> None:
        if isinstance(self.log, Journal):
            self.log.close()
        self.tables.close()
        self._folder.cleanup()


class _Unwritable:
    """See ledger.store.EventStore: a log that is only read."""

    def __init__(self, log: EventStore | Journal) -> None:
        self.ledger = log.ledger
        self.read_streams = log.read_streams
        self.read_all = log.read_all
        self.read_facts = log.read_facts
        self.find_command = log.find_command
        self.position_at = log.position_at

    def append(self, proposal: Proposal) -> Recorded:
        raise _nothing_written()

    def append_group(self, proposals: Sequence[Proposal]) -> list[Recorded | LedgerError]:
        raise _nothing_written()

    def exclusively(self, patience: float | None = None) -> AbstractContextManager[None]:
        raise _nothing_written()


class _Told(MemoryStore):
    """What an import is told to; it has no statistics."""

    def refresh_statistics(self) -> None:
        return


def recovered(app: App) -> Iterator[Layer]:
    """The layers below this machine's own copy, each looked for when the one above cannot answer.

    What was found is kept by the App, and serves as long as it is the newest of its kind.
    """
    for source, newest, look in _LOOKS:
        stamp = newest(app)
        with app.recovering:
            key = (source, stamp)
            if stamp and key not in app.recovered:
                app.recovered[key] = found = look(app)
                if found is not None:
                    app.closing.callback(found.close)
            kept = app.recovered.get(key)
        if isinstance(kept, Recovered):
            yield kept.layer(source)


def nothing(app: App) -> Layer:
    """What there is where even this machine's own copy cannot be opened."""
    found = Recovered(app.identity.ledger, app.clock)
    app.closing.callback(found.close)
    return found.layer("none")


def from_git(app: App) -> Recovered | None:
    """The published journal as it was committed, else the newest committed status file that can be read, else what the
    commits tell of deployments and work. None without git, or with nothing of it."""
    for look in (_published, _committed_status, _told_by_commits):
        try:
            if (found := look(app)) is not None:
                return found
        except (Invalid, Unavailable, Damaged, Refused):  # no repository, no such file in it, or not to be read
            continue
    return None


def from_markdown(app: App) -> Recovered | None:
    """The status file as it lies in the project. None without one that can be read."""
    try:
        return _of_status(app, status_place(app).read_bytes())
    except (OSError, Damaged, Refused):
        return None


def status_place(app: App) -> Path:
    return app.identity.project / (app.settings.status_file or NAME)


def _published(app: App) -> Recovered | None:
    found = Recovered(app.identity.ledger, app.clock)
    file = found.folder / JOURNAL
    with git_output(app.identity.project, ("show", f"HEAD:./{PUBLISHED}")) as content, file.open("wb") as copy:
        copyfileobj(content, copy)
    found.follow(Journal(file, app.identity.ledger, found.folder / "index.sqlite3", app.clock))
    return _unless_empty(found)


def _committed_status(app: App) -> Recovered | None:
    project, name = app.identity.project, app.settings.status_file or Path(NAME)
    with git_output(project, ("log", f"-{LOOKED_AT}", "--format=%H", "--", str(name))) as output:
        commits = output.read().decode().split()
    for commit in commits:
        try:
            with git_output(project, ("show", f"{commit}:./{name}")) as content:
                found = _of_status(app, content.read())
        except (Invalid, Damaged, Refused):  # deleted there, or not to be read: an older one may be
            continue
        if found is not None:
            return found
    return None


def _told_by_commits(app: App) -> Recovered | None:
    """As of the newest commit, so that an answer shows its age."""
    with git_output(app.identity.project, ("log", "-1", "--format=%cI", "--all")) as output:
        newest = output.read().decode().strip()
    if not newest:
        return None
    at = moment_of(newest)
    found = Recovered(app.identity.ledger, lambda: at)
    told = _Told(app.identity.ledger, lambda: at, found.tables.apply)
    found.log = told
    handler = Handler(told, TableNeighbourhood(found.tables), propose)
    recorder = app.through(Layer(source=GIT, store=told, tables=found.tables, handler=handler))
    bring(recorder, GIT, git_history.read(app.identity.project, identified(recorder, GIT, {}), at), by=BY)
    return _unless_empty(found)


def _of_status(app: App, content: bytes) -> Recovered | None:
    text = report_in(content)
    if text is None:
        return None
    document = parse(text)
    found = Recovered(app.identity.ledger, app.clock)
    found.fill(document)
    return found


def _unless_empty(found: Recovered) -> Recovered | None:
    if found.log.read_streams([]).head:
        return found
    found.close()
    return None


def _nothing_written() -> Unavailable:
    return Unavailable("neither the database nor this machine's copy can be written", next_step="see doctor")


def _newest_commit(app: App) -> str:
    try:
        with git_output(app.identity.project, ("rev-parse", "HEAD")) as output:
            return output.read().decode().strip()
    except (Invalid, Unavailable):  # no repository, or no git
        return ""


def _newest_status(app: App) -> str:
    try:
        found = status_place(app).stat()
    except OSError:
        return ""
    return f"{found.st_size} {found.st_mtime_ns} {found.st_ino}"


_Look = tuple[Source, Callable[[App], str], Callable[[App], Recovered | None]]
_LOOKS: tuple[_Look, ...] = ((GIT, _newest_commit, from_git), ("markdown", _newest_status, from_markdown))
