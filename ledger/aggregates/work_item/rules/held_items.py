"""Items that another caller holds: to delete or rename one is refused with its holder, or forced with a reason."""

from collections.abc import Iterable

from msgspec.structs import replace

from ledger.aggregates.decider import Decided, Turns
from ledger.aggregates.work_item.commands import UpdateWorkItem
from ledger.aggregates.work_item.events import WorkItemChange
from ledger.aggregates.work_item.item_summaries import CATEGORY
from ledger.aggregates.work_item.rules.claims import claimed, held_by_another
from ledger.aggregates.work_item.rules.status_changes import reason
from ledger.aggregates.work_item.state import WorkItem
from ledger.envelope import Fact, id_of, stream_id
from ledger.problems import check, problem
from ledger.world import World


def overridden(command: UpdateWorkItem, item: WorkItem, world: World) -> str | None:
    """Why an item is deleted or renamed that another holds; None where no other does. Raises Refused without force."""
    renames = command.fields.get("title", item.title) != item.title
    deletes = bool(command.deleted) and not item.deleted
    return _forced(command, command.id, item, world) if renames or deletes else None


def overridden_below(command: UpdateWorkItem, below: Iterable[str], world: World) -> dict[str, str | None]:
    """The same of items that a deletion takes along, by id."""
    ids = list(below)
    world.look(stream_id(CATEGORY, entity_id) for entity_id in ids)
    return {entity_id: _forced(command, entity_id, world.state(CATEGORY, entity_id), world) for entity_id in ids}


def accounted(command: UpdateWorkItem, decided: Decided, world: World) -> Decided:
    """What an update decides, with whose claim was forced, and with its reason where no fact has that yet.

    Raises Invalid for a reason without a change, which would be lost unless the item has it already.
    """
    words = command.reason if (command.reason or "").strip() else None
    if not decided:
        if words in (None, world.state(CATEGORY, command.id).block_reason):
            return []
        check([problem("reason", "is recorded with a change, and nothing changes: use comment for a remark", words)])
    facts = [(entry[0], entry[1]) for entry in decided]
    if words and not any(words in (getattr(fact, name, None) for name in ("forced", "reason")) for _, fact in facts):
        head = next(n for n, (_, fact) in enumerate(facts) if isinstance(fact, WorkItemChange))
        facts[head] = (facts[head][0], replace(facts[head][1], reason=words))
    return [(stream, _over_a_claim(stream, fact, world) if command.force else fact) for stream, fact in facts]


def _over_a_claim(stream: str, fact: Fact, world: World) -> Fact:
    taken = held_by_another(world.state(CATEGORY, id_of(stream)), world) if isinstance(fact, WorkItemChange) else None
    return replace(fact, forced_over=taken.by) if taken else fact


def check_held(world: World, turns: Turns[WorkItem]) -> None:
    """Refuses an undo that renames, finishes, deletes or withdraws what another holds: `needed` are all these items."""
    held = {
        entity_id: held_by_another(now, world) for entity_id, (now, then) in turns.items() if _takes_away(now, then)
    }
    kept = {entity_id: claim for entity_id, claim in held.items() if claim is not None}
    for entity_id, claim in kept.items():
        step = (
            f"leave it to {claim.by} or ask them, or send only_untouched=true to take back the rest;"
            " update_work_item changes it all the same with force=true and a reason"
        )
        raise claimed(world, entity_id, turns[entity_id][0], claim, step, needed=list(kept))


def _takes_away(now: WorkItem, then: WorkItem) -> bool:
    gone = then.deleted or then.withdrawn
    return not (now.deleted or now.withdrawn) and (gone or then.finished > now.finished or now.title != then.title)


def _forced(command: UpdateWorkItem, entity_id: str, item: WorkItem, world: World) -> str | None:
    taken = held_by_another(item, world)
    if taken is None:
        return None
    if not command.force:
        step = f"leave it to {taken.by} or ask them, or send force=true with a reason"
        raise claimed(world, entity_id, item, taken, step)
    return reason(command, "changing what another holds")
