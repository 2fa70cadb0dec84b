"""Bringing a database to the schema: from nothing, from any older one, by several at once."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from msgspec.structs import replace
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from ledger.aggregates.work_item.state import LINK_KINDS
from ledger.embedded.server import EmbeddedServer
from ledger.errors import NewerProgramNeeded, Refused, Unavailable
from ledger.postgres import migrate as migrating
from ledger.postgres.connection import probe
from ledger.postgres.connection.connect import OWNER, WRITER, connect
from ledger.postgres.connection.probe import prove
from ledger.postgres.migrate import is_current, migrate
from ledger.resources import folder
from ledger.settings import Settings
from projections.application.app import App
from projections.cli.terminal import exits
from projections.read_models.catalog import PROJECTIONS
from tests.conftest import NewDatabase
from tests.support import forked, writers
from tests.support.command_line import run
from tests.support.schema import Schema, schema

BARE = "tracking_ledger_bare"
MIGRATIONS = sorted(file.stem for file in (folder("sql") / "migrations").glob("*.sql"))


@contextmanager
def program_of(files: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Inside, the program is one that has only these SQL files."""
    with monkeypatch.context() as patch:
        patch.setattr(migrating, "folder", lambda _: files)
        yield


@pytest.mark.processes
def test_a_fresh_database_is_brought_to_the_schema_and_is_then_current(new_database: NewDatabase) -> None:
    with psycopg.connect(new_database(), autocommit=True) as connection:
        before = is_current(connection)
        applied = migrate(connection)

        assert (before, is_current(connection)) == (False, True)
        assert applied == [*MIGRATIONS, "functions", "grants"]


@pytest.mark.processes
def test_the_planner_knows_that_a_generation_belongs_to_one_ledger(new_database: NewDatabase) -> None:
    names = ("work_items", "vendors", "deployments", "enhancements", "configurations", "conflicts")
    fill = """INSERT INTO {} (ledger_id, generation, id, version, position, doc)
              SELECT md5(l::text)::uuid, l, md5(n::text), 1, n, '{{}}'
              FROM generate_series(1, 200) l, generate_series(1, 20) n"""
    expected = {}
    with psycopg.connect(new_database(), autocommit=True) as connection:
        migrate(connection)
        for name in names:
            table = sql.Identifier("tracking_ledger", name)
            for statement in ("ALTER TABLE {} DISABLE ROW LEVEL SECURITY", fill, "ANALYZE {}"):
                connection.execute(sql.SQL(statement).format(table))
            one = "EXPLAIN (FORMAT JSON) SELECT FROM {} WHERE ledger_id = md5('7')::uuid AND generation = 7"
            [[[plan]]] = connection.execute(sql.SQL(one).format(table)).fetchall()
            expected[name] = plan["Plan"]["Plan Rows"]

    assert all(10 <= rows <= 40 for rows in expected.values()), expected


def test_the_index_of_links_has_every_kind_of_link(new_database: NewDatabase) -> None:
    with psycopg.connect(new_database(), autocommit=True) as connection:
        migrate(connection)
        found = connection.execute("SELECT indexdef FROM pg_indexes WHERE indexname = 'entries_from'").fetchone()

    assert found is not None
    assert set(re.findall(r"'(\w+)'::text", found[0])) == set(LINK_KINDS)


@pytest.mark.processes
def test_a_fresh_database_has_the_columns_and_indexes_that_the_read_models_declare(new_database: NewDatabase) -> None:
    kept = ("ledger_id", "generation", "id", "version", "position", "doc")
    with psycopg.connect(new_database(), autocommit=True) as connection:
        migrate(connection)
        columns = connection.execute(
            "SELECT table_name, column_name, data_type, collation_name FROM information_schema.columns"
            " WHERE table_schema = 'tracking_ledger' ORDER BY table_name, ordinal_position"
        ).fetchall()
        indexes = connection.execute(
            "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'tracking_ledger'"
        ).fetchall()

    for name, projection in PROJECTIONS.items():
        there = {column: kind for table, column, kind, _ in columns if table == name and column not in kept}
        declared = {column.name: {"int": "integer"}.get(column.kind, column.kind) for column in projection.columns}
        assert list(there.items()) == list(declared.items()), name  # in one order: an append gives them as a row
        unsorted = [
            column for table, column, kind, order in columns if (table, kind) == (name, "text") and order != "C"
        ]
        assert unsorted == [], 'text is text COLLATE "C": SQLite sorts by bytes, too'
        shapes = {index: definition for table, index, definition in indexes if table == name}
        assert shapes.keys() == {f"{name}_pkey", *(index.name for index in projection.indexes)}
        for index in projection.indexes:
            columns_of = f"(ledger_id, generation, {', '.join(index.columns)})"
            assert columns_of in shapes[index.name].replace('"position"', "position")
            assert bool(index.where) == (" WHERE " in shapes[index.name])


