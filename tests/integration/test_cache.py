"""The machine's own rows: folded from the journal a portion at a time, equal to what the log adds up to."""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from ledger.envelope import RecordedEvent
from ledger.offline.journal import Journal
from ledger.offline.queue.outbox import Outbox
from projections.local_copy import cache as caching
from projections.local_copy.cache import Cache, cache_file, fold_into
from projections.local_copy.working_files import UNUSED_SECONDS, WorkingFiles
from projections.read_models import catalog
from projections.tables import contract, sqlite, sqlite_advance
from projections.tables.replay import check
from tests.support.given import LEDGER
from tests.support.history import fill
from tests.support.ledgers import in_memory, now


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> list[RecordedEvent]:
    with in_memory(tmp_path_factory.mktemp("log") / "rows.sqlite3", LEDGER) as ledger:
        fill(ledger)
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
        fill(other)
        others = list(other.store.read_all())
    journal.file.unlink()
    journal.append(others[:20])

    cache.follow()

    assert (check(journal, cache.tables).equal, cache.tables.ask("entities/all", **ANY)[0].position) == (True, 20)


def test_an_empty_journal_has_empty_rows(cache: Cache) -> None:
    cache.follow()

    assert cache.tables.ask("entities/all", **ANY)[1] == []


def test_rows_that_are_up_to_date_are_opened_and_asked_while_another_process_writes(
    tmp_path: Path, journal: Journal, cache: Cache, events: list[RecordedEvent], monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.append(events)
    cache.follow()
    monkeypatch.setattr(sqlite, "WAIT_SECONDS", 0.0)

    with closing(sqlite3.connect(tmp_path / "cache.sqlite3", isolation_level=None)) as another:
        another.execute("BEGIN IMMEDIATE")
        with (
            closing(Outbox(tmp_path)) as outbox,
            closing(Cache(tmp_path / "cache.sqlite3", journal, outbox, now)) as opened,
        ):
            opened.follow()
            found = opened.tables.ask("entities/all", **ANY)[1]

    assert found == cache.tables.ask("entities/all", **ANY)[1] != []


@pytest.fixture
def newer(tmp_path: Path, journal: Journal, cache: Cache) -> Iterator[Cache]:
    """The same file as another version of the program has it, which began when nothing was recorded yet."""
    cache.follow()
    outbox = Outbox(tmp_path)
    with version(NEWER):
        newer = Cache(tmp_path / "cache.sqlite3", journal, outbox, now)
    yield newer
    newer.close()
    outbox.close()


def test_versions_of_the_program_take_turns_with_the_file(
    journal: Journal, cache: Cache, newer: Cache, events: list[RecordedEvent]
) -> None:
    for some in (events[:11], events[11:]):
        journal.append(some)
        with version(NEWER):
            newer.follow()
            assert check(journal, newer.tables).equal
        cache.follow()
        assert check(journal, cache.tables).equal


def test_rows_that_another_version_has_made_meanwhile_are_left_to_it(
    journal: Journal, cache: Cache, newer: Cache, events: list[RecordedEvent], monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.append(events[:11])
    cache.follow()
    journal.append(events[11:])
    read_all, turns = journal.read_all, iter([True])

    def beaten(*range_of_positions: Any) -> Iterator[RecordedEvent]:
        if next(turns, False):
            with version(NEWER):
                newer.follow()
        return read_all(*range_of_positions)

    monkeypatch.setattr(journal, "read_all", beaten)
    cache.follow()

    assert check(journal, cache.tables).equal


def test_a_question_finds_its_own_rows_where_another_version_has_made_others(
    journal: Journal, cache: Cache, newer: Cache, events: list[RecordedEvent]
) -> None:
    journal.append(events)
    cache.follow()
    with version(NEWER):
        newer.follow()

    assert cache.tables.ask("entities/all", **ANY)[0].position == len(events)


@pytest.mark.processes
def test_versions_that_take_turns_fold_each_event_once_each(
    tmp_path: Path, events: list[RecordedEvent], monkeypatch: pytest.MonkeyPatch
) -> None:
    folded: list[int] = []
    monkeypatch.setattr(caching, "fold_into", lambda rows, some: (folded.append(len(some)), fold_into(rows, some)))

    for some in (events[:11], events[11:]):
        with closing(WorkingFiles(tmp_path, LEDGER, now)) as local:
            local.journal.append(some)
        for shapes in (catalog.SHAPES, NEWER) * 2:
            with version(shapes), closing(WorkingFiles(tmp_path, LEDGER, now)) as local:
                local.cache.follow()
                assert check(local.journal, local.cache.tables).equal

    assert sum(folded) == 2 * len(events)


def test_rows_of_a_version_that_was_not_used_for_long_are_removed(tmp_path: Path) -> None:
    used, unused, own = (tmp_path / name for name in ("cache-1.sqlite3", "cache.sqlite3", cache_file()))
    for file in (used, unused, own):
        file.touch()
        file.with_name(f"{file.name}-wal").touch()
        os.utime(file, (NOT_USED_SINCE,) * 2)
    used.touch()

    with closing(WorkingFiles(tmp_path, LEDGER, now)) as local:
        local.cache.follow()

    assert sorted(file.name for file in tmp_path.glob("cache*")) == sorted([used.name, f"{used.name}-wal", own.name])
    assert own.stat().st_mtime > NOT_USED_SINCE


@contextmanager
def version(shapes: dict[str, int]) -> Iterator[None]:
    """What is done in it is done by a version of the program with these shapes of the read models."""
    with pytest.MonkeyPatch.context() as patched:
        for module in (caching, catalog, contract, sqlite, sqlite_advance):
            patched.setattr(module, "SHAPES", shapes)
        yield


NEWER = {**catalog.SHAPES, "work_items": 99}
ANY = {"category": "work_item", "generation": 1, "after": "", "limit": 10}
NOT_USED_SINCE = time.time() - UNUSED_SECONDS - 60
