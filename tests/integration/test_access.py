"""What a writer's role may do in SQL, whatever program it uses: read its own ledgers, and call the API functions."""

from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql

from ledger.aggregates.vendor.commands import CreateVendor
from ledger.aggregates.work_item.commands import CreateWorkItem
from ledger.aggregates.work_item.events import WorkItemCreated
from ledger.embedded.server import EmbeddedServer
from ledger.envelope import stream_id
from ledger.errors import NotFound, Refused
from ledger.libpq.session import Session
from ledger.postgres.connection.connect import APPLICATION, DATABASE, WRITER
from ledger.postgres.connection.database import Database
from ledger.postgres.connection.driver_errors import translated
from ledger.postgres.migrate import migrate
from ledger.postgres.store import PostgresStore
from projections.read_models.catalog import SHAPES
from tests.support import history
from tests.support.each import each
from tests.support.given import numbered
from tests.support.ledgers import Ledger, on_postgres, proposal
from tests.support.waits import let_go

TABLES = ("events", "projections", "entries", *SHAPES)
STRANGER = "tracking_ledger_stranger"  # a writer too, but a member of other ledgers
ENTER = "SELECT * FROM tracking_ledger.enter_ledger(%s)"


@pytest.fixture
def ledger(dsn: str) -> Iterator[Ledger]:
    with closing(Database(dsn)) as database:
        yield history.filled(database)


@pytest.fixture(scope="module")
def refusing_ledger(dsn: str) -> Iterator[Ledger]:
    """One for all that is only refused: what was not would break the tests after it too."""
    with closing(Database(dsn)) as database:
        yield history.filled(database)


@pytest.fixture(scope="module")
def stranger_dsn(server: EmbeddedServer, dsn: str) -> Iterator[str]:
    with psycopg.connect(server.conninfo("postgres", DATABASE), autocommit=True) as administrator:
        administrator.execute(f"CREATE ROLE {STRANGER} LOGIN IN ROLE {WRITER}")
        yield server.conninfo(STRANGER, DATABASE)
        administrator.execute(f"DELETE FROM tracking_ledger.ledger_members WHERE member = '{STRANGER}'")  # noqa: S608
        administrator.execute(f"DROP ROLE {STRANGER}")


@pytest.fixture
def writer(dsn: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(dsn) as connection:
        yield connection


@pytest.fixture
def stranger(stranger_dsn: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(stranger_dsn) as connection:
        yield connection


def visible(connection: psycopg.Connection, table: str) -> int:
    found = connection.execute(
        sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier("tracking_ledger", table))
    ).fetchone()
    assert found is not None
    count: int = found[0]
    return count


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE tracking_ledger.events SET by = 'somebody else'",
        "DELETE FROM tracking_ledger.events",
        "TRUNCATE tracking_ledger.events",
        "INSERT INTO tracking_ledger.events SELECT * FROM tracking_ledger.events LIMIT 1",
        "COPY tracking_ledger.events FROM STDIN",
        *(f"UPDATE tracking_ledger.{table} SET generation = 0" for table in TABLES[1:]),  # noqa: S608
        *(f"DELETE FROM tracking_ledger.{table}" for table in TABLES[1:]),  # noqa: S608
        "SELECT * FROM tracking_ledger.ledgers",
        "INSERT INTO tracking_ledger.ledger_members VALUES (gen_random_uuid(), session_user)",
        "ALTER TABLE tracking_ledger.events DISABLE TRIGGER ALL",
        "DROP TABLE tracking_ledger.events",
        "CREATE TABLE tracking_ledger.mine (n int)",
        "SELECT tracking_ledger.add_rows(gen_random_uuid(), 'vendors', 1, '{}', '{}', '{}', '{}', '{}', 1)",
        "SELECT tracking_ledger.put_rows(gen_random_uuid(), 'vendors', 1, '{}', '{}', '{}', '{}', '{}', 1)",
        "SELECT tracking_ledger.put_entries(gen_random_uuid(), 1, '{}')",
        "SET ROLE tracking_ledger_owner",
    ],
)
def test_a_writer_may_not(refusing_ledger: Ledger, writer: psycopg.Connection, statement: str) -> None:
    writer.execute(ENTER, [refusing_ledger.store.ledger])

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        writer.execute(statement)


