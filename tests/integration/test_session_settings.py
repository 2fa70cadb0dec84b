"""What a session is set to by a role, a database, a variable or another client of a pooler changes no answer."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from itertools import count
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from ledger.aggregates.work_item.commands import CreateWorkItem
from ledger.embedded.server import EmbeddedServer
from ledger.libpq.session import Session
from ledger.postgres.connection.connect import DATABASE, OWNER, WRITER, connect
from ledger.postgres.connection.database import Database
from ledger.settings import Settings
from ledger.world import Asker, ReadyFilter
from projections.questions.work import item_lists, work_items
from projections.tables.replay import check, replay
from tests.support import history, hostile_settings
from tests.support.given import numbered
from tests.support.ledgers import Ledger, ledger_in, numbered_command, on_postgres
from tests.support.pooler import Pooler, find_pooler

pytestmark = pytest.mark.processes

ROLE = "tracking_ledger_hostile"
COLLEAGUES = "tracking_ledger_colleagues"
TITLE = "日本 Ü \\ ' \" é"

Alter = Callable[[str, str, str | None], bool]
NUMBERS = count(10_000)  # of commands that were not given yet
# they print the trees of each statement, which are megabytes of notices where client_min_messages asks for them as well
LOUD = frozenset({"debug_print_parse", "debug_print_rewritten", "debug_print_plan"})
GROUP = 16  # settings that are tried together
SESSIONS = 3  # of the pooler


@pytest.fixture(scope="module")
def administrator(server: EmbeddedServer) -> Iterator[psycopg.Connection]:
    with psycopg.connect(server.conninfo("postgres", DATABASE), autocommit=True) as administrator:
        administrator.execute(f"CREATE ROLE {ROLE} LOGIN IN ROLE {WRITER}")
        administrator.execute(hostile_settings.SHADOWS)
        yield administrator
        administrator.execute("DROP SCHEMA shadows CASCADE")
        administrator.execute(f"DELETE FROM tracking_ledger.ledger_members WHERE member = '{ROLE}'")  # noqa: S608
        administrator.execute(f"DROP ROLE {ROLE}")


@pytest.fixture(scope="module")
def conninfo(server: EmbeddedServer, administrator: psycopg.Connection) -> str:
    return server.conninfo(ROLE, DATABASE)


@pytest.fixture(scope="module")
def clean(conninfo: str) -> Iterator[Ledger]:
    """A ledger in which a bit of everything happened, as a session with the server's own settings sees it."""
    database = Database(conninfo)
    yield history.filled(database)
    database.close()


@pytest.fixture
def alter(administrator: psycopg.Connection) -> Iterator[Alter]:
    """alter("ROLE", name, value): what new sessions begin with, until None takes it back. Answers whether it may."""
    names = {"ROLE": ROLE, "DATABASE": DATABASE}

    def alter(kind: str, name: str, value: str | None) -> bool:
        where = sql.SQL("{} {}").format(sql.SQL(kind), sql.Identifier(names[kind]))
        given = sql.SQL("DEFAULT") if value is None else sql.Literal(value)
        try:
            administrator.execute(sql.SQL("ALTER {} SET {} = {}").format(where, sql.Identifier(name), given))
        except psycopg.Error:
            return False
        return True

    yield alter
    for kind, name in names.items():
        administrator.execute(sql.SQL("ALTER {} {} RESET ALL").format(sql.SQL(kind), sql.Identifier(name)))  # type: ignore[arg-type]


def used(conninfo: str, clean: Ledger, *, log: Callable[..., Any] | None = None, prepare: bool = True) -> None:
    """A write, questions and reading the log through such a session; `log` rebuilds or compares the rows as well."""
    number = next(NUMBERS)
    database = Database(conninfo, prepare=prepare)
    try:
        ledger = ledger_in(database, clean.store.ledger)
        recorded = ledger.execute(number, CreateWorkItem(id=numbered(number), item_type="task", title=TITLE))

        assert answers(ledger, number, recorded.positions[-1]) == answers(clean, number, recorded.positions[-1])
        if log is not None:
            assert log(ledger.store, ledger.tables).equal
    finally:
        database.close()


def answers(ledger: Ledger, number: int, position: int) -> tuple[Any, ...]:
    """What a session is answered about the newest command, by every way of reading."""
    store, command = ledger.store, numbered_command(number)
    with ledger.tables.snapshot() as snapshot:
        items = [work_items.by_id(snapshot, item) for item in (history.TASK, history.DONE, numbered(number))]
        ready = item_lists.ready(
            snapshot, ReadyFilter(), asker=Asker(name="tester", holder="tester"), limit=3, cursor=None
        )
    events, facts = list(store.read_all(position - 5)), list(store.read_facts(position - 5))
    assert events[-1].command_id == command
    return events, facts, store.find_command(command), store.position_at(events[-2].recorded_at), items, ready


def batches(administrator: psycopg.Connection, *, without: frozenset[str] = LOUD) -> Iterator[dict[str, str]]:
    """All settings at once: each at its first hostile value, then those that have a second one, and so on."""
    hostile = hostile_settings.values(administrator)
    for n in range(max(map(len, hostile.values()))):
        yield {name: values[n] for name, values in hostile.items() if len(values) > n and name not in without}


@pytest.mark.parametrize("kind", ["ROLE", "DATABASE"])
def test_all_settings_at_once_change_no_answer(
    administrator: psycopg.Connection, conninfo: str, clean: Ledger, alter: Alter, kind: str
) -> None:
    accepted = 0
    for batch in batches(administrator):
        accepted += sum(alter(kind, name, value) for name, value in batch.items())
        used(conninfo, clean, log=replay)

    assert accepted > 200


