"""Bringing what waits to the database: the verdicts by example. See ledger.offline.delivery.drain."""

import hashlib
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
from msgspec.structs import asdict

from ledger import codec, command_codec
from ledger.aggregates.configuration.commands import ChangeConfiguration
from ledger.aggregates.conflict.commands import ResolveConflict
from ledger.aggregates.conflict.decider import conflict_id, conflict_stream
from ledger.aggregates.conflict.events import ConflictFound, ConflictResolved
from ledger.aggregates.decider import Undo
from ledger.aggregates.vendor.commands import CreateVendor
from ledger.aggregates.work_item.commands import (
    ChangeWorkItems,
    ClaimWorkItem,
    CreateWorkItem,
    LinkWorkItems,
    ReleaseClaim,
    UpdateWorkItem,
)
from ledger.aggregates.work_item.state import WorkItem
from ledger.annotation.commands import AddAttachment, RemoveAttachment
from ledger.catalog import fact_of
from ledger.envelope import Command, Fact, Proposal, Recorded, Submission, configuration_id, stream_id
from ledger.errors import NewerProgramNeeded, OutcomeUnknown, Refused, Unavailable, VersionConflict
from ledger.handler import Decide, rule_of
from ledger.offline.delivery import drain as draining
from ledger.offline.delivery import verdicts
from ledger.offline.live import LiveHandler
from ledger.offline.queue.queued_line import bare
from ledger.pending import token
from ledger.postgres.connection.database import Database
from ledger.store import EventStore, Primary
from projections.questions.world_questions import TableNeighbourhood
from projections.read_models.fold import propose
from tests.support.given import FIRST_DAY, numbered
from tests.support.ledgers import Ledger, in_memory, numbered_command, on_postgres
from tests.support.machines import Machine, check_laws, ends

ITEM, OTHER, CHILD = numbered(1), numbered(2), numbered(3)
STREAM = stream_id("work_item", ITEM)


