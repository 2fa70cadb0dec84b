"""What holds an item up is marked by looks at few rows, also where the tables have no statistics yet."""

from collections.abc import Iterable
from datetime import timedelta
from uuid import uuid4

import psycopg

from ledger.aggregates.work_item.commands import (
    Attribution,
    ImportedItem,
    ImportedLink,
    ImportWorkItems,
    UpdateWorkItem,
)
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
    dsn = _migrated(new_database)
    database = Database(dsn)
    ledger = on_postgres(database, uuid4())

    ledger.execute(1, ImportWorkItems(source="made", items=tuple(map(_item, range(ITEMS)))))
    for number in range(ITEMS - 6, ITEMS - 1):
        ledger.execute(
            1 + number, UpdateWorkItem(id=numbered(number), expected=2, status="completed", force=True, reason="so")
        )
    replay(ledger.store, ledger.tables)
    database.close()

    assert _entries_read(dsn) < ITEMS * LOOKED_UP


def test_marks_are_made_without_a_look_past_all_that_is_finished(new_database: NewDatabase) -> None:
    """One item waits for many that are finished, another has many children that are deleted together."""
    dsn = _migrated(new_database)
    database = Database(dsn)
    ledger = on_postgres(database, uuid4())
    many = range(1, ITEMS)
    finished = [_made(number, status="completed") for number in many]
    children = [_made(ITEMS + number, [("parent", ITEMS)]) for number in many]
    waiting = _made(0, [("depends_on", number) for number in many])

    ledger.execute(1, ImportWorkItems(source="made", items=(*finished, waiting, _made(ITEMS), *children)))
    ledger.execute(2, UpdateWorkItem(id=numbered(ITEMS), expected=1, deleted=True, cascade=True))
    database.close()

    assert _entries_read(dsn) < 2 * ITEMS * LOOKED_UP


def _migrated(new_database: NewDatabase) -> str:
    dsn = new_database()
    with psycopg.connect(dsn, autocommit=True) as owner:
        migrate(owner)
    return dsn


def _entries_read(dsn: str) -> int:
    """Of the indexes of items and links, by connections that are closed."""
    with psycopg.connect(dsn, autocommit=True) as owner:
        found = owner.execute(READ).fetchone()
    assert found is not None
    return int(found[1])


def _item(number: int) -> ImportedItem:
    """A child of the one at half its place, waiting for the one before it."""
    return _made(number, [("parent", number // 2), ("depends_on", number - 1)] if number > 5 else [])


def _made(number: int, ties: Iterable[tuple[str, int]] = (), status: str = "active") -> ImportedItem:
    made = Attribution(by="made", at=FIRST_DAY + timedelta(seconds=number))
    return ImportedItem(
        id=numbered(number),
        external_id=str(number),
        fields={"item_type": "task", "title": f"Item {number}"},
        created=made,
        changed=made,
        status=status,
        category=None,
        settled=made,
        removed=None,
        links=tuple(
            ImportedLink(kind=kind, to_id=numbered(other), to=str(other), word=kind, made=made) for kind, other in ties
        ),
    )
