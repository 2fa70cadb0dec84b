"""What this machine's own copy costs: `python benchmarks/own_copy.py`.

The same reads from the database and from the cache, in turn; how fast the journal follows, opens and is proved; what an
acknowledgement costs. Figures are milliseconds; compare ratios. Everything is thrown away at the end.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

from rich.console import Console
from rich.table import Table
from single_ledger import ledger

from ledger.offline.acknowledged_position import Acknowledged
from ledger.offline.journal import Journal
from projections.application.app import App
from projections.operations.catalog import OPERATIONS

WARM_UP = 20  # rounds that are not counted
AT_ONCE = 100  # items of one bulk command


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--items", type=int, default=5000, help="work items, one event each")
    arguments.add_argument("--rounds", type=int, default=200, help="counted rounds of each read")
    given = arguments.parse_args()
    table = Table("what", "live p50 ms", "cache p50 ms", "ratio")
    with ledger() as app:
        ids = fill(app, given.items)
        follow(app, table, given.items)
        reads(app, table, ids, given.rounds)
        acknowledge(app, table)
    Console(width=120).print(table)


def fill(app: App, count: int) -> list[str]:
    ids: list[str] = []
    for first in range(0, count, AT_ONCE):
        items = [{"op": "create", "item_type": "task", "title": f"Item {first + n}"} for n in range(AT_ONCE)]
        answered = OPERATIONS["bulk_work_items"].perform(app, {"items": items})
        ids += [result["ref"] for result in answered["results"]]
    app.after_write.finish()
    return ids


def follow(app: App, table: Table, count: int) -> None:
    app.local.close()
    for file in list(app.home.glob("journal*")):
        file.unlink()
    taken = timed(app.sync.follow)
    table.add_row(f"follow {count} events into journal and cache", "", f"{taken:.0f}", f"{count / taken * 1000:.0f}/s")
    index = app.home / "journal-index.sqlite3"
    opened = timed(lambda: Journal(app.local.journal.file, app.identity.ledger, index).head)
    table.add_row("open the journal, its index there", "", f"{opened:.1f}", "")
    proved = timed(lambda: Journal(app.local.journal.file, app.identity.ledger, Path(":memory:")).head)
    table.add_row("open it without, every line proved", "", f"{proved:.0f}", f"{count / proved * 1000:.0f}/s")


def reads(app: App, table: Table, ids: list[str], rounds: int) -> None:
    live, cache = app.on_layer(app.runtime.live()), app.on_layer(app.runtime.journal())
    asked = {
        "query_work_item": {"id": ids[len(ids) // 2]},
        "list_work_items": {"limit": 50},
        "ready_work": {"limit": 20},
        "query_history": {"id": ids[7]},
        "project_status": {},
    }
    for name, arguments in asked.items():
        times = in_turn(
            lambda name=name, given=arguments: OPERATIONS[name].perform(live, given),
            lambda name=name, given=arguments: OPERATIONS[name].perform(cache, given),
            rounds,
        )
        table.add_row(name, f"{times[0]:.2f}", f"{times[1]:.2f}", f"{times[1] / times[0]:.2f}")


def acknowledge(app: App, table: Table) -> None:
    acknowledged, command = Acknowledged(app.home), uuid4()
    times = [timed(lambda n=n: acknowledged.write(10_000_000 + n, command)) for n in range(1000)]
    table.add_row("acknowledge a position", "", f"{statistics.median(times):.3f}", "")


def in_turn(one: Callable[[], object], other: Callable[[], object], rounds: int) -> tuple[float, float]:
    for _ in range(WARM_UP):
        one(), other()
    pairs = [(timed(one), timed(other)) for _ in range(rounds)]
    return statistics.median(pair[0] for pair in pairs), statistics.median(pair[1] for pair in pairs)


def timed(act: Callable[[], object]) -> float:
    begun = time.perf_counter()
    act()
    return (time.perf_counter() - begun) * 1000


if __name__ == "__main__":
    main()
