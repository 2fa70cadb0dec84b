"""What can be asked of conflicts: those that wait for a decision, and which of them are about some entities."""

from collections.abc import Iterable

from ledger.aggregates.conflict.decider import CATEGORY
from ledger.aggregates.conflict.events import Met
from ledger.aggregates.work_item.item_summaries import CATEGORY as WORK_ITEM
from ledger.envelope import category_of, id_of, stream_id
from projections.questions import entities
from projections.questions.answers import Entity
from projections.questions.pages import page, page_start
from projections.questions.references import references_of
from projections.read_models.projection import Row
from projections.tables.contract import Snapshot

CHECK = "check the id, or sync_state"


def by_id(snapshot: Snapshot, entity_id: str) -> Entity:
    """The conflict, whole. Raises NotFound."""
    return to_entities(snapshot, [entities.row(snapshot, CATEGORY, entity_id, CHECK)])[0]


def waiting(snapshot: Snapshot, *, limit: int, cursor: str | None = None) -> Entity:
    """A page of those that wait, the oldest first."""
    after_key, after_id = page_start(cursor, "found")
    found = snapshot.ask("conflicts/list", status="open", after_key=after_key, after_id=after_id, limit=limit + 1)
    total = open_count(snapshot)
    return page(
        found,
        limit,
        order="found",
        total=total,
        to_entities=lambda kept: to_entities(snapshot, entities.rows(CATEGORY, kept)),
    )


def open_count(snapshot: Snapshot) -> int:
    """How many wait for a decision."""
    total: int = snapshot.ask("conflicts/count", status="open")[0]["total"]
    return total


def about(snapshot: Snapshot, ids: Iterable[str]) -> list[str]:
    """The ids of the open conflicts about one of the entities."""
    wanted = sorted(set(ids))
    return [row["id"] for row in snapshot.ask("conflicts/about", ids=wanted)] if wanted else []


def after(snapshot: Snapshot, conflict: str) -> list[Row]:
    """The conflicts that wait for another one, in the order in which their commands were given."""
    generation = snapshot.generation("conflicts")
    found = snapshot.ask("entries/holders", generation=generation, relation="conflict_after", target=conflict)
    ids = [row["id"] for row in found]
    rows = entities.rows(CATEGORY, snapshot.ask("entities/by_ids", category=CATEGORY, generation=generation, ids=ids))
    return sorted(rows, key=lambda row: row.position)


def items_of(snapshot: Snapshot, conflict: str) -> list[str]:
    """The ids of the work items that it and those that wait for it are about."""
    found = entities.row(snapshot, CATEGORY, conflict, CHECK).state.about
    own = [id_of(stream) for stream in found if category_of(stream) == WORK_ITEM]
    return [*own, *(one for later in after(snapshot, conflict) for one in items_of(snapshot, later.id))]


def to_entities(snapshot: Snapshot, rows: Iterable[Row]) -> list[Entity]:
    """What met, in a person's words: the field, what stood there, what each wanted."""
    found = list(rows)
    refs = references_of(snapshot, [stream for row in found for stream in _streams(row)])
    return [_entity(row, refs) for row in found]


def _streams(row: Row) -> list[str]:
    """The streams that a conflict concerns: its own, what it is about, what it met, what it waits for."""
    conflict = row.state
    others = [stream_id(CATEGORY, entity_id) for entity_id in (row.id, *conflict.waits_for)]
    return [*others, *conflict.about, *(met.stream for met in conflict.met)]


def _entity(row: Row, refs: dict[str, str]) -> Entity:
    conflict = row.state
    entity: Entity = {
        "id": row.id,
        "ref": refs[row.id],
        "version": row.version,
        "status": conflict.status,
        "command": conflict.command,
        "by": row.stamps.created_by,
        "at": row.stamps.created_at,
        "about": [refs[id_of(stream)] for stream in conflict.about],
        "arguments": conflict.arguments,
    }
    if conflict.met:
        entity["met"] = [_met(met, refs[id_of(met.stream)]) for met in conflict.met]
    if conflict.refusal:
        entity["refusal"] = {name: conflict.refusal.get(name) for name in ("code", "message")}
    if conflict.waits_for:
        entity["waits_for"] = [refs[other] for other in conflict.waits_for]
    return entity


def _met(met: Met, ref: str) -> Entity:
    return {"ref": ref, "field": met.field, "base": met.base, "mine": met.mine, "now": met.now, "by": met.by}