def test_no_setting_of_a_role_changes_an_answer(
    administrator: psycopg.Connection, conninfo: str, clean: Ledger, alter: Alter
) -> None:
    every = batches(administrator, without=frozenset())
    settings = [(name, value) for batch in every for name, value in batch.items()]
    wrong = {}
    for n in range(0, len(settings), GROUP):
        group = settings[n : n + GROUP]
        if failure(group, conninfo, clean, alter):
            wrong |= {one: error for one in group if (error := failure([one], conninfo, clean, alter))}

    assert wrong == {}


def failure(settings: list[tuple[str, str]], conninfo: str, clean: Ledger, alter: Alter) -> Exception | None:
    """What goes wrong for a role with these settings."""
    accepted = [name for name, value in settings if alter("ROLE", name, value)]
    try:
        used(conninfo, clean)
    except Exception as error:
        return error
    finally:
        for name in accepted:
            alter("ROLE", name, None)
    return None


@pytest.fixture
def group(administrator: psycopg.Connection) -> Iterator[str]:
    """A role with the rights of a writer, which ROLE may work as."""
    administrator.execute(f"CREATE ROLE {COLLEAGUES} IN ROLE {WRITER} ROLE {ROLE}")
    yield COLLEAGUES
    administrator.execute(f"DROP ROLE {COLLEAGUES}")


def test_a_role_that_works_as_its_group_is_given_the_same_answers(
    conninfo: str, clean: Ledger, alter: Alter, group: str
) -> None:
    """`role` is in no list of settings, and row security asks who works as well as who has connected."""
    assert alter("ROLE", "role", group)
    used(conninfo, clean, log=replay)
    assert alter("ROLE", "role", None)

    used(make_conninfo(conninfo, options=f"-c role={group}"), clean, log=check)


def test_the_shortest_limit_of_a_role_keeps_no_first_connection_away(conninfo: str, alter: Alter) -> None:
    if not alter("ROLE", "transaction_timeout", "1"):
        pytest.skip("the server has no such setting")

    for number in range(5):  # each is the first of its connection string
        with Session.connect(make_conninfo(conninfo, application_name=f"first {number}")) as session:
            assert session.execute("SELECT 1 FROM pg_catalog.pg_sleep(0.02)").fetchone() == (1,)


def test_a_first_connection_that_is_ended_without_a_reason_is_opened_again(
    administrator: psycopg.Connection, conninfo: str
) -> None:
    if administrator.info.server_version < 170000:
        pytest.skip("the server has no limit that the packet cannot take away")
    ended = []

    class EndedOnce(Session):
        """What a limit does that ends the session before libpq reads why."""

        @classmethod
        def _opened(cls, conninfo: str, given: dict[str, Any]) -> Self:
            session = super()._opened(conninfo, given)
            if not ended:
                ended.append(session.info.backend_pid)
                administrator.execute("SELECT pg_terminate_backend(%s, 10000)", ended)
            return session

    with EndedOnce.connect(make_conninfo(conninfo, application_name="ended once")) as session:
        assert session.info.backend_pid not in ended


def test_options_and_variables_of_the_environment_change_no_answer(
    conninfo: str, clean: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGDATESTYLE", "German")
    monkeypatch.setenv("PGTZ", "Asia/Kathmandu")
    monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    hostile = "-c datestyle=SQL -c statement_timeout=1 -c default_transaction_read_only=on -c bytea_output=escape"

    used(make_conninfo(conninfo, options=hostile), clean, log=replay)


@pytest.fixture(scope="module", params=[0, 200])
def pooled(request: pytest.FixtureRequest, server: EmbeddedServer, conninfo: str) -> Iterator[str]:
    program = find_pooler()
    if program is None:
        pytest.skip("there is no PgBouncer: name one in LEDGER_TEST_POOLER")
    pooler = Pooler(program, server, conninfo, size=SESSIONS, statements=request.param)
    yield pooler.conninfo(conninfo)
    pooler.stop()


def test_what_another_client_of_a_pooler_leaves_behind_changes_no_answer(
    administrator: psycopg.Connection, pooled: str, clean: Ledger
) -> None:
    for batch in batches(administrator):
        with ExitStack() as open_at_once:  # so that each has another session of the pooler's
            for _ in range(SESSIONS):
                client = open_at_once.enter_context(psycopg.connect(pooled))
                client.execute("SELECT")
                for name, value in batch.items():
                    if name != "exit_on_error" and not name.endswith("_timeout"):  # which end the session they are for
                        with suppress(psycopg.Error), client.transaction():
                            client.execute("SELECT set_config(%s, %s, false)", [name, value])

        used(pooled, clean, log=check, prepare=False)

    with psycopg.connect(pooled) as client:  # it does not know of a setting that the pooler does not keep apart
        assert client.execute("SHOW bytea_output").fetchone() == ("escape",)


def test_a_database_with_such_settings_is_given_its_schema(
    administrator: psycopg.Connection, server: EmbeddedServer, tmp_path: Path
) -> None:
    name = f"hostile_{uuid4().hex}"
    administrator.execute(f"CREATE DATABASE {name} OWNER {OWNER}")
    for batch in batches(administrator):
        for setting, value in batch.items():
            with suppress(psycopg.Error):
                given = (sql.Identifier(name), sql.Identifier(setting), sql.Literal(value))
                administrator.execute(sql.SQL("ALTER DATABASE {} SET {} = {}").format(*given))

    database = connect(Settings(project=tmp_path, dsn=server.conninfo(OWNER, name), pgdata=tmp_path))

    assert on_postgres(database, uuid4()).execute(1, CreateWorkItem(id=numbered(1), item_type="task", title=TITLE))
    database.close()
    administrator.execute(f"DROP DATABASE {name}")
