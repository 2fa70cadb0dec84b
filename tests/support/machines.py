"""Machines that share one ledger's database, each with working files of its own, and the laws that hold for them."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from uuid import UUID

from msgspec import to_builtins

from ledger.aggregates.conflict.decider import conflict_stream
from ledger.envelope import Command, Recorded, RecordedEvent, Submission
from ledger.offline.delivery.drain import Drain, Drained
from ledger.offline.journal import Journal
from ledger.offline.local import LocalHandler, LocalStore
from ledger.offline.queue.outbox import Outbox
from ledger.offline.sent_commands import SentCommands
from projections.local_copy.cache import Cache
from projections.questions.world_questions import TableNeighbourhood
from projections.read_models.catalog import BY_CATEGORY
from projections.read_models.fold import propose
from projections.tables.contract import Tables, pages
from projections.tables.replay import catch_up, check
from tests.support.ledgers import Ledger, now


class Machine:
    """One folder of working files beside a database that may be away."""

    def __init__(
        self, folder: Path, database: Ledger, clock: Callable[[], datetime] = now, *, claims_here: bool = False
    ) -> None:
        self.folder = folder
        self.database = database
        self.clock = clock
        self._claims_here = claims_here
        folder.mkdir(parents=True, exist_ok=True)
        self.open()

    def open(self) -> None:
        ledger = self.database.store.ledger
        self.journal = Journal(self.folder / "journal.jsonl", ledger, self.folder / "index.sqlite3", self.clock)
        self.outbox = Outbox(self.folder)
        self.cache = Cache(self.folder / "cache.sqlite3", self.journal, self.outbox, self.clock)
        self.sent = SentCommands(self.folder)
        self.store = LocalStore(
            self.journal,
            self.outbox,
            self.sent,
            check_unique=self.cache.tables.check_unique,
            lay=self.cache.follow,
            claims_here=lambda: self._claims_here,
        )
        self.handler = LocalHandler(self.store, TableNeighbourhood(self.cache.tables), propose, self.cache.follow)

    def close(self) -> None:
        self.cache.close()
        self.outbox.close()
        self.journal.close()
        self.sent.close()

    def forget_cache(self) -> None:
        """What can be made again is lost."""
        self.close()
        for file in self.folder.glob("*.sqlite3*"):
            file.unlink()
        self.open()

    def queue(self, command: Command, command_id: UUID, by: str = "tester", token: str | None = None) -> Recorded:
        """Gives a command while the database is away."""
        return self.handler.execute(
            Submission(command=command, command_id=command_id, by=by, occurred_at=self.clock(), token=token)
        )

    def drain(self) -> Drained:
        database = self.database
        neighbours = TableNeighbourhood(database.tables)
        drain = Drain(
            database.store, neighbours, propose, self.outbox, lambda: catch_up(database.store, database.tables)
        )
        with self.outbox.draining() as mine:
            assert mine, "no other process drains"
            return drain.run()

    def follow(self, most: int | None = None) -> None:
        """Takes in what the log has, or some of it."""
        head = self.journal.head.position
        events = list(self.database.store.read_all(head, None if most is None else head + most))
        if events:
            self.journal.append(events)
        self.cache.follow()
        self.outbox.clear(self.journal.head.position)

    def rows(self) -> dict[str, object]:
        self.cache.follow()
        return rows_of(self.cache.tables)


def rows_of(tables: Tables) -> dict[str, object]:
    """Every row with its version, by read model and id."""
    found: dict[str, object] = {}
    with tables.snapshot() as snapshot:
        for category, projection in BY_CATEGORY.items():
            for line in pages(snapshot, category, snapshot.generation(projection.name)):
                row = projection.row(line["id"], line["version"], line["position"], line["doc"])
                found[f"{category}-{row.id}"] = (row.version, row.position, to_builtins(row.state))
    return found


def ends(log: list[RecordedEvent], command: UUID) -> str:
    """Where a command ended: nowhere, recorded, or in the stream of its conflict."""
    own = {event.stream_id for event in log if event.command_id == command}
    if not own:
        return "nowhere"
    kept = conflict_stream(command)
    if kept in own:
        assert own == {kept}, "a command is recorded or a conflict, never both"
        return "conflict"
    return "recorded"


def check_laws(database: Ledger, machines: list[Machine], committed: set[UUID], queued: set[UUID]) -> None:
    """I1, I2, I4 and I6 once every machine has drained and followed."""
    log = list(database.store.read_all())
    assert [event.position for event in log] == list(range(1, len(log) + 1))
    assert len({(event.command_id, event.n) for event in log}) == len(log)
    assert {ends(log, command) for command in committed} <= {"recorded"}
    assert {ends(log, command) for command in queued} <= {"recorded", "conflict"}
    assert {event.command_id for event in log} == committed | queued
    assert check(database.store, database.tables).equal
    for machine in machines:
        assert list(machine.journal.read_all()) == log
        assert machine.outbox.waiting == 0
        assert machine.rows() == rows_of(database.tables)
