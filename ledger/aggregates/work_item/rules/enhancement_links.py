"""Which enhancement a work item carries out: a link of the item, so that no two writers conflict over one."""

from collections.abc import Iterable

from ledger.aggregates.decider import Decided
from ledger.aggregates.guards import existing
from ledger.aggregates.work_item.commands import LinkWorkItems
from ledger.aggregates.work_item.events import WorkItemLinked, WorkItemUnlinked
from ledger.aggregates.work_item.item_summaries import CATEGORY, state_summary
from ledger.aggregates.work_item.rules.archive import refuse_archived
from ledger.aggregates.work_item.state import IMPLEMENTS, WorkItem
from ledger.envelope import stream_id
from ledger.errors import Refused
from ledger.world import World

ENHANCEMENT = "enhancement"


def implement(command: LinkWorkItems, world: World) -> Decided:
    """Its status stays as it is: what was wanted may be more than the work that was linked."""
    item: WorkItem = existing(world, CATEGORY, command.id, command.expected)
    refuse_archived(world, command.id, item)
    stream = stream_id(CATEGORY, command.id)
    is_there = any((link.kind, link.to_id) == (IMPLEMENTS, command.to_id) for link in item.links)
    if command.remove:
        return [(stream, WorkItemUnlinked(kind=IMPLEMENTS, to_id=command.to_id))] if is_there else []
    existing(world, ENHANCEMENT, command.to_id, None)
    if item.deleted:
        gone = [state_summary(world, command.id, item)]
        raise Refused("a deleted item cannot be linked", rule="deleted", items=gone, next_step="restore it first")
    return [] if is_there else [(stream, WorkItemLinked(kind=IMPLEMENTS, to_id=command.to_id, note=command.note))]


def check_enhancements(world: World, ids: Iterable[str]) -> None:
    """Raises Refused for one whose creation was undone."""
    for enhancement_id in ids:
        existing(world, ENHANCEMENT, enhancement_id, None)
