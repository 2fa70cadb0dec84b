"""The log and the replay as a library: what its guide shows, and what it promises of a rebuild."""

import re
import threading
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from ledger.aggregates.vendor.commands import CreateVendor
from ledger.embedded.server import EmbeddedServer
from ledger.envelope import RecordedEvent, stream_id
from ledger.errors import Refused
from ledger.postgres.connection.connect import DATABASE
from ledger.postgres.connection.database import Database
from ledger.postgres.own_table import rebuild
from ledger.settings import Settings
from tests.support.erasures import erase
from tests.support.given import numbered
from tests.support.ledgers import Ledger, on_postgres

pytestmark = pytest.mark.processes

GUIDE = Path(__file__).parents[2] / "docs" / "library.md"
EXAMPLES = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.S)
MANY = 30


@pytest.fixture
def own_dsn(server: EmbeddedServer) -> Iterator[str]:
    """An empty database of another program."""
    name = f"own_{uuid4().hex}"
    with psycopg.connect(server.conninfo("postgres", DATABASE), autocommit=True) as administrator:
        administrator.execute(psycopg.sql.SQL("CREATE DATABASE {}").format(psycopg.sql.Identifier(name)))
        yield server.conninfo("postgres", name)
        administrator.execute(psycopg.sql.SQL("DROP DATABASE {} WITH (FORCE)").format(psycopg.sql.Identifier(name)))


@pytest.fixture
def own(server: EmbeddedServer, dsn: str) -> Iterator[tuple[Ledger, psycopg.Connection]]:
    """A ledger, and a connection on which a table of another program is kept beside it."""
    database = Database(dsn)
    with psycopg.connect(server.conninfo("postgres", DATABASE), autocommit=True) as connection:
        connection.execute("CREATE SCHEMA own CREATE TABLE names (id text PRIMARY KEY, version int NOT NULL)")
        yield on_postgres(database, uuid4()), connection
        connection.execute("DROP SCHEMA own CASCADE")
    database.close()


class Names:
    """How often each stream was written to."""

    def __init__(self) -> None:
        self.versions: dict[str, int] = {}

    def add(self, event: RecordedEvent) -> str:
        self.versions[event.stream_id] = event.version
        return event.stream_id

    def row(self, key: str) -> tuple[str, int]:
        return key, self.versions[key]

    def keys(self) -> list[str]:
        return list(self.versions)


def create(ledger: Ledger, number: int) -> None:
    ledger.execute(number, CreateVendor(id=numbered(number), name=f"Vendor {number}"))


def test_the_example_in_the_guide_runs(own_dsn: str) -> None:
    exec(compile(EXAMPLES[0], str(GUIDE), "exec"), {"dsn": own_dsn, "__name__": "example"})


def test_the_guide_s_lines_call_the_operations_in_this_process(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEDGER_PROJECT", str(settings.project))
    monkeypatch.setenv("LEDGER_HOME", str(settings.home))
    monkeypatch.setenv("LEDGER_DSN", str(settings.dsn))

    exec(compile(EXAMPLES[1], str(GUIDE), "exec"), {"__name__": "example"})


def test_a_reader_sees_all_old_rows_until_it_sees_all_new_ones(own: tuple[Ledger, psycopg.Connection]) -> None:
    ledger, connection = own
    for number in range(MANY):
        create(ledger, number)
    rebuild(ledger.store, connection, "own.names", Names())
    done, seen = threading.Event(), set()

    def read() -> None:
        with psycopg.connect(connection.info.dsn, autocommit=True) as other:
            while not done.is_set():
                seen.add(other.execute("SELECT count(*) FROM own.names").fetchall()[0][0])

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(MANY, MANY + 5):
        create(ledger, number)
        rebuild(ledger.store, connection, "own.names", Names())
    done.set()
    reader.join()

    assert min(seen) >= MANY
    assert connection.execute("SELECT count(*) FROM own.names").fetchall() == [(MANY + 5,)]


def test_what_is_recorded_while_the_rows_are_made_is_among_them(own: tuple[Ledger, psycopg.Connection]) -> None:
    ledger, connection = own
    create(ledger, 1)
    left = [2, 3]

    def on_progress(position: int) -> None:
        while left:
            create(ledger, left.pop())

    reached = rebuild(ledger.store, connection, "own.names", Names(), on_progress)

    assert reached == 3
    assert connection.execute("SELECT count(*) FROM own.names").fetchall() == [(3,)]


def test_a_table_is_not_swapped_that_was_folded_from_texts_erased_meanwhile(
    own: tuple[Ledger, psycopg.Connection], owner_dsn: str
) -> None:
    ledger, connection = own
    ledger.execute(1, CreateVendor(id=numbered(1), name="Acme"))
    done: list[int] = []

    def erasing(position: int) -> None:
        if not done:
            done.append(position)
            erase(ledger, owner_dsn, stream_id("vendor", numbered(1)))

    with pytest.raises(Refused, match="erased while"):
        rebuild(ledger.store, connection, "own.names", Names(), erasing)

    assert connection.execute("SELECT count(*) FROM own.names").fetchall() == [(0,)]
