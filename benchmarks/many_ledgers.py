"""What one ledger costs among many that sleep, beside what it costs alone: `python benchmarks/many_ledgers.py`.

Two servers: one with a single ledger of 100 events, one with 1,000 like it. The same is asked of one ledger on each, in
turn, so that what else the machine does weighs on both. Servers and data are thrown away at the end.
"""

import argparse
import contextlib
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
from rich.console import Console
from rich.table import Table

from ledger import identity
from ledger.postgres import ledgers
from ledger.postgres.connection.connect import DATABASE, embedded_server
from ledger.settings import Settings
from projections.application.app import App
from projections.operations.catalog import OPERATIONS
from projections.reports import report
from projections.tables.replay import replay

WARM_UP = 3  # rounds that are not counted


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--ledgers", type=int, default=1000)
    arguments.add_argument("--events", type=int, default=100, help="of each ledger")
    arguments.add_argument("--rounds", type=int, default=30)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="ledger-benchmark-") as folder:
        alone = _settings(Path(folder) / "alone", 0)
        many = [_settings(Path(folder) / "many", number) for number in range(given.ledgers)]
        with _server(alone), _server(many[0]):
            started = time.perf_counter()
            for one in (alone, *many):
                _fill(one, given.events)
            filled = time.perf_counter() - started
            for one in (alone, many[0]):
                _settle(one)
            _print(_measured(alone, many[0], given.rounds), given.ledgers)
            print(f"{given.ledgers + 1:,} ledgers of {given.events} events recorded in {filled:.1f} s")
            print(f"all {given.ledgers:,} listed in {_overview(many[0]):.0f} ms")


def _print(measured: dict[str, tuple[list[float], list[float]]], count: int) -> None:
    table = Table("one ledger", "alone, p50 ms", f"among {count:,}, p50 ms", "ratio")
    for name, (alone, among) in measured.items():
        one, other = statistics.median(alone), statistics.median(among)
        table.add_row(name, f"{one:.2f}", f"{other:.2f}", f"{other / one:.2f}")
    Console(width=120).print(table)


def _settings(root: Path, number: int) -> Settings:
    project = root / f"project-{number}"
    project.mkdir(parents=True)
    identity.create(project)
    return Settings(project=project, pgdata=root / "postgres", home=root / "home", by="benchmark")


@contextlib.contextmanager
def _server(settings: Settings) -> Iterator[None]:
    try:
        yield
    finally:
        embedded_server(settings).stop()


@contextlib.contextmanager
def _opened(settings: Settings) -> Iterator[App]:
    app = App(settings)
    try:
        yield app
    finally:
        app.close()


def _fill(settings: Settings, events: int) -> None:
    with _opened(settings) as app:
        for first in range(0, events, 100):
            items = [
                {"op": "create", "item_type": "task", "title": f"Task {number}", "description": "Text. " * 20}
                for number in range(first, min(first + 100, events))
            ]
            OPERATIONS["bulk_work_items"].perform(app, {"items": items})


def _settle(settings: Settings) -> None:
    """What the server does by itself in the background, done now, so that it disturbs no measurement."""
    with psycopg.connect(embedded_server(settings).conninfo("postgres", DATABASE), autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE)")


def _measured(alone: Settings, among: Settings, rounds: int) -> dict[str, tuple[list[float], list[float]]]:
    """Milliseconds of each question, asked of both in turn."""
    times: dict[str, tuple[list[float], list[float]]] = {}
    with _opened(alone) as one, _opened(among) as other:
        for turn in range(rounds + WARM_UP):
            for place, (settings, app) in enumerate(((alone, one), (among, other))):
                for name, ask in _asked(settings, app).items():
                    started = time.perf_counter()
                    ask()
                    if turn >= WARM_UP:
                        times.setdefault(name, ([], []))[place].append((time.perf_counter() - started) * 1000)
    return times


def _asked(settings: Settings, app: App) -> dict[str, Callable[[], object]]:
    return {
        "open, and read the newest item": lambda: _open(settings),
        "status report": lambda: _report(app),
        "list of 50 items": lambda: OPERATIONS["list_work_items"].perform(app, {}),
        "create an item": lambda: _create(app),
        "replay of all read models": lambda: replay(app.store, app.tables),
    }


def _open(settings: Settings) -> None:
    with _opened(settings) as app:
        OPERATIONS["list_work_items"].perform(app, {"limit": 1})


def _report(app: App) -> None:
    with app.tables.snapshot() as snapshot:
        report.document(snapshot, app.identity.name)


def _create(app: App) -> None:
    OPERATIONS["create_work_item"].perform(app, {"item_type": "task", "title": str(uuid4())})


def _overview(settings: Settings) -> float:
    with _opened(settings) as app:
        started = time.perf_counter()
        ledgers.overview(app.database)
        return (time.perf_counter() - started) * 1000


if __name__ == "__main__":
    main()
