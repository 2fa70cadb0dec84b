"""A large ledger, written as rows and events without any command: a hundred times the original's size in everything but
its items, of which there are twenty-five times as many unless `LEDGER_TEST_ITEMS` says another number."""

import os
import random
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import psycopg

from ledger.aggregates.deployment.state import Deployment
from ledger.aggregates.enhancement.state import Enhancement
from ledger.aggregates.vendor.events import TestResults
from ledger.aggregates.vendor.state import Vendor
from ledger.aggregates.work_item.events import WorkItemCreated
from ledger.aggregates.work_item.state import Claim, Link, Question, WorkItem
from ledger.annotation.state import Attachment
from ledger.codec import encode
from ledger.values.moment import text
from projections.read_models.catalog import PROJECTIONS
from projections.read_models.columns import derived
from projections.read_models.projection import Row, Stamps
from tests.support.ledgers import FIRST_DAY

ITEMS = int(os.environ.get("LEDGER_TEST_ITEMS", "30000"))
VENDORS, DEPLOYMENTS, ENHANCEMENTS = 4_500, 5_000, 1_000
DEEPEST = 5
COUNT_OF_TAGS = 200
PULL = "https://example.org/pull/"

STAGE = """
    CREATE TEMPORARY TABLE staged
    (ledger_id uuid, generation bigint, id text, version int, position bigint, doc jsonb)"""
COPY_ROWS = "COPY staged FROM STDIN"
TAKE_IN = """
    WITH taken AS (DELETE FROM staged RETURNING *)
    INSERT INTO tracking_ledger.{0} (ledger_id, generation, id, version, position, doc, {1})
    SELECT t.*, {1} FROM taken t, tracking_ledger.columns_of_{0}(t.doc)"""
COPY_ENTRIES = """
    COPY tracking_ledger.entries
    (ledger_id, generation, relation, target, id, day, hidden, status, category) FROM STDIN"""
EVENTS = """
    INSERT INTO tracking_ledger.events
    SELECT %s, n, 'work_item-' || md5(n::text)::uuid, 1, md5(n::text)::uuid, 0, 'CreateWorkItem', sha256(''),
           'WorkItemCreated', 1, CASE WHEN n %% 10 = 0 THEN '{links}' ELSE '{}' END::text[], %s::json, 'scale',
           now() + n * interval '1 second', now() + n * interval '1 second', sha256('')
    FROM generate_series(1, %s) n
"""
GENERATIONS = "SELECT projection, generation FROM tracking_ledger.projections WHERE ledger_id = %s"
COPY_TERMS = "COPY tracking_ledger.work_item_terms (ledger_id, generation, id, terms) FROM STDIN"
EMPTY = "DELETE FROM tracking_ledger.{0} WHERE ledger_id = %s"
TABLES = (
    "work_items",
    "work_item_terms",
    "vendors",
    "deployments",
    "enhancements",
    "entries",
    "events",
    "projections",
    "ledger_members",
)


def fill(administrator: psycopg.Connection, ledger: UUID, *, seed: int = 1) -> dict[str, list[Row]]:
    """Fills an empty ledger's read models and log, with fresh statistics. Answers the rows by read model."""
    chance = random.Random(seed)
    made = {"work_items": list(_work_items(chance)), "vendors": list(_vendors(chance))}
    made["deployments"] = list(_deployments(chance, made))
    made["enhancements"] = list(_enhancements(chance))
    generations: dict[str, int] = dict(administrator.execute(GENERATIONS, [ledger]).fetchall())
    administrator.execute(STAGE)
    administrator.execute("SELECT set_config('ledger.filling', %s, false)", [str(generations["work_items"])])
    for name, rows in made.items():
        _copy(administrator, COPY_ROWS, _lines(ledger, generations[name], name, rows))
        administrator.execute(
            TAKE_IN.format(name, ", ".join(column.name for column in derived(PROJECTIONS[name].columns)))
        )
        _copy(administrator, COPY_ENTRIES, _entries(ledger, generations[name], name, rows))
    administrator.execute("SELECT tracking_ledger.mark_generation(%s, %s)", [ledger, generations["work_items"]])
    administrator.execute("RESET ledger.filling")
    data = encode(WorkItemCreated(item_type="task", title="One of many"))
    administrator.execute(EVENTS, [ledger, data.decode(), ITEMS])
    _copy(administrator, COPY_TERMS, _terms(ledger, generations["work_items"], made["work_items"]))
    administrator.execute("VACUUM ANALYZE " + ", ".join(f"tracking_ledger.{table}" for table in TABLES))
    return made


def empty(administrator: psycopg.Connection, ledger: UUID) -> None:
    """Takes it out again: later tests forbid indexes, and would read all of it for each question."""
    administrator.execute("SET session_replication_role = replica")  # no trigger keeps events
    for table in TABLES:
        administrator.execute(EMPTY.format(table), [ledger])
    administrator.execute("VACUUM " + ", ".join(f"tracking_ledger.{table}" for table in TABLES))


