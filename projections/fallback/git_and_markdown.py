"""What is left when neither the database nor this machine's copy is there: git, and the status file.

Each answers through a ledger of its own, in a folder that is thrown away, filled with what was found; so the same
operations answer as ever. What waits in the outbox is laid over what the ledger itself has left there. Commands can be
decided on a published journal: what is queued names the events that it was decided on. The others are only read.
"""

import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from datetime import datetime
from pathlib import Path
from shutil import copyfileobj, rmtree
from tempfile import mkdtemp
from typing import IO, Literal, NamedTuple

from ledger.envelope import Proposal, Recorded
from ledger.errors import Damaged, Invalid, LedgerError, Refused, Unavailable
from ledger.handler import Handler
from ledger.importing.readers.git import history
from ledger.importing.readers.git_output import git_output
from ledger.memory import MemoryStore
from ledger.offline.journal import FILE as JOURNAL
from ledger.offline.journal import Journal
from ledger.offline.local import LocalStore
from ledger.offline.queue.outbox import Outbox
from ledger.store import EventStore
from ledger.values.moment import parse as moment_of
from projections.application.app import App
from projections.application.layers import KINDS, Layer, Source
from projections.application.local_layer import journal_layer
from projections.local_copy.cache import Cache
from projections.local_copy.overlay import Overlay
from projections.questions.world_questions import TableNeighbourhood
from projections.read_models.catalog import BY_CATEGORY, SHAPES
from projections.read_models.fold import change, propose
from projections.read_models.projection import Row
from projections.reports.marked_section import NAME, path_in, report_in
from projections.reports.parse import parse
from projections.reports.report import Document
from projections.reports.rows_from_report import BY, rows
from projections.tables.sqlite import SqliteTables
from projections.transfer.import_execution import identified, record_reading

PUBLISHED = f".ledger/{JOURNAL}"
LOOKED_AT = 50  # committed versions of the status file, the newest first, until one can be read
GIT: Literal["git"] = "git"  # what an import from there is called, and its layer


class Recovered:
    """A ledger of its own with what was found, in a folder that goes with it. It begins with an empty journal.

    An answer holds it by its layer, so it is there for as long as an answer needs it.
    """

    is_guess = False  # whether nothing in it was written by a ledger that others share: what waits is more than that

    def __init__(self, app: App) -> None:
        self.ledger = app.identity.ledger
        self.ending = ExitStack()
        self.close = weakref.finalize(self, self.ending.close)
        self.folder = _made_folder()
        self.ending.callback(rmtree, self.folder, ignore_errors=True)
        self.outbox = _outbox(app, self.folder)
        self.sent = app.local.sent
        self.journal = Journal(self.folder / JOURNAL, self.ledger, self.folder / "index.sqlite3", app.clock)
        self.cache = Cache(self.folder / "rows.sqlite3", self.journal, self.outbox, app.clock)
        self.ending.callback(self.journal.close)
        self.ending.callback(self.cache.close)

    @property
    def is_empty(self) -> bool:
        return not self.journal.head.position

    def layer(self, source: Source) -> Layer:
        """The layer, with what waits by now laid over it."""
        return journal_layer(
            self.cache, self.outbox, self.sent, source=source, claims_here=lambda: False, kept_alive=self
        )


class PublishedJournal(Recovered):
    """The journal as it was committed, up to its first damaged line."""

    def __init__(self, app: App, content: IO[bytes]) -> None:
        super().__init__(app)
        with self.journal.file.open("wb") as file:
            copyfileobj(content, file)


class ReportLedger(Recovered):
    """What a report shows: rows without their history."""

    def __init__(self, app: App, document: Document) -> None:
        super().__init__(app)
        position, time = document["as_of"]["position"], document["as_of"]["time"]
        self.is_guess = not position
        self._overlay = Overlay(self.journal, self.outbox)
        by_name: dict[str, list[Row]] = {}
        for category, row in rows(document):
            by_name.setdefault(category, []).append(row)
        with self.cache.tables.rebuilding(SHAPES) as fresh:
            for category, found in by_name.items():
                projection = BY_CATEGORY[category]
                fresh.put(projection.name, (change(projection, None, row, row.position) for row in found))
            fresh.serve()
        self.cache.tables.advance(position, time and moment_of(time))

    def layer(self, source: Source) -> Layer:
        tables = self.cache.tables
        if not self.is_guess:
            with tables.advancing() as rows:
                self._overlay.lay(rows)
        log = LocalStore(
            self.journal,
            self.outbox,
            self.sent,
            check_unique=tables.check_unique,
            lay=lambda: None,
            claims_here=lambda: False,
        )
        waits = self.outbox.waiting and not self.is_guess
        return _read_only(self, source, log, tables, ("queued_offline",) if waits else ())


