"""Many changes as one command: each is decided after the ones before it, and all are recorded in one append."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from msgspec import Struct

from ledger.aggregates.decider import Decided
from ledger.aggregates.work_item.commands import ChangeWorkItems, CreateWorkItem, LinkWorkItems, UpdateWorkItem
from ledger.aggregates.work_item.item_summaries import CATEGORY
from ledger.aggregates.work_item.rules.enhancement_links import ENHANCEMENT
from ledger.aggregates.work_item.speculative_world import SpeculativeWorld
from ledger.aggregates.work_item.state import IMPLEMENTS
from ledger.envelope import id_of, stream_id
from ledger.errors import Invalid, LedgerError, NotFound, NotUnique, Refused, VersionConflict
from ledger.world import World

WAITS = "waits_for_refused"  # the rule that refuses what builds on an item that is refused itself
REFUSALS = (
    Invalid,
    NotFound,
    NotUnique,
    Refused,
    VersionConflict,
)  # of one item; anything else concerns the whole call

DecideOne = Callable[[Any, World], Decided]


class Outcome(Struct, frozen=True, kw_only=True):
    """What becomes of one of the changes: nothing, or the version it brings its item to; or why it is refused."""

    id: str
    version: int | str = 0
    refused: LedgerError | None = None


class Plan(Struct, frozen=True, kw_only=True):
    decided: Decided
    outcomes: tuple[Outcome, ...]


def plan(command: ChangeWorkItems, world: World, rule: DecideOne) -> Plan:
    """What happens, and the outcome of every change. It raises no refusal of one of them, whatever is wanted."""
    ahead, outcomes = SpeculativeWorld(world), list[Outcome]()
    decided: Decided = []
    _look_at_all(command.changes, world)
    missing: set[str] = set()  # what would have been created, had it not been refused
    for number, change in enumerate(command.changes):
        try:
            if missing & _required_items(change):
                raise waits_for(None)
            facts = rule(change, ahead)
        except REFUSALS as error:
            outcomes.append(Outcome(id=change.id, refused=error))
            missing |= {change.id} if isinstance(change, CreateWorkItem) else set()
            continue
        missing.discard(change.id)  # created after all
        for entry in facts:
            ahead.happened(entry[0], entry[1])
        at = world.occurred_at + timedelta(microseconds=number)  # so that lists by time keep the order of the call
        decided += [(entry[0], entry[1], world.by, at) for entry in facts]
        touched = id_of(facts[0][0]) if facts else change.id
        outcomes.append(Outcome(id=touched, version=ahead.version(stream_id(CATEGORY, touched))))
    return Plan(decided=decided, outcomes=tuple(outcomes))


def _look_at_all(changes: Iterable[Any], world: World) -> None:
    """Reads at once what the changes are about, and lets what is around that be asked for at once."""
    made = {change.id for change in changes if isinstance(change, CreateWorkItem)}
    world.look(stream for change in changes for stream in _streams(change) if id_of(stream) not in made)
    updates = [change for change in changes if isinstance(change, UpdateWorkItem)]
    ended = [change.id for change in updates if change.status is not None]
    moved = [change.id for change in updates if change.deleted is not None or isinstance(change.parent_id, str)]
    parents = {getattr(change, "parent_id", None) for change in changes} - made
    world.expect("blockers", ended)
    world.expect("subtrees", ended + moved)
    world.expect("lineages", (parent for parent in parents if isinstance(parent, str)))
    world.look(stream for change in updates for stream in _taken_along(change, world))


def _taken_along(change: UpdateWorkItem, world: World) -> Iterator[str]:
    """What goes and comes back with an item: the rule looks at each of them."""
    if change.deleted is False or (change.deleted and change.cascade):
        for below in world.subtree(change.id)[1:]:
            if below.deleted is not change.deleted:
                yield stream_id(CATEGORY, below.id)


def _streams(change: Any) -> Iterator[str]:
    """What it looks at for certain: its item, and the other end of a link."""
    yield stream_id(getattr(change, "category", CATEGORY), change.id)
    if isinstance(change, LinkWorkItems):
        yield stream_id(ENHANCEMENT if change.kind == IMPLEMENTS else CATEGORY, change.to_id)


def _required_items(change: Any) -> set[str]:
    """The items that a change needs to be there."""
    own = () if isinstance(change, CreateWorkItem) else (change.id,)
    others = (getattr(change, "parent_id", None), getattr(change, "to_id", None))
    return {name for name in (*own, *others) if isinstance(name, str)}


def change_all(command: ChangeWorkItems, world: World, rule: DecideOne) -> Decided:
    """What happens; raises one refusal with a verdict on every change that is refused, unless those are left out."""
    made = plan(command, world, rule)
    refused = {number: outcome.refused for number, outcome in enumerate(made.outcomes) if outcome.refused}
    if refused and not command.refused_are_left_out:
        raise refusal(refused, len(made.outcomes))
    return made.decided


def waits_for(number: int | None) -> Refused:
    """The refusal of what builds on an item of the same call that is refused; its number, where that is known."""
    named = "an item of this call" if number is None else f"items.{number}"
    return Refused(f"it builds on {named}, which is refused", rule=WAITS, items=[], next_step="correct that one")


def refusal(refused: Mapping[int, LedgerError], total: int) -> LedgerError:
    """One for all: Invalid if some are, its fields named `items.<number>.<field>`; else Refused. Numbers are from 0.

    A fault that several items share is named once, with the numbers of the others in `also`; what only builds on a
    refused item is counted.
    """
    roots = {number: error for number, error in refused.items() if error.details.get("rule") != WAITS}
    verdicts = _once((number, {"index": number, **error.as_answer()["error"]}) for number, error in roots.items())
    fields = _once(
        (number, {**fault, "field": f"items.{number}.{fault['field']}"})
        for number, error in roots.items()
        if isinstance(error, Invalid)
        for fault in error.details["fields"]
    )
    first = next(iter(roots))
    waiting = (
        f", {len(refused) - len(roots)} of them only because they build on one" if len(roots) < len(refused) else ""
    )
    sentence = (
        f"{len(refused)} of {total} items are refused{waiting}, so nothing was recorded; "
        f"items.{first}: {refused[first].message}"
    )
    next_step = "correct those and send all again, or send all_or_nothing=false to record the others"
    if fields:
        return Invalid(sentence, next_step=next_step, fields=fields, items=verdicts)
    return Refused(sentence, next_step=next_step, rule="all_or_nothing", items=verdicts)


def _once(faults: Iterable[tuple[int, dict[str, Any]]]) -> list[dict[str, Any]]:
    """Each of several like ones once, with the numbers of the others; they are alike but for the number in them."""
    found: dict[str, dict[str, Any]] = {}
    for number, entry in faults:
        alike = str({**entry, "index": None}).replace(f"items.{number}.", "")
        if alike in found:
            found[alike].setdefault("also", []).append(number)
        else:
            found[alike] = dict(entry)
    return list(found.values())
