"""A world with facts that are not recorded yet: what each change of a bulk sees of the changes before it.

States and versions are those after the pending facts. Questions about neighbours are put to the world as it stands, and
the answers corrected by the pending states, so that the append still guards everything that was looked at.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from ledger.aggregates.work_item.item_summaries import CATEGORY
from ledger.aggregates.work_item.state import WorkItem, evolve
from ledger.envelope import Fact, RecordedEvent, id_of, stream_id
from ledger.values.moment import EPOCH
from ledger.values.revision import apply
from ledger.world import DEEPEST, Endpoint, Holder, Neighbour, Obstacle, ReadyFilter, Related, World

Places = dict[str, set[str]]


class _Edges(Struct, kw_only=True):
    """The parent of each item, its children, what it blocks, and what it is blocked by."""

    parents: dict[str, str]
    children: dict[str, list[str]] = {}
    blocked: dict[str, list[str]] = {}
    blockers: dict[str, list[str]] = {}


class SpeculativeWorld(World):
    """See ledger.world.World. `happened` moves it on."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._items: dict[str, WorkItem] = {}  # what the pending facts touched, as they leave it
        self._pending: dict[str, list[RecordedEvent]] = {}
        self._children_of: Places = {}  # of these items alone
        self._blockers_of: Places = {}
        self._nodes: dict[str, Neighbour] = {}  # as they stand in the log
        self._below: dict[str, list[str]] = {}  # the children of those whose subtrees were read
        self._known_edges: _Edges | None = None
        self.by = world.by
        self.token = world.token
        self.scope = world.scope

    def happened(self, stream: str, fact: Any) -> None:
        """Adds a pending fact of a work item: what is asked from here on sees it."""
        entity_id = id_of(stream)
        before: WorkItem = self.state(CATEGORY, entity_id)
        after = apply(evolve(before, fact), fact.also)
        self._pending.setdefault(stream, []).append(_pending(stream, self.version(stream) + 1, fact, self.by))
        self._items[entity_id] = after
        _move(self._children_of, entity_id, {before.parent_id}, {after.parent_id})
        _move(self._blockers_of, entity_id, _blocked(before), _blocked(after))

    @property
    def occurred_at(self) -> datetime:
        return self._world.occurred_at

    @property
    def not_before(self) -> datetime | None:
        return self._world.not_before

    @not_before.setter
    def not_before(self, moment: datetime | None) -> None:
        bounds = [bound for bound in (self._world.not_before, moment) if bound is not None]
        self._world.not_before = max(bounds, default=None)

    @property
    def not_after(self) -> datetime | None:
        return self._world.not_after

    @not_after.setter
    def not_after(self, moment: datetime | None) -> None:
        bounds = [bound for bound in (self._world.not_after, moment) if bound is not None]
        self._world.not_after = min(bounds, default=None)

    @property
    def now(self) -> datetime:
        return self._world.now

    def look(self, streams: Iterable[str]) -> None:
        self._world.look(streams)

    def expect(self, related: Related, work_items: Iterable[str]) -> None:
        self._world.expect(related, work_items)

    def creates(self, stream: str) -> None:
        self._world.creates(stream)

    def state(self, category: str, entity_id: str) -> Any:
        if category == CATEGORY and entity_id in self._items:
            return self._items[entity_id]
        return self._world.state(category, entity_id)

    def fold(self, stream: str, events: Iterable[RecordedEvent]) -> Any:
        return self._world.fold(stream, events)

    def past(self, stream: str) -> list[RecordedEvent]:
        """The recorded events, then the pending ones, which stand at position 0."""
        return [*self._world.past(stream), *self._pending.get(stream, ())]

    def version(self, stream: str) -> int:
        return self._world.version(stream) + len(self._pending.get(stream, ()))

    def lineage(self, work_item: str) -> list[Neighbour]:
        found: list[Neighbour] = []
        at: str | None = work_item
        while at is not None and len(found) <= DEEPEST:
            node = self._node(at)
            if node is None:
                break
            found.append(replace(node, depth=len(found)))
            at = node.parent_id
        return found

    def subtree(self, work_item: str) -> list[Neighbour]:
        self._read_below(work_item)  # before the item, which is summarised with what is below it
        top = self._node(work_item)
        level, found, depth = [top] if top else [], list[Neighbour](), 0
        while level and depth <= DEEPEST:
            found += [replace(node, depth=depth) for node in level]
            level = [child for node in level for child in self._children(node.id)]
            depth += 1
        return found

    def blockers(self, work_item: str) -> list[Neighbour]:
        blockers = [] if self._is_new(work_item) else self._world.blockers(work_item)
        found = {node.id: node for node in blockers if node.id not in self._items}
        for node in filter(None, map(self._node, self._blockers_of.get(work_item, ()))):
            if not node.finished and not node.deleted:
                found[node.id] = node
        return [found[entity_id] for entity_id in sorted(found)]

    def precedes(self, first: Endpoint, then: Endpoint, without: str | None = None) -> bool:
        """Searches from both ends, on from the fewer: where a chain is long on one side, the other is often short."""
        if not self._pending:
            return self._world.precedes(first, then, without)
        ahead, behind = {first}, {then}  # where each search has come to
        after, before = {first}, {then}  # all that it has reached
        while ahead and behind and ahead.isdisjoint(before) and behind.isdisjoint(after):
            if len(ahead) <= len(behind):
                ahead = {one for each in ahead for one in self._onward(each, without)} - after
                after |= ahead
            else:
                behind = {one for each in behind for one in self._back(each, without)} - before
                before |= behind
        return not (ahead.isdisjoint(before) and behind.isdisjoint(after))

    def known(self, category: str, entity_ids: Iterable[str]) -> set[str]:
        wanted = set(entity_ids)
        here = wanted & self._items.keys() if category == CATEGORY else set()
        return {entity_id for entity_id in here if not self._items[entity_id].withdrawn} | self._world.known(
            category, wanted - here
        )

    def references(self, category: str, entity_ids: Iterable[str]) -> dict[str, str]:
        return self._world.references(category, entity_ids)

    def settings(self) -> Any:
        return self._world.settings()

    def holder(self, relation: str, target: str) -> Holder | None:
        return self._world.holder(relation, target)

    def edges(self) -> tuple[dict[str, str], list[tuple[str, str]]]:
        """The edges as they stand in the log; `precedes` corrects them."""
        return self._world.edges()

    def obstacles(self, work_item: str, holder: str) -> list[Obstacle]:
        return self._world.obstacles(work_item, holder)

    def next_ready(self, wanted: ReadyFilter) -> str | None:
        return self._world.next_ready(wanted)

    def finished(self, before: datetime) -> list[str]:
        return self._world.finished(before)

    def versions(self) -> dict[str, int]:
        return self._world.versions()

    @property
    def topics(self) -> tuple[str, ...]:
        return self._world.topics

    def _is_new(self, entity_id: str) -> bool:
        return entity_id in self._items and not self._world.past(stream_id(CATEGORY, entity_id))

    def _node(self, entity_id: str) -> Neighbour | None:
        item = self._items.get(entity_id)
        if item is not None:
            return Neighbour(
                id=entity_id,
                title=item.title,
                status=item.status,
                category=item.category,
                parent_id=item.parent_id,
                deleted=item.deleted or item.withdrawn,
                archived=item.archived,
            )
        if entity_id not in self._nodes:
            self._nodes |= {node.id: node for node in self._world.lineage(entity_id)}
        return self._nodes.get(entity_id)

    def _read_below(self, parent: str) -> None:
        if parent in self._below or self._is_new(parent):
            return
        for node in self._world.subtree(parent):
            self._nodes.setdefault(node.id, node)
            self._below[node.id] = []
            if node.id != parent and node.parent_id is not None:
                self._below[node.parent_id].append(node.id)

    def _children(self, parent: str) -> list[Neighbour]:
        self._read_below(parent)
        ids = {entity_id for entity_id in self._below.get(parent, ()) if entity_id not in self._items}
        ids |= self._children_of.get(parent, set())
        return [node for node in map(self._node, sorted(ids)) if node is not None]

    def _onward(self, endpoint: Endpoint, without: str | None) -> Iterator[Endpoint]:
        side, entity_id = endpoint
        edges = self._edges()
        item = self._items.get(entity_id)
        if side == "start":
            yield "finish", entity_id
            children = self._with_pending(edges.children, self._children_of, entity_id)
            existing = (child for child in children if child not in self._items or not self._items[child].deleted)
            yield from (("start", child) for child in existing if child != without)
            return
        parent = item.parent_id if item is not None else edges.parents.get(entity_id)
        if parent is not None and entity_id != without:
            yield "finish", parent
        for other in edges.blocked.get(entity_id, ()) if item is None else _blocked(item):
            yield "start", other

    def _back(self, endpoint: Endpoint, without: str | None) -> Iterator[Endpoint]:
        """What comes just before an endpoint: that from which `_onward` leads to it."""
        side, entity_id = endpoint
        edges = self._edges()
        item = self._items.get(entity_id)
        if side == "finish":
            yield "start", entity_id
            children = self._with_pending(edges.children, self._children_of, entity_id)
            yield from (("finish", child) for child in children if child != without)
            return
        parent = edges.parents.get(entity_id) if item is None else None if item.deleted else item.parent_id
        if parent is not None and entity_id != without:
            yield "start", parent
        yield from (("finish", other) for other in self._with_pending(edges.blockers, self._blockers_of, entity_id))

    def _with_pending(self, recorded: Mapping[str, list[str]], pending: Places, entity_id: str) -> set[str]:
        unchanged = {other for other in recorded.get(entity_id, ()) if other not in self._items}
        return unchanged | pending.get(entity_id, set())

    def _edges(self) -> _Edges:
        """The edges as they stand in the log, read once."""
        if self._known_edges is None:
            parents, blocks = self._world.edges()
            self._known_edges = _Edges(parents=parents)
            for child, parent in parents.items():
                self._known_edges.children.setdefault(parent, []).append(child)
            for blocker, other in blocks:
                self._known_edges.blocked.setdefault(blocker, []).append(other)
                self._known_edges.blockers.setdefault(other, []).append(blocker)
        return self._known_edges


def _blocked(item: WorkItem) -> set[str]:
    return {link.to_id for link in item.links if link.kind == "blocks"}


def _move(places: Places, entity_id: str, before: Iterable[str | None], after: Iterable[str | None]) -> None:
    """The entity leaves the places where it was, and comes to those where it is."""
    for place in before:
        places.get(place or "", set()).discard(entity_id)
    for place in after:
        if place is not None:
            places.setdefault(place, set()).add(entity_id)


def _pending(stream: str, version: int, fact: Fact, by: str) -> RecordedEvent:
    """An event that is not recorded yet, as far as a rule looks at one."""
    return RecordedEvent(
        position=0,
        stream_id=stream,
        version=version,
        command_id=UUID(int=0),
        n=0,
        command="",
        command_digest=b"",
        type=type(fact).__name__,
        schema=1,
        topics=(),
        data=b"",
        by=by,
        occurred_at=EPOCH,
        recorded_at=EPOCH,
        digest=b"",
    )
