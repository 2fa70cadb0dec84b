"""What can be asked of work items."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import islice
from operator import itemgetter
from typing import Any, Literal

import msgspec
from msgspec import Struct

from ledger.values.moment import text
from ledger.values.reference import shorten
from ledger.values.states import FINISHED
from ledger.work_item.item_summaries import CATEGORY
from ledger.world import DEEPEST, Asker, Obstacle, ReadyFilter
from projections.questions import entities, readiness
from projections.questions.pages import START, Place, page, place
from projections.questions.references import by_source_id, range_of, references, the_one
from projections.read_models.projection import Row
from projections.read_models.work_items import HIDDEN
from projections.tables.contract import Answer, Question, Snapshot, Tables

Order = Literal["updated", "created", "priority", "due", "tree", "relevance"]
Entity = dict[str, Any]

NEWEST = 10  # comments shown with an item, unless all are asked for
UNKNOWN = "check the id, or list_work_items"  # of an id that nothing has
PORTION = 50  # trees looked at first, each further portion is twice as large
LARGEST = 5000
MICROS = 1_000_000
SUMMARY = (
    "id",
    "ref",
    "version",
    "item_type",
    "title",
    "status",
    "category",
    "priority",
    "due",
    "not_before",
    "milestone_id",
    "parent_id",
    "assignee",
    "claim",
    "question",
    "comment_count",
    "updated_at",
)


class Filter(Struct, frozen=True, kw_only=True):
    """None means: any. `since` is a position; `parent_id` and `milestone_id` are whole UUIDs, `due_from` and
    `due_until` moments.

    `ready` and `blocked` ask for unfinished items only: those that are so, or those that are not. `asker` is the
    one for whom an item would be ready.
    """

    item_type: str | None = None
    status: str | None = None
    category: str | None = None
    assignee: str | None = None
    parent_id: str | None = None
    milestone_id: str | None = None
    priority: int | None = None
    due_from: str | None = None
    due_until: str | None = None
    overdue: bool = False
    deferred: bool | None = None
    roots_only: bool = False
    tag: str | None = None
    terms: tuple[str, ...] = ()
    since: int | None = None
    ready: bool | None = None
    blocked: bool | None = None
    claimed_by: str | None = None
    unfinished: bool = False
    asker: Asker = readiness.NO_ONE
    include_deleted: bool = False
    include_archived: bool = False


def by_name(tables: Tables, given: str, asker: Asker) -> Entity:
    """The item that a UUID or reference names, whole, and whether it is ready, in one round trip. Raises NotFound.

    One that is named by the id in its source takes another.
    """
    lowest, highest = range_of(tables, CATEGORY, given)
    asked: Question = "work_items/meant", {"lowest": lowest, "highest": highest}
    as_of, [found, held] = tables.ask_all([asked, readiness.question(lowest, highest, asker)])
    if not found and lowest == highest:
        raise entities.missing(CATEGORY, lowest, UNKNOWN)
    if not found and (known := by_source_id(tables, CATEGORY, given)):
        return by_name(tables, known, asker)
    line = the_one(CATEGORY, given, found)
    ref = shorten(CATEGORY, line["id"], [line[side] for side in ("before", "after") if line[side]])
    row = entities.rows(CATEGORY, [line])[0]
    obstacles = readiness.at(held, as_of.now)
    refs = _refs(tables, [*_linked(row), *(obstacle.id for obstacle in obstacles)])
    item = _entity(entities.flat(row, ref), text(as_of.now), refs) | entities.annotations(row, NEWEST)
    return item | readiness.as_answer(obstacles, refs)


def by_id(snapshot: Snapshot, entity_id: str) -> Entity:
    """The item, whole. Raises NotFound."""
    found = row(snapshot, entity_id)
    return to_entities(snapshot, [found])[0] | entities.annotations(found, NEWEST)


def row(snapshot: Snapshot, entity_id: str) -> Row:
    """Raises NotFound."""
    return entities.row(snapshot, CATEGORY, entity_id, UNKNOWN)


def to_entities(snapshot: Snapshot, items: Iterable[Row]) -> list[Entity]:
    """Items as flat objects with their references, as every answer has them."""
    listed = list(items)
    refs = references(snapshot, CATEGORY, [named for item in listed for named in (item.id, *_linked(item))])
    moment = text(snapshot.as_of.now)
    return [_entity(entities.flat(item, refs[item.id]), moment, refs) for item in listed]


def listed(snapshot: Snapshot, wanted: Filter, *, order: Order, limit: int, offset: int, cursor: str | None) -> Entity:
    """A page of items: {items, total_count, returned, has_more, next_cursor}; the items are whole."""
    unfinished = wanted.ready is not None or wanted.blocked is not None
    filters = _conditions(wanted, snapshot.as_of.now, unfinished=unfinished)

    def fetch(after: Place, limit: int, offset: int = 0) -> Answer:
        if wanted.terms:
            searched = {"terms": list(wanted.terms), "order": order, "after_key": after[0]}
            return snapshot.ask("work_items/list_by_relevance", **filters, **searched, limit=limit, offset=offset)
        if order == "tree":
            return _grown(snapshot, filters, after, limit + offset)[offset:]
        return snapshot.ask(
            f"work_items/list_by_{order}", **filters, after_key=after[0], after_id=after[1], limit=limit, offset=offset
        )

    after = place(cursor, f"found {order}" if wanted.terms else order)
    if unfinished:
        return _sifted(snapshot, wanted, fetch, order=order, limit=limit, offset=offset, after=after)
    if wanted.terms:
        found = fetch(after, limit + 1, offset)
        first = found or fetch(START, 1)
        total = first[0]["total"] if first else 0
        return page(found, limit, order=f"found {order}", total=total, to_entities=lambda kept: _items(snapshot, kept))
    total = snapshot.ask("work_items/count", **filters)[0]["total"]
    return page(
        fetch(after, limit + 1, offset),
        limit,
        order=order,
        total=total,
        to_entities=lambda kept: _items(snapshot, kept),
    )


def _conditions(wanted: Filter, moment: datetime, *, unfinished: bool) -> dict[str, Any]:
    """What every list takes to filter by; `unfinished` where only items that can still be done are asked for."""
    return {
        "item_type": wanted.item_type,
        "status": wanted.status,
        "category": wanted.category,
        "assignee": wanted.assignee,
        "parent_id": wanted.parent_id,
        "milestone_id": wanted.milestone_id,
        "priority": wanted.priority,
        "due_from": wanted.due_from,
        "due_until": wanted.due_until,
        "overdue": int(wanted.overdue),
        "deferred": None if wanted.deferred is None else int(wanted.deferred),
        "roots_only": int(wanted.roots_only),
        "tag": wanted.tag,
        "since": wanted.since,
        "unfinished": int(unfinished or wanted.unfinished),
        "claimed_by": wanted.claimed_by,
        "moment": text(moment),
        **_hidden(wanted.include_deleted and not unfinished, wanted.include_archived and not unfinished),
    }


def ready(snapshot: Snapshot, wanted: ReadyFilter, *, asker: Asker, limit: int, cursor: str | None) -> Entity:
    """A page of what can be begun now, the most important first, then the oldest; the items are whole."""
    moment = snapshot.as_of.now

    def lines(after: Place) -> Iterator[dict[str, Any]]:
        return readiness.ready(snapshot, wanted, moment, asker, after)

    def to_items(kept: Answer) -> list[Entity]:
        ids = [line["id"] for line in kept]
        generation = snapshot.generation("work_items")
        found = snapshot.ask("entities/by_ids", category=CATEGORY, generation=generation, ids=ids)
        items = {item["id"]: item for item in _items(snapshot, found)}
        return [items[entity_id] for entity_id in ids]

    return _counted(lines, place(cursor, "ready"), order="ready", limit=limit, offset=0, to_entities=to_items)


def claimed(snapshot: Snapshot, limit: int, person: str | None = None) -> list[Entity]:
    """What is held now, by anyone or by one: {ref, title, by, until, holder, remark}; `holder` is a token's digest and
    never shown, `remark` the newest comment or None."""
    asked = {"person": person, "moment": text(snapshot.as_of.now), "limit": limit}
    found = entities.rows(CATEGORY, snapshot.ask("work_items/claimed", **asked))
    refs = references(snapshot, CATEGORY, [item.id for item in found])
    return [
        {
            "ref": refs[item.id],
            "title": item.state.title,
            "by": item.state.claim.by,
            "until": f"{item.state.claim.until[:16].replace('T', ' ')} UTC",
            "holder": item.state.claim.token_digest,
            "remark": entities.newest_comment(item),
        }
        for item in found
    ]


def brief_of(snapshot: Snapshot, entity_id: str) -> Entity:
    """{ref, id, due?, not_before?} of an item that was just made."""
    item = row(snapshot, entity_id)
    plans = {"due": item.state.due, "not_before": item.state.not_before}
    said = {name: value for name, value in plans.items() if value is not None}
    return {"ref": references(snapshot, CATEGORY, [entity_id])[entity_id], "id": entity_id, **said}


def in_state(snapshot: Snapshot, word: str, limit: int) -> list[Entity]:
    """Some items in a state, the newest change first: {ref, title}."""
    page = listed(snapshot, Filter(status=word), order="updated", limit=limit, offset=0, cursor=None)
    return [{"ref": item["ref"], "title": item["title"]} for item in page["items"]]


def effort(snapshot: Snapshot, entity_id: str) -> Entity:
    """{entries, below}: what went into the item, the oldest first; and sums over it and all that is below it."""
    known = row(snapshot, entity_id).state.effort
    entries = [{"id": entry_id, **msgspec.to_builtins(entry)} for entry_id, entry in known.items()]
    [below] = snapshot.ask("work_items/effort", id=entity_id, max_depth=DEEPEST)
    return {
        "entries": [_with_cost({"cost_micros": 0, **entry}) for entry in sorted(entries, key=itemgetter("at", "id"))],
        "with_subtree": _with_cost(below),
    }


def progress(snapshot: Snapshot, entity_id: str) -> Entity:
    """How far a milestone is: {items, finished, by_category, estimate?, estimate_left?} of those that belong to it; the
    estimates are minutes, of all and of what is not finished."""
    lines = snapshot.ask("work_items/milestone_progress", id=entity_id)
    counts = {line["category"]: line["items"] for line in lines}
    finished = sum(counts.get(category, 0) for category in FINISHED)
    estimate = sum(line["estimate"] for line in lines)
    left = sum(line["estimate"] for line in lines if line["category"] not in FINISHED)
    estimated = {"estimate": estimate, "estimate_left": left} if estimate else {}
    return {"items": sum(counts.values()), "finished": finished, "by_category": counts, **estimated}


def lineage(snapshot: Snapshot, entity_id: str) -> list[Entity]:
    """The ancestors, root first."""
    found = snapshot.ask("work_items/lineage", id=entity_id, max_depth=DEEPEST)
    return _places(snapshot, list(reversed(found[1:])))


def descendants(snapshot: Snapshot, entity_id: str, max_depth: int) -> list[Entity]:
    """Everything below, parents before children, each with its depth below the item."""
    return _places(snapshot, snapshot.ask("work_items/subtree", id=entity_id, max_depth=max_depth)[1:])


def dependencies(snapshot: Snapshot, entity_id: str) -> list[Entity]:
    """Every link of the item, seen from it: {kind, id, ref, title, status, note?}."""
    found = snapshot.ask("work_items/links", id=entity_id)
    refs = references(snapshot, CATEGORY, [line["id"] for line in found])
    kinds = {("blocks", "in"): "blocked_by", ("discovered_from", "in"): "led_to"}
    return [
        {
            "kind": kinds.get((line["relation"], line["direction"]), line["relation"]),
            "id": line["id"],
            "ref": refs[line["id"]],
            "title": line["title"],
            "status": line["status"],
        }
        for line in found
    ]


def _hidden(deleted: bool, archived: bool) -> dict[str, int]:
    """Which values of work_items.hidden a list shows besides 0; a 0 adds none."""
    shown = {"deleted": HIDDEN["deleted"] * deleted, "archived": HIDDEN["archived"] * archived}
    return shown | {"both": sum(shown.values()) if deleted and archived else 0}


def _grown(snapshot: Snapshot, filters: dict[str, Any], after: Place, limit: int) -> Answer:
    """A page of items in the order of their trees: as many trees as it takes are looked at, and no others."""
    found: Answer = []
    created, _, root = str(after[0] or "").partition("/")[0].rpartition(" ")
    begins: Place = (created, root) if root else START
    portion = PORTION
    while len(found) < limit:
        roots = snapshot.ask("work_items/roots", after_key=begins[0], after_id=begins[1], limit=portion + 1)
        ids = [line["id"] for line in roots[:portion]]
        place = {"after_key": after[0], "after_id": after[1], "limit": limit - len(found)}
        found += snapshot.ask("work_items/list_by_tree", **filters, **place, ids=ids, max_depth=DEEPEST)
        if len(roots) <= portion:
            break
        begins = roots[-1]["key"], roots[-1]["id"]
        portion = min(2 * portion, LARGEST)
    return found


def _sifted(
    snapshot: Snapshot,
    wanted: Filter,
    fetch: Callable[[Place, int], Answer],
    *,
    order: str,
    limit: int,
    offset: int,
    after: Place,
) -> Entity:
    moment = snapshot.as_of.now
    name = f"found {order}" if wanted.terms else order

    def fits(line: dict[str, Any], held: list[Obstacle]) -> bool:
        blocked = any(map(_blocks, held))
        return wanted.ready in (None, not held) and wanted.blocked in (None, blocked)

    def keep(lines: Answer) -> Answer:
        held = readiness.obstacles(snapshot, (line["id"] for line in lines), moment, wanted.asker, most=1)
        return [line for line in lines if fits(line, held.get(line["id"], []))]

    return _counted(
        lambda place: readiness.sifted(fetch, keep, place),
        after,
        order=name,
        limit=limit,
        offset=offset,
        to_entities=lambda kept: _items(snapshot, kept),
    )


def _blocks(obstacle: Obstacle) -> bool:
    """Whether it is something else that the item waits for: an answer, another item, or what is above it."""
    if obstacle.reason == "status":
        return obstacle.status == "blocked" or obstacle.category in ("waiting", "review")
    return obstacle.reason in ("blocker", "waiting") or obstacle.reason.startswith("ancestor_")


def _counted(
    lines: Callable[[Place], Iterator[dict[str, Any]]],
    after: Place,
    *,
    order: str,
    limit: int,
    offset: int,
    to_entities: Callable[[Answer], list[Entity]],
) -> Entity:
    """A page of a list that is walked, not counted by the store: its count ends at readiness.COUNTED."""
    walked = list(islice(lines(START), max(readiness.COUNTED, offset + limit) + 1))
    found = (walked if after == START else list(islice(lines(after), offset + limit + 1)))[offset : offset + limit + 1]
    total = readiness.counted(iter(walked))
    return page(found, limit, order=order, total=total["total_count"], to_entities=to_entities) | total


def _items(snapshot: Snapshot, lines: Answer) -> list[Entity]:
    return to_entities(snapshot, entities.rows(CATEGORY, lines))


def _linked(item: Row) -> list[str]:
    return [link.to_id for link in item.state.links]


def _refs(tables: Tables, entity_ids: list[str]) -> dict[str, str]:
    """Asks only where there is something to name."""
    if not entity_ids:
        return {}
    with tables.snapshot() as snapshot:
        return references(snapshot, CATEGORY, entity_ids)


def _entity(item: Entity, moment: str, refs: dict[str, str]) -> Entity:
    """The item as it is shown: links with references; a claim without its token's digest, `expired` when it is."""
    links = [{**link, "ref": refs[link["to_id"]]} for link in item["links"]]
    claim = item["claim"] and {"by": item["claim"]["by"], "until": item["claim"]["until"]}
    if claim and claim["until"] <= moment:
        claim["expired"] = True
    del item["nexts_made"]
    return item | {"links": links, "claim": claim, "effort": _sums(item["effort"].values())}


def _sums(entries: Iterable[Entity]) -> Entity | None:
    """{minutes, tokens, cost, entries} of what went into an item itself; None if nothing did."""
    known = list(entries)
    sums = {name: sum(entry.get(name, 0) for entry in known) for name in ("minutes", "tokens", "cost_micros")}
    return {**_with_cost(sums), "entries": len(known)} if known else None


def _with_cost(effort: Entity) -> Entity:
    """The cost in the project's currency."""
    cost = {"cost": effort["cost_micros"] / MICROS}
    return {name: value for name, value in effort.items() if name != "cost_micros"} | cost


def _places(snapshot: Snapshot, answer: Answer) -> list[Entity]:
    refs = references(snapshot, CATEGORY, [line["id"] for line in answer])
    kept = ("id", "title", "item_type", "status", "parent_id", "depth")
    return [{"ref": refs[line["id"]], **{name: line[name] for name in kept}} for line in answer]
