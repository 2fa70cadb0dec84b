"""The log in PostgreSQL: its digest chain, and what a reader sees who follows it while others write."""

import itertools
import json
import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, LiteralString
from uuid import UUID, uuid4

import psycopg
import pytest

from ledger.aggregates.work_item.commands import CreateWorkItem
from ledger.aggregates.work_item.events import WorkItemCreated
from ledger.codec import digest, origin_digest
from ledger.envelope import RecordedEvent, stream_id
from ledger.errors import Diverged, Unavailable
from ledger.postgres.connection.database import Database
from ledger.postgres.connection.driver_errors import is_held_up
from ledger.postgres.store import PAGE_OF_EVENTS, PAGE_OF_FACTS, PostgresStore
from ledger.settings import Settings
from ledger.values.moment import parse
from projections.application.app import App
from projections.read_models.catalog import SHAPES
from tests.support import forked, history, writers
from tests.support.each import each
from tests.support.given import numbered
from tests.support.ledgers import Ledger, ledger_in, numbered_command, on_postgres, proposal
from tests.support.lost_history import lose

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "digests.json").read_text(encoding="utf-8"))
COLUMNS = (
    "position, stream_id, version, command_id, n, command, command_digest, type, schema, topics, data, by, occurred_at,"
    " recorded_at"
)
DIGEST = (
    "SELECT tracking_ledger.event_digest(%s, ROW(gen_random_uuid(), "
    + ", ".join(["%s"] * 14)
    + ", NULL)::tracking_ledger.events)"
)


@pytest.fixture
def ledger(dsn: str) -> Iterator[Ledger]:
    database = Database(dsn)
    yield on_postgres(database, uuid4())
    database.close()


def golden_event(fields: dict[str, Any]) -> RecordedEvent:
    return RecordedEvent(
        **fields
        | {
            "command_id": UUID(fields["command_id"]),
            "command_digest": bytes.fromhex(fields["command_digest"]),
            "topics": tuple(fields["topics"]),
            "data": fields["data"].encode(),
            "occurred_at": parse(fields["occurred_at"]),
            "recorded_at": parse(fields["recorded_at"]),
            "digest": bytes.fromhex(fields["digest"]),
        }
    )


@pytest.mark.processes
def test_a_page_ends_before_its_payloads_take_megabytes_however_little_is_stored_of_them(
    ledger: Ledger, dsn: str
) -> None:
    lengths = [10, 1_500_000, 10, 1_500_000, 1_500_000, 5_000_000, 10]
    for number, length in enumerate(lengths, start=1):
        fact = WorkItemCreated(item_type="task", title="One", metadata={"text": "a" * length})
        event = (stream_id("work_item", numbered(number)), 1, fact)
        command = CreateWorkItem(id=numbered(number), item_type="task", title="One")
        ledger.store.append(proposal(ledger.store, command, event, number=number))

    with psycopg.connect(dsn) as connection:

        def ends(statement: LiteralString) -> list[int]:
            """Of the page after each position."""
            pages = [connection.execute(statement, [ledger.store.ledger, after, None, 1000]) for after in range(7)]
            return [page.fetchall()[0][1] for page in pages]

        assert ends(PAGE_OF_EVENTS) == ends(PAGE_OF_FACTS) == [4, 4, 5, 5, 5, 6, 7]


def test_a_chain_begins_with_the_digest_of_the_ledgers_id() -> None:
    assert origin_digest(UUID(GOLDEN["ledger"])).hex() == GOLDEN["origin"]


@each("place", range(len(GOLDEN["events"])))
def test_python_digests_an_event_as_it_always_did(place: int) -> None:
    previous = bytes.fromhex(GOLDEN["events"][place - 1]["digest"] if place else GOLDEN["origin"])
    event = golden_event(GOLDEN["events"][place])

    assert digest(previous, event).hex() == event.digest.hex()


@each("place", range(len(GOLDEN["events"])))
def test_postgresql_digests_an_event_as_python_does(owner_dsn: str, place: int) -> None:
    previous = bytes.fromhex(GOLDEN["events"][place - 1]["digest"] if place else GOLDEN["origin"])
    event = golden_event(GOLDEN["events"][place])
    values = [getattr(event, name.strip()) for name in COLUMNS.split(",")]
    values[9], values[10] = list(event.topics), event.data.decode()

    with psycopg.connect(owner_dsn) as owner:
        found = owner.execute(DIGEST, [previous, *values]).fetchone()

    assert found is not None
    assert found[0].hex() == event.digest.hex()


@pytest.mark.processes
def test_every_event_that_is_recorded_continues_the_chain(ledger: Ledger) -> None:
    history.fill(ledger)

    previous, recorded_at = origin_digest(ledger.store.ledger), datetime.min.replace(tzinfo=UTC)
    for event in ledger.store.read_all():
        assert event.digest == digest(previous, event)
        assert event.recorded_at >= recorded_at
        previous, recorded_at = event.digest, event.recorded_at


