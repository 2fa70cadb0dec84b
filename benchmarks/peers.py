"""This store beside its peers and the physical floor, in one run: `python benchmarks/peers.py --output FILE.json`.

Every contestant of a piece of work takes its turn in each round, so a machine whose speed drifts slows all alike; what
counts are the medians of the rounds and their ratios, and the processor time of a piece of work: of this process
(nothing of a contestant that works in processes of its own) and of the server. The raw rates are kept in the output
file, `plot.py` draws them.
Peers: `pip install -r benchmarks/requirements.txt`, and with `--node FOLDER` those that a `npm install
@eventide/message-db@1.3.1 @event-driven-io/emmett-postgresql@0.42.0` put into its node_modules. Those that are missing
are left out. The server is a fresh embedded one on a real disk, removed at the end.
"""

import argparse
import importlib.util
import json
import os
import resource
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import psycopg
from msgspec import Struct
from own_store import logged
from peer_appends import appends, bulk
from peer_stores import PEER_ROWS, emmett, eventsourcing_reads, eventsourcing_rebuilds, install_message_db
from processor import Processor, used
from rich.console import Console
from rich.table import Table
from single_ledger import ledger
from turns import Work, Works, timed

from ledger.embedded.data_folder import postmaster_of
from ledger.postgres.connection.connect import DATABASE, embedded_server
from projections.application.app import App
from projections.tables.replay import folded_until, replay

GOALS = {
    "one command, one commit, one writer": "with rows 0.40 of the first, 1.5 of each peer with rows",
    "eight threads, one ledger": "0.45 and 1.5",
    "eight processes, one ledger": "0.40 and 1.5",
    "eight processes, eight ledgers": "0.45",
    "many events in one commit": "0.33",
    "append beside an open foreign snapshot": "within 1.2 x of without",
    "read the whole log, every column": "0.6",
    "read what a replay reads": "0.9",
    "rebuild a read model": "0.4",
}

REPLAYED = "position, stream_id, version, type, schema, by, occurred_at, data"
EVERY_COLUMN = (
    "position, stream_id, version, command_id, n, command, command_digest, type, schema, topics, data, by, occurred_at,"
    " recorded_at, digest"
)


class Turn(Struct, frozen=True):
    """`rate` pieces a second; `processor` time for each, in microseconds."""

    rate: float
    processor: Processor


Measured = dict[str, dict[str, list[Turn]]]  # work -> contestant -> its turns, one a round


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seconds", type=float, default=2.0, help="of each turn of an append")
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
        given.output.write_text(json.dumps({**facts, **as_json(measured)}, indent=1), encoding="utf-8")


def run(app: App, given: argparse.Namespace) -> Measured:
    app.database.call("SELECT 1")  # starts the server
    conninfo = embedded_server(app.settings).conninfo("postgres", DATABASE)
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("CREATE TABLE bare (id uuid PRIMARY KEY, data json NOT NULL)")
        connection.execute("CREATE DATABASE peers")
    peers = conninfo.replace(f"dbname={DATABASE}", "dbname=peers")
    with psycopg.connect(peers) as connection:
        connection.execute(PEER_ROWS)
    if given.node:
        install_message_db(peers, given.node / "node_modules/@eventide/message-db/database")
    postmaster = postmaster_of(embedded_server(app.settings).data)
    assert postmaster is not None, "the server was started above"
    made: Measured = {}
    for works in (appends, bulk, reads, rebuilds):
        made |= in_turns(works(app, conninfo, peers, given), given, postmaster)
    return made


def in_turns(works: Works, given: argparse.Namespace, postmaster: int) -> Measured:
    made: Measured = {}
    for what, contestants in works.items():
        if given.only not in what:
            continue
        turns: dict[str, list[Turn]] = {name: [] for name in contestants}
        for _ in range(given.rounds):
            for name, work in contestants.items():
                turns[name].append(one_turn(work, postmaster))
        made[what] = turns
        medians = {name: round(statistics.median(turn.rate for turn in of_it)) for name, of_it in turns.items()}
        Console(stderr=True).print(what, medians)
    return made


