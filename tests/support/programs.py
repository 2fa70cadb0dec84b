"""Other programs on the same ledger, each a process of its own: one that rebuilds, and one of a newer version."""

import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import replace as altered

from ledger.aggregates.vendor.commands import CreateVendor
from ledger.postgres.connection.database import Database
from projections.read_models import catalog
from projections.tables.replay import check, replay
from tests.support.given import numbered
from tests.support.ledgers import Ledger, on_postgres

NEWER = 99  # the shape of the newer version's vendors, whose rows have a field more
MANY = 20  # vendors that each program makes


def rebuild_until_killed(dsn: str, ledger: UUID, stage: str, reached: Any) -> None:
    """Rebuilds, and stays where it is once it has come to a stage, until it is killed."""

    def progress(what: str, done: int, total: int) -> None:
        if what == stage:
            reached.set()
            time.sleep(60)

    _on(dsn, ledger, lambda own: replay(own.store, own.tables, progress=progress))


def newer_version(dsn: str, ledger: UUID, first: int, start: Any, answers: Any) -> None:
    """Builds its new shape while others write, makes vendors of its own, and tells what it sees at the end."""
    vendors = catalog.PROJECTIONS["vendors"]
    newer = altered(vendors, shape=NEWER, derived=lambda state: {**vendors.derived(state), "loud": state.name.upper()})
    catalog.PROJECTIONS["vendors"] = catalog.BY_CATEGORY["vendor"] = newer
    catalog.SHAPES["vendors"] = NEWER
    start.wait()

    def work(own: Ledger) -> None:
        _create(own, first)
        start.wait()
        answers.put((_names(own, "loud"), check(own.store, own.tables).equal))

    _on(dsn, ledger, work)


def this_version(dsn: str, ledger: UUID, first: int, start: Any, answers: Any) -> None:
    """Makes vendors meanwhile, and tells what it sees at the end."""
    start.wait()

    def work(own: Ledger) -> None:
        _create(own, first)
        start.wait()
        answers.put((_names(own, "name"), check(own.store, own.tables).equal))

    _on(dsn, ledger, work)


def _create(own: Ledger, first: int) -> None:
    for number in range(first, first + MANY):
        own.execute(number, CreateVendor(id=numbered(number), name=f"Vendor {number}"))


def _names(own: Ledger, field: str) -> list[str]:
    with own.tables.snapshot() as snapshot:
        generation = snapshot.generation("vendors")
        rows = snapshot.ask("entities/all", category="vendor", generation=generation, after="", limit=1000)
    return sorted(msgspec.json.decode(row["doc"])[field].lower() for row in rows)


def _on(dsn: str, ledger: UUID, work: Callable[[Ledger], object]) -> None:
    database = Database(dsn, prepare=False)  # the dsn may lead through a pooler that keeps no statements
    try:
        work(on_postgres(database, ledger))
    finally:
        database.close()
