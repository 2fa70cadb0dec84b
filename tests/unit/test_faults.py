"""From which number on `doctor` speaks up."""

from typing import Any

import pytest

from ledger import __version__
from ledger.postgres.checkup import Checkup
from projections.cli.administration.health_checks import CONNECTIONS, TRANSACTION, of_conflicts, of_database

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


def test_up_to_its_threshold_a_number_is_no_finding() -> None:
    assert found(connections=int(CONNECTIONS * 100), longest_transaction=TRANSACTION) == []


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"connections": int(CONNECTIONS * 100) + 1}, "81 of 100 connections"),
        ({"longest_transaction": TRANSACTION + 1}, "open for 3601 s"),
        ({"archiving": "failing"}, "archive"),
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
