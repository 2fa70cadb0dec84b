"""What can be asked of enhancements."""

from collections.abc import Iterable

from ledger.aggregates.enhancement.decider import CATEGORY
from ledger.aggregates.work_item.item_summaries import CATEGORY as WORK_ITEM
from ledger.aggregates.work_item.state import IMPLEMENTS
from projections.questions import entities
from projections.questions.answers import Entity
from projections.questions.pages import page, page_start
from projections.questions.references import references
from projections.read_models.projection import Row
from projections.tables.contract import Snapshot

BY_IDS = "entities/by_ids"
FINISHED = ("completed", "dropped")


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
    """A page of enhancements, most urgent first, whole."""
    filters = {"priority": priority, "status": status, "target_quarter": target_quarter}
    after_key, after_id = page_start(cursor, "importance")
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
    carrying = work(snapshot, [row.id for row in found])
    return [
        entities.flat(row, refs[row.id])
        | {"dependencies": [others[entity_id] for entity_id in row.state.depends_on]}
        | ({"work": carrying[row.id]} if row.id in carrying else {})
        for row in found
    ]


def work(snapshot: Snapshot, entity_ids: Iterable[str]) -> dict[str, list[Entity]]:
    """The items that carry each of the enhancements out: {id, ref, title, status, category}; none, and it is absent."""
    ids = list(entity_ids)
    lines = snapshot.ask("enhancements/work", ids=ids) if ids else []
    refs = references(snapshot, WORK_ITEM, [line["id"] for line in lines])
    found: dict[str, list[Entity]] = {}
    for line in lines:
        item = {name: line[name] for name in ("title", "status", "category")}
        found.setdefault(line["enhancement_id"], []).append({"id": line["id"], "ref": refs[line["id"]], **item})
    return found


def carried_out(snapshot: Snapshot, limit: int) -> list[Entity]:
    """What is not finished although all of its work is: {id, ref, title, status}."""
    found = entities.rows(CATEGORY, snapshot.ask("enhancements/carried_out", limit=limit))
    return _brief(snapshot, found)


def carried_out_by(snapshot: Snapshot, item_ids: Iterable[str]) -> list[Entity]:
    """The same of what some items that are finished carry out."""
    ids = list(item_ids)
    items = snapshot.ask(BY_IDS, category=WORK_ITEM, generation=snapshot.generation("work_items"), ids=ids)
    ended = [row.state for row in entities.rows(WORK_ITEM, items) if row.state.finished]
    linked = {link.to_id for item in ended for link in item.links if link.kind == IMPLEMENTS}
    done = [entity_id for entity_id, lines in work(snapshot, sorted(linked)).items() if _is_done(lines)]
    if not done:
        return []
    own = snapshot.ask(BY_IDS, category=CATEGORY, generation=snapshot.generation("enhancements"), ids=done)
    return _brief(snapshot, [row for row in entities.rows(CATEGORY, own) if row.state.status not in FINISHED])


def _is_done(lines: list[Entity]) -> bool:
    categories = {line["category"] for line in lines}
    return categories <= {"done", "dropped"} and "done" in categories


def _brief(snapshot: Snapshot, found: list[Row]) -> list[Entity]:
    refs = references(snapshot, CATEGORY, [row.id for row in found])
    return [
        {"id": row.id, "ref": refs[row.id], "title": row.state.title, "status": row.state.status}
        for row in found
        if not row.state.withdrawn
    ]
