"""What the length of the log costs: `python benchmarks/long_log.py [--events 10000000] [--rebuilt 1000000]`.

A log of `--rebuilt` events is replayed beside a writer: what the writer waits at most, and how much memory the replay
takes. Then two embedded servers, one with an empty log and one with a long one, are appended to in turns. Prints one
table; servers and data are thrown away.
"""

import argparse
import resource
import statistics
import threading
import time
from typing import Any

from own_store import appends, logged
from rich.console import Console
from rich.table import Table
from single_ledger import ledger

from ledger.postgres.connection.connect import APPLICATION, DATABASE, embedded_server
from projections.application.app import App
from projections.tables.replay import replay


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--events", type=int, default=10_000_000, help="in the long log")
    arguments.add_argument("--rebuilt", type=int, default=1_000_000, help="in the log that is replayed")
    arguments.add_argument("--appends", type=int, default=2_000, help="in each log, in turns")
    given = arguments.parse_args()
    table = Table("what", "p50 ms", "p95 ms", "most ms", "ratio", "goal")
    with ledger() as app:
        rebuilding(app, given, table)
    with ledger() as empty, ledger() as full:
        lengths(empty, full, given, table)
    Console(width=140).print(table)


def lengths(empty: App, full: App, given: argparse.Namespace, table: Table) -> None:
    """One item with its row, straight into the store, on either server in turn."""
    turns = []
    for app, events in ((empty, 1), (full, given.events)):
        app.database.call("SELECT 1")
        store, _ = logged(
            app, embedded_server(app.settings).conninfo("postgres", DATABASE), events, max(1, events // 50)
        )
        call, _ = appends(embedded_server(app.settings).conninfo(APPLICATION, DATABASE), str(store.ledger))
        turns.append((call, list[float]()))
    for n in range(given.appends + 100):
        for call, times in turns:
            before = time.perf_counter()
            call()
            if n >= 100:
                times.append((time.perf_counter() - before) * 1000)
    (_, short), (_, long) = turns
    table.add_row("append to an empty log", *figures(short), "", "")
    ratio = statistics.median(long) / statistics.median(short)
    table.add_row(f"append to {given.events:,} events", *figures(long), f"{ratio:.2f}", "1.3")


def rebuilding(app: App, given: argparse.Namespace, table: Table) -> None:
    app.database.call("SELECT 1")
    conninfo = embedded_server(app.settings).conninfo("postgres", DATABASE)
    store, tables = logged(app, conninfo, given.rebuilt, 5_000)
    call, _ = appends(embedded_server(app.settings).conninfo(APPLICATION, DATABASE), str(store.ledger))
    alone = waits(call, lambda: time.sleep(3))
    before = time.perf_counter()
    beside = waits(call, lambda: replay(store, tables))
    taken = time.perf_counter() - before
    table.add_row("a writer alone", *figures(alone), "", "")
    what = f"a writer beside a replay of {given.rebuilt:,} events ({taken:.0f} s, {given.rebuilt / taken:,.0f}/s)"
    table.add_row(what, *figures(beside), "", "100 ms")
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    table.add_row(f"most memory of this process: {memory} MB", "", "", "", "", "")


def waits(call: Any, work: Any) -> list[float]:
    """How long each call took while the work went on."""
    times, over = list[float](), threading.Event()

    def write() -> None:
        while not over.is_set():
            before = time.perf_counter()
            call()
            times.append((time.perf_counter() - before) * 1000)
            time.sleep(0.002)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        work()
    finally:
        over.set()
        writer.join()
    return times


def figures(times: list[float]) -> tuple[str, str, str]:
    ordered = sorted(times)
    return (
        f"{statistics.median(ordered):.2f}",
        f"{ordered[int(len(ordered) * 0.95)]:.2f}",
        f"{ordered[-1]:.2f}",
    )


if __name__ == "__main__":
    main()
