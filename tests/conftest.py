"""One real PostgreSQL for the whole run, and a fresh ledger in it for every test that asks for one.

`LEDGER_TEST_PGBIN` names a folder with PostgreSQL's programs, to run the suite on another version; `LEDGER_TEST_POOLER`
a PgBouncer, to run it through one in transaction mode. `LEDGER_TEST_DSN` runs it on a given server instead: it names a
database where the role may create everything.
"""

import gc
import os
import shutil
import tempfile
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import hypothesis
import psutil
import psycopg
import pytest
from _pytest.doctest import DoctestModule
from psycopg import sql
from xdist.scheduler import WorkStealingScheduling

from ledger import identity
from ledger.embedded.server import EmbeddedServer
from ledger.postgres.connection import contact, watchdog
from ledger.postgres.connection.connect import APPLICATION, DATABASE, OWNER, connect
from ledger.postgres.connection.database import Database
from ledger.settings import Settings
from projections.application.app import App
from projections.maintenance.after_write import keep_status, renew_copies
from projections.operations.catalog import OPERATIONS
from projections.transfer.github.interface import api as client
from tests.support.calls import close_at_once
from tests.support.examples import INNER_LOOP, examples, try_fewer
from tests.support.github_api import GithubApi, serving
from tests.support.kept_connections import kept
from tests.support.pooler import Pooler
from tests.support.silence import away_at_once
from tests.support.tcp_gate import Gate
from tests.support.waits import until

Perform = Callable[..., dict[str, Any]]
NewDatabase = Callable[..., str]


# a test that opens the way to its database again waits for the next try, which spares no server here
contact.FIRST_PAUSE, contact.LONGEST_PAUSE = 0.05, 0.2
# a test's watchdog goes with the test: the threads of fifty that have ended would look again and again
watchdog.RESTS_AFTER = 0.5

# what queues and commits waits for the disk each time; in memory it does not, where the machine has room for a run and
# starts programs from there, as git does its hooks
WARM_PROCESS = "projections.cli.warm_process"
HERE = Path(__file__).parent
MEMORY = Path("/dev/shm")
ROOM = 4 * 2**30  # bytes
END_OTHERS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
)
if (
    os.access(MEMORY, os.W_OK)
    and shutil.disk_usage(MEMORY).free > ROOM
    and not os.statvfs(MEMORY).f_flag & os.ST_NOEXEC
):
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))
    os.environ["TMPDIR"] = tempfile.tempdir = os.environ.get("TMPDIR", str(MEMORY))
# where it is set, each process that a test starts would compile the whole program again: twice its time
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# no test leaves a process for the next commands, but those that are about it
os.environ.setdefault("LEDGER_WARM", "off")


def pytest_configure(config: pytest.Config) -> None:
    """Before the modules of the tests are loaded, which ask for their numbers of examples."""
    if config.option.markexpr == INNER_LOOP:
        try_fewer()
    config.pluginmanager.register(OnlyWithExamples())
    hypothesis.settings.register_profile("unless a property says more", examples(100))
    hypothesis.settings.load_profile("unless a property says more")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> WorkStealingScheduling | None:
    """With `-n` each worker begins with a row of files, so that what a module starts is started once, not in each."""
    return WorkStealingScheduling(config, log) if config.getoption("dist") == "load" else None


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is collected stays to the end: looking for garbage in it is a twelfth of what this takes, and finds none."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """In the inner loop a module that is marked as a whole is not even loaded."""
    if config.option.markexpr != INNER_LOOP or collection_path.suffix != ".py":
        return None
    return True if b"\npytestmark = pytest.mark.processes\n" in collection_path.read_bytes() else None


class OnlyWithExamples:
    """Searches a module of the program for examples in docstrings only if its text holds one, and none of the tests.

    A plugin of its own, because the hooks of this file are asked about the files beside it alone.
    """

    @pytest.hookimpl(wrapper=True)
    def pytest_collect_file(self, file_path: Path) -> Generator[None, list[pytest.Collector], list[pytest.Collector]]:
        found = yield
        return [one for one in found if not isinstance(one, DoctestModule) or self._has_examples(file_path)]

    def _has_examples(self, file: Path) -> bool:
        return not file.is_relative_to(HERE) and b">>> " in file.read_bytes()


@pytest.fixture(scope="session", autouse=True)
def no_server_is_left(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Fails the run when a PostgreSQL or a warm process that a test started in its own folder outlives the tests."""
    yield
    left = _servers_in(tmp_path_factory.getbasetemp())
    assert not left, f"servers that a test left running: {left}"


def _servers_in(folder: Path) -> list[str]:
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, FileNotFoundError):  # of one that ends meanwhile
            words = process.cmdline()
            if process.name() == "postgres" or WARM_PROCESS in words:
                found += [" ".join(words)] if any(part.startswith(str(folder)) for part in words) else []
    return found


