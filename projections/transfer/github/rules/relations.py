"""Sub-issues and dependencies: which other items an item and its issue name, and what is recorded of that.

An issue's parent is the item's parent, and what it blocks are the item's links of that kind. What only one side can
name, because it is no issue of this repository, is left as it is on that side.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import UNSET, Struct

from ledger.aggregates.work_item.events import WorkItemLinked, WorkItemMoved, WorkItemUnlinked
from ledger.aggregates.work_item.imported.source_state import CATEGORY
from ledger.aggregates.work_item.rules.cycles import cycles
from ledger.aggregates.work_item.state import WorkItem
from ledger.envelope import Fact, stream_id
from ledger.world import World
from projections.transfer.github.interface.issues import Issue

PARENT, BLOCKING = "parent", "blocking"  # fields of the sides
BLOCKS = "blocks"  # the kind of the links
GONE = "github_gone"  # in the metadata: why the issue is not there any more

Side = Mapping[str, Any]
Sides = tuple[dict[str, Any], dict[str, Any], dict[str, Any]]  # base, ours, theirs
NONE: frozenset[str] = frozenset()


class Taking(Struct, frozen=True, kw_only=True):
    """What is new on GitHub about one item: another parent, items that it blocks, and such that it does no more."""

    item_id: str
    parent: Any = UNSET  # or an id, or None
    added: frozenset[str] = NONE
    removed: frozenset[str] = NONE


def of_item(item: WorkItem) -> dict[str, Any]:
    return {PARENT: item.parent_id, BLOCKING: frozenset(link.to_id for link in item.links if link.kind == BLOCKS)}


def of_issue(issue: Issue) -> dict[str, Any]:
    parent = {} if issue.parent is UNSET else {PARENT: issue.parent}
    return parent if issue.blocking is None else parent | {BLOCKING: issue.blocking}


def named_ids(sides: Iterable[Side]) -> set[str]:
    """The ids of other items that these sides name."""
    found = {other for side in sides for other in side.get(BLOCKING, ())}
    return found | {side[PARENT] for side in sides if side.get(PARENT) is not None}


def comparable(base: Side, ours: Side, theirs: Side, repository: str, world: World) -> Sides:
    """The links without what GitHub cannot say: only what is an issue there."""
    others = named_ids((base, ours, theirs))
    world.look(stream_id(CATEGORY, other) for other in others)
    issues = frozenset(other for other in others if is_issue(other, repository, world))
    base, ours, theirs = ({**side} for side in (base, ours, theirs))
    for side in (base, ours, theirs):
        if BLOCKING in side:
            side[BLOCKING] &= issues
    if theirs.get(PARENT) is None and ours[PARENT] not in {None, *issues}:
        for side in (base, ours, theirs):
            side.pop(PARENT, None)
    return base, ours, theirs


def is_issue(item_id: str, repository: str, world: World) -> bool:
    item: WorkItem = world.state(CATEGORY, item_id)
    return (item.external_id or "").startswith(f"{repository}#") and not item.withdrawn and GONE not in item.metadata


def taking(item_id: str, base: Side, ours: Side, theirs: Side, take: Side) -> Taking:
    if BLOCKING not in theirs:
        return Taking(item_id=item_id, parent=take.get(PARENT, UNSET))
    before, here, there = base[BLOCKING], ours[BLOCKING], theirs[BLOCKING]
    return Taking(
        item_id=item_id,
        parent=take.get(PARENT, UNSET),
        added=there - here - before,
        removed=(here & before) - there,
    )


def refused(takings: Iterable[Taking], world: World) -> frozenset[tuple[str, str]]:
    """(item, other) of what cannot be taken: items would wait for themselves, or lie below one that is deleted."""
    moves = {one.item_id: one.parent for one in takings if one.parent is not UNSET}
    added = [(one.item_id, other) for one in takings for other in sorted(one.added)]
    removed = {(one.item_id, other) for one in takings for other in one.removed}
    deleted = {(child, up) for child, up in moves.items() if up is not None and world.state(CATEGORY, up).deleted}
    wanted = [*((child, up, PARENT) for child, up in moves.items() if up), *((*pair, BLOCKING) for pair in added)]
    if not wanted:
        return frozenset()
    parents, links = world.edges()
    parents = {child: up for child, up in parents.items() if child not in moves}
    links = [link for link in links if link not in removed]
    return frozenset(deleted | set(_closing(parents, links, wanted)))


def _closing(
    parents: dict[str, str], links: list[tuple[str, str]], wanted: list[tuple[str, str, str]]
) -> Iterator[tuple[str, str]]:
    """What closes a cycle: asked of all at once, and one after the other only where some does."""
    known = cycles(parents, links)
    every = {child: up for child, up, field in wanted if field == PARENT}
    blocks = [(one, other) for one, other, field in wanted if field == BLOCKING]
    if cycles(parents | every, links + blocks) == known:
        return
    for one, other, field in wanted:
        more = (parents | {one: other}, links) if field == PARENT else (parents, [*links, (one, other)])
        if cycles(*more) == known:
            parents, links = more
        else:
            yield one, other


def taken(now: WorkItem, new: Taking, refusals: frozenset[tuple[str, str]]) -> Iterator[Fact]:
    if new.parent is not UNSET and (new.item_id, new.parent) not in refusals:
        yield WorkItemMoved(old_parent_id=now.parent_id, new_parent_id=new.parent)
    for other in sorted(new.added):
        if (new.item_id, other) not in refusals:
            yield WorkItemLinked(kind=BLOCKS, to_id=other)
    for other in sorted(new.removed):
        yield WorkItemUnlinked(kind=BLOCKS, to_id=other)


def confirmed(now: WorkItem, base: Side, ours: Side, theirs: Side) -> Iterator[Fact]:
    """What both have alike and had not: by a fact that changes nothing."""
    if PARENT in theirs and ours[PARENT] == theirs[PARENT] != base[PARENT]:
        yield WorkItemMoved(old_parent_id=now.parent_id, new_parent_id=now.parent_id)
    if BLOCKING not in theirs:
        return
    notes = {link.to_id: link.note for link in now.links if link.kind == BLOCKS}
    for other in sorted((ours[BLOCKING] & theirs[BLOCKING]) - base[BLOCKING]):
        yield WorkItemLinked(kind=BLOCKS, to_id=other, note=notes[other])
    for other in sorted(base[BLOCKING] - ours[BLOCKING] - theirs[BLOCKING]):
        yield WorkItemUnlinked(kind=BLOCKS, to_id=other)
