"""The journal follows the log, whichever process writes, and finds out when the log is not what it was."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from filelock import FileLock
from msgspec.structs import replace

from ledger.envelope import RecordedEvent
from ledger.errors import Diverged, Unavailable
from ledger.offline.acknowledged_position import Acknowledged
from ledger.offline.follower import Follower
from ledger.offline.journal import FOLLOW_LOCK, Journal
from ledger.postgres.store import PostgresStore
from ledger.settings import Settings
from ledger.store import KnownCommand
from projections.application.app import App
from projections.application.runtime import Runtime
from projections.application.sync import DIVERGED
from projections.operations.catalog import OPERATIONS
from projections.read_models.catalog import SHAPES
from projections.tables.replay import check
from tests.conftest import Perform
from tests.support.command_line import run
from tests.support.forked import Forked
from tests.support.lost_history import lose, state
from tests.support.waits import until

pytestmark = pytest.mark.processes

Create = Callable[[int], list[str]]


@pytest.fixture
def create(perform: Perform) -> Create:
    return lambda count: [perform("create_work_item", item_type="task", title=f"Item {n}")["id"] for n in range(count)]


def test_the_journal_becomes_the_log_byte_for_byte_and_its_rows_the_read_models(app: App, create: Create) -> None:
    create(5)

    until(app.sync.follow)
    assert list(app.local.journal.read_all()) == list(app.store.read_all())
    assert check(app.store, app.local.cache.tables).equal
    assert app.local.contact() is not None


def test_a_follower_ends_at_what_the_log_held_when_it_was_asked_however_fast_others_write(
    app: App, create: Create, tmp_path: Path
) -> None:
    class Growing(PostgresStore):
        """A log that grows whenever it is read."""

        def read_all(self, after: int = 0, up_to: int | None = None) -> Iterator[RecordedEvent]:
            events = list(super().read_all(after, up_to))
            create(1)
            return iter(events)

    log = Growing(app.database, app.identity.ledger, SHAPES, key=app.identity.key)
    own = Journal(tmp_path / "journal.jsonl", app.identity.ledger, tmp_path / "index.sqlite3")
    create(3)

    assert Follower(own, Acknowledged(tmp_path), tmp_path, log).follow(seconds=5)
    assert own.head.position == 3
    own.close()


def test_a_log_that_lost_what_it_showed_is_followed_the_next_time(app: App, create: Create, tmp_path: Path) -> None:
    class Shrunk(PostgresStore):
        def read_all(self, after: int = 0, up_to: int | None = None) -> Iterator[RecordedEvent]:
            return iter(())

    given = (app.database, app.identity.ledger, SHAPES)
    own = Journal(tmp_path / "journal.jsonl", app.identity.ledger, tmp_path / "index.sqlite3")
    create(3)

    assert not Follower(own, Acknowledged(tmp_path), tmp_path, Shrunk(*given, key=app.identity.key)).follow()
    assert own.head.position == 0
    assert Follower(own, Acknowledged(tmp_path), tmp_path, PostgresStore(*given, key=app.identity.key)).follow()
    assert own.head.position == 3
    own.close()


def test_what_was_recorded_here_is_there_to_fetch_and_compared_once(app: App, create: Create, tmp_path: Path) -> None:
    """Where the log is known to have more, nothing has to be found out before that is fetched."""
    asked: list[list[int]] = []

    class Noting(PostgresStore):
        def known_at(self, positions: list[int]) -> tuple[int, dict[int, KnownCommand]]:
            asked.append(positions)
            return super().known_at(positions)

    create(3)
    log = Noting(app.database, app.identity.ledger, SHAPES, key=app.identity.key)
    own = Journal(tmp_path / "journal.jsonl", app.identity.ledger, tmp_path / "index.sqlite3")

    log.remember_position(1)
    assert Follower(own, Acknowledged(tmp_path), tmp_path, log).follow()

    assert own.head.position == 3  # also what others have recorded
    assert asked == [[0]]
    own.close()


def test_a_command_that_writes_follows_the_log_once(
    settings: Settings, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(settings, "add", "One")
    asked = []
    known_at = PostgresStore.known_at

    def noting(store: PostgresStore, positions: list[int]) -> tuple[int, dict[int, KnownCommand]]:
        asked.append(positions)
        return known_at(store, positions)

    monkeypatch.setattr(PostgresStore, "known_at", noting)
    run(settings, "add", "Another")

    head = app.local.journal.head.position
    assert head == len(list(app.store.read_all()))
    assert asked.count([head]) <= 1, (
        "a journal that is up to the log is compared again only if it was so before the end"
    )


def test_a_follower_has_the_rows_of_what_it_fetched_before_it_fetches_more(
    app: App, settings: Settings, create: Create, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a call that waits for news waits for the rows of all that others recorded, whatever time it has."""
    monkeypatch.setattr("ledger.offline.follower.PORTION", 1)
    create(3)
    elsewhere = App(replace(settings, home=settings.home / "elsewhere"))
    journal, rows = elsewhere.local.journal, elsewhere.local.cache.tables
    fetch = elsewhere.store.read_all
    ahead: list[int] = []

    def watched(after: int = 0, up_to: int | None = None) -> Iterator[RecordedEvent]:
        with rows.reading() as reached:
            ahead.append(journal.head.position - reached.checkpoint[0])
        return fetch(after, up_to)

    monkeypatch.setattr(elsewhere.store, "read_all", watched)
    whole = elsewhere.sync.follow()
    elsewhere.close()

    assert whole
    assert ahead == [0, 0, 0]


