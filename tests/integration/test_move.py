"""A ledger moves to another database and back, while its clients go on, and both sides are proved to hold the same."""

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest
from msgspec.structs import replace

from ledger import identity
from ledger.embedded.server import EmbeddedServer
from ledger.errors import LedgerClosed, OutcomeUnknown, Refused, Unavailable
from ledger.postgres import ledgers, log_copy
from ledger.postgres.connection.connect import APPLICATION, DATABASE, OWNER, connect, open_ledger
from ledger.postgres.ledgers import ARRIVING, MOVING
from ledger.postgres.log_copy import EMBEDDED
from ledger.settings import Settings
from projections.application.app import App
from projections.fallback.router import answer
from projections.maintenance.erasure import Subject, erase
from projections.maintenance.verify import verify
from projections.operations.catalog import OPERATIONS
from projections.read_models.catalog import SHAPES
from projections.tables.replay import check
from projections.transfer.ledger_move import Moved, destination, move
from tests.support import forked
from tests.support.calls import titles
from tests.support.command_line import exit_code
from tests.support.tcp_gate import Gate

pytestmark = pytest.mark.processes

ELSEWHERE = "tracking_elsewhere"


@pytest.fixture(scope="module")
def elsewhere(server: EmbeddedServer) -> Iterator[tuple[str, str]]:
    """Another database, as the application's role and as the owner's."""
    with psycopg.connect(server.conninfo("postgres", "postgres"), autocommit=True) as administrator:
        administrator.execute(f"CREATE DATABASE {ELSEWHERE} OWNER {OWNER}")
        yield server.conninfo(APPLICATION, ELSEWHERE), server.conninfo(OWNER, ELSEWHERE)
        administrator.execute(f"DROP DATABASE {ELSEWHERE} WITH (FORCE)")


@pytest.fixture
def at_home(server: EmbeddedServer, tmp_path: Path) -> Settings:
    """A project whose ledger lies on the embedded server."""
    project = tmp_path / "project"
    project.mkdir()
    identity.create(project)
    return Settings(project=project, home=tmp_path / "home", pgdata=server.root, by="tester")


@pytest.fixture
def away(at_home: Settings, elsewhere: tuple[str, str]) -> Settings:
    return destination(at_home, *elsewhere)


@pytest.fixture
def app(at_home: Settings) -> Iterator[App]:
    app = App(at_home)
    yield app
    app.close()


@pytest.fixture
def there(away: Settings, tmp_path: Path) -> Iterator[App]:
    """The same ledger on another machine, which names the server that it goes to."""
    app = App(replace(away, home=tmp_path / "another machine"))
    yield app
    app.close()


def write(app: App, title: str) -> str:
    answer: str = OPERATIONS["create_work_item"].perform(app, {"item_type": "task", "title": title})["id"]
    return answer


def log(app: App) -> list[tuple[int, bytes]]:
    return [(event.position, event.digest) for event in app.store.read_all()]


def move_to(settings: Settings, away: Settings) -> None:
    move(App(settings), away)


@contextmanager
def line_held(owner: str, app: App) -> Iterator[psycopg.Connection]:
    """A program that changes the ledger's state waits as long as this is open, or until it is rolled back."""
    with psycopg.connect(owner) as connection:
        connection.execute("SELECT FROM tracking_ledger.ledgers WHERE ledger_id = %s FOR UPDATE", [app.identity.key])
        yield connection
        connection.rollback()


def until_a_lock_is_awaited(holder: psycopg.Connection) -> None:
    question = "SELECT count(*) FROM pg_stat_activity WHERE %s = ANY (pg_blocking_pids(pid))"
    with psycopg.connect(holder.info.dsn, autocommit=True) as connection:
        while not connection.execute(question, [holder.info.backend_pid]).fetchall()[0][0]:
            time.sleep(0.01)


def end_who_waits(*owners: str) -> None:
    """What a killed program had sent is not carried out after all."""
    for owner in owners:
        with psycopg.connect(owner, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0"
            )


def ledger_state(owner: str, app: App) -> str:
    with psycopg.connect(owner) as connection:
        rows = connection.execute(
            "SELECT coalesce(reason, state) FROM tracking_ledger.ledgers WHERE ledger_id = %s", [app.identity.key]
        ).fetchall()
    return str(rows[0][0])


