"""What changed in the ledger that GitHub does not have yet."""

from collections.abc import Iterable, Iterator

from msgspec import Struct

from ledger.aggregates.work_item.imported.source_state import CATEGORY, source_state
from ledger.aggregates.work_item.state import WorkItem
from ledger.envelope import stream_id
from ledger.importing.readers.trackers.hosted.github import SOURCE
from ledger.world import World
from projections.application.view import LedgerView
from projections.questions.entities import rows
from projections.read_models.projection import Row
from projections.transfer.github.rules.filters import SyncFilter
from projections.transfer.github.rules.milestones import name_of
from projections.transfer.github.rules.relations import comparable
from projections.transfer.github.rules.sides import aligned, last_common, of_item, sent_comments

PAGE = 1000  # rows at a time
PORTION = 100  # items whose past is read at once
TYPES = ("task", "research", "project", "milestone")  # of items that become issues, or milestones


class LocalChanges(Struct, frozen=True, kw_only=True):
    """What changed in one ledger, for one repository; `only` says which items are taken up."""

    view: LedgerView
    repository: str
    only: SyncFilter
    by: str | None

    def since(self, position: int) -> tuple[list[str], list[Row], int]:
        """Items of this repository that differ from the last common state, items that are no issues yet, and up to
        which position that is known."""
        linked: list[Row] = []
        unsent: list[Row] = []
        ours = (f"{self.repository}#", name_of(self.repository, 0)[:-1])
        with self.view.tables.snapshot() as snapshot:
            reached = snapshot.as_of.position
            generation = snapshot.generation("work_items")
            after = ""
            while found := snapshot.ask(
                "entities/all", category=CATEGORY, generation=generation, after=after, limit=PAGE
            ):
                page = rows(CATEGORY, found)
                for row in (row for row in page if row.position > position and not row.state.withdrawn):
                    item: WorkItem = row.state
                    if item.external_id is None and self._is_sendable(item):
                        unsent.append(row)
                    elif (item.external_id or "").startswith(ours) and position:
                        linked.append(row)
                after = page[-1].id
        return list(self._differing(linked)), sorted(unsent, key=lambda row: row.stamps.created_at), reached

    def world(self, ids: Iterable[str]) -> World:
        """The ledger as it is now, with these items looked at."""
        world = self.view.handler.world(self.view.actor(self.by))
        world.look(stream_id(CATEGORY, item_id) for item_id in ids)
        return world

    def _is_sendable(self, item: WorkItem) -> bool:
        hidden = item.deleted or item.archived
        return item.item_type in TYPES and not hidden and self.only.takes_item(item)

    def _differing(self, linked: list[Row]) -> Iterator[str]:
        for begin in range(0, len(linked), PORTION):
            portion = linked[begin : begin + PORTION]
            world = self.world(row.id for row in portion)
            for row in portion:
                then = source_state(row.id, SOURCE, world)
                base, ours = last_common(then), of_item(world.state(CATEGORY, row.id))
                base, ours, _ = aligned(base, ours, base, sent_comments(then))
                base, ours, _ = comparable(base, ours, base, self.repository, world)
                if base != ours:
                    yield row.id
