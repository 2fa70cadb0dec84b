"""What must hold of work items after an undo: the rules of every other change, asked of all its items together."""

from collections.abc import Iterable, Iterator
from functools import cached_property

from ledger.aggregates.decider import Turns
from ledger.aggregates.work_item.item_summaries import CATEGORY, state_summaries
from ledger.aggregates.work_item.rules.cycles import cycles
from ledger.aggregates.work_item.rules.enhancement_links import check_enhancements
from ledger.aggregates.work_item.rules.held_items import check_held
from ledger.aggregates.work_item.state import IMPLEMENTS, WorkItem
from ledger.envelope import stream_id
from ledger.errors import Refused
from ledger.values.dates import begins, ends
from ledger.world import World

MANY = 20  # items, from which on the tree is read once instead of asked for each of them

Link = tuple[str, str]  # kind, other end


class After:
    """The work items as they will be: those of the undo as it leaves them, all others as they are."""

    def __init__(self, world: World, turns: Turns[WorkItem]) -> None:
        self.world = world
        self._turns = turns
        around = (other for now, then in turns.values() for other in _around(now, then))
        world.look(stream_id(CATEGORY, entity_id) for entity_id in dict.fromkeys([*turns, *around]))
        world.expect("blockers", [entity_id for entity_id, (now, then) in turns.items() if _comes_to_an_end(now, then)])
        if len(turns) <= MANY:
            world.expect("subtrees", turns)

    def item(self, entity_id: str) -> WorkItem:
        if entity_id in self._turns:
            return self._turns[entity_id][1]
        found: WorkItem = self.world.state(CATEGORY, entity_id)
        return found

    def ref(self, entity_id: str) -> str:
        return self.world.reference(CATEGORY, entity_id)

    def children(self, entity_id: str) -> list[str]:
        """Its children that are not deleted."""
        there = [below for below, depth in self.below(entity_id) if depth == 1]
        coming = [other for other, (_, then) in self._turns.items() if then.parent_id == entity_id]
        found = {child: self.item(child) for child in [*there, *coming]}
        return [child for child, item in found.items() if item.parent_id == entity_id and _living(item)]

    def below(self, entity_id: str) -> list[tuple[str, int]]:
        """What stands below it now, with its depth from there; at least all that is not deleted."""
        if len(self._turns) <= MANY:
            return [(below.id, below.depth) for below in self.world.subtree(entity_id)[1:]]
        found: dict[str, int] = {entity_id: 0}
        waiting = [entity_id]
        while waiting:
            parent = waiting.pop()
            fresh = [child for child in self._tree.get(parent, ()) if child not in found]
            found |= dict.fromkeys(fresh, found[parent] + 1)
            waiting += fresh
        del found[entity_id]
        return list(found.items())

    @cached_property
    def _tree(self) -> dict[str, list[str]]:
        children: dict[str, list[str]] = {}
        for child, parent in self.world.edges()[0].items():
            children.setdefault(parent, []).append(child)
        return children

    def depth(self, entity_id: str) -> int:
        """How many items are above it; an imported cycle ends where it began."""
        above: set[str] = set()
        parent = self.item(entity_id).parent_id
        while parent is not None and parent not in above:
            above.add(parent)
            parent = self.item(parent).parent_id
        return len(above)


def check_undo(world: World, turns: Turns[WorkItem]) -> None:
    """Refuses an undo after which one of the rules of work items would not hold."""
    check_held(world, turns)
    after = After(world, turns)
    _check_children(after, turns)
    _check_series(after, turns)
    for entity_id, (now, then) in turns.items():
        if _living(then):
            _check_parent(after, entity_id, now, then)
            _check_milestone(after, entity_id, now, then)
            _check_dates(after, entity_id, now, then)
            _check_links(after, entity_id, now, then)
            _check_finished(world, after, entity_id, now, then)
            _check_archived(after, entity_id, now, then)
    _check_depth(world, after, turns)
    _check_cycles(world, turns)


def _check_children(after: After, turns: Turns[WorkItem]) -> None:
    """`needed` are those that must stay, because items stay below them."""
    gone = [entity_id for entity_id, (now, then) in turns.items() if _living(now) and not _living(then)]
    left = {entity_id: after.children(entity_id) for entity_id in gone}
    staying = [child for children in left.values() for child in children]
    if staying:
        raise Refused(
            f"{len(staying)} items that are not deleted would be left below one that is",
            rule="living_children",
            items=_summaries(after, staying),
            needed=[entity_id for entity_id, children in left.items() if children],
            next_step="delete or move those first",
        )


