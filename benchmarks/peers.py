"""This store beside its peers and the physical floor, in one run: `python benchmarks/peers.py --output FILE.json`.

Every contestant of a piece of work takes its turn in each round, so a machine whose speed drifts slows all alike; what
counts are the medians of the rounds and their ratios. The raw rates are kept in the output file, `plot.py` draws them.
Peers: `pip install -r benchmarks/requirements.txt`, and `--message-db FOLDER` for the unpacked `database` folder of the
npm package. Whoever is not there is left out. The server is a fresh embedded one on a real disk, removed at the end.
"""

import argparse
import importlib.util
import json
import multiprocessing
import os
import resource
import statistics
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
import psycopg
from rich.console import Console
from rich.table import Table
from single_ledger import TEXT, ledger

from ledger.codec import command_digest
from ledger.envelope import Command, Proposal, ProposedEvent, Submission, stream_id
from ledger.postgres.connect import APPLICATION, DATABASE, embedded_server, open_ledger
from ledger.postgres.database import Database
from ledger.postgres.store import PostgresStore
from ledger.work_item.commands import CreateWorkItem
from ledger.work_item.events import WorkItemCreated
from projections.app import App
from projections.catalog import SHAPES
from projections.postgres_tables import PostgresTables
from projections.projector import propose
from projections.replay import folded_until, replay

Work = Callable[[], tuple[int, float]]  # -> (how many, in how many seconds)
Measured = dict[str, dict[str, list[float]]]  # work -> contestant -> rates a second, one a round
PAYLOAD = '{"item_type":"task","title":"A task of ordinary length","priority":3,"description":"' + TEXT + '"}'
GOALS = {
    "one command, one commit, one writer": "within 3 x of the bare INSERT",
    "eight writers, one ledger": "3,000/s in one process, 2,000/s in eight",
    "read the whole log": "300,000/s",
    "rebuild a read model": "200,000/s, half of COPY and decode",
    "many events in one commit": "40,000/s with read models",
    "append beside an open foreign snapshot": "within 1.2 x of without",
}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seconds", type=float, default=2.0, help="of each turn of an append")
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--events", type=int, default=200_000, help="in the log that is read and replayed")
    arguments.add_argument("--streams", type=int, default=5_000, help="that those events belong to")
    arguments.add_argument("--message-db", type=Path, help="the `database` folder of @eventide/message-db")
    arguments.add_argument("--output", type=Path, help="where the raw rates are kept, as JSON")
    given = arguments.parse_args()
    with ledger() as app:
        measured = run(app, given)
    print_table(measured)
    if given.output:
        facts = {"arguments": {name: str(value) for name, value in vars(given).items()}, "cores": os.cpu_count()}
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        facts |= {"load": os.getloadavg(), "most_memory_of_the_client_mb": memory}
        given.output.parent.mkdir(parents=True, exist_ok=True)
        given.output.write_text(json.dumps({**facts, "rates": measured}, indent=1), encoding="utf-8")


def run(app: App, given: argparse.Namespace) -> Measured:
    app.database.call("SELECT 1")  # starts the server
    conninfo = embedded_server(app.settings).conninfo("postgres", DATABASE)
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("CREATE TABLE bare (id uuid PRIMARY KEY, data json NOT NULL)")
        connection.execute("CREATE DATABASE peers")
    peers = conninfo.replace(f"dbname={DATABASE}", "dbname=peers")
    made: Measured = {}
    works = {**appends(app, conninfo, peers, given), **readings(app, conninfo, peers, given)}
    for what, contestants in works.items():
        rates: dict[str, list[float]] = {name: [] for name in contestants}
        for _ in range(given.rounds):
            for name, work in contestants.items():
                count, seconds = work()
                rates[name].append(round(count / seconds, 1))
        made[what] = rates
        Console(stderr=True).print(what, {name: round(statistics.median(found)) for name, found in rates.items()})
    return made


