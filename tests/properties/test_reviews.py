"""No sequence of calls with a writer's token completes an item whose type needs a review, whatever way it takes."""

import shutil
import tempfile
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from hypothesis import HealthCheck
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from ledger.aggregates.configuration.commands import ChangeConfiguration
from ledger.aggregates.conflict.commands import ResolveConflict
from ledger.aggregates.decider import Undo
from ledger.aggregates.work_item.commands import (
    AnswerQuestion,
    ArchiveWorkItems,
    AskQuestion,
    Attribution,
    ChangeWorkItems,
    ClaimWorkItem,
    CreateWorkItem,
    ImportedItem,
    UpdateWorkItem,
    WithdrawQuestion,
)
from ledger.annotation.commands import AddComment
from ledger.catalog import states_of
from ledger.envelope import Command, Scope, Submission, category_of, configuration_id, id_of, stream_id
from ledger.errors import LedgerError
from ledger.importing.commands import Import
from ledger.pending import newest
from tests.properties.test_offline import Clock
from tests.support.examples import examples
from tests.support.given import numbered
from tests.support.ledgers import in_memory, numbered_command
from tests.support.machines import Machine

ITEMS = 4
WRITER, TOKEN = "bot", "token-of-the-bot"

places = some.integers(0, 2 * ITEMS - 1)
statuses = some.sampled_from(["completed", "completed", "shipped", "active", "blocked", "dropped", "in_review"])
whoms = some.sampled_from(["lead", WRITER, "ann"])


