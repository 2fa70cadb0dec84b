"""Comments commute: said by any person on any machine, with the database there or away, none of them is a conflict."""

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from hypothesis import HealthCheck, example, given
from hypothesis import strategies as some

from ledger.aggregates.work_item.commands import CreateWorkItem, UpdateWorkItem
from ledger.annotation.commands import AddComment, CorrectComment, WithdrawComment
from ledger.catalog import states_of
from ledger.envelope import Command, Submission, stream_id
from ledger.errors import LedgerError
from tests.support.examples import examples
from tests.support.given import numbered
from tests.support.ledgers import in_memory, numbered_command
from tests.support.machines import Machine, check_laws, ends

ITEM = numbered(0)
MACHINES = ("train", "office")
AUTHORS = ("ann", "ben")
COMMENTS = 2  # of each machine

machines = some.sampled_from(MACHINES)
comments = some.tuples(machines, some.integers(0, COMMENTS - 1))
actions = some.one_of(
    some.tuples(some.just("add"), comments, some.sampled_from(AUTHORS), some.sampled_from("xyz")),
    some.tuples(some.just("correct"), comments, some.sampled_from(AUTHORS), some.sampled_from("xyz")),
    some.tuples(some.just("withdraw"), comments, some.sampled_from(AUTHORS), some.just("")),
    some.tuples(some.just("retitle"), comments, some.sampled_from(AUTHORS), some.just("same")),
)
steps = some.lists(
    some.one_of(
        some.tuples(some.just("say"), machines, actions),
        some.tuples(some.just("say"), machines, actions),
        some.tuples(some.just("say"), machines, actions),
        some.tuples(some.just("meet"), machines, some.none()),
    ),
    min_size=4,
    max_size=30,
)


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


def command(action: tuple[str, tuple[str, int], str, str], version: Any) -> Command:
    kind, (machine, number), _, text = action
    comment_id = f"{machine}{number}"
    match kind:
        case "add":
            return AddComment(category="work_item", id=ITEM, comment_id=comment_id, text=text)
        case "correct":
            return CorrectComment(category="work_item", id=ITEM, comment_id=comment_id, text=text)
        case "withdraw":
            return WithdrawComment(category="work_item", id=ITEM, comment_id=comment_id)
        case _:
            return UpdateWorkItem(id=ITEM, expected=version, fields={"title": text})


@examples(60, suppress_health_check=[HealthCheck.too_slow])
@given(steps, some.permutations(MACHINES))
@example([("say", name, ("correct", ("train", 0), "ann", name)) for name in MACHINES], list(MACHINES))
@example(
    [
        ("say", "train", ("correct", ("train", 0), "ann", "x")),
        ("say", "office", ("withdraw", ("train", 0), "ann", "")),
    ],
    list(MACHINES),
)
def test_comments_of_several_machines_are_all_recorded_and_none_becomes_a_conflict(
    history: list[tuple[str, str, Any]], order: list[str]
) -> None:
    clock = Clock()
    with (
        tempfile.TemporaryDirectory() as folder,
        in_memory(Path(folder) / "rows.sqlite3", uuid4(), clock) as database,
    ):
        both = {name: Machine(Path(folder) / name, database, clock) for name in MACHINES}
        database.execute(-1, CreateWorkItem(id=ITEM, item_type="task", title="One"))
        for number, author in enumerate(AUTHORS):  # known to all machines
            database.execute(-2 - number, command(("add", (MACHINES[number], 0), author, "w"), None), by=author)
        committed, queued = {numbered_command(number) for number in (-1, -2, -3)}, set()
        for machine in both.values():
            machine.follow()
        for number, (step, name, action) in enumerate(history, 1):
            if step == "meet":
                both[name].drain()
                both[name].follow()
            elif queue(both[name], name, number, action, clock()):
                queued.add(numbered_command(number))
        for name in order:
            both[name].drain()
        for machine in both.values():
            machine.follow()

        log = list(database.store.read_all())
        check_laws(database, list(both.values()), committed, queued)
        assert {ends(log, given) for given in queued} <= {"recorded"} | fulfilled(log, queued)
        check_authors(log)
        for machine in both.values():
            machine.close()


def queue(machine: Machine, name: str, number: int, action: Any, at: datetime) -> bool:
    """Whether it was taken. Each machine adds comments of its own; it corrects and withdraws all that it knows."""
    kind, (of, which), author, text = action
    if kind == "add":
        of = name
    past = machine.store.read_streams([stream_id("work_item", ITEM)]).events[stream_id("work_item", ITEM)]
    version: Any = past[-1].version if past[-1].position < 1 << 62 else None
    if kind == "retitle" and version is None:
        return False
    given = Submission(
        command=command((kind, (of, which), author, text), version),
        command_id=numbered_command(number),
        by=author,
        occurred_at=at,
    )
    try:
        return machine.handler.execute(given).place is not None
    except LedgerError:
        return False


def fulfilled(log: list[Any], queued: set[Any]) -> set[str]:
    """What was so already, by another machine's word, ends in the stream that says so."""
    kept = {event.type for event in log if event.command_id in queued and event.stream_id.startswith("conflict-")}
    assert kept <= {"CommandFulfilled"}
    return {"conflict"} if kept else set()


def check_authors(log: list[Any]) -> None:
    """Whatever order the log has, the text is its author's newest in it, and nothing comes back that was withdrawn."""
    stream = stream_id("work_item", ITEM)
    events = [event for event in log if event.stream_id == stream]
    states = states_of(stream, events)
    for before, after, event in zip(states, states[1:], events, strict=False):
        for comment_id, comment in before.comments.items():
            now = after.comments[comment_id]
            assert now == comment or event.by == comment.by
            assert now.withdrawn or not comment.withdrawn
