"""What one process opens of one ledger, each part when it is first needed, and what it closes at the end."""

import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from datetime import datetime
from functools import cached_property
from pathlib import Path
from uuid import UUID

from ledger import identity
from ledger.errors import LedgerError, NoLedger, NotFound, Unavailable
from ledger.handler import Handler
from ledger.machine.jobs import Jobs
from ledger.offline.live import LiveHandler
from ledger.postgres import directory, ledgers
from ledger.postgres.connection.connect import Connector
from ledger.postgres.connection.contact import Contact
from ledger.postgres.connection.database import Database
from ledger.postgres.connection.pools import Pools
from ledger.postgres.replica import Replica
from ledger.postgres.store import PostgresStore
from ledger.settings import Settings
from projections.application.conflict_watch import ConflictWatch
from projections.application.layers import Layer
from projections.application.local_layer import journal_layer
from projections.local_copy.working_files import WorkingFiles
from projections.questions.world_questions import TableNeighbourhood
from projections.read_models.catalog import SHAPES
from projections.read_models.fold import propose
from projections.tables.postgres import PostgresTables
from projections.tables.replay import catch_up

Open = Callable[[Database], None]  # called with a database that was just reached, before it is used
Opened = Callable[[identity.Identity, Settings], None]  # called when its working files are first needed


