"""A database and a journal that are no longer one history: what differs is named, and either of them can be right."""

from collections.abc import Callable, Iterator

import psycopg
import pytest
from filelock import FileLock
from msgspec.structs import replace

from ledger.aggregates.work_item.commands import CreateWorkItem
from ledger.envelope import Submission
from ledger.errors import Diverged, Refused
from ledger.offline.follower import Follower
from ledger.offline.journal import FOLLOW_LOCK, Head
from ledger.settings import Settings
from projections.application.app import App
from projections.maintenance import rebuild
from projections.maintenance.verify import verify
from projections.operations.catalog import OPERATIONS
from tests.conftest import Perform
from tests.support.given import numbered
from tests.support.ledgers import numbered_command
from tests.support.lost_history import lose, state
from tests.support.waits import until

pytestmark = pytest.mark.processes


@pytest.fixture
def machine(app: App, perform: Perform, settings: Settings, owner_dsn: str) -> Iterator[App]:
    """A machine that knows four positions, and whose database has lost the last two."""
    entity = perform("create_work_item", item_type="task", title="Kept")
    perform("create_work_item", item_type="task", title="Kept too")
    perform("update_work_item", id=entity["id"], version=1, title="Lost")
    perform("create_vendor", name="Lost too")
    until(app.sync.follow)
    app.close()
    lose(owner_dsn, app.identity.ledger, after=2)
    machine = App(replace(settings, admin_dsn=owner_dsn))
    yield machine
    machine.close()


def test_verify_finds_no_difference_where_there_is_none(app: App, perform: Perform) -> None:
    perform("create_work_item", item_type="task", title="One")
    until(app.sync.follow)
    perform("create_work_item", item_type="task", title="Not followed yet")

    found = verify(app)

    assert (found.differences, found.database) == ((), 2)


def test_verify_names_the_first_line_and_the_first_position_that_differ(machine: App) -> None:
    file = machine.home / "journal.jsonl"
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(lines[0] + lines[1].replace(b"Kept too", b"Kept two") + lines[2])

    found = verify(machine)

    first = found.differences[0]
    assert (first.where, first.at) == ("journal", "line 2")


def test_verify_names_the_read_model_that_is_not_what_the_log_says(app: App, perform: Perform, owner_dsn: str) -> None:
    entity = perform("create_vendor", name="Acme")
    with psycopg.connect(owner_dsn) as connection:
        connection.execute("SELECT set_config('ledger.id', %s, true)", [str(app.identity.ledger)])
        connection.execute('UPDATE tracking_ledger.vendors SET doc = doc || \'{"status": "operational"}\'')

    [found] = verify(app).differences

    assert (found.where, found.at) == ("read models", f"vendors {entity['id']}")


def test_what_differs_is_said_and_from_where_on(machine: App) -> None:
    [found] = verify(machine).differences

    assert (found.where, found.at) == ("database", "position 3")
    assert rebuild.compare_heads(machine) == rebuild.Heads(journal=4, database=2, common=2)


def test_when_the_journal_is_right_the_database_gets_its_tail_back_byte_for_byte(machine: App, owner_dsn: str) -> None:
    events = list(machine.local.journal.read_all())

    done = rebuild.from_journal(machine)

    assert (done.common, done.restored) == (2, 2)
    assert state(owner_dsn, machine.identity.ledger)[0] == "open"
    machine.close()
    again = App(machine.settings)
    assert list(again.store.read_all()) == events
    assert verify(again).differences == ()
    again.close()


def test_an_empty_database_is_rebuilt_from_the_journal(machine: App, owner_dsn: str) -> None:
    lose(owner_dsn, machine.identity.ledger, after=0)
    events = list(machine.local.journal.read_all())

    assert rebuild.from_journal(machine).restored == 4
    machine.close()
    again = App(machine.settings)
    assert list(again.store.read_all()) == events
    assert OPERATIONS["list_work_items"].perform(again, {})["total_count"] == 2
    again.close()


