"""A ledger as one principal sees it through one layer: what an operation is given."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from ledger.envelope import Command, Recorded, Scope, Submission, command_id_at
from ledger.handler import Decide
from ledger.identity import Identity
from ledger.postgres.connection import deadline
from ledger.settings import Settings, user_name
from projections.application.clones import require_own_history
from projections.application.layers import Layer
from projections.application.own_token import own_token
from projections.application.runtime import Runtime
from projections.local_copy.as_of_tables import FOLDER, tables_as_of
from projections.local_copy.working_files import WorkingFiles
from projections.questions.log.as_of import Point, position_of, snapshot_at
from projections.tables.contract import Snapshot


class Principal(Struct, frozen=True, kw_only=True):
    """Who asks: who acts where a call names no one (`by`), what it may do. `token` tells its claims from those of
    others who act under the same name; None where the name is enough."""

    project: Path
    token: str | None = None
    by: str | None = None
    scope: Scope = "admin"

    def actor(self, by: str | None) -> str:
        """Who acts: the one that the call names, else this principal, else the user of this machine."""
        return by or self.by or user_name(self.project)


class LedgerView:
    """`store`, `tables` and `handler` are those of the layer, so that no operation knows which layer it is.

    `written` is called after each write, with what was recorded. `as_of` is the position whose tables these are; None
    for those of now.
    """

    def __init__(
        self,
        runtime: Runtime,
        layer: Layer,
        principal: Principal,
        written: "Callable[[LedgerView, Recorded], None]",
        as_of: int | None = None,
    ) -> None:
        self.as_of = as_of
        self.layer = layer
        self.store = layer.store
        self.tables = layer.tables
        self.handler = layer.handler
        self.principal = principal
        self._runtime = runtime
        self._written = written

    @property
    def identity(self) -> Identity:
        return self._runtime.identity

    @property
    def settings(self) -> Settings:
        return self._runtime.settings

    @property
    def home(self) -> Path:
        return self._runtime.home

    @property
    def local(self) -> WorkingFiles:
        return self._runtime.local

    @property
    def clock(self) -> Callable[[], datetime]:
        return self._runtime.clock

    def actor(self, by: str | None) -> str:
        return self.principal.actor(by)

    def token_of(self, by: str | None) -> str:
        """What the one who acts holds claims with."""
        return self.principal.token or own_token(lambda: self.home, self.actor(by))

    def new_command_id(self) -> UUID:
        return command_id_at(self.clock(), os.urandom(10))

    @contextmanager
    def snapshot(self, as_of: Point | None = None) -> Iterator[Snapshot]:
        """What there is now, or was at a position or time. Raises Invalid for a point that is not in the log yet."""
        if as_of is None or as_of == self.as_of:
            with self.tables.snapshot() as snapshot:
                yield snapshot
        else:
            with snapshot_at(self.store, as_of, self.home / FOLDER) as snapshot:
                yield snapshot

    @contextmanager
    def earlier(self, as_of: Point) -> Iterator["LedgerView"]:
        """The ledger as it was at a position or time, for any number of questions. Raises what `snapshot` raises."""
        position = position_of(self.store, as_of)
        with tables_as_of(self.store, position, self.home / FOLDER) as tables:
            then = replace(self.layer, tables=tables)
            yield LedgerView(self._runtime, then, self.principal, self._written, position)

    def record(
        self,
        command: Command,
        *,
        by: str | None = None,
        command_id: UUID | None = None,
        occurred_at: datetime | None = None,
        token: str | None = None,
        decide: Decide | None = None,
    ) -> Recorded:
        """Decides a command and records what follows from it. Raises what the rules and the store refuse.

        `decide` stands in for the command's own decider, see `Handler.execute`.
        """
        now = self.clock()
        if self.layer.is_live:
            require_own_history(self._runtime.store, self.identity.project)
        recorded = self.handler.execute(
            Submission(
                command=command,
                command_id=command_id or self.new_command_id(),
                by=self.actor(by),
                occurred_at=occurred_at or now,
                token=token or self.token_of(by),
                scope=self.principal.scope,
            ),
            decide,
        )
        deadline.clear()
        self._runtime.conflict_watch.note_write(recorded)
        self._written(self, recorded)
        return recorded