@each("statement", ["UPDATE {} SET by = 'x'", "DELETE FROM {}", "TRUNCATE {}"])
def test_events_are_never_changed_not_even_by_the_owner_of_the_table(
    refusing_ledger: Ledger, owner_dsn: str, statement: str
) -> None:
    with psycopg.connect(owner_dsn) as owner:
        owner.execute("SELECT set_config('ledger.id', %s, true)", [str(refusing_ledger.store.ledger)])

        with pytest.raises(Refused) as refused, translated():
            owner.execute(statement.format("tracking_ledger.events"))

    assert refused.value.details["rule"] == "append_only"


@pytest.mark.processes
def test_who_has_entered_no_ledger_sees_nothing(ledger: Ledger, writer: psycopg.Connection) -> None:
    assert {table: visible(writer, table) for table in TABLES} == dict.fromkeys(TABLES, 0)


@pytest.mark.processes
def test_a_member_sees_the_ledger_it_has_entered(ledger: Ledger, writer: psycopg.Connection) -> None:
    writer.execute(ENTER, [ledger.store.ledger])

    assert all(visible(writer, table) > 0 for table in TABLES)


@pytest.mark.processes
def test_another_ledger_of_the_same_member_is_invisible(ledger: Ledger, writer: psycopg.Connection, dsn: str) -> None:
    database = Database(dsn)
    other = on_postgres(database, uuid4())

    writer.execute(ENTER, [other.store.ledger])

    assert {table: visible(writer, table) for table in TABLES} == dict.fromkeys(TABLES, 0) | {
        "projections": len(SHAPES)
    }
    database.close()


@pytest.mark.processes
def test_a_stranger_sees_nothing_even_if_it_forges_the_setting(ledger: Ledger, stranger: psycopg.Connection) -> None:
    stranger.execute("SELECT set_config('ledger.id', %s, false)", [str(ledger.store.ledger)])

    assert {table: visible(stranger, table) for table in TABLES} == dict.fromkeys(TABLES, 0)
    assert visible(stranger, "things") == 0


@pytest.mark.parametrize(("ids", "lowest"), [([], history.TASK), ([history.TASK], "")])
def test_what_keeps_an_item_is_told_to_members_of_its_ledger_alone(
    refusing_ledger: Ledger, writer: psycopg.Connection, stranger: psycopg.Connection, ids: list[str], lowest: str
) -> None:
    """A stranger forges the setting, and knows the generation."""
    asked = "SELECT id FROM tracking_ledger.obstacles(%s, %s, %s, %s, %s, '', 'z', '', '', '', 20)"
    ledger, tables = refusing_ledger.store.ledger, refusing_ledger.tables
    with tables.snapshot() as snapshot:
        given = [ledger, snapshot.generation("work_items"), ids, lowest, lowest]
    for connection in (writer, stranger):
        connection.execute("SELECT set_config('ledger.id', %s, true)", [str(ledger)])

    with pytest.raises(NotFound), translated():
        stranger.execute(asked, given)

    assert len(writer.execute(asked, given).fetchall()) > 0