def _work_items(chance: random.Random) -> Iterator[Row]:
    """Trees of depth 5, one item in ten without a parent, of which few are projects; the first has 600 children, one in
    a hundred is deleted."""
    ids = [_id(chance) for _ in range(ITEMS)]
    depths = [0] * ITEMS
    for n, entity_id in enumerate(ids):
        parent = None
        above = 0 if n < 600 else chance.randrange(max(0, n - 200), max(1, n))
        if n % 10 and depths[above] < DEEPEST:
            parent, depths[n] = ids[above], depths[above] + 1
        until = text(FIRST_DAY + timedelta(days=365))
        item_type: Any = chance.choice(("task", "task", "task", "session", "research"))
        state = WorkItem(
            item_type="project" if n % 5000 == 0 else item_type,
            title=f"Item number {n} of many",
            description="A description of ordinary length. " * 8,
            status="completed" if chance.random() < 0.5 else "active",
            parent_id=parent,
            assignee=f"person {chance.randrange(50)}",
            priority=chance.randint(1, 5),
            tags=tuple({f"tag-{chance.randrange(COUNT_OF_TAGS)}" for _ in range(2)}),
            links=(Link(kind="blocks", to_id=ids[chance.randrange(n)]),) if n and chance.random() < 0.1 else (),
            deleted=chance.random() < 0.01,
            archived=chance.random() < 0.2,
            claim=Claim(by=f"person {n % 50}", until=until, token_digest="x") if chance.random() < 0.001 else None,
            question=Question(whom=f"person {n % 50}", by="bot", at=until, text="May I?") if n % 1000 == 7 else None,
            attachments={f"{PULL}{n}": Attachment(kind="pull_request", by="bot", at=until)} if n % 10 == 3 else {},
            external_source="scale",
            external_id=str(n),
        )
        yield _row(entity_id, state, n)


def _vendors(chance: random.Random) -> Iterator[Row]:
    for n in range(VENDORS):
        state = Vendor(
            name=f"Vendor {n:05}",
            status="operational" if chance.random() < 0.67 else "broken",
            extractor_version="1.2.3",
            format_support={"excel": True, "csv": n % 2 == 0, "pdf": n % 100 == 0, "ocr": False},
            test_results=TestResults(passing=10, total=12, skipped=2),
            manifest_compliant=True,
        )
        yield _row(_id(chance), state, n)


def _deployments(chance: random.Random, made: dict[str, list[Row]]) -> Iterator[Row]:
    for n in range(DEPLOYMENTS):
        state = Deployment(
            recorded=True,
            deployed_at=text(FIRST_DAY + timedelta(hours=n)),
            commit_hash=f"{chance.getrandbits(160):040x}",
            pr_number=n + 1,
            pr_title=f"Pull request {n + 1}",
            environment=chance.choice(("production", "staging")),
            vendor_ids=tuple({chance.choice(made["vendors"]).id for _ in range(2)}),
            work_item_ids=tuple({chance.choice(made["work_items"]).id for _ in range(2)}),
        )
        yield _row(_id(chance), state, n)


def _enhancements(chance: random.Random) -> Iterator[Row]:
    for n in range(ENHANCEMENTS):
        quarter = f"20{27 + n % 5}-Q{n % 4 + 1}"
        status: Any = chance.choice(("planned", "approved", "completed"))
        state = Enhancement(title=f"Wish {n}", status=status, priority=chance.randint(1, 5), target_quarter=quarter)
        yield _row(_id(chance), state, n)


def _id(chance: random.Random) -> str:
    return str(UUID(int=chance.getrandbits(128), version=4))


def _row(entity_id: str, state: msgspec.Struct, n: int) -> Row:
    moment = text(FIRST_DAY + timedelta(minutes=n))
    stamps = Stamps(created_at=moment, created_by="scale", updated_at=moment, updated_by="scale")
    return Row(id=entity_id, version=1, position=n + 1, stamps=stamps, state=state)


def _lines(ledger: UUID, generation: int, name: str, rows: Iterable[Row]) -> Iterator[tuple[Any, ...]]:
    for row in rows:
        yield ledger, generation, row.id, row.version, row.position, PROJECTIONS[name].document(row).decode()


def _entries(ledger: UUID, generation: int, name: str, rows: Iterable[Row]) -> Iterator[tuple[Any, ...]]:
    for row in rows:
        for relation, target, *place in PROJECTIONS[name].entries_of(row):
            yield ledger, generation, relation, target, row.id, *(place or [None] * 4)


def _terms(ledger: UUID, generation: int, rows: Iterable[Row]) -> Iterator[tuple[Any, ...]]:
    for row in rows:
        yield ledger, generation, row.id, PROJECTIONS["work_items"].terms(None, row)


def _copy(administrator: psycopg.Connection, statement: str, lines: Iterable[tuple[Any, ...]]) -> None:
    with administrator.cursor() as cursor, cursor.copy(statement) as copy:
        for line in lines:
            copy.write_row(line)
