"""Ledgers of one directory lie in several databases: they are placed, found, and none depends on another's database."""

import json
import os
import signal
from collections.abc import Callable
from contextlib import closing
from itertools import count, cycle
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from msgspec.structs import replace

from ledger.errors import Invalid, LedgerClosed, NotFound, Refused, Unavailable
from ledger.libpq.conninfo import effective
from ledger.libpq.session import Session
from ledger.postgres import directory, ledgers
from ledger.postgres.connection.connect import connect, open_ledger
from ledger.postgres.connection.database import Database
from ledger.postgres.connection.pools import Pools
from ledger.settings import Settings
from projections.application.app import App
from projections.fallback.router import answer
from projections.operations.catalog import OPERATIONS
from projections.read_models.catalog import SHAPES
from projections.transfer.ledger_move import move
from tests.conftest import NewDatabase
from tests.support import forked
from tests.support.calls import titles
from tests.support.command_line import exit_code
from tests.support.directories import Directory, Services, away, made
from tests.support.waits import until

pytestmark = pytest.mark.processes

Run = Callable[..., tuple[int, Any]]
CONNECTIONS = "SELECT datname, count(*) FROM pg_stat_activity WHERE datname = ANY (%s) GROUP BY datname"
CHANGES = ("close_ledger", "reopen_ledger")  # which change where a ledger takes events


