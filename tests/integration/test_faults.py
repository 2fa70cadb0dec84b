"""Two seeds of the fault runs, and that the checker sees what is wrong. See docs/faults.md."""

from collections.abc import Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from benchmarks.faults.check import Evidence, anomalies
from benchmarks.faults.plan import FAILOVERS, VERSION_CHANGES, Client, Step, plan
from benchmarks.faults.run import Lab
from benchmarks.faults.workload import Receipt, Worker
from ledger import __version__
from ledger.aggregates.work_item.events import WorkItemClaimed, WorkItemCreated
from ledger.envelope import Fact, RecordedEvent
from ledger.values.moment import text
from tests.support.each import each
from tests.support.examples import ALL
from tests.support.given import FIRST_DAY, numbered

OLDER_RUNS = [1, 1008, 2000]  # seeds that were run before there were others, and are published as they were
SHORT = {"steps": 12, "faults": 5}
BREAKS_MOST = 8169  # a short seed that kills, cuts, fills the disk, fails over, and changes versions both ways


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    lab = Lab()
    yield lab
    lab.close()


@pytest.mark.processes
@pytest.mark.parametrize("seed", [2, 2131, BREAKS_MOST] if ALL else [BREAKS_MOST])
def test_no_answer_is_false_whatever_breaks(lab: Lab, seed: int) -> None:
    evidence = lab.run(plan(seed, **SHORT))

    assert [f"{one.kind}: {one.text}" for one in anomalies(evidence)] == []
    assert len(evidence.receipts) >= 40


def test_a_seed_is_the_same_plan_each_time() -> None:
    assert plan(5) == plan(5) != plan(6)
    changes = [
        fault.kind for fault in plan(BREAKS_MOST, **SHORT).faults if fault.kind in (*VERSION_CHANGES, *FAILOVERS)
    ]
    assert changes == ["upgrade", "downgrade", "switchover", "failover"]


def test_seeds_that_were_run_before_nodes_changed_their_places_have_none() -> None:
    assert not any(plan(seed).has_standby for seed in OLDER_RUNS)


@each(
    ("version", "upgraded_at", "kinds"),
    [
        (__version__, 0.5, []),
        (__version__, None, ["newer program asked for"]),  # there is none
        (__version__, 2.0, ["newer program asked for"]),  # not yet
        ("999.0.0", 0.5, ["newer program asked for"]),  # by itself
    ],
)
def test_only_an_older_program_may_ask_for_a_newer_one(
    version: str, upgraded_at: float | None, kinds: list[str]
) -> None:
    asked = receipt({"error": {"code": "newer_program_needed", "details": {}}}, version=version)
    seen = evidence([asked], [])
    seen.upgraded_at = upgraded_at

    assert [one.kind for one in anomalies(seen)] == kinds


def test_what_an_older_program_says_it_did_not_do_is_nowhere() -> None:
    asked = receipt({"error": {"code": "newer_program_needed", "details": {}}}, version=__version__)
    seen = evidence([asked], [event(COMMAND)])
    seen.upgraded_at = 0.5

    assert [one.kind for one in anomalies(seen)] == ["false refusal"]


COMMAND = uuid4()
CREATED = WorkItemCreated(item_type="task", title="Title")


@each(
    ("answers", "is_recorded", "kind"),
    [
        ([{"outcome": "committed", "position": 1}], False, "acknowledged lost"),
        ([{"outcome": "committed", "position": 7}], True, "false committed"),
        ([{"outcome": "queued", "place": 3}], False, "acknowledged lost"),
        ([{"outcome": "queued"}], True, "false queued"),
        ([{"error": {"code": "refused", "details": {}}}], True, "false refusal"),
        ([{"error": {"code": "unavailable", "details": {}}}], True, "false refusal"),
        (
            [{"outcome": "committed", "position": 1}, {"error": {"code": "not_found", "details": {}}}],
            True,
            "repetition",
        ),
        ([{"error": {"code": "outcome_unknown", "details": {}}}], True, "unknown without its id"),
        ([{"error": {"code": "internal", "details": {}}}], False, "crash"),
    ],
)
def test_the_checker_names_an_answer_that_was_not_true(
    answers: list[dict[str, Any]], is_recorded: bool, kind: str
) -> None:
    log = [event(COMMAND)] if is_recorded else []

    found = anomalies(evidence([receipt(answer) for answer in answers], log))

    assert any(kind in one.kind for one in found)


def test_the_checker_finds_nothing_in_answers_that_are_true() -> None:
    result = [
        {"error": {"code": "outcome_unknown", "details": {"command_id": str(COMMAND)}}},
        {"outcome": "queued", "place": 1},
        {"outcome": "committed", "position": 1, "repeated": True},
    ]

    assert anomalies(evidence([receipt(answer) for answer in result], [event(COMMAND)])) == []


