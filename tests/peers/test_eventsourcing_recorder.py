"""The recorder tests of the Python library `eventsourcing`, run on this store through a thin adapter."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

pytest.importorskip("eventsourcing", reason="a peer: `pip install -r benchmarks/requirements.txt` to run its tests")
sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from eventsourcing.tests import persistence as theirs
from recorder import LedgerAggregateRecorder, LedgerRecorder

from ledger.postgres.connection.connect import open_ledger
from ledger.postgres.connection.database import Database
from ledger.postgres.store import PostgresStore


class OnThisStore:
    """Makes a recorder on a ledger of its own for every test."""

    database: Database
    kind: type[LedgerRecorder] = LedgerRecorder

    @pytest.fixture(autouse=True)
    def _database(self, dsn: str) -> Iterator[None]:
        self.database = Database(dsn)
        yield
        self.database.close()

    def create_recorder(self) -> Any:
        ledger = uuid4()
        open_ledger(self.database, ledger, "of another library", {})
        return self.kind(PostgresStore(self.database, ledger, {}))


class TestAggregateRecorder(OnThisStore, theirs.AggregateRecorderTestCase):
    """Insert and select, and what is refused."""

    kind = LedgerAggregateRecorder


class TestApplicationRecorder(OnThisStore, theirs.ApplicationRecorderTestCase[Any]):
    """The sequence of notifications, alone and with ten writers and two readers."""


class TestNonInterleavingNotificationIDs(OnThisStore, theirs.NonInterleavingNotificationIDsBaseCase):
    """The events of one call stand together."""
