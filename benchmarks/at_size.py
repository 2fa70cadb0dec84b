"""What the size of a ledger costs: `python benchmarks/at_size.py [--items 1000000] [--part 100] [--rounds 40]`.

Two servers, one with a ledger of `--items` work items of ten events each, one with a `--part`-th of it, both rebuilt
from their logs by a replay, whose time and memory are told. Then both are asked and written to in turns, so that what
else the machine does weighs on both. Servers and data are thrown away at the end.
"""

import argparse
import os
import resource
import statistics
import time
from collections.abc import Callable
from typing import Any

import psycopg
from rich.console import Console
from rich.table import Table
from single_ledger import TEXT, alternate, call, figures, ledger

from ledger.postgres.connection.connect import DATABASE, embedded_server
from projections.application.app import App
from projections.tables.replay import replay

# Items come in families of ten: a root, three children, six grandchildren. A hundred families live at a time: each of
# their items is created, revised seven times, and linked or completed if it is one of those, before the next hundred.
EVENTS = """
INSERT INTO tracking_ledger.events
SELECT %(ledger)s, position, 'work_item-' || id, version, md5('c' || position)::uuid, 0, 'Benchmark', sha256(''),
       CASE WHEN version = 1 THEN 'WorkItemCreated'
            WHEN version = 2 AND n %% 10 = 7 AND n > 100 THEN 'WorkItemLinked'
            WHEN version = 10 AND abs(hashint8(n)) %% 4 <> 1 AND n < %(items)s - 1000 THEN 'WorkItemCompleted'
            ELSE 'WorkItemRevised' END,
       1, '{}',
       (CASE WHEN version = 1 THEN json_build_object(
                 'item_type', CASE WHEN n %% 7 = 0 THEN 'research' ELSE 'task' END, 'title', 'Item number ' || n,
                 'description', 'A description of ordinary length. ' || md5(n::text), 'priority', n %% 5 + 1,
                 'tags', json_build_array('tag-' || n %% (%(items)s / 50)),
                 'parent_id', CASE WHEN n %% 10 > 0 THEN md5((n - CASE WHEN n %% 10 < 4 THEN n %% 10
                                                                   ELSE 3 + n %% 3 END)::text)::uuid END)
             WHEN version = 2 AND n %% 10 = 7 AND n > 100 THEN json_build_object(
                 'kind', 'blocks', 'to_id', md5((n - 1 - n * 7919 %% 90)::text)::uuid)
             WHEN version = 10 AND abs(hashint8(n)) %% 4 <> 1 AND n < %(items)s - 1000 THEN '{}'
             ELSE json_build_object('changes', json_build_object('notes', json_build_object(
                 'old', CASE WHEN version > 2 THEN 'note ' || version - 1 END, 'new', 'note ' || version)))
        END)::json,
       'benchmark', moment, moment, sha256('')
FROM generate_series(%(first)s::bigint, %(last)s) position,
     LATERAL (SELECT (position - 1) %% 10000 / 1000 + 1, (position - 1) / 10000 * 1000 + (position - 1) %% 1000)
         item (version, n),
     LATERAL (SELECT md5(n::text)::uuid, '2026-01-01'::timestamptz + position * interval '2 seconds') m (id, moment)
"""
AT_ONCE = 500_000  # events of one statement
WARM_UP = 3  # rounds that are not counted
LONGEST = 60  # seconds of one question


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--items", type=int, default=1_000_000, help="of ten events each, in thousands")
    arguments.add_argument("--part", type=int, default=100, help="the other ledger has a part of it")
    arguments.add_argument("--rounds", type=int, default=40)
    given = arguments.parse_args()
    table = Table("what", "p50 ms", "p95 ms", "ratio")
    with ledger() as small, ledger() as large:
        sizes = (given.items // given.part // 1000 * 1000, given.items // 1000 * 1000)
        for app, items in zip((small, large), sizes, strict=True):
            fill(app, items)
            table.add_row(*rebuilt(app, items))
        asked = [questions(app, items) for app, items in zip((small, large), sizes, strict=True)]
        for what, of_small in asked[0].items():
            times = alternate(given.rounds, of_small, asked[1][what], warm_up=WARM_UP, longest=LONGEST)
            medians = [statistics.median(each) for each in times]
            for items, each in zip(sizes, times, strict=True):
                ratio = f"{medians[1] / medians[0]:.2f}" if items == sizes[1] else ""
                table.add_row(f"{what}, {items:,} items", *figures(each), ratio)
            print(what, *(f"{median:.2f}" for median in medians), flush=True)
    Console(width=140).print(table)


def fill(app: App, items: int) -> None:
    """The log, without digests: it could not be verified, and this machine's journal does not follow it."""
    app.database.call("SELECT 1")
    with psycopg.connect(embedded_server(app.settings).conninfo("postgres", DATABASE), autocommit=True) as connection:
        for first in range(1, items * 10, AT_ONCE):
            last = min(first + AT_ONCE - 1, items * 10)
            given = {"ledger": app.identity.ledger, "items": items, "first": first, "last": last}
            connection.execute(EVENTS, given)
            print(f"{last:,} of {items * 10:,} events", flush=True)
        connection.execute("VACUUM ANALYZE")


def rebuilt(app: App, items: int) -> tuple[str, str, str, str]:
    """In a process of its own, whose memory is the replay's."""
    before, reading, writing = time.perf_counter(), *os.pipe()
    if not (child := os.fork()):
        os.close(reading)
        fresh = App(app.settings)
        live = fresh.live_view()
        replay(live.store, live.tables)
        os.write(writing, str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024).encode())
        fresh.close()
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as told:
        memory = told.read()
    if os.waitpid(child, 0)[1] or not memory:
        raise RuntimeError("the replay failed: its own error stands above")
    taken = time.perf_counter() - before
    with psycopg.connect(embedded_server(app.settings).conninfo("postgres", DATABASE), autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
    rate = f"{items * 10 / taken:,.0f} events/s"
    return f"replay of {items * 10:,} events into {items:,} items: {memory} MB", f"{taken * 1000:.0f}", "", rate


def questions(app: App, items: int) -> dict[str, Callable[[], Any]]:
    newest = call(app, "create_work_item", item_type="task", title=f"One of {items}")
    latest = {"id": newest["id"], "version": newest["version"]}

    def create() -> None:
        call(app, "create_work_item", item_type="task", title="A task of ordinary length", description=TEXT)

    def update() -> None:
        latest["version"] = call(app, "update_work_item", **latest, notes=str(time.monotonic_ns()))["version"]

    def complete() -> None:
        made = call(app, "create_work_item", item_type="task", title="Done at once")
        call(app, "update_work_item", id=made["id"], version=made["version"], status="completed")

    def listed(**filters: Any) -> Callable[[], Any]:
        return lambda: call(app, "list_work_items", **filters)

    return {
        "create an item": create,
        "update an item": update,
        "create and complete an item": complete,
        "an item, whole": lambda: call(app, "query_work_item", id=latest["id"]),
        "list of 50": listed(limit=50),
        "list by state and type": listed(status="active", item_type="research", limit=50),
        "list by a tag of 50 items": listed(status="active", tag="tag-7", limit=50),
        "list of the blocked": listed(blocked=True, limit=50),
        "search for two words that one item has": listed(text=f"number {items // 2}"),
        "search for a word that all have": listed(text="ordinary"),
        "ready list of 50": lambda: call(app, "ready_work", limit=50),
        "needs_me": lambda: call(app, "needs_me"),
        "history of one item": lambda: call(app, "query_history", id=latest["id"]),
        "changes since the last 100": lambda: call(app, "changes_since", since=max(0, items * 10 - 100)),
        "prime": lambda: call(app, "prime"),
        "status, short": lambda: call(app, "project_status"),
        "status report, Markdown": lambda: call(app, "project_status", format="markdown"),
        "open, and read an item": lambda: opened(app, latest["id"]),
    }


def opened(app: App, id: str) -> None:
    fresh = App(app.settings)
    call(fresh, "query_work_item", id=id)
    fresh.close()


if __name__ == "__main__":
    main()
