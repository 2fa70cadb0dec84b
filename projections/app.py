"""The composition root: every object is made here, when it is first needed.

`do(command)` records, `tables` answers. The database is opened by the first call that needs it, so whoever only says
hello to a client does not wait for one.
"""

import copy
import os
import secrets
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from ledger import identity
from ledger.envelope import Command, Recorded, Submission, category_of, command_id_at, id_of
from ledger.errors import AlreadyRecorded, LedgerError, Unavailable
from ledger.handler import Handler
from ledger.postgres.connect import connect, embedded_server, open_ledger
from ledger.postgres.database import Database
from ledger.postgres.store import PostgresStore
from ledger.settings import Settings, user_name
from projections.afterwards import Afterwards
from projections.catalog import SHAPES
from projections.neighbourhood import TableNeighbourhood
from projections.postgres_tables import PostgresTables
from projections.projector import propose
from projections.replay import catch_up


class Done(Struct, frozen=True, kw_only=True):
    """What a write answers: the thing it was about, where it stands now, and which ids are beside it if known."""

    outcome: str
    category: str
    id: str
    version: int
    position: int | None
    repeated: bool = False
    unchanged: bool = False
    beside: tuple[str, ...] | None = None


class App:
    """One ledger, as this process sees it. Safe for many threads."""

    def __init__(self, settings: Settings, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.settings = settings
        self.clock = clock
        self.token = settings.token or secrets.token_urlsafe(12)  # whose claims are this process's own
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
        """Whether anything has needed the database yet."""
        return "_database" in self.__dict__

    @property
    def database(self) -> Database:
        with self._making:
            return self._database

    @cached_property
    def _database(self) -> Database:
        database = connect(self.settings)
        open_ledger(database, self.identity.key, self.identity.name, SHAPES, origin=self.identity.ledger)
        return database

    @cached_property
    def store(self) -> PostgresStore:
        return PostgresStore(self.database, self.identity.ledger, SHAPES, key=self.identity.key)

    @cached_property
    def tables(self) -> PostgresTables:
        return PostgresTables(self.database, self.identity.key, self.catch_up)

    @cached_property
    def handler(self) -> Handler:
        return Handler(self.store, TableNeighbourhood(self.tables), propose, self.catch_up)

    @cached_property
    def afterwards(self) -> Afterwards:
        """What follows a write that was recorded: the status file, when the ledger's settings want one."""
        return Afterwards(self._keep_status)

    def catch_up(self) -> None:
        """Brings this program's read models up to the log, when another program has written past them."""
        catch_up(self.store, self.tables)

    def as_seen_by(self, token: str, by: str | None) -> "App":
        """The same ledger for one of many callers of this process: whose claims are its own, and who acts."""
        with suppress(
            LedgerError
        ):  # what is shared exists before it is copied; while it cannot be opened, the call says so
            _ = self.database, self.store, self.tables, self.handler
        seen = copy.copy(self)
        seen.token = token
        seen.settings = replace(self.settings, by=by or self.settings.by)
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
            return self._standing(category, known.details["id"], repeated=True)
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
        self.afterwards.soon()
        return recorded

    def new_command_id(self) -> UUID:
        return command_id_at(self.clock(), os.urandom(10))

    def actor(self, by: str | None) -> str:
        """Who acts: whom the call names, else the settings, else the user of this machine."""
        return by or self.settings.by or user_name()

    def reconnect(self, error: LedgerError) -> bool:
        """After a lost connection: whether asking once more may help. An embedded server that died is started again."""
        if not self.opened:
            return False
        if self.settings.dsn is None:
            embedded_server(self.settings).ensure()
        elif isinstance(error, Unavailable) and "sqlstate" not in error.details:
            return False  # nobody was there to connect to, and a caller waits for that once
        self.database.forget()
        return True

    def close(self) -> None:
        if "afterwards" in self.__dict__:
            self.afterwards.finish()
        if self.opened:
            self._database.close()

    def _keep_status(self) -> None:
        # imported here for start-up: the report's templates are needed by few processes
        from projections.status_file import keep_status

        keep_status(self)

    def _done(self, category: str, command: Command, recorded: Recorded) -> Done:
        thing: str = command.id  # type: ignore[attr-defined]  # whoever asks for more or less than one thing records it
        version = recorded.streams.get(f"{category}-{thing}")
        if version is None:
            if recorded.streams:  # what changed is another thing, as when the mirror of a link is stored
                stream, version = next(iter(recorded.streams.items()))
                category, thing = category_of(stream), id_of(stream)
            else:
                return self._standing(category, thing)
        return Done(
            outcome="committed",
            category=category,
            id=thing,
            version=version,
            position=recorded.positions[-1],
            repeated=recorded.repeated,
            beside=recorded.beside if next(iter(recorded.streams)) == f"{category}-{thing}" else None,
        )

    def _standing(self, category: str, thing: str, *, repeated: bool = False) -> Done:
        """Nothing had to change: where the thing stands already."""
        past = self.store.read_streams([f"{category}-{thing}"]).events.get(f"{category}-{thing}", [])
        newest = past[-1] if past else None
        return Done(
            outcome="committed",
            category=category,
            id=thing,
            version=newest.version if newest else 0,
            position=newest.position if newest else None,
            repeated=repeated,
            unchanged=not repeated,
        )