def test_the_data_of_an_event_are_the_bytes_that_were_sent(ledger: Ledger) -> None:
    history.fill(ledger)

    texts = [event.data for event in ledger.store.read_all() if event.type == "WorkItemCreated"]

    assert b'"title":"\xc3\x84rger \xf0\x9f\x99\x82"' in texts[1]
    assert not any(re.search(rb'": ', text) for text in texts)  # jsonb would have put spaces


@pytest.mark.processes
def test_who_follows_the_log_beside_eight_writers_misses_nothing(ledger: Ledger, dsn: str) -> None:
    """Every position arrives once, in order, while eight processes write on items of their own."""
    context = forked.CONTEXT
    start, stop = context.Barrier(9), context.Event()
    processes = [
        context.Process(target=writers.keep_creating, args=(dsn, ledger.store.ledger, first, start, stop))
        for first in range(0, 800_000, 100_000)
    ]
    for process in processes:
        process.start()
    reader = Database(dsn)
    log = PostgresStore(reader, ledger.store.ledger, SHAPES)
    seen: list[int] = []
    start.wait()

    while len(seen) < 300:
        seen += [event.position for event in log.read_all(after=seen[-1] if seen else 0)]
    stop.set()
    for process in processes:
        process.join()
    seen += [event.position for event in log.read_all(after=seen[-1])]

    assert {process.exitcode for process in processes} == {0}
    assert seen == list(range(1, len(seen) + 1))
    assert len(seen) == len(list(log.read_all()))
    reader.close()


@pytest.mark.processes
def test_who_follows_the_log_beside_eight_threads_that_share_commits_misses_nothing(ledger: Ledger, dsn: str) -> None:
    """Every answered command arrives once, where its answer says it stands, and each event continues the chain."""
    stop = threading.Event()
    answered: dict[int, UUID] = {}

    def keep_creating(first: int) -> None:
        for number in itertools.count(first):
            if stop.is_set():
                return
            command = CreateWorkItem(id=numbered(number), item_type="task", title=f"Item {number}")
            [position] = ledger.execute(number, command).positions
            answered[position] = numbered_command(number)

    reader = Database(dsn)
    log = PostgresStore(reader, ledger.store.ledger, SHAPES)
    seen: list[RecordedEvent] = []
    with ThreadPoolExecutor(8) as writing:
        running = [writing.submit(keep_creating, first) for first in range(0, 800_000, 100_000)]
        while len(seen) < 300 and not any(thread.done() for thread in running):
            seen += log.read_all(after=len(seen))
        stop.set()
    seen += log.read_all(after=len(seen))

    assert [thread.result() for thread in running] == [None] * 8
    assert [event.position for event in seen] == list(range(1, len(seen) + 1))
    assert {event.position: event.command_id for event in seen} == answered
    before = [origin_digest(log.ledger), *(event.digest for event in seen)]
    assert all(digest(previous, event) == event.digest for previous, event in zip(before, seen, strict=False))
    reader.close()


@pytest.mark.processes
def test_who_waits_for_the_lock_until_a_deadline_learns_when_it_ends(app: App, settings: Settings) -> None:
    other = App(settings)

    with app.store.exclusively(), pytest.raises(Unavailable), other.store.exclusively(lock_timeout=0.2):
        pass
    with other.store.exclusively(lock_timeout=0.2):
        assert other.store.read_streams([]).head == 0

    other.close()


@pytest.mark.processes
def test_who_would_record_many_in_order_waits_for_the_lock_until_a_deadline(ledger: Ledger, dsn: str) -> None:
    database = Database(dsn)
    other = ledger_in(database, ledger.store.ledger).store
    created = WorkItemCreated(item_type="task", title="Waits")
    command = CreateWorkItem(id=numbered(1), item_type="task", title="Waits")
    given = [proposal(ledger.store, command, (stream_id("work_item", numbered(1)), 1, created), number=1)]

    with ledger.store.exclusively(), pytest.raises(Unavailable) as held_up:
        other.append_in_order(given, 0.2)
    [recorded] = other.append_in_order(given, 0.2)

    assert is_held_up(held_up.value)
    assert recorded.positions == (1,)
    database.close()


def test_a_writer_is_refused_on_a_log_that_others_have_brought_as_far_again(
    ledger: Ledger, dsn: str, owner_dsn: str
) -> None:
    ledger.execute(1, CreateWorkItem(id=numbered(1), item_type="task", title="Kept"))
    ledger.execute(2, CreateWorkItem(id=numbered(2), item_type="task", title="Lost"))
    lose(owner_dsn, ledger.store.ledger, after=1)
    database = Database(dsn)
    ledger_in(database, ledger.store.ledger).execute(
        3, CreateWorkItem(id=numbered(3), item_type="task", title="Another way")
    )
    database.close()

    with pytest.raises(Diverged):
        ledger.execute(4, CreateWorkItem(id=numbered(4), item_type="task", title="Behind what was lost"))

    assert [event.command_id for event in ledger.store.read_all()] == [numbered_command(1), numbered_command(3)]
