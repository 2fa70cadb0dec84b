"""Whose files rest when too many are open, and that those who use them do not notice."""

from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from uuid import uuid4

import psutil

from projections.local_copy.open_files import OpenFiles
from projections.local_copy.working_files import Local


def locals_of(folder: Path, count: int, files: OpenFiles) -> list[Local]:
    homes = [folder / f"ledger-{number}" for number in range(count)]
    for home in homes:
        home.mkdir()
    return [Local(home, uuid4(), lambda: datetime.now(UTC), files) for home in homes]


def opened(folder: Path) -> set[str]:
    """The homes of which this process has a file open."""
    return {Path(file.path).parent.name for file in psutil.Process().open_files() if str(folder) in file.path}


def test_of_many_only_those_that_were_used_last_are_open(tmp_path: Path) -> None:
    every = locals_of(tmp_path, 6, OpenFiles(most=2))

    for local in (*every, every[0]):
        local.cache.follow()

    assert opened(tmp_path) == {"ledger-0", "ledger-5"}
    for local in every:
        local.close()
    assert opened(tmp_path) == set()


def test_files_rest_while_others_use_them_and_are_there_again(tmp_path: Path) -> None:
    every = locals_of(tmp_path, 4, OpenFiles(most=1))
    faults = list[Exception]()

    def use(local: Local) -> None:
        try:
            for _ in range(50):
                local.cache.follow()
                assert local.journal.head.position == local.outbox.sequence == 0
        except Exception as error:
            faults.append(error)

    threads = [Thread(target=use, args=[local]) for local in every]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert faults == []
    for local in every:
        local.close()


def test_a_cache_that_was_removed_while_it_rested_is_made_again(tmp_path: Path) -> None:
    [local] = locals_of(tmp_path, 1, OpenFiles())
    local.cache.follow()

    local.rest()
    for file in local.home.glob("*.sqlite3*"):
        file.unlink()

    local.cache.follow()
    assert local.journal.head.position == 0
    local.close()
