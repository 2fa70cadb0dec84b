"""Tables of an earlier position: reached from what was kept of one before it, and never from another history."""

from pathlib import Path
from typing import Any

import pytest

from ledger.postgres.connection.database import Database
from projections.local_copy import as_of_tables
from projections.local_copy.as_of_tables import KEPT, tables_as_of
from projections.read_models.catalog import BY_CATEGORY
from tests.support import history
from tests.support.ledgers import Ledger


@pytest.fixture
def ledger(database: Database) -> Ledger:
    """A ledger in which a bit of everything happened."""
    return history.filled(database)


@pytest.fixture(autouse=True)
def all_is_worth_keeping(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(as_of_tables, "WORTH_KEEPING", 1)


def everything(ledger: Ledger, position: int, kept: Path | None = None) -> list[Any]:
    """All rows and entries as of a position."""
    found: list[Any] = []
    with tables_as_of(ledger.store, position, kept) as tables, tables.snapshot() as snapshot:
        for category, projection in BY_CATEGORY.items():
            generation = snapshot.generation(projection.name)
            found += snapshot.ask("entities/all", category=category, generation=generation, after="", limit=1000)
            places = {"after_relation": "", "after_target": "", "after_id": "", "limit": 1000}
            found += snapshot.ask("entries/of_generation", generation=generation, **places)
        found.append((snapshot.as_of.position, snapshot.as_of.time))
        found += snapshot.ask("work_items/differing_terms", ids=[history.TASK], words=["none"])
    return found


@pytest.mark.processes
def test_from_what_was_kept_the_same_is_answered_as_from_the_whole_log(ledger: Ledger, tmp_path: Path) -> None:
    head = ledger.store.read_streams([]).head

    for position in (5, 0, 12, head, 7, 12, 6):
        assert everything(ledger, position, tmp_path) == everything(ledger, position), position

    assert sorted(int(file.name.partition("-")[0]) for file in tmp_path.iterdir()) == [5, 6, 7, 12, head]


@pytest.mark.processes
def test_what_was_kept_of_another_history_is_not_built_upon(ledger: Ledger, database: Database, tmp_path: Path) -> None:
    other = history.filled(database)
    everything(other, 5, tmp_path)

    copied = everything(ledger, 7, tmp_path)

    assert copied == everything(ledger, 7)


def test_only_a_few_positions_are_kept(ledger: Ledger, tmp_path: Path) -> None:
    for position in range(1, KEPT + 4):
        everything(ledger, position, tmp_path)

    assert len(list(tmp_path.iterdir())) == KEPT
