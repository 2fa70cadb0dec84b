"""A server of the test's own that is stopped, killed or frozen: calls are answered soon, nothing is wrongly said."""

import errno
import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
import psycopg
import pytest
from filelock import FileLock
from msgspec.structs import replace

from ledger import identity
from ledger.aggregates.work_item.commands import CreateWorkItem
from ledger.embedded.server import EmbeddedServer
from ledger.envelope import Recorded
from ledger.errors import Unavailable
from ledger.libpq.session import Session
from ledger.postgres.connection import connect as connecting
from ledger.postgres.connection import deadline
from ledger.postgres.connection.connect import APPLICATION, DATABASE
from ledger.postgres.connection.watchdog import Watchdog
from ledger.settings import Settings
from projections.application.app import App
from projections.application.view import LedgerView
from projections.fallback import router
from projections.maintenance.status_file import LOCK, write_status
from projections.operations.catalog import OPERATIONS
from tests.conftest import Perform
from tests.support import silence
from tests.support.own_server import own_server as a_server_of_its_own
from tests.support.waits import let_go, until, until_ended

pytestmark = pytest.mark.processes

Freeze = Callable[[], Callable[[], None]]

SOON = 60.0  # seconds, for a machine that does other things too
NEVER = 600.0  # the limit of a call here: what ends before has noticed the outage


@pytest.fixture(scope="module")
def own_server() -> Iterator[EmbeddedServer]:
    with a_server_of_its_own("outage") as server:
        yield server


@pytest.fixture(autouse=True)
def soon_looked_after(monkeypatch: pytest.MonkeyPatch) -> None:
    """So are calls, and what waits here holds up the next command for less time."""
    silence.soon_looked_after(monkeypatch)
    monkeypatch.setattr(router, "DRAIN_SECONDS", 0.2)


@pytest.fixture
def app(own_server: EmbeddedServer, tmp_path: Path) -> Iterator[App]:
    own_server.ensure()
    identity.create(tmp_path)
    dsn = own_server.conninfo(APPLICATION, DATABASE)
    own = Settings(project=tmp_path, dsn=dsn, home=tmp_path / "home", pgdata=tmp_path / "unused", by="tester")
    app = App(replace(own, call_seconds=NEVER))
    yield app
    app.close()


@pytest.fixture
def frozen(own_server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Freeze]:
    """frozen() freezes every process of the server, and answers what thaws them."""
    stopped: list[psutil.Process] = []

    def freeze() -> Callable[[], None]:
        leader = _leader(own_server)
        stopped.extend([leader, *leader.children(recursive=True)])
        silence.soon_noticed(monkeypatch)
        _signal(stopped, signal.SIGSTOP)
        ending.enter_context(let_go(thaw))
        return thaw

    def thaw() -> None:
        _signal(stopped, signal.SIGCONT)

    with ExitStack() as ending:
        ending.callback(thaw)
        yield freeze


class Clock:
    """time.monotonic, `ahead` by so many seconds."""

    def __init__(self) -> None:
        self.ahead, self.looks = 0.0, 0

    def __call__(self) -> float:
        self.looks += 1
        return time.monotonic() + self.ahead


def test_a_stopped_server_is_answered_for_by_the_journal_and_found_again(
    app: App, perform: Perform, own_server: EmbeddedServer
) -> None:
    entity = perform("create_work_item", item_type="task", title="Before")
    until(app.sync.follow)

    _stop(own_server)
    read = perform("query_work_item", id=entity["id"])
    queued = perform("update_work_item", id=entity["id"], version=1, title="Meanwhile")
    own_server.ensure()
    until(lambda: app.runtime.contact.ready and app.local.is_settled)

    assert (read["title"], read["source"]) == ("Before", "journal")
    assert queued["outcome"] == "queued"
    assert perform("query_work_item", id=entity["id"])["title"] == "Meanwhile"


