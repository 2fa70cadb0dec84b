"""What comes again comes once, and effort adds up: in random orders, on several machines, with repetitions."""

from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

from hypothesis import example, given
from hypothesis import strategies as some
from msgspec import Struct

from ledger.aggregates.decider import Undo
from ledger.aggregates.work_item.commands import CreateWorkItem, UpdateWorkItem
from ledger.aggregates.work_item.events import WorkItemCreated
from ledger.aggregates.work_item.state import WorkItem
from ledger.annotation.commands import LogEffort
from ledger.catalog import fact_of, fold_stream
from ledger.envelope import Command, RecordedEvent, Submission, category_of, stream_id
from ledger.errors import LedgerError
from ledger.pending import newest
from projections.questions.work import work_items
from tests.support.examples import examples
from tests.support.given import numbered
from tests.support.ledgers import Ledger, in_memory, now
from tests.support.machines import Machine

ITEMS = 2
PARENT = numbered(9)
RULES = ("every day", "weekly", "every 2 months after completion")


class Step(Struct, frozen=True):
    """What a person does to an item where; `again` sends it a second time, as a client does that got no answer; an undo
    that is not `whole` takes back what a command did to one item."""

    action: str
    where: str
    item: int
    again: bool
    whole: bool


STEPS = some.builds(
    Step,
    action=some.sampled_from(["complete", "complete", "complete", "reopen", "retitle", "effort", "effort", "undo"]),
    where=some.sampled_from(["live", "here", "there"]),
    item=some.integers(0, ITEMS - 1),
    again=some.booleans(),
    whole=some.booleans(),
)
SYNC = some.sampled_from(["drain here", "drain there", "follow"])


def _step(action: str, where: str) -> Step:
    return Step(action=action, where=where, item=0, again=True, whole=True)


A_WEEK: list[Step | str] = [  # both machines complete it unseen, then it is reopened and completed once more
    *(_step("effort", where) for where in ("live", "here", "there")),
    *(_step("complete", where) for where in ("here", "there")),
    *("drain here", "drain there", "follow"),
    *(_step(action, "live") for action in ("reopen", "complete", "effort")),
]


@examples(40)
@example(A_WEEK, "weekly")
@given(some.lists(STEPS | SYNC, max_size=14), some.sampled_from(RULES))
def test_a_completed_item_has_one_that_comes_after_it_and_effort_is_the_sum_of_its_entries(
    steps: list[Step | str], rule: str
) -> None:
    with TemporaryDirectory() as folder, in_memory(Path(folder) / "rows.sqlite3", uuid4()) as ledger:
        machines = {name: Machine(Path(folder) / name, ledger) for name in ("here", "there")}
        ledger.execute(1, CreateWorkItem(id=PARENT, item_type="task", title="All"))
        for number in range(ITEMS):
            recurring = CreateWorkItem(
                id=numbered(number), item_type="task", title="T", parent_id=PARENT, recurrence=rule, due="2026-11-01"
            )
            ledger.execute(2 + number, recurring)
        for machine in machines.values():
            machine.follow()

        for step in steps:
            _do(step, ledger, machines)
        for machine in machines.values():
            machine.drain()

        log = list(ledger.store.read_all())
        _check_followers(log)
        _check_effort(ledger, log)
        for machine in machines.values():
            machine.close()


def _do(step: Step | str, ledger: Ledger, machines: dict[str, Machine]) -> None:
    match step:
        case "follow":
            for machine in machines.values():
                machine.follow()
        case str():
            machines[step.removeprefix("drain ")].drain()
        case Step():
            place = ledger if step.where == "live" else machines[step.where]
            log = list(place.store.read_all())
            submission = Submission(command=_command(step, log), command_id=uuid4(), by=step.where, occurred_at=now())
            for _ in range(1 + step.again):
                with suppress(LedgerError):
                    place.handler.execute(submission)


def _command(step: Step, log: list[RecordedEvent]) -> Command:
    entity_id = numbered(step.item)
    past = [event for event in log if event.stream_id == stream_id("work_item", entity_id)]
    given: dict[str, Any] = {"id": entity_id, "expected": newest(past)}
    match step.action:
        case "complete":
            return UpdateWorkItem(**given, status="completed")
        case "reopen":
            return UpdateWorkItem(**given, status="active")
        case "retitle":
            return UpdateWorkItem(**given, fields={"title": f"by {step.where}"})
        case "undo":
            own = [event.stream_id for event in log if event.command_id == past[-1].command_id]
            return Undo(undone=str(past[-1].command_id), streams=tuple(own[: 1 + step.whole]))
        case _:
            return LogEffort(category="work_item", id=entity_id, entry_id=uuid4().hex, minutes=len(past), cost_micros=7)


def _items(log: list[RecordedEvent]) -> dict[str, WorkItem]:
    streams = dict.fromkeys(event.stream_id for event in log if category_of(event.stream_id) == "work_item")
    return {
        stream[-36:]: fold_stream(stream, [event for event in log if event.stream_id == stream]) for stream in streams
    }


def _check_followers(log: list[RecordedEvent]) -> None:
    items = _items(log)
    for number in range(ITEMS):
        item = items[numbered(number)]
        following = {
            entity_id
            for entity_id, other in items.items()
            if other.recurrence_of == numbered(number) and not other.withdrawn
        }
        assert following == ({item.next_id} if item.next_id else set())
        assert item.next_id is not None or item.category != "done"
    made = [fact for event in log if isinstance(fact := fact_of(event), WorkItemCreated) and fact.recurrence_of]
    assert len(made) == sum(item.nexts_made for item in items.values())


def _check_effort(ledger: Ledger, log: list[RecordedEvent]) -> None:
    entries = [entry for item in _items(log).values() for entry in item.effort.values()]
    with ledger.tables.snapshot() as snapshot:
        below = work_items.effort(snapshot, PARENT)["with_subtree"]
    assert below["minutes"] == sum(entry.minutes for entry in entries)
    assert below["cost"] == sum(entry.cost_micros for entry in entries) / 1_000_000
