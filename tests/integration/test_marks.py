"""What holds an item up is marked by looks at few rows, also where the tables have no statistics yet."""

from datetime import timedelta
from uuid import uuid4

import psycopg

from ledger.aggregates.work_item.commands import ImportedItem, ImportedLink, ImportWorkItems, Mark, UpdateWorkItem
from ledger.postgres.connection.database import Database
from ledger.postgres.migrate import migrate
from projections.tables.replay import replay
from tests.conftest import NewDatabase
from tests.support.given import numbered
from tests.support.ledgers import FIRST_DAY, on_postgres

ITEMS = 600
LOOKED_UP = 200  # entries of indexes for each item; looks by another index would take 300 more in the mean
READ = (
    "SELECT pg_stat_force_next_flush(), sum(idx_tup_read) FROM pg_stat_user_indexes"
    " WHERE relname IN ('work_items', 'entries')"
)


def test_many_links_and_children_in_a_young_database_are_marked_by_few_looks(new_database: NewDatabase) -> None:
    dsn = new_database()
    with psycopg.connect(dsn, autocommit=True) as owner:
        migrate(owner)
    database = Database(dsn)
    ledger = on_postgres(database, uuid4())
    items = tuple(map(_item, range(ITEMS)))

    ledger.execute(1, ImportWorkItems(source="made", items=items))
    for number in range(ITEMS - 6, ITEMS - 1):
        ledger.execute(
            1 + number, UpdateWorkItem(id=numbered(number), expected=2, status="completed", force=True, reason="so")
        )
    replay(ledger.store, ledger.tables)
    database.close()

    with psycopg.connect(dsn, autocommit=True) as owner:
        found = owner.execute(READ).fetchone()
    assert found is not None
    assert found[1] < ITEMS * LOOKED_UP


def _item(number: int) -> ImportedItem:
    """A child of the one at half its place, waiting for the one before it."""
    made = Mark(by="made", at=FIRST_DAY + timedelta(seconds=number))
    ties = [("parent", number // 2), ("depends_on", number - 1)] if number > 5 else []
    return ImportedItem(
        id=numbered(number),
        external_id=str(number),
        fields={"item_type": "task", "title": f"Item {number}"},
        created=made,
        changed=made,
        status="active",
        category=None,
        settled=made,
        removed=None,
        links=tuple(
            ImportedLink(kind=kind, to_id=numbered(other), to=str(other), word=kind, made=made) for kind, other in ties
        ),
    )
