"""What a machine has made of its journal goes when the journal erases, whatever ends the process at it."""

import os
import signal
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path

import pytest

from ledger.across.erasure import of_entity
from ledger.aggregates.erasure.events import TextsErased
from ledger.aggregates.work_item.commands import CreateWorkItem
from ledger.codec import digest, encode
from ledger.envelope import RecordedEvent, stream_id
from projections.local_copy.cache import cache_file
from projections.local_copy.working_files import ERASED, WorkingFiles
from tests.support.given import LEDGER, numbered
from tests.support.ledgers import in_memory, proposal

SECRET = b"xylophon"
STREAM = stream_id("work_item", numbered(1))


@pytest.fixture
def log(tmp_path: Path) -> tuple[list[RecordedEvent], list[RecordedEvent]]:
    """What is recorded before the erasure of an item, and with it."""
    with in_memory(tmp_path / "rows.sqlite3", LEDGER) as ledger:
        ledger.execute(1, CreateWorkItem(id=numbered(1), item_type="task", title="Xylophon", tags=("xylophon",)))
        ledger.execute(2, CreateWorkItem(id=numbered(2), item_type="task", title="Another"))
        before = list(ledger.store.read_all())
        fact = TextsErased(payloads=of_entity(before, STREAM))
        command = CreateWorkItem(id=numbered(3), item_type="task", title="")
        ledger.store.append(proposal(ledger.store, command, (stream_id("erasure", numbered(3)), 1, fact), number=3))
        erasure = list(ledger.store.read_all())[2:]
    assert digest(before[-1].digest, erasure[0]) == erasure[0].digest
    assert erasure[0].data == encode(fact)
    return before, erasure


@pytest.fixture
def home(tmp_path: Path, log: tuple[list[RecordedEvent], list[RecordedEvent]]) -> Path:
    """The working files of a machine that has followed up to the erasure, and keeps an earlier position."""
    home = tmp_path / "home"
    home.mkdir()
    local = machine(home)
    local.journal.append(log[0])
    local.cache.follow()
    (home / "earlier").mkdir()
    (home / "earlier" / "2-1.sqlite3").write_bytes((home / cache_file()).read_bytes() + SECRET)
    (home / "cache-of-another-version.sqlite3").write_bytes(SECRET)
    (home / "earlier" / "being-made-x").mkdir()
    (home / "earlier" / "being-made-x" / "rows.sqlite3").write_bytes(SECRET)
    local.journal.append(log[1])
    local.close()
    assert len(holding(home)) >= 4
    return home


def test_cache_and_kept_positions_hold_nothing_afterwards(home: Path) -> None:
    renewed: list[int] = []
    local = machine(home)

    local.erase(lambda: renewed.append(1))
    local.erase(lambda: renewed.append(2))

    with local.cache.tables.snapshot() as snapshot:
        assert snapshot.as_of.position == 3
    local.close()
    assert holding(home) == []
    assert renewed == [1], "it is done once"
    assert (home / ERASED).read_bytes() == b"3\n"


@pytest.mark.parametrize(
    "step",
    [
        "projections.local_copy.as_of_tables.forget",
        "projections.local_copy.cache.Cache.follow",
        "projections.tables.sqlite.SqliteTables.vacuum",
        "projections.local_copy.working_files.write_private",
    ],
)
def test_a_process_that_is_killed_at_it_leaves_it_to_the_next(home: Path, step: str) -> None:
    def killed() -> None:
        with pytest.MonkeyPatch.context() as monkeypatch:
            monkeypatch.setattr(step, lambda *_: os.kill(os.getpid(), signal.SIGKILL))
            machine(home).erase(lambda: None)

    process = get_context("fork").Process(target=killed)
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    local = machine(home)
    assert not is_done(local)

    local.erase(lambda: None)

    assert is_done(local)
    local.close()
    assert holding(home) == []


def test_while_another_process_reads_it_is_left_to_the_next_time(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("projections.tables.sqlite.WAIT_SECONDS", 0.1)
    local, reader = machine(home), machine(home)

    with reader.cache.tables.snapshot():
        local.erase(lambda: None)
        assert not is_done(local)
    local.erase(lambda: None)

    assert is_done(local)
    local.close()
    reader.close()
    assert holding(home) == []


def machine(home: Path) -> WorkingFiles:
    return WorkingFiles(home, LEDGER, lambda: datetime.now(UTC))


def is_done(local: WorkingFiles) -> bool:
    return local.is_erased


def holding(home: Path) -> list[str]:
    return [file.name for file in home.rglob("*") if file.is_file() and SECRET in file.read_bytes().lower()]
