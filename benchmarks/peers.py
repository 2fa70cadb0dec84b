"""This store beside its peers and the physical floor, in one run: `python benchmarks/peers.py --output FILE.json`.

Every contestant of a piece of work takes its turn in each round, so a machine whose speed drifts slows all alike; what
counts are the medians of the rounds and their ratios. The raw rates are kept in the output file, `plot.py` draws them.
Peers: `pip install -r benchmarks/requirements.txt`, and with `--node FOLDER` those that a `npm install
@eventide/message-db@1.3.1 @event-driven-io/emmett-postgresql@0.42.0` put into its node_modules. Whoever is not there is
left out. The server is a fresh embedded one on a real disk, removed at the end.
"""

import argparse
import importlib.util
import json
import os
import resource
import statistics
from pathlib import Path
from uuid import uuid4

import msgspec
import psycopg
from own_store import appends as store_appends
from own_store import create, logged, one_commit
from peer_stores import (
    emmett,
    eventsourcing_appends,
    eventsourcing_batch,
    eventsourcing_reads,
    eventsourcing_rebuilds,
    inserting,
    install_message_db,
    message_db_appends,
)
from rich.console import Console
from rich.table import Table
from single_ledger import ledger
from turns import Work, in_processes, in_threads, timed

from ledger.postgres.connection.connect import APPLICATION, DATABASE, embedded_server
from projections.application.app import App
from projections.tables.replay import folded_until, replay

Works = dict[str, dict[str, Work]]  # work -> contestant -> its turn
Measured = dict[str, dict[str, list[float]]]  # work -> contestant -> rates a second, one a round
WRITERS = 8
GOALS = {
    "one command, one commit, one writer": "within 3 x of the bare INSERT",
    "eight writers, one ledger": "3,000/s in one process, 2,000/s in eight",
    "eight writers, eight ledgers": "0.7 of the bare INSERT",
    "read the whole log": "300,000/s",
    "rebuild a read model": "200,000/s, half of COPY and decode",
    "many events in one commit": "40,000/s with read models",
    "append beside an open foreign snapshot": "within 1.2 x of without",
}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seconds", type=float, default=2.0, help="of each turn of an append")
    arguments.add_argument("--snapshot-seconds", type=float, default=2.0, help="of each turn beside an open snapshot")
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--events", type=int, default=200_000, help="in the log that is read and replayed")
    arguments.add_argument("--streams", type=int, default=5_000, help="that those events belong to")
    arguments.add_argument("--node", type=Path, help="the folder whose node_modules hold the peers from npm")
    arguments.add_argument("--only", default="", help="a part of the name of the works to run")
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
    for works in (appends, bulk, reads, rebuilds):
        made |= in_turns(works(app, conninfo, peers, given), given)
    return made


def in_turns(works: Works, given: argparse.Namespace) -> Measured:
    made: Measured = {}
    for what, contestants in works.items():
        if given.only not in what:
            continue
        rates: dict[str, list[float]] = {name: [] for name in contestants}
        for _ in range(given.rounds):
            for name, work in contestants.items():
                count, seconds = work()
                rates[name].append(round(count / seconds, 1))
        made[what] = rates
        Console(stderr=True).print(what, {name: round(statistics.median(found)) for name, found in rates.items()})
    return made