class CommitLedger(Recovered):
    """What the commits tell of deployments and work: as of the newest one, so that an answer shows its age."""

    is_guess = True

    def __init__(self, app: App, at: datetime) -> None:
        super().__init__(app)
        self._tables = SqliteTables(self.folder / "answers.sqlite3", self.ledger, lambda: at)
        self.ending.callback(self._tables.close)
        self._log = MemoryStore(self.ledger, lambda: at, self._tables.apply)
        handler = Handler(self._log, TableNeighbourhood(self._tables), propose)
        recorder = app.on_layer(Layer(source=GIT, store=self._log, tables=self._tables, handler=handler))
        record_reading(recorder, GIT, history.read(app.identity.project, identified(recorder, GIT, {}), at), by=BY)

    @property
    def is_empty(self) -> bool:
        return not self._log.read_streams([]).head

    def layer(self, source: Source) -> Layer:
        return _read_only(self, source, self._log, self._tables)


class _Unwritable:
    """See ledger.store.EventStore: a log that is only read."""

    def __init__(self, log: EventStore) -> None:
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

    def exclusively(self, lock_timeout: float | None = None) -> AbstractContextManager[None]:
        raise _nothing_written()


def recovered(app: App, *, waits: bool = False) -> Iterator[Layer]:
    """The layers below this machine's own copy, each looked for when the one above cannot answer.

    Where something `waits` in the outbox, only those that the shared ledger has left: what a ledger that began here
    says of itself is truer than what its commits or its own status file tell.
    """
    for look in LOOKS:
        found = _newest(app, look)
        if found is not None and not (waits and found.is_guess):
            yield found.layer(look.source)


def writable(app: App) -> Layer | None:
    """What commands can be built on where this machine's own journal is empty: a published one, if there is one."""
    for look in LOOKS:
        if KINDS[look.source].replaces_journal and look.may_take_commands(app):
            found = _newest(app, look)
            layer = None if found is None else found.layer(look.source)
            if layer is not None and not isinstance(layer.store, _Unwritable):
                return layer
    return None


def nothing(app: App) -> Layer:
    """What there is where even this machine's own copy cannot be opened."""
    return Recovered(app).layer("none")


def from_git(app: App) -> Recovered | None:
    """The published journal as it was committed, else the newest committed status file that can be read, else what the
    commits tell of deployments and work. None without git, or with nothing of it."""
    for look in (_published, _committed_status, _from_commits):
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
    return path_in(app.identity.project, app.settings.status_file)


def _made_folder() -> Path:
    """Raises Unavailable where no disk takes one; what says so then is also that there is no folder to make it in."""
    try:
        return Path(mkdtemp(prefix="tracking-ledger-"))
    except OSError as error:
        raise Unavailable(
            f"what git and the status file know is put into a temporary folder, and none can be made: {error}",
            next_step="free space in the folder for temporary files, or name another one in TMPDIR",
        ) from error


def _newest(app: App, look: "Look") -> Recovered | None:
    """What was found is kept by the App, and serves for as long as it is the newest of its kind."""
    stamp = look.newest(app)
    with app.runtime.recovering:
        if not app.runtime.recovered:
            app.runtime.closing.callback(_forget, app.runtime.recovered)
        known = app.runtime.recovered.get(look.source)
        if known is None or known[0] != stamp:
            app.runtime.recovered[look.source] = known = (stamp, look.find(app) if stamp else None)
    found = known[1]
    return found if isinstance(found, Recovered) else None


def _forget(recovered: dict[str, tuple[str, object]]) -> None:
    while recovered:
        _, (_, found) = recovered.popitem()
        if isinstance(found, Recovered):
            found.close()


def _outbox(app: App, instead: Path) -> Outbox:
    """This machine's, or an empty one where that cannot be used."""
    try:
        _ = app.home
        return app.local.outbox
    except Unavailable:
        return Outbox(instead)


def _read_only(
    found: Recovered, source: Source, log: EventStore, tables: SqliteTables, warnings: tuple[str, ...] = ()
) -> Layer:
    store = _Unwritable(log)
    handler = Handler(store, TableNeighbourhood(tables), propose)
    return Layer(source=source, store=store, tables=tables, handler=handler, warnings=warnings, kept_alive=found)


def _published(app: App) -> Recovered | None:
    with git_output(app.identity.project, ("show", f"HEAD:./{PUBLISHED}")) as content:
        return _unless_empty(PublishedJournal(app, content))


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


def _from_commits(app: App) -> Recovered | None:
    with git_output(app.identity.project, ("log", "-1", "--format=%cI", "--all")) as output:
        newest = output.read().decode().strip()
    if not newest:
        return None
    return _unless_empty(CommitLedger(app, moment_of(newest)))


def _of_status(app: App, content: bytes) -> Recovered | None:
    text = report_in(content)
    if text is None:
        return None
    return ReportLedger(app, parse(text))


def _unless_empty(found: Recovered) -> Recovered | None:
    return None if found.is_empty else found


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


def _is_published(app: App) -> bool:
    """Whether the project has the published journal: where it has not, git has none either, most likely."""
    return (app.identity.project / PUBLISHED).exists()


class Look(NamedTuple):
    """Where a layer is looked for. `newest` names what there is, empty for nothing: `find` is asked when it changes.

    `may_take_commands` is asked before each write of a source that `replaces_journal`, so it has to be quick.
    """

    source: Source
    newest: Callable[[App], str]
    find: Callable[[App], Recovered | None]
    may_take_commands: Callable[[App], bool] = lambda app: True


LOOKS = (Look(GIT, _newest_commit, from_git, _is_published), Look("markdown", _newest_status, from_markdown))
