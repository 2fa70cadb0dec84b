"""Many changes as one command: each is decided after the ones before it, and all are recorded in one append."""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from ledger.decider import Decided
from ledger.envelope import id_of, stream_id
from ledger.errors import Invalid, LedgerError, NotFound, NotUnique, Refused, VersionConflict
from ledger.work_item.commands import ChangeWorkItems, CreateWorkItem
from ledger.work_item.item_summaries import CATEGORY
from ledger.work_item.speculative_world import Ahead
from ledger.world import World

REFUSALS = (
    Invalid,
    NotFound,
    NotUnique,
    Refused,
    VersionConflict,
)  # of one item; anything else concerns the whole call

Rule = Callable[[Any, World], Decided]


class Outcome(Struct, frozen=True, kw_only=True):
    """What becomes of one of the changes: nothing, or the version it brings its item to; or why it is refused."""

    id: str
    version: int | str = 0
    refused: LedgerError | None = None


class Plan(Struct, frozen=True, kw_only=True):
    decided: Decided
    outcomes: tuple[Outcome, ...]


def plan(command: ChangeWorkItems, world: World, rule: Rule) -> Plan:
    """What happens, and the outcome of every change. It raises no refusal of one of them, whatever is wanted."""
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


def change_all(command: ChangeWorkItems, world: World, rule: Rule) -> Decided:
    """What happens; raises one refusal with a verdict on every change that is refused, unless those are left out."""
    made = plan(command, world, rule)
    refused = {number: outcome.refused for number, outcome in enumerate(made.outcomes) if outcome.refused}
    if refused and not command.refused_are_left_out:
        raise refusal(refused, len(made.outcomes))
    return made.decided


def refusal(refused: Mapping[int, LedgerError], total: int) -> LedgerError:
    """One for all: Invalid if some are, its fields named `items.<number>.<field>`; else Refused. Numbers are from 0."""
    fields = [
        {**fault, "field": f"items.{number}.{fault['field']}"}
        for number, error in refused.items()
        if isinstance(error, Invalid)
        for fault in error.details["fields"]
    ]
    verdicts = [{"index": number, **error.as_answer()["error"]} for number, error in refused.items()]
    first = next(iter(refused))
    sentence = (
        f"{len(refused)} of {total} items are refused, so nothing was recorded; items.{first}: {refused[first].message}"
    )
    next_step = "correct those and send all again, or send all_or_nothing=false to record the others"
    if fields:
        return Invalid(sentence, next_step=next_step, fields=fields, items=verdicts)
    return Refused(sentence, next_step=next_step, rule="all_or_nothing", items=verdicts)