def test_a_write_is_followed_without_being_asked(app: App, create: Create) -> None:
    create(1)

    app.after_write.finish()
    assert app.local.journal.head.position == 1


def test_what_was_committed_is_acknowledged_before_it_is_said(app: App, create: Create) -> None:
    create(2)

    said = Acknowledged(app.home).read()
    assert said is not None
    assert (said.position, said.command_id) == (2, list(app.store.read_all())[1].command_id)


class _Dying:
    """A server that was killed: what it shows at the end may be on no standby, and it gives no second answer."""

    def __init__(self, store: PostgresStore, newest_known: int) -> None:
        self._store = store
        self._shown = False
        self.newest_known = newest_known

    def read_all(self, after: int = 0, up_to: int | None = None) -> Iterator[RecordedEvent]:
        self._shown = True
        return self._store.read_all(after, up_to)

    def known_at(self, positions: list[int]) -> tuple[int, dict[int, KnownCommand]]:
        if self._shown:
            raise Unavailable("PostgreSQL cannot answer: it is gone")
        return self._store.known_at(positions)


@pytest.mark.parametrize("newest_known", [0, 1])
def test_what_a_server_showed_as_it_died_is_not_taken_into_the_journal(
    app: App, create: Create, settings: Settings, tmp_path: Path, newest_known: int
) -> None:
    create(1)
    elsewhere = App(replace(settings, home=tmp_path / "elsewhere"))
    local = elsewhere.local

    with pytest.raises(Unavailable):
        Follower(local.journal, local.acknowledged, local.home, _Dying(app.store, newest_known)).follow()

    assert local.journal.head.position == 0
    elsewhere.close()


def test_many_processes_follow_at_once_and_the_journal_stays_whole(
    app: App, settings: Settings, create: Create
) -> None:
    followers = [_following(settings) for _ in range(3)]
    create(20)
    app.sync.follow()
    for follower in followers:
        follower.kill()
        follower.wait()
    until(app.sync.follow)

    assert list(app.local.journal.read_all()) == list(app.store.read_all())


def test_a_follower_killed_at_any_moment_leaves_a_journal_that_goes_on(
    app: App, settings: Settings, create: Create
) -> None:
    for round in range(6):
        follower = _following(settings)
        create(8)
        time.sleep(0.05 * round)
        follower.kill()
        follower.wait()

        assert app.local.journal.damage is None
    until(app.sync.follow)
    assert list(app.local.journal.read_all()) == list(app.store.read_all())


def test_a_follower_that_is_stopped_with_the_lock_holds_up_no_other(app: App, create: Create) -> None:
    create(1)
    with FileLock(app.home / FOLLOW_LOCK):
        assert not app.sync.follow()
        create(1)


@pytest.mark.parametrize("lost", ["acknowledged", "journal.jsonl"])
def test_a_database_that_lost_history_is_closed_and_this_machine_goes_on_from_its_own_copy(
    app: App, settings: Settings, create: Create, owner_dsn: str, lost: str
) -> None:
    create(3)
    until(app.sync.follow)
    app.close()
    (app.home / lost).unlink()
    lose(owner_dsn, app.identity.ledger, after=1)
    machine = App(settings)

    with pytest.raises(Diverged):
        _ = machine.database
    read = OPERATIONS["list_work_items"].perform(machine, {})
    written = OPERATIONS["create_work_item"].perform(machine, {"item_type": "task", "title": "Queued"})

    assert state(owner_dsn, app.identity.ledger) == ("closed", DIVERGED)
    assert read["total_count"] == (3 if lost == "acknowledged" else 0)
    assert read["source"] != "postgres"
    assert "database_diverged" in read["warnings"]
    assert written["outcome"] == "queued"
    machine.close()


