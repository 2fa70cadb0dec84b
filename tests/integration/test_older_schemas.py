"""A fact whose shape changed twice: what older programs recorded is replayed, what newer ones recorded is carried."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from ledger import codec
from ledger.aggregates.vendor.commands import CreateVendor, UpdateVendor
from ledger.postgres.connection.database import Database
from projections.tables.replay import Unknown, check, replay
from tests.support.given import numbered
from tests.support.ledgers import Ledger, on_postgres

OLD, NEW = numbered(1), numbered(2)
UPCASTS = {
    ("VendorCreated", 1): lambda data: {**data, "first": data["name"].split()[0]},  # schema 2 had a first name
    ("VendorCreated", 2): lambda data: {"name": data["first"], "metadata": {"whole": data["name"]}},
}


@pytest.fixture
def ledger(dsn: str) -> Iterator[Ledger]:
    """A ledger in which an older program recorded a vendor, of schema 1."""
    database = Database(dsn)
    ledger = on_postgres(database, uuid4())
    ledger.execute(1, CreateVendor(id=OLD, name="Acme Ltd"))
    yield ledger
    database.close()


@pytest.fixture
def upcasts(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Makes this program one whose schema of the fact is 3."""
    monkeypatch.setattr(codec, "UPCASTS", UPCASTS)
    codec.schema_of.cache_clear()
    yield
    monkeypatch.undo()
    codec.schema_of.cache_clear()


@pytest.mark.processes
def test_an_event_of_an_older_schema_is_replayed_through_every_upcast(ledger: Ledger, upcasts: None) -> None:
    report = replay(ledger.store, ledger.tables)

    assert report.unknown == ()
    assert vendor(ledger, OLD)["name"] == "Acme"
    assert vendor(ledger, OLD)["metadata"] == {"whole": "Acme Ltd"}
    assert check(ledger.store, ledger.tables).equal


def test_a_command_decides_on_what_an_older_event_means_today(ledger: Ledger, upcasts: None) -> None:
    ledger.execute(2, UpdateVendor(id=OLD, expected=1, fields={"status": "operational"}))

    assert (vendor(ledger, OLD)["name"], vendor(ledger, OLD)["status"]) == ("Acme", "operational")


def test_an_older_event_stays_as_it_was_recorded_and_a_new_one_has_the_newest_schema(
    ledger: Ledger, upcasts: None
) -> None:
    [recorded] = ledger.store.read_all()

    ledger.execute(2, CreateVendor(id=NEW, name="Zebra Ltd"))

    older, newer = ledger.store.read_all()
    assert older == recorded
    assert (older.schema, newer.schema) == (1, 3)
    assert msgspec.json.decode(newer.data)["name"] == "Zebra Ltd"


@pytest.mark.processes
def test_an_event_of_a_newer_schema_is_carried_and_reported(
    ledger: Ledger, upcasts: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.execute(2, CreateVendor(id=NEW, name="By a newer program"))
    monkeypatch.setattr(codec, "UPCASTS", {})  # and this one is the older one again
    codec.schema_of.cache_clear()

    report = replay(ledger.store, ledger.tables)

    assert report.unknown == (Unknown(type="VendorCreated", schema=3, events=1),)
    assert (vendor(ledger, OLD)["name"], "name" in vendor(ledger, NEW)) == ("Acme Ltd", False)
    assert check(ledger.store, ledger.tables).equal


def vendor(ledger: Ledger, id: str) -> dict[str, Any]:
    with ledger.tables.snapshot() as snapshot:
        generation = snapshot.generation("vendors")
        [row] = snapshot.ask("entities/by_id", category="vendor", generation=generation, id=id)
    document: dict[str, Any] = msgspec.json.decode(row["doc"])
    return document
