"""This store as a contestant: one command, many events in one commit, a log that is long."""

import time
from datetime import UTC, datetime
from uuid import UUID, uuid4

import psycopg
from psycopg.sql import SQL, Identifier
from single_ledger import TEXT
from turns import Call, Work

from ledger.aggregates.work_item.commands import CreateWorkItem
from ledger.aggregates.work_item.events import WorkItemCreated
from ledger.codec import command_digest
from ledger.envelope import Command, Proposal, ProposedEvent, Submission, stream_id
from ledger.postgres.connection.connect import open_ledger
from ledger.postgres.connection.database import Database
from ledger.postgres.store import PostgresStore
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


def one_commit(store: PostgresStore, count: int, *, with_rows: bool = True) -> tuple[int, float]:
    proposal = creation(count, with_rows=with_rows)
    before = time.perf_counter()
    store.append(proposal)
    return count, time.perf_counter() - before


def creation(count: int, *, with_rows: bool = True) -> Proposal:
    """New items, one event each, with their rows or without."""
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
        rows=tuple(propose(lambda _: [], lambda _: None, events)) if with_rows else (),
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


def appends(dsn: str, ledger_id: str, *, with_rows: bool = True) -> tuple[Call, Call]:
    """New items straight into the store: nothing is decided, and no copy is kept on this machine.

    Without rows the ledger is that of a program without read models.
    """
    database, store = _opened(dsn, ledger_id, with_rows=with_rows)
    return lambda: _append(store, with_rows), database.close


def appends_at_once(dsn: str, count: int, *, with_rows: bool) -> Work:
    def run() -> tuple[int, float]:
        database, store = _opened(dsn, str(uuid4()), with_rows=with_rows)
        try:
            return one_commit(store, count, with_rows=with_rows)
        finally:
            database.close()

    return run


def copies(conninfo: str, dsn: str, count: int) -> Work:
    """What the server takes for the same rows in tables with the same indexes: COPY, and nothing is asked or proved."""
    copied: dict[str, bytes] = {}
    ledger_id = str(uuid4())

    def prepare() -> None:
        database, store = _opened(dsn, ledger_id, with_rows=True)
        one_commit(store, count)
        database.close()
        with psycopg.connect(conninfo) as connection:
            connection.execute("CREATE SCHEMA floor")
            for name in ("events", "work_items", "work_item_terms"):
                table, floor = Identifier("tracking_ledger", name), Identifier("floor", name)
                connection.execute(SQL("CREATE TABLE {} (LIKE {} INCLUDING ALL)").format(floor, table))
                rows = SQL("COPY (SELECT * FROM {} WHERE ledger_id = {}) TO STDOUT").format(table, ledger_id)
                with connection.cursor().copy(rows) as lines:
                    copied[name] = b"".join(map(bytes, lines))

    def run() -> tuple[int, float]:
        if not copied:
            prepare()
        fresh = {table: rows.replace(ledger_id.encode(), str(uuid4()).encode()) for table, rows in copied.items()}
        with psycopg.connect(conninfo) as connection:
            before = time.perf_counter()
            for table, rows in fresh.items():
                with connection.cursor().copy(SQL("COPY {} FROM STDIN").format(Identifier("floor", table))) as lines:
                    lines.write(rows)
            connection.commit()
            return count, time.perf_counter() - before

    return run


def _opened(dsn: str, ledger_id: str, *, with_rows: bool) -> tuple[Database, PostgresStore]:
    shapes = SHAPES if with_rows else {}
    database = Database(dsn)
    open_ledger(database, UUID(ledger_id), "benchmark", shapes)
    return database, PostgresStore(database, UUID(ledger_id), shapes)


def _append(store: PostgresStore, with_rows: bool) -> None:
    store.append(creation(1, with_rows=with_rows))
