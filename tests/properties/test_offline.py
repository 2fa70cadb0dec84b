"""Two machines, one database that comes and goes, and a simple model of what must be true. The invariants I1 to I7.

Whatever happens in whatever order, and whatever is interrupted: what was answered `committed` is in the log once, what
was answered `queued` is in the log or in a conflict once, what was refused is nowhere, and no value is gone
that no writer has replaced knowingly.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from hypothesis import HealthCheck, settings
from hypothesis import strategies as some
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from msgspec import UNSET

from ledger.aggregates.conflict.commands import ResolveConflict
from ledger.aggregates.conflict.events import ConflictFound
from ledger.aggregates.decider import Undo
from ledger.aggregates.vendor.commands import CreateVendor, UpdateVendor
from ledger.aggregates.work_item.commands import (
    ChangeWorkItems,
    ClaimWorkItem,
    CreateWorkItem,
    LinkWorkItems,
    UpdateWorkItem,
)
from ledger.catalog import fact_of, states_of
from ledger.envelope import Command, Recorded, RecordedEvent, Submission, category_of, id_of, stream_id
from ledger.errors import LedgerError
from ledger.pending import Version, newest
from ledger.postgres.connection.database import Database
from ledger.values.field_paths import differing, flatten
from ledger.values.revision import same
from tests.support.examples import examples
from tests.support.given import numbered
from tests.support.kills import OF_STORE, killed_before
from tests.support.ledgers import Ledger, in_memory, numbered_command, on_postgres
from tests.support.machines import Machine, check_laws, ends

MACHINES = ("train", "office")
places = some.integers(0, 5)
texts = some.sampled_from(["a", "b", "c"])
fields = some.fixed_dictionaries(
    {},
    optional={
        "title": texts,
        "notes": some.none() | texts,
        "priority": some.integers(1, 3),
        "tags": some.sampled_from([[], ["x"], ["x", "y"]]),
        "metadata": some.dictionaries(some.sampled_from(["k", "l"]), texts, max_size=2),
    },
)


class Clock:
    """A clock that is set forth and back."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(milliseconds=1)
        return self.now


