"""What one ledger costs, beside the bare statement it costs at least: `python benchmarks/single_ledger.py`.

Prints one table: commands with their events and rows beside a bare INSERT of the same bytes, alternated in one run; and
the questions of the original's targets at 100 times its scale, measured in the process. Figures are milliseconds. The
server and its data are thrown away at the end; nothing else on the machine is touched.
"""

import argparse
import contextlib
import json
import math
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
from rich.console import Console
from rich.table import Table
from scale import ITEMS, VENDORS, fill

from ledger import identity
from ledger.postgres.connection.connect import DATABASE, embedded_server
from ledger.settings import Settings
from projections.application.app import App
from projections.maintenance import current_report
from projections.operations.catalog import OPERATIONS
from projections.reports.html_page import ITEMS as ON_PAGE
from projections.reports.html_page import SHOWN, page
from projections.transfer.file_import import ImportRequest

WARM_UP = 50  # rounds that are not counted
TEXT = "An ordinary description. " * 12


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--scale", type=int, default=100, help="times the original's 1,200 items and 45 vendors")
    arguments.add_argument("--rounds", type=int, default=500, help="counted rounds of each call")
    arguments.add_argument("--beads", type=Path, help="a beads export to import (default: 704 made issues)")
    given = arguments.parse_args()
    table = Table("what", "p50 ms", "p95 ms", "ratio", "goal")
    with ledger() as app:
        commands(app, table, given.rounds)
        imports(app, table, given.beads)
        questions(app, table, given.rounds // 5, given.scale)
    Console(width=140).print(table)


@contextlib.contextmanager
def ledger() -> Iterator[App]:
    """A fresh ledger on an embedded server of its own, on a real disk."""
    with tempfile.TemporaryDirectory(prefix="ledger-benchmark-") as folder:
        project = Path(folder)
        settings = Settings(project=project, pgdata=project / "postgres", home=project / "home", by="benchmark")
        identity.create(project, "benchmark")
        app = App(settings)
        try:
            yield app
        finally:
            app.close()
            embedded_server(settings).stop()


def commands(app: App, table: Table, rounds: int) -> None:
    conninfo = embedded_server(app.settings).conninfo("postgres", DATABASE)
    payload = '{"item_type":"task","title":"A task of ordinary length","priority":3,"description":"' + TEXT + '"}'
    item = call(app, "create_work_item", item_type="task", title="A task that is changed often", description=TEXT)
    latest = {"id": item["id"], "version": item["version"]}
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("CREATE TABLE bare (id uuid PRIMARY KEY, data json NOT NULL)")

        def bare() -> None:
            connection.execute("INSERT INTO bare VALUES (%s, %s)", [uuid4(), payload], prepare=True)

        def create() -> None:
            call(app, "create_work_item", item_type="task", title="A task of ordinary length", description=TEXT)

        def change() -> None:
            latest["version"] = call(app, "update_work_item", **latest, notes=str(time.monotonic_ns()))["version"]
            if latest["version"] > 20:  # an ordinary item has a short history
                fresh = call(app, "create_work_item", item_type="task", title="Another", description=TEXT)
                latest.update(id=fresh["id"], version=fresh["version"])

        floor, created, changed = alternate(rounds, bare, create, change)
    table.add_row("bare INSERT of the same bytes, one commit", *figures(floor), "1", "")
    for what, times in (("create_work_item", created), ("update_work_item", changed)):
        ratio = statistics.median(times) / statistics.median(floor)
        table.add_row(f"{what}: events, rows, receipt", *figures(times), f"{ratio:.2f} x bare", "3 x bare")


def imports(app: App, table: Table, export: Path | None) -> None:
    """Reading, deciding, recording and projecting one file, and the same file again."""
    file = export or made_issues(app.settings.project / "issues.jsonl", 704)
    for what in ("import", "import again"):
        report = ImportRequest(source="beads", path=file, by="benchmark").run(app)
        rate = f"{report['events'] / report['elapsed_ms'] * 1000:,.0f} events/s" if report["events"] else "0 events"
        goal = "5,000 events/s" if report["events"] else ""
        table.add_row(f"{what} {report['found']:,} beads issues", f"{report['elapsed_ms']:.0f}", "", rate, goal)


def made_issues(file: Path, count: int) -> Path:
    """Issues of ordinary length: half closed, half in a tree, a third blocked by another."""
    with file.open("w", encoding="utf-8") as lines:
        for n in range(count):
            moment = f"2026-01-{n % 28 + 1:02}T10:00:00Z"
            links = [("parent-child", n // 2 - 1)] if n % 2 and n > 3 else []
            links += [("blocks", n - 3)] if n % 3 == 0 and n > 3 else []
            issue = {
                "id": f"b-{n}",
                "title": f"Issue number {n}",
                "description": TEXT * 4,
                "status": "closed" if n % 2 else "open",
                "issue_type": "task",
                "priority": n % 5,
                "created_at": moment,
                "created_by": "ann",
                "updated_at": moment,
                **({"closed_at": moment} if n % 2 else {}),
                "dependencies": [
                    {"issue_id": f"b-{n}", "depends_on_id": f"b-{other}", "type": kind, "created_at": moment}
                    for kind, other in links
                ],
            }
            lines.write(json.dumps(issue) + "\n")
    return file


def questions(app: App, table: Table, rounds: int, scale: int) -> None:
    """Each question at the original's scale and at `scale` times it, with the ratio of the two medians."""
    small, names = asked(app, 1, rounds)
    large, _ = asked(app, scale, rounds)
    for (what, goal), before, after in zip(names, small, large, strict=True):
        ratio = statistics.median(after) / statistics.median(before)
        table.add_row(f"{what}, {ITEMS:,} items", *figures(before), "", "")
        table.add_row(f"{what}, {scale * ITEMS:,} items", *figures(after), f"{ratio:.2f} x the small", goal)


def asked(app: App, scale: int, rounds: int) -> tuple[list[list[float]], list[tuple[str, str]]]:
    made = fill(app, scale)
    leaf, root = deepest(app, made["work_items"]), made["work_items"][0]
    item = call(app, "create_work_item", item_type="task", title=f"One of {scale}")["id"]
    head = call(app, "changes_since", since="2999-01-01T00:00:00Z")["next_position"]
    spellings = iter(f"vendor {n * 7919 % (VENDORS * scale):05}" for n in range(10**9))
    asking: list[tuple[str, str, Callable[[], Any]]] = [
        ("vendor by name", "p95 1 ms", lambda: call(app, "query_vendor_status", name=next(spellings))),
        ("ancestors of a leaf", "p95 10 ms", lambda: call(app, "query_work_item", id=leaf, include=["ancestors"])),
        ("subtree of 500 or more", "p95 10 ms", lambda: call(app, "query_work_item", id=root, include=["descendants"])),
        (
            "filtered list of 50",
            "p95 20 ms",
            lambda: call(app, "list_work_items", status="active", item_type="research"),
        ),
        ("filtered by tag", "p95 20 ms", lambda: call(app, "list_work_items", status="active", tag="tag-7")),
        ("the first five of a tag", "2 x", lambda: call(app, "list_work_items", status="active", tag="tag-7", limit=5)),
        ("search for two words", "", lambda: call(app, "list_work_items", text=f"number {ITEMS * scale // 2}")),
        ("ready list of 50", "2 x", lambda: call(app, "ready_work", limit=50)),
        ("list of the blocked", "2 x", lambda: call(app, "list_work_items", blocked=True)),
        ("claim the next, and release", "2 x", lambda: claim_and_release(app)),
        ("history of one item", "2 x", lambda: call(app, "query_history", id=item)),
        ("changes since the last 100", "2 x", lambda: call(app, "changes_since", since=max(0, head - 100))),
        ("status report, Markdown", "p95 1 s", lambda: call(app, "project_status", format="markdown")),
        ("status report, HTML page", "p95 1 s", lambda: html_page(app)),
    ]
    times = alternate(rounds, *(question for *_, question in asking))
    return times, [(what, goal) for what, goal, _ in asking]


def html_page(app: App) -> str:
    with app.tables.snapshot() as snapshot:
        document = current_report.document_in(app.live_view(), snapshot, ON_PAGE, SHOWN)
        return page(snapshot, app.store, document)


def claim_and_release(app: App) -> None:
    claimed = call(app, "claim_work_item", action="next")
    call(app, "claim_work_item", action="release", id=claimed["id"])


def deepest(app: App, items: list[str]) -> str:
    """A leaf at depth 5."""
    for entity_id in reversed(items):
        if len(call(app, "query_work_item", id=entity_id, include=["ancestors"])["ancestors"]) == 5:
            return entity_id
    raise LookupError("no leaf at depth 5: use a larger scale")


def call(app: App, operation: str, **arguments: Any) -> dict[str, Any]:
    return OPERATIONS[operation].perform(app, arguments)


def alternate(
    rounds: int, *calls: Callable[[], Any], warm_up: int = WARM_UP, longest: float = math.inf
) -> list[list[float]]:
    """Milliseconds of each call, in turns, so that a machine whose speed drifts slows all alike; fewer rounds where
    they take longer than so many seconds."""
    taken: list[list[float]] = [[] for _ in calls]
    began = time.perf_counter()
    for number in range(rounds + warm_up):
        for one, times in zip(calls, taken, strict=True):
            before = time.perf_counter()
            one()
            if number >= warm_up:
                times.append((time.perf_counter() - before) * 1000)
        if number >= warm_up and time.perf_counter() - began > longest:
            break
    return taken


def figures(times: list[float]) -> tuple[str, str]:
    return f"{statistics.median(times):.2f}", f"{sorted(times)[int(len(times) * 0.95)]:.2f}"


if __name__ == "__main__":
    main()
