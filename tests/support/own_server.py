"""A PostgreSQL of a test's own, to be frozen or killed: its folder lies in memory where the machine has any."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ledger.embedded.server import EmbeddedServer
from ledger.postgres.connection.connect import connect
from ledger.settings import Settings

MEMORY = Path("/dev/shm")


@contextmanager
def own_server(name: str) -> Iterator[EmbeddedServer]:
    """A server that runs and has the schema; at the end it is stopped, and its folder removed."""
    place = MEMORY if os.access(MEMORY, os.W_OK) else None
    root = Path(tempfile.mkdtemp(prefix=f"tracking-ledger-{name}-", dir=place))
    server = EmbeddedServer(root / "postgres")
    try:
        connect(Settings(project=root, pgdata=root / "postgres")).close()
        yield server
    finally:
        server.stop()
        shutil.rmtree(root, ignore_errors=True)
