"""The law of a bulk: it does what its changes would do as commands of their own, one after another."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

from hypothesis import HealthCheck, example, given
from hypothesis import strategies as some
from msgspec.structs import replace

from ledger.aggregates.decider import LastPlan
from ledger.aggregates.work_item.bulk import WAITS, Plan, plan
from ledger.aggregates.work_item.commands import ChangeWorkItems, CreateWorkItem, LinkWorkItems, UpdateWorkItem
from ledger.aggregates.work_item.decider import decide
from ledger.annotation.commands import AddComment
from ledger.annotation.events import CommentAdded
from ledger.catalog import fact_of
from ledger.envelope import Submission, stream_id
from ledger.errors import LedgerError
from ledger.handler import Handler
from ledger.postgres.connection.database import Database
from ledger.store import EventStore
from projections.tables.replay import check
from tests.support.examples import examples
from tests.support.given import LEDGER
from tests.support.ledgers import FIRST_DAY, Ledger, in_memory, numbered_command, on_postgres
from tests.support.machines import Machine
from tests.support.random_histories import (
    BEGINNING,
    THINGS,
    Action,
    a_ledger,
    actions_of,
    attempt,
    attempt_all,
    command,
    enhancement,
    histories,
    item,
    others,
    places,
)

OF_ITEMS = ("create_item", "retitle", "annotate", "move", "status", "delete", "link")
RELATIONS = ("discovered_from", "duplicates", "depends_on")
BULK = 1000  # the number of a command that no history uses

of_items = some.lists(
    actions_of(*OF_ITEMS)
    | some.tuples(some.just("finish"), some.tuples(places, some.booleans(), some.none() | some.just("agreed")))
    | some.tuples(some.just("relate"), some.tuples(places, places, some.sampled_from(RELATIONS), some.booleans()))
    | some.tuples(some.just("implement"), some.tuples(places, places, some.booleans()))
    | some.tuples(some.just("belong"), some.tuples(places, others))
    | some.tuples(some.just("old version"), some.tuples(places, some.integers(0, 2)))
    | some.tuples(some.just("say"), some.tuples(places)),
    min_size=2,
    max_size=15,
)
HOLDING: list[Action] = [  # an item with an open child, and one that it blocks
    *BEGINNING,
    ("create_item", (3, None)),
    ("link", (1, 2, "blocks", False, None)),
]
Verdict = dict[str, Any] | None  # what is said of a change that is refused


@examples(150, suppress_health_check=[HealthCheck.too_slow])
@given(histories, of_items)
@example(HOLDING, [("finish", (number, False, None)) for number in (3, 0, 2, 1, 2, 0)])
@example(HOLDING, [("delete", (number, True, False)) for number in (3, 0, 1, 0)])
@example(BEGINNING, [("create_item", (3, 3)), ("create_item", (3, None)), ("say", (3,))])
def test_a_bulk_records_what_its_changes_record_one_by_one(history: list[Action], changes: list[Action]) -> None:
    with a_ledger() as apart, a_ledger() as together:
        for ledger in (apart, together):
            attempt_all(ledger, [doing for doing in history if doing[0] != "undo"])

        wanted, one_by_one = recorded_apart(apart, changes)
        at_once = verdicts(together.handler, wanted)

        assert at_once == waiting_alike(one_by_one, at_once)
        assert everything(together.store) == everything(apart.store)


@examples(20, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(histories, of_items)
def test_so_it_does_on_postgresql(database: Database, history: list[Action], changes: list[Action]) -> None:
    apart, together = (on_postgres(database, uuid4()) for _ in range(2))
    for ledger in (apart, together):
        attempt_all(ledger, [doing for doing in history if doing[0] not in ("undo", "configure", "claim")])

    wanted, one_by_one = recorded_apart(apart, changes)
    at_once = verdicts(together.handler, wanted)

    assert at_once == waiting_alike(one_by_one, at_once)
    assert everything(together.store) == everything(apart.store)
    assert check(together.store, together.tables).equal


@examples(60, suppress_health_check=[HealthCheck.too_slow])
@given(histories, of_items)
def test_a_bulk_that_is_queued_waits_for_what_its_changes_queued_one_by_one_wait_for(
    history: list[Action], changes: list[Action]
) -> None:
    with a_machine() as apart, a_machine() as together:
        for machine in (apart, together):
            attempt_all(machine.database, [doing for doing in history if doing[0] != "undo"])
            machine.follow()

        wanted: list[Any] = []
        one_by_one: list[Verdict] = []
        for number, change in enumerate(map(at_any_version, map(of(apart.database), changes)), 100):
            if not is_there(apart.store, change):
                wanted.append(change)
                one_by_one.append(refusal(partial(apart.queue, change, numbered_command(number))))
        at_once = verdicts(together.handler, wanted)

        assert at_once == waiting_alike(one_by_one, at_once)
        assert everything(together.store) == everything(apart.store)
        for machine in (apart, together):
            machine.drain()
        assert everything(together.database.store) == everything(apart.database.store)


@examples(60, suppress_health_check=[HealthCheck.too_slow])
@given(histories, of_items)
def test_a_bulk_of_all_or_nothing_is_one_or_the_other(history: list[Action], changes: list[Action]) -> None:
    with a_ledger() as ledger:
        for number, doing in enumerate(history):
            attempt(ledger, number, command(ledger, doing, []) if doing[0] != "undo" else None)
        before = everything(ledger.store)
        wanted = [of(ledger)(doing) for doing in changes if doing[0] != "create_item"]

        try:
            ledger.execute(BULK, ChangeWorkItems(changes=tuple(wanted)))
        except LedgerError as refused:
            named = refused.details["items"]
            assert 0 < len(named) <= len(wanted)
            assert everything(ledger.store) == before


def recorded_apart(ledger: Ledger, changes: list[Action]) -> tuple[list[Any], list[Verdict]]:
    """The changes, each recorded as a command of its own, and what was said of each."""
    wanted: list[Any] = []
    said: list[Verdict] = []
    for number, doing in enumerate(changes, 100):
        change = of(ledger)(doing)
        if not is_there(ledger.store, change):
            wanted.append(change)
            said.append(refusal(partial(ledger.execute, number, change)))
    return wanted, said


def verdicts(handler: Handler, wanted: list[Any]) -> list[Verdict]:
    """What is said of each of the changes where they are one command."""
    rule = LastPlan(lambda bulk, world: plan(bulk, world, decide), Plan(decided=[], outcomes=()))
    bulk = ChangeWorkItems(changes=tuple(wanted), refused_are_left_out=True)
    given = Submission(command=bulk, command_id=numbered_command(BULK), by="tester", occurred_at=FIRST_DAY)
    handler.execute(given, rule)
    return [outcome.refused and told(outcome.refused) for outcome in rule.made.outcomes]


def waiting_alike(one_by_one: list[Verdict], at_once: list[Verdict]) -> list[Verdict]:
    """With the words of a bulk for what is refused because it builds on what is."""
    return [
        other if own and other and other["details"].get("rule") == WAITS else own
        for own, other in zip(one_by_one, at_once, strict=True)
    ]


def refusal(execute: Callable[[], object]) -> Verdict:
    try:
        execute()
    except LedgerError as error:
        return told(error)
    return None


def told(error: LedgerError) -> dict[str, Any]:
    """Without what changed since: of an earlier change of the same bulk it is not known what it is recorded with."""
    said: dict[str, Any] = error.as_answer()["error"]
    return said | {"details": {name: value for name, value in said["details"].items() if name != "changed_since"}}


def of(ledger: Ledger) -> Callable[[Action], Any]:
    """The command that says so, at the version that is there in this ledger."""

    def change(doing: Action) -> Any:
        match doing:
            case "finish", (number, force, reason):
                return replace(at_version(number), status="completed", force=force, reason=reason)
            case "relate", (number, other, kind, remove):
                return LinkWorkItems(id=item(number), to_id=item(other), kind=kind, remove=remove)
            case "implement", (number, other, remove):
                return LinkWorkItems(id=item(number), to_id=enhancement(other), kind="implements", remove=remove)
            case "belong", (number, other):
                milestone = None if other is None else item(other)
                return replace(at_version(number), fields={"milestone_id": milestone})
            case "old version", (number, version):
                return replace(at_version(number), expected=version, fields={"title": "Stale"})
            case "say", (number,):
                return AddComment(category="work_item", id=item(number), comment_id="c", text="Said")
        return command(ledger, doing, [])

    def at_version(number: int) -> UpdateWorkItem:
        found = command(ledger, ("retitle", (number, "")), [])
        assert isinstance(found, UpdateWorkItem)
        return replace(found, fields={})

    return change


def at_any_version(change: Any) -> Any:
    return replace(change, expected=None) if isinstance(change, UpdateWorkItem) else change


def is_there(store: EventStore, change: Any) -> bool:
    """Whether it would create what there is: ids are minted, never repeated."""
    if not isinstance(change, CreateWorkItem):
        return False
    stream = stream_id("work_item", change.id)
    return stream in store.read_streams([stream]).events


def everything(store: EventStore) -> list[list[Any]]:
    """The facts of every item, but for the time of a comment, which is that of its command."""
    streams = [stream_id("work_item", item(number)) for number in range(THINGS)]
    found = store.read_streams(streams).events
    facts = [[fact_of(event) for event in found.get(stream, [])] for stream in streams]
    return [[replace(fact, at="") if isinstance(fact, CommentAdded) else fact for fact in each] for each in facts]


@contextmanager
def a_machine() -> Iterator[Machine]:
    """With a database in memory behind it."""
    ticks = iter(range(10**9))

    def clock() -> datetime:
        return datetime.fromtimestamp(1_700_000_000 + next(ticks), FIRST_DAY.tzinfo)

    with (
        TemporaryDirectory() as folder,
        in_memory(Path(folder) / "rows.sqlite3", LEDGER, clock) as database,
    ):
        machine = Machine(Path(folder) / "machine", database, clock)
        yield machine
        machine.close()
