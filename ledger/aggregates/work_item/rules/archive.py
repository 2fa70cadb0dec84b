"""What may leave the default lists, and how it comes back: an item with its whole subtree, never a part of a tree."""

from datetime import datetime, timedelta

from ledger.aggregates.decider import Decided
from ledger.aggregates.guards import existing
from ledger.aggregates.work_item.commands import ArchiveWorkItems, RestoreArchived
from ledger.aggregates.work_item.events import WorkItemArchived, WorkItemUnarchived
from ledger.aggregates.work_item.item_summaries import CATEGORY, neighbour_summaries, state_summary
from ledger.aggregates.work_item.state import WorkItem
from ledger.envelope import stream_id
from ledger.errors import LostRace, Refused
from ledger.world import Neighbour, World


def refuse_archived(world: World, entity_id: str, item: WorkItem) -> None:
    if item.archived:
        raise Refused(
            f"{world.reference(CATEGORY, entity_id)} is archived",
            rule="archived",
            items=[state_summary(world, entity_id, item)],
            next_step=_restore(world, entity_id),
        )


def refuse_archived_parent(world: World, parent: Neighbour) -> None:
    if parent.archived:
        raise Refused(
            "the parent is archived",
            rule="parent_archived",
            items=neighbour_summaries(world, [parent]),
            next_step=_restore(world, parent.id),
        )


def archive(command: ArchiveWorkItems, world: World) -> Decided:
    """The age of an item is that of its last event, by the clock of its writer."""
    if command.id is not None:
        return _archive_one(command.id, command.older_than_days or 0, world)
    days = world.settings().archive_days if command.older_than_days is None else command.older_than_days
    before = _before(days, world)
    found = world.finished(before)
    world.look(stream_id(CATEGORY, entity_id) for entity_id in found)
    if any(_changed(entity_id, world) > before for entity_id in found):
        raise LostRace("an item changed after it was found old enough")
    return [(stream_id(CATEGORY, entity_id), WorkItemArchived()) for entity_id in found]


def restore(command: RestoreArchived, world: World) -> Decided:
    existing(world, CATEGORY, command.id, None)
    around = [*reversed(world.lineage(command.id)), *world.subtree(command.id)[1:]]
    return [(stream_id(CATEGORY, other.id), WorkItemUnarchived()) for other in around if other.archived]


def _archive_one(entity_id: str, days: int, world: World) -> Decided:
    existing(world, CATEGORY, entity_id, None)
    tree = world.subtree(entity_id)
    world.look(stream_id(CATEGORY, below.id) for below in tree)
    unfinished = [below for below in tree if not below.finished and not below.deleted]
    if unfinished:
        raise Refused(
            f"{world.reference(CATEGORY, entity_id)} and its subtree hold {len(unfinished)} unfinished items",
            rule="unfinished",
            items=neighbour_summaries(world, unfinished),
            next_step="complete or delete those first",
        )
    before = _before(days, world)
    recent = [below for below in tree if not below.archived and _changed(below.id, world) > before]
    if days and recent:
        raise Refused(
            f"{len(recent)} items of the subtree of {world.reference(CATEGORY, entity_id)} changed within {days} days",
            rule="too_recent",
            items=neighbour_summaries(world, recent),
            next_step="send a smaller older_than_days",
        )
    return [(stream_id(CATEGORY, below.id), WorkItemArchived()) for below in tree if not below.archived]


def _before(days: int, world: World) -> datetime:
    return world.now - timedelta(days=days)


def _changed(entity_id: str, world: World) -> datetime:
    return world.past(stream_id(CATEGORY, entity_id))[-1].occurred_at


def _restore(world: World, entity_id: str) -> str:
    ref = world.reference(CATEGORY, entity_id)
    return f"bring it back first: archive_work_items with action restore and id {ref}"