def appends(app: App, conninfo: str, peers: str, given: argparse.Namespace) -> dict[str, dict[str, Work]]:
    dsn = embedded_server(app.settings).conninfo(APPLICATION, DATABASE)

    def bare(threads: int) -> Work:
        return lambda: in_threads(threads, given.seconds, lambda: inserting(conninfo))

    def ours(threads: int) -> Work:
        return lambda: in_threads(threads, given.seconds, lambda: (lambda: create(app), lambda: None))

    def processes(ledgers: int) -> Work:
        return lambda: in_processes(dsn, ledgers, given.seconds)

    def beside_a_snapshot() -> tuple[int, float]:
        with psycopg.connect(conninfo) as foreign:
            foreign.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            foreign.execute("SELECT count(*) FROM tracking_ledger.events").fetchone()
            return ours(1)()

    one: dict[str, Work] = {"bare INSERT": bare(1), "this, with read models": ours(1)}
    eight: dict[str, Work] = {"bare INSERT, no order": bare(8), "this, one process": ours(8)}
    eight["this, eight processes"] = processes(1)
    if importlib.util.find_spec("eventsourcing"):
        one["eventsourcing"] = lambda: in_threads(1, given.seconds, lambda: eventsourcing_appends(peers))
        eight["eventsourcing"] = lambda: in_threads(8, given.seconds, lambda: eventsourcing_appends(peers))
    if given.message_db:
        install_message_db(peers, given.message_db)
        one["message-db"] = lambda: in_threads(1, given.seconds, lambda: message_db_appends(peers))
        eight["message-db, one category"] = lambda: in_threads(8, given.seconds, lambda: message_db_appends(peers))
    many: dict[str, Work] = {"this, with read models": lambda: one_commit(app.store, 2000)}
    if importlib.util.find_spec("eventsourcing"):
        many["eventsourcing, without"] = lambda: eventsourcing_batch(peers, 1000)
    return {
        "one command, one commit, one writer": one,
        "eight writers, one ledger": eight,
        "eight writers, eight ledgers": {"bare INSERT, no order": bare(8), "this, eight processes": processes(8)},
        "append beside an open foreign snapshot": {"this, without": ours(1), "this, beside one": beside_a_snapshot},
        "many events in one commit": many,
    }


def readings(app: App, conninfo: str, peers: str, given: argparse.Namespace) -> dict[str, dict[str, Work]]:
    reader = App(app.settings)
    store, tables = logged(reader, conninfo, given.events, given.streams)
    copied = (
        "COPY (SELECT position, stream_id, version, type, schema, by, occurred_at, data FROM tracking_ledger.events"
    )
    copied += f" WHERE ledger_id = '{store.ledger}' ORDER BY position) TO STDOUT"

    def copy_out() -> int:
        with psycopg.connect(conninfo) as connection, connection.cursor().copy(copied) as lines:
            return sum(1 for _ in lines)

    def copy_and_decode() -> int:
        decode, count = msgspec.json.Decoder().decode, 0
        with psycopg.connect(conninfo) as connection, connection.cursor().copy(copied) as lines:
            for line in lines:
                decode(bytes(line).rpartition(b"\t")[2].replace(b"\\\\", b"\\"))
                count += 1
        return count

    reading: dict[str, Work] = {
        "COPY out, nothing parsed": timed(copy_out),
        "this, whole events": timed(lambda: sum(1 for _ in store.read_all())),
        "this, what a replay reads": timed(lambda: sum(1 for _ in store.read_facts())),
    }
    rebuilding: dict[str, Work] = {
        "COPY out and decode, no rows": timed(copy_and_decode),
        "this, folded": timed(lambda: folded_until(store, None).reached),
        "this, rebuilt and swapped": timed(lambda: replay(store, tables).as_of),
    }
    if importlib.util.find_spec("eventsourcing"):
        reading["eventsourcing, pages of 5,000"] = eventsourcing_reads(peers, min(given.events, 50_000))
        rebuilding["eventsourcing, its runner"] = eventsourcing_rebuilds(peers, 1000)
    return {"read the whole log": reading, "rebuild a read model": rebuilding}


# ---- turns


def timed(work: Callable[[], int]) -> Work:
    def run() -> tuple[int, float]:
        before = time.perf_counter()
        return work(), time.perf_counter() - before

    return run


