"""A ledger's read models at many times the original's size, written straight into new generations."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from uuid import UUID

import msgspec
import psycopg

from ledger.aggregates.deployment.state import Deployment
from ledger.aggregates.vendor.state import TestResults, Vendor
from ledger.aggregates.work_item.state import Link, WorkItem
from ledger.postgres.connection.connect import DATABASE, OWNER, embedded_server
from ledger.postgres.literals import documents, entries_json, row_json
from ledger.values.moment import text
from projections.application.app import App
from projections.read_models.catalog import PROJECTIONS
from projections.read_models.fold import change
from projections.read_models.projection import Row, Stamps

ITEMS, VENDORS, DEPLOYMENTS = 1200, 45, 50  # the original's scale
BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
BATCH = 2000


def fill(app: App, scale: int, seed: int = 1) -> dict[str, list[str]]:
    """Fills work items in trees of depth 5, links, tags, vendors and deployments. Answers the ids by read model."""
    chance = random.Random(seed)
    made = {
        "work_items": list(_work_items(chance, ITEMS * scale)),
        "vendors": list(_vendors(chance, VENDORS * scale)),
    }
    made["deployments"] = list(_deployments(chance, DEPLOYMENTS * scale, made["vendors"], made["work_items"]))
    for name, rows in made.items():
        _serve(app, name, rows)
    with psycopg.connect(embedded_server(app.settings).conninfo(OWNER, DATABASE), autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
    return {name: [row.id for row in rows] for name, rows in made.items()}


def _work_items(chance: random.Random, count: int) -> Iterator[Row]:
    """Each tree is a chain of five levels with leaves; one item in ten has no parent; the first has 600 children."""
    ids = [str(UUID(int=chance.getrandbits(128), version=4)) for _ in range(count)]
    depths = [0] * count
    for n, entity_id in enumerate(ids):
        parent = None
        if n % 10:
            above = 0 if n < 600 else chance.randrange(max(0, n - 200), n)
            if depths[above] < 5:
                parent, depths[n] = ids[above], depths[above] + 1
        completed = chance.random() < 0.5
        state = WorkItem(
            item_type=chance.choice(("task", "task", "task", "session", "research")),
            title=f"Item number {n} of a large ledger",
            description="A description of ordinary length. " * 8,
            status="completed" if completed else "active",
            category="done" if completed else "active",
            parent_id=parent,
            priority=chance.randint(1, 5),
            tags=tuple({f"tag-{chance.randrange(200)}" for _ in range(2)}),
            links=(Link(kind="blocks", to_id=ids[chance.randrange(n)]),) if n and chance.random() < 0.1 else (),
        )
        yield _row(entity_id, state, n)


def _vendors(chance: random.Random, count: int) -> Iterator[Row]:
    for n in range(count):
        state = Vendor(
            name=f"VENDOR {n:05}",
            status="operational" if chance.random() < 0.67 else "broken",
            extractor_version="1.2.3",
            format_support={"excel": True, "csv": n % 2 == 0, "pdf": False, "ocr": False},
            test_results=TestResults(passing=10, total=12, skipped=2),
            manifest_compliant=True,
        )
        yield _row(str(UUID(int=chance.getrandbits(128), version=4)), state, n)


def _deployments(chance: random.Random, count: int, vendors: list[Row], items: list[Row]) -> Iterator[Row]:
    for n in range(count):
        state = Deployment(
            deployed_at=text(BEGINNING + timedelta(hours=n)),
            commit_hash=f"{chance.getrandbits(160):040x}",
            pr_number=n + 1,
            pr_title=f"Pull request {n + 1}",
            test_summary={"passed": 45, "failed": 0, "skipped": 2},
            constitutional_compliance=True,
            vendor_ids=tuple({chance.choice(vendors).id for _ in range(2)}),
            work_item_ids=tuple({chance.choice(items).id for _ in range(2)}),
        )
        yield _row(str(UUID(int=chance.getrandbits(128), version=4)), state, n)


def _row(entity_id: str, state: msgspec.Struct, n: int) -> Row:
    moment = text(BEGINNING + timedelta(minutes=n))
    stamps = Stamps(created_at=moment, created_by="scale", updated_at=moment, updated_by="scale")
    return Row(id=entity_id, version=1, position=n + 1, stamps=stamps, state=state)


def _serve(app: App, name: str, rows: list[Row]) -> None:
    projection, ledger = PROJECTIONS[name], app.identity.ledger
    generation = app.database.call("SELECT tracking_ledger.new_generation(%s)", [ledger])[0][0]
    left = iter(rows)
    while batch := [change(projection, None, row, row.position) for row in islice(left, BATCH)]:
        rows_and_entries = ([row_json(row) for row in batch], entries_json(batch))
        encoded = [msgspec.json.encode(value).decode() for value in rows_and_entries]
        given = [ledger, name, generation, *encoded, documents(batch)]
        app.database.call("SELECT tracking_ledger.fill_generation(%s, %s, %s, %s, %s, %s, true)", given)
    if name == "work_items":
        app.database.call("SELECT tracking_ledger.mark_generation(%s, %s)", [ledger, generation])
    app.database.call(
        "SELECT tracking_ledger.serve_generation(%s, %s, %s, %s)", [ledger, name, projection.shape, generation]
    )