def test_a_moved_ledger_is_the_same_ledger_event_by_event_and_row_by_row(app: App, away: Settings, there: App) -> None:
    for number in range(30):
        write(app, f"Item {number:02}")
    before = log(app)

    moved = move(app, away)

    assert (moved.position, moved.copied, moved.read_models["work_items"][0]) == (30, 30, 30)
    assert log(there) == before
    assert (check(there.store, there.tables).equal, len(titles(there))) == (True, 30)
    assert write(there, "The next one") and log(there)[-1][0] == 31


def test_a_ledger_from_which_texts_were_erased_arrives_as_it_is(app: App, away: Settings, there: App) -> None:
    item = OPERATIONS["create_work_item"].perform(app, {"item_type": "task", "title": "Xylophon"})
    erase(app, Subject(category="work_item", id=item["id"]))
    OPERATIONS["update_work_item"].perform(app, {"id": item["id"], "version": 1, "title": "Afterwards"})

    move(app, away)

    assert verify(there).differences == ()
    assert "Xylophon" not in str(list(there.store.read_all()))
    assert OPERATIONS["query_work_item"].perform(there, {"id": item["id"]})["title"] == "Afterwards"


def test_a_machine_on_the_embedded_server_follows_by_itself(app: App, away: Settings, there: App) -> None:
    write(app, "Before")
    move(App(app.settings), away)

    write(app, "After")

    assert titles(app) == titles(there) == ["After", "Before"]
    assert titles(App(replace(away, dsn=None, admin_dsn=None))) == ["After", "Before"]


def test_a_caller_of_the_old_server_learns_where_it_went(
    app: App, away: Settings, server: EmbeddedServer, at_home: Settings
) -> None:
    write(app, "One")
    named = App(replace(at_home, dsn=server.conninfo(APPLICATION, DATABASE)))
    titles(named)
    move(app, away)

    for attempt in (lambda: write(named, "Two"), lambda: titles(named), lambda: titles(App(named.settings))):
        with pytest.raises(LedgerClosed, match=f"moved; it went to .*{ELSEWHERE}"):
            attempt()
    named.close()


def test_there_and_back_again(app: App, away: Settings, at_home: Settings, there: App) -> None:
    write(app, "One")
    move(app, away)
    write(there, "Two")
    before = log(there)

    moved = move(there, destination(at_home, EMBEDDED, None))

    home = App(at_home)
    assert (moved.copied, moved.target, log(home)) == (1, EMBEDDED, before)
    write(home, "Three")
    assert titles(home) == ["One", "Three", "Two"]
    home.close()


def test_a_program_that_followed_from_the_embedded_server_follows_back(
    app: App, away: Settings, at_home: Settings, there: App
) -> None:
    client, idle = App(at_home), App(at_home)
    write(client, "One")
    titles(idle)
    move(app, away)
    write(client, "Two")

    move(there, destination(at_home, EMBEDDED, None))

    write(client, "Three")
    write(idle, "Four")
    assert titles(client) == titles(idle) == ["Four", "One", "Three", "Two"]
    client.close()
    idle.close()


def test_a_caller_that_names_the_server_hears_that_the_ledger_went_to_the_embedded_one(
    app: App, away: Settings, at_home: Settings, there: App
) -> None:
    write(app, "One")
    move(app, away)

    move(there, destination(at_home, EMBEDDED, None))

    with pytest.raises(LedgerClosed) as refused:
        write(there, "Two")
    assert refused.value.next_step == "unset LEDGER_DSN: it is on the embedded server"


def test_a_database_to_move_to_that_is_away_is_not_looked_for_in_the_settings(app: App, at_home: Settings) -> None:
    write(app, "One")

    with pytest.raises(Unavailable, match="the database to move to cannot be used") as refused:
        move(app, destination(at_home, "host=127.0.0.1 port=1 dbname=x", None))

    assert refused.value.next_step == "start its server, or correct TO, or its section in ~/.pg_service.conf"


