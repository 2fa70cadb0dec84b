"""Many ledgers in one database: made, named, archived, and used by the roles that may."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from ledger import identity
from ledger.embedded.server import EmbeddedServer
from ledger.errors import Invalid, LedgerClosed, LedgerFull, NotFound, Refused
from ledger.postgres import ledgers
from ledger.postgres.connection.connect import WRITER, open_ledger
from ledger.postgres.connection.database import Database
from ledger.settings import Settings
from projections.application.app import App
from projections.cli.administration import health_checks
from projections.cli.main import cli
from projections.read_models.catalog import SHAPES
from tests.conftest import Perform
from tests.support.command_line import exit_code

Call = Callable[..., tuple[int, Any]]
GUEST = "tracking_ledger_guest"


@pytest.fixture(scope="module")  # a pooler keeps the connections of a role, also when it is dropped and made again
def guest(server: EmbeddedServer, admin_dsn: str, dsn: str) -> Iterator[Database]:
    """Another role that may write, in ledgers of its own."""
    with psycopg.connect(admin_dsn, autocommit=True) as administrator:
        administrator.execute(f"CREATE ROLE {GUEST} LOGIN IN ROLE {WRITER}")
        database = Database(psycopg.conninfo.make_conninfo(dsn, user=GUEST))
        yield database
        database.close()
        administrator.execute(f"DROP ROLE {GUEST}")


@pytest.fixture
def call(settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """call("list") -> exit code and answer of `tracking-ledger ledgers list --json`."""
    monkeypatch.setenv("LEDGER_PROJECT", str(settings.project))
    monkeypatch.setenv("LEDGER_DSN", str(settings.dsn))
    monkeypatch.setenv("LEDGER_HOME", str(settings.home))

    def run(*arguments: str | Path) -> tuple[int, Any]:
        return exit_code(monkeypatch, "ledgers", *arguments, "--json"), json.loads(capsys.readouterr().out)

    return run


def made(database: Database, name: str = "a ledger") -> ledgers.KnownLedger:
    ledger = uuid4()
    open_ledger(database, ledger, name, SHAPES)
    return next(known for known in ledgers.overview(database) if known.id == ledger)


@pytest.mark.processes
def test_the_overview_tells_where_each_ledger_stands(app: App, perform: Perform, database: Database) -> None:
    perform("create_work_item", item_type="task", title="One")

    known = {ledger.id: ledger for ledger in ledgers.overview(database)}[app.identity.ledger]

    assert (known.name, known.state, known.head, known.members) == ("project", "open", 1, ("tracking_ledger_app",))


def test_an_archived_ledger_is_read_and_not_written_until_it_is_opened(app: App, perform: Perform) -> None:
    one = perform("create_work_item", item_type="task", title="One")
    database = app.database  # the app itself may leave one that is closed for it
    ledgers.close(database, app.identity.ledger, ledgers.ARCHIVED)

    with pytest.raises(LedgerClosed, match="this ledger is archived"):
        perform("create_work_item", item_type="task", title="Two")

    assert perform("query_work_item", id=one["id"])["title"] == "One"
    ledgers.reopen(database, app.identity.ledger, ledgers.ARCHIVED)
    assert perform("create_work_item", item_type="task", title="Two")["position"] == 2


def test_a_ledger_that_moved_away_is_not_opened_as_if_it_were_archived(database: Database) -> None:
    known = made(database)
    ledgers.close(database, known.id, "moved", "host=elsewhere")

    for change in (ledgers.reopen, ledgers.close):
        with pytest.raises(LedgerClosed, match="moved; it went to host=elsewhere"):
            change(database, known.id, ledgers.ARCHIVED)


def test_closing_answers_the_head_that_stays(app: App, perform: Perform) -> None:
    perform("create_work_item", item_type="task", title="One")

    head, digest = ledgers.close(app.database, app.identity.ledger, ledgers.ARCHIVED)

    assert (head, digest) == (1, next(iter(app.store.read_all())).digest)


@pytest.mark.processes
def test_a_ledger_is_found_by_its_id_the_beginning_of_it_or_its_name(database: Database) -> None:
    known = made(database, f"name {uuid4()}")

    assert {ledgers.find(database, word).id for word in (str(known.id), str(known.id)[:13], known.name.upper())} == {
        known.id
    }


@pytest.mark.processes
def test_a_name_that_two_ledgers_have_is_ambiguous(database: Database) -> None:
    name = f"twice {uuid4()}"
    made(database, name)
    made(database, name)

    with pytest.raises(Invalid, match=f"{name} can be "):
        ledgers.find(database, name)


@pytest.mark.processes
def test_another_role_sees_a_ledger_from_when_it_is_allowed_until_it_is_denied(
    database: Database, guest: Database
) -> None:
    known = made(database)
    seen = []

    for change in (None, ledgers.allow, ledgers.deny):
        if change is not None:
            change(database, known.id, GUEST)
        seen.append(known.id in {ledger.id for ledger in ledgers.overview(guest)})

    assert seen == [False, True, False]


@pytest.mark.processes
def test_a_stranger_may_neither_name_nor_close_nor_share_a_ledger(database: Database, guest: Database) -> None:
    known = made(database)

    for attempt in (
        lambda: ledgers.rename(guest, known.id, "mine"),
        lambda: ledgers.close(guest, known.id, ledgers.ARCHIVED),
        lambda: ledgers.reopen(guest, known.id, ledgers.ARCHIVED),
        lambda: ledgers.allow(guest, known.id, GUEST),
        lambda: ledgers.deny(guest, known.id, "tracking_ledger_app"),
    ):
        with pytest.raises(NotFound):
            attempt()


@pytest.mark.processes
def test_no_owner_shuts_out_itself(database: Database, guest: Database) -> None:
    known = made(database)
    ledgers.allow(database, known.id, GUEST)

    for who, role in ((database, "tracking_ledger_app"), (guest, GUEST)):
        with pytest.raises(Refused, match=f"you use ledger {known.id} through the role {role} yourself"):
            ledgers.deny(who, known.id, role)

    ledgers.deny(guest, known.id, "tracking_ledger_app")
    assert known.id in {ledger.id for ledger in ledgers.overview(guest)}


def test_a_role_that_is_not_there_or_may_not_use_any_ledger_is_not_let_in(database: Database) -> None:
    known = made(database)

    with pytest.raises(NotFound, match="no role nobody_at_all"):
        ledgers.allow(database, known.id, "nobody_at_all")
    with pytest.raises(NotFound, match="no role nobody_at_all"):
        ledgers.deny(database, known.id, "nobody_at_all")
    with pytest.raises(Refused, match="pg_monitor may not use any ledger"):
        ledgers.allow(database, known.id, "pg_monitor")


@pytest.mark.processes
def test_a_ledger_is_made_listed_renamed_archived_and_opened_by_command(call: Call, tmp_path: Path) -> None:
    code, created = call("create", "Second", tmp_path / "second")

    assert (code, identity.find(tmp_path / "second").ledger) == (0, identity.UUID(created["ledger"]))
    assert call("create", "Second", tmp_path / "second")[1]["created"] is False
    assert call("rename", created["ledger"], "Other")[0] == 0
    assert call("archive", created["ledger"])[1]["position"] == 0
    listed = {ledger["id"] for ledger in call("list")[1]["ledgers"]}
    everything = {ledger["id"]: ledger for ledger in call("list", "--with-archived")[1]["ledgers"]}
    assert created["ledger"] not in listed
    assert (everything[created["ledger"]]["name"], everything[created["ledger"]]["state"]) == ("Other", "closed")
    assert call("open", created["ledger"])[1]["state"] == "open"


def test_renaming_the_projects_own_ledger_renames_it_in_its_file(call: Call, app: App, settings: Settings) -> None:
    app.database  # noqa: B018  # opens the ledger there

    call("rename", str(app.identity.ledger), "Better")

    assert identity.find(settings.project).name == "Better"


def test_a_ledger_without_a_folder_comes_with_what_its_project_needs(call: Call) -> None:
    code, created = call("create", "Alone")

    assert (code, created["created"], call("create", "x" * 201)[0]) == (0, True, 2)


@pytest.mark.processes
def test_a_limit_is_explained_in_words(app: App, settings: Settings, perform: Perform, owner_dsn: str) -> None:
    perform("create_work_item", item_type="task", title="One")
    environment = {
        "LEDGER_PROJECT": str(settings.project),
        "LEDGER_DSN": settings.dsn,
        "LEDGER_HOME": str(settings.home),
        "LEDGER_ADMIN_DSN": owner_dsn,
    }

    answers = [
        CliRunner().invoke(cli, ["ledgers", "quota", str(app.identity.key), most], env=environment).stdout
        for most in ("20", "--none")
    ]

    assert [answer.partition(") ")[2] for answer in answers] == [
        "has 1 event and may have 20\n",
        "has 1 event and no limit\n",
    ]


@pytest.mark.processes
def test_a_full_ledger_refuses_events_and_names_itself_the_limit_and_the_way_out(
    app: App, perform: Perform, call: Call, monkeypatch: pytest.MonkeyPatch, owner_dsn: str
) -> None:
    one = perform("create_work_item", item_type="task", title="One", command_id=(first := str(uuid4())))
    monkeypatch.setenv("LEDGER_ADMIN_DSN", owner_dsn)
    key = str(app.identity.key)
    assert call("quota", key, "2")[1] | {"name": ""} == {"ledger": key, "name": "", "events": 1, "most_events": 2}
    perform("create_work_item", item_type="task", title="Two")

    with pytest.raises(LedgerFull) as full:
        perform("create_work_item", item_type="task", title="Three")

    assert full.value.message == f"ledger project ({key}) has 2 events of the 2 that it may have, and this needs 1 more"
    assert f"tracking-ledger ledgers quota {key} EVENTS" in full.value.next_step
    repeated = perform("create_work_item", item_type="task", title="One", command_id=first)
    assert (repeated["id"], repeated["repeated"]) == (one["id"], True)
    assert perform("list_work_items")["total_count"] == 2
    assert call("list")[1]["ledgers"][-1]["most_events"] == 2
    assert call("quota", key, "--none")[1]["most_events"] is None
    assert perform("create_work_item", item_type="task", title="Three")["position"] == 3


def test_a_bulk_that_does_not_fit_is_refused_whole(app: App, perform: Perform, owner_dsn: str) -> None:
    perform("create_work_item", item_type="task", title="One")
    ledgers.set_quota(replace(app.settings, admin_dsn=owner_dsn), app.identity.key, 3)
    three = [{"op": "create", "item_type": "task", "title": f"Item {number}"} for number in range(3)]

    with pytest.raises(LedgerFull, match="has 1 events of the 3 that it may have, and this needs 3 more"):
        perform("bulk_work_items", items=three)

    assert perform("bulk_work_items", items=three[:2])["outcome"]


@pytest.mark.processes
def test_what_is_queued_for_a_full_ledger_waits_until_there_is_room(app: App, perform: Perform, owner_dsn: str) -> None:
    perform("create_work_item", item_type="task", title="One")
    database = app.database  # the app itself may leave one that is closed for it
    ledgers.close(database, app.identity.key, ledgers.MOVING, None)
    queued = perform("create_work_item", item_type="task", title="Two")
    owner = replace(app.settings, admin_dsn=owner_dsn)
    ledgers.set_quota(owner, app.identity.key, 1)
    ledgers.reopen(database, app.identity.key, ledgers.MOVING)

    with pytest.raises(LedgerFull):
        app.sync.drain_for(10)
    waiting = app.local.waiting
    ledgers.set_quota(owner, app.identity.key, None)

    assert (queued["outcome"], waiting, app.sync.drain_for(10)) == ("queued", 1, True)


@pytest.mark.processes
def test_a_member_cannot_lift_the_quota_and_the_doctor_warns_before_it_is_reached(
    app: App, perform: Perform, call: Call, owner_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(9):
        perform("create_work_item", item_type="task", title=f"Item {number}")
    ledgers.set_quota(replace(app.settings, admin_dsn=owner_dsn), app.identity.key, 10)

    code, refused = call("quota", app.identity.key, "--none")
    found = list(health_checks.of_quota(9, 10)), list(health_checks.of_quota(8, 10))

    assert (code, refused["error"]["details"]["rule"]) == (3, "owner_only")
    assert ([finding.code for finding in found[0]], found[1]) == (["quota_near"], [])