class Runtime:
    """The identity, the working files and the connections of one ledger. Safe for many threads.

    The database is opened by the first call that needs it, so that a server greets its client without waiting for it.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Callable[[], datetime],
        open_in: Open,
        opened: Opened,
        pools: Pools | None = None,
        jobs: Jobs | None = None,
    ) -> None:
        self.given = settings
        self.settings = settings  # those of the database in which the ledger is
        self.clock = clock
        self.pools = pools or Pools()
        self.jobs = jobs or Jobs()
        self.conflict_watch = ConflictWatch()
        self.recovered: dict[str, tuple[str, object]] = {}  # by source: of which version, and what was found in it
        self.recovering = threading.Lock()
        self.closing = ExitStack()  # what else `close` ends
        self._open_in = open_in
        self._note_opened = opened
        self._making = threading.RLock()
        self._contact: Contact | None = None
        self._local: WorkingFiles | None = None
        self._replica: Replica | None = None
        self._passed: Database | None = None  # the last one on the way to the ledger's
        self._store: PostgresStore | None = None

    @cached_property
    def identity(self) -> identity.Identity:
        return identity.find(self.settings.project)

    @property
    def has_ledger(self) -> bool:
        """Whether the folder has one by now."""
        try:
            return bool(self.identity)
        except NoLedger:
            return False

    @cached_property
    def home(self) -> Path:
        """This machine's working files for the ledger."""
        self._note_opened(self.identity, self.given)
        return identity.home(self.identity, self.settings)

    @property
    def opened(self) -> bool:
        """Whether the database has been reached yet."""
        return self._contact is not None and self._contact.opened

    @property
    def database(self) -> Database:
        """Raises Unavailable when it is away; the first caller waits a second for it."""
        return self.contact.database()

    @property
    def contact(self) -> Contact:
        with self._making:
            if self._contact is None:
                connector = Connector(self.settings, self.pools)
                self._contact = Contact(
                    lambda known: self._reached(connector, known),
                    lambda: connector.is_starting,
                    jobs=self.jobs,
                    lane=self.local.last_place or self.given.dsn,  # where it will be, as far as is known by now
                )
            return self._contact

    @property
    def local(self) -> WorkingFiles:
        """This machine's copy of the ledger."""
        with self._making:
            if self._local is None:
                self._local = WorkingFiles(self._home_or_its_place(), self.identity.ledger, self.clock)
            return self._local

    @property
    def replica(self) -> Replica | None:
        """Where questions may be asked, if the settings name such a place."""
        if self.settings.read_dsn is None:
            return None
        with self._making:
            if self._replica is None:
                self._replica = Replica(self.settings, self.identity.key, self.pools, self.jobs)
            return self._replica

    @property
    def store(self) -> PostgresStore:
        if self._store is None:
            self._store = self.store_in(self.database)
        return self._store

    @cached_property
    def tables(self) -> PostgresTables:
        return self.tables_in(self.database)

    @cached_property
    def handler(self) -> Handler:
        return LiveHandler(self.store, TableNeighbourhood(self.tables), propose, self.catch_up, self.local.sent)

    def store_in(self, database: Database) -> PostgresStore:
        known = self.identity
        return PostgresStore(database, known.ledger, SHAPES, key=known.key, acknowledge=self._acknowledge)

    def tables_in(self, database: Database) -> PostgresTables:
        return PostgresTables(database, self.identity.key, self.catch_up)

    def live(self) -> Layer:
        """The database. Raises Unavailable when it is away.

        It must hold what any process of this machine has recorded: a primary that was replaced may still answer.
        """
        _ = self.database
        if acknowledged := self.local.acknowledged.read():
            self.store.remember_position(acknowledged.position, acknowledged.command_id)
        return Layer(source="postgres", store=self.store, tables=self.tables, handler=self.handler)

    def journal(self) -> Layer:
        """This machine's own copy."""
        local = self.local
        known = local.journal.head.position or local.waiting or local.sent.acknowledged(0)
        return journal_layer(
            local.cache,
            local.outbox,
            local.sent,
            source="journal" if known else "none",
            claims_here=lambda: not local.was_in_a_database,
            contact=local.contact(),
        )

    def catch_up(self) -> None:
        """Brings this program's read models up to the log, when another program has written past them."""
        catch_up(self.store, self.tables)

    def met(self) -> None:
        """A database was reached, maybe after a failover: what is kept of the store's log is compared with it again."""
        if self._store is not None:
            self._store.met()

    def remember_position(self, position: int) -> None:
        """It was shown or written here: nothing answers for this machine as if it were not there."""
        if self._store is not None:
            self._store.remember_position(position)
        if self.settings.read_dsn is not None:
            self.local.seen.at(position)
        else:
            self.local.seen.note(position)

    def remember_head(self) -> None:
        """The same as `remember_position`, where an answer of the database does not tell its position."""
        if self.contact.ready:
            with suppress(LedgerError):  # a database that is away now shows nothing newer either
                self.remember_position(self.store.read_streams([]).head)

    def close(self) -> None:
        self.closing.close()
        for part in (self._contact, self._passed, self._replica, self._local):
            if part is not None:
                part.close()

    def _home_or_its_place(self) -> Path:
        try:
            return self.home
        except Unavailable:  # with a database that answers it can be done without
            return identity.home_place(self.identity, self.settings)

    def _reached(self, connector: Connector, known: Database | None) -> Database:
        """The database in which the ledger lies. What others of this process know of the way counts for the first time,
        and no longer than it leads there."""
        connector.require_attempt()  # before the directory is asked for the way
        if known is not None:
            connector.forget()
        try:
            return self._opened_in(connector, known)
        except BaseException:
            connector.forget()
            raise

    def _opened_in(self, connector: Connector, known: Database | None) -> Database:
        """The database of the settings, or the one to which the ledger went from there.

        What is `known` is in use meanwhile, so it goes to no database but that one.
        """
        database = self._found(connector, known)
        if known is not None:
            known.take_over(database)
            database = known
        try:
            self._open_in(database)
        except BaseException:
            if known is None:  # the next try makes another one
                database.close()
            raise
        self.local.note_place(None if self.settings is self.given else self.settings.dsn)
        return database

    def _found(self, connector: Connector, known: Database | None) -> Database:
        """The same, opened again."""
        database = self._first_reached(connector)
        try:
            if known is not None and known.asks_the_same(database):  # and not a directory that others use meanwhile
                database.forget()  # what may be left of the connections that the known one has used
            for _ in range(directory.MOST_MOVES):
                onward = self._onward(database)
                if onward is None:
                    break
                self._keep(database)
                self._go_to(connector, onward)
                database = connector.database()
        except BaseException:
            database.close()
            raise
        return database

    def _keep(self, passed: Database) -> None:
        """The directory stays open as long as the ledger: others are found through it without a new session."""
        if self._passed is not None:
            self._passed.close()
        self._passed = passed

    def _first_reached(self, connector: Connector) -> Database:
        """The database of the settings; while that is away, the one in which the ledger was last."""
        if self.given.dsn is not None:
            self._go_to(connector, self.given)
        try:
            return connector.database()
        except Unavailable:
            last = directory.settings_at(self.given, self.local.last_place)
            if last is None:
                raise
            self._go_to(connector, last)
            return connector.database()

    def _onward(self, database: Database) -> Settings | None:
        """The settings of the database that has the ledger, None if it is this one. A new ledger is placed."""
        known = self.identity
        try:
            head = ledgers.head(database, known.key)
        except NotFound:
            here = self.settings is not self.given
            name = directory.DIRECTORY if here else directory.place(database, known.key, known.name)
            return None if name == directory.DIRECTORY else directory.in_service(self.given, name)
        return directory.settings_elsewhere(self.given, head.reason, head.successor)

    def _go_to(self, connector: Connector, settings: Settings) -> None:
        self.settings = settings
        connector.go_to(settings)

    def _acknowledge(self, position: int, command_id: UUID) -> None:
        self.local.acknowledged.write(position, command_id)
        self.remember_position(position)