def appends(app: App, conninfo: str, peers: str, given: argparse.Namespace) -> Works:
    dsn = embedded_server(app.settings).conninfo(APPLICATION, DATABASE)

    def bare(threads: int) -> Work:
        return lambda: in_threads(threads, given.seconds, lambda: inserting(conninfo))

    def ours(threads: int, seconds: float = given.seconds) -> Work:
        return lambda: in_threads(threads, seconds, lambda: (lambda: create(app), lambda: None))

    def processes(ledgers: int) -> Work:
        ids = [str(uuid4()) for _ in range(ledgers)]
        each = [(dsn, ids[n % ledgers]) for n in range(WRITERS)]
        return lambda: in_processes(given.seconds, each, store_appends)

    def beside_a_snapshot() -> tuple[int, float]:
        with psycopg.connect(conninfo) as foreign:
            foreign.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            foreign.execute("SELECT count(*) FROM tracking_ledger.events").fetchone()
            return ours(1, given.snapshot_seconds)()

    one: dict[str, Work] = {"bare INSERT": bare(1), "this, with read models": ours(1)}
    one["this, its store alone"] = lambda: in_threads(1, given.seconds, lambda: store_appends(dsn, str(uuid4())))
    eight: dict[str, Work] = {"bare INSERT, no order": bare(WRITERS), "this, one process": ours(WRITERS)}
    eight["this, eight processes"] = processes(1)
    floor = lambda: in_processes(given.seconds, [(conninfo,)] * WRITERS, inserting)  # noqa: E731
    if importlib.util.find_spec("eventsourcing"):
        one["eventsourcing"] = lambda: in_threads(1, given.seconds, lambda: eventsourcing_appends(peers))
        eight["eventsourcing"] = lambda: in_threads(WRITERS, given.seconds, lambda: eventsourcing_appends(peers))
    if given.node:
        install_message_db(peers, given.node / "node_modules/@eventide/message-db/database")
        one["message-db"] = lambda: in_threads(1, given.seconds, lambda: message_db_appends(peers))
        eight["message-db, one category"] = lambda: in_threads(
            WRITERS, given.seconds, lambda: message_db_appends(peers)
        )
        eight["message-db, eight processes"] = lambda: in_processes(
            given.seconds, [(peers,)] * WRITERS, message_db_appends
        )
        one["emmett"] = emmett(given.node, peers, "append", 1, given.seconds)
        eight["emmett, no dense order"] = emmett(given.node, peers, "append", WRITERS, given.seconds)
    snapshot = {"this, without": ours(1, given.snapshot_seconds), "this, beside one": beside_a_snapshot}
    return {
        "one command, one commit, one writer": one,
        "eight writers, one ledger": eight,
        "eight writers, eight ledgers": {
            "bare INSERT, eight processes": floor,
            "this, eight processes": processes(WRITERS),
        },
        "append beside an open foreign snapshot": snapshot,
    }


def bulk(app: App, conninfo: str, peers: str, given: argparse.Namespace) -> Works:
    many: dict[str, Work] = {"this, with read models": lambda: one_commit(app.store, 2000)}
    if importlib.util.find_spec("eventsourcing"):
        many["eventsourcing, without"] = lambda: eventsourcing_batch(peers, 1000)
    return {"many events in one commit": many}


def reads(app: App, conninfo: str, peers: str, given: argparse.Namespace) -> Works:
    store, _ = logged(App(app.settings), conninfo, given.events, given.streams)

    def copy_out() -> int:
        with psycopg.connect(conninfo) as connection, connection.cursor().copy(copied(store.ledger)) as lines:
            return sum(1 for _ in lines)

    reading: dict[str, Work] = {
        "COPY out, nothing parsed": timed(copy_out),
        "this, whole events": timed(lambda: sum(1 for _ in store.read_all())),
        "this, what a replay reads": timed(lambda: sum(1 for _ in store.read_facts())),
    }
    if importlib.util.find_spec("eventsourcing"):
        reading["eventsourcing, pages of 5,000"] = eventsourcing_reads(peers, min(given.events, 50_000))
    return {"read the whole log": reading}


def rebuilds(app: App, conninfo: str, peers: str, given: argparse.Namespace) -> Works:
    store, tables = logged(App(app.settings), conninfo, given.events, given.streams)

    def copy_and_decode() -> int:
        decode, count = msgspec.json.Decoder().decode, 0
        with psycopg.connect(conninfo) as connection, connection.cursor().copy(copied(store.ledger)) as lines:
            for line in lines:
                decode(bytes(line).rpartition(b"\t")[2].replace(b"\\\\", b"\\"))
                count += 1
        return count

    rebuilding: dict[str, Work] = {
        "COPY out and decode, no rows": timed(copy_and_decode),
        "this, folded": timed(lambda: folded_until(store, None).reached),
        "this, rebuilt and swapped": timed(lambda: replay(store, tables).as_of),
    }
    if importlib.util.find_spec("eventsourcing"):
        rebuilding["eventsourcing, its runner"] = eventsourcing_rebuilds(peers, 1000)
    if given.node:
        rebuilding["emmett, its consumer, no rows"] = emmett(given.node, peers, "rebuild", 5000, 1000)
    return {"rebuild a read model": rebuilding}


def copied(ledger: object) -> str:
    columns = (
        "COPY (SELECT position, stream_id, version, type, schema, by, occurred_at, data FROM tracking_ledger.events"
    )
    return f"{columns} WHERE ledger_id = '{ledger}' ORDER BY position) TO STDOUT"


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
