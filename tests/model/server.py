"""A PostgreSQL of its own whose clock can be moved on, so that a lease ends without waiting for it."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import LiteralString
from uuid import UUID

import psycopg

from ledger.embedded.server import EmbeddedServer
from ledger.postgres.connection.connect import APPLICATION, DATABASE, OWNER, connect
from ledger.settings import Settings

# the functions that ask for the time find this one before the server's own
CLOCK: tuple[LiteralString, ...] = (
    "CREATE TABLE tracking_ledger.shift (by interval NOT NULL)",
    "INSERT INTO tracking_ledger.shift VALUES ('0')",
    "CREATE FUNCTION tracking_ledger.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS"
    " 'SELECT pg_catalog.clock_timestamp() + by FROM tracking_ledger.shift'",
    "ALTER FUNCTION tracking_ledger.append_event SET search_path = tracking_ledger, pg_catalog, pg_temp",
    "ALTER FUNCTION tracking_ledger.append_events SET search_path = tracking_ledger, pg_catalog, pg_temp",
    "ALTER FUNCTION tracking_ledger.read_streams SET search_path = tracking_ledger, pg_catalog, pg_temp",
)
WITHOUT_GUARD: LiteralString = "ALTER TABLE tracking_ledger.events DISABLE TRIGGER events_are_never_changed"
WITH_GUARD: LiteralString = "ALTER TABLE tracking_ledger.events ENABLE TRIGGER events_are_never_changed"


class Server:
    """The server, and what only its owner may do to it."""

    def __init__(self, root: Path, server: EmbeddedServer) -> None:
        self.root = root
        self.dsn = server.conninfo(APPLICATION, DATABASE)
        self.owner_dsn = server.conninfo(OWNER, DATABASE)
        self._owner = psycopg.connect(self.owner_dsn, autocommit=True)
        self._shift = timedelta(0)
        for statement in CLOCK:
            self._owner.execute(statement)

    def clock(self) -> datetime:
        """The time of the ledger and of every machine."""
        return datetime.now(UTC) + self._shift

    def move_clock(self, by: timedelta) -> None:
        self._shift += by
        self._owner.execute("UPDATE tracking_ledger.shift SET by = %s", [self._shift])

    def lose(self, ledger: UUID, *, after: int) -> None:
        """As a standby that leads now and never had what stands behind this position."""
        with self._owner.transaction():
            self._owner.execute("SELECT set_config('ledger.id', %s, true)", [str(ledger)])
            self._owner.execute(WITHOUT_GUARD)
            self._owner.execute(
                "DELETE FROM tracking_ledger.events WHERE ledger_id = %s AND position > %s", [ledger, after]
            )
            self._owner.execute(WITH_GUARD)

    def close(self) -> None:
        self._owner.close()


@contextmanager
def running() -> Iterator[Server]:
    memory = Path("/dev/shm")
    place = memory if os.access(memory, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="tracking-ledger-model-", dir=place) as folder:
        root = Path(folder)
        embedded = EmbeddedServer(root / "postgres")
        try:
            connect(Settings(project=root, pgdata=root / "postgres")).close()
            server = Server(root, embedded)
            yield server
            server.close()
        finally:
            embedded.stop()
