"""Several processes on one ledger at once: what lands, who is refused, and what is stored."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from ledger.aggregates.work_item.commands import CreateWorkItem
from ledger.envelope import stream_id
from ledger.postgres.connection.database import Database
from projections.tables.replay import check
from tests.support import forked, writers
from tests.support.given import numbered
from tests.support.ledgers import Ledger, on_postgres
from tests.support.writers import Answer

pytestmark = pytest.mark.processes

FIRSTS = (1000, 2000, 3000, 4000)  # one a process: the number of its first write
ITEM = numbered(0)

Together = Callable[[Any], list[Answer]]


@pytest.fixture
def ledger(dsn: str) -> Iterator[Ledger]:
    """A ledger with one item."""
    database = Database(dsn)
    ledger = on_postgres(database, uuid4())
    ledger.execute(0, CreateWorkItem(id=ITEM, item_type="task", title="The one"))
    yield ledger
    database.close()


@pytest.fixture
def together(ledger: Ledger, dsn: str) -> Together:
    """Runs a program in four processes that begin at the same moment, and gathers their forty answers."""

    def together(program: Any) -> list[Answer]:
        context = forked.CONTEXT
        start, answers = context.Barrier(len(FIRSTS)), context.Queue()
        processes = [
            context.Process(target=program, args=(dsn, ledger.store.ledger, first, start, answers)) for first in FIRSTS
        ]
        for process in processes:
            process.start()
        gathered = [answers.get(timeout=60) for _ in range(40)]
        for process in processes:
            process.join()
        assert {process.exitcode for process in processes} == {0}
        return gathered

    return together


def titles(ledger: Ledger) -> dict[int, str]:
    """The title that each version of the one item gave it, as it is recorded."""
    stream = stream_id("work_item", ITEM)
    events = ledger.store.read_streams([stream]).events[stream]
    return {event.version: msgspec.json.decode(event.data)["changes"]["title"]["new"] for event in events[1:]}


def shown(ledger: Ledger) -> tuple[str, int]:
    """The title and the version of the one item's row."""
    with ledger.tables.snapshot() as snapshot:
        generation = snapshot.generation("work_items")
        [row] = snapshot.ask("entities/by_id", category="work_item", generation=generation, id=ITEM)
    return msgspec.json.decode(row["doc"])["title"], row["version"]


def test_forty_writes_on_different_items_all_land(ledger: Ledger, together: Together) -> None:
    answered = together(writers.create_ten)

    numbers = {number for first in FIRSTS for number in range(first, first + 10)}
    assert set(answered) == {("recorded", number, 1) for number in numbers}
    streams = [stream_id("work_item", numbered(number)) for number in numbers]
    assert ledger.store.read_streams(streams).events.keys() == set(streams)
    assert check(ledger.store, ledger.tables).equal


def test_on_one_item_exactly_one_writer_wins_each_version_and_the_others_get_both(
    ledger: Ledger, together: Together
) -> None:
    answered = together(writers.change_ten_times)

    won = {version: number for outcome, number, version in answered if outcome == "recorded"}
    assert sorted(won) == list(range(2, 12))
    assert len([answer for answer in answered if answer[0] == "recorded"]) == 10
    conflicts = [(number % 1000 + 2, actual) for outcome, number, actual in answered if outcome == "conflict"]
    assert len(conflicts) == 30
    assert all(wanted == actual for wanted, actual in conflicts)
    assert titles(ledger) == {version: f"Write {number}" for version, number in won.items()}


def test_with_reading_again_all_forty_land_on_one_item_and_what_is_stored_is_what_was_answered(
    ledger: Ledger, together: Together
) -> None:
    answered = together(writers.change_ten_times_with_reading_again)

    assert {outcome for outcome, _, _ in answered} == {"recorded"}
    assert sorted(version for _, _, version in answered) == list(range(2, 42))
    assert titles(ledger) == {version: f"Write {number}" for _, number, version in answered}
    assert shown(ledger) == (titles(ledger)[41], 41)
    assert check(ledger.store, ledger.tables).equal
