"""The composition root: every object is made here, when it is first needed.

`do(command)` records, `tables` answers. The database is opened by the first call that needs it, so whoever only says
hello to a client does not wait for one.
"""

import copy
import logging
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from ledger import identity
from ledger.envelope import Command, Recorded, Submission, category_of, command_id_at, id_of
from ledger.errors import AlreadyRecorded, Diverged, LedgerClosed, LedgerError, OutcomeUnknown, Unavailable
from ledger.handler import Handler
from ledger.offline.drain import Drain, Drained, OnProgress
from ledger.offline.follower import Follower
from ledger.pending import Version, newest, shown_position
from ledger.postgres import ledgers
from ledger.postgres.connection import deadline
from ledger.postgres.connection.connect import Connector, open_ledger
from ledger.postgres.connection.contact import Contact
from ledger.postgres.connection.database import Database, is_held_up
from ledger.postgres.ledgers import MOVED
from ledger.postgres.moving import EMBEDDED
from ledger.postgres.replica import Replica
from ledger.postgres.store import PostgresStore
from ledger.settings import Settings, user_name
from projections.application.conflict_watch import ConflictWatch
from projections.application.debounced import Debounced
from projections.application.drain_thread import DrainThread, ShouldContinue
from projections.application.layers import Layer
from projections.application.local_layer import journal_layer
from projections.local_copy.as_of_tables import FOLDER
from projections.local_copy.working_files import Local
from projections.questions.as_of import Point, snapshot_at
from projections.questions.world_questions import TableNeighbourhood
from projections.read_models.catalog import SHAPES
from projections.read_models.fold import propose
from projections.tables.contract import Snapshot
from projections.tables.postgres import PostgresTables
from projections.tables.replay import catch_up

DIVERGED = "diverged"  # why a ledger is closed in a database that lost or changed history
FIRST_SECONDS = 30.0  # for what waits on this machine, before a long command of its own
LOOK_EVERY = 0.02  # seconds, while another process drains

log = logging.getLogger(__name__)


class Done(Struct, frozen=True, kw_only=True):
    """What a write answers: the thing it was about, where it stands now, and which ids are beside it if known.

    `place` is the number in the outbox of a write that is queued.
    """

    outcome: str
    category: str
    id: str
    version: Version
    position: int | None
    place: int | None = None
    repeated: bool = False
    unchanged: bool = False
    adjacent_ids: tuple[str, ...] | None = None