class Offline(RuleBasedStateMachine):
    """`committed` and `queued` are what was answered; `seen` what a queued command's writer saw in what it changed."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="offline-"))
        self.clock = Clock()
        self._opened = self.opened()
        self.database = self._opened.__enter__()
        self.machines = {name: Machine(self.folder / name, self.database, self.clock) for name in MACHINES}
        self.away: set[str] = set()
        self.number = 0
        self.ids: dict[str, list[str]] = {"work_item": [], "vendor": []}
        self.committed: dict[UUID, tuple[int, ...]] = {}
        self.queued: dict[UUID, str] = {}
        self.order: dict[str, list[UUID]] = {name: [] for name in MACHINES}
        self.refused: set[UUID] = set()
        self.seen: dict[UUID, dict[str, dict[str, Any]]] = {}

    @contextmanager
    def opened(self) -> Iterator[Ledger]:
        with in_memory(self.folder / "rows.sqlite3", uuid4(), self.clock) as ledger:
            yield ledger

    def teardown(self) -> None:
        try:
            self.everybody_meets()
        finally:
            for machine in self.machines.values():
                machine.close()
            self._opened.__exit__(None, None, None)
            shutil.rmtree(self.folder, ignore_errors=True)

    @initialize()
    def something_is_there(self) -> None:
        for _ in range(2):
            self.create_item("office", None, "a")
        for machine in self.machines.values():
            machine.follow()

    @rule(name=some.sampled_from(MACHINES), parent=some.none() | places, title=texts)
    def create_item(self, name: str, parent: int | None, title: str) -> None:
        entity_id = numbered(self.number)
        above = None if parent is None else self.entity_id("work_item", parent)
        if self.give(name, CreateWorkItem(id=entity_id, item_type="task", title=title, parent_id=above)):
            self.ids["work_item"].append(entity_id)

    @rule(
        name=some.sampled_from(MACHINES), place=places, fields=fields, version_conflict=some.sampled_from([0, 0, 0, 1])
    )
    def change_fields(self, name: str, place: int, fields: dict[str, Any], version_conflict: int) -> None:
        entity_id = self.entity_id("work_item", place)
        version = self.version(name, "work_item", entity_id)
        expected = version - version_conflict if isinstance(version, int) else version
        self.give(name, UpdateWorkItem(id=entity_id, expected=expected, fields=fields))

    @rule(
        name=some.sampled_from(MACHINES),
        place=places,
        status=some.sampled_from(["active", "blocked", "completed"]),
        force=some.booleans(),
    )
    def change_status(self, name: str, place: int, status: str, force: bool) -> None:
        entity_id = self.entity_id("work_item", place)
        expected = self.version(name, "work_item", entity_id)
        self.give(name, UpdateWorkItem(id=entity_id, expected=expected, status=status, reason="why", force=force))

    @rule(name=some.sampled_from(MACHINES), place=places, parent=some.none() | places)
    def move(self, name: str, place: int, parent: int | None) -> None:
        entity_id = self.entity_id("work_item", place)
        above = None if parent is None else self.entity_id("work_item", parent)
        expected = self.version(name, "work_item", entity_id)
        self.give(name, UpdateWorkItem(id=entity_id, expected=expected, parent_id=above))

    @rule(name=some.sampled_from(MACHINES), place=places, deleted=some.booleans())
    def delete(self, name: str, place: int, deleted: bool) -> None:
        entity_id = self.entity_id("work_item", place)
        expected = self.version(name, "work_item", entity_id)
        self.give(name, UpdateWorkItem(id=entity_id, expected=expected, deleted=deleted, cascade=True))

    @rule(
        name=some.sampled_from(MACHINES),
        place=places,
        other=places,
        kind=some.sampled_from(["blocks", "relates_to"]),
        remove=some.sampled_from([False, False, True]),
    )
    def link(self, name: str, place: int, other: int, kind: str, remove: bool) -> None:
        one, two = self.entity_id("work_item", place), self.entity_id("work_item", other)
        self.give(name, LinkWorkItems(id=one, kind=kind, to_id=two, remove=remove))

    @rule(name=some.sampled_from(MACHINES), places=some.lists(places, min_size=2, max_size=3, unique=True), title=texts)
    def change_many(self, name: str, places: list[int], title: str) -> None:
        ids = list(dict.fromkeys(self.entity_id("work_item", place) for place in places))
        changes = tuple(
            UpdateWorkItem(id=entity_id, expected=self.version(name, "work_item", entity_id), fields={"title": title})
            for entity_id in ids
        )
        self.give(name, ChangeWorkItems(changes=changes, refused_are_left_out=True))

    @rule(name=some.sampled_from(MACHINES), vendor=some.sampled_from(["Acme", "ACME", "Zebra"]))
    def create_vendor(self, name: str, vendor: str) -> None:
        entity_id = numbered(self.number)
        if self.give(name, CreateVendor(id=entity_id, name=vendor)):
            self.ids["vendor"].append(entity_id)

    @precondition(lambda self: self.ids["vendor"])
    @rule(name=some.sampled_from(MACHINES), place=places, version=texts)
    def change_vendor(self, name: str, place: int, version: str) -> None:
        entity_id = self.entity_id("vendor", place)
        expected = self.version(name, "vendor", entity_id)
        self.give(name, UpdateVendor(id=entity_id, expected=expected, fields={"extractor_version": version}))

    @rule(name=some.sampled_from(MACHINES), back=some.integers(1, 4))
    def undo(self, name: str, back: int) -> None:
        given = [*self.committed, *self.queued][-back:]
        if not given:
            return
        store = self.database.store if self.is_live(name) else self.machines[name].store
        found = store.find_command(given[0])
        streams = [] if found is None else [s for s in found[0].streams if category_of(s) != "conflict"]
        if streams:
            self.give(name, Undo(undone=str(given[0]), streams=tuple(sorted(streams)), only_untouched=True))

    @rule(name=some.sampled_from(MACHINES), place=places)
    def claim(self, name: str, place: int) -> None:
        self.give(name, ClaimWorkItem(id=self.entity_id("work_item", place), token=f"token-of-{name}"))

    @rule(away=some.sets(some.sampled_from(MACHINES)))
    def the_database_goes(self, away: set[str]) -> None:
        """From all, from one, or from none of them."""
        self.away = away

    @rule(name=some.sampled_from(MACHINES))
    def sync(self, name: str) -> None:
        if name not in self.away:
            self.machines[name].drain()

    @rule(name=some.sampled_from(MACHINES), most=some.none() | some.integers(1, 4))
    def follow(self, name: str, most: int | None) -> None:
        if name not in self.away:
            self.machines[name].follow(most)

    @rule(name=some.sampled_from(MACHINES), step=some.integers(1, 6))
    def the_drain_is_killed(self, name: str, step: int) -> None:
        if name in self.away:
            return
        machine = self.machines[name]
        touched = [*((machine.database.store, name) for name in OF_STORE), (machine.outbox, "append")]
        with killed_before(step, touched):
            machine.drain()
        machine.close()
        machine.open()

    @rule(name=some.sampled_from(MACHINES))
    def the_cache_is_lost(self, name: str) -> None:
        self.machines[name].forget_cache()

    @rule(minutes=some.integers(-120, 120))
    def the_clock_is_set(self, minutes: int) -> None:
        self.clock.now += timedelta(minutes=minutes)

    @rule(name=some.sampled_from(MACHINES), choice=some.sampled_from(["mine", "theirs", "edited"]), which=places)
    def resolve(self, name: str, choice: str, which: int) -> None:
        events = [event for event in self.database.store.read_all() if event.type == "ConflictFound"]
        if events and self.is_live(name):
            conflict = id_of(events[which % len(events)].stream_id)
            arguments = {"reason": "edited"} if choice == "edited" else None
            self.give(name, ResolveConflict(id=conflict, expected=1, choice=choice, arguments=arguments))

    @rule(name=some.sampled_from(MACHINES), back=some.integers(1, 3))
    def repeat(self, name: str, back: int) -> None:
        """The same command once more, as after a lost answer: it is recorded once all the same."""
        given = self.order[name][-back:]
        if not given:
            return
        found = self.machines[name].outbox.find(given[0])
        if found is not None and found[0].kind == "queued":
            recorded = self.machines[name].store.find_command(given[0])
            assert recorded is not None

    @invariant()
    def everybody_sees_their_own(self) -> None:
        for machine in self.machines.values():
            for line in machine.outbox.unsettled():
                assert machine.store.find_command(line.command_id) is not None

    def everybody_meets(self) -> None:
        self.away = set()
        for machine in self.machines.values():
            machine.drain()
        for machine in self.machines.values():
            machine.follow()
        log = list(self.database.store.read_all())
        check_laws(self.database, list(self.machines.values()), set(self.committed), set(self.queued))
        for command, positions in self.committed.items():
            assert tuple(event.position for event in log if event.command_id == command) == positions
        assert not self.refused & {event.command_id for event in log}
        self.check_order(log)
        for command in self.queued:
            if ends(log, command) == "recorded":
                self.check_nothing_was_overwritten_unseen(log, command)
            else:
                self.check_it_is_kept(log, command)

    def check_order(self, log: list[RecordedEvent]) -> None:
        """I5: a machine's commands on a stream stand in the order in which it gave them, but for conflicts."""
        for given in self.order.values():
            place = {command: number for number, command in enumerate(given)}
            streams: dict[str, list[int]] = {}
            for event in log:
                if event.command_id in place and category_of(event.stream_id) != "conflict":
                    streams.setdefault(event.stream_id, []).append(place[event.command_id])
            assert all(order == sorted(order) for order in streams.values())

    def check_nothing_was_overwritten_unseen(self, log: list[RecordedEvent], command: UUID) -> None:
        """I7: what a recorded command replaced is what its writer saw there, or what it put there itself."""
        for stream, remember_position in self.seen[command].items():
            past = [event for event in log if event.stream_id == stream]
            own = [number for number, event in enumerate(past) if event.command_id == command]
            if not own:
                continue
            states = states_of(stream, past)
            before, after = flatten(states[own[0]]), flatten(states[own[-1] + 1])
            for path in differing(before, after) & remember_position.keys():
                assert same(before.get(path, UNSET), remember_position[path]), (stream, path)

    def check_it_is_kept(self, log: list[RecordedEvent], command: UUID) -> None:
        [event] = [event for event in log if event.command_id == command]
        fact = fact_of(event)
        if isinstance(fact, ConflictFound):
            assert fact.command == event.command
            assert fact.arguments

    def entity_id(self, category: str, place: int) -> str:
        ids = self.ids[category]
        return ids[place % len(ids)] if ids else numbered(10_000)

    def version(self, name: str, category: str, entity_id: str) -> Version:
        stream = stream_id(category, entity_id)
        store = self.database.store if self.is_live(name) else self.machines[name].store
        return newest(store.read_streams([stream]).events.get(stream, []))

    def is_live(self, name: str) -> bool:
        return name not in self.away and self.machines[name].outbox.waiting == 0

    def give(self, name: str, command: Command) -> bool:
        """Whether it was accepted: recorded or queued."""
        self.number += 1
        given = numbered_command(self.number)
        before = self.states(name)
        try:
            recorded = self.executed(name, command, given)
        except LedgerError:
            self.refused.add(given)
            return False
        if recorded.place is not None:
            self.queued[given] = name
            self.seen[given] = self.what_was_seen(name, given, before)
        elif recorded.positions:
            self.committed[given] = recorded.positions
        else:
            return False
        self.order[name].append(given)
        return True

    def executed(self, name: str, command: Command, given: UUID) -> Recorded:
        submission = Submission(
            command=command, command_id=given, by=name, occurred_at=self.clock(), token=f"token-of-{name}"
        )
        if self.is_live(name):
            return self.database.handler.execute(submission)
        return self.machines[name].handler.execute(submission)

    def states(self, name: str) -> dict[str, Any]:
        if self.is_live(name):
            return {}
        streams = [stream_id(category, entity_id) for category, ids in self.ids.items() for entity_id in ids]
        past = self.machines[name].store.read_streams(streams).events
        return {stream: flatten(states_of(stream, events)[-1]) for stream, events in past.items()}

    def what_was_seen(self, name: str, given: UUID, before: dict[str, Any]) -> dict[str, dict[str, Any]]:
        found = self.machines[name].outbox.find(given)
        assert found is not None
        streams = found[0].streams
        past = self.machines[name].store.read_streams(streams).events
        seen: dict[str, dict[str, Any]] = {}
        for stream in streams:
            if stream in before:
                after = flatten(states_of(stream, past[stream])[-1])
                changed = differing(before[stream], after)
                seen[stream] = {path: before[stream].get(path, UNSET) for path in changed}
        return seen


def limits(most: int, steps: int) -> settings:
    return examples(most, stateful_step_count=steps, suppress_health_check=list(HealthCheck))


def test_two_machines_and_a_database_in_memory_keep_the_invariants() -> None:
    run_state_machine_as_test(Offline, settings=limits(40, 40))  # type: ignore[no-untyped-call]


def test_two_machines_and_postgresql_keep_the_invariants(dsn: str) -> None:
    database = Database(dsn)

    class OnPostgres(Offline):
        @contextmanager
        def opened(self) -> Iterator[Ledger]:
            yield on_postgres(database, uuid4())

    run_state_machine_as_test(OnPostgres, settings=limits(10, 25))  # type: ignore[no-untyped-call]
    database.close()
