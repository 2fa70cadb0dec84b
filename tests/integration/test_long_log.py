"""A log that is longer than one page: how it is read in order, and what a reader of it may do meanwhile."""

from collections.abc import Iterator
from contextlib import ExitStack
from uuid import UUID, uuid4

import pytest
from msgspec.structs import replace

from ledger.aggregates.vendor.commands import CreateVendor
from ledger.aggregates.work_item.commands import CreateWorkItem
from ledger.aggregates.work_item.events import WorkItemCreated
from ledger.envelope import ProposedEvent
from ledger.postgres.connection.database import Database
from ledger.postgres.store import PAGE, PostgresStore
from tests.support.given import numbered
from tests.support.ledgers import FIRST_DAY, Ledger, on_postgres, proposal

TITLE = 'A "quoted" \\ backslash,\ttab, é and 🙂'
EVENTS = 2 * PAGE + 1


@pytest.fixture
def database(dsn: str) -> Iterator[Database]:
    database = Database(dsn, max_size=2)
    yield database
    database.close()


@pytest.fixture
def store(database: Database) -> PostgresStore:
    """A log of more than two pages."""
    ledger = on_postgres(database, uuid4())
    _record(ledger, [TITLE] * EVENTS)
    assert isinstance(ledger.store, PostgresStore)
    return ledger.store


@pytest.mark.processes
@pytest.mark.parametrize("in_transaction", [False, True])
def test_a_log_of_many_pages_is_read_whole_and_in_order(
    store: PostgresStore, database: Database, in_transaction: bool
) -> None:
    with ExitStack() as stack:
        if in_transaction:
            stack.enter_context(database.transaction())
        events, facts = list(store.read_all()), list(store.read_facts())

    places = [(n, _stream(n), 1, 'by "somebody"') for n in range(1, EVENTS + 1)]
    assert [(e.position, e.stream_id, e.version, e.by) for e in events] == places
    assert [(f.position, f.stream_id, f.version, f.by) for f in facts] == places
    assert [bytes(fact.data) for fact in facts] == [event.data for event in events]
    assert [fact.occurred_at for fact in facts] == [event.occurred_at for event in events]


def test_a_part_of_a_log_begins_and_ends_where_it_was_asked_to(store: PostgresStore) -> None:
    between = [event.position for event in store.read_all(PAGE - 1, 2 * PAGE)]

    assert between == list(range(PAGE, 2 * PAGE + 1))
    assert list(store.read_all(EVENTS)) == []
    assert list(store.read_all(EVENTS + 5, EVENTS + 9)) == []


@pytest.mark.processes
def test_a_reader_that_stops_in_the_middle_of_a_page_holds_nothing(store: PostgresStore, database: Database) -> None:
    for _ in range(5):  # more often than there are connections
        for event in store.read_all():
            if event.position == PAGE + 1:
                break

    assert store.read_streams([]).head == EVENTS
    assert len(list(store.read_facts())) == EVENTS


@pytest.mark.processes
def test_other_calls_come_between_two_events_and_what_they_record_is_not_read(database: Database) -> None:
    ledger = on_postgres(database, uuid4())
    _record(ledger, ["One"] * EVENTS)

    read = 0
    for event in ledger.store.read_all():
        if event.position % PAGE == 1:
            ledger.execute(event.position, CreateVendor(id=numbered(event.position), name=f"Vendor {event.position}"))
        read += 1

    assert (read, ledger.store.read_streams([]).head) == (EVENTS, EVENTS + 3)


@pytest.mark.processes
def test_events_of_a_megabyte_are_read_a_few_at_a_time(database: Database) -> None:
    ledger = on_postgres(database, uuid4())
    store = ledger.store
    assert isinstance(store, PostgresStore)
    _record(ledger, ["x" * 1_000_000] * 9)

    ((together, ends),) = database.call(
        "SELECT length(long::text), ends FROM tracking_ledger.page_of_facts(%s, 0, 9, %s)", [store.ledger, PAGE]
    )

    assert (1_000_000 < together < 5_000_000, ends < 9) == (True, True)
    assert [len(event.data) > 1_000_000 for event in store.read_all()] == [True] * 9


def _record(ledger: Ledger, titles: list[str]) -> None:
    """Items with these titles, recorded in one commit and without their rows, which no test here looks at."""
    command = CreateWorkItem(id=numbered(1), item_type="task", title="many")
    facts = [(_stream(n), WorkItemCreated(item_type="task", title=title)) for n, title in enumerate(titles, start=1)]
    given = proposal(ledger.store, command, by='by "somebody"')
    events = tuple(
        ProposedEvent(stream_id=stream, version=1, fact=fact, by=given.submission.by, occurred_at=FIRST_DAY)
        for stream, fact in facts
    )
    ledger.store.append(replace(given, events=events, expected={event.stream_id: 0 for event in events}))


def _stream(number: int) -> str:
    return f"work_item-{UUID(int=number)}"