def _check_series(after: After, turns: Turns[WorkItem]) -> None:
    """An item and the one that came after it go back together: else another completion would make a second one."""
    for entity_id, (now, then) in turns.items():
        if then.next_id is not None:
            torn = _living(then) and not _is_present(after.item(then.next_id))
        else:
            torn = now.next_id is not None and _is_present(after.item(now.next_id))
        maker = then.recurrence_of if _is_present(now) and not _is_present(then) else None
        torn = torn or (maker is not None and after.item(maker).next_id == entity_id)
        if torn:
            other = then.next_id or now.next_id or maker or entity_id
            raise Refused(
                f"{after.ref(entity_id)} and {after.ref(other)} follow each other and are only undone together",
                rule="series",
                items=_summaries(after, [entity_id, other]),
                needed=[entity_id],
                next_step="undo the whole command instead of one item of it",
            )


def _is_present(item: WorkItem) -> bool:
    """Whether it is there, be it deleted: a deletion ends a series and is no undo of it."""
    return item.exists and not item.withdrawn


def _check_parent(after: After, entity_id: str, now: WorkItem, then: WorkItem) -> None:
    if then.parent_id is None or (_living(now) and now.parent_id == then.parent_id):
        return
    parent = after.item(then.parent_id)
    if not _living(parent):
        gone = "withdrawn" if parent.withdrawn else "deleted"
        raise Refused(
            f"the parent of {after.ref(entity_id)} is {gone}",
            rule="parent_deleted",
            items=_summaries(after, [then.parent_id]),
            next_step=f"{'undo that' if parent.withdrawn else 'restore'} {after.ref(then.parent_id)} first",
        )


def _check_milestone(after: After, entity_id: str, now: WorkItem, then: WorkItem) -> None:
    if then.milestone_id is None or then.milestone_id == now.milestone_id or _living(after.item(then.milestone_id)):
        return
    raise Refused(
        f"the milestone of {after.ref(entity_id)} is deleted",
        rule="deleted",
        items=_summaries(after, [then.milestone_id]),
        next_step="restore it first",
    )


def _check_dates(after: After, entity_id: str, now: WorkItem, then: WorkItem) -> None:
    """`needed` is the item, which stays as it is where the rest of a command is undone."""
    if then.due is None or then.not_before is None or begins(then.not_before) <= ends(then.due):
        return
    if (now.due, now.not_before) != (then.due, then.not_before):
        raise Refused(
            f"{after.ref(entity_id)} would begin on {then.not_before}, after it is due on {then.due}",
            rule="dates",
            items=_summaries(after, [entity_id]),
            needed=[entity_id],
            next_step="change the other of the two first, due or not_before",
        )


def _check_links(after: After, entity_id: str, now: WorkItem, then: WorkItem) -> None:
    there = _links(now)
    again = _links(then) - there
    lost = [other for kind, other in again if kind != IMPLEMENTS and not _living(after.item(other))]
    if lost:
        raise Refused(
            f"{after.ref(entity_id)} would be linked to what is deleted",
            rule="deleted",
            items=_summaries(after, lost),
            next_step="restore those first",
        )
    check_enhancements(after.world, [other for kind, other in again if kind == IMPLEMENTS])


def _check_finished(world: World, after: After, entity_id: str, now: WorkItem, then: WorkItem) -> None:
    if not _comes_to_an_end(now, then):
        return
    open_below = [child for child in after.children(entity_id) if not after.item(child).finished]
    blocking = world.blockers(entity_id) if then.category == "done" else []
    blockers = [blocker.id for blocker in blocking if not after.item(blocker.id).finished]
    if open_below or blockers:
        raise Refused(
            f"{after.ref(entity_id)} would be completed over"
            f" {len(open_below)} unfinished children and {len(blockers)} open blockers",
            rule="unfinished",
            items=_summaries(after, [*open_below, *blockers]),
            children=open_below,
            blockers=blockers,
            next_step="finish those first",
        )


def _check_archived(after: After, entity_id: str, now: WorkItem, then: WorkItem) -> None:
    if not then.archived or now.archived:
        return
    below = [entity_id, *(other for other, _ in after.below(entity_id))]
    unfinished = [other for other in below if _living(after.item(other)) and not after.item(other).finished]
    if unfinished:
        raise Refused(
            f"{after.ref(entity_id)} and its subtree hold {len(unfinished)} unfinished items",
            rule="unfinished",
            items=_summaries(after, unfinished),
            next_step="complete or delete those first",
        )


