"""One ledger of every kind there is, each of them empty."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from ledger.postgres.connection.database import Database
from tests.support.ledgers import Ledger, in_memory, on_postgres


@pytest.fixture(scope="session")
def database(dsn: str) -> Iterator[Database]:
    database = Database(dsn)
    yield database
    database.close()


@pytest.fixture(params=["memory", "postgres"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    if request.param == "postgres":
        yield on_postgres(request.getfixturevalue("database"), uuid4())
        return
    with in_memory(tmp_path / "rows.sqlite3", uuid4()) as ledger:
        yield ledger