def test_four_writers_lose_nothing_and_nothing_is_doubled(
    app: App, away: Settings, there: App, at_home: Settings
) -> None:
    write(app, "Begin")
    stop = threading.Event()
    answered: list[str] = []

    def writing(name: str) -> None:
        client = App(at_home)
        number = 0
        while not stop.is_set():
            write(client, f"{name} {number:04}")
            answered.append(f"{name} {number:04}")
            number += 1
            stop.wait(0.01)  # the move needs the cores too
        client.close()

    writers = [threading.Thread(target=writing, args=(f"writer {number}",)) for number in range(4)]
    for writer in writers:
        writer.start()
    moved: list[Moved] = []
    try:
        while len(answered) < 16:
            stop.wait(0.01)
        moved.append(move(App(at_home), away))
        reached = len(answered)
        while len(answered) < reached + 16:
            stop.wait(0.01)
    finally:
        stop.set()
        for writer in writers:
            writer.join()
    assert app.sync.drain_for(10)

    recorded = [event for event in there.store.read_all() if event.type == "WorkItemCreated"]
    assert len(recorded) == len(answered) + 1  # committed or queued, each is there, and none twice
    assert moved[0].position >= 17 and recorded[-1].position > moved[0].position
    assert check(there.store, there.tables).equal


def test_another_history_there_is_refused_and_everything_stays_as_it_was(app: App, away: Settings, there: App) -> None:
    write(app, "Here")
    write(there, "There")

    with pytest.raises(Refused, match="another history"):
        move(app, away)

    assert (titles(app), titles(there)) == (["Here"], ["There"])
    assert write(app, "Still open")


def test_a_read_model_that_differs_is_named_and_the_ledger_stays_where_it_is(
    app: App, away: Settings, server: EmbeddedServer
) -> None:
    write(app, "One")
    with psycopg.connect(server.conninfo("postgres", DATABASE), autocommit=True) as administrator:
        administrator.execute(
            "UPDATE tracking_ledger.work_items SET doc = jsonb_set(doc, '{title}', '\"Wrong\"') WHERE ledger_id = %s",
            [app.identity.ledger],
        )

    with pytest.raises(Refused, match="do not hold the same: work_items"):
        move(app, away)

    assert write(app, "Still open")


def test_an_interrupted_move_is_finished_by_repeating_it(
    app: App, away: Settings, there: App, server: EmbeddedServer
) -> None:
    write(app, "One")
    move(app, away)
    with psycopg.connect(server.conninfo(OWNER, DATABASE)) as owner:  # as if it had ended before the last step
        owner.execute("UPDATE tracking_ledger.ledgers SET reason = 'moving' WHERE ledger_id = %s", [app.identity.key])
    write(there, "Two")
    again = App(replace(away, dsn=None, admin_dsn=None))

    moved = move(again, away)

    assert (moved.position, titles(again)) == (1, ["One", "Two"])


