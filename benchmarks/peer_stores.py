"""The peers as contestants, each with what it takes to append, to read and to rebuild.

Where a peer appends with rows, it writes one row of PEER_ROWS with each event, in the transaction of the event, by the
way that the peer has for it: a document, its key, and one index. `eventsourcing` is a Python package
(requirements.txt); the functions of message-db, and emmett, come from npm and are used where their folder is named. The
floor is a bare INSERT of the same bytes.
"""

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
from own_store import PAYLOAD
from turns import Call, Work, timed

PEER_ROWS = """
CREATE TABLE peer_rows (id uuid PRIMARY KEY, version int NOT NULL, title text NOT NULL, doc jsonb NOT NULL);
CREATE INDEX peer_rows_by_title ON peer_rows (title, id)
"""
PUT_ROW = (
    "INSERT INTO peer_rows SELECT %s, 1, doc ->> 'title', doc FROM (SELECT %s::jsonb) given (doc)"
    " ON CONFLICT (id) DO UPDATE SET (version, title, doc) = (excluded.version, excluded.title, excluded.doc)"
)

PUT_ROWS = PUT_ROW.replace("%s, 1", "id, 1").replace(
    "(SELECT %s::jsonb) given (doc)", "unnest(%s::uuid[], %s::jsonb[]) given (id, doc)"
)


def inserting(conninfo: str) -> tuple[Call, Call]:
    connection = psycopg.connect(conninfo, autocommit=True)

    def insert() -> None:
        connection.execute("INSERT INTO bare VALUES (%s, %s)", [uuid4(), PAYLOAD], prepare=True)

    return insert, connection.close


# ---- eventsourcing


def eventsourcing_recorder(peers: str, *, with_rows: bool = False) -> Any:
    from eventsourcing.postgres import PostgresDatastore

    parameters = psycopg.conninfo.conninfo_to_dict(peers)
    datastore = PostgresDatastore(
        "peers",
        str(parameters["host"]),
        str(parameters["port"]),
        str(parameters["user"]),
        "none",
        pool_size=2,
        max_overflow=2,
    )
    recorder = _recorder_class(with_rows)(datastore)
    recorder.create_table()
    return recorder


def _recorder_class(with_rows: bool) -> Any:
    from eventsourcing.postgres import PostgresApplicationRecorder

    class WithRows(PostgresApplicationRecorder):
        """Its own place for what goes into the transaction of the events, which it sends in one pipeline."""

        def _insert_events(self, curs: Any, stored_events: Any, **given: Any) -> None:
            ids = [event.originator_id for event in stored_events]
            curs.execute(PUT_ROWS, [ids, [event.state.decode() for event in stored_events]], prepare=True)

    return WithRows if with_rows else PostgresApplicationRecorder


def stored(count: int) -> list[Any]:
    from eventsourcing.persistence import StoredEvent

    originator = uuid4()
    return [StoredEvent(originator, version, "task:created", PAYLOAD.encode()) for version in range(1, count + 1)]


def eventsourcing_appends(peers: str, *, with_rows: bool = False) -> tuple[Call, Call]:
    recorder = eventsourcing_recorder(peers, with_rows=with_rows)
    return lambda: recorder.insert_events(stored(1)), recorder.datastore.close


def eventsourcing_batch(peers: str, count: int, *, with_rows: bool = False) -> tuple[int, float]:
    recorder = eventsourcing_recorder(peers, with_rows=with_rows)
    events = [event for _ in range(count) for event in stored(1)]
    before = time.perf_counter()
    recorder.insert_events(events)
    taken = time.perf_counter() - before
    recorder.datastore.close()
    return count, taken


def eventsourcing_reads(peers: str, events: int) -> Work:
    def read() -> int:
        recorder, count, last = eventsourcing_recorder(peers), 0, 0
        while page := recorder.select_notifications(last, 5000, inclusive_of_start=False):
            count, last = count + len(page), page[-1].id
        recorder.datastore.close()
        return count

    def filled() -> int:
        recorder = eventsourcing_recorder(peers)
        if (recorder.max_notification_id() or 0) < events:
            for _ in range(events // 1000):
                recorder.insert_events(stored(1000))
        recorder.datastore.close()
        return 0

    first = [filled]

    def run() -> tuple[int, float]:
        while first:
            first.pop()()
        return timed(read)()

    return run


def eventsourcing_rebuilds(peers: str, events: int) -> Work:
    """What its projection runner does: one transaction an event, view and tracking together."""
    from peer_projection import rebuild

    return lambda: rebuild(peers, events)


# ---- message-db


MESSAGE_DB = (
    "schema/message-store", "types/message", "tables/messages", "functions/hash-64", "functions/category",
    "functions/acquire-lock", "functions/is-category", "functions/id", "functions/cardinal-id",
    "functions/stream-version", "functions/write-message", "indexes/messages-id", "indexes/messages-stream",
    "indexes/messages-category",
)  # fmt: skip


def install_message_db(peers: str, folder: Path) -> None:
    with psycopg.connect(peers) as connection:
        for name in MESSAGE_DB:
            text = (folder / f"{name}.sql").read_text(encoding="utf-8").replace("CONCURRENTLY", "")
            connection.execute(text)  # type: ignore[arg-type]  # the peer's own files


def message_db_appends(peers: str, *, with_rows: bool = False) -> tuple[Call, Call]:
    """Message and row in one statement: no round trip more, and one commit."""
    connection = psycopg.connect(peers, autocommit=True, options="-csearch_path=message_store,public")
    write = "write_message(%s, %s, 'Created', %s::jsonb, NULL, NULL)"
    statement = f"SELECT {write}"
    if with_rows:
        statement = PUT_ROW.replace("given (doc)", f"given (doc), (SELECT {write}) written")

    def append() -> None:
        task = uuid4()
        row = [task, PAYLOAD] if with_rows else []
        connection.execute(statement, [*row, str(uuid4()), f"task-{task}", PAYLOAD], prepare=True)  # type: ignore[arg-type]

    return append, connection.close


# ---- emmett


def emmett(node: Path, conninfo: str, what: str, *given: object) -> Work:
    """One turn of emmett.mjs, in a process of its own; `node` is the folder that holds its node_modules."""
    parameters = psycopg.conninfo.conninfo_to_dict(conninfo)
    address = f"postgresql://{parameters['user']}:none@/{parameters['dbname']}?host={parameters['host']}&port={parameters['port']}"
    command = ["node", str(Path(__file__).with_name("emmett.mjs")), address, what, *map(str, given)]

    def run() -> tuple[int, float]:
        environment = {**os.environ, "NODE_DIR": str(node.resolve()), "PAYLOAD": PAYLOAD}
        printed = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
        found = json.loads(printed.stdout.splitlines()[-1])
        return found["count"], found["seconds"]

    return run
