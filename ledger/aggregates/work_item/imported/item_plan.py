"""What an import has to record: the difference between what its source gave last time and what it gives now.

Nothing is refused for a rule of today: what breaks one is recorded as found, with a warning.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from ledger.aggregates.decider import Decided
from ledger.aggregates.work_item.commands import ImportedItem, ImportWorkItems
from ledger.aggregates.work_item.imported.imported_life import Happened, in_order, moved, news, relinked, whole_life
from ledger.aggregates.work_item.imported.imported_links import Links, arranged
from ledger.aggregates.work_item.imported.kept_links import with_kept_links
from ledger.aggregates.work_item.imported.namesakes import distinct
from ledger.aggregates.work_item.imported.older_records import without_older
from ledger.aggregates.work_item.imported.source_state import CATEGORY, began, source_events, source_state
from ledger.aggregates.work_item.rules.cycles import cycles
from ledger.aggregates.work_item.rules.reviews import imported
from ledger.aggregates.work_item.state import WorkItem
from ledger.envelope import stream_id
from ledger.values.finding import Finding
from ledger.values.states import States, find_state
from ledger.world import World

PLAIN = {"planned": "active", "done": "completed"}  # our own words for these categories


class ItemPlan(Struct, kw_only=True):
    """What to record, and what to tell the person. Items are named by their id in the source, `present` by ours."""

    decided: Decided = []
    created: list[str] = []
    changed: list[str] = []
    present: frozenset[str]
    links_found: Counter[str]
    links_taken: Counter[str]
    warnings: list[Finding]
    not_taken: list[Finding]


def plan(given: ImportWorkItems, world: World) -> ItemPlan:
    """Looks at the streams of all items at once, and decides for each what happened to it in the source."""
    world.look(dict.fromkeys(_streams(given)))
    found = distinct(given, world)
    world.look(stream_id(CATEGORY, item.id) for item in found.items)  # those that have another id now
    fresh, older = without_older(replace(given, items=found.items), world)
    command = replace(given, items=fresh)
    links = arranged(command, lambda entity_id: world.state(CATEGORY, entity_id))
    early: list[Finding] = []
    creation, states = _creation(command, world), world.settings().states
    items = [with_kept_links(_in_known_state(item, states), creation, early) for item in command.items]
    made = ItemPlan(
        present=frozenset(item.id for item in found.items),
        links_found=links.found,
        links_taken=links.taken,
        warnings=[*found.warnings, *older, *early, *links.warnings],
        not_taken=[*found.not_taken, *links.not_taken],
    )
    _expect_questions(items, links, world)
    happened: list[tuple[str, Happened]] = []
    for item in items:
        stream = stream_id(CATEGORY, item.id)
        if world.past(stream):
            facts = imported(_happened_since(item, links, command.source, world, made), item.id, world)
            made.changed += [item.external_id] if facts else []
        else:
            facts = imported(whole_life(item, links, command.source), item.id, world)
            made.created.append(item.external_id)
        happened += ((stream, fact) for fact in facts)
    happened += _on_others(links, command, world, made)
    happened.sort(key=lambda entry: entry[1][1].at)  # stable: each stream's own order stays
    made.decided = [(stream, fact, mark.by, mark.at) for stream, (fact, mark) in happened]
    made.warnings += [*_too_deep(command, links, world), *_cycles(command, links)]
    return made


def _in_known_state(item: ImportedItem, states: States) -> ImportedItem:
    """A word that means a state of this ledger, or an original one, is that state; any other stays the source's own.

    What is to be done or done without more is so in our words too.
    """
    if item.status is None or item.category is None:
        return item
    known = find_state(states, item.status)
    if known is not None:
        return replace(item, status=known.name, category=known.category)
    return replace(item, status=PLAIN[item.category], category=None) if item.category in PLAIN else item


def _streams(command: ImportWorkItems) -> Iterator[str]:
    for item in command.items:
        yield stream_id(CATEGORY, item.id)
        for link in item.links:
            yield stream_id(CATEGORY, link.to_id)


def _creation(command: ImportWorkItems, world: World) -> Callable[[str], datetime | None]:
    """Tells when an item began: as it is recorded, else as the source says."""
    created = {item.id: item.created.at for item in command.items}
    return lambda entity_id: began(entity_id, world) or created.get(entity_id)


def _happened_since(item: ImportedItem, links: Links, source: str, world: World, made: ItemPlan) -> list[Happened]:
    """What is not this source's word in the item's past was said here, or by another source."""
    now: WorkItem = world.state(CATEGORY, item.id)
    then = source_state(item.id, source, world)
    unfinished = item.id in links.unfinished or _completes_over_others(item, now, links, world)
    happened, clashes = news(item, then, now, links, unfinished)
    if now.withdrawn:
        made.warnings.append(Finding("withdrawn_here", item.external_id))
        return []
    if now.deleted and not then.deleted:
        made.warnings += [Finding("deleted_here", item.external_id)] if happened or clashes else []
        return []
    made.warnings += [Finding("changed_on_both_sides", f"{item.external_id}: {field}") for field in clashes]
    last = max((event.occurred_at for event in source_events(item.id, source, world)), default=item.created.at)
    return in_order(happened, last)


def _expect_questions(items: Iterable[ImportedItem], links: Links, world: World) -> None:
    """What is around the items is asked for all of them at once."""
    known = [item for item in items if world.past(stream_id(CATEGORY, item.id))]
    ending = [item.id for item in known if _comes_to_an_end(item, world.state(CATEGORY, item.id))]
    world.expect("subtrees", ending)
    world.expect("blockers", ending)
    world.expect("lineages", (link.to_id for link in links.parents.values() if link.to_id not in links.items))


def _comes_to_an_end(item: ImportedItem, now: WorkItem) -> bool:
    return item.finished and not now.finished


def _completes_over_others(item: ImportedItem, now: WorkItem, links: Links, world: World) -> bool:
    """Whether it is newly completed over open children or blockers that are in the ledger only."""
    if not _comes_to_an_end(item, now):
        return False
    around = [below for below in world.subtree(item.id) if below.depth == 1] + world.blockers(item.id)
    return any(not one.deleted and not one.finished and one.id not in links.items for one in around)


def _on_others(links: Links, command: ImportWorkItems, world: World, made: ItemPlan) -> Iterator[tuple[str, Happened]]:
    """Links whose owner, and places in the tree whose item, is in the ledger but not in this source."""
    changed = {item.id: item.changed for item in command.items}
    for owner in dict.fromkeys([*links.owned, *links.parents]):
        if owner in links.items:
            continue
        then, now, clashes = source_state(owner, command.source, world), world.state(CATEGORY, owner), list[str]()
        earliest = world.past(stream_id(CATEGORY, owner))[0].occurred_at
        happened = [*relinked(owner, then, now, command.items[0].changed, replace(links, stated={}))]  # unlinks nothing
        if parent := links.parents.get(owner):
            happened += moved(parent, then, now, changed[parent.to_id], clashes)
            made.warnings += [Finding("changed_on_both_sides", f"{parent.to} -> {owner}: {name}") for name in clashes]
        yield from ((stream_id(CATEGORY, owner), fact) for fact in in_order(happened, earliest))


def _too_deep(command: ImportWorkItems, links: Links, world: World) -> Iterator[Finding]:
    limit = world.settings().depth_limit
    depths: dict[str, int] = {}
    for item in command.items:
        line: dict[str, None] = {}
        at = item.id
        while at not in depths and at not in line and at in links.items:
            line[at] = None
            at = links.parents[at].to_id if at in links.parents else ""
        if at and at not in depths and at not in links.items:
            depths[at] = len(world.lineage(at)) - 1
        above = depths.get(at, -1)
        depths.update((below, depth) for depth, below in enumerate(reversed(line), above + 1))
        if depths[item.id] > limit:
            yield Finding("deeper_than_the_limit", f"{item.external_id} (depth {depths[item.id]}, limit {limit})")


def _cycles(command: ImportWorkItems, links: Links) -> Iterator[Finding]:
    names = {item.id: item.external_id for item in command.items}
    parents = {child: link.to_id for child, link in links.parents.items()}
    blocks = ((owner, to) for owner, keys in links.owned.items() for kind, to in keys if kind == "blocks")
    for cycle in cycles(parents, blocks):
        yield Finding("cycle", ", ".join(sorted(names.get(entity_id, entity_id) for entity_id in cycle)))
