"""The real program as the model sees it: two machines' working files and one PostgreSQL, a method for each step.

What a process does by itself in the background (drain, follow) is done here when it is asked for, by the same parts.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID, uuid4

from msgspec import Struct

from ledger.aggregates.work_item.commands import (
    ClaimWorkItem,
    CreateWorkItem,
    LinkWorkItems,
    ReleaseClaim,
    UpdateWorkItem,
)
from ledger.envelope import Command, Proposal, Recorded, Submission, stream_id
from ledger.errors import Diverged, LedgerError, OutcomeUnknown, Refused
from ledger.identity import Identity
from ledger.offline.delivery import drain as draining
from ledger.offline.delivery.drain import Drain
from ledger.offline.delivery.recovery import common_position
from ledger.offline.follower import Follower
from ledger.offline.live import LiveHandler
from ledger.pending import Version, shown_version
from ledger.postgres import ledgers
from ledger.postgres.connection.connect import open_ledger
from ledger.postgres.connection.database import Database
from ledger.postgres.store import PostgresStore
from ledger.settings import Settings
from ledger.store import EventStore
from ledger.values.moment import parse
from projections.application.local_layer import journal_layer
from projections.application.sync import DIVERGED
from projections.local_copy.working_files import WorkingFiles
from projections.maintenance import rebuild
from projections.questions.world_questions import TableNeighbourhood
from projections.read_models.catalog import SHAPES
from projections.read_models.fold import propose
from projections.tables.postgres import PostgresTables
from projections.tables.replay import catch_up, replay
from tests.model.server import Server
from tests.support.given import numbered
from tests.support.kills import killed_before
from tests.support.ledgers import numbered_command

STREAMS = ("a", "b", "c")
ITEMS = {name: numbered(number) for number, name in enumerate(STREAMS)}
NAME_OF = {item: name for name, item in ITEMS.items()}
MACHINES = ("office", "train")
BEFORE = len(STREAMS)  # events that create the items: the model begins behind them
TICK = timedelta(minutes=30)  # as long as a lease


class Departed(BaseException):
    """The command is on its way; its writer is not answered yet."""


class Sent(Struct):
    """What is on its way to the database, by the store of who sent it."""

    proposal: Proposal
    store: PostgresStore
    is_heard: bool = False


class Departing:
    """A machine's store whose appends do not arrive by themselves."""

    def __init__(self, store: PostgresStore, depart: Callable[[Proposal], None]) -> None:
        self._store = store
        self._depart = depart

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def append(self, proposal: Proposal) -> Recorded:
        self._depart(proposal)
        raise Departed


class Machine:
    """One machine's working files, opened as by a process that begins."""

    def __init__(self, name: str, home: Path, program: "Program") -> None:
        self.name = name
        self.home = home
        self._program = program
        home.mkdir(parents=True, exist_ok=True)
        self.open()

    def open(self) -> None:
        self.local = WorkingFiles(self.home, self._program.ledger, self._program.server.clock)
        self.local.note_database()
        self.store = self.new_store()
        self.know(self.store)

    def know(self, store: PostgresStore) -> None:
        """Lets a store know what this machine was shown, as the first contact of a process does."""
        reported, head = self.local.acknowledged.read(), self.local.journal.head.position
        for event in self.local.journal.read_all(head - 1):
            store.remember_position(head, event.command_id)
        if reported is not None:
            store.remember_position(reported.position, reported.command_id)

    def new_store(self, heard: Callable[[], bool] = lambda: True) -> PostgresStore:
        def acknowledge(position: int, command_id: UUID) -> None:
            if heard():
                self.local.acknowledged.write(position, command_id)

        return PostgresStore(self._program.database, self._program.ledger, SHAPES, acknowledge=acknowledge)

    def close(self) -> None:
        self.local.cache.close()
        self.local.outbox.close()
        self.local.journal.close()
        self.local.sent.close()

    def layer(self) -> Any:
        local = self.local
        return journal_layer(local.cache, local.outbox, local.sent, source="journal", claims_here=lambda: False)


