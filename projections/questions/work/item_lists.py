"""Lists of work items: by filters, by what can be begun now, by a state."""

from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import asdict, replace

from ledger.aggregates.work_item.item_summaries import CATEGORY, obstacle_summary
from ledger.values.moment import text
from ledger.world import DEEPEST, Asker, Obstacle, ReadyFilter
from projections.questions import entities
from projections.questions.answers import Entity
from projections.questions.pages import START, PageStart, page, page_start
from projections.questions.references import references
from projections.questions.work import readiness, work_items
from projections.questions.work.searches import Search
from projections.read_models.work_items import HIDDEN
from projections.tables.contract import Answer, Question, Snapshot

Order = Literal["updated", "created", "priority", "due", "tree", "relevance"]
Fetch = Callable[..., Answer]  # (after which place, how many, how many to pass over) -> lines with `id` and `key`

PORTION = 50  # trees looked at first, each further portion is twice as large
LARGEST = 5000
EXACT = 10_000  # items: a list of more says only that there are more, because to count a million takes half a second
CAUSES = 5  # reasons why an item of a list is blocked that are named; of each kind readiness.MOST_NAMED are counted
SIFTED = ("ready", "blocked", "asker", "terms", "include_deleted", "include_archived")  # what these lists look at
IN_TAG_ENTRIES = ("tag", "status", "category", "unfinished", "include_deleted", "include_archived")
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


