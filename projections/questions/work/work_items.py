"""What can be asked of one work item: itself, what is around it, and what went into it."""

from collections.abc import Iterable
from operator import itemgetter

import msgspec

from ledger.aggregates.work_item.item_summaries import CATEGORY
from ledger.aggregates.work_item.rules.enhancement_links import ENHANCEMENT
from ledger.aggregates.work_item.state import IMPLEMENTS
from ledger.values.moment import text
from ledger.values.reference import shorten
from ledger.values.states import FINISHED
from ledger.world import DEEPEST, Asker
from projections.questions import entities
from projections.questions.answers import Entity
from projections.questions.references import by_source_id, range_of, references, resolve, the_one
from projections.questions.work import readiness
from projections.read_models.projection import Row
from projections.tables.contract import Answer, Snapshot, Tables

NEWEST = 10  # comments shown with an item, unless all are asked for
UNKNOWN = "check the id, or list_work_items"  # of an id that nothing has
MICROS = 1_000_000
SEEN_FROM: dict[str, dict[str, str]] = {  # a link out of an item, or into it
    "out": {},
    "in": {"blocks": "blocked_by", "discovered_from": "led_to", "duplicates": "duplicated_by"},
}


def by_name(tables: Tables, given: str, asker: Asker) -> Entity:
    """The item that a UUID or reference names, whole, and whether it is ready, in one round trip. Raises NotFound.

    One that is named by the id in its source takes another.
    """
    lowest, highest = range_of(tables, CATEGORY, given)
    as_of, [lines] = tables.ask_all([readiness.with_item(lowest, highest, asker)])
    if not lines and lowest == highest:
        raise entities.missing(CATEGORY, lowest, UNKNOWN)
    if not lines and (known := by_source_id(tables, CATEGORY, given)):
        return by_name(tables, known, asker)
    line = the_one(CATEGORY, given, lines[:1])
    if line["alike"] and lowest != highest:  # which may have been meant as well
        resolve(tables, CATEGORY, given)
    row = entities.rows(CATEGORY, [line])[0]
    obstacles = readiness.at(lines, as_of.now)
    refs = _refs(tables, [row], [*(obstacle.id for obstacle in obstacles), *([row.id] if line["alike"] else [])])
    ref = refs.get(row.id) or shorten(CATEGORY, row.id, ())
    priced_in = _currency_of(tables, row)
    item = _entity(entities.flat(row, ref), text(as_of.now), refs, priced_in) | entities.annotations(row, NEWEST)
    return item | readiness.as_answer(obstacles, refs)


def by_id(snapshot: Snapshot, entity_id: str) -> Entity:
    """The item, whole. Raises NotFound."""
    found = row(snapshot, entity_id)
    return to_entities(snapshot, [found])[0] | entities.annotations(found, NEWEST)


def row(snapshot: Snapshot, entity_id: str) -> Row:
    """Raises NotFound."""
    return entities.row(snapshot, CATEGORY, entity_id, UNKNOWN)


def row_in(tables: Tables, entity_id: str) -> Row:
    """The same in a view of its own and one round trip."""
    return entities.row_in(tables, CATEGORY, entity_id, UNKNOWN)


def to_entities(snapshot: Snapshot, items: Iterable[Row]) -> list[Entity]:
    """Items as flat objects with their references, as every answer has them."""
    listed = list(items)
    refs = _references(snapshot, listed, [item.id for item in listed])
    moment = text(snapshot.as_of.now)
    priced_in = currency(snapshot) if any(map(_has_cost, listed)) else {}
    return [_entity(entities.flat(item, refs[item.id]), moment, refs, priced_in) for item in listed]


def currency(snapshot: Snapshot) -> Entity:
    """{currency?}: what the ledger's costs are in, where its settings say so."""
    found = snapshot.ask("configurations/currency")
    return {"currency": found[0]["currency"]} if found else {}


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


def asked_by(snapshot: Snapshot, limit: int, person: str) -> list[Entity]:
    """What this one asked and waits for, of so many open questions: {ref, title, whom, text, since, review}."""
    waiting = entities.rows(CATEGORY, snapshot.ask("work_items/asked", limit=limit))
    found = [item for item in waiting if item.state.question.by == person]
    refs = references(snapshot, CATEGORY, [item.id for item in found])
    return [
        {
            "ref": refs[item.id],
            "title": item.state.title,
            "whom": item.state.question.whom,
            "text": item.state.question.text,
            "since": f"{item.state.question.at[:16].replace('T', ' ')} UTC",
            "review": item.state.question.completes is not None,
        }
        for item in sorted(found, key=lambda item: item.state.question.at)
    ]


def brief_of(snapshot: Snapshot, entity_id: str) -> Entity:
    """{ref, id, due?, not_before?} of an item that was just made."""
    item = row(snapshot, entity_id)
    plans = {"due": item.state.due, "not_before": item.state.not_before}
    planned = {name: value for name, value in plans.items() if value is not None}
    return {"ref": references(snapshot, CATEGORY, [entity_id])[entity_id], "id": entity_id, **planned}


