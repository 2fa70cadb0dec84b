"""What another holds is not deleted and not renamed without a word: a refusal names the holder, a reason forces it."""

from collections.abc import Iterable

from ledger.decider import Turns
from ledger.envelope import stream_id
from ledger.work_item.commands import UpdateWorkItem
from ledger.work_item.item_summaries import CATEGORY
from ledger.work_item.rules.claiming import claimed, held_by_another
from ledger.work_item.rules.status_changes import reason
from ledger.work_item.state import WorkItem
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
