"""From which number on `doctor` speaks up."""

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from ledger import __version__
from ledger.postgres.checkup import Checkup
from projections.cli.administration.health_checks import (
    CLOCK,
    CONNECTIONS,
    TRANSACTION,
    of_conflicts,
    of_database,
    of_machine,
)
from projections.local_copy.working_files import WorkingFiles
from tests.support.each import each
from tests.support.given import LEDGER
from tests.support.queued_commands import queued

SOUND: dict[str, Any] = {
    "server_version": "18.6",
    "database": "tracking",
    "role": "team",
    "superuser": False,
    "bypasses_row_security": False,
    "size": 40_000_000,
    "connections": 10,
    "max_connections": 100,
    "longest_transaction": 1,
    "standbys": 0,
    "archiving": "working",
    "migrated": True,
    "schema_release": __version__,
    "member": True,
    "state": "open",
    "ledgers": 1,
}


def found(**changed: Any) -> list[str]:
    return [finding.what for finding in of_database(Checkup(**SOUND | changed))]


def test_a_sound_server_gives_nothing_to_look_at() -> None:
    assert found() == []


def test_a_queued_line_of_a_newer_program_is_not_called_damaged(tmp_path: Path) -> None:
    with closing(WorkingFiles(tmp_path, LEDGER, lambda: datetime.now(UTC))) as local:
        with local.outbox.locked():
            local.outbox.append(replace(queued(1), schema=99))

        (finding,) = of_machine(local, 0, 0, None)

    assert finding.code == "outbox_newer"
    assert "upgrade tracking-ledger on this machine" in finding.next_step
    assert "--set-aside" not in finding.next_step


def test_a_damaged_line_of_the_queue_is_named_with_the_way_out(tmp_path: Path) -> None:
    with closing(WorkingFiles(tmp_path, LEDGER, lambda: datetime.now(UTC))) as local:
        with local.outbox.locked():
            local.outbox.append(queued(1, "Broken"))
        local.outbox.file.write_bytes(local.outbox.file.read_bytes().replace(b"Broken", b"broken"))
    with closing(WorkingFiles(tmp_path, LEDGER, lambda: datetime.now(UTC))) as local:
        local.outbox.unsettled()

        (finding,) = of_machine(local, 0, 0, None)

    assert finding.code == "outbox_damaged"
    assert f"in {local.outbox.file}: 2" in finding.what
    assert "--set-aside" in finding.next_step


def test_up_to_its_threshold_a_number_is_no_finding() -> None:
    assert found(connections=int(CONNECTIONS * 100), longest_transaction=TRANSACTION) == []
    assert found(clock_ahead=CLOCK, newest_ahead=CLOCK) == found(clock_ahead=-CLOCK) == []


@each(
    ("changed", "said"),
    [
        ({"connections": int(CONNECTIONS * 100) + 1}, "81 of 100 connections"),
        ({"longest_transaction": TRANSACTION + 1}, "open for 3601 s"),
        ({"archiving": "failing"}, "archive"),
        ({"clock_ahead": CLOCK + 1}, "61 s ahead of the database's"),
        ({"clock_ahead": -3 * 86_400}, "3 days behind the database's"),
        ({"newest_ahead": CLOCK + 1}, "the newest event lies 61 s ahead"),
        ({"state": "closed"}, "closed"),
        ({"behind": ("vendors",)}, "behind the log: vendors"),
    ],
)
def test_beyond_it_is_one_finding(changed: dict[str, Any], said: str) -> None:
    (only,) = found(**changed)

    assert said in only


def test_transactions_that_this_role_may_not_see_are_no_finding() -> None:
    assert found(longest_transaction=None) == []


def test_conflicts_that_wait_are_counted() -> None:
    assert [finding.what for finding in of_conflicts(2)] == ["2 conflicts wait for a decision"]
    assert list(of_conflicts(0)) == []