def effort(snapshot: Snapshot, entity_id: str) -> Entity:
    """{entries, below}: what went into the item, the oldest first; and sums over it and all that is below it."""
    known = row(snapshot, entity_id).state.effort
    entries = [{"id": entry_id, **msgspec.to_builtins(entry)} for entry_id, entry in known.items()]
    [below] = snapshot.ask("work_items/effort", id=entity_id, max_depth=DEEPEST)
    priced_in = currency(snapshot) if below["cost_micros"] else {}
    return {
        "entries": [_with_cost({"cost_micros": 0, **entry}) for entry in sorted(entries, key=itemgetter("at", "id"))],
        "with_subtree": _with_cost(below) | priced_in,
    }


def progress(snapshot: Snapshot, entity_id: str) -> Entity:
    """How far a milestone is: {items, finished, by_category, estimate?, estimate_left?} of those that belong to it; the
    estimates are minutes, of all and of what is not finished. What was dropped is none of them, but for by_category."""
    lines = snapshot.ask("work_items/milestone_progress", id=entity_id)
    counts = {line["category"]: line["items"] for line in lines}
    kept = [line for line in lines if line["category"] != "dropped"]
    estimate = sum(line["estimate"] for line in kept)
    left = sum(line["estimate"] for line in kept if line["category"] not in FINISHED)
    estimated = {"estimate": estimate, "estimate_left": left} if estimate else {}
    items = sum(line["items"] for line in kept)
    return {"items": items, "finished": counts.get("done", 0), "by_category": counts, **estimated}


def lineage(snapshot: Snapshot, entity_id: str) -> list[Entity]:
    """The ancestors, root first."""
    found = snapshot.ask("work_items/lineage", ids=[entity_id], max_depth=DEEPEST)
    return _places(snapshot, list(reversed(found[1:])))


def descendants(snapshot: Snapshot, entity_id: str, max_depth: int) -> list[Entity]:
    """Everything below, parents before children, each with its depth below the item."""
    return _places(snapshot, snapshot.ask("work_items/subtree", ids=[entity_id], max_depth=max_depth)[1:])


def dependencies(snapshot: Snapshot, entity_id: str) -> list[Entity]:
    """Every link of the item, seen from it: {kind, id, ref, title, status}."""
    found = snapshot.ask("work_items/links", id=entity_id)
    refs = references(snapshot, CATEGORY, [line["id"] for line in found])
    carried = [link.to_id for link in row(snapshot, entity_id).state.links if link.kind == IMPLEMENTS]
    enhancements = entities.with_fields(snapshot, ENHANCEMENT, carried, "title", "status")
    return [{"kind": IMPLEMENTS, **enhancements[other]} for other in carried] + [
        {
            "kind": SEEN_FROM[line["direction"]].get(line["relation"], line["relation"]),
            "id": line["id"],
            "ref": refs[line["id"]],
            "title": line["title"],
            "status": line["status"],
        }
        for line in found
    ]


def _refs(tables: Tables, items: list[Row], entity_ids: list[str]) -> dict[str, str]:
    """Asks only where there is something to name."""
    if not entity_ids and not any(item.state.links for item in items):
        return {}
    with tables.snapshot() as snapshot:
        return _references(snapshot, items, entity_ids)


def _references(snapshot: Snapshot, items: list[Row], entity_ids: list[str]) -> dict[str, str]:
    """References of items, of what they link to, and of the enhancements that they carry out."""
    links = [link for item in items for link in item.state.links]
    others = [link.to_id for link in links if link.kind != IMPLEMENTS]
    carried = [link.to_id for link in links if link.kind == IMPLEMENTS]
    return references(snapshot, CATEGORY, [*entity_ids, *others]) | references(snapshot, ENHANCEMENT, carried)


def _has_cost(item: Row) -> bool:
    return any(entry.cost_micros for entry in item.state.effort.values())


def _currency_of(tables: Tables, item: Row) -> Entity:
    """Asks only where there is a cost."""
    if not _has_cost(item):
        return {}
    with tables.snapshot() as snapshot:
        return currency(snapshot)


def _entity(item: Entity, moment: str, refs: dict[str, str], priced_in: Entity) -> Entity:
    """The item as it is shown: links with references; a claim without its token's digest, `expired` when it is."""
    links = [{**link, "ref": refs[link["to_id"]]} for link in item["links"]]
    claim = item["claim"] and {"by": item["claim"]["by"], "until": item["claim"]["until"]}
    if claim and claim["until"] <= moment:
        claim["expired"] = True
    del item["nexts_made"]
    return item | {"links": links, "claim": claim, "effort": _sums(item["effort"].values(), priced_in)}


def _sums(entries: Iterable[Entity], priced_in: Entity) -> Entity | None:
    """{minutes, tokens, cost, entries, currency?} of what went into an item itself; None if nothing did."""
    known = list(entries)
    sums = {name: sum(entry.get(name, 0) for entry in known) for name in ("minutes", "tokens", "cost_micros")}
    priced_in = priced_in if sums["cost_micros"] else {}
    return {**_with_cost(sums), "entries": len(known), **priced_in} if known else None


def _with_cost(effort: Entity) -> Entity:
    """The cost in whole units."""
    cost = {"cost": effort["cost_micros"] / MICROS}
    return {name: value for name, value in effort.items() if name != "cost_micros"} | cost


def _places(snapshot: Snapshot, answer: Answer) -> list[Entity]:
    refs = references(snapshot, CATEGORY, [line["id"] for line in answer])
    kept = ("id", "title", "item_type", "status", "parent_id", "depth")
    return [{"ref": refs[line["id"]], **{name: line[name] for name in kept}} for line in answer]