@pytest.fixture(params=["memory", pytest.param("postgres", marks=pytest.mark.processes)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    if request.param == "postgres":
        connections = Database(request.getfixturevalue("dsn"))
        yield on_postgres(connections, uuid4())
        connections.close()
        return
    with in_memory(tmp_path / "rows.sqlite3", uuid4()) as ledger:
        yield ledger


class Play:
    """Two machines and their database, and what was answered to whom."""

    def __init__(self, database: Ledger, folder: Path) -> None:
        self.database = database
        self.here, self.there = Machine(folder / "here", database), Machine(folder / "there", database)
        self.committed: set[UUID] = set()
        self.queued: set[UUID] = set()
        self._number = 0

    def live(self, command: Command) -> UUID:
        """It is given to the database."""
        self._number += 1
        self.database.execute(self._number, command, by="stranger")
        self.committed.add(numbered_command(self._number))
        return numbered_command(self._number)

    def queue(self, command: Command, machine: Machine | None = None) -> UUID:
        """It is given to a machine without a database."""
        self._number += 1
        given = numbered_command(self._number)
        recorded = (machine or self.here).queue(command, given, by="traveller")
        assert recorded.place is not None
        self.queued.add(given)
        return given

    def silent(self) -> LiveHandler:
        """What decides on the database, and never hears of what it sent there."""

        class Silent:
            in_transaction = False

            def __init__(self, store: EventStore) -> None:
                self.ledger, self.read_streams, self.find_command = store.ledger, store.read_streams, store.find_command

            def append(self, proposal: Proposal) -> Recorded:
                raise OutcomeUnknown("no answer")

        store = cast(Primary, Silent(self.database.store))
        return LiveHandler(store, TableNeighbourhood(self.database.tables), propose, lambda: None, self.here.sent)

    def known(self, *commands: Command) -> None:
        """What all machines know already."""
        for command in commands:
            self.live(command)
        self.here.follow()
        self.there.follow()

    def meet(self) -> None:
        """Both machines drain and follow, and all laws hold."""
        for machine in (self.here, self.there):
            machine.drain()
        for machine in (self.here, self.there):
            machine.follow()
        check_laws(self.database, [self.here, self.there], self.committed, self.queued)

    def facts(self, command: UUID) -> list[Fact]:
        return [fact_of(event) for event in self.database.store.read_all() if event.command_id == command]

    def end_of(self, command: UUID) -> str:
        return ends(list(self.database.store.read_all()), command)

    def resolve(self, command: UUID, choice: str, **more: object) -> Recorded:
        self._number += 1
        self.committed.add(numbered_command(self._number))
        resolving = ResolveConflict(id=conflict_id(command), expected=1, choice=choice, **more)  # type: ignore[arg-type]
        return self.database.execute(self._number, resolving, by="judge")

    def item(self, entity_id: str = ITEM) -> dict[str, object]:
        rows = self.here.rows()
        version, _, state = rows[f"work_item-{entity_id}"]  # type: ignore[misc]
        return {"version": version, **asdict(WorkItem()), **state}  # type: ignore[dict-item]  # defaults are left out


@pytest.fixture
def play(database: Ledger, tmp_path: Path) -> Iterator[Play]:
    play = Play(database, tmp_path)
    yield play
    play.here.close()
    play.there.close()


def create(entity_id: str = ITEM, title: str = "One", **more: object) -> CreateWorkItem:
    return CreateWorkItem(id=entity_id, item_type="task", title=title, **more)  # type: ignore[arg-type]


def change(expected: int | str = 1, entity_id: str = ITEM, **fields: object) -> UpdateWorkItem:
    return UpdateWorkItem(id=entity_id, expected=expected, fields=fields)


def test_a_queued_write_is_seen_at_once_and_recorded_as_it_was_meant(play: Play) -> None:
    given = play.queue(create(title="From the train"))

    seen = play.item()
    play.meet()

    assert (seen["title"], seen["version"]) == ("From the train", token(given, 0))
    assert play.end_of(given) == "recorded"
    assert (play.item()["title"], play.item()["version"]) == ("From the train", 1)


def test_changes_of_one_entity_build_on_one_another_by_their_tokens(play: Play) -> None:
    first = play.queue(create())
    second = play.queue(change(token(first, 0), title="Two"))
    third = play.queue(change(token(second, 0), notes="three"))

    play.meet()

    assert [play.end_of(one) for one in (first, second, third)] == ["recorded"] * 3
    assert (play.item()["title"], play.item()["notes"], play.item()["version"]) == ("Two", "three", 3)


def test_a_bare_number_is_never_the_version_of_what_waits(play: Play) -> None:
    first = play.queue(create())

    with pytest.raises(VersionConflict) as refused:
        play.queue(change(1, title="Two"))

    assert refused.value.details["actual"] == token(first, 0)


def test_changes_of_other_fields_are_rebased_and_marked_with_the_version_they_were_decided_on(play: Play) -> None:
    play.known(create())
    mine = play.queue(change(title="Mine"))
    play.live(change(notes="theirs"))

    play.meet()

    assert play.end_of(mine) == "recorded"
    assert [fact.rebased_from for fact in play.facts(mine)] == [1]
    assert (play.item()["title"], play.item()["notes"], play.item()["version"]) == ("Mine", "theirs", 3)


def test_changes_of_one_field_meet_and_become_a_conflict_that_holds_both_values(play: Play) -> None:
    play.known(create())
    mine = play.queue(change(title="Mine"))
    play.live(change(title="Theirs"))

    play.meet()

    [found] = play.facts(mine)
    assert isinstance(found, ConflictFound)
    [met] = found.met
    assert (met.field, met.base, met.mine, met.now, met.by) == ("title", "One", "Mine", "Theirs", "stranger")
    assert found.arguments["fields"] == {"title": "Mine"}
    assert play.item()["title"] == "Theirs"


def test_the_same_change_by_both_is_fulfilled_and_no_conflict(play: Play) -> None:
    play.known(create())
    mine = play.queue(change(title="Same"))
    play.live(change(title="Same"))

    play.meet()

    assert [type(fact).__name__ for fact in play.facts(mine)] == ["CommandFulfilled"]


def test_what_builds_on_a_conflict_becomes_one_that_names_it(play: Play) -> None:
    play.known(create())
    first = play.queue(change(title="Mine"))
    second = play.queue(change(token(first, 0), notes="more"))
    play.live(change(title="Theirs"))

    play.meet()

    [found] = play.facts(second)
    assert isinstance(found, ConflictFound)
    assert found.waits_for == (conflict_id(first),)


def test_a_child_of_something_that_could_not_be_created_waits_for_it(play: Play) -> None:
    play.known(create(OTHER))
    parent = play.queue(create(parent_id=OTHER))
    child = play.queue(create(CHILD, parent_id=ITEM))
    link = play.queue(LinkWorkItems(id=OTHER, kind="relates_to", to_id=CHILD))
    free = play.queue(create(numbered(9)))
    play.live(UpdateWorkItem(id=OTHER, expected=1, deleted=True))

    play.meet()

    assert [play.end_of(one) for one in (parent, child, link, free)] == ["conflict"] * 3 + ["recorded"]
    [found] = play.facts(child)
    assert isinstance(found, ConflictFound)
    assert conflict_id(parent) in found.waits_for


def test_a_name_that_was_taken_meanwhile_is_a_conflict(play: Play) -> None:
    mine = play.queue(CreateVendor(id=ITEM, name="Acme"))
    play.live(CreateVendor(id=OTHER, name="ACME"))

    play.meet()

    [found] = play.facts(mine)
    assert isinstance(found, ConflictFound)
    assert found.refusal is not None
    assert found.refusal["code"] == "not_unique"


def test_a_rule_that_others_made_bind_is_a_conflict_that_names_it(play: Play) -> None:
    play.known(create(), create(OTHER))
    mine = play.queue(UpdateWorkItem(id=ITEM, expected=1, status="completed"))
    play.live(create(CHILD, parent_id=ITEM))

    play.meet()

    [found] = play.facts(mine)
    assert isinstance(found, ConflictFound)
    assert found.refusal is not None
    assert found.refusal["details"]["rule"] == "unfinished"


def test_a_clock_that_is_set_back_while_away_turns_nothing_round(play: Play) -> None:
    play.known(create())
    first = play.queue(change(title="First"))
    today = play.here.clock()
    play.here.clock = lambda: today - timedelta(days=400)
    second = play.queue(change(token(first, 0), title="Second"))

    play.meet()

    log = list(play.database.store.read_all())
    assert [event.command_id for event in log[-2:]] == [first, second]
    assert log[-1].occurred_at < log[-2].occurred_at
    assert log[-1].recorded_at >= log[-2].recorded_at
    assert play.item()["title"] == "Second"


def test_links_of_two_machines_do_not_meet(play: Play) -> None:
    play.known(create(), create(OTHER), create(CHILD))
    mine = play.queue(LinkWorkItems(id=ITEM, kind="relates_to", to_id=OTHER))
    play.live(LinkWorkItems(id=ITEM, kind="relates_to", to_id=CHILD))

    play.meet()

    assert play.end_of(mine) == "recorded"


def test_a_late_original_finds_itself_recorded_and_writes_nothing(play: Play) -> None:
    play.known(create())
    original = change(title="Sent")
    given = play.queue(original)
    play.live(change(title="Theirs"))
    play.meet()

    number = len(play.committed | play.queued)
    assert numbered_command(number - 1) in play.queued
    recorded = play.database.execute(number - 1, original, by="traveller")

    assert recorded.repeated
    assert list(recorded.streams) == [conflict_stream(given)]


def test_a_command_that_began_to_wait_after_newer_ones_still_meets_the_links_that_others_made_before_those(
    play: Play,
) -> None:
    """It was sent, others closed a cycle around it, something newer was queued, and then its answer was given up."""
    fourth = numbered(4)
    play.known(create(), create(OTHER), create(CHILD), create(fourth))
    play.known(LinkWorkItems(id=ITEM, kind="blocks", to_id=OTHER))
    link = LinkWorkItems(id=CHILD, kind="blocks", to_id=ITEM)
    sent = Submission(command=link, command_id=numbered_command(500), by="traveller", occurred_at=FIRST_DAY)
    with pytest.raises(OutcomeUnknown):
        play.silent().execute(sent)
    play.live(LinkWorkItems(id=OTHER, kind="blocks", to_id=CHILD))
    play.here.follow()
    play.queue(change(1, fourth, notes="newer"))
    play.here.handler.execute(sent)
    play.queued.add(sent.command_id)

    play.meet()

    [conflict] = play.facts(sent.command_id)
    assert isinstance(conflict, ConflictFound)
    assert conflict.refusal is not None
    assert conflict.refusal["details"]["rule"] == "dependency_cycle"


@pytest.fixture
def locks(play: Play, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """In their order: each lock that a drain takes, and each time it reads or records within one or before it."""
    store, seen, inside = play.database.store, list[str](), list[bool]()
    exclusively = store.exclusively

    @contextmanager
    def locked(lock_timeout: float | None = None) -> Iterator[None]:
        seen.append("lock")
        inside.append(True)
        with exclusively(lock_timeout):
            yield
        inside.pop()

    def noted(name: str) -> Callable[..., Any]:
        real = getattr(store, name)

        def call(*given: Any) -> Any:
            seen.append(f"{name} inside" if inside else name)
            return real(*given)

        return call

    monkeypatch.setattr(store, "exclusively", locked)
    for name in ("read_streams", "append_group", "append_in_order"):
        monkeypatch.setattr(store, name, noted(name))
    monkeypatch.setattr(draining, "TURN_SECONDS", math.inf)
    return seen


def test_what_stands_is_decided_before_the_lock_and_recorded_in_one_round_trip(play: Play, locks: list[str]) -> None:
    given = [play.queue(create(numbered(number))) for number in range(1, 6)]

    play.here.drain()

    assert locks == ["read_streams", "append_in_order"]
    assert {play.end_of(one) for one in given} == {"recorded"}


def test_what_others_changed_is_settled_with_one_lock_whatever_becomes_of_each(play: Play, locks: list[str]) -> None:
    play.known(*(create(numbered(number)) for number in range(1, 5)))
    rebased = play.queue(change(title="Mine"))
    conflict = play.queue(change(entity_id=OTHER, title="Mine"))
    waits = play.queue(change(token(conflict, 0), OTHER, notes="more"))
    same = play.queue(change(entity_id=CHILD, title="Same"))
    free = play.queue(create(numbered(9)))
    play.live(change(notes="theirs"))
    play.live(change(entity_id=OTHER, title="Theirs"))
    play.live(change(entity_id=CHILD, title="Same"))
    locks.clear()

    play.here.drain()

    assert locks.count("lock") == 1
    ends = [play.end_of(one) for one in (rebased, conflict, waits, same, free)]
    assert ends == ["recorded", "conflict", "conflict", "conflict", "recorded"]
    assert [type(fact).__name__ for fact in play.facts(same)] == ["CommandFulfilled"]
    play.meet()


def test_what_moves_on_between_the_decision_and_the_lock_is_decided_again(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    play.known(create(), create(OTHER))
    mine, other = play.queue(change(title="Mine")), play.queue(change(entity_id=OTHER, title="Mine"))
    _meet_while_another_changes(play, monkeypatch)

    assert [fact.rebased_from for fact in (*play.facts(mine), *play.facts(other))] == [1, None]
    assert (play.item()["title"], play.item()["notes"]) == ("Mine", "theirs")


def test_what_stands_behind_one_that_moved_on_keeps_its_place_in_the_log(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    play.known(create(), create(OTHER), create(CHILD))
    given = [play.queue(change(entity_id=one, title="Mine")) for one in (OTHER, ITEM, CHILD)]
    _meet_while_another_changes(play, monkeypatch)

    log = [event.command_id for event in play.database.store.read_all()]
    assert [command for command in log if command in given] == given


def test_a_name_that_was_taken_meanwhile_takes_nothing_from_what_is_settled_with_it(play: Play) -> None:
    play.known(create(), create(OTHER))
    before = play.queue(change(title="Mine"))
    taken = play.queue(CreateVendor(id=numbered(7), name="Acme"))
    after = play.queue(change(entity_id=OTHER, title="Mine"))
    play.live(CreateVendor(id=numbered(8), name="Acme"))
    play.live(change(notes="theirs"))
    play.live(change(entity_id=OTHER, notes="theirs"))

    play.meet()

    assert [play.end_of(one) for one in (before, taken, after)] == ["recorded", "conflict", "recorded"]


def test_what_others_record_after_a_turn_that_was_rolled_back_is_looked_at(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    fourth = numbered(4)
    play.known(create(), create(OTHER), create(CHILD), create(fourth))
    play.known(LinkWorkItems(id=OTHER, kind="blocks", to_id=CHILD))
    play.queue(change(title="Mine"))
    play.queue(CreateVendor(id=numbered(7), name="Acme"))
    link = play.queue(LinkWorkItems(id=fourth, kind="blocks", to_id=OTHER))
    play.live(CreateVendor(id=numbered(8), name="Acme"))
    play.live(change(notes="theirs"))
    store, turns = play.database.store, list[int]()
    exclusively = store.exclusively

    def locked(lock_timeout: float | None = None) -> AbstractContextManager[None]:
        turns.append(len(turns))
        if len(turns) == 2:  # in the place of what the first turn recorded, and lost to the name that is taken
            play.live(LinkWorkItems(id=CHILD, kind="blocks", to_id=fourth))
        return exclusively(lock_timeout)

    monkeypatch.setattr(store, "exclusively", locked)
    play.here.drain()

    assert play.end_of(link) == "conflict"


def test_a_command_at_which_the_program_fails_holds_up_none_before_it(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    play.known(create(), create(OTHER))
    before, failing = play.queue(change(title="Mine")), play.queue(change(entity_id=OTHER, title="Fails"))
    play.live(change(notes="theirs"))
    play.live(change(entity_id=OTHER, notes="theirs"))

    def failing_rule(command: Command) -> Decide:
        if isinstance(command, UpdateWorkItem) and command.id == OTHER:
            raise ZeroDivisionError
        return rule_of(command)

    monkeypatch.setattr(verdicts, "rule_of", failing_rule)
    with pytest.raises(ZeroDivisionError):
        play.here.drain()

    assert [play.end_of(one) for one in (before, failing)] == ["recorded", "nowhere"]
    assert [line.command_id for line in play.here.outbox.unsettled()] == [failing]


def test_a_bulk_is_rebased_as_a_whole(play: Play) -> None:
    play.known(create(), create(OTHER))
    both = ChangeWorkItems(changes=(change(title="Mine"), change(2, title="Mine too"), change(1, OTHER, notes="mine")))
    mine = play.queue(both)
    play.live(change(notes="theirs"))

    play.meet()

    assert play.end_of(mine) == "recorded"
    assert (play.item()["title"], play.item()["notes"]) == ("Mine too", "theirs")


def test_attachments_of_two_machines_do_not_meet(play: Play) -> None:
    def attach(url: str, name: str | None = None) -> AddAttachment:
        return AddAttachment(category="work_item", id=ITEM, url=url, kind="document", name=name)

    play.known(create(), attach("docs/a.md"))
    given = [
        play.queue(attach("docs/b.md")),
        play.queue(attach("docs/a.md", "from here")),
        play.queue(RemoveAttachment(category="work_item", id=ITEM, url="docs/b.md")),
        play.queue(attach("docs/c.md")),
        play.queue(attach("docs/a.md", "from there"), play.there),
    ]
    play.live(change(title="Two"))

    seen = play.item()["attachments"]
    play.meet()

    assert sorted(seen) == ["docs/a.md", "docs/c.md"]  # type: ignore[call-overload]  # a mapping by URL
    assert [play.end_of(one) for one in given] == ["recorded"] * 5
    ended: dict[str, dict[str, str]] = play.item()["attachments"]  # type: ignore[assignment]
    assert sorted(ended) == ["docs/a.md", "docs/c.md"]
    assert (ended["docs/a.md"]["name"], play.item()["title"]) == ("from there", "Two")


def test_an_undo_waits_and_works_like_any_command(play: Play) -> None:
    play.known(create())
    mine = play.queue(change(title="Mine"))
    undone = play.queue(Undo(undone=str(mine), streams=(STREAM,)))

    assert play.item()["title"] == "One"
    play.meet()

    assert [play.end_of(one) for one in (mine, undone)] == ["recorded", "recorded"]
    assert play.item()["title"] == "One"


def test_what_was_recorded_after_a_sync_can_be_undone(play: Play) -> None:
    play.known(create())
    mine = play.queue(change(title="Mine"))
    play.live(change(notes="theirs"))
    play.meet()

    play.live(Undo(undone=str(mine), streams=(STREAM,)))
    play.here.follow()

    assert (play.item()["title"], play.item()["notes"]) == ("One", "theirs")


def test_a_claim_is_refused_while_the_database_is_away(play: Play) -> None:
    play.known(create())

    with pytest.raises(Unavailable):
        play.queue(ClaimWorkItem(id=ITEM, token="secret-token"))

    assert play.here.outbox.waiting == 0


def test_a_token_of_a_conflicted_change_says_which_conflict_it_became(play: Play) -> None:
    play.known(create())
    mine = play.queue(change(title="Mine"))
    play.live(change(title="Theirs"))
    play.meet()

    with pytest.raises(VersionConflict) as refused:
        play.live(change(token(mine, 0), notes="more"))

    assert refused.value.details["conflict"].startswith("x-")


def test_a_token_goes_on_meaning_the_state_after_its_change(play: Play) -> None:
    play.known(create())
    mine = play.queue(change(title="Mine"))
    play.live(change(notes="theirs"))
    play.meet()

    play.live(change(token(mine, 0), title="Later"))
    play.here.follow()

    assert play.item()["title"] == "Later"


def conflicted(play: Play) -> UUID:
    play.known(create())
    mine = play.queue(change(title="Mine", notes="mine too"))
    play.live(change(title="Theirs"))
    play.meet()
    return mine


def test_resolved_as_mine_the_commands_fields_win(play: Play) -> None:
    mine = conflicted(play)

    play.resolve(mine, "mine")
    play.meet()

    assert (play.item()["title"], play.item()["notes"]) == ("Mine", "mine too")


def test_resolved_as_theirs_nothing_changes_and_the_decision_is_recorded(play: Play) -> None:
    mine = conflicted(play)

    play.resolve(mine, "theirs")
    play.meet()

    assert (play.item()["title"], play.item()["notes"]) == ("Theirs", None)
    facts = [fact_of(event) for event in play.database.store.read_all() if event.stream_id == conflict_stream(mine)]
    assert facts[1:] == [ConflictResolved(choice="theirs")]


def test_resolved_as_edited_another_command_is_carried_out(play: Play) -> None:
    mine = conflicted(play)

    play.resolve(mine, "edited", arguments={"title": "Both"})
    play.meet()

    assert (play.item()["title"], play.item()["notes"]) == ("Both", "mine too")


def test_a_conflict_is_resolved_once(play: Play) -> None:
    mine = conflicted(play)
    play.resolve(mine, "theirs")

    with pytest.raises((VersionConflict, Refused)):
        play.resolve(mine, "mine")


def test_what_waits_for_a_conflict_cannot_be_resolved_before_it(play: Play) -> None:
    play.known(create())
    first = play.queue(change(title="Mine"))
    second = play.queue(change(token(first, 0), notes="more"))
    play.live(change(title="Theirs"))
    play.meet()

    with pytest.raises(Refused) as refused:
        play.resolve(second, "mine")

    assert refused.value.details["rule"] == "waits_for"


def damage(machine: Machine, words: bytes) -> None:
    """One of its lines is not what was written."""
    text = machine.outbox.file.read_bytes()
    assert words in text
    machine.outbox.file.write_bytes(text.replace(words, words.swapcase()))


def test_behind_a_damaged_line_only_what_touches_the_same_entities_is_held(play: Play) -> None:
    first = play.queue(create(title="Broken"))
    second = play.queue(change(token(first, 0), notes="more"))
    free = play.queue(create(OTHER))
    damage(play.here, b"Broken")

    drained = play.here.drain()

    assert (drained.settled, drained.held, drained.waiting) == (1, 1, 1)
    assert [play.end_of(one) for one in (first, second, free)] == ["nowhere", "nowhere", "recorded"]


def test_what_was_decided_by_a_change_of_the_configuration_in_a_damaged_line_is_held(play: Play) -> None:
    own = configuration_id(play.database.store.ledger)
    changed = play.queue(ChangeConfiguration(id=own, expected=0, fields={"git_branch": "Trunk"}))
    created = play.queue(create())
    damage(play.here, b"Trunk")

    drained = play.here.drain()

    assert (drained.settled, drained.held, drained.waiting) == (0, 1, 1)
    assert [play.end_of(one) for one in (changed, created)] == ["nowhere", "nowhere"]


def test_what_was_held_goes_on_when_the_damaged_line_is_set_aside(play: Play) -> None:
    first = play.queue(create(title="Broken"))
    second = play.queue(change(token(first, 0), notes="more"))
    damage(play.here, b"Broken")
    play.here.drain()

    play.here.outbox.set_aside()
    play.queued.remove(first)
    play.meet()

    [found] = play.facts(second)
    assert isinstance(found, ConflictFound)
    assert found.arguments["fields"] == {"notes": "more"}


def test_a_command_of_a_newer_program_stops_the_drain_and_nothing_is_lost(play: Play) -> None:
    play.queue(create())
    text = play.here.outbox.file.read_bytes()
    head, line = text.splitlines(keepends=True)
    body = line[: line.index(b',"sha256"')].replace(b'"CreateWorkItem"', b'"CreateMoonItem"')
    proof = b',"sha256":"' + hashlib.sha256(body).hexdigest().encode() + b'"}\n'
    play.here.outbox.file.write_bytes(head + body + proof)

    with pytest.raises(NewerProgramNeeded):
        play.here.drain()

    assert play.here.outbox.waiting == 1
    assert list(play.database.store.read_all()) == []


@pytest.mark.parametrize("also_by_others", [False, True])
def test_an_event_of_a_newer_schema_is_not_recorded_as_another(play: Play, also_by_others: bool) -> None:
    play.known(create())
    with pytest.MonkeyPatch.context() as newer:
        newer.setitem(codec.UPCASTS, ("WorkItemRevised", 1), lambda data: data)
        codec.schema_of.cache_clear()
        play.queue(change(title="Mine"))
    codec.schema_of.cache_clear()
    if also_by_others:
        play.live(change(title="Theirs"))
    before = list(play.database.store.read_all())

    with pytest.raises(NewerProgramNeeded):
        play.here.drain()

    assert play.here.outbox.waiting == 1
    assert list(play.database.store.read_all()) == before


def test_a_command_that_waits_is_read_in_the_schema_that_it_was_written_in(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = {"title": "as an older program wrote it"}
    monkeypatch.setitem(command_codec.UPCASTS, ("UpdateWorkItem", 1), lambda data: {**data, "fields": older})
    play.known(create())
    play.queue(change(title="Mine"))
    play.live(change(notes="theirs"))

    play.meet()

    assert play.item()["title"] == "Mine"


def test_a_lost_claim_is_withdrawn_so_that_its_late_original_writes_nothing(play: Play) -> None:
    play.known(create())
    claim = ClaimWorkItem(id=ITEM, token="secret-token")
    given = numbered_command(500)
    here = play.here
    submission = Submission(command=claim, command_id=given, by="traveller", occurred_at=FIRST_DAY)
    here.sent.send(bare(submission))

    with pytest.raises(OutcomeUnknown):
        here.handler.execute(submission)
    play.queued.add(given)
    play.meet()
    late = play.database.handler.execute(submission)

    assert late.repeated
    assert [type(fact).__name__ for fact in play.facts(given)] == ["CommandWithdrawn"]
    assert play.item()["claim"] is None
    assert b"secret-token" not in b"".join(event.data for event in play.database.store.read_all())


def test_a_claim_that_did_arrive_is_found_by_its_withdrawal(play: Play) -> None:
    play.known(create())
    claim = ClaimWorkItem(id=ITEM, token="secret-token")
    given = play.live(claim)
    here = play.here
    submission = Submission(command=claim, command_id=given, by="stranger", occurred_at=FIRST_DAY)
    here.sent.send(bare(submission))

    with pytest.raises(OutcomeUnknown):
        here.handler.execute(submission)
    play.meet()

    assert [type(fact).__name__ for fact in play.facts(given)] == ["WorkItemClaimed"]


def test_a_ledger_that_never_met_a_database_takes_claims_and_brings_them_along(
    database: Ledger, tmp_path: Path
) -> None:
    machine = Machine(tmp_path / "alone", database, claims_here=True)
    machine.queue(create(), numbered_command(1))
    machine.queue(ClaimWorkItem(id=ITEM, token="secret-token"), numbered_command(2))

    with pytest.raises(Refused):
        machine.queue(ClaimWorkItem(id=ITEM, token="another-token"), numbered_command(3))
    machine.drain()

    assert [event.type for event in database.store.read_all()] == ["WorkItemCreated", "WorkItemClaimed"]
    machine.close()


def test_two_machines_that_began_the_same_ledger_alone_meet_in_it(play: Play) -> None:
    play.queue(create(), play.here)
    play.queue(create(OTHER, "Two"), play.there)
    play.queue(CreateVendor(id=CHILD, name="Acme"), play.here)
    clash = play.queue(CreateVendor(id=numbered(9), name="acme"), play.there)

    play.meet()

    assert play.end_of(clash) == "conflict"
    assert play.here.rows() == play.there.rows()


def test_a_conflicts_own_command_keeps_no_secret(play: Play) -> None:
    play.known(create())
    play.live(ClaimWorkItem(id=ITEM, token="secret-token"))
    play.here.follow()
    given = play.queue(ReleaseClaim(id=ITEM, token="secret-token"))
    play.live(UpdateWorkItem(id=ITEM, expected=2, deleted=True, force=True, reason="given up"))

    play.meet()

    assert play.end_of(given) in ("conflict", "recorded")
    assert b"secret-token" not in b"".join(event.data for event in play.database.store.read_all())


def _meet_while_another_changes(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the decision on the first portion and the lock for it."""
    store, late = play.database.store, [change(notes="theirs")]
    append_in_order = store.append_in_order

    def recorded(proposals: Sequence[Proposal], lock_timeout: float) -> list[Recorded]:
        while late:
            play.live(late.pop())
        return append_in_order(proposals, lock_timeout)

    monkeypatch.setattr(store, "append_in_order", recorded)
    play.meet()
