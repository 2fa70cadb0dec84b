"""Records of a source that share an id and are different records, because the source gave the id again.

The record that began when the ledger's item of that id began is that item. Any other one is known by the id together
with the time it began, unless it has the item's title, or one of the two records does not say when it began.
"""

from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from ledger.aggregates.work_item.commands import ImportedItem, ImportWorkItems
from ledger.aggregates.work_item.imported.partial_records import BEGAN
from ledger.aggregates.work_item.imported.renamed_records import recognised
from ledger.aggregates.work_item.imported.source_state import CATEGORY, began, source_state
from ledger.envelope import import_of, imported_id, stream_id
from ledger.values.finding import Finding
from ledger.values.moment import text
from ledger.world import World

UNKNOWN = "an unknown time"


class Distinct(Struct, kw_only=True):
    """The items, each with an id of its own, and what to report of those whose id or time has changed."""

    items: tuple[ImportedItem, ...]
    warnings: list[Finding] = []
    not_taken: list[Finding] = []


def distinct(command: ImportWorkItems, world: World) -> Distinct:
    """Gives each record an id of its own. A link by a shared id means the record that was not put aside."""
    found = Distinct(items=())
    groups: dict[str, list[ImportedItem]] = {}
    for item in recognised(command, world):
        groups.setdefault(item.id, []).append(item)
    referred: dict[str, str] = {}
    items: dict[str, ImportedItem] = {}
    for entity_id, members in groups.items():
        own = _own(entity_id, members, command.source, world)
        named = [member if member is own else _renamed(member, command.source, world) for member in members]
        found.warnings += _findings(entity_id, members, own, command.source, world)
        for one in named:
            if items.setdefault(one.id, one) is not one:
                found.not_taken.append(Finding("repeated_id", one.external_id))
        referred[entity_id] = _referred(members[0].external_id, named, command.source, world)
    found.items = tuple(_linked(item, referred) for item in items.values())
    return found


def _own(entity_id: str, members: list[ImportedItem], source: str, world: World) -> ImportedItem | None:
    """The record that is the ledger's item with this id, or becomes it."""
    start = began(entity_id, world)
    if start is None:
        return next((member for member in members if not member.put_aside), None)
    if world.past(stream_id(CATEGORY, entity_id))[0].command != import_of(source):
        return next((member for member in members if not member.put_aside), None)  # it began here, and was sent there
    known = source_state(entity_id, source, world)
    if BEGAN in known.metadata:
        return next((member for member in members if not member.put_aside), None)
    title = known.title
    same = [member for member in members if member.created_in_source == start]
    alike = [member for member in members if member.created_in_source is None or member.fields.get("title") == title]
    return next(iter([*same, *alike]), None)


def _renamed(item: ImportedItem, source: str, world: World) -> ImportedItem:
    name = f"{item.external_id} of {text(item.created_in_source) if item.created_in_source else UNKNOWN}"
    return replace(item, id=imported_id(world.ledger, source, name), external_id=name)


def _referred(name: str, named: list[ImportedItem], source: str, world: World) -> str:
    """The item that links by an id lead to. Where all its records are put aside, the newest other one that is known."""
    present = {one.id for one in named if one.put_aside}
    if len(present) < len(named):
        return next(one.id for one in named if not one.put_aside)
    held = world.holders("external_id")
    others = [key for key in held if key.startswith(f"{source}:{name} of ") and held[key] not in present]
    return held[max(others)] if others else imported_id(world.ledger, source, f"{name} of {UNKNOWN}")


def _findings(
    entity_id: str, members: list[ImportedItem], own: ImportedItem | None, source: str, world: World
) -> Iterator[Finding]:
    start = began(entity_id, world)
    for member in members:
        if member is not own:
            yield Finding("id_given_again", member.external_id)
        elif start is not None and member.created_in_source not in (None, start):
            yield Finding("began_at_another_time", f"{member.external_id}: {text(start)} is kept")


def _linked(item: ImportedItem, referred: dict[str, str]) -> ImportedItem:
    if all(referred.get(link.to_id, link.to_id) == link.to_id for link in item.links):
        return item
    return replace(item, links=tuple(replace(link, to_id=referred.get(link.to_id, link.to_id)) for link in item.links))
