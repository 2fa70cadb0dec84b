"""A claim is held by at most one token at every moment of ledger time, whatever happens before it is recorded."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as some
from msgspec import Struct

from ledger.aggregates.work_item.commands import (
    ClaimNextWorkItem,
    ClaimWorkItem,
    CreateWorkItem,
    ReleaseClaim,
    RenewClaim,
    UpdateWorkItem,
)
from ledger.aggregates.work_item.events import (
    WorkItemClaimed,
    WorkItemClaimReleased,
    WorkItemClaimRenewed,
    WorkItemCompleted,
)
from ledger.aggregates.work_item.rules.claims import token_digest
from ledger.catalog import fact_of
from ledger.envelope import Command, RecordedEvent, Submission
from ledger.errors import LedgerError
from ledger.handler import Handler
from ledger.values.moment import parse
from projections.questions.world_questions import TableNeighbourhood
from projections.read_models.fold import propose
from tests.support.examples import examples
from tests.support.given import numbered
from tests.support.ledgers import FIRST_DAY, in_memory

ITEMS = 2
TOKENS = ("token-one", "token-two", "token-three")


class Step(Struct, frozen=True):
    """What a person asks for, after how many seconds, and how long it takes from reading to recording."""

    action: str
    token: str
    item: int
    minutes: int
    after: int
    takes: int


STEPS = some.builds(
    Step,
    action=some.sampled_from(["claim", "claim", "next", "renew", "release", "complete"]),
    token=some.sampled_from(TOKENS),
    item=some.integers(0, ITEMS - 1),
    minutes=some.integers(1, 3),
    after=some.integers(0, 100),
    takes=some.sampled_from([0, 0, 1, 59, 60, 61, 200]),
)


class Clock:
    def __init__(self) -> None:
        self.now = FIRST_DAY

    def __call__(self) -> datetime:
        return self.now


class Slow(TableNeighbourhood):
    """Between reading and recording time passes, and once another is faster."""

    meanwhile: Callable[[], None] = staticmethod(lambda: None)

    def obstacles(self, *arguments: Any) -> Any:
        answer = super().obstacles(*arguments)
        self._pass()
        return answer

    def next_ready(self, *arguments: Any) -> Any:
        answer = super().next_ready(*arguments)
        self._pass()
        return answer

    def _pass(self) -> None:
        happening, self.meanwhile = self.meanwhile, lambda: None
        happening()


@examples(150)
@given(some.lists(some.tuples(STEPS, some.none() | STEPS), max_size=12))
def test_no_claim_takes_what_another_holds(steps: list[tuple[Step, Step | None]]) -> None:
    clock, asked = Clock(), dict[UUID, Step]()
    with TemporaryDirectory() as folder, in_memory(Path(folder) / "rows.sqlite3", uuid4(), clock) as ledger:
        slow = Slow(ledger.tables)
        handler = Handler(ledger.store, slow, propose)
        for number in range(ITEMS):
            ledger.execute(number, CreateWorkItem(id=numbered(number), item_type="task", title="T"))

        for step, faster in steps:
            clock.now += timedelta(seconds=step.after)
            slow.meanwhile = lambda step=step, faster=faster: _meanwhile(handler, clock, asked, step, faster)  # type: ignore[misc]
            _ask(handler, clock, asked, step)

        _check(list(ledger.store.read_all()), asked)


def _meanwhile(handler: Handler, clock: Clock, asked: dict[UUID, Step], step: Step, faster: Step | None) -> None:
    if faster is not None:
        _ask(handler, clock, asked, faster)
    clock.now += timedelta(seconds=step.takes)


def _ask(handler: Handler, clock: Clock, asked: dict[UUID, Step], step: Step) -> None:
    command_id = uuid4()
    asked[command_id] = step
    command = Submission(
        command=_command(handler, step),
        command_id=command_id,
        by="claude-code",
        occurred_at=clock.now,
        token=step.token,
    )
    with suppress(LedgerError):
        handler.execute(command)


def _command(handler: Handler, step: Step) -> Command:
    entity_id = numbered(step.item)
    match step.action:
        case "next":
            return ClaimNextWorkItem(token=step.token, minutes=step.minutes)
        case "renew":
            return RenewClaim(id=entity_id, token=step.token, minutes=step.minutes)
        case "release":
            return ReleaseClaim(id=entity_id, token=step.token)
        case "complete":
            version = handler.world().version(f"work_item-{entity_id}")
            return UpdateWorkItem(id=entity_id, expected=version, status="completed")
        case _:
            return ClaimWorkItem(id=entity_id, token=step.token, minutes=step.minutes)


def _check(log: list[RecordedEvent], asked: dict[UUID, Step]) -> None:
    """Reads the log alone: who held what until when, and whether the one who acted was entitled to."""
    held: dict[str, tuple[str, datetime]] = {}
    for event in log:
        before, now = held.get(event.stream_id), event.recorded_at
        mine = token_digest(asked[event.command_id].token) if event.command_id in asked else ""
        match fact_of(event):
            case WorkItemClaimed(token_digest=digest, until=until, taken_from=taken):
                assert digest == mine
                assert before is None or before[1] <= now or before[0] == mine, "taken while another held it"
                assert (taken is not None) == (before is not None and before[0] != mine), (
                    "the previous holder is on record"
                )
                held[event.stream_id] = (mine, parse(until))
            case WorkItemClaimRenewed(until=until):
                assert before is not None and before[0] == mine and now < before[1] < parse(until)
                held[event.stream_id] = (mine, parse(until))
            case WorkItemClaimReleased():
                assert before is not None and before[0] == mine
                del held[event.stream_id]
            case WorkItemCompleted():
                assert before is None or before[1] <= now or before[0] == mine
                held.pop(event.stream_id, None)
            case _:
                pass