class App:
    """One ledger, as this process sees it. Safe for many threads."""

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        keep_status: "Callable[[App], None]" = lambda _: None,
    ) -> None:
        """`keep_status` is called after writes, to keep the status file; it may be slow and must not raise."""
        self.settings = settings
        self.clock = clock
        self._keep_status_of = keep_status
        self.token = settings.token or secrets.token_urlsafe(12)  # whose claims are this process's own
        self.layer: Layer | None = None  # what this object sees the ledger through; None is whatever answers
        self.answered_by: Layer | None = None  # where the newest answer came from
        self.recovered: dict[str, tuple[str, object]] = {}  # by source: of which version, and what was found in it
        self.recovering = threading.Lock()
        self.closing = ExitStack()  # what else `close` ends
        self._making = threading.RLock()

    @cached_property
    def identity(self) -> identity.Identity:
        return identity.find(self.settings.project)

    @cached_property
    def home(self) -> Path:
        """This machine's working files for the ledger."""
        return identity.home(self.identity, self.settings)

    @property
    def opened(self) -> bool:
        """Whether the database has been reached yet."""
        return "contact" in self.__dict__ and self.contact.opened

    @property
    def database(self) -> Database:
        """Raises Unavailable when it is away; whoever asks first waits a second for it."""
        return self.contact.database()

    @cached_property
    def contact(self) -> Contact:
        with self._making:
            connector = Connector(self.settings)
            return Contact(lambda known: self._reached(connector, known), lambda: connector.is_starting)

    @property
    def local(self) -> Local:
        """This machine's copy of the ledger."""
        with self._making:
            return self._local

    @cached_property
    def _local(self) -> Local:
        try:
            home = self.home
        except Unavailable:  # with a database that answers it can be done without
            home = identity.home_place(self.identity, self.settings)
        return Local(home, self.identity.ledger, self.clock)

    @property
    def replica(self) -> Replica | None:
        """Where questions may be asked, if the settings name such a place."""
        if self.settings.read_dsn is None:
            return None
        with self._making:
            return self._replica

    @cached_property
    def _replica(self) -> Replica:
        return Replica(self.settings, self.identity.key)

    def remember_position(self, position: int) -> None:
        """Somebody was shown it, or wrote it: no replica answers for this machine that has not reached it."""
        if self.settings.read_dsn is not None:
            self.local.seen.at(position)

    def remember_head(self) -> None:
        """As `saw`, where an answer of the database does not tell its position."""
        if self.settings.read_dsn is not None and self.contact.ready:
            with suppress(LedgerError):  # a database that is away now shows nothing newer either
                self.remember_position(self.store.read_streams([]).head)

    @cached_property
    def store(self) -> PostgresStore:
        return self._store_in(self.database)

    @cached_property
    def tables(self) -> PostgresTables:
        return PostgresTables(self.database, self.identity.key, self.catch_up)

    @cached_property
    def handler(self) -> Handler:
        return Handler(self.store, TableNeighbourhood(self.tables), propose, self.catch_up)

    @cached_property
    def after_write(self) -> Debounced:
        """What follows a write: the journal, and the status file when the ledger's settings want one."""
        return Debounced(self._after_write, lambda: self.local.followed)

    @cached_property
    def drain_thread(self) -> DrainThread:
        """What brings home what waits, beside whoever asks for it."""
        return DrainThread()

    @cached_property
    def conflict_watch(self) -> ConflictWatch:
        return ConflictWatch()

    def catch_up(self) -> None:
        """Brings this program's read models up to the log, when another program has written past them."""
        catch_up(self.store, self.tables)

    def for_caller(self, token: str, by: str | None) -> "App":
        """The same ledger for one of many callers of this process: whose claims are its own, and who acts."""
        with suppress(LedgerError):  # what is shared exists before it is copied; what cannot be opened, the call says
            self._share()
            _ = self.store, self.tables, self.handler
        seen = copy.copy(self)
        seen.token = token
        seen.settings = replace(self.settings, by=by or self.settings.by)
        return seen

    @contextmanager
    def snapshot(self, as_of: Point | None = None) -> Iterator[Snapshot]:
        """What there is now, or was at a position or time. Raises Invalid for a point that is not in the log yet."""
        if as_of is None:
            with self.tables.snapshot() as snapshot:
                yield snapshot
        else:
            with snapshot_at(self.store, as_of, self.home / FOLDER) as snapshot:
                yield snapshot

    def live(self) -> Layer:
        """The database. Raises Unavailable when it is away."""
        _ = self.database
        return Layer(source="postgres", store=self.store, tables=self.tables, handler=self.handler)

    def journal(self, *, lost: bool = False) -> Layer:
        """This machine's own copy. `lost` says that what is asked was sent to the database, and no answer came."""
        local = self.local
        known = local.journal.head.position or local.waiting
        return journal_layer(
            local.cache,
            local.outbox,
            source="journal" if known else "none",
            claims_here=lambda: not local.has_met,
            lost=lost,
            contact=local.contact(),
        )

    def on_layer(self, layer: Layer) -> "App":
        """The same ledger, seen and changed through one layer."""
        self._share()
        seen = copy.copy(self)
        seen.__dict__ |= {"layer": layer, "store": layer.store, "tables": layer.tables, "handler": layer.handler}
        return seen

    def do(
        self,
        make: Callable[[UUID], Command],
        *,
        category: str,
        by: str | None = None,
        command_id: UUID | None = None,
        occurred_at: datetime | None = None,
        token: str | None = None,
    ) -> Done:
        """Records what `make(command_id)` asks for. A repetition with the same command id answers again."""
        command_id = command_id or self.new_command_id()
        command = make(command_id)
        try:
            recorded = self.record(command, by=by, command_id=command_id, occurred_at=occurred_at, token=token)
        except AlreadyRecorded as known:
            return self._first(category, known.details["id"])
        return self._done(category, command, recorded)

    def record(
        self,
        command: Command,
        *,
        by: str | None = None,
        command_id: UUID | None = None,
        occurred_at: datetime | None = None,
        token: str | None = None,
    ) -> Recorded:
        """Records a command that is about no thing, or about many, before it is decided."""
        now = self.clock()
        recorded = self.handler.execute(
            Submission(
                command=command,
                command_id=command_id or self.new_command_id(),
                by=self.actor(by),
                occurred_at=occurred_at or now,
                token=token or self.token,
            )
        )
        deadline.clear()
        if recorded.place is not None and not self.contact.ready:
            self.after_write.at_once(self._show_waiting)
        else:
            self.after_write.soon()
        return recorded

    def new_command_id(self) -> UUID:
        return command_id_at(self.clock(), os.urandom(10))

    def actor(self, by: str | None) -> str:
        """Who acts: whom the call names, else the settings, else the user of this machine."""
        return by or self.settings.by or user_name()

    def close(self) -> None:
        """Ends what was opened; a copy that `on_layer` made has nothing of its own."""
        if "drain_thread" in self.__dict__:
            self.drain_thread.end()
        if "after_write" in self.__dict__:
            self.after_write.finish()
        self.closing.close()
        for name in ("contact", "_replica", "_local"):
            if name in self.__dict__:
                self.__dict__[name].close()

    def _share(self) -> None:
        """Makes what all copies of this object have in common."""
        with self._making:
            _ = self.after_write, self.contact, self.local, self.drain_thread, self.conflict_watch, self.replica

    def drain(
        self, tell: OnProgress = lambda _: None, should_continue: ShouldContinue = lambda: True
    ) -> Drained | None:
        """Brings what waits to the database, as long as it `goes_on`; None if another process is at it."""
        outbox = self.local.outbox
        with outbox.draining() as mine:
            if not mine:
                return None
            drain = Drain(self.store, TableNeighbourhood(self.tables), propose, outbox, self.catch_up)
            try:
                drained = drain.run(tell, should_continue)
            except LedgerClosed as closed:
                if closed.details.get("reason") == MOVED:
                    self.contact.mark_lost(after_timeout=False)  # to find it where it is now
                raise
        if drained.settled:
            self.remember_head()  # what was found recorded already, too
            self.after_write.soon()
        return drained

    def drain_for(self, seconds: float) -> bool:
        """Whether nothing of this machine waits any more, after that time of draining at most, which goes on then."""
        until = time.monotonic() + seconds
        while not self.local.is_settled and (left := until - time.monotonic()) > 0:
            try:
                drained = self.drain_thread.wait(self._drain_beside, left)
            except LedgerClosed as closed:
                if closed.details.get("reason") != MOVED:
                    raise
                _ = self.database  # where it is now; raises what says where it went, if the way is not known
                continue
            if drained is None:
                time.sleep(min(LOOK_EVERY, left))
            elif drained.held:
                break
        return self.local.is_settled

    def require_drained(self) -> None:
        """Lets this machine's own commands reach the database before another. Raises Unavailable if they still wait."""
        if self.layer is None and not self.local.is_settled and not self.drain_for(FIRST_SECONDS):
            raise Unavailable(
                f"{self.local.waiting} writes of this machine wait for the database and go first",
                next_step="run `tracking-ledger sync`, then try again",
            )

    def follow(self, seconds: float | None = None) -> bool:
        """Brings the journal and its rows up to the log, as long as time is left. Whether they are up to it.

        Raises Diverged, when the database is not the history that this machine knows.
        """
        local, begun = self.local, time.time()
        is_whole = self._follower().follow(seconds)
        if is_whole:
            local.touch(begun)
        local.cache.follow()
        local.clear()
        return is_whole

    def follow_quietly(self, seconds: float | None = None) -> None:
        """As `follow`, in the background: only with a database that is there, and what fails is only reported."""
        if not self.contact.ready:
            return
        try:
            self.follow(seconds)
        except Diverged:
            self.contact.mark_lost(after_timeout=True)  # to meet it anew, which closes it
        except LedgerError as error:
            log.warning("following has to wait: %s", ascii(error.message)[1:-1])

    def _follower(self) -> Follower:
        local = self.local
        return Follower(local.journal, local.acknowledged, local.home, self.store)

    def _reached(self, connector: Connector, known: Database | None) -> Database:
        """The database of the settings, or the one to which the ledger went from the embedded server."""
        database = connector.database(known)
        try:
            try:
                return self._greeted(database)
            except LedgerClosed as closed:
                connector.follow(self._successor(closed))
                self.settings = replace(self.settings, dsn=closed.details["successor"])
                return self._greeted(connector.database(database))
        except BaseException:
            if known is None:  # the next try makes another one
                database.close()
            raise

    def _successor(self, closed: LedgerClosed) -> str:
        """Whoever names a server names the next one too; only from the embedded one the way is known."""
        successor: str | None = closed.details.get("successor")
        if closed.details.get("reason") != MOVED or self.settings.dsn is not None or successor in (None, EMBEDDED):
            raise closed
        return successor

    def _greeted(self, database: Database) -> Database:
        open_ledger(database, self.identity.key, self.identity.name, SHAPES, origin=self.identity.ledger)
        self._compare(database)
        if "store" in self.__dict__:
            self.store.met()
        self._share()  # before the first copy, so that `close` ends what a drain in the background begins
        self.local.meet()
        if not self.local.is_settled:
            self.drain_thread.begin(self._on(database)._drain_beside)
        return database

    def _on(self, database: Database) -> "App":
        """The same ledger on a database that this process is only just getting to know."""
        seen = copy.copy(self)
        seen.__dict__["store"] = self._store_in(database)
        seen.__dict__["tables"] = PostgresTables(database, self.identity.key, seen.catch_up)
        return seen

    def _drain_beside(self, should_continue: ShouldContinue) -> Drained | None:
        """Begun after every reconnection, and by whoever finds something waiting."""
        try:
            return self.drain(should_continue=should_continue)
        except (Unavailable, OutcomeUnknown) as error:
            told = {"reason", "file"} & error.details.keys()  # by a server that said no, or by this machine's disk
            if not is_held_up(error) and not told:
                self.contact.mark_lost(after_timeout=True)
            raise

    def _compare(self, database: Database) -> None:
        """Closes the ledger in a database that is not the history which this machine knows, and raises Diverged."""
        try:
            head, follower = self.local.journal.head, self._on(database)._follower()
        except LedgerError as error:  # a disk of this machine is no reason to do without the database
            log.warning("the journal cannot be compared: %s", ascii(error.message)[1:-1])
            return
        try:
            follower.meet(head)
        except Diverged:
            with suppress(LedgerClosed):  # for another reason already
                ledgers.close(database, self.identity.key, DIVERGED)
            raise

    def _store_in(self, database: Database) -> PostgresStore:
        known = self.identity
        return PostgresStore(database, known.ledger, SHAPES, key=known.key, acknowledge=self._acknowledge)

    def _acknowledge(self, position: int, command_id: UUID) -> None:
        self.local.acknowledged.write(position, command_id)
        self.remember_position(position)

    def _after_write(self) -> None:
        self.follow_quietly()
        self._keep_status()

    def _show_waiting(self) -> None:
        """What is queued can be seen in two places, and the status file is one: without a word to the database."""
        on_published = self.layer is not None and self.layer.source == "git"
        (self if on_published else self.on_layer(self.journal()))._keep_status()

    def _keep_status(self) -> None:
        self._keep_status_of(self)

    def _done(self, category: str, command: Command, recorded: Recorded) -> Done:
        entity_id: str = command.id  # type: ignore[attr-defined]  # whoever asks for more or less than one thing records it
        version = recorded.streams.get(f"{category}-{entity_id}")
        if version is None:
            if recorded.streams:  # what changed is another thing, as when the mirror of a link is stored
                stream, version = next(iter(recorded.streams.items()))
                category, entity_id = category_of(stream), id_of(stream)
            else:
                return self._unchanged(category, entity_id)
        return Done(
            outcome=self.outcome(recorded),
            category=category,
            id=entity_id,
            version=version,
            position=recorded.positions[-1] if recorded.positions else None,
            place=recorded.place,
            repeated=recorded.repeated,
            adjacent_ids=recorded.adjacent_ids if next(iter(recorded.streams)) == f"{category}-{entity_id}" else None,
        )

    def outcome(self, recorded: Recorded) -> str:
        """What became of a write; one that waited and met another change says so when it is repeated."""
        if recorded.place is not None:
            return "queued"
        if not recorded.positions:
            return "unchanged"
        conflicts = [stream for stream in recorded.streams if category_of(stream) == "conflict"]
        if not recorded.repeated or len(conflicts) != len(recorded.streams) or not conflicts:
            return "committed"
        past = self.store.read_streams(conflicts).events[conflicts[0]]
        return {"CommandFulfilled": "committed", "CommandWithdrawn": "withdrawn"}.get(past[0].type, "conflict")

    def _unchanged(self, category: str, entity_id: str) -> Done:
        """Nothing had to change, so nothing was recorded or queued: which version the thing is at."""
        stream = f"{category}-{entity_id}"
        return Done(
            outcome="unchanged",
            category=category,
            id=entity_id,
            version=newest(self.store.read_streams([stream]).events.get(stream, [])),
            position=None,
            unchanged=True,
        )

    def _first(self, category: str, entity_id: str) -> Done:
        """The thing was recorded by another command: where that one stands."""
        past = self.store.read_streams([f"{category}-{entity_id}"]).events[f"{category}-{entity_id}"]
        found = self.store.find_command(past[0].command_id)
        place = found[0].place if found else None
        return Done(
            outcome="committed" if place is None else "queued",
            category=category,
            id=entity_id,
            version=newest(past),
            position=shown_position(past[0]),
            place=place,
            repeated=True,
        )
