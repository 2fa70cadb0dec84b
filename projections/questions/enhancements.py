"""What can be asked of enhancements."""

from collections.abc import Iterable
from typing import Any

from ledger.enhancement.decider import CATEGORY
from projections.questions import entities
from projections.questions.pages import page, place
from projections.questions.references import references
from projections.read_models.projection import Row
from projections.tables.contract import Snapshot

Entity = dict[str, Any]


def by_id(snapshot: Snapshot, entity_id: str) -> Entity:
    """The enhancement, whole. Raises NotFound."""
    row = entities.row(snapshot, CATEGORY, entity_id, "check the id, or list_enhancements")
    return to_entities(snapshot, [row])[0] | entities.annotations(row)


def listed(
    snapshot: Snapshot,
    *,
    priority: int | None,
    status: str | None,
    target_quarter: str | None,
    limit: int,
    cursor: str | None,
) -> Entity:
    """A page of enhancements, most important first, whole."""
    filters = {"priority": priority, "status": status, "target_quarter": target_quarter}
    after_key, after_id = place(cursor, "importance")
    found = snapshot.ask("enhancements/list", **filters, after_key=after_key, after_id=after_id, limit=limit + 1)
    total = snapshot.ask("enhancements/count", **filters)[0]["total"]
    return page(
        found,
        limit,
        order="importance",
        total=total,
        to_entities=lambda kept: to_entities(snapshot, entities.rows(CATEGORY, kept)),
    )


def to_entities(snapshot: Snapshot, rows: Iterable[Row]) -> list[Entity]:
    """Enhancements as flat objects; beside the ids stand the enhancements they wait for."""
    found = list(rows)
    refs = references(snapshot, CATEGORY, [row.id for row in found])
    awaited = {entity_id for row in found for entity_id in row.state.depends_on}
    others = entities.with_fields(snapshot, CATEGORY, awaited, "title", "status")
    return [
        entities.flat(row, refs[row.id]) | {"dependencies": [others[entity_id] for entity_id in row.state.depends_on]}
        for row in found
    ]