FUNCTIONS = {  # each with arguments that it would take from a member
    "append_event": "%s" + ", NULL" * 27,
    "append_events": "%s" + ", NULL" * 32,
    "append_group": "%s, '{}'",
    "append_group_at_once": "%s" + ", NULL" * 31,
    "read_streams": "%s, '{}'",
    "page_of_events": "%s, 0, NULL, 1",
    "page_of_facts": "%s, 0, NULL, 1",
    "find_command": "%s, gen_random_uuid()",
    "enter_ledger": "%s",
    "lock_for_writing": "%s",
    "position_at": "%s, now()",
    "known_at": "%s, '{1}'",
    "matching": "%s, 1, '{a}', NULL, 1",
    "obstacles": "%s, 1, '{}', '', 'z', '', 'z', '', '', '', 1",
    "differing_columns": "%s, 'vendors', 1",
    "differing_terms": "%s, 1, '{a}', '{a}'",
    "register_projections": "%s, '{}'",
    "new_generation": "%s",
    "begin_rebuilding": "%s",
    "remove_retired": "%s, 1",
    "fill_generation": "%s, 'vendors', 1, '[]', '{}', '', false",
    "mark_generation": "%s, 1",
    "serve_generation": "%s, 'vendors', 1, 1",
    "create_ledger": "%s, 'mine now'",
    "open_ledger": "%s, 'mine now', '{}'",
    "place_ledger": "%s, 'mine now', NULL",
    "adopt_origin": "%s, gen_random_uuid()",
    "head_of": "%s",
    "sum_of_read_model": "%s, 'vendors', 1, 0",
    "prove_events": "%s, 0, 1",
    "begin_moving": "%s",
    "rename_ledger": "%s, 'mine now'",
    "close_ledger": "%s, 'archived', NULL",
    "reopen_ledger": "%s, 'archived'",
    "set_member": "%s, session_user, true",
}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_function_refuses_a_stranger(
    refusing_ledger: Ledger, stranger: psycopg.Connection, function: str
) -> None:
    with pytest.raises(NotFound) as refused, translated():
        stranger.execute(f"SELECT tracking_ledger.{function}({FUNCTIONS[function]})", [refusing_ledger.store.ledger])

    assert refused.value.details["role"] == STRANGER


def test_every_function_a_writer_may_call_is_known_here(writer: psycopg.Connection) -> None:
    rows = writer.execute(
        "SELECT DISTINCT p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace"
        " WHERE n.nspname = 'tracking_ledger' AND has_function_privilege(p.oid, 'EXECUTE')"
    ).fetchall()

    # these answer about the caller alone, or tell nothing of a ledger
    others = {"is_member", "list_ledgers", "ledger_overview", "list_databases", "refresh_statistics"}
    assert {name for (name,) in rows} == {*FUNCTIONS, *others}


@pytest.mark.processes
def test_a_stranger_records_nothing_that_a_member_could(ledger: Ledger, stranger_dsn: str) -> None:
    item, head = stream_id("work_item", numbered(5000)), ledger.store.read_streams([]).head
    command = CreateWorkItem(id=numbered(5000), item_type="task", title="Mine")
    made = proposal(ledger.store, command, (item, 1, WorkItemCreated(item_type="task", title="Mine")), number=5000)

    with closing(Database(stranger_dsn)) as database, pytest.raises(NotFound, match=STRANGER):
        PostgresStore(database, ledger.store.ledger, SHAPES).append(made)

    assert ledger.store.append(made).positions == (head + 1,)


@pytest.mark.processes
def test_a_stranger_sees_its_own_ledgers_only(ledger: Ledger, stranger_dsn: str) -> None:
    database = Database(stranger_dsn)
    own = on_postgres(database, uuid4())

    listed: list[tuple[Any, ...]] = database.call("SELECT * FROM tracking_ledger.list_ledgers()")

    assert own.store.ledger in {row[0] for row in listed}
    assert ledger.store.ledger not in {row[0] for row in listed}
    database.close()


def test_only_writers_may_call_anything(server: EmbeddedServer, dsn: str) -> None:
    with psycopg.connect(server.conninfo("postgres", DATABASE)) as administrator:
        open_to_all = administrator.execute(
            "SELECT p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace,"
            " LATERAL aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) acl"
            " WHERE n.nspname = 'tracking_ledger' AND acl.grantee = 0"
        ).fetchall()

    assert open_to_all == []


@pytest.mark.processes
def test_a_function_cannot_be_led_astray_by_the_callers_search_path(
    server: EmbeddedServer, dsn: str, ledger: Ledger, writer: psycopg.Connection
) -> None:
    """A writer's own temporary table of the name of one of ours is not what a function reads."""
    writer.execute("CREATE TEMPORARY TABLE ledger_members (ledger_id uuid, member name)")
    writer.execute("INSERT INTO ledger_members VALUES (%s, session_user)", [foreign := uuid4()])
    writer.execute("SET search_path = pg_temp, tracking_ledger")

    with pytest.raises(NotFound), translated():
        writer.execute(ENTER, [foreign])