@pytest.fixture
def run(two: Directory, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """run("databases", "list") -> exit code and answer of that command."""
    given = {"DSN": two.given.dsn, "ADMIN_DSN": two.given.admin_dsn, "HOME": two.given.home}
    for name, value in given.items():
        monkeypatch.setenv(f"LEDGER_{name}", str(value))

    def run(*arguments: str) -> tuple[int, Any]:
        return exit_code(monkeypatch, *arguments, "--json"), json.loads(capsys.readouterr().out)

    return run


@pytest.fixture
def services(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Services:
    return Services(tmp_path, monkeypatch)


@pytest.fixture
def two(tmp_path: Path, new_database: NewDatabase, services: Services, migrated: str) -> Directory:
    return made(tmp_path, lambda: new_database(migrated), services, "east", "west")


def write(app: App, title: str) -> str:
    answered = OPERATIONS["create_work_item"].perform(app, {"item_type": "task", "title": title})
    return str(answered["outcome"])


def homes(two: Directory, app: App) -> list[str]:
    """The databases in which the ledger takes events."""
    settings = {"directory": two.given, **two.others}
    found = []
    for name, one in settings.items():
        with closing(connect(one)) as database:
            known = {ledger.id: ledger for ledger in ledgers.overview(database)}
        if app.identity.key in known and known[app.identity.key].state == "open":
            found.append(name)
    return found


def test_new_ledgers_are_placed_where_the_fewest_are(two: Directory) -> None:
    apps = [App(two.project(f"project {number}")) for number in range(4)]

    written = [write(app, "One") for app in apps]

    assert written == ["committed"] * 4
    assert sorted(homes(two, app)[0] for app in apps) == ["east", "east", "west", "west"]
    assert [len(homes(two, app)) for app in apps] == [1] * 4
    with closing(connect(two.given)) as database:
        counts = {one.name: one.ledgers for one in directory.databases(database)}
    assert counts == {"directory": 0, "east": 2, "west": 2}
    for app in apps:
        app.close()


def test_a_ledger_is_placed_in_the_database_that_is_named(two: Directory) -> None:
    app = App(two.project("named"))
    with closing(connect(two.given)) as database:
        directory.place(database, app.identity.key, "named", "west")
        with pytest.raises(NotFound, match="no database north, only directory, east, west"):
            directory.place(database, uuid4(), "other", "north")

    write(app, "One")

    assert homes(two, app) == ["west"]
    app.close()


def test_a_directory_whose_databases_take_no_new_ledgers_makes_none_anywhere(two: Directory) -> None:
    for name in two.others:
        directory.add(two.given, name, takes_new=False)
    app = App(two.project("refused"))

    with pytest.raises(Refused, match="no database of this directory takes new ledgers"):
        write(app, "One")

    assert homes(two, app) == []
    app.close()


def test_another_machine_finds_the_ledger_by_the_directory(two: Directory) -> None:
    settings = two.project("shared")
    first, second = App(settings), App(replace(settings, home=settings.project / "another machine"))
    write(first, "One")

    write(second, "Two")

    assert titles(first) == titles(second) == ["One", "Two"]
    first.close()
    second.close()


def test_a_ledger_is_made_named_and_shared_where_it_lies_and_in_the_directory(two: Directory, run: Run) -> None:
    code, created = run("ledgers", "create", "Second", str(two.given.project / "second"), "--in", "west")

    assert (code, created["database"]) == (0, "west")
    assert run("ledgers", "rename", "Second", "Other")[0] == 0
    listed = {one["id"]: one for one in run("ledgers", "list")[1]["ledgers"]}[created["ledger"]]
    assert (listed["name"], listed["state"], listed["database"]) == ("Other", "open", "west")
    assert run("ledgers", "archive", "Other")[1]["state"] == "closed"
    assert run("ledgers", "list", "--with-archived")[1]["ledgers"][0]["reason"] == "archived"
    assert run("ledgers", "open", "Other")[1]["state"] == "open"


def test_a_project_is_set_up_in_the_database_that_is_named_or_not_at_all(two: Directory, run: Run) -> None:
    (folder := two.given.project / "new").mkdir(parents=True)

    refused = run("--project", str(folder), "init", "--in", "north")
    made = run("--project", str(folder), "init", "--in", "west")
    again = run("--project", str(folder), "init", "--in", "east")

    assert (refused[0], refused[1]["error"]["details"]["known"]) == (3, ["directory", "east", "west"])
    assert (made[0], made[1]["created"]) == (0, True)
    assert (again[0], again[1]["error"]["details"]["rule"]) == (3, "placed")


def test_the_ledgers_of_a_database_that_is_away_are_listed_as_such(two: Directory, run: Run, admin_dsn: str) -> None:
    for place in two.others:
        run("ledgers", "create", f"in {place}", "--in", place)

    with away(admin_dsn, two.others["west"]):
        listed = {one["name"]: one["state"] for one in run("ledgers", "list")[1]["ledgers"]}

    assert listed == {"in east": "open", "in west": "away"}


def test_a_database_comes_with_its_ledgers_and_goes_without(
    two: Directory, run: Run, services: Services, new_database: NewDatabase, migrated: str
) -> None:
    services.name("north", new_database(migrated))
    settings = replace(directory.in_service(two.given, "north"), project=two.project("older").project)
    older = App(settings)
    write(older, "One")

    added = run("databases", "add", "north", "--closed")[1]

    assert added == {"database": "north", "takes_new": False, "ledgers": 1}
    led = App(replace(two.given, project=settings.project, home=settings.project / "home"))
    assert write(led, "Two") == "committed" and titles(older) == ["One", "Two"]
    assert run("databases", "remove", "north")[1]["error"]["details"]["rule"] == "not_empty"
    assert run("databases", "remove", "east") == (0, {"database": "east", "removed": True})
    assert [one["name"] for one in run("databases", "list")[1]["databases"]] == ["directory", "north", "west"]
    older.close()
    led.close()


def test_a_ledger_that_lies_elsewhere_by_the_directory_is_not_taken_in_twice(two: Directory) -> None:
    app = App(two.project("twice"))
    write(app, "One")
    [home] = homes(two, app)
    other = next(name for name in two.others if name != home)
    with closing(connect(two.others[other])) as database:
        open_ledger(database, app.identity.key, "twice", SHAPES)

    with pytest.raises(Refused, match=f"{other} has ledgers that lie elsewhere by this directory: {app.identity.key}"):
        directory.add(two.given, other, takes_new=True)
    app.close()


def test_only_the_owner_of_the_schema_changes_the_directory(two: Directory) -> None:
    with pytest.raises(Refused, match="may not change the directory"):
        directory.add(replace(two.given, admin_dsn=None), directory.DIRECTORY, takes_new=True)


def test_what_is_no_name_of_a_service_is_refused(two: Directory) -> None:
    for name in ("", "a b", "west host=evil", "-x", "x" * 64, "embedded"):
        with pytest.raises(Invalid, match="cannot name a database"):
            directory.add(two.given, name, takes_new=True)


def test_a_database_that_no_service_names_is_looked_for_in_the_service_file(two: Directory) -> None:
    with pytest.raises(Unavailable, match="the database nowhere cannot be used") as refused:
        directory.add(two.given, "nowhere", takes_new=True)

    assert "correct its section [nowhere] in ~/.pg_service.conf" in refused.value.next_step


def test_a_row_that_leads_out_of_the_directory_is_not_followed(two: Directory) -> None:
    app = App(two.project("led away"))
    write(app, "One")
    with closing(connect(two.given)) as database:
        ledgers.close(database, app.identity.key, ledgers.MOVED, "service=west host=elsewhere")

    with pytest.raises(LedgerClosed, match="it went to service=west host=elsewhere"):
        write(App(replace(app.settings, dsn=two.given.dsn, admin_dsn=two.given.admin_dsn)), "Two")
    app.close()


def test_a_ledger_moves_by_command_while_it_is_used_and_programs_follow(two: Directory, run: Run) -> None:
    settings = two.project("used")
    app = App(settings)
    write(app, "One")
    [home] = homes(two, app)
    other = next(name for name in two.others if name != home)

    assert run("ledgers", "quota", str(app.identity.key), "100")[0] == 0
    refused = run("--project", str(settings.project), "ledgers", "move", "north")
    code, moved = run("--project", str(settings.project), "ledgers", "move", other)

    assert (refused[0], refused[1]["error"]["details"]["known"]) == (3, ["directory", "east", "west"])
    assert (code, moved["source"], moved["target"]) == (0, f"service={home}", f"service={other}")
    until(lambda: app.sync.follow_quietly() or app.settings.dsn == f"service={other}")  # also where none asks
    assert titles(app) == ["One"] and write(app, "Two") and app.sync.drain_for(20)
    assert homes(two, app) == [other] and titles(app) == ["One", "Two"]
    assert run("ledgers", "quota", str(app.identity.key))[1]["most_events"] == 100
    app.close()


def test_a_ledger_on_its_way_to_the_directory_is_used_where_it_still_is(two: Directory) -> None:
    app = App(two.project("on its way"))
    write(app, "One")
    [home] = homes(two, app)
    with closing(connect(two.given)) as database:
        ledgers.close(database, app.identity.key, ledgers.ARRIVING, f"service={home}")
    other = App(replace(app.runtime.given, home=app.home / "another machine"))

    outcome = write(other, "Two")

    assert (outcome, homes(two, app), titles(app)) == ("committed", [home], ["One", "Two"])
    app.close()
    other.close()


def test_the_ledgers_of_one_process_share_the_connections_to_their_database(two: Directory, admin_dsn: str) -> None:
    pools = Pools()
    apps = [App(two.project(f"number {number}"), pools=pools) for number in range(8)]

    for app in apps:
        write(app, "One")
    names = [effective(str(one.dsn))["dbname"] for one in two.others.values()]
    with psycopg.connect(admin_dsn) as administrator:
        counted = administrator.execute(CONNECTIONS, [names]).fetchall()
    apps[0].close()

    assert max(count for _, count in counted) < 8 / 2
    assert [titles(app) for app in apps[1:]] == [["One"]] * 7
    for app in apps:
        app.close()


def test_a_further_ledger_of_a_database_needs_no_session_of_its_own(
    two: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    pools, opened = Pools(), list[str]()
    first = [App(two.project(f"number {number}"), pools=pools) for number in range(4)]
    for app in first:  # so that each of the databases is known
        write(app, "One")
    connect_one = Session.connect.__func__  # type: ignore[attr-defined]

    def counted(cls: type[Session], conninfo: str = "", **given: Any) -> Any:
        opened.append(conninfo)
        return connect_one(cls, conninfo, **given)

    monkeypatch.setattr(Session, "connect", classmethod(counted))
    others = [App(two.project(f"other {number}"), pools=pools) for number in range(6)]
    outcomes = [write(app, "One") for app in others]

    assert outcomes == ["committed"] * 6
    assert len(opened) < 6
    for app in (*others, *first):
        app.close()


def test_a_ledger_goes_on_while_the_directory_and_the_other_database_are_away(
    two: Directory, admin_dsn: str, services: Services
) -> None:
    settings = [two.project(name) for name in ("one", "two")]
    apps = [App(one) for one in settings]
    for app in apps:
        write(app, "One")
    by_home = {homes(two, app)[0]: (app, one) for app, one in zip(apps, settings, strict=True)}
    (here, here_settings), (there, _) = by_home["east"], by_home["west"]

    with away(admin_dsn, two.given, two.others["west"]):
        restarted = App(here_settings)
        outcomes = [write(app, "Two") for app in (here, restarted, there)]
        source = answer(here, lambda view: OPERATIONS["list_work_items"].perform(view, {}))["source"]

    assert outcomes == ["committed", "committed", "queued"]
    assert source == "postgres"
    assert there.sync.drain_for(10) and titles(there) == ["One", "Two"]
    for app in (here, restarted, there):
        app.close()


def move_and_die(services: str, settings: Settings, to: Settings, step: int) -> None:
    """Moves, and is killed before the change of a ledger's state with this number; ends with 0 if there are fewer."""
    os.environ["PGSERVICEFILE"] = services  # the process that it is forked from was there before them
    call, seen = Database.call, count(1)

    def counted(self: Database, statement: str, *given: Any, **named: Any) -> list[tuple[Any, ...]]:
        if any(name in statement for name in CHANGES) and next(seen) == step:
            os.kill(os.getpid(), signal.SIGKILL)
        return call(self, statement, *given, **named)

    Database.call = counted  # type: ignore[method-assign]
    app = App(settings)
    move(app, to)
    app.close()


def repeat(settings: Settings, to: Settings) -> None:
    """Finishes a move, once the server has noticed that the program which began it is gone."""
    with closing(App(settings)) as app:
        while True:
            try:
                move(app, to)
                return
            except Refused as refused:
                if refused.details["rule"] == "already_there":  # all but the last step was done
                    return
                assert refused.details["rule"] == "not_alone"


def test_a_move_that_is_killed_at_any_step_leaves_one_home_at_most_and_its_repetition_one(two: Directory) -> None:
    settings = two.project("moved")
    app = App(settings)
    write(app, "Item 0")
    [start] = homes(two, app)
    places = {"directory": two.given, **two.others}
    round_trip = cycle([name for name in ("west", "directory", "east") if name != start] + [start])
    killed: list[bool] = []

    for step in range(1, 30):
        to = next(round_trip)
        mover = forked.CONTEXT.Process(
            target=move_and_die, args=(os.environ["PGSERVICEFILE"], settings, places[to], step)
        )
        mover.start()
        mover.join()
        open_in = homes(two, app)
        killed.append(mover.exitcode == -signal.SIGKILL)
        repeat(replace(settings, home=settings.project / "again"), places[to])

        assert len(open_in) <= 1
        assert homes(two, app) == [to]
        assert write(app, f"Item {step}") and app.sync.drain_for(20)
        if not killed[-1]:
            assert open_in == [to]
            break

    assert killed[-1] is False and len(killed) > 4
    fresh = App(replace(settings, home=settings.project / "fresh"))
    assert len(titles(fresh)) == len(killed) + 1
    with closing(connect(two.given)) as database:
        listed = {one.ledger.id: one.database for one in directory.overview(two.given, database)}
    assert listed == {app.identity.key: homes(two, app)[0]}
    app.close()
    fresh.close()
