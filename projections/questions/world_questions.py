"""What a rule may ask about neighbouring entities, answered by the read models."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from ledger.catalog import UNIQUE
from ledger.values.moment import text
from ledger.world import DEEPEST, Asker, Endpoint, Holder, Neighbour, Neighbours, Obstacle, ReadyFilter
from projections.questions.entities import rows
from projections.questions.references import references_in
from projections.questions.work import readiness
from projections.read_models.catalog import BY_CATEGORY
from projections.read_models.work_items import HIDDEN
from projections.tables.contract import Answer, GenerationOf, Tables


class TableNeighbourhood:
    """See ledger.world.Neighbourhood."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def lineages(self, work_items: Iterable[str]) -> Neighbours:
        return _neighbours(self._ask("work_items/lineage", ids=list(work_items), max_depth=DEEPEST))

    def subtrees(self, work_items: Iterable[str]) -> Neighbours:
        return _neighbours(self._ask("work_items/subtree", ids=list(work_items), max_depth=DEEPEST))

    def blockers(self, work_items: Iterable[str]) -> Neighbours:
        return _neighbours(self._ask("work_items/blockers", ids=list(work_items)))

    def obstacles(self, work_item: str, moment: datetime, asker: Asker) -> list[Obstacle]:
        return readiness.obstacles_of(self._tables, work_item, moment, asker)

    def next_ready(self, wanted: ReadyFilter, moment: datetime, asker: Asker) -> str | None:
        with self._tables.snapshot() as snapshot:
            found = next(readiness.ready(snapshot, wanted, moment, asker), None)
        return found["id"] if found else None

    def finished(self, before: datetime) -> list[str]:
        return [line["id"] for line in self._ask("work_items/finished", before=text(before))]

    def precedes(self, first: Endpoint, then: Endpoint, without: str | None = None) -> bool:
        answer = self._ask(
            "work_items/precedes",
            first_side=first[0],
            first_id=first[1],
            then_side=then[0],
            then_id=then[1],
            without=without or "",
        )
        return bool(answer[0]["found"])

    def edges(self) -> tuple[dict[str, str], list[tuple[str, str]]]:
        blocking = {"generation": GenerationOf("work_items"), "relation": "blocks"}
        _, (parents, blocks) = self._tables.ask_all([("work_items/parents", {}), ("entries/of_relation", blocking)])
        return {row["id"]: row["parent_id"] for row in parents}, [(row["id"], row["target"]) for row in blocks]

    def known(self, category: str, entity_ids: Iterable[str]) -> set[str]:
        generation = GenerationOf(BY_CATEGORY[category].name)
        answer = self._ask("entities/by_ids", category=category, generation=generation, ids=list(entity_ids))
        return {row.id for row in rows(category, answer) if not getattr(row.state, "withdrawn", False)}

    def references(self, category: str, entity_ids: Iterable[str]) -> dict[str, str]:
        return references_in(self._tables, category, entity_ids)

    def holder(self, relation: str, target: str) -> Holder | None:
        category = UNIQUE[relation]
        projection = BY_CATEGORY[category]
        with self._tables.snapshot() as snapshot:
            generation = snapshot.generation(projection.name)
            found = snapshot.ask("entries/holders", generation=generation, relation=relation, target=target)
            if not found:
                return None
            entity_id: str = found[0]["id"]
            found = snapshot.ask("entities/by_id", generation=generation, category=category, id=entity_id)
        row = rows(category, found)[0]
        label = getattr(row.state, "name", None) or getattr(row.state, "title", None)
        return Holder(id=entity_id, label=label or self.references(category, [entity_id])[entity_id])

    def holders(self, relation: str) -> dict[str, str]:
        if relation == "enhancement_title":
            titles = self._ask("enhancements/titles")
            return {row["title"].casefold(): row["id"] for row in reversed(titles)}
        generation = GenerationOf(BY_CATEGORY[UNIQUE[relation]].name)
        found = self._ask("entries/of_relation", generation=generation, relation=relation)
        return {row["target"]: row["id"] for row in found}

    def _ask(self, question: str, **parameters: Any) -> Answer:
        return self._tables.ask(question, **parameters)[1]


def _neighbours(answer: Answer) -> Neighbours:
    found: Neighbours = {}
    for row in answer:
        neighbour = Neighbour(
            id=row["id"],
            title=row["title"],
            status=row["status"],
            category=row["category"],
            parent_id=row["parent_id"],
            deleted=bool(row["hidden"] & (HIDDEN["deleted"] | HIDDEN["withdrawn"])),
            archived=bool(row["hidden"] & HIDDEN["archived"]),
            depth=row["depth"],
        )
        found.setdefault(row["asked"], []).append(neighbour)
    return found