def test_the_way_to_a_server_that_is_back_is_gone_once(
    app: App, perform: Perform, own_server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is it asked on a connection that was idle when it stopped, which it has closed: each would cost a try."""
    ways = list[Session]()

    def keeps_statements(session: Session) -> bool:
        ways.append(session)
        return True

    perform("create_work_item", item_type="task", title="Before")
    with app.database.connection(), app.database.connection():
        pass
    _stop(own_server)
    perform("create_work_item", item_type="task", title="Meanwhile")
    monkeypatch.setattr(connecting, "keeps_statements", keeps_statements)

    own_server.ensure()
    until(lambda: app.runtime.contact.ready)

    assert len(ways) == 1


def test_a_frozen_server_is_noticed_by_readers_and_by_writers(app: App, perform: Perform, frozen: Freeze) -> None:
    entity = perform("create_work_item", item_type="task", title="Before")
    until(app.sync.follow)

    frozen()
    began = time.monotonic()
    read = perform("query_work_item", id=entity["id"])
    queued = perform("update_work_item", id=entity["id"], version=1, title="Meanwhile")

    assert time.monotonic() - began < SOON
    assert (read["source"], read["title"]) == ("journal", "Before")
    assert queued["outcome"] == "queued"


def test_a_write_that_a_freezing_server_has_received_is_queued_and_recorded_once(
    app: App, perform: Perform, own_server: EmbeddedServer, frozen: Freeze
) -> None:
    perform("create_work_item", item_type="task", title="Before")
    patient, create = App(replace(app.settings, command_seconds=NEVER)), OPERATIONS["create_work_item"]
    with _holding_the_lock(own_server, app):  # which the write below waits for, in the server
        writing, answers = _in_background(lambda: create.perform(patient, {"item_type": "task", "title": "Held up"}))
        until(lambda: _waiting_for_locks(own_server) == 1)
        thaw = frozen()
        writing.join(SOON)
    thaw()

    until(lambda: patient.runtime.contact.ready and app.local.is_settled)
    patient.close()
    assert [answer["outcome"] for answer in answers] == ["queued"]
    assert [event.type for event in app.store.read_all()] == ["WorkItemCreated", "WorkItemCreated"]


def test_while_a_frozen_server_is_asked_for_the_report_anybody_may_write_the_status_file(
    app: App, perform: Perform, frozen: Freeze
) -> None:
    perform("create_work_item", item_type="task", title="Before")

    frozen()
    asking = threading.Thread(target=write_status, args=[app])
    asking.start()
    time.sleep(0.3)
    with FileLock(app.home / LOCK, blocking=False):
        assert asking.is_alive()

    asking.join(SOON)
    assert not asking.is_alive()


def test_a_long_call_on_a_healthy_server_is_waited_for(app: App, own_server: EmbeddedServer) -> None:
    patient = App(replace(app.settings, command_seconds=30.0))
    create = OPERATIONS["create_work_item"]
    create.perform(patient, {"item_type": "task", "title": "Before"})
    with _holding_the_lock(own_server, app):
        writing, answers = _in_background(lambda: create.perform(patient, {"item_type": "task", "title": "Held up"}))
        time.sleep(0.6)  # longer than the watchdog waits, and a question of it
        assert not answers
    writing.join()
    patient.close()

    assert [answer["outcome"] for answer in answers] == ["committed"]


def test_writes_that_wait_for_the_lock_too_long_are_queued_and_recorded_once_in_their_order(
    app: App, perform: Perform, own_server: EmbeddedServer
) -> None:
    perform("create_work_item", item_type="task", title="Before")
    hurried, create = App(replace(app.settings, command_seconds=0.3)), OPERATIONS["create_work_item"]
    with _holding_the_lock(own_server, app):
        began = time.monotonic()
        queued = [create.perform(hurried, {"item_type": "task", "title": title}) for title in ("First", "Second")]
        waited = time.monotonic() - began

    until(lambda: hurried.local.is_settled)
    hurried.close()
    assert waited < 2 * SOON
    assert [answer["outcome"] for answer in queued] == ["queued", "queued"]
    titles = [json.loads(event.data)["title"] for event in app.store.read_all()]
    assert titles == ["Before", "First", "Second"]


def test_a_primary_that_became_a_standby_is_an_outage_until_a_primary_is_found(
    app: App, perform: Perform, own_server: EmbeddedServer
) -> None:
    perform("create_work_item", item_type="task", title="Before")
    with _as_a_standby(own_server):
        queued = perform("create_work_item", item_type="task", title="Meanwhile")

    until(lambda: app.runtime.contact.ready and app.local.is_settled)
    assert queued["outcome"] == "queued"
    assert [event.position for event in app.store.read_all()] == [1, 2]


def test_a_call_is_given_up_when_its_own_limit_is_over(app: App, own_server: EmbeddedServer) -> None:
    hurried = App(replace(app.settings, call_seconds=0.3))
    create = OPERATIONS["create_work_item"]
    create.perform(hurried, {"item_type": "task", "title": "Before"})
    with _holding_the_lock(own_server, app):
        assert create.perform(hurried, {"item_type": "task", "title": "Held up"})["outcome"] == "queued"
    hurried.close()


def test_a_command_that_takes_long_to_decide_is_recorded_and_not_queued(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr(deadline, "at_most", partial(deadline.at_most, clock=clock))

    def run(view: LedgerView) -> Recorded:
        assert view.tables.ask("work_items/parents")[1] == []
        clock.ahead += 10 * app.settings.command_seconds
        return view.record(CreateWorkItem(id=str(uuid4()), item_type="task", title="Decided for long"))

    view, recorded = router.run_on_first_source(app, run, writes=True)

    assert view.layer.is_live
    assert recorded.positions == (1,)


def test_what_a_thread_does_between_two_statements_is_no_silence_of_the_server(own_server: EmbeddedServer) -> None:
    own_server.ensure()
    clock, asked = Clock(), list[Session]()
    watchdog = Watchdog(lambda session: bool(asked.append(session)), clock)
    with closing(Session.connect(own_server.conninfo(APPLICATION, DATABASE))) as session:
        watched = watchdog.add(session, 60.0)
        session.execute("SELECT 1")
        clock.ahead += NEVER
        looks = clock.looks
        until(lambda: clock.looks > looks + 2)
        session.execute("SELECT 1")
        watchdog.discard(watched)

    assert (watched.shut, asked) == ("", [])


def test_calls_of_one_transaction_are_given_up_when_they_have_waited_for_its_limit_together(
    own_server: EmbeddedServer,
) -> None:
    own_server.ensure()
    clock = Clock()
    watchdog = Watchdog(lambda _: True, clock)
    with (
        closing(Session.connect(own_server.conninfo(APPLICATION, DATABASE))) as session,
        pytest.raises(psycopg.OperationalError),
    ):
        watched = watchdog.add(session, 60.0)
        threading.Timer(0.1, lambda: setattr(clock, "ahead", NEVER)).start()
        session.execute("SELECT pg_sleep(600)")
    watchdog.discard(watched)  # as every call does: it waits for the one that shuts the socket to say why

    assert watched.shut == "it took longer than 60 s"


def test_calls_are_looked_after_again_once_the_machine_can_ask(own_server: EmbeddedServer) -> None:
    """Which it cannot for as long as it has too many open files."""
    faults = [OSError(errno.EMFILE, "too many open files")]

    def answers(_: Session) -> bool:
        if faults:
            raise faults.pop()
        return False

    own_server.ensure()
    with (
        closing(Session.connect(own_server.conninfo(APPLICATION, DATABASE))) as session,
        pytest.raises(psycopg.OperationalError),
    ):
        Watchdog(answers).add(session)
        session.execute("SELECT pg_sleep(15)")


def test_after_half_an_hour_without_contact_an_answer_is_marked_stale(
    app: App, perform: Perform, own_server: EmbeddedServer
) -> None:
    perform("create_work_item", item_type="task", title="Before")
    until(app.sync.follow)
    long_ago = time.time() - 31 * 60
    os.utime(app.home / "contact", (long_ago, long_ago))
    _stop(own_server)

    read = perform("list_work_items")

    assert "stale_journal" in read["warnings"]
    assert read["as_of"]["age"] >= 31 * 60
    assert read["total_count"] == 1


def test_a_killed_server_costs_a_running_write_nothing(app: App, perform: Perform, own_server: EmbeddedServer) -> None:
    perform("create_work_item", item_type="task", title="Before")
    _signal(_leader(own_server).children(), signal.SIGKILL)

    said = perform("create_work_item", item_type="task", title="After")

    assert said["outcome"] in ("committed", "queued")
    own_server.ensure()
    until(lambda: app.runtime.contact.ready and app.local.is_settled)
    found = [item["title"] for item in perform("list_work_items", order="created")["items"]]
    assert sorted(found) == ["After", "Before"]


def test_a_connection_that_was_closed_while_it_was_idle_is_known_to_have_sent_nothing(
    app: App, own_server: EmbeddedServer
) -> None:
    idle = app.database.call("SELECT pg_backend_pid()")[0][0]
    with psycopg.connect(own_server.conninfo("postgres", "postgres")) as administrator:
        administrator.execute("SELECT pg_terminate_backend(%s, 10000)", [idle])

    with pytest.raises(Unavailable, match="before anything was sent"):
        app.database.call("SELECT 1")


def _leader(server: EmbeddedServer) -> psutil.Process:
    return psutil.Process(int((server.data / "postmaster.pid").read_text().split()[0]))


def _signal(processes: list[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)


@contextmanager
def _holding_the_lock(server: EmbeddedServer, app: App) -> Iterator[None]:
    with closing(psycopg.connect(server.conninfo("postgres", DATABASE))) as connection:
        connection.execute("SELECT tracking_ledger.lock_ledger(%s)", [app.identity.ledger])
        with let_go(connection.close):
            yield


@contextmanager
def _as_a_standby(server: EmbeddedServer) -> Iterator[None]:
    """It reads and takes no writes, as a primary does that others have left behind."""
    _stop(server)
    (server.data / "standby.signal").touch()
    server.ensure()
    yield
    with psycopg.connect(server.conninfo("postgres", DATABASE), autocommit=True) as connection:
        connection.execute("SELECT pg_promote()")


def _stop(server: EmbeddedServer) -> None:
    """With clients on it, which the server's own way refuses."""
    leader = _leader(server)
    leader.send_signal(signal.SIGINT)
    until_ended(leader)


def _in_background(act: Callable[[], dict[str, Any]]) -> tuple[threading.Thread, list[dict[str, Any]]]:
    answers: list[dict[str, Any]] = []
    thread = threading.Thread(target=lambda: answers.append(act()))
    thread.start()
    return thread, answers


def _waiting_for_locks(server: EmbeddedServer) -> int:

    with psycopg.connect(server.conninfo("postgres", "postgres")) as connection:
        rows = connection.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return int(rows.fetchall()[0][0])