def test_the_checker_sees_that_a_client_does_not_see_its_own_write() -> None:
    missing = receipt({"error": {"code": "not_found", "details": {}}}, step="read", command_id=None)
    older = receipt({"title": "Old", "version": 1}, step="read", command_id=None, title="New", is_certain=True)

    assert [one.kind for one in anomalies(evidence([missing, older], []))] == ["read-your-writes"] * 2


def test_the_checker_sees_what_was_recorded_otherwise_or_never_asked_for() -> None:
    committed = receipt({"outcome": "committed", "position": 1}, title="Another")

    found = anomalies(evidence([committed], [event(COMMAND), event(uuid4(), position=2)]))

    assert [one.kind for one in found] == ["recorded as Title", "recorded and never asked for"]


def test_the_checker_sees_changes_of_one_client_that_were_turned_round() -> None:
    commands = [uuid4(), uuid4()]
    result = [
        receipt({"outcome": "committed", "position": 2}, step="update", command_id=commands[0], entity="one"),
        receipt({"outcome": "committed", "position": 1}, step="update", command_id=commands[1], entity="one"),
    ]
    log = [event(commands[1], position=1), event(commands[0], position=2)]

    assert [one.kind for one in anomalies(evidence(result, log))] == ["recorded before an earlier one"]


def test_the_checker_sees_an_item_in_two_hands_at_once() -> None:
    commands = [uuid4(), uuid4(), uuid4()]
    until = text(FIRST_DAY + timedelta(minutes=1))
    claims = [WorkItemClaimed(by=who, until=until, token_digest=who) for who in ("one", "two")]
    result = [
        receipt({"outcome": "committed", "position": n}, command_id=command) for n, command in enumerate(commands, 1)
    ]
    log = [event(commands[0]), *(event(commands[n], claims[n - 1], position=n + 1) for n in (1, 2))]

    assert [one.kind for one in anomalies(evidence(result, log))] == ["claimed twice"]


def test_a_client_that_repeats_an_older_change_still_knows_its_newest_one() -> None:
    away = {"error": {"code": "unavailable", "details": {}}}
    answers = [
        {"outcome": "committed", "id": "one", "ref": "w-1", "version": 1},
        {"outcome": "committed", "id": "one", "ref": "w-1", "version": 2},
        away,
        {"outcome": "committed", "id": "one", "ref": "w-1", "version": 3},
        {"outcome": "committed", "id": "one", "ref": "w-1", "version": 2, "repeated": True},
        {"title": "0.3", "version": 3},
    ]
    kinds = ("create", "update", "repeat", "update", "repeat", "read")
    steps = tuple(
        Step(kind=kind, command_id=uuid4(), draw=1 if number == 2 else 0, pause=0.0)
        for number, kind in enumerate(kinds)
    )
    machine: Any = SimpleNamespace(items=[])
    worker = Worker(0, Client(machine=0, kind="library", steps=steps), machine, [], "")
    result: Any = Answering(answers)
    worker.channel = result

    worker.run()

    assert worker.failure is None
    assert [receipt.step for receipt in worker.receipts] == ["create", "update", "update", "update", "update", "read"]
    assert anomalies(evidence(worker.receipts[-1:], [])) == []


class Answering:
    """A channel on which these answers come, whatever is asked."""

    version = __version__

    def __init__(self, answers: list[dict[str, Any]]) -> None:
        self._answers = iter(answers)

    def call(self, _tool: str, _arguments: dict[str, Any]) -> dict[str, Any]:
        return next(self._answers)


def receipt(answer: dict[str, Any], *, step: str = "create", command_id: UUID | None = COMMAND, **more: Any) -> Receipt:
    return Receipt(
        client=0,
        machine=0,
        kind="mcp",
        step=step,
        command_id=str(command_id) if command_id else None,
        tool="create_work_item",
        arguments={},
        begun=0.0,
        ended=1.0,
        answer=answer,
        **more,
    )


def evidence(receipts: list[Receipt], log: list[RecordedEvent]) -> Evidence:
    return Evidence(receipts=receipts, log=log, journals=[log], waiting=[0], faulty_lines=[0], rows_equal=[True])


def event(command_id: UUID, fact: Fact = CREATED, *, position: int = 1, item: int = 1) -> RecordedEvent:
    return RecordedEvent(
        position=position,
        stream_id=f"work_item-{numbered(item)}",
        version=position,
        command_id=command_id,
        n=0,
        command="CreateWorkItem",
        command_digest=b"",
        type=type(fact).__name__,
        schema=1,
        topics=(),
        data=msgspec.json.encode(fact),
        by="tester",
        occurred_at=FIRST_DAY,
        recorded_at=FIRST_DAY + timedelta(seconds=position),
        digest=b"",
    )
