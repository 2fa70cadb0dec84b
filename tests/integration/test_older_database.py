"""A database with data in it, as an older program left it, goes on under this one: nothing of it is lost or different.

`tests/golden/older_database.sql` is what `pg_dump --inserts` wrote of a small ledger and of the functions then.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from ledger.postgres.connection.connect import APPLICATION
from ledger.postgres.migrate import migrate
from ledger.settings import Settings
from projections.application.app import App
from projections.maintenance.verify import verify
from projections.tables.replay import check
from tests.conftest import NewDatabase
from tests.support.calls import ask
from tests.support.schema import schema

OLDER = Path(__file__).parent.parent / "golden" / "older_database.sql"
LEDGER = "a305251a-8736-4d3c-8d28-f8f1a75aea3c"
PARSER = "547f989e-2f0e-520b-9af5-d1829c5e816d"
SAID = "SELECT position, digest, data FROM tracking_ledger.events ORDER BY position"


@pytest.fixture
def upgraded(new_database: NewDatabase) -> str:
    """How the owner of the database reaches it, after this program has migrated it."""
    dsn = new_database()
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(OLDER.read_bytes())
    with psycopg.connect(dsn, autocommit=True) as connection:
        migrate(connection)
    return dsn


@pytest.fixture
def app(upgraded: str, tmp_path: Path) -> Iterator[App]:
    project = tmp_path / "project"
    (project / ".ledger").mkdir(parents=True)
    (project / ".ledger" / "ledger.json").write_text(json.dumps({"ledger": LEDGER, "name": "shop"}))
    dsn = make_conninfo(upgraded, user=APPLICATION)
    app = App(Settings(project=project, dsn=dsn, home=tmp_path / "home", pgdata=tmp_path / "unused", by="ann"))
    yield app
    app.close()


@pytest.mark.processes
def test_its_schema_is_that_of_a_fresh_one(upgraded: str, new_database: NewDatabase) -> None:
    with psycopg.connect(new_database(), autocommit=True) as fresh, psycopg.connect(upgraded) as connection:
        migrate(fresh)

        assert schema(connection) == schema(fresh)


def test_what_was_recorded_is_read_proved_and_equal_to_its_read_models(app: App) -> None:
    listed = {item["title"]: item for item in ask(app, "list_work_items")["items"]}

    assert {title: item["status"] for title, item in listed.items()} == {
        "Shop": "active",
        "Parser": "active",
        "Docs": "active",
        "Under": "active",
        "Finished": "completed",
    }
    assert ask(app, "query_work_item", id=listed["Shop"]["id"])["metadata"] == {"k": [1, "ü"]}
    assert ask(app, "query_vendor_status")["items"][0]["test_results"]["passing"] == 3
    assert check(app.store, app.tables).equal
    assert verify(app).differences == ()


@pytest.mark.processes
def test_it_is_written_to_and_each_event_of_before_stays_as_it_was(app: App, upgraded: str) -> None:
    with psycopg.connect(upgraded) as connection:
        before = connection.execute(SAID).fetchall()

    made = ask(app, "create_work_item", item_type="task", title="New", due="2026-12-24")
    changed = ask(app, "update_work_item", id=PARSER, version=3, status="completed", force=True, reason="it is done")

    with psycopg.connect(upgraded) as connection:
        after = connection.execute(SAID).fetchall()
    assert (made["position"], changed["version"]) == (13, 4)
    assert after[:12] == before
    assert check(app.store, app.tables).equal