class WorkItemFilter(Struct, frozen=True, kw_only=True):
    """None means: any. `since` is a position; `parent_id` and `milestone_id` are whole UUIDs, `due_until` is a moment.

    A field is the parameter of that name in the filters of the read model; but for those that are SIFTED.

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
    due_until: str | None = None
    overdue: bool = False
    deferred: bool | None = None
    roots_only: bool = False
    tag: str | None = None
    attachment: str | None = None
    terms: tuple[str, ...] = ()
    since: int | None = None
    ready: bool | None = None
    blocked: bool | None = None
    claimed_by: str | None = None
    unfinished: bool = False
    asker: Asker = readiness.NO_ONE
    include_deleted: bool = False
    include_archived: bool = False


def listed(
    snapshot: Snapshot, wanted: WorkItemFilter, *, order: Order, limit: int, offset: int, cursor: str | None
) -> Entity:
    """A page of items: {items, total_count, returned, has_more, next_cursor}; the items are whole.

    Of more than EXACT items `total_count` is None, and `total_is_at_least` says so. Of words that very many items hold
    it is a page of those that were searched, see searches.Search.left_out.
    """
    filters = _conditions(wanted, snapshot.as_of.now)
    if wanted.terms:
        search, name = Search(snapshot, wanted.terms, order, filters), f"found {order}"
        after = page_start(cursor, name)
        if _is_sifted(wanted):
            found = _sifted(snapshot, wanted, search.fetch, after, order=name, limit=limit, offset=offset)
            counted: int = found["total_is_at_least"] if found["total_count"] is None else found["total_count"]
            return found | search.left_out(counted)
        lines = search.fetch(after, limit + 1, offset)
        found = page(lines, limit, order=name, total=search.total, to_entities=lambda kept: _items(snapshot, kept))
        return found | search.left_out(search.total)
    after, fetch = page_start(cursor, order), _fetching(snapshot, wanted, order)
    if _is_sifted(wanted):
        return _sifted(snapshot, wanted, fetch, after, order=order, limit=limit, offset=offset)
    counting = "work_items/count_tagged" if _is_of_a_tag(wanted) else "work_items/count"
    asked: list[Question] = [(counting, filters | {"most": EXACT + 1})]
    if order != "tree":
        asked.append(_page_question(wanted, order, filters, after, limit + 1, offset))
    [count], *pages = snapshot.ask_all(asked)
    lines = pages[0] if pages else fetch(after, limit + 1, offset)
    total = count["total"]
    found = page(
        lines,
        limit,
        order=order,
        total=total if total <= EXACT else None,
        to_entities=lambda kept: _items(snapshot, kept),
    )
    return found if total <= EXACT else found | {"total_is_at_least": EXACT}


def beginning(snapshot: Snapshot, wanted: WorkItemFilter, *, order: Order, limit: int) -> Entity:
    """The beginning of a list without words, which is not counted: {items, has_more}; the items are whole.

    Where what stands in an item's way is asked for, it is asked of the first readiness.LOOKED_AT only, so `has_more`
    says that there may be more.
    """
    fetch = _fetching(snapshot, wanted, order)
    if not _is_sifted(wanted):
        lines = fetch(START, limit + 1)
        return {"items": _items(snapshot, lines[:limit]), "has_more": len(lines) > limit}
    lines, has_more = readiness.sifted_beginning(fetch, _keeping(snapshot, wanted), limit)
    return {"items": _with_causes(snapshot, _items(snapshot, lines), wanted), "has_more": has_more}


def ready(snapshot: Snapshot, wanted: ReadyFilter, *, asker: Asker, limit: int, cursor: str | None) -> Entity:
    """A page of what can be begun now, the most urgent first, then the oldest; the items are whole."""
    moment = snapshot.as_of.now

    def lines(after: PageStart) -> Iterator[dict[str, Any]]:
        return readiness.ready(snapshot, wanted, moment, asker, after)

    def to_items(kept: Answer) -> list[Entity]:
        ids = [line["id"] for line in kept]
        generation = snapshot.generation("work_items")
        found = snapshot.ask("entities/by_ids", category=CATEGORY, generation=generation, ids=ids)
        items = {item["id"]: item for item in _items(snapshot, found)}
        return [items[entity_id] for entity_id in ids]

    return _counted(lines, page_start(cursor, "ready"), order="ready", limit=limit, offset=0, to_entities=to_items)


def in_state(snapshot: Snapshot, word: str, limit: int) -> list[Entity]:
    """Some items in a state, the newest change first: {ref, title}."""
    items = beginning(snapshot, WorkItemFilter(status=word), order="updated", limit=limit)["items"]
    return [{"ref": item["ref"], "title": item["title"]} for item in items]


def _fetching(snapshot: Snapshot, wanted: WorkItemFilter, order: Order) -> Fetch:
    filters = _conditions(wanted, snapshot.as_of.now)

    def fetch(after: PageStart, limit: int, offset: int = 0) -> Answer:
        if order == "tree":
            return _grown(snapshot, filters, after, limit + offset)[offset:]
        question, asked = _page_question(wanted, order, filters, after, limit, offset)
        return snapshot.ask(question, **asked)

    return fetch


def _page_question(
    wanted: WorkItemFilter, order: Order, filters: dict[str, Any], after: PageStart, limit: int, offset: int
) -> Question:
    """A page of a list in any order but that of trees."""
    is_tagged = order == "updated" and wanted.tag is not None
    name = "work_items/list_tagged" if is_tagged else f"work_items/list_by_{order}"
    return name, filters | {"after_key": after[0], "after_id": after[1], "limit": limit, "offset": offset}


def _is_of_a_tag(wanted: WorkItemFilter) -> bool:
    """Whether nothing is asked for but what the entry of a tag says."""
    tag_filter = replace(WorkItemFilter(), **{name: getattr(wanted, name) for name in IN_TAG_ENTRIES})
    return wanted.tag is not None and replace(wanted, asker=tag_filter.asker) == tag_filter


def _is_sifted(wanted: WorkItemFilter) -> bool:
    """Whether only items that can still be done are asked for, and what keeps each from it is looked for."""
    return wanted.ready is not None or wanted.blocked is not None


def _conditions(wanted: WorkItemFilter, moment: datetime) -> dict[str, Any]:
    """What every list takes to filter by."""
    unfinished = _is_sifted(wanted)
    given = {name: value for name, value in asdict(wanted).items() if name not in SIFTED}
    numbers = {name: int(value) for name, value in given.items() if isinstance(value, bool)}
    chosen = {"overdue": wanted.overdue, "roots_only": wanted.roots_only, "unfinished": unfinished or wanted.unfinished}
    return {
        **given,
        **numbers,
        **{name: 1 if is_asked else None for name, is_asked in chosen.items()},
        "moment": text(moment),
        **_hidden(wanted.include_deleted and not unfinished, wanted.include_archived and not unfinished),
    }


def _hidden(deleted: bool, archived: bool) -> dict[str, int]:
    """Which values of work_items.hidden a list shows besides 0; a 0 adds none."""
    shown = {"deleted": HIDDEN["deleted"] * deleted, "archived": HIDDEN["archived"] * archived}
    return shown | {"both": sum(shown.values()) if deleted and archived else 0}


def _grown(snapshot: Snapshot, filters: dict[str, Any], after: PageStart, limit: int) -> Answer:
    """A page of items in the order of their trees: as many trees as it takes are looked at, and no others."""
    found: Answer = []
    created, _, root = str(after[0] or "").partition("/")[0].rpartition(" ")
    begins: PageStart = (created, root) if root else START
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
    snapshot: Snapshot, wanted: WorkItemFilter, fetch: Fetch, after: PageStart, *, order: str, limit: int, offset: int
) -> Entity:
    """A page of the items of which it is looked for what keeps each from being begun."""
    filters = _conditions(wanted, snapshot.as_of.now)
    has_question = wanted.blocked and wanted.tag is None and order in ("updated", "created", "priority", "due")

    def resting(place: PageStart, most: int) -> Answer:
        asked = {"order": order, "after_key": place[0], "after_id": place[1], "limit": most}
        return snapshot.ask("work_items/list_blocked", **filters, **asked)

    rarely = resting if has_question else None
    return _counted(
        lambda place: readiness.sifted(fetch, _keeping(snapshot, wanted), place, rarely),
        after,
        order=order,
        limit=limit,
        offset=offset,
        to_entities=lambda kept: _with_causes(snapshot, _items(snapshot, kept), wanted),
    )


def _keeping(snapshot: Snapshot, wanted: WorkItemFilter) -> readiness.Keep:
    """Which lines of a list have, or lack, what stands in their way."""
    moment = snapshot.as_of.now

    def fits(line: dict[str, Any], held: list[Obstacle]) -> bool:
        blocked = any(map(_blocks, held))
        return wanted.ready in (None, not held) and wanted.blocked in (None, blocked)

    def keep(lines: Answer) -> Answer:
        held = readiness.obstacles(snapshot, (line["id"] for line in lines), moment, wanted.asker, most=1)
        return [line for line in lines if fits(line, held.get(line["id"], []))]

    return keep


def _with_causes(snapshot: Snapshot, items: list[Entity], wanted: WorkItemFilter) -> list[Entity]:
    """The items, each with {not_ready_because, not_ready_more?} where what is blocked is asked for."""
    if not wanted.blocked:
        return items
    held = readiness.obstacles(snapshot, [item["id"] for item in items], snapshot.as_of.now, wanted.asker)
    refs = references(snapshot, CATEGORY, {cause.id for found in held.values() for cause in found})
    return [item | _causes(held.get(item["id"], []), refs) for item in items]


def _causes(found: list[Obstacle], refs: dict[str, str]) -> Entity:
    named = [obstacle_summary(cause, refs[cause.id]) for cause in found[:CAUSES]]
    because = [{name: value for name, value in each.items() if name != "id"} for each in named]
    more = {"not_ready_more": len(found) - CAUSES} if len(found) > CAUSES else {}
    return {"not_ready_because": because, **more}


def _blocks(obstacle: Obstacle) -> bool:
    """Whether it is something else that the item waits for: an answer, another item, or what is above it."""
    if obstacle.reason == "status":
        return obstacle.status == "blocked" or obstacle.category in ("waiting", "review")
    return obstacle.reason in ("blocker", "waiting") or obstacle.reason.startswith("ancestor_")


def _counted(
    lines: Callable[[PageStart], Iterator[dict[str, Any]]],
    after: PageStart,
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
    return work_items.to_entities(snapshot, entities.rows(CATEGORY, lines))