def _check_depth(world: World, after: After, turns: Turns[WorkItem]) -> None:
    moved = {
        entity_id: then.parent_id
        for entity_id, (now, then) in turns.items()
        if _living(then) and then.parent_id is not None and (now.parent_id != then.parent_id or not _living(now))
    }
    if not moved:
        return
    limit = world.settings().depth_limit
    for entity_id in moved:
        deepest = after.depth(entity_id) + max((depth for _, depth in after.below(entity_id)), default=0)
        if deepest > limit:
            raise Refused(
                f"{after.ref(entity_id)} or its subtree would reach depth {deepest}, the limit is {limit}",
                rule="depth_limit",
                items=_summaries(after, [entity_id]),
                depth=deepest,
                limit=limit,
                next_step="move it nearer to the root, or raise the setting depth_limit",
            )


def _check_cycles(world: World, turns: Turns[WorkItem]) -> None:
    """One new tie is a question to the read models; of several, each may close the cycle of another."""
    existing = [(entity_id, now, then) for entity_id, (now, then) in turns.items() if _living(then)]
    moved = {
        entity_id: then.parent_id
        for entity_id, now, then in existing
        if then.parent_id and then.parent_id != now.parent_id
    }
    added = [(entity_id, *link) for entity_id, now, then in existing for link in _links(then) - _links(now)]
    blocks = [(entity_id, other) for entity_id, kind, other in added if kind == "blocks"]
    if len(moved) + len(blocks) == 0:
        return
    if len(moved) + len(blocks) == 1:
        closed = [[*pair] for pair in [*_closing_moves(world, moved), *_closing_blocks(world, blocks)]]
    else:
        closed = _new_cycles(world, turns, moved, blocks)
    if closed:
        refs = world.references(CATEGORY, closed[0])
        raise Refused(
            f"by hierarchy and links {', '.join(refs[one] for one in closed[0])} would wait for themselves",
            rule="dependency_cycle",
            items=state_summaries(world, {one: world.state(CATEGORY, one) for one in closed[0]}),
            next_step="remove the link or the parent that closes the cycle",
        )


def _closing_moves(world: World, moved: dict[str, str]) -> Iterator[tuple[str, str]]:
    for entity_id, parent in moved.items():
        if (
            parent == entity_id
            or world.precedes(("start", entity_id), ("start", parent), without=entity_id)
            or world.precedes(("finish", parent), ("finish", entity_id), without=entity_id)
        ):
            yield entity_id, parent


def _closing_blocks(world: World, blocks: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    for blocker, blocked in blocks:
        if world.precedes(("start", blocked), ("finish", blocker)):
            yield blocker, blocked


def _new_cycles(
    world: World, turns: Turns[WorkItem], moved: dict[str, str], blocks: list[tuple[str, str]]
) -> list[list[str]]:
    """The cycles that would be there, with both ends of a restored tie in them, and are not there now."""
    parents, links = world.edges()
    before = cycles(parents, links)
    for entity_id, (_, then) in turns.items():
        parents.pop(entity_id, None)
        if _living(then) and then.parent_id is not None:
            parents[entity_id] = then.parent_id
    own = {
        (entity_id, other) for entity_id, (_, then) in turns.items() for kind, other in _links(then) if kind == "blocks"
    }
    links = [*(tie for tie in links if tie[0] not in turns), *sorted(own)]
    edges = [*moved.items(), *blocks]
    after = [cycle for cycle in cycles(parents, links) if cycle not in before]
    return [cycle for cycle in after if any(one in cycle and other in cycle for one, other in edges)]


def _comes_to_an_end(now: WorkItem, then: WorkItem) -> bool:
    """Whether the rule for what is completed has to hold."""
    return then.finished and then.forced is None and not (now.finished and _living(now))


def _around(now: WorkItem, then: WorkItem) -> Iterator[str]:
    """The items beside it that the rules look at."""
    beside = {then.parent_id, then.next_id or now.next_id}
    beside |= {then.milestone_id} if then.milestone_id != now.milestone_id else set()
    beside |= {other for kind, other in _links(then) - _links(now) if kind != IMPLEMENTS}
    yield from sorted(other for other in beside if other is not None)


def _links(item: WorkItem) -> set[Link]:
    return {(link.kind, link.to_id) for link in item.links}


def _living(item: WorkItem) -> bool:
    return item.exists and not item.deleted and not item.withdrawn


def _summaries(after: After, entity_ids: Iterable[str]) -> list[dict[str, str]]:
    return state_summaries(after.world, {entity_id: after.item(entity_id) for entity_id in entity_ids})