class Writer(RuleBasedStateMachine):
    """An administrator has set it up, and completed and reopened one item; from then on only the writer acts."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="reviews-"))
        self.clock = Clock()
        self._opened = in_memory(self.folder / "rows.sqlite3", uuid4(), self.clock)
        self.database = self._opened.__enter__()
        self.machine = Machine(self.folder / "machine", self.database, self.clock)
        self.number = 0
        self.given: list[UUID] = []
        self.own: set[UUID] = set()
        self.is_away = False
        self.items = [numbered(number) for number in range(ITEMS)]  # the last two come by an import, if at all

    def teardown(self) -> None:
        try:
            self.machine.drain()
            self.nothing_was_completed()
        finally:
            self.machine.close()
            self._opened.__exit__(None, None, None)
            shutil.rmtree(self.folder, ignore_errors=True)

    @initialize(has_a_state=some.booleans())
    def an_administrator_sets_it_up(self, has_a_state: bool) -> None:
        """With a state of its own for what is in review, or without."""
        in_review = [{"name": "in_review", "category": "review"}] if has_a_state else []
        wanted = {
            "review_types": ["task"],
            "reviewer": "lead",
            "roles": {"lead": ["ann", WRITER]},  # it may review what others have asked for, never its own
            "states": [{"name": "shipped", "category": "done"}, *in_review],
        }
        ledger = configuration_id(self.database.store.ledger)
        self.give(ChangeConfiguration(id=ledger, expected=0, fields=wanted), scope="admin", by="ann")
        for number in range(2):
            self.give(CreateWorkItem(id=numbered(number), item_type="task", title="T"), scope="admin", by="ann")
        first = numbered(0)
        self.give(UpdateWorkItem(id=first, expected=1, status="completed"), scope="admin", by="ann")
        self.give(AnswerQuestion(id=first, verdict="approve"), scope="admin", by="ann")
        self.machine.follow()

    @rule(parent=some.none() | places)
    def create(self, parent: int | None) -> None:
        """Under an id that no other way knows, as ids are made."""
        above = None if parent is None else self.item(parent)
        fresh = numbered(1000 + self.number)
        self.give(CreateWorkItem(id=fresh, item_type="task", title="T", parent_id=above))
        self.items.append(fresh)

    @rule(place=places, status=statuses, force=some.booleans(), title=some.sampled_from("ab"))
    def update(self, place: int, status: str, force: bool, title: str) -> None:
        self.give(self.changing(place, status, force=force, title=title))

    @rule(several=some.lists(some.tuples(places, statuses), min_size=1, max_size=3))
    def bulk(self, several: list[tuple[int, str]]) -> None:
        changes = tuple(self.changing(place, status) for place, status in several)
        self.give(ChangeWorkItems(changes=changes, refused_are_left_out=True))

    @rule(place=places, whom=whoms)
    def ask(self, place: int, whom: str) -> None:
        self.give(AskQuestion(id=self.item(place), whom=whom, text="May it be completed?"))

    @rule(place=places, verdict=some.sampled_from(["approve", "approve", "refuse", "answer"]))
    def answer(self, place: int, verdict: str) -> None:
        self.give(AnswerQuestion(id=self.item(place), verdict=verdict, text="so"))

    @rule(place=places)
    def withdraw(self, place: int) -> None:
        self.give(WithdrawQuestion(id=self.item(place)))

    @rule(back=some.integers(1, 12), only_untouched=some.booleans())
    def undo(self, back: int, only_untouched: bool) -> None:
        if back > len(self.given):
            return
        found = self.store.find_command(self.given[-back])
        streams = [stream for stream in found[0].streams if category_of(stream) != "conflict"] if found else []
        if streams:
            undone = str(self.given[-back])
            self.give(Undo(undone=undone, streams=tuple(sorted(streams)), only_untouched=only_untouched))

    @rule(status=some.sampled_from(["active", "blocked"]), title=some.sampled_from("ab"))
    def reopen_and_take_that_back(self, status: str, title: str) -> None:
        """What the administrator has completed."""
        self.give(self.changing(0, status, title=title))
        self.undo(1, False)

    @rule(place=places)
    def complete_and_approve(self, place: int) -> None:
        self.give(self.changing(place, "completed", force=True))
        self.give(AnswerQuestion(id=self.item(place), verdict="approve"))

    @rule(place=places, status=some.sampled_from(["completed", "active"]), day=some.integers(1, 28))
    def import_it(self, place: int, status: str, day: int) -> None:
        mark = Attribution(by="carol", at=self.clock.now.replace(day=day))
        fields = {"item_type": "task", "title": "T"}
        item = ImportedItem(
            id=self.item(place), external_id=self.item(place), fields=fields, created=mark, changed=mark, status=status
        )
        self.give(Import(source="beads", items=(item,)), queued=False)

    @rule(types=some.sampled_from([[], ["research"]]))
    def configure(self, types: list[str]) -> None:
        own = configuration_id(self.database.store.ledger)
        self.give(ChangeConfiguration(id=own, expected=1, fields={"review_types": types, "reviewer": WRITER}))

    @rule(place=places, deleted=some.booleans())
    def delete(self, place: int, deleted: bool) -> None:
        self.give(self.changing(place, None, deleted=deleted))

    @rule(place=places)
    def others(self, place: int) -> None:
        self.give(ClaimWorkItem(id=self.item(place), token=TOKEN), queued=False)
        self.give(ArchiveWorkItems(id=self.item(place)))
        self.give(AddComment(category="work_item", id=self.item(place), comment_id=f"c{self.number}", text="x"))

    @rule(choice=some.sampled_from(["mine", "theirs", "edited"]), which=places)
    def resolve(self, choice: str, which: int) -> None:
        found = [event for event in self.database.store.read_all() if event.type == "ConflictFound"]
        if found and not self.is_away:
            conflict = id_of(found[which % len(found)].stream_id)
            arguments = {"status": "completed"} if choice == "edited" else None
            self.give(ResolveConflict(id=conflict, expected=1, choice=choice, arguments=arguments))

    @rule(away=some.booleans())
    def the_database_comes_and_goes(self, away: bool) -> None:
        self.is_away = away
        if not away:
            self.machine.drain()
            self.machine.follow()

    @rule(place=places)
    def another_changes_the_same_meanwhile(self, place: int) -> None:
        """So that what the writer has queued is decided again, or becomes a conflict."""
        stream = stream_id("work_item", self.item(place))
        past = self.database.store.read_streams([stream]).events.get(stream, [])
        change = UpdateWorkItem(id=self.item(place), expected=len(past), fields={"title": f"by ann {self.number}"})
        self.give(change, scope="admin", by="ann", live=True)

    def item(self, place: int) -> str:
        """One of the first, or of the newest."""
        return self.items[place if place < ITEMS else place - 2 * ITEMS]

    @property
    def store(self) -> Any:
        return self.machine.store if self.is_away else self.database.store

    def changing(self, place: int, status: str | None, *, force: bool = False, **more: Any) -> UpdateWorkItem:
        stream = stream_id("work_item", self.item(place))
        expected = newest(self.store.read_streams([stream]).events.get(stream, []))
        fields = {"title": more.pop("title")} if "title" in more else {}
        return UpdateWorkItem(
            id=self.item(place), expected=expected, status=status, reason="so", force=force, fields=fields, **more
        )

    def give(
        self, command: Command, *, scope: Scope = "write", by: str = WRITER, live: bool = False, queued: bool = True
    ) -> None:
        self.number += 1
        own = numbered_command(self.number)
        submission = Submission(
            command=command, command_id=own, by=by, occurred_at=self.clock(), token=TOKEN, scope=scope
        )
        if scope == "write":
            self.own.add(own)
        if self.is_away and not live and not queued:
            return
        handler = self.machine.handler if self.is_away and not live else self.database.handler
        try:
            handler.execute(submission)
            self.given.append(own)
        except LedgerError:
            pass

    def nothing_was_completed(self) -> None:
        pasts: dict[str, list[Any]] = {}
        for event in self.database.store.read_all():
            if category_of(event.stream_id) == "work_item":
                pasts.setdefault(event.stream_id, []).append(event)
        for stream, past in pasts.items():
            states = states_of(stream, past)
            for before, after, event in zip(states, states[1:], past, strict=False):
                began = event.command_id in self.own and before.category != "done" and after.item_type == "task"
                assert not (began and after.category == "done"), (stream, event.type, event.command)


def test_a_writer_completes_no_item_that_needs_a_review() -> None:
    run_state_machine_as_test(
        Writer,
        settings=examples(60, stateful_step_count=25, suppress_health_check=list(HealthCheck)),
    )
