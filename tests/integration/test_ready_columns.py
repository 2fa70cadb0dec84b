"""The columns that come with a row say what the server would have made of its document."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from ledger.aggregates.work_item.commands import CreateWorkItem, UpdateWorkItem
from ledger.postgres.connection.database import Database
from projections.read_models.catalog import PROJECTIONS
from projections.read_models.columns import Mark, values_of
from tests.support.each import each
from tests.support.given import numbered
from tests.support.ledgers import Ledger, on_postgres

AWKWARD = "a \"quoted\", (bracketed) \\ back\\\\slashed {text}, '%s' ü 語 \U0001f600\nand\ta line"
STAMPS = {"created_at": "2026-11-22T09:00:00.000000Z", "updated_at": "2026-11-23T09:00:00.000000Z"}
CLAIM = {"by": AWKWARD, "until": "2026-11-24T09:00:00.000000Z", "token_digest": "1"}
DOCUMENTS: dict[str, list[dict[str, Any]]] = {
    "work_items": [
        STAMPS,
        {"item_type": "task", "title": AWKWARD, "priority": 3, "due": None, "claim": None, "deleted": False, **STAMPS},
        {"title": "", "assignee": " ", "priority": 0, "estimate": 90, "effort_cost": 2**40, "deleted": True, **STAMPS},
        {"due": "2026-11-25", "not_before": "2026-11-24", "archived": True, "withdrawn": True, **STAMPS},
        {"due": "2026-11-25T10:00:00.000000Z", "not_before": "2026-11-24T10:00:00.000000Z", **STAMPS},
        {"claim": CLAIM, "question": {"whom": "Ann, \\ and Bo", "by": "x", "at": "y", "text": "?"}, **STAMPS},
        {"status": "NULL", "category": "null", "title": '"', "parent_id": "\\", "milestone_id": "()", **STAMPS},
        {"priority": 1},
    ],
    "vendors": [{"name_key": AWKWARD, "status": "active"}, {"name_key": "", "withdrawn": True}],
    "deployments": [{"environment": AWKWARD}, {"deployed_at": STAMPS["created_at"], "withdrawn": False}],
    "enhancements": [
        {"status": "open", "target_quarter": AWKWARD, **STAMPS},
        {"priority": 2, "withdrawn": True, **STAMPS},
    ],
    "configurations": [],
    "conflicts": [{"status": "open", **STAMPS}, {}],
}  # fmt: skip

MADE = "SELECT {} FROM tracking_ledger.{}(%s::jsonb)"
LEADING = ["ledger_id", "generation", "id", "version", "position", "doc"]
NAMED = (
    "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
)
FOUND = (
    "SELECT item.title, item.assignee"
    " FROM tracking_ledger.work_items item, tracking_ledger.columns_of_work_items(item.doc) c"
    " WHERE item.ledger_id = %s AND item.id = ANY (%s) AND to_jsonb(item) @> to_jsonb(c) ORDER BY item.id"
)


@pytest.fixture
def ledger(dsn: str) -> Iterator[Ledger]:
    database = Database(dsn)
    yield on_postgres(database, uuid4())
    database.close()


@each("name", DOCUMENTS)
def test_what_comes_ready_is_what_the_server_makes_of_the_same_document(owner_dsn: str, name: str) -> None:
    columns = PROJECTIONS[name].columns
    ready = values_of(columns)
    listed = sql.SQL(", ").join(
        sql.SQL("NULL") if isinstance(column, Mark) else sql.SQL("{}::text").format(sql.Identifier(column.name))
        for column in columns
    )

    with psycopg.connect(owner_dsn) as owner:
        for document in DOCUMENTS[name]:
            text = json.dumps(document)
            made = owner.execute(sql.SQL(MADE).format(listed, sql.Identifier(f"columns_of_{name}")), [text]).fetchone()
            assert ready(text.encode()) == made, document

    assert DOCUMENTS.keys() == PROJECTIONS.keys()


def test_a_table_has_its_columns_in_the_order_in_which_they_come_ready(owner_dsn: str) -> None:
    with psycopg.connect(owner_dsn) as owner:
        for name, model in PROJECTIONS.items():
            found = [column for (column,) in owner.execute(NAMED, [f"tracking_ledger.{name}"])]
            assert found == [*LEADING, *(column.name for column in model.columns)]


def test_any_text_arrives_in_its_column_with_the_first_event_and_with_a_later_one(
    ledger: Ledger, owner_dsn: str
) -> None:
    ledger.execute(0, CreateWorkItem(id=numbered(0), item_type="task", title="first"))

    ledger.execute(1, CreateWorkItem(id=numbered(1), item_type="task", title=AWKWARD))
    ledger.execute(2, CreateWorkItem(id=numbered(2), item_type="task", title="plain"))
    ledger.execute(3, UpdateWorkItem(id=numbered(2), expected=1, fields={"title": AWKWARD[::-1], "assignee": "\\"}))

    with psycopg.connect(owner_dsn) as owner:
        owner.execute("SELECT set_config('ledger.id', %s, false)", [str(ledger.store.ledger)])
        found = owner.execute(FOUND, [ledger.store.ledger, [numbered(1), numbered(2)]]).fetchall()
    assert found == [(AWKWARD, None), (AWKWARD[::-1], "\\")]


def test_a_receipt_names_the_neighbours_whose_references_could_be_the_same(ledger: Ledger) -> None:
    ids = [
        f"{begin}-0000-4000-8000-000000000000" for begin in ("00000000", "7d444840", "7d444847", "7d44484f", "ffffffff")
    ]

    neighbours = [
        ledger.execute(number, CreateWorkItem(id=ids[n], item_type="task", title="any")).adjacent_ids or ()
        for number, n in enumerate((0, 4, 1, 3, 2))
    ]
    changed = ledger.execute(9, UpdateWorkItem(id=ids[2], expected=1, fields={"title": "other"}))

    assert ids[1] in neighbours[3] and {ids[1], ids[3]} == set(neighbours[4])
    assert changed.adjacent_ids == (ids[1], ids[3])