@pytest.fixture(scope="session")
def server() -> Iterator[EmbeddedServer]:
    """An embedded server of the test run's own, in memory where the machine has such a place."""
    root = Path(tempfile.mkdtemp(prefix="tracking-ledger-tests-", dir=MEMORY if os.access(MEMORY, os.W_OK) else None))
    programs = Path(given) if (given := os.environ.get("LEDGER_TEST_PGBIN")) else None
    server = EmbeddedServer(root / "postgres", programs)
    connect(Settings(project=root, pgdata=root / "postgres", pgbin=programs)).close()
    with kept(server.conninfo(APPLICATION, DATABASE)):
        yield server
    until(lambda: _has_ended(server))
    left = [words for words in _servers_in(root) if WARM_PROCESS in words]
    shutil.rmtree(root, ignore_errors=True)
    assert not left, f"warm processes that a test left running: {left}"


def _has_ended(server: EmbeddedServer) -> bool:
    """Stops it, which it does not let be done to others: a session that a test left open must not keep it here."""
    with psycopg.connect(server.conninfo("postgres", "postgres"), autocommit=True) as administrator:
        administrator.execute(END_OTHERS)
    return server.stop()


@pytest.fixture(scope="session")
def dsn(request: pytest.FixtureRequest) -> str:
    """The database as the application's role sees it: it may read rows and call the API functions."""
    given = os.environ.get("LEDGER_TEST_DSN")
    if given:
        return given
    running: EmbeddedServer = request.getfixturevalue("server")
    direct = running.conninfo(APPLICATION, DATABASE)
    program = os.environ.get("LEDGER_TEST_POOLER")
    return _pooled(request, program, running, direct) if program else direct


def _pooled(request: pytest.FixtureRequest, program: str, server: EmbeddedServer, direct: str) -> str:
    pooler = Pooler(program, server, direct)
    request.addfinalizer(pooler.stop)
    if not pooler.keeps_statements:  # a client that connects without asking the program to find out must say so itself
        connects = Database.__init__

        def without_statements(self: Database, conninfo: str, **options: Any) -> None:
            connects(self, conninfo, **{"prepare": False} | options)

        Database.__init__ = without_statements  # type: ignore[assignment, method-assign]
    return pooler.conninfo(direct)


@pytest.fixture(scope="session")
def owner_dsn(server: EmbeddedServer) -> str:
    """The same database as the role that owns the tables."""
    return server.conninfo(OWNER, DATABASE)


@pytest.fixture(scope="session")
def admin_dsn(server: EmbeddedServer) -> str:
    """The server's superuser, for what only an administrator may do."""
    return server.conninfo("postgres", "postgres")


@pytest.fixture(scope="session")
def migrated(server: EmbeddedServer, admin_dsn: str) -> str:
    """What makes a new database one that has the schema: making it again for each would take half of the time."""
    name = f"migrated_{uuid4().hex}"
    owner = server.conninfo(OWNER, name)
    with psycopg.connect(admin_dsn, autocommit=True) as administrator:
        administrator.execute(f"CREATE DATABASE {name} OWNER {OWNER}")
    connect(Settings(project=Path(), pgdata=Path(), dsn=owner)).close()
    return f"TEMPLATE {name} STRATEGY file_copy"  # it is small, and logged page by page it would take twice as much


@pytest.fixture
def new_database(server: EmbeddedServer, admin_dsn: str) -> Iterator[NewDatabase]:
    """Makes an empty database and answers how its owner reaches it."""
    made: list[str] = []

    def new_database(options: str = "") -> str:
        made.append(f"migrated_{uuid4().hex}")
        create = f"CREATE DATABASE {made[-1]} OWNER {OWNER} {options}"
        with psycopg.connect(admin_dsn, autocommit=True) as administrator:
            administrator.execute(create)
        return server.conninfo(OWNER, made[-1])

    yield new_database
    with psycopg.connect(admin_dsn, autocommit=True) as administrator:
        for name in made:  # a thread of a pool that was closed may still be connecting
            administrator.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def database(dsn: str) -> Iterator[Database]:
    """The shared database without a ledger of its own."""
    database = Database(dsn)
    yield database
    database.close()


@pytest.fixture
def gate(dsn: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    """A way to the database that can be closed."""
    gate = Gate(dsn)
    away_at_once(monkeypatch, gate)
    yield gate
    gate.close()


@pytest.fixture
def settings(tmp_path: Path, dsn: str) -> Settings:
    """A project folder with a ledger of its own, on the shared server."""
    project = tmp_path / "project"
    project.mkdir()
    identity.create(project)
    return Settings(project=project, dsn=dsn, home=tmp_path / "home", pgdata=tmp_path / "unused", by="tester")


@pytest.fixture
def app(settings: Settings) -> Iterator[App]:
    app = App(settings, keep_status=keep_status, renew_copies=renew_copies)
    yield app
    close_at_once(app)


@pytest.fixture
def perform(app: App) -> Perform:
    """perform("create_work_item", item_type="task", ...) -> the answer; raises what the operation raises."""
    return lambda name, /, **arguments: OPERATIONS[name].perform(app, arguments)


@pytest.fixture
def github(monkeypatch: pytest.MonkeyPatch) -> Iterator[GithubApi]:
    """What stands in for GitHub's interface; no write waits before it."""
    monkeypatch.setattr(client, "BETWEEN_WRITES", 0.0)
    monkeypatch.setenv("GITHUB_TOKEN", "secret")
    with serving(GithubApi()) as api:
        yield api