@pytest.mark.processes
def test_two_ledgers_of_one_name_see_nothing_of_each_other(dsn: str) -> None:
    database = Database(dsn)
    one, other = on_postgres(database, uuid4()), on_postgres(database, uuid4())

    history.fill(one)

    assert list(other.store.read_all()) == []
    assert other.tables.ask("work_items/lineage", ids=[history.LEAF], max_depth=5)[1] == []
    history.fill(other)
    assert _origins(one) != _origins(other)
    database.close()


def _origins(ledger: Ledger) -> tuple[UUID, bytes]:
    first = next(iter(ledger.store.read_all()))
    return ledger.store.ledger, first.digest


def test_the_application_is_a_writer_and_nothing_more(writer: psycopg.Connection) -> None:
    rights = writer.execute(
        "SELECT rolsuper, rolcreaterole, rolcreatedb, rolbypassrls, rolname FROM pg_roles WHERE rolname = session_user"
    ).fetchone()

    assert rights == (False, False, False, False, APPLICATION)


HELD = (  # what a stranger may try who knows a ledger's UUID
    "SELECT pg_advisory_lock(hashtextextended(%(ledger)s::text, 0))",
    "SELECT pg_advisory_lock(hashtextextended('moving ' || %(ledger)s, 0))",
    "SELECT pg_advisory_lock(hashtextextended('rebuilding ' || %(ledger)s, 0))",
    "SELECT pg_advisory_lock(8231774015)",
    "SELECT tracking_ledger.lock_ledger(%(ledger)s)",
    "SELECT tracking_ledger.begin_alone(%(ledger)s, 'moving')",
    "SELECT FROM tracking_ledger.ledgers FOR SHARE",
    "SELECT FROM tracking_ledger.ledger_members FOR KEY SHARE",
    "SELECT FROM tracking_ledger.work_alone FOR SHARE",
    "SELECT FROM tracking_ledger.events FOR KEY SHARE",
    "LOCK TABLE tracking_ledger.events",
    "LOCK TABLE tracking_ledger.ledgers IN ROW SHARE MODE",
    "LOCK TABLE tracking_ledger.migrations IN SHARE MODE",
)


@pytest.mark.processes
def test_a_stranger_cannot_hold_up_a_ledger_that_it_knows(
    ledger: Ledger, stranger: psycopg.Connection, owner_dsn: str, dsn: str
) -> None:
    for statement in HELD:
        with suppress(psycopg.errors.InsufficientPrivilege), stranger.transaction():
            stranger.execute(statement, {"ledger": ledger.store.ledger})
    stranger.execute("SELECT FROM tracking_ledger.events")  # and stays in this transaction

    with let_go(stranger.close):
        with ledger.store.exclusively(1.0):
            recorded = ledger.execute(5000, CreateVendor(id=numbered(5000), name="Held up"))

        assert recorded.positions
        database = Database(dsn)
        for function in ("begin_moving", "begin_rebuilding"):
            assert database.call(f"SELECT tracking_ledger.{function}(%s)", [ledger.store.ledger]) == [(True,)]
        database.close()
        with Session.connect(owner_dsn, autocommit=True) as owner:
            owner.execute("SET lock_timeout = '1s'")
            assert migrate(owner) == []


@pytest.mark.processes
@pytest.mark.parametrize("function", ["begin_moving", "begin_rebuilding"])
def test_one_at_a_time_moves_or_rebuilds_a_ledger(ledger: Ledger, dsn: str, function: str) -> None:
    one, other = Database(dsn), Database(dsn)
    begin = f"SELECT tracking_ledger.{function}(%s)"

    with one.transaction():
        assert one.call(begin, [ledger.store.ledger]) == [(True,)]
        assert other.call(begin, [ledger.store.ledger]) == [(False,)]
    assert other.call(begin, [ledger.store.ledger]) == [(True,)]
    one.close()
    other.close()
