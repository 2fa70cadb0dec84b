"""What can be asked of deployments."""

from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import asdict

from ledger.aggregates.deployment.decider import CATEGORY
from projections.questions import entities
from projections.questions.answers import Entity
from projections.questions.pages import page, page_start
from projections.questions.references import references
from projections.read_models.projection import Row
from projections.tables.contract import Snapshot

NAMED = ("id", "ref", "deployed_at", "commit_hash", "pr_number", "pr_title", "environment")


class DeploymentFilter(Struct, frozen=True, kw_only=True):
    """None means: any. Both ends of the time belong to it; `commit` is a hash or its beginning."""

    earliest: str | None = None
    latest: str | None = None
    vendor: str | None = None
    work_item: str | None = None
    commit: str | None = None
    pr_number: int | None = None
    environment: str | None = None


def by_id(snapshot: Snapshot, entity_id: str) -> Entity:
    """The deployment, whole. Raises NotFound."""
    row = entities.row(snapshot, CATEGORY, entity_id, "check the id, or list all with query_deployments")
    return to_entities(snapshot, [row])[0] | entities.annotations(row)


def listed(snapshot: Snapshot, wanted: DeploymentFilter, *, limit: int, cursor: str | None) -> Entity:
    """A page of deployments, newest first, whole."""
    filters = asdict(wanted) | {
        "commit_from": wanted.commit,
        "commit_to": wanted.commit and wanted.commit + "g",  # no hex digit is as high
        "pr_number": None if wanted.pr_number is None else str(wanted.pr_number),
    }
    del filters["commit"]
    after_key, after_id = page_start(cursor, "deployed")
    found = snapshot.ask("deployments/list", **filters, after_key=after_key, after_id=after_id, limit=limit + 1)
    total = snapshot.ask("deployments/count", **filters)[0]["total"]
    return page(
        found,
        limit,
        order="deployed",
        total=total,
        to_entities=lambda kept: to_entities(snapshot, entities.rows(CATEGORY, kept)),
    )


def of_work_item(snapshot: Snapshot, item: str) -> list[Entity]:
    """The deployments that name the item, newest first, in short."""
    rows = entities.rows(CATEGORY, snapshot.ask("deployments/of_work_item", work_item=item))
    refs = references(snapshot, CATEGORY, [row.id for row in rows])
    whole = [entities.flat(row, refs[row.id]) for row in rows]
    return [{name: deployment[name] for name in NAMED} for deployment in whole]


def to_entities(snapshot: Snapshot, rows: Iterable[Row]) -> list[Entity]:
    """Deployments as flat objects; beside the ids stand the vendors and work items they mean."""
    found = list(rows)
    refs = references(snapshot, CATEGORY, [row.id for row in found])
    vendors = entities.with_fields(snapshot, "vendor", _linked(found, "vendor_ids"), "name")
    items = entities.with_fields(snapshot, "work_item", _linked(found, "work_item_ids"), "title")
    return [
        entities.flat(row, refs[row.id])
        | {
            "vendors": [vendors[entity_id] for entity_id in row.state.vendor_ids],
            "work_items": [items[entity_id] for entity_id in row.state.work_item_ids],
        }
        for row in found
    ]


def _linked(rows: Iterable[Row], field: str) -> set[str]:
    return {entity_id for row in rows for entity_id in getattr(row.state, field)}