def one_turn(work: Work, postmaster: int) -> Turn:
    before = used(postmaster)
    count, seconds = work()
    spent = used(postmaster) - before
    client, server = (round(each / count * 1e6, 2) for each in (spent.client, spent.server))
    return Turn(round(count / seconds, 1), Processor(client, server))


def as_json(measured: Measured) -> dict[str, Any]:
    def each(value: Callable[[Turn], Any]) -> dict[str, dict[str, list[Any]]]:
        return {
            what: {name: [value(turn) for turn in turns] for name, turns in of.items()} for what, of in measured.items()
        }

    return {
        "rates": each(lambda turn: turn.rate),
        "processor_us": each(lambda turn: [turn.processor.client, turn.processor.server]),
    }


def reads(app: App, conninfo: str, peers: str, given: argparse.Namespace) -> Works:
    """Each beside a COPY of the same columns, as text and, where there are ids and digests, in binary form."""
    store, _ = logged(App(app.settings), conninfo, given.events, given.streams)

    def copy_out(columns: str, form: str = "text") -> Work:
        def run() -> int:
            copy = copied(store.ledger, columns, form)
            with psycopg.connect(conninfo) as connection, connection.cursor().copy(copy) as lines:
                return sum(1 for _ in lines)

        return timed(run)

    whole: dict[str, Work] = {
        "COPY out, nothing parsed": copy_out(EVERY_COLUMN),
        "COPY out in binary form, nothing parsed": copy_out(EVERY_COLUMN, "binary"),
        "this, whole events": timed(lambda: sum(1 for _ in store.read_all())),
    }
    if importlib.util.find_spec("eventsourcing"):
        whole["eventsourcing, pages of 5,000"] = eventsourcing_reads(peers, min(given.events, 50_000))
    facts: dict[str, Work] = {
        "COPY out, nothing parsed": copy_out(REPLAYED),
        "this": timed(lambda: sum(1 for _ in store.read_facts())),
    }
    return {"read the whole log, every column": whole, "read what a replay reads": facts}


def rebuilds(app: App, conninfo: str, peers: str, given: argparse.Namespace) -> Works:
    store, tables = logged(App(app.settings), conninfo, given.events, given.streams)

    def copy_and_decode() -> int:
        decode, count = msgspec.json.Decoder().decode, 0
        with psycopg.connect(conninfo) as connection, connection.cursor().copy(copied(store.ledger, REPLAYED)) as lines:
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


def copied(ledger: object, columns: str, form: str = "text") -> str:
    events = f"SELECT {columns} FROM tracking_ledger.events WHERE ledger_id = '{ledger}' ORDER BY position"  # noqa: S608  # constants
    return f"COPY ({events}) TO STDOUT (FORMAT {form})"


def print_table(measured: Measured) -> None:
    heads = ("work", "contestant", "median /s", "lowest", "highest", "of the first", "client us", "server us", "goal")
    table = Table(*heads)
    for what, contestants in measured.items():
        first = statistics.median(turn.rate for turn in next(iter(contestants.values())))
        for name, turns in contestants.items():
            rates = [turn.rate for turn in turns]
            middle = statistics.median(rates)
            figures = (f"{middle:,.0f}", f"{min(rates):,.0f}", f"{max(rates):,.0f}", f"{middle / first:.2f}")
            client = statistics.median(turn.processor.client for turn in turns)
            server = statistics.median(turn.processor.server for turn in turns)
            goal = GOALS.get(what, "") if name.startswith("this") else ""
            table.add_row(what, name, *figures, f"{client:,.1f}", f"{server:,.1f}", goal)
    Console(width=200).print(table)


if __name__ == "__main__":
    main()
