"""What is asked about some items reads those and what is around them, whatever the planner knows of a table."""

import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from uuid import uuid4

import psycopg
import pytest

from ledger.aggregates.work_item.commands import ChangeWorkItems, CreateWorkItem, LinkWorkItems
from ledger.postgres.connection.database import Database
from ledger.postgres.store import ENTER
from ledger.values.reference import shortest_range
from projections.read_models.catalog import SHAPES
from projections.tables.contract import with_generations
from projections.tables.question_text import filtering, with_filters
from tests.support.each import each
from tests.support.given import numbered
from tests.support.ledgers import Ledger, on_postgres
from tests.support.questions import generation, parameters, questions, words

ITEMS = 1_000
SOME = [numbered(number) for number in range(10, 20)]
MOST = 800  # blocks that are read; a walk along all items reads a thousand, one for each of these ten thousand
ABOUT_ALL = {
    "work_items/list_by_tree",  # the order is known only when the tree is
    "work_items/differing_terms",  # compares what it is given
}
ABOUT_SOME = [
    one
    for one in questions()
    if {"ids", "targets"} & set(parameters(one)) or one == "entities/in_ranges"
    if one not in ABOUT_ALL
]
LOWEST, HIGHEST = (list(ends) for ends in zip(*map(shortest_range, SOME), strict=True))
GIVEN: dict[str, Any] = {
    "ids": SOME,
    "targets": SOME,
    "category": "work_item",
    "relation": "blocks",
    "lowest": LOWEST,
    "highest": HIGHEST,
    "max_depth": 64,
    "limit": 1_000,
    "moment": "2026-11-22T12:00:00.000000Z",
    "most": 20,
}
ROWS_READ = "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_all_tables WHERE relname = 'entries'"
TAGGED, PLACE = numbered(10), ["2026-12-01", 0, "active", "active"]
READ = "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) "


class Young(NamedTuple):
    """A ledger in tables that were never looked at, and its client."""

    ledger: Ledger
    client: psycopg.Connection


@pytest.fixture
def young(new_database: Callable[[str], str], migrated: str) -> Iterator[Young]:
    conninfo = new_database(migrated)
    database = Database(conninfo)
    with psycopg.connect(conninfo, autocommit=True) as client:
        for table in ("work_items", "entries", "events"):
            client.execute(f"ALTER TABLE tracking_ledger.{table} SET (autovacuum_enabled = false)")  # nor analyzed
        ledger = on_postgres(database, uuid4())
        ledger.execute(0, CreateWorkItem(id=numbered(0), item_type="project", title="The parent of all"))
        ledger.execute(1, ChangeWorkItems(changes=tuple(map(task, range(1, ITEMS)))))
        ledger.execute(2, ChangeWorkItems(changes=tuple(map(link, range(1, ITEMS - 1, 2)))))
        yield Young(ledger, client)
    database.close()


def task(number: int) -> CreateWorkItem:
    title, above = f"Item {number}", numbered(0)
    return CreateWorkItem(id=numbered(number), item_type="task", title=title, parent_id=above, tags=("young",))


def link(number: int) -> LinkWorkItems:
    return LinkWorkItems(id=numbered(number), kind="blocks", to_id=numbered(number + 1))


@each("question", ABOUT_SOME)
def test_a_question_about_some_items_reads_little_of_a_young_table(young: Young, question: str) -> None:
    with young.ledger.tables.snapshot() as snapshot:
        given = {name: GIVEN.get(name, "") for name in parameters(question)}
        given |= generation(snapshot, question, given)
        given = with_generations(given, young.ledger.store.ledger, {one: snapshot.generation(one) for one in SHAPES})
    with young.client.transaction():
        young.client.execute("SET LOCAL search_path = tracking_ledger, pg_catalog")
        young.client.execute(ENTER, [young.ledger.store.ledger])
        asked = with_filters(words(question), filtering(words(question), given))
        [[[plan]]] = young.client.execute(READ + asked, given).fetchall()

    assert plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"] < MOST


@each("given", [{"dropped": [[TAGGED, "tag", "young"]]}, {"added": [[TAGGED, "tag", "young", *PLACE]]}])
def test_what_an_item_loses_and_gains_is_found_by_itself_in_a_young_table(
    young: Young, given: dict[str, list[Any]]
) -> None:
    ledger = young.ledger.store.ledger
    with young.ledger.tables.snapshot() as snapshot:
        number = snapshot.generation("work_items")
    with young.client.transaction(force_rollback=True):
        young.client.execute("SET LOCAL search_path = tracking_ledger, pg_catalog")
        young.client.execute(ENTER, [ledger])
        [[before]] = young.client.execute(ROWS_READ).fetchall()
        young.client.execute("SELECT put_entries(%s, %s, %s)", [ledger, number, json.dumps(given)])
        [[after]] = young.client.execute(ROWS_READ).fetchall()

    assert after - before <= 2
