"""Records that are known under another id, which has the day on which they began, or lacks it.

A program that completes a line of todo.txt may leave out the day on which it was written. Such a record is the item of
the same words that has a day, unless the file has that one too or both were completed on different days: first the one
that was completed on the same day, then the oldest one that is open.
"""

import re
from collections.abc import Iterator

from msgspec.structs import replace

from ledger.aggregates.work_item.commands import ImportedItem, ImportWorkItems
from ledger.aggregates.work_item.imported.source_state import CATEGORY, began, source_state
from ledger.aggregates.work_item.state import WorkItem
from ledger.envelope import stream_id
from ledger.world import World

CLOSED_AT = "source_closed_at"  # the key of the metadata under which a record's own time of closing is kept
_DAY = re.compile(r"\d{4}-\d\d-\d\d ")
_NUMBER = re.compile(r"  #\d+$")  # of records that have one name

Names = dict[tuple[str, bool], list[str]]  # ids by the name without a day and whether the name has one, oldest first


def recognised(command: ImportWorkItems, world: World) -> Iterator[ImportedItem]:
    """The items; one that is new under its id and known under another one has that other id."""
    names = _names(command, world)
    taken = {item.id for item in command.items}
    for item in command.items:
        known = _recognised(
            item, [other for other in _others(item, names) if other not in taken], command.source, world
        )
        if known is None or began(item.id, world) is not None:
            yield item
        else:
            taken.add(known)
            yield replace(item, id=known)


def _names(command: ImportWorkItems, world: World) -> Names:
    """The ids of the items that new records may be."""
    wanted = {item.undated for item in command.items if item.undated and began(item.id, world) is None}
    found: Names = {}
    prefix = f"{command.source}:"
    for key, entity_id in sorted(world.holders("external_id").items()) if wanted else ():
        name = _NUMBER.sub("", key.removeprefix(prefix))
        for undated, is_dated in ((name, False), (_DAY.sub("", name, count=1), True)):
            if key.startswith(prefix) and undated in wanted and is_dated == (undated != name):
                found.setdefault((undated, is_dated), []).append(entity_id)
    world.look(stream_id(CATEGORY, entity_id) for ids in found.values() for entity_id in ids)
    return found


def _others(item: ImportedItem, names: Names) -> list[str]:
    if item.undated is None:
        return []
    is_dated = _NUMBER.sub("", item.external_id) != item.undated
    return names.get((item.undated, not is_dated), [])


def _recognised(item: ImportedItem, others: list[str], source: str, world: World) -> str | None:
    closed = item.fields.get("metadata", {}).get(CLOSED_AT)
    states: dict[str, WorkItem] = {other: source_state(other, source, world) for other in others}
    closings = {other: state.metadata.get(CLOSED_AT) for other, state in states.items()}
    alike = [other for other in others if None in (closed, closings[other]) or closed == closings[other]]
    return min(alike, key=lambda other: (closings[other] != closed, states[other].finished), default=None)
