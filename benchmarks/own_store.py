"""This store as a contestant: one command, many events in one commit, a log that is long."""

import time
from datetime import UTC, datetime
from uuid import UUID, uuid4

import psycopg
from single_ledger import TEXT
from turns import Call

from ledger.codec import command_digest
from ledger.envelope import Command, Proposal, ProposedEvent, Submission, stream_id
from ledger.postgres.connection.connect import open_ledger
from ledger.postgres.connection.database import Database
from ledger.postgres.store import PostgresStore
from ledger.work_item.commands import CreateWorkItem
from ledger.work_item.events import WorkItemCreated
from projections.application.app import App
from projections.application.commands import submit
from projections.read_models.catalog import SHAPES
from projections.read_models.fold import propose
from projections.tables.postgres import PostgresTables

PAYLOAD = '{"item_type":"task","title":"A task of ordinary length","priority":3,"description":"' + TEXT + '"}'


def create(app: App) -> None:
    command = CreateWorkItem(
        id=str(uuid4()), item_type="task", title="A task of ordinary length", description=TEXT, priority=3
    )
    submit(app.live_view(), command, category="work_item")


def one_commit(store: PostgresStore, count: int) -> tuple[int, float]:
    proposal = creation(count)
    before = time.perf_counter()
    store.append(proposal)
    return count, time.perf_counter() - before


def creation(count: int) -> Proposal:
    """New items, one event each, with their rows."""
    now, command = datetime.now(UTC), Command()
    fact = WorkItemCreated(item_type="task", title="A task of ordinary length", description=TEXT, priority=3)
    events = tuple(
        ProposedEvent(stream_id=stream_id("work_item", uuid4()), version=1, fact=fact, by="benchmark", occurred_at=now)
        for _ in range(count)
    )
    return Proposal(
        submission=Submission(command=command, command_id=uuid4(), by="benchmark", occurred_at=now),
        command_digest=command_digest(command, "benchmark"),
        events=events,
        expected={event.stream_id: 0 for event in events},
        rows=tuple(propose(lambda _: [], lambda _: None, events)),
    )


EVENTS = """
INSERT INTO tracking_ledger.events
SELECT %(ledger)s, n, 'work_item-' || md5((n %% %(streams)s)::text)::uuid, (n - 1) / %(streams)s + 1,
       md5('c' || n)::uuid, 0, 'Benchmark', sha256(''),
       CASE WHEN n <= %(streams)s THEN 'WorkItemCreated' ELSE 'WorkItemRevised' END, 1, '{}',
       (CASE WHEN n <= %(streams)s THEN %(payload)s
        ELSE '{"changes":{"notes":{"old":"note ' || n - %(streams)s || '","new":"note ' || n
             || '"},"priority":{"old":2,"new":' || n %% 5 + 1 || '}}}' END)::json,
       'benchmark', moment, moment, sha256('')
FROM generate_series(1, %(events)s) n, LATERAL (SELECT '2026-01-01'::timestamptz + n * interval '1 second') m (moment)
"""


def logged(app: App, conninfo: str, events: int, streams: int) -> tuple[PostgresStore, PostgresTables]:
    """A ledger whose log is long: items that are created once and then revised."""
    ledger_id = uuid4()
    open_ledger(app.database, ledger_id, "a long one", SHAPES)
    with psycopg.connect(conninfo, autocommit=True) as connection:
        given = {"ledger": ledger_id, "streams": streams, "events": events, "payload": PAYLOAD}
        connection.execute(EVENTS, given)
        connection.execute("VACUUM ANALYZE tracking_ledger.events")
    return PostgresStore(app.database, ledger_id, SHAPES), PostgresTables(app.database, ledger_id)


def appends(dsn: str, ledger_id: str) -> tuple[Call, Call]:
    """New items with their rows, straight into the store: nothing is decided, and no copy is kept on this machine."""
    database = Database(dsn)
    open_ledger(database, UUID(ledger_id), "benchmark", SHAPES)
    store = PostgresStore(database, UUID(ledger_id), SHAPES)
    return lambda: _append(store), database.close


def _append(store: PostgresStore) -> None:
    store.append(creation(1))
