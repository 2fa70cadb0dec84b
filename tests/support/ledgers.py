"""Whole ledgers, one a store, that take the same commands: in memory with SQLite beside it, and on PostgreSQL."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import NAMESPACE_OID, UUID, uuid5

from msgspec import Struct

from ledger.catalog import fold_stream
from ledger.codec import command_digest
from ledger.envelope import Command, Fact, Proposal, ProposedEvent, Recorded, RecordedEvent, Submission
from ledger.handler import Handler
from ledger.memory import MemoryStore
from ledger.postgres.connection.connect import open_ledger
from ledger.postgres.connection.database import Database
from ledger.postgres.store import PostgresStore
from ledger.store import EventStore, Primary
from projections.questions.world_questions import TableNeighbourhood
from projections.read_models.catalog import SHAPES
from projections.read_models.fold import propose
from projections.tables.contract import Tables
from projections.tables.postgres import PostgresTables
from projections.tables.replay import catch_up
from projections.tables.sqlite import SqliteTables

FIRST_DAY = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def now() -> datetime:
    return datetime.now(UTC)


def numbered_command(number: int) -> UUID:
    """The command id with this number: always the same one, so the things it creates are too."""
    return uuid5(NAMESPACE_OID, f"command {number}")


class Ledger(Struct, frozen=True, kw_only=True):
    """A log, its read models, and what executes commands on both."""

    store: Primary
    tables: Tables
    handler: Handler

    def execute(self, number: int, command: Command, by: str = "tester") -> Recorded:
        """Executes a command under the id and at the time of its number."""
        occurred_at = FIRST_DAY + timedelta(minutes=number)
        return self.handler.execute(
            Submission(command=command, command_id=numbered_command(number), by=by, occurred_at=occurred_at)
        )


def proposal(
    store: EventStore,
    command: Command,
    *events: tuple[str, int, Fact],
    number: int = 0,
    by: str = "tester",
    as_of: int = 0,
    conditions: tuple[str, ...] = (),
    not_before: datetime | None = None,
    not_after: datetime | None = None,
) -> Proposal:
    """What a handler would hand to a store for these (stream, version, fact), whatever the rules say."""
    at = FIRST_DAY + timedelta(minutes=number)
    proposed = tuple(
        ProposedEvent(stream_id=stream, version=version, fact=fact, by=by, occurred_at=at)
        for stream, version, fact in events
    )

    def past(stream: str) -> list[RecordedEvent]:
        return store.read_streams([stream]).events.get(stream, [])

    expected: dict[str, int] = {}
    for stream, version, _ in events:
        expected.setdefault(stream, version - 1)
    return Proposal(
        submission=Submission(command=command, command_id=numbered_command(number), by=by, occurred_at=at),
        command_digest=command_digest(command, by),
        events=proposed,
        expected=expected,
        rows=tuple(propose(past, lambda stream: fold_stream(stream, past(stream)), proposed)),
        as_of=as_of,
        conditions=conditions,
        not_before=not_before,
        not_after=not_after,
    )


@contextmanager
def in_memory(file: Path, ledger: UUID, clock: Callable[[], datetime] = now) -> Iterator[Ledger]:
    """A complete ledger without a server; its rows are in `file`."""
    tables = SqliteTables(file, ledger, clock)
    store = MemoryStore(ledger, clock, tables.apply)
    try:
        yield Ledger(store=store, tables=tables, handler=Handler(store, TableNeighbourhood(tables), propose))
    finally:
        tables.close()


def on_postgres(database: Database, ledger: UUID) -> Ledger:
    """A new ledger, or the one that is there."""
    open_ledger(database, ledger, "test", SHAPES)
    return ledger_in(database, ledger)


def ledger_in(database: Database, ledger: UUID) -> Ledger:
    """One that is there."""
    store = PostgresStore(database, ledger, SHAPES)
    tables = PostgresTables(database, ledger, lambda: catch_up(store, tables))
    handler = Handler(store, TableNeighbourhood(tables), propose, lambda: catch_up(store, tables))
    return Ledger(store=store, tables=tables, handler=handler)
