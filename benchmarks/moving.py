"""A long ledger moves to another server while clients write: `python benchmarks/moving.py --events 1000000`.

Source and target are fresh embedded servers on a real disk, removed at the end; the target is used as a server that
was given. Prints how long each part of the move took, how long writes were queued, and whether every write that
was answered stands in the moved log once.
"""

import argparse
import hashlib
import multiprocessing
import resource
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from multiprocessing.synchronize import Event, Semaphore
from typing import Any
from uuid import UUID

import psycopg
from msgspec.structs import replace
from rich.console import Console
from rich.table import Table
from single_ledger import TEXT, ledger

from ledger import resources
from ledger.codec import digest, origin_digest
from ledger.envelope import RecordedEvent
from ledger.postgres.connection.connect import APPLICATION, DATABASE, OWNER, connect, embedded_server, owner_conninfo
from ledger.postgres.log_copy import EXPECT
from ledger.settings import Settings
from projections.application.app import App
from projections.operations.catalog import OPERATIONS
from projections.tables.replay import catch_up, check
from projections.transfer.ledger_move import Moved, destination, move

BEFORE, AFTER = 3.0, 3.0  # seconds that the clients write before and after the move
BEGINNING = datetime(2025, 1, 1, tzinfo=UTC)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--events", type=int, default=100_000, help="in the log that moves")
    arguments.add_argument("--streams", type=int, default=5_000, help="that those events belong to")
    arguments.add_argument("--writers", type=int, default=4, help="processes that write meanwhile")
    arguments.add_argument("--pause", type=float, default=0.0, help="seconds that each waits between two writes")
    given = arguments.parse_args()
    with ledger() as app:
        fill(app, given.events, given.streams)
        away = another_server(app.settings)
        try:
            report(*measured(app, away, given.writers, given.pause))
        finally:
            embedded_server(replace(app.settings, pgdata=app.settings.project / "elsewhere")).stop()