@pytest.mark.parametrize("tool", ["query_work_item", "update_work_item"])
def test_a_server_that_lacks_what_another_process_of_this_machine_recorded_is_not_believed(
    app: App, settings: Settings, create: Create, owner_dsn: str, tool: str
) -> None:
    """As a frozen primary does that wakes up beside the one which took its place."""
    create(1)
    until(app.sync.follow)
    other = App(settings)
    made = OPERATIONS["create_work_item"].perform(other, {"item_type": "task", "title": "Of another process"})
    until(other.sync.follow)
    other.close()
    lose(owner_dsn, app.identity.ledger, after=1)

    change = {"version": 1, "title": "New"} if tool == "update_work_item" else {}
    answer = OPERATIONS[tool].perform(app, {"id": made["id"], **change})

    assert answer["id"] == made["id"]
    assert answer["source"] == "journal"


def test_a_process_that_goes_on_writes_nothing_to_a_database_that_lost_what_it_has_acknowledged(
    app: App, create: Create, owner_dsn: str
) -> None:
    create(3)
    lose(owner_dsn, app.identity.ledger, after=1)

    written = OPERATIONS["create_work_item"].perform(app, {"item_type": "task", "title": "Queued"})

    assert written["outcome"] == "queued"
    until(lambda: "database_diverged" in OPERATIONS["list_work_items"].perform(app, {}).get("warnings", ()))
    assert state(owner_dsn, app.identity.ledger) == ("closed", DIVERGED)
    with psycopg.connect(owner_dsn) as connection:
        connection.execute("SELECT set_config('ledger.id', %s, true)", [str(app.identity.ledger)])
        found = connection.execute(
            "SELECT max(position) FROM tracking_ledger.events WHERE ledger_id = %s", [app.identity.ledger]
        )
        assert found.fetchall() == [(1,)]


def test_what_waits_beside_a_database_of_another_history_says_so(app: App, create: Create, owner_dsn: str) -> None:
    create(3)
    until(app.sync.follow)
    lose(owner_dsn, app.identity.ledger, after=1)
    until(lambda: "database_diverged" in OPERATIONS["list_work_items"].perform(app, {}).get("warnings", ()))

    written = OPERATIONS["create_work_item"].perform(app, {"item_type": "task", "title": "Queued"})
    typed, claimed = run(app.settings, "add", "Queued too"), run(app.settings, "next")

    assert written["next_step"].startswith("stored here, recorded when database and this machine's history agree again")
    assert "since the database is not the history that this machine knows" in typed.stderr
    assert "tracking-ledger doctor" in typed.stderr
    assert "cannot be reached" not in typed.stderr + claimed.stderr


def test_nor_to_one_that_others_have_brought_as_far_again(
    app: App, settings: Settings, create: Create, owner_dsn: str
) -> None:
    """A silent change of servers: the log is as long as what was reported, and another one."""
    create(2)
    lose(owner_dsn, app.identity.ledger, after=1)
    other = App(replace(settings, home=settings.project / "other-machine"))
    OPERATIONS["create_work_item"].perform(other, {"item_type": "task", "title": "Another way"})
    other.close()

    written = OPERATIONS["create_work_item"].perform(app, {"item_type": "task", "title": "Queued"})

    assert written["outcome"] == "queued"
    until(lambda: "database_diverged" in OPERATIONS["list_work_items"].perform(app, {}).get("warnings", ()))


class _Slow:
    """A log that is read slowly."""

    def __init__(self, log: PostgresStore, seconds: float) -> None:
        self._log = log
        self._seconds = seconds

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    def read_all(self, after: int = 0, up_to: int | None = None) -> Iterator[RecordedEvent]:
        time.sleep(self._seconds)
        return self._log.read_all(after, up_to)


def test_a_journal_is_as_old_as_the_moment_at_which_the_log_was_asked(
    app: App, create: Create, monkeypatch: pytest.MonkeyPatch
) -> None:
    create(1)
    monkeypatch.setattr(Runtime, "store", _Slow(app.store, 0.4))

    until(app.sync.follow)

    assert app.local.followed >= 0.4


def test_what_a_journal_behind_the_log_knows_is_no_divergence(app: App, settings: Settings, create: Create) -> None:
    create(2)
    until(app.sync.follow)
    create(2)
    app.close()
    (app.home / "journal.jsonl").write_bytes((app.home / "journal.jsonl").read_bytes().splitlines(True)[0])

    machine = App(settings)
    until(machine.sync.follow)
    assert machine.local.journal.head.position == 4
    machine.close()


def _follow_until_killed() -> None:
    app = App(Settings.from_environment())
    print("ready", flush=True)
    while True:
        app.sync.follow()
        time.sleep(0.002)  # the writers whom it follows need the cores too


def _following(settings: Settings) -> Forked:
    environment = os.environ | {
        "LEDGER_PROJECT": str(settings.project),
        "LEDGER_DSN": str(settings.dsn),
        "LEDGER_HOME": str(settings.home),
    }
    follower = Forked(env=environment, cwd=settings.project, program=_follow_until_killed, stderr=subprocess.DEVNULL)
    assert follower.stdout is not None
    follower.stdout.readline()
    follower.stdout.close()
    return follower
