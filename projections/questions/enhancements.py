"""What can be asked of enhancements."""

from collections.abc import Iterable
from typing import Any

from ledger.enhancement.decider import CATEGORY
from projections.questions import things
from projections.questions.pages import page, place
from projections.questions.references import references
from projections.read_models.projection import Row
from projections.tables.contract import Snapshot

Thing = dict[str, Any]


def by_id(snapshot: Snapshot, thing: str) -> Thing:
    """The enhancement, whole. Raises NotFound."""
    return shown(snapshot, [things.row(snapshot, CATEGORY, thing, "check the id, or list_enhancements")])[0]


def listed(
    snapshot: Snapshot,
    *,
    priority: int | None,
    status: str | None,
    target_quarter: str | None,
    limit: int,
    cursor: str | None,
) -> Thing:
    """A page of enhancements, most important first, whole."""
    filters = {"priority": priority, "status": status, "target_quarter": target_quarter}
    after_key, after_id = place(cursor, "importance")
    found = snapshot.ask("enhancements/list", **filters, after_key=after_key, after_id=after_id, limit=limit + 1)
    total = snapshot.ask("enhancements/count", **filters)[0]["total"]
    return page(
        found, limit, order="importance", total=total, shown=lambda kept: shown(snapshot, things.rows(CATEGORY, kept))
    )


def shown(snapshot: Snapshot, rows: Iterable[Row]) -> list[Thing]:
    """Enhancements as flat objects; beside the ids stand the enhancements they wait for."""
    found = list(rows)
    refs = references(snapshot, CATEGORY, [row.id for row in found])
    awaited = {thing for row in found for thing in row.state.depends_on}
    others = things.named(snapshot, CATEGORY, awaited, "title", "status")
    return [
        things.flat(row, refs[row.id]) | {"dependencies": [others[thing] for thing in row.state.depends_on]}
        for row in found
    ]