@pytest.mark.processes
def test_migrating_again_applies_nothing_and_changes_nothing(new_database: NewDatabase) -> None:
    with psycopg.connect(new_database(), autocommit=True) as connection:
        migrate(connection)
        first = schema(connection)

        assert migrate(connection) == []
        assert schema(connection) == first


@pytest.mark.processes
def test_two_fresh_databases_are_the_same(new_database: NewDatabase) -> None:
    found = []
    for dsn in (new_database(), new_database()):
        with psycopg.connect(dsn, autocommit=True) as connection:
            migrate(connection)
            found.append(schema(connection))

    assert found[0] == found[1]
    assert all(found[0].values())


@pytest.fixture(scope="module")
def fresh(server: EmbeddedServer, admin_dsn: str) -> Schema:
    """The schema of a fresh database."""
    with psycopg.connect(admin_dsn, autocommit=True) as administrator:
        administrator.execute(f"CREATE DATABASE fresh OWNER {OWNER}")
        with psycopg.connect(server.conninfo(OWNER, "fresh"), autocommit=True) as connection:
            migrate(connection)
            found = schema(connection)
        administrator.execute("DROP DATABASE fresh")
    return found


@pytest.mark.processes
def test_a_database_of_any_older_program_becomes_the_same_as_a_fresh_one(
    new_database: NewDatabase, fresh: Schema, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with psycopg.connect(new_database(), autocommit=True) as connection:
        for count, newest in enumerate(MIGRATIONS[:-1], start=1):
            with program_of(_files_of(MIGRATIONS[:count], tmp_path / newest), monkeypatch):
                assert migrate(connection)[0] == newest

            with connection.transaction(force_rollback=True):
                migrate(connection)
                assert schema(connection) == fresh, newest


def _files_of(migrations: list[str], older: Path) -> Path:
    """The SQL of a program that has only these, in a folder of its own."""
    for name in ("migrations", "functions"):
        (older / name).mkdir(parents=True)
    (older / "grants.sql").write_text("SELECT 1")
    for name in migrations:
        shutil.copy(folder("sql") / "migrations" / f"{name}.sql", older / "migrations")
    return older


@pytest.mark.processes
def test_four_programs_that_migrate_at_once_agree(new_database: NewDatabase) -> None:
    dsn = new_database()
    context = forked.CONTEXT
    start, answers = context.Barrier(4), context.Queue()
    processes = [context.Process(target=writers.migrate, args=(dsn, start, answers)) for _ in range(4)]

    for process in processes:
        process.start()
    applied = [answers.get(timeout=60) for _ in processes]
    for process in processes:
        process.join()

    assert {process.exitcode for process in processes} == {0}
    assert sorted(applied) == [[], [], [], [*MIGRATIONS, "functions", "grants"]]
    with psycopg.connect(dsn, autocommit=True) as connection:
        assert is_current(connection)


@pytest.mark.processes
def test_a_database_that_a_newer_program_migrated_is_refused(new_database: NewDatabase) -> None:
    with psycopg.connect(new_database(), autocommit=True) as connection:
        migrate(connection)
        connection.execute("INSERT INTO tracking_ledger.migrations VALUES ('9999_tomorrow', 'x', '{99}')")

        for look in (migrate, is_current):
            with pytest.raises(NewerProgramNeeded, match="9999_tomorrow"):
                look(connection)


@pytest.mark.processes
def test_a_function_that_answered_another_type_is_made_anew(new_database: NewDatabase) -> None:
    with psycopg.connect(new_database(), autocommit=True) as connection:
        migrate(connection)
        connection.execute(
            "DROP FUNCTION tracking_ledger.put_rows;"
            " CREATE FUNCTION tracking_ledger.put_rows(uuid, text, bigint, json, jsonb[], bigint) RETURNS void"
            " LANGUAGE sql AS 'SELECT';"
            " DELETE FROM tracking_ledger.migrations WHERE name = '0019_answer_of_put_rows';"
            " UPDATE tracking_ledger.migrations SET digest = 'older' WHERE name IN ('functions', 'grants')"
        )

        migrate(connection)

        assert is_current(connection)


@pytest.mark.processes
def test_the_generations_that_serve_are_noted_for_ledgers_that_were_there_before(new_database: NewDatabase) -> None:
    with psycopg.connect(new_database(), autocommit=True) as connection:
        migrate(connection)
        ledger = uuid4()
        connection.execute("SELECT tracking_ledger.create_ledger(%s, 'older')", [ledger])
        connection.execute("SELECT tracking_ledger.register_projections(%s, %s)", [ledger, '{"vendors": 7}'])
        noted = "SELECT serving FROM tracking_ledger.ledgers WHERE ledger_id = %s"
        before = connection.execute(noted, [ledger]).fetchone()
        connection.execute(
            "DROP TRIGGER serving_is_noted ON tracking_ledger.projections; DROP FUNCTION tracking_ledger.note_serving;"
            " ALTER TABLE tracking_ledger.ledgers DROP COLUMN serving;"
            " DELETE FROM tracking_ledger.migrations WHERE name = '0020_serving'"
        )

        migrate(connection)

        assert before is not None and list(before[0]) == ["vendors:7"]
        assert connection.execute(noted, [ledger]).fetchone() == before


@pytest.mark.processes
def test_an_older_program_does_not_take_back_the_functions_of_a_newer_one(new_database: NewDatabase) -> None:
    with psycopg.connect(new_database(), autocommit=True) as connection:
        migrate(connection)
        newer = (
            "UPDATE tracking_ledger.migrations SET digest = 'newer', release = '{99, 0, 0}' WHERE name = 'functions'"
        )
        connection.execute(newer)

        assert is_current(connection)
        assert migrate(connection) == []


@pytest.mark.processes
def test_functions_of_another_text_are_replaced_and_their_grants_with_them(new_database: NewDatabase) -> None:
    with psycopg.connect(new_database(), autocommit=True) as connection:
        migrate(connection)
        fresh = schema(connection)
        connection.execute("DROP FUNCTION tracking_ledger.position_at")
        connection.execute(
            "UPDATE tracking_ledger.migrations SET digest = 'older' WHERE name IN ('functions', 'grants')"
        )

        assert migrate(connection) == ["functions", "grants"]
        assert schema(connection) == fresh


@pytest.mark.processes
@pytest.mark.parametrize("other", ["position_at(uuid)", "nobody_has_this(uuid)"])
def test_a_function_that_no_file_has_is_dropped_when_functions_are_replaced(
    new_database: NewDatabase, other: str
) -> None:
    with psycopg.connect(new_database(), autocommit=True) as connection:
        migrate(connection)
        fresh = schema(connection)
        connection.execute(f"CREATE FUNCTION tracking_ledger.{other} RETURNS int LANGUAGE sql AS 'SELECT 1'")
        connection.execute(
            "UPDATE tracking_ledger.migrations SET digest = 'older' WHERE name IN ('functions', 'grants')"
        )

        migrate(connection)

        assert schema(connection) == fresh


def test_a_program_whose_functions_are_gone_is_asked_to_start_again(app: App) -> None:
    with pytest.raises(NewerProgramNeeded, match="a newer program"):
        app.database.call("SELECT tracking_ledger.a_function_of_before(%s)", [1])


@pytest.mark.processes
def test_a_migration_that_was_applied_with_another_text_is_refused(new_database: NewDatabase) -> None:
    with psycopg.connect(new_database(), autocommit=True) as connection:
        migrate(connection)
        connection.execute("UPDATE tracking_ledger.migrations SET digest = 'edited' WHERE name = %s", [MIGRATIONS[0]])

        with pytest.raises(Unavailable, match="was applied with another text"):
            migrate(connection)


@pytest.mark.processes
def test_a_migration_that_fails_leaves_nothing_behind(
    new_database: NewDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "sql"
    shutil.copytree(folder("sql"), broken)
    (broken / "migrations" / "9999_broken.sql").write_text("CREATE TABLE tracking_ledger.half (n int); SELECT 1 / 0")

    with psycopg.connect(new_database(), autocommit=True) as connection:
        with program_of(broken, monkeypatch), pytest.raises(psycopg.errors.DivisionByZero):
            migrate(connection)

        assert connection.execute("SELECT to_regnamespace('tracking_ledger')").fetchone() == (None,)
        migrate(connection)
        assert is_current(connection)


@pytest.mark.processes
def test_what_goes_wrong_while_migrating_is_reported_as_what_it_is(
    new_database: NewDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "sql"
    shutil.copytree(folder("sql"), broken)
    (broken / "functions" / "twice.sql").write_text(
        "CREATE FUNCTION tracking_ledger.twice(int) RETURNS int LANGUAGE sql AS 'SELECT 1';"
        "CREATE FUNCTION tracking_ledger.twice(text) RETURNS int LANGUAGE sql AS 'SELECT 1';"
        "REVOKE ALL ON FUNCTION tracking_ledger.twice FROM PUBLIC;"
    )

    settings = Settings(project=tmp_path, pgdata=tmp_path / "unused", dsn=new_database())
    with program_of(broken, monkeypatch), pytest.raises(Unavailable, match=r"twice\" is not unique"):
        connect(settings)


def test_a_database_that_cannot_hold_every_text_is_refused(new_database: NewDatabase) -> None:
    dsn = new_database("ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")

    with psycopg.connect(dsn, autocommit=True) as connection, pytest.raises(Refused, match="UTF8 is needed"):
        migrate(connection)


def test_a_server_whose_locks_lock_is_found_good(new_database: NewDatabase) -> None:
    prove(new_database())


@pytest.mark.processes
def test_a_server_that_gives_a_lock_to_all_who_ask_is_refused_before_anything_is_made(
    new_database: NewDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    conninfo = new_database()
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA hollow")
        for name, answer in (("pg_advisory_xact_lock", "NULL"), ("pg_try_advisory_xact_lock", "true")):
            kind = "boolean" if answer == "true" else "text"
            connection.execute(
                f"CREATE FUNCTION hollow.{name}(bigint) RETURNS {kind} LANGUAGE sql AS 'SELECT {answer}::{kind}'"
            )
    for statement in ("TAKE", "TRY"):
        monkeypatch.setattr(probe, statement, getattr(probe, statement).replace("pg_", "hollow.pg_"))

    with pytest.raises(Refused, match="locks do not lock"):
        connect(Settings(project=tmp_path, dsn=conninfo, pgdata=tmp_path))

    with psycopg.connect(conninfo) as connection:
        found = connection.execute("SELECT to_regnamespace('tracking_ledger') IS NULL").fetchall()
    assert found == [(True,)]


@pytest.fixture
def bare(server: EmbeddedServer, settings: Settings, new_database: NewDatabase, admin_dsn: str) -> Iterator[Settings]:
    """Settings of a database without our schema, as a role that was granted nothing."""
    name = conninfo_to_dict(new_database())["dbname"]
    with psycopg.connect(admin_dsn, autocommit=True) as administrator:
        administrator.execute(f"CREATE ROLE {BARE} LOGIN")
        yield replace(settings, dsn=server.conninfo(BARE, str(name)))
        administrator.execute(f"DROP ROLE {BARE}")


@pytest.mark.processes
def test_a_role_without_the_grant_is_named_it_by_every_command(
    bare: Settings, server: EmbeddedServer, admin_dsn: str, tmp_path: Path
) -> None:
    owner = {"LEDGER_ADMIN_DSN": server.conninfo(OWNER, str(conninfo_to_dict(bare.dsn or "")["dbname"]))}
    new = tmp_path / "new"
    new.mkdir()

    made = run(bare, "init", "--project", str(new), **owner)
    said = [run(bare, *words) for words in (["doctor"], ["sync"], ["init", "--project", str(new)])]
    queued = run(bare, "add", "Waits for the grant")
    with psycopg.connect(admin_dsn) as connection:
        connection.execute(f"GRANT {WRITER} TO {BARE}")
    sent = run(bare, "sync")

    assert [result.exit_code for result in (made, *said)] == [exits.UNAVAILABLE] * 4, made.output
    assert all("lacks privileges in this database: permission denied" in result.output for result in (made, *said))
    assert all(f"GRANT {WRITER} TO" in result.output for result in (made, *said))
    assert (queued.exit_code, sent.exit_code) == (exits.QUEUED, exits.DONE)
    assert "LEDGER_ADMIN_DSN" not in made.output
    assert "does not answer" not in said[0].output