def fill(app: App, events: int, streams: int) -> None:
    """A log as it would have been recorded: items that are created once and then revised, each proved by its digest."""
    known = app.identity
    app.database.call("SELECT 1")
    with psycopg.connect(owner_conninfo(app.settings)) as owner:
        owner.execute(EXPECT, [known.key, known.ledger])
        owner.execute(resources.sql("moving/stage"))
        with owner.cursor().copy(resources.sql("moving/copy_in").replace(" (FORMAT BINARY)", "")) as lines:
            for event in recorded(known.ledger, events, streams):
                columns = [*event.__struct_fields__]
                row: dict[str, Any] = {name: getattr(event, name) for name in columns}
                lines.write_row([known.key, *({**row, "data": event.data.decode(), "topics": []}).values()])
        owner.execute(resources.sql("moving/take_in"), {"ledger": known.key})
    catch_up(app.store, app.tables)
    administrator = embedded_server(app.settings).conninfo("postgres", DATABASE)
    with psycopg.connect(administrator, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
    app.sync.follow()  # as this machine has all along


def recorded(origin: UUID, count: int, streams: int) -> Iterator[RecordedEvent]:
    known = origin_digest(origin)
    for n in range(count):
        version, stream = n // streams + 1, n % streams
        note = f'{{"old":"note {n - streams}","new":"note {n}"}}'
        event = RecordedEvent(
            position=n + 1,
            stream_id=f"work_item-{_uuid(b'item %d' % stream)}",
            version=version,
            command_id=_uuid(b"command %d" % n),
            n=0,
            command="CreateWorkItem" if version == 1 else "UpdateWorkItem",
            command_digest=hashlib.sha256(b"").digest(),
            type="WorkItemCreated" if version == 1 else "WorkItemRevised",
            schema=1,
            topics=(),
            data=(
                f'{{"item_type":"task","title":"Task {n}","priority":3,"description":"{TEXT}"}}'
                if version == 1
                else f'{{"changes":{{"notes":{note}}}}}'
            ).encode(),
            by="benchmark",
            occurred_at=BEGINNING + timedelta(milliseconds=n),
            recorded_at=BEGINNING + timedelta(milliseconds=n),
            digest=b"",
        )
        known = digest(known, event)
        yield event.__class__(**{name: getattr(event, name) for name in event.__struct_fields__} | {"digest": known})


def _uuid(seed: bytes) -> UUID:
    return UUID(bytes=hashlib.sha256(seed).digest()[:16], version=4)


def another_server(settings: Settings) -> Settings:
    """A server as a person would name it: its roles are made, the ledger is not known there."""
    elsewhere = replace(settings, pgdata=settings.project / "elsewhere")
    connect(elsewhere).close()
    server = embedded_server(elsewhere)
    return destination(settings, server.conninfo(APPLICATION, DATABASE), server.conninfo(OWNER, DATABASE))


def measured(app: App, away: Settings, writers: int, pause: float) -> tuple[Moved, dict[str, float], dict[str, Any]]:
    context = multiprocessing.get_context("spawn")
    stop, begun, answers = context.Event(), context.Semaphore(0), context.Queue()
    clients = [
        context.Process(target=write, args=(app.settings, f"client {n}", pause, begun, stop, answers))
        for n in range(writers)
    ]
    for client in clients:
        client.start()
    for _ in clients:
        begun.acquire()
    time.sleep(BEFORE)
    parts: dict[str, float] = {}
    started = time.perf_counter()
    moved = move(App(app.settings), away, lambda what, *_: parts.update({what: time.perf_counter() - started}))
    parts["all"] = time.perf_counter() - started
    time.sleep(AFTER)
    stop.set()
    given = [answers.get() for _ in clients]
    for client in clients:
        client.join()
    return moved, parts, found(App(away), given)


def write(settings: Settings, name: str, pause: float, begun: Semaphore, stop: Event, answers: Any) -> None:
    """Writes until it is stopped, then brings home what waits; tells every title with its outcome and when it came."""
    app, acknowledged = App(settings), []
    while not stop.is_set():
        title = f"{name} {len(acknowledged)}"
        arguments = {"item_type": "task", "title": title}
        outcome = OPERATIONS["create_work_item"].perform(app, arguments)["outcome"]
        acknowledged.append((title, outcome, time.monotonic()))
        if len(acknowledged) == 1:
            begun.release()
        time.sleep(pause)
    app.sync.drain_for(60)
    answers.put(acknowledged)
    app.close()


def found(app: App, given: list[list[tuple[str, str, float]]]) -> dict[str, Any]:
    """What became of the writes."""
    stored = [event.data for event in app.store.read_all() if event.type == "WorkItemCreated"]
    titles = {b'"title":"%b"' % title.encode() for acknowledged in given for title, _, _ in acknowledged}
    there = [title for data in stored for title in [_title(data)] if title in titles]
    queued = [[at for _, outcome, at in acknowledged if outcome == "queued"] for acknowledged in given]
    gaps = [after[2] - before[2] for acknowledged in given for before, after in pairwise(acknowledged)]
    return {
        "writes answered": len(titles),
        "of them queued": sum(map(len, queued)),
        "lost": len(titles - set(there)),
        "doubled": len(there) - len(set(there)),
        "s from the first to the last queued write of a client": max((q[-1] - q[0] for q in queued if q), default=0.0),
        "s between two answers of a client, at most": max(gaps, default=0.0),
        "read models equal the log": check(app.store, app.tables).equal,
    }


def _title(data: bytes) -> bytes:
    begins = data.index(b'"title":"')
    return data[begins : data.index(b'"', begins + 9) + 1]


def report(moved: Moved, parts: dict[str, float], writes: dict[str, Any]) -> None:
    table = Table("what", "")
    table.add_row("events at the end", f"{moved.position:,}")
    table.add_row("copied, proved and folded", f"{parts['events']:.1f} s")
    table.add_row("rows of the read models", f"{parts.get('rows', parts['events']) - parts['events']:.1f} s")
    table.add_row("in all", f"{parts['all']:.1f} s, {moved.position / parts['all']:,.0f} events/s")
    table.add_row("of it closed", f"{moved.closed_ms / 1000:.2f} s")
    table.add_row("most memory", f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024:,} MB")
    for what, value in writes.items():
        table.add_row(what, f"{value:.2f}" if isinstance(value, float) else f"{value}")
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
