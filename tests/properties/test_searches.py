"""What a search finds is the same in every store, however many items it may weigh, while there are no more."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as some

from ledger.aggregates.work_item.commands import CreateWorkItem
from ledger.postgres.connection.database import Database
from projections.questions.work import item_lists, searches
from projections.read_models.search_terms import wanted
from tests.support.examples import examples
from tests.support.given import numbered
from tests.support.ledgers import Ledger, in_memory, on_postgres

WORDS = some.sampled_from(("kraken", "krake", "squid"))
ITEMS = some.lists(some.tuples(WORDS, some.lists(WORDS, max_size=2)), max_size=8)  # a title, and a description


@contextmanager
def both(database: Database, items: list[tuple[str, list[str]]]) -> Iterator[list[Ledger]]:
    """The same items in PostgreSQL and in SQLite."""
    identity = uuid4()
    with TemporaryDirectory() as folder, in_memory(Path(folder) / "rows.sqlite3", identity) as memory:
        ledgers = [on_postgres(database, identity), memory]
        for ledger in ledgers:
            for number, (title, words) in enumerate(items):
                command = CreateWorkItem(
                    id=numbered(number), item_type="task", title=title, description=" ".join(words) or None
                )
                ledger.execute(number, command)
        yield ledgers


def found(ledger: Ledger, text: str, order: item_lists.Order) -> tuple[list[str], dict[str, Any]]:
    with ledger.tables.snapshot() as snapshot:
        filters = item_lists.WorkItemFilter(terms=tuple(wanted(text)))
        page = item_lists.listed(snapshot, filters, order=order, limit=50, offset=0, cursor=None)
    return [item["id"] for item in page.pop("items")], page


@pytest.mark.parametrize("order", ["relevance", "updated"])
@examples(60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(items=ITEMS, text=some.sampled_from(("kraken", "krak", "squid kraken")))
def test_a_search_is_whole_while_no_more_items_than_are_weighed_have_its_words(
    database: Database, order: item_lists.Order, items: list[tuple[str, list[str]]], text: str
) -> None:
    with both(database, items) as ledgers, pytest.MonkeyPatch.context() as patch:
        whole = [found(ledger, text, order) for ledger in ledgers]
        hits = len(whole[0][0])

        patch.setattr(searches, "COMMON", hits)
        just = [found(ledger, text, order) for ledger in ledgers]
        patch.setattr(searches, "COMMON", -1)  # so all are searched that changed last, of which there are no more
        last = [found(ledger, text, order) for ledger in ledgers]
        patch.setattr(searches, "LOOKED_AT", len(items) + 1)
        looked_at = [found(ledger, text, order) for ledger in ledgers]

    assert all(answer == whole[0] for answers in (whole, just, last, looked_at) for answer in answers)