def in_threads(
    threads: int, seconds: float, make: Callable[[], tuple[Callable[[], None], Callable[[], None]]]
) -> tuple[int, float]:
    """Each thread repeats a call of its own until the time is over."""
    calls = [make() for _ in range(threads)]
    counts, start = [0] * threads, threading.Barrier(threads + 1)
    end = float("inf")

    def repeat(number: int) -> None:
        start.wait()
        while time.perf_counter() < end:
            calls[number][0]()
            counts[number] += 1

    running = [threading.Thread(target=repeat, args=[number]) for number in range(threads)]
    for thread in running:
        thread.start()
    end = time.perf_counter() + seconds
    began = time.perf_counter()
    start.wait()
    for thread in running:
        thread.join()
    taken = time.perf_counter() - began
    for _, close in calls:
        close()
    return sum(counts), taken


def in_processes(dsn: str, ledgers: int, seconds: float, processes: int = 8) -> tuple[int, float]:
    """Eight processes on one ledger, or each on its own, with their read models."""
    context = multiprocessing.get_context("spawn")
    start, counted = context.Barrier(processes), context.Queue()
    ids = [uuid4() for _ in range(ledgers)]
    running = [
        context.Process(target=_process, args=(dsn, str(ids[n % ledgers]), seconds, start, counted))
        for n in range(processes)
    ]
    for process in running:
        process.start()
    count = sum(counted.get() for _ in running)
    for process in running:
        process.join()
    return count, seconds


def _process(dsn: str, ledger_id: str, seconds: float, start: Any, counted: Any) -> None:
    database = Database(dsn)
    open_ledger(database, UUID(ledger_id), "benchmark", SHAPES)
    store = PostgresStore(database, UUID(ledger_id), SHAPES)
    store.append(creation(1))
    start.wait()
    end, count = time.perf_counter() + seconds, 0
    while time.perf_counter() < end:
        store.append(creation(1))
        count += 1
    counted.put(count)
    database.close()


# ---- this store


def create(app: App) -> None:
    app.do(
        lambda id: CreateWorkItem(
            id=str(id), item_type="task", title="A task of ordinary length", description=TEXT, priority=3
        ),
        category="work_item",
    )


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


def inserting(conninfo: str) -> tuple[Callable[[], None], Callable[[], None]]:
    connection = psycopg.connect(conninfo, autocommit=True)

    def insert() -> None:
        connection.execute("INSERT INTO bare VALUES (%s, %s)", [uuid4(), PAYLOAD], prepare=True)

    return insert, connection.close


# ---- the peers


def eventsourcing_recorder(peers: str) -> Any:
    from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore

    told = psycopg.conninfo.conninfo_to_dict(peers)
    datastore = PostgresDatastore(
        "peers", str(told["host"]), str(told["port"]), str(told["user"]), "none", pool_size=2, max_overflow=2
    )
    recorder = PostgresApplicationRecorder(datastore)
    recorder.create_table()
    return recorder


def stored(count: int) -> list[Any]:
    from eventsourcing.persistence import StoredEvent

    originator = uuid4()
    return [StoredEvent(originator, version, "task:created", PAYLOAD.encode()) for version in range(1, count + 1)]


def eventsourcing_appends(peers: str) -> tuple[Callable[[], None], Callable[[], None]]:
    recorder = eventsourcing_recorder(peers)
    return lambda: recorder.insert_events(stored(1)), recorder.datastore.close


def eventsourcing_batch(peers: str, count: int) -> tuple[int, float]:
    recorder, events = eventsourcing_recorder(peers), stored(count)
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


def message_db_appends(peers: str) -> tuple[Callable[[], None], Callable[[], None]]:
    connection = psycopg.connect(peers, autocommit=True, options="-csearch_path=message_store,public")
    write = "SELECT write_message(%s, %s, 'Created', %s::jsonb, NULL, NULL)"
    return lambda: connection.execute(write, [str(uuid4()), f"task-{uuid4()}", PAYLOAD], prepare=True), connection.close


def print_table(measured: Measured) -> None:
    table = Table("work", "contestant", "median /s", "lowest", "highest", "of the first", "goal")
    for what, contestants in measured.items():
        first = statistics.median(next(iter(contestants.values())))
        for name, rates in contestants.items():
            middle = statistics.median(rates)
            figures = (f"{middle:,.0f}", f"{min(rates):,.0f}", f"{max(rates):,.0f}", f"{middle / first:.2f}")
            table.add_row(what, name, *figures, GOALS.get(what, "") if name.startswith("this") else "")
    Console(width=160).print(table)


if __name__ == "__main__":
    main()
