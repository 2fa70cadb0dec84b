"""Whose files rest when too many are open, and that those who use them do not notice."""

import shlex
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from uuid import uuid4

import psutil
import pytest

from projections.local_copy.open_files import OpenFiles
from projections.local_copy.working_files import WorkingFiles
from tests.support.each import each


def locals_of(folder: Path, count: int, files: OpenFiles) -> list[WorkingFiles]:
    homes = [folder / f"ledger-{number}" for number in range(count)]
    for home in homes:
        home.mkdir()
    return [WorkingFiles(home, uuid4(), lambda: datetime.now(UTC), files) for home in homes]


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

    def use(local: WorkingFiles) -> None:
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


@pytest.mark.processes
@each(
    ("soft", "hard", "has", "most"),
    [(1_024, 1_024, 1_024, 64), (1_024, 4_096, 4_096, 236), (1_024, 16_384, 7_400, 512), (256, 512, 512, 64)],
)
def test_a_served_process_takes_the_descriptors_that_it_may_have(soft: int, hard: int, has: int, most: int) -> None:
    what = (
        "import resource; from projections.local_copy.working_files import OPEN; OPEN.raise_limit();"
        "print(resource.getrlimit(resource.RLIMIT_NOFILE)[0], OPEN.most)"
    )
    limited = f"ulimit -Sn {soft} && ulimit -Hn {hard} && exec {shlex.quote(sys.executable)} -c {shlex.quote(what)}"

    said = subprocess.run(["sh", "-c", limited], capture_output=True, text=True, check=True)

    assert said.stdout.split() == [str(has), str(most)]


def test_a_cache_that_was_removed_while_it_rested_is_made_again(tmp_path: Path) -> None:
    [local] = locals_of(tmp_path, 1, OpenFiles())
    local.cache.follow()

    local.rest()
    for file in local.home.glob("*.sqlite3*"):
        file.unlink()

    local.cache.follow()
    assert local.journal.head.position == 0
    local.close()