def test_when_the_database_is_right_the_journal_is_set_aside_and_what_only_it_held_is_recorded_or_a_conflict(
    machine: App, settings: Settings, owner_dsn: str
) -> None:
    lost = list(machine.local.journal.read_all(2))
    OPERATIONS["create_work_item"].perform(machine, {"item_type": "task", "title": "Queued meanwhile"})
    kept = (machine.home / "journal.jsonl").read_bytes()

    done = rebuild.from_database(machine, machine.clock())

    assert (done.common, done.queued) == (2, 2)
    assert done.set_aside is not None
    assert done.set_aside.read_bytes() == kept
    machine.close()
    again = App(machine.settings)
    _ = again.database
    assert again.sync.drain_for(30)
    log = list(again.store.read_all())
    assert [event.command_id for event in log[2:4]] == [event.command_id for event in lost]
    assert OPERATIONS["list_work_items"].perform(again, {"text": "Queued meanwhile"})["total_count"] == 1
    assert OPERATIONS["list_work_items"].perform(again, {"text": "Lost"})["total_count"] == 1
    until(again.sync.follow)
    assert verify(again).differences == ()
    again.close()


@pytest.mark.parametrize("right", [rebuild.from_journal, lambda app: rebuild.from_database(app, app.clock())])
def test_a_ledger_is_not_closed_for_what_another_thread_has_mended_meanwhile(
    machine: App, monkeypatch: pytest.MonkeyPatch, right: Callable[[App], object]
) -> None:
    meet, met = Follower.compare, []

    def compare_slowly(follower: Follower, head: Head) -> int:
        try:
            return meet(follower, head)
        except Diverged:
            met.append(head)
            monkeypatch.setattr(Follower, "compare", meet)
            right(machine)
            raise

    monkeypatch.setattr(Follower, "compare", compare_slowly)

    assert OPERATIONS["create_work_item"].perform(machine, {"item_type": "task", "title": "New"})["outcome"] in {
        "committed",
        "queued",
    }
    assert machine.sync.drain_for(30)
    assert [head.position for head in met] == [4]
    assert machine.store.known_at([])[0] >= 4


def test_a_database_that_went_another_way_is_not_given_the_journal(
    machine: App, settings: Settings, tmp_path: object, owner_dsn: str
) -> None:
    other = App(replace(settings, home=settings.project / "other-machine"))
    OPERATIONS["create_work_item"].perform(other, {"item_type": "task", "title": "Another way"})
    other.close()

    with pytest.raises(Refused, match="from position 3 on the database has other events"):
        rebuild.from_journal(machine)
    done = rebuild.from_database(machine, machine.clock())

    assert (done.common, done.position, done.queued) == (2, 3, 2)


def test_what_was_acknowledged_and_not_followed_yet_is_brought_back_too(
    app: App, perform: Perform, settings: Settings, owner_dsn: str
) -> None:
    app.home.mkdir(parents=True, exist_ok=True)
    with FileLock(app.home / FOLLOW_LOCK):
        perform("create_work_item", item_type="task", title="Kept")
        perform("create_work_item", item_type="task", title="Acknowledged and lost")
        app.close()
    lose(owner_dsn, app.identity.ledger, after=1)
    machine = App(replace(settings, admin_dsn=owner_dsn))

    done = rebuild.from_database(machine, machine.clock())
    machine.close()
    again = App(machine.settings)
    _ = again.database

    assert done.position == 1
    assert again.sync.drain_for(30)
    assert OPERATIONS["list_work_items"].perform(again, {"text": "Acknowledged"})["total_count"] == 1
    assert len(list(again.store.read_all())) == 2
    again.close()


@pytest.mark.parametrize("right", ["database", "journal"])
def test_a_queued_write_that_was_drained_and_lost_before_it_was_followed_waits_again(
    app: App, perform: Perform, settings: Settings, owner_dsn: str, right: str
) -> None:
    """Its line had come to an end, and no journal had the event."""
    perform("create_work_item", item_type="task", title="Kept")
    until(app.sync.follow)
    with FileLock(app.home / FOLLOW_LOCK):
        app.runtime.journal().handler.execute(
            Submission(
                command=CreateWorkItem(id=numbered(1), item_type="task", title="Drained and lost"),
                command_id=numbered_command(1),
                by="tester",
                occurred_at=app.clock(),
            )
        )
        assert app.sync.drain_for(30)
        app.close()
    lose(owner_dsn, app.identity.ledger, after=1)
    machine = App(replace(settings, admin_dsn=owner_dsn))

    done = rebuild.from_database(machine, machine.clock()) if right == "database" else rebuild.from_journal(machine)
    machine.close()
    again = App(machine.settings)
    _ = again.database

    assert done.queued == 1
    assert again.sync.drain_for(30)
    assert [event.command_id for event in again.store.read_all(1)] == [numbered_command(1)]
    again.close()
