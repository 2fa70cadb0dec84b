"""A primary and a standby that streams from it, for tests that ask both. Replay on the standby can be paused."""

import contextlib
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

from ledger import identity
from ledger.errors import Unavailable
from ledger.postgres.connection.connect import connect
from ledger.postgres.replica import Replica
from ledger.settings import Settings
from projections.application.app import App
from tests.support.cluster import Node
from tests.support.waits import until

ROLE = "team"  # works with ledgers and may nothing else
ALLOWED = 600.0  # seconds that a replica's answer may be old: more than any test takes


class Pair:
    """Started when made; `end` ends it."""

    def __init__(self) -> None:
        memory = Path("/dev/shm")
        self.root = Path(tempfile.mkdtemp(prefix="tl-replicas-", dir=memory if memory.is_dir() else "/tmp"))
        self.root.chmod(0o755)
        self.primary, self.standby = Node(self.root, "primary"), Node(self.root, "standby")
        self.primary.initialise()
        self.primary.start()
        with self.on_primary() as administrator:
            administrator.execute(f"CREATE ROLE {ROLE} LOGIN")
        self.migrate()
        with self.on_primary() as administrator:
            administrator.execute(f"GRANT tracking_ledger_writer TO {ROLE}")
        self.renew()

    @property
    def dsn(self) -> str:
        return make_conninfo(self.primary.conninfo, user=ROLE)

    @property
    def read_dsn(self) -> str:
        return self.read_dsn_of(self.standby)

    def read_dsn_of(self, standby: Node) -> str:
        return make_conninfo(standby.conninfo, user=ROLE)

    def on_primary(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(self.primary.conninfo, autocommit=True)

    def on_standby(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(self.standby.conninfo, autocommit=True)

    def migrate(self) -> None:
        connect(Settings(project=self.root, pgdata=self.root / "unused", dsn=self.primary.conninfo)).close()

    def renew(self) -> None:
        """A standby as it is made, whatever was done to the one before."""
        self.standby.send(signal.SIGCONT)
        self.standby.destroy()
        self.standby.copy_of(self.primary)
        self.standby.start()

    @contextlib.contextmanager
    def another_standby(self) -> Iterator[Node]:
        node = Node(self.root, "another")
        try:
            node.copy_of(self.primary)
            node.start()
            yield node
        finally:
            node.destroy()

    def pause(self) -> None:
        with self.on_standby() as standby:
            standby.execute("SELECT pg_wal_replay_pause()")
            while standby.execute("SELECT pg_get_wal_replay_pause_state()").fetchone() != ("paused",):
                time.sleep(0.01)

    def catch_up(self) -> None:
        """Replay goes on, and when this returns the standby has what the primary had."""
        with self.on_primary() as primary, self.on_standby() as standby:
            standby.execute("SELECT pg_wal_replay_resume()")
            [wanted] = primary.execute("SELECT pg_current_wal_lsn()").fetchall()
            reached = "SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn"
            until(lambda: standby.execute(reached, wanted).fetchone() == (True,))

    def end(self) -> None:
        for node in (self.primary, self.standby):
            with contextlib.suppress(OSError):
                node.send(signal.SIGCONT)
            node.destroy()
        shutil.rmtree(self.root, ignore_errors=True)


def machine(pair: Pair, folder: Path, name: str, *, read_dsn: str | None = None) -> Settings:
    """Settings of a machine with working files of its own, in a project that several of them share."""
    project = folder / "project"
    if not project.exists():
        project.mkdir(parents=True)
        identity.create(project)
    return Settings(
        project=project,
        dsn=pair.dsn,
        read_dsn=read_dsn or pair.read_dsn,
        home=folder / name,
        pgdata=folder / "unused",
        by=name,
        read_seconds=ALLOWED,
        call_seconds=600.0,  # what ends before has noticed that a server is silent
    )


def followed(app: App, pair: Pair) -> None:
    """This machine knows the whole log, and so does the standby, which it has reached where it asks one."""
    until(lambda: is_whole(app))
    pair.catch_up()
    if (replica := app.runtime.replica) is not None:
        until(lambda: is_reached(replica))


def is_whole(app: App) -> bool:
    """Nothing of this machine waits: a busy one may take more than a second to connect, and queues."""
    try:
        app.sync.require_drained()
        return app.sync.follow()
    except Unavailable:
        return False


def is_reached(replica: Replica) -> bool:
    try:
        return replica.state().follows
    except Unavailable:
        return False
