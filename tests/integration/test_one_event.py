"""A command of one event has a shorter way into the log: it refuses what the other refuses and writes the same rows."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from msgspec.structs import replace

from ledger.aggregates.work_item.commands import CreateWorkItem, UpdateWorkItem
from ledger.aggregates.work_item.events import WorkItemCreated, WorkItemMoved
from ledger.envelope import Proposal, stream_id
from ledger.errors import Diverged, LeaseMoved, LedgerError, LostRace, ReadModelBehind, Unavailable, VersionConflict
from ledger.postgres.connection.connect import open_ledger, register
from ledger.postgres.connection.database import Database
from ledger.postgres.store import PostgresStore
from projections.read_models.catalog import SHAPES
from projections.tables.replay import check
from tests.support.erasures import erase
from tests.support.given import numbered
from tests.support.ledgers import FIRST_DAY, Ledger, numbered_command, on_postgres, proposal


@pytest.fixture
def ledger(database: Database) -> Ledger:
    """Two commands are recorded in it."""
    ledger = on_postgres(database, uuid4())
    for number in (1, 2):
        ledger.execute(number, CreateWorkItem(id=numbered(number), item_type="task", title=f"item {number}"))
    return ledger


def moving(ledger: Ledger, number: int) -> Proposal:
    """A second event of one of the items, which touches a topic."""
    command = UpdateWorkItem(id=numbered(number), expected=1, fields={"parent_id": None})
    event = (stream_id("work_item", numbered(number)), 2, WorkItemMoved(new_parent_id=None))
    return proposal(ledger.store, command, event, number=10 + number)


def creation(ledger: Ledger, number: int = 3, as_of: int = 0) -> Proposal:
    command = CreateWorkItem(id=numbered(number), item_type="task", title="One")
    fact = WorkItemCreated(item_type="task", title="One")
    event = (stream_id("work_item", numbered(number)), 1, fact)
    return proposal(ledger.store, command, event, number=number, as_of=as_of)


@pytest.mark.parametrize(("position", "command"), [(3, 3), (2, 3), (1, 3)], ids=["beyond", "the last", "an earlier"])
def test_a_log_that_does_not_hold_what_was_shown_is_not_written_to(
    ledger: Ledger, database: Database, position: int, command: int
) -> None:
    made = creation(ledger)
    other = PostgresStore(database, ledger.store.ledger, SHAPES)
    other.remember_position(position, numbered_command(command))

    with pytest.raises(Diverged) as refused:
        other.append(made)

    assert (refused.value.details["position"], refused.value.details["head"]) == (position, 2)
    assert len(list(ledger.store.read_all())) == 2


def test_a_position_beyond_the_log_is_enough_to_be_refused(ledger: Ledger, database: Database) -> None:
    made = creation(ledger)
    other = PostgresStore(database, ledger.store.ledger, SHAPES)
    other.remember_position(2, numbered_command(2))
    other.remember_position(3)

    with pytest.raises(Diverged):
        other.append(made)


@pytest.mark.processes
def test_what_was_decided_before_an_erasure_is_refused_and_what_was_decided_after_it_is_not(
    ledger: Ledger, owner_dsn: str
) -> None:
    erase(ledger, owner_dsn, stream_id("work_item", numbered(1)))
    ledger.execute(4, CreateWorkItem(id=numbered(4), item_type="task", title="which brings the read models up to date"))

    with pytest.raises(LostRace) as refused:
        ledger.store.append(creation(ledger, as_of=2))

    assert (refused.value.details["position"], refused.value.details["type"]) == (3, "TextsErased")
    assert ledger.store.append(creation(ledger, as_of=3)).positions == (5,)


@pytest.mark.parametrize(
    ("obstacle", "refused"),
    [
        ({"expected": {stream_id("work_item", numbered(2)): 2}}, VersionConflict),
        ({"expected": {stream_id("work_item", numbered(1)): 5}}, VersionConflict),
        ({"expected": {}, "conditions": ("hierarchy",), "as_of": 2}, LostRace),
        ({"expected": {}, "not_before": FIRST_DAY + timedelta(days=99999)}, LeaseMoved),
        ({"expected": {}, "not_after": FIRST_DAY - timedelta(days=9999)}, LeaseMoved),
    ],
)
def test_an_obstacle_refuses_a_command_but_not_its_repetition(
    ledger: Ledger, obstacle: dict[str, Any], refused: type[LedgerError]
) -> None:
    first, second = (moving(ledger, number) for number in (1, 2))
    before = ledger.store.append(first)

    with pytest.raises(refused):
        ledger.store.append(replace(second, **obstacle))
    again = ledger.store.append(replace(first, **obstacle))

    assert (again.positions, again.repeated) == (before.positions, True)
    assert len(list(ledger.store.read_all())) == 3


def test_nothing_is_recorded_while_another_writer_is_alone(ledger: Ledger, dsn: str) -> None:
    made = creation(ledger)
    other = Database(dsn)

    with ledger.store.exclusively(), pytest.raises(Unavailable), other.joined_transaction() as connection:
        connection.execute("SELECT set_config('lock_timeout', '50', true)")
        PostgresStore(other, ledger.store.ledger, SHAPES).append(made)

    other.close()


def test_a_program_whose_read_model_is_behind_records_nothing(ledger: Ledger, database: Database) -> None:
    shapes = SHAPES | {"vendors": 99}
    made = creation(ledger)
    register(database, ledger.store.ledger, shapes)

    with pytest.raises(ReadModelBehind):
        PostgresStore(database, ledger.store.ledger, shapes).append(made)

    assert len(list(ledger.store.read_all())) == 2


def test_beside_another_program_rows_words_and_entries_are_the_same(database: Database) -> None:
    key = uuid4()
    open_ledger(database, key, "beside", SHAPES | {"vendors": 99})
    beside, alone = on_postgres(database, key), on_postgres(database, uuid4())
    newer = PostgresStore(database, key, SHAPES | {"vendors": 99})
    newer.append(creation(beside, 4))
    ids = ["7d444840-0000-4000-8000-000000000000", "7d444847-0000-4000-8000-000000000000"]

    for ledger in (beside, alone):
        ledger.execute(1, CreateWorkItem(id=ids[0], item_type="task", title="One", tags=("a",)))
        made = ledger.execute(2, CreateWorkItem(id=ids[1], item_type="task", title="Two"))
        ledger.execute(3, UpdateWorkItem(id=ids[1], expected=1, fields={"title": "Three", "tags": ("b",)}))

        assert made.adjacent_ids and ids[0] in made.adjacent_ids
        assert check(ledger.store, ledger.tables).equal
    with pytest.raises(ReadModelBehind):
        newer.append(creation(beside, 5))


def test_columns_for_another_table_are_left_and_the_server_makes_them_from_the_document(ledger: Ledger) -> None:
    made = creation(ledger)
    [row] = made.rows
    assert row.columns

    recorded = ledger.store.append(replace(made, rows=(replace(row, columns=row.columns[:-1]),)))

    assert recorded.positions == (3,)
    assert recorded.adjacent_ids
    assert check(ledger.store, ledger.tables).equal


def test_columns_that_are_not_those_of_the_document_are_found(ledger: Ledger) -> None:
    made = creation(ledger)
    [row] = made.rows
    assert row.columns
    ledger.store.append(replace(made, rows=(replace(row, columns=("project", *row.columns[1:])),)))

    found = check(ledger.store, ledger.tables).projections["work_items"]

    assert [(one.id, one.field) for one in found.differences] == [(numbered(3), "column item_type")]
