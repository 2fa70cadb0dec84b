"""Many changes as one command: each is decided after the ones before it, and all are recorded in one append."""

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from ledger.decider import Decided
from ledger.envelope import id_of, stream_id
from ledger.errors import Invalid, LedgerError, NotFound, NotUnique, Refused, VersionConflict
from ledger.work_item.ahead import Ahead
from ledger.work_item.commands import ChangeWorkItems, CreateWorkItem
from ledger.work_item.telling import CATEGORY
from ledger.world import World

REFUSALS = (Invalid, NotFound, NotUnique, Refused, VersionConflict)  # of one item; anything else concerns the whole call

Rule = Callable[[Any, World], Decided]


class Outcome(Struct, frozen=True, kw_only=True):
    """What becomes of one of the changes: nothing, or the version it brings its item to; or why it is refused."""

    id: str
    version: int = 0
    refused: LedgerError | None = None


class Plan(Struct, frozen=True, kw_only=True):
    decided: Decided
    outcomes: tuple[Outcome, ...]


def plan(command: ChangeWorkItems, world: World, rule: Rule) -> Plan:
    """What happens, and the outcome of every change, whether or not all are wanted or none. Raises nothing of theirs."""
    ahead, outcomes = Ahead(world), list[Outcome]()
    decided: Decided = []
    world.look(stream_id(CATEGORY, change.id) for change in command.changes if not isinstance(change, CreateWorkItem))
    for change in command.changes:
        try:
            facts = rule(change, ahead)
        except REFUSALS as error:
            outcomes.append(Outcome(id=change.id, refused=error))
            continue
        for entry in facts:
            ahead.happened(entry[0], entry[1])
        decided += facts
        touched = id_of(facts[0][0]) if facts else change.id
        outcomes.append(Outcome(id=touched, version=ahead.version(stream_id(CATEGORY, touched))))
    return Plan(decided=decided, outcomes=tuple(outcomes))