def test_a_ledger_on_its_way_to_one_place_goes_to_no_other_until_it_is_said_that_the_first_is_gone(
    app: App, away: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(app, "One")
    ledgers.close(app.database, app.identity.key, MOVING, "host=first")

    with pytest.raises(Refused, match="on its way to host=first"):
        move(app, away)
    monkeypatch.setenv("LEDGER_PROJECT", str(app.settings.project))
    monkeypatch.setenv("LEDGER_PGDATA", str(app.settings.pgdata))
    monkeypatch.setenv("LEDGER_HOME", str(app.settings.home))

    code = exit_code(monkeypatch, "ledgers", "open", "--gone")

    assert code == 0
    assert "is open" in capsys.readouterr().out
    assert move(app, away).position == 1


def test_no_other_program_moves_a_ledger_that_is_being_moved(app: App, away: Settings) -> None:
    write(app, "One")

    with (
        log_copy.moving_lock(app.database, app.identity.key),
        pytest.raises(Refused, match="is being moved by another process"),
    ):
        move(app, away)

    assert write(app, "Still open")


def test_what_has_not_arrived_yet_is_not_answered(app: App, away: Settings, there: App) -> None:
    write(app, "One")
    database = connect(away)
    open_ledger(database, app.identity.key, "arriving", SHAPES)
    ledgers.close(database, app.identity.key, ARRIVING, "embedded")
    database.close()

    listed = answer(there, lambda layered: OPERATIONS["list_work_items"].perform(layered, {}))

    assert (listed["items"], listed["source"]) == ([], "none")
    assert OPERATIONS["create_work_item"].perform(there, {"item_type": "task", "title": "Two"})["outcome"] == "queued"


@pytest.mark.parametrize(
    ("step", "left"),
    [
        ("closing here", ("open", "arriving")),
        ("opening there", ("moving", "arriving")),
        ("leaving", ("moving", "open")),
    ],
)
def test_a_mover_that_is_killed_leaves_one_side_open_at_most_and_the_next_one_finishes(
    step: str, left: tuple[str, str], app: App, away: Settings, there: App, server: EmbeddedServer
) -> None:
    for number in range(3):
        write(app, f"Item {number}")
    before, here, to = log(app), server.conninfo("postgres", DATABASE), server.conninfo("postgres", ELSEWHERE)
    mover = forked.CONTEXT.Process(target=move_to, args=(app.settings, away))

    with ExitStack() as held:  # each step of the mover waits until this process lets go of the ledger's line
        stay = held.enter_context(line_held(here, app))
        mover.start()
        until_a_lock_is_awaited(stay)
        if step != "closing here":
            other = held.enter_context(line_held(to, app))
            stay.rollback()
            until_a_lock_is_awaited(other)
        if step == "leaving":
            last = held.enter_context(line_held(here, app))
            other.rollback()
            until_a_lock_is_awaited(last)
        mover.kill()
        mover.join()
        seen = (ledger_state(here, app), ledger_state(to, app))
        end_who_waits(here, to)

    assert seen == left
    again = App(replace(app.settings, home=app.home.parent / "again"))
    moved = move(again, away)
    assert (moved.position, log(there)) == (3, before)
    assert (ledger_state(here, app), ledger_state(to, app)) == ("moved", "open")
    assert titles(app) == titles(there) == ["Item 0", "Item 1", "Item 2"]


@pytest.mark.parametrize("after", [1_000, 3_000, 6_000])
def test_a_connection_that_is_cut_leaves_the_ledger_open_where_it_was(
    after: int, app: App, away: Settings, at_home: Settings, elsewhere: tuple[str, str], there: App
) -> None:
    OPERATIONS["bulk_work_items"].perform(
        app, {"items": [{"op": "create", "item_type": "task", "title": f"{number}"} for number in range(50)]}
    )
    gate, before = Gate(elsewhere[0]), log(app)
    through = destination(at_home, gate.dsn, elsewhere[1])
    gate.close_after(after)

    with pytest.raises((Unavailable, OutcomeUnknown)):
        move(app, through)

    assert OPERATIONS["list_work_items"].perform(app, {})["total_count"] == 50
    gate.open()
    assert (move(app, through).position, log(there)) == (50, before)
    gate.close()


def test_while_the_last_events_are_on_their_way_readers_read_and_writes_are_queued(app: App) -> None:
    write(app, "One")
    database = app.database  # the app itself may leave one that is closed for it
    ledgers.close(database, app.identity.key, MOVING, None)
    queued = OPERATIONS["create_work_item"].perform(app, {"item_type": "task", "title": "Two"})
    seen = titles(app)
    ledgers.reopen(database, app.identity.key, MOVING)

    settled = app.sync.drain_for(5)

    assert (queued["outcome"], seen, settled, log(app)[-1][0]) == ("queued", ["One", "Two"], True, 2)


def test_what_was_queued_during_a_move_comes_home_to_where_the_ledger_went(
    app: App, away: Settings, at_home: Settings, there: App
) -> None:
    write(app, "One")
    database = app.database  # the app itself may leave one that is closed for it
    ledgers.close(database, app.identity.key, MOVING, None)
    write(app, "Two")
    ledgers.reopen(database, app.identity.key, MOVING)
    move(App(at_home), away)

    settled = app.sync.drain_for(10)

    assert (settled, titles(there)) == (True, ["One", "Two"])


def test_moving_to_where_it_is_is_refused(app: App) -> None:
    with pytest.raises(Refused, match="is there already"):
        move(app, destination(app.settings, EMBEDDED, None))
