"""The machine's own rows: folded from the journal a portion at a time, equal to what the log adds up to."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.envelope import RecordedEvent
from ledger.offline.journal import Journal
from ledger.offline.queue.outbox import Outbox
from projections.local_copy import cache as caching
from projections.local_copy.cache import Cache
from projections.tables.replay import check
from tests.support.given import LEDGER
from tests.support.history import tell
from tests.support.ledgers import in_memory, now


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> list[RecordedEvent]:
    with in_memory(tmp_path_factory.mktemp("log") / "rows.sqlite3", LEDGER) as ledger:
        tell(ledger)
        return list(ledger.store.read_all())


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(tmp_path / "journal.jsonl", LEDGER, tmp_path / "index.sqlite3")
    yield journal
    journal.close()


@pytest.fixture
def cache(tmp_path: Path, journal: Journal) -> Iterator[Cache]:
    outbox = Outbox(tmp_path)
    cache = Cache(tmp_path / "cache.sqlite3", journal, outbox, now)
    yield cache
    cache.close()
    outbox.close()


@pytest.mark.parametrize("portion", [1, 7, 2000])
def test_it_follows_the_journal_portion_by_portion(
    journal: Journal, cache: Cache, events: list[RecordedEvent], portion: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caching, "PORTION", portion)
    journal.append(events[:11])
    cache.follow()
    journal.append(events[11:])
    cache.follow()

    report = check(journal, cache.tables)

    assert (report.equal, report.as_of) == (True, len(events))


def test_rows_of_another_history_are_made_anew(
    tmp_path: Path, journal: Journal, cache: Cache, events: list[RecordedEvent]
) -> None:
    journal.append(events)
    cache.follow()
    with in_memory(tmp_path / "rows.sqlite3", LEDGER) as other:
        tell(other)
        others = list(other.store.read_all())
    journal.file.unlink()
    journal.append(others[:20])

    cache.follow()

    assert (check(journal, cache.tables).equal, cache.tables.ask("entities/all", **ANY)[0].position) == (True, 20)


def test_an_empty_journal_has_empty_rows(cache: Cache) -> None:
    cache.follow()

    assert cache.tables.ask("entities/all", **ANY)[1] == []


ANY = {"category": "work_item", "generation": 1, "after": "", "limit": 10}