class Program:
    """A fresh ledger with three items that every machine knows."""

    def __init__(self, server: Server, database: Database, folder: Path) -> None:
        self.server = server
        self.database = database
        self.ledger = uuid4()
        self.commands: dict[UUID, int] = {}
        self.answers: dict[int, str] = {}
        self.submissions: dict[int, Submission] = {}
        self.flying: dict[int, Sent] = {}
        self.began = server.clock()
        open_ledger(database, self.ledger, "model", SHAPES)
        self.log = PostgresStore(database, self.ledger, SHAPES)
        self.tables = PostgresTables(database, self.ledger, self.catch_up_tables)
        self.neighbours = TableNeighbourhood(self.tables)
        self._folder = folder
        self.machines = {name: Machine(name, folder / name, self) for name in MACHINES}
        live = self.live(self.machines[MACHINES[0]], self.log)
        for number, item in enumerate(ITEMS.values()):
            live.execute(self.submission(-1 - number, CreateWorkItem(id=item, item_type="task", title="T"), "setup"))
        for machine in self.machines.values():
            machine.local.sent.forget()
            machine.local.acknowledged.forget()
            self.catch_up(machine.name, BEFORE)

    def close(self) -> None:
        for machine in self.machines.values():
            machine.close()

    # What the model's steps are called here

    def ask(self, number: int, by: str, change: Callable[[Version], Command], stream: str, expected: int) -> None:
        machine = self.machines[by]
        flight = Sent(proposal=cast(Proposal, None), store=machine.store)
        flight.store = machine.new_store(lambda: flight.is_heard)
        machine.know(flight.store)

        def depart(proposal: Proposal) -> None:
            flight.proposal = proposal
            self.flying[number] = flight

        with self._answering(number, by):
            version = self.version(machine.store, stream, expected)
            submission = self.submission(number, change(version), by)
            store = cast(EventStore, Departing(machine.store, depart))
            self.live(machine, store).execute(submission)
            self.answers[number] = "unchanged"

    def arrive(self, number: int, is_heard: bool) -> None:
        flight = self.flying.pop(number)
        flight.is_heard = is_heard
        machine = self.machines[flight.proposal.submission.by]
        command_id = numbered_command(number)
        try:
            recorded = flight.store.append(flight.proposal)
        except LedgerError as refused:
            if is_heard:
                machine.local.sent.refuse(command_id)
                self.answers[number] = reason(refused)
            return
        if is_heard:
            machine.local.sent.answer(command_id, recorded)
            machine.know(machine.store)
            self.answers[number] = "committed"

    def give_up(self, by: str, number: int) -> None:
        with self._answering(number, by):
            self._queued(number, self.machines[by].layer().handler.execute(self.submissions[number]))

    def queue(self, number: int, by: str, change: Callable[[Version], Command], stream: str, expected: int) -> None:
        layer = self.machines[by].layer()
        with self._answering(number, by):
            submission = self.submission(number, change(self.version(layer.store, stream, expected)), by)
            self._queued(number, layer.handler.execute(submission))

    def drain(self, name: str, *, many: int = 1, is_written: bool = True) -> None:
        """The first commands that wait, in one portion; what is not written is lost with the process that drained."""
        machine = self.machines[name]
        outbox = machine.local.outbox
        drain = Drain(machine.store, self.neighbours, propose, outbox, self.catch_up_tables)
        portions = iter([True])
        with limited(many), killing(outbox, not is_written), outbox.draining() as mine:
            assert mine, "one process drains"
            drain.run(should_continue=lambda: next(portions, False))

    def catch_up(self, name: str, many: int) -> None:
        machine = self.machines[name]
        local, head = machine.local, machine.local.journal.head
        self.follower(machine).compare(head)
        events = list(self.log.read_all(head.position, head.position + many))
        local.journal.append(events)
        local.cache.follow()
        local.clear()
        machine.know(machine.store)

    def tick(self) -> None:
        self.server.move_clock(TICK)

    def fail_over(self, kept: int) -> None:
        self.flying.clear()
        if kept < self.reached():
            self.server.lose(self.ledger, after=kept + BEFORE)
            self.log = PostgresStore(self.database, self.ledger, SHAPES)
            replay(self.log, self.tables)

    def find_out(self, name: str) -> None:
        if not self.agrees(self.machines[name]):
            ledgers.close(self.database, self.ledger, DIVERGED)

    def mend(self, name: str, *, by_database: bool) -> None:
        machine = self.machines[name]
        app = cast(Any, self._application(machine))
        if by_database:
            rebuild.from_database(app, self.server.clock())
        else:
            rebuild.from_journal(app)
            self.catch_up_tables()
        machine.close()
        machine.open()
        self.catch_up(name, 1_000_000)

    # What is known of it

    def agrees(self, machine: Machine) -> bool:
        """Whether the log is still the history that the machine knows, as it finds out at each contact."""
        try:
            self.follower(machine).compare(machine.local.journal.head)
        except Diverged:
            return False
        return True

    def is_closed(self) -> bool:
        return ledgers.head(self.database, self.ledger).state == "closed"

    def unanswered(self, machine: Machine) -> list[int]:
        """What the machine has sent, and knows nothing of since."""
        local, asked = machine.local, {number: numbered_command(number) for number in self.answers}
        return [
            number
            for number, command in asked.items()
            if (sent := local.sent.find(command)) is not None
            and sent.recorded is None
            and local.outbox.find(command) is None
            and local.journal.find_command(command) is None
        ]

    def reached(self) -> int:
        return self.log.read_streams([]).head - BEFORE

    def changes(self, store: EventStore, stream: str) -> int:
        """How many changes of an item a store shows."""
        past = store.read_streams([stream_id("work_item", ITEMS[stream])]).events.values()
        return len(next(iter(past), [])) - 1

    def is_contained(self, machine: Machine) -> bool:
        """Whether the log is the beginning of what the machine's journal holds."""
        return common_position(machine.local.journal, self.log) == self.reached() + BEFORE

    def ticks(self, moment: str) -> int:
        return (parse(moment) - self.began) // TICK

    # How

    def catch_up_tables(self) -> None:
        catch_up(self.log, self.tables)

    def live(self, machine: Machine, store: EventStore) -> LiveHandler:
        return LiveHandler(store, self.neighbours, propose, self.catch_up_tables, machine.local.sent)

    def follower(self, machine: Machine) -> Follower:
        return Follower(machine.local.journal, machine.local.acknowledged, machine.home, machine.store)

    def _application(self, machine: Machine) -> SimpleNamespace:
        identity = Identity(ledger=self.ledger, name="model", project=self._folder)
        settings = Settings(
            project=self._folder, pgdata=self._folder, dsn=self.server.dsn, admin_dsn=self.server.owner_dsn
        )
        return SimpleNamespace(local=machine.local, home=machine.home, identity=identity, settings=settings)

    def submission(self, number: int, command: Command, by: str) -> Submission:
        command_id = numbered_command(number)
        self.commands[command_id] = number
        submission = Submission(
            command=command, command_id=command_id, by=by, occurred_at=self.server.clock(), token=f"token of {by}"
        )
        self.submissions[number] = submission
        return submission

    def version(self, store: EventStore, stream: str, expected: int) -> Version:
        """What a writer names who has seen so many changes."""
        past = store.read_streams([stream_id("work_item", ITEMS[stream])]).events.values()
        events = next(iter(past), [])
        return shown_version(events[expected]) if 0 <= expected < len(events) else 0

    def _queued(self, number: int, recorded: Recorded) -> None:
        self.answers[number] = "unchanged" if recorded.place is None else "queued"

    @contextmanager
    def _answering(self, number: int, by: str) -> Iterator[None]:
        try:
            yield
        except Departed:
            self.answers[number] = "sent"
        except OutcomeUnknown:
            self.answers[number] = "unknown"
        except LedgerError as refused:
            self.answers[number] = reason(refused)


def change_of(command: dict[str, Any]) -> Callable[[Version], Command]:
    """The real command that the model's stands for; it names a version where such a command does."""
    item, by, value = ITEMS[command["stream"]], command["by"], command["value"]
    match command["path"]:
        case ("Blocks", other):
            return lambda _: LinkWorkItems(id=item, kind="blocks", to_id=ITEMS[other])
        case ("Claim", _) if value:
            return lambda _: ClaimWorkItem(id=item, token=f"token of {by}", minutes=30)
        case ("Claim", _):
            return lambda _: ReleaseClaim(id=item, token=f"token of {by}")
        case (field, _):
            return lambda version: UpdateWorkItem(id=item, expected=version, fields={field.lower(): value})


def reason(refused: LedgerError) -> str:
    return str(refused.details["rule"]) if isinstance(refused, Refused) else refused.code


@contextmanager
def limited(many: int) -> Iterator[None]:
    """A drain takes so many commands at once."""
    before, draining.GROUP = draining.GROUP, many
    try:
        yield
    finally:
        draining.GROUP = before


def killing(outbox: Any, is_killed: bool) -> AbstractContextManager[None]:
    """The process dies before the outbox has the end of a command."""
    return killed_before(1, [(outbox, "append")] if is_killed else [])
