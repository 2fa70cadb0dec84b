"""Many ledgers in one process, in two databases: what they cost it, and what the loss of one database means to it."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import psycopg
import pytest
from msgspec.structs import replace

from ledger.libpq.conninfo import effective
from ledger.postgres import ledgers
from projections.application.app import App
from projections.local_copy.working_files import OPEN
from projections.maintenance.background_jobs import start_background_jobs
from projections.maintenance.webhooks.sender import start_sending
from projections.operations.catalog import OPERATIONS
from tests.conftest import NewDatabase
from tests.support.calls import titles
from tests.support.directories import Directory, Services, away, made
from tests.support.waits import until

pytestmark = pytest.mark.processes  # it fills ninety ledgers

LEDGERS = 30
THREADS = 39  # thirteen for each of the three databases: four of its pool, a watchdog, two for each kind of job
SESSIONS = "SELECT pid FROM pg_stat_activity WHERE datname = %s"
CONNECTIONS = "SELECT count(*) FROM pg_stat_activity WHERE datname = ANY (%s)"


@pytest.fixture
def two(tmp_path: Path, new_database: NewDatabase, migrated: str, monkeypatch: pytest.MonkeyPatch) -> Directory:
    return made(tmp_path, lambda: new_database(migrated), Services(tmp_path, monkeypatch), "east", "west")


@pytest.fixture
def before() -> set[threading.Thread]:
    """The threads of the process before it has any ledger."""
    return set(threading.enumerate())


@pytest.fixture
def apps(two: Directory, before: set[threading.Thread]) -> Iterator[list[App]]:
    """Open, each with a first item, and with what a server does for them in the background."""
    with ExitStack() as closing:
        first = App(two.project("first"))
        apps = [first, *(first.for_project(two.project(f"number {n}").project) for n in range(1, LEDGERS))]
        for app in reversed(apps):
            closing.callback(app.close)
        for app in apps:
            closing.callback(start_sending(app))
            closing.callback(start_background_jobs(app, ledgers=lambda: LEDGERS, first=0.0))
            assert write(app, "One") == "committed"
        yield apps


def write(app: App, title: str) -> str:
    return str(OPERATIONS["create_work_item"].perform(app, {"item_type": "task", "title": title})["outcome"])


def homes(two: Directory, apps: list[App]) -> tuple[list[App], list[App]]:
    """Those in each of the two databases."""
    east, west = ([app for app in apps if app.settings.dsn == two.others[name].dsn] for name in ("east", "west"))
    assert min(len(east), len(west)) > 1
    return east, west


def test_a_process_with_many_ledgers_has_few_threads_and_connections(
    two: Directory, before: set[threading.Thread], apps: list[App], admin_dsn: str
) -> None:
    names = [effective(str(one.dsn))["dbname"] for one in (two.given, *two.others.values())]

    until(lambda: all(app.local.journal.head.position for app in apps))
    with psycopg.connect(admin_dsn) as administrator:
        [(connections,)] = administrator.execute(CONNECTIONS, [names]).fetchall()

    assert len(homes(two, apps)) == 2
    assert len(set(threading.enumerate()) - before) <= THREADS
    assert connections < LEDGERS


def test_one_database_that_is_away_is_noticed_by_none_of_the_others_ledgers(
    two: Directory, before: set[threading.Thread], apps: list[App], admin_dsn: str
) -> None:
    east, west = homes(two, apps)
    until(lambda: all(app.local.journal.head.position for app in apps))

    with away(admin_dsn, two.others["west"]):
        queued = [write(app, "Two") for app in west]
        threads = [len(set(threading.enumerate()) - before)]
        another = replace(east[0].runtime.given, home=two.given.project / "another machine")
        elsewhere = App(another, pools=east[0].runtime.pools, jobs=east[0].jobs)
        recorded = [write(app, "Two") for app in (elsewhere, *east[1:])]
        until(lambda: all(app.local.journal.head.position == 2 for app in east))
    until(lambda: threads.append(len(set(threading.enumerate()) - before)) or all(app.local.is_settled for app in west))

    assert (set(queued), set(recorded)) == ({"queued"}, {"committed"})
    assert max(threads) <= THREADS
    assert all(titles(app) == ["One", "Two"] for app in apps)
    elsewhere.close()


def test_the_way_to_one_that_is_away_costs_the_directory_no_connection(
    two: Directory, apps: list[App], admin_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, west = homes(two, apps)
    until(lambda: all(app.local.journal.head.position for app in apps))
    asked, ask = list[None](), ledgers.head
    monkeypatch.setattr(ledgers, "head", lambda *given: asked.append(None) or ask(*given))

    def sessions() -> set[int]:
        with psycopg.connect(admin_dsn) as administrator:
            found = administrator.execute(SESSIONS, [effective(str(two.given.dsn))["dbname"]]).fetchall()
        return {pid for (pid,) in found}

    with away(admin_dsn, two.others["west"]):
        queued = [write(app, "Two") for app in west]
        asked.clear()
        before = sessions()
        until(lambda: len(asked) >= 8)
        after = sessions()

    assert set(queued) == {"queued"}
    assert before
    assert before <= after


def test_files_that_are_closed_for_those_of_others_lose_nothing_that_waits(
    two: Directory, apps: list[App], admin_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OPEN, "most", 3)
    _, west = homes(two, apps)
    until(lambda: all(app.local.journal.head.position for app in apps))

    with away(admin_dsn, two.others["west"]):
        queued = [write(app, "Two") for app in west]
        while_away = [titles(app) for app in west]
        opened = {str(Path(file.path).parent) for file in psutil.Process().open_files()} & {str(a.home) for a in apps}
    until(lambda: all(app.local.is_settled and app.local.journal.head.position == 2 for app in west))

    assert set(queued) == {"queued"}
    assert while_away == [["One", "Two"]] * len(west)
    assert len(opened) < len(west)
    assert all(titles(app) == ["One", "Two"] for app in west)
