"""The composition root: a ledger for a program, made of its runtime, its synchronisation and what follows a write."""

import os
from collections.abc import Callable, Hashable
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from msgspec.structs import replace

from ledger.envelope import Recorded, Scope, command_id_at
from ledger.handler import Handler
from ledger.identity import Identity
from ledger.machine.jobs import Jobs
from ledger.postgres.connection.database import Database
from ledger.postgres.connection.pools import Pools
from ledger.postgres.store import PostgresStore
from ledger.settings import Settings
from projections.application.debounced import Debounced
from projections.application.known_projects import remember
from projections.application.layers import Layer
from projections.application.runtime import Opened, Runtime
from projections.application.sync import Synchronization
from projections.application.view import LedgerView, Principal
from projections.local_copy.working_files import WorkingFiles
from projections.tables.postgres import PostgresTables

KeepStatus = Callable[["App", LedgerView | None], None]
RenewCopies = Callable[["App"], None]


class App:
    """One ledger, for one principal of this process. Safe for many threads.

    `store`, `tables` and `handler` are those of the database; an operation is given a `LedgerView` instead, of the
    layer that answers.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        keep_status: KeepStatus = lambda app, view: None,
        renew_copies: RenewCopies = lambda app: None,
        opened: Opened = remember,
        pools: Pools | None = None,
        jobs: Jobs | None = None,
    ) -> None:
        """`keep_status(app, view)` follows writes: it keeps the status file from that view, or from whatever answers.

        It may be slow and must not raise. `renew_copies(app)` follows an erasure: it rewrites what the project holds
        of the log. `opened` notes the ledger among the user's projects. Ledgers that are given the same `pools` share
        the connections to their database, and those with the same `jobs` the threads of what goes on in the background.
        """
        self.principal = Principal(project=settings.project, token=settings.token, by=settings.by)
        self.answered_by: Layer | None = None  # the layer of the newest answer
        self._keep_status = keep_status
        self._renew_copies = renew_copies
        self.runtime = Runtime(settings, clock, lambda database: self.sync.open_in(database), opened, pools, jobs)
        self.jobs = self.runtime.jobs
        self.after_write = Debounced(self._after_write, lambda: self.local.followed, self.jobs, self.lane)
        self.sync = Synchronization(self.runtime, self.after_write, lambda: renew_copies(self))

    def for_project(self, project: Path) -> "App":
        """The ledger of another folder, for the same process: the two share connections and threads."""
        return App(
            replace(self.runtime.given, project=project.expanduser().absolute()),
            keep_status=self._keep_status,
            renew_copies=self._renew_copies,
            pools=self.runtime.pools,
            jobs=self.jobs,
        )

    def for_principal(self, by: str | None, scope: Scope = "admin", token: str | None = None) -> "App":
        """The same ledger for another caller of this process: who acts, what it may do, what it holds claims with."""
        project = self.settings.project
        return _Shared(self, Principal(project=project, token=token, by=by or self.settings.by, scope=scope))

    @property
    def identity(self) -> Identity:
        return self.runtime.identity

    @property
    def has_ledger(self) -> bool:
        return self.runtime.has_ledger

    @property
    def settings(self) -> Settings:
        return self.runtime.settings

    @property
    def clock(self) -> Callable[[], datetime]:
        return self.runtime.clock

    @property
    def home(self) -> Path:
        return self.runtime.home

    @property
    def local(self) -> WorkingFiles:
        return self.runtime.local

    @property
    def database(self) -> Database:
        return self.runtime.database

    @property
    def store(self) -> PostgresStore:
        return self.runtime.store

    @property
    def tables(self) -> PostgresTables:
        return self.runtime.tables

    @property
    def handler(self) -> Handler:
        return self.runtime.handler

    def live_view(self) -> LedgerView:
        """The ledger in the database. Raises Unavailable when it is away."""
        return self.on_layer(self.runtime.live())

    def on_layer(self, layer: Layer) -> LedgerView:
        """The ledger, seen and changed through one layer."""
        return LedgerView(self.runtime, layer, self.principal, self._written)

    def actor(self, by: str | None) -> str:
        return self.principal.actor(by)

    def lane(self) -> Hashable:
        """Where its jobs wait for their turn: with those of the ledgers in the same database."""
        return self.settings.dsn

    def new_command_id(self) -> UUID:
        return command_id_at(self.clock(), os.urandom(10))

    def close(self) -> None:
        """Ends what was opened."""
        self.sync.end()
        self.after_write.finish()
        self.runtime.close()

    def _written(self, view: LedgerView, recorded: Recorded) -> None:
        if recorded.place is not None and not self.runtime.contact.ready:
            self.after_write.at_once(lambda: self._show_waiting(view))
        else:
            self.after_write.soon()

    def _show_waiting(self, view: LedgerView) -> None:
        """What is queued can be seen in two places, and the status file is one: without a word to the database."""
        self._keep_status(self, view if view.layer.kind.replaces_journal else self.on_layer(self.runtime.journal()))

    def _after_write(self) -> None:
        self.sync.let_drain_go_first()
        self.sync.follow_quietly()
        self._keep_status(self, None)


class _Shared(App):
    """Another principal of the same process: it shares what the first one opened, and closes nothing."""

    def __init__(self, first: App, principal: Principal) -> None:
        self.principal = principal
        self.answered_by = None
        self._keep_status, self._renew_copies, self.jobs = first._keep_status, first._renew_copies, first.jobs
        self.runtime, self.after_write, self.sync = first.runtime, first.after_write, first.sync

    def close(self) -> None:
        return
