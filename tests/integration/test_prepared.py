"""What is asked again and again is planned once, and kept on the server; a start opens one session to ask it."""

from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from msgspec.structs import replace

from ledger.errors import LedgerError
from ledger.postgres.connection.connect import connect
from ledger.postgres.connection.database import ON_REQUEST
from ledger.settings import Settings
from projections.application.app import App
from projections.operations.catalog import OPERATIONS
from projections.tables.postgres import PostgresTables
from tests.conftest import NewDatabase, Perform

KEPT = "SELECT statement FROM pg_prepared_statements"
PLAN_MODE = "SELECT current_setting('plan_cache_mode')"
PLANS = """
    SELECT generic_plans, custom_plans FROM pg_prepared_statements
    WHERE statement LIKE '%total FROM vendors vendor%' AND statement NOT LIKE '%generic_plans%'
"""
COUNT: tuple[str, dict[str, Any]] = ("vendors/count", {"status": "operational", "format": None})
BY_NAME: tuple[str, dict[str, Any]] = ("vendors/by_name", {"name_key": "acme"})
READ = """
    SELECT indexrelname, idx_tup_read FROM pg_stat_user_indexes UNION ALL
    SELECT relname, seq_tup_read FROM pg_stat_user_tables
"""  # rows, which a session that has ended has reported


@pytest.fixture
def keeping(app: App) -> App:
    if not app.database.prepares:
        pytest.skip("this run goes through a pooler that keeps no statements")
    return app


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[psycopg.Connection]:
    """Every session that the test opens."""
    sessions: list[psycopg.Connection] = []
    opens = psycopg.Connection.connect.__func__  # type: ignore[attr-defined]  # of a class method

    def opening(cls: Any, *arguments: Any, **named: Any) -> Any:
        sessions.append(opens(cls, *arguments, **named))
        return sessions[-1]

    monkeypatch.setattr(psycopg.Connection, "connect", classmethod(opening))
    return sessions


@pytest.mark.processes
def test_a_question_of_one_plan_is_kept_on_the_server(
    keeping: App, new_database: NewDatabase, migrated: str, settings: Settings
) -> None:
    with closing(App(replace(settings, dsn=new_database(migrated)))) as app, app.database.transaction() as connection:
        app.tables.ask("vendors/by_name", name_key="acme")
        kept = {statement.splitlines()[0] for (statement,) in connection.execute(KEPT).fetchall()}

    assert any("The vendor of a name" in statement for statement in kept)


@pytest.mark.processes
def test_what_was_planned_while_a_log_was_small_reads_no_more_when_it_has_grown(
    new_database: NewDatabase, migrated: str, settings: Settings
) -> None:
    dsn, commands = new_database(migrated), 300
    with closing(App(replace(settings, dsn=dsn))) as app:
        for number in range(commands):
            OPERATIONS["create_work_item"].perform(app, {"item_type": "task", "title": f"Item {number}"})

    with psycopg.connect(dsn) as connection:
        read = dict(connection.execute(READ).fetchall())
    assert {table: count for table, count in read.items() if count > 20 * commands} == {}


@pytest.mark.processes
def test_a_question_with_filters_is_kept_for_each_choice_of_them_and_planned_for_their_values(
    keeping: App, new_database: NewDatabase, migrated: str
) -> None:
    with closing(App(replace(keeping.settings, dsn=new_database(migrated)))) as app:
        for status in (*["operational"] * 10, None):  # after five the server would compare
            app.tables.ask("vendors/count", status=status, format=None)
            with app.tables.snapshot() as snapshot:
                snapshot.ask_all([BY_NAME, COUNT])
        plans = app.database.call(PLANS)

    assert sorted(plans) == [(0, 1), (0, 21)]


@pytest.mark.parametrize(
    ("asked", "mode"),
    [([], "force_generic_plan"), ([COUNT], "force_custom_plan"), ([COUNT, BY_NAME], "force_generic_plan")],
)
def test_the_values_of_filters_may_alter_the_plan_of_their_question_alone(
    keeping: App, asked: list[tuple[str, dict[str, Any]]], mode: str
) -> None:
    with keeping.tables.snapshot() as snapshot:
        for question, given in asked:
            snapshot.ask(question, **given)
        assert keeping.database.call(PLAN_MODE) == [(mode,)]


def test_a_view_within_a_transaction_leaves_its_plans_as_they_are(keeping: App) -> None:
    with keeping.database.transaction():
        before = keeping.database.call(PLAN_MODE)
        with keeping.tables.snapshot() as snapshot:
            for question, given in (BY_NAME, COUNT):
                snapshot.ask(question, **given)

        assert keeping.database.call(PLAN_MODE) == before


def test_a_view_that_is_refused_leaves_the_connection_fit_for_the_next(keeping: App, perform: Perform) -> None:
    made = perform("create_vendor", name="Acme")
    perform("query_vendor_status", name="Acme")
    stranger = PostgresTables(keeping.database, uuid4())
    stranger._generations = keeping.tables._generations
    keeping.database.forget()

    with pytest.raises(LedgerError):
        stranger.ask("vendors/by_name", name_key="acme")

    assert perform("query_vendor_status", name="Acme")["id"] == made["id"]


def test_the_session_that_looked_at_the_schema_is_the_one_that_is_asked(
    dsn: str, tmp_path: Path, opened: list[psycopg.Connection]
) -> None:
    with closing(connect(Settings(project=tmp_path, dsn=dsn, pgdata=tmp_path))) as database:
        assert database.call("SELECT 1") == [(1,)]

    assert [session.closed for session in opened] == [True]
    assert opened[0].prepare_threshold == ON_REQUEST  # what is asked once is not kept, as in every session of the pool


def test_a_session_that_was_never_asked_is_closed_with_its_database(
    dsn: str, tmp_path: Path, opened: list[psycopg.Connection]
) -> None:
    connect(Settings(project=tmp_path, dsn=dsn, pgdata=tmp_path)).close()

    assert [session.closed for session in opened] == [True]
