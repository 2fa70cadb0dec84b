"""What can be begun, and why the rest cannot.

The rule itself is sql/functions/obstacles.sql. A list of ready items is a walk along an index, a portion
at a time, that leaves out whatever has an obstacle: it ends as soon as the page is full, however many items there are.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any

from msgspec.structs import asdict, replace

from ledger.aggregates.work_item.item_summaries import CATEGORY, obstacle_summary
from ledger.values.moment import text
from ledger.values.reference import shortest_range
from ledger.values.states import ORIGINAL
from ledger.world import Asker, Obstacle, ReadyFilter
from projections.questions import entities
from projections.questions.answers import Entity
from projections.questions.pages import START, PageStart
from projections.questions.references import references
from projections.tables.contract import Answer, Question, Snapshot, Tables

Fetch = Callable[[PageStart, int], Answer]  # (where the page begins, how many) -> lines with `id` and `key`
Keep = Callable[[Answer], Answer]

OBSTACLES = "work_items/obstacles"
EPOCH_TEXT = ""  # a moment before all others, at which every claim lasts
NO_ONE = Asker()  # whatever is claimed is claimed by another
# A list says how many there are up to this, and beyond it that there are at least so many: to count them all would take
# the longer the more there are, a list of 50 must not.
COUNTED = 100
WAITING = 1000  # items that one write may set free and that are looked at
PORTION = 50  # items looked at first; each further portion is twice as large
LARGEST = 800
RARE = 25  # of so many items that are looked at one is looked for
LOOKED_AT = 700  # items of which a list's beginning is made, where most have not what is looked for
MOST_NAMED = 20  # blockers and children that are named, of each kind
NAMED = 20  # items that became ready by one write and are named


def obstacles(
    snapshot: Snapshot, entity_ids: Iterable[str], moment: datetime, asker: Asker = NO_ONE, most: int = MOST_NAMED
) -> dict[str, list[Obstacle]]:
    """Why items are not ready, by id; an item that is ready is absent."""
    ids = [*dict.fromkeys(entity_ids)]
    if not ids:
        return {}
    question, given = _standing_in_the_way(ids, moment, asker, most)
    return _by_id(snapshot.ask(question, **given))


def obstacles_of(tables: Tables, entity_id: str, moment: datetime, asker: Asker) -> list[Obstacle]:
    """The same of one item, in a view of its own and one round trip."""
    question, given = _standing_in_the_way([entity_id], moment, asker, MOST_NAMED)
    return _by_id(tables.ask(question, **given)[1]).get(entity_id, [])


def _standing_in_the_way(ids: list[str], moment: datetime, asker: Asker, most: int) -> Question:
    several, one = (ids, "") if len(ids) > 1 else ([], ids[0])  # of one the store looks first whether anything can be
    asked = {
        "ids": several,
        "lowest": one,
        "highest": one,
        "first": "",
        "last": "",
        "moment": text(moment),
        "most": most,
    }
    return OBSTACLES, asked | _parameters(asker)


def with_item(lowest: str, highest: str, asker: Asker) -> Question:
    """The first item that a reference can mean, whole, and why it is not ready, for `at`, which knows the moment.

    Beside it stands another of the range of its shortest reference, if there is one.
    """
    first, last = shortest_range(lowest)
    given = {"ids": [], "lowest": lowest, "highest": highest, "first": first, "last": last, "moment": EPOCH_TEXT}
    return OBSTACLES, given | _parameters(asker) | {"most": MOST_NAMED}


def at(lines: Answer, moment: datetime) -> list[Obstacle]:
    """What stands in the way of one item, from the answer to `with_item`: a claim counts while it lasts."""
    now = text(moment)
    held = [line for line in lines if line["place"] and (line["until"] is None or line["until"] > now)]
    return [obstacle for found in _by_id(held).values() for obstacle in found]


def _parameters(asker: Asker) -> dict[str, str]:
    return {"asker": asker.name, "holder": asker.holder}


def _by_id(lines: Answer) -> dict[str, list[Obstacle]]:
    found: dict[str, list[Obstacle]] = {}
    for line in lines:
        obstacle = Obstacle(
            reason=line["reason"],
            id=line["cause_id"],
            title=line["title"],
            status=line["status"],
            category=None if line["status"] in ORIGINAL else line["category"],
            by=line["by"],
            until=line["until"],
        )
        found.setdefault(line["id"], []).append(obstacle)
    return found


def explained(snapshot: Snapshot, entity_id: str, moment: datetime, asker: Asker = NO_ONE) -> Entity:
    """{ready, not_ready_because?}: each reason with the item that is the cause."""
    found = obstacles(snapshot, [entity_id], moment, asker).get(entity_id, [])
    return as_answer(found, references(snapshot, CATEGORY, [obstacle.id for obstacle in found]))


def as_answer(found: list[Obstacle], refs: dict[str, str]) -> Entity:
    """{ready, not_ready_because?} with the references of what stands in the way."""
    if not found:
        return {"ready": True}
    return {"ready": False, "not_ready_because": [obstacle_summary(each, refs[each.id]) for each in found]}


def ready(
    snapshot: Snapshot, wanted: ReadyFilter, moment: datetime, asker: Asker = NO_ONE, after: PageStart = START
) -> Iterator[dict[str, Any]]:
    """Ready items as lines of {id, key}, the most urgent first, then the oldest; looked for as they are taken."""

    def fetch(place: PageStart, limit: int) -> Answer:
        asked = {"after_key": place[0], "after_id": place[1], "moment": text(moment), "limit": limit}
        return snapshot.ask("work_items/candidates", **asdict(wanted), **asked)

    if wanted.assignee is not None:  # what is in their hands is asked for
        asker = replace(asker, name=wanted.assignee)
    return sifted(fetch, lambda lines: ready_of(snapshot, lines, moment, asker), after)


def ready_of(snapshot: Snapshot, lines: Answer, moment: datetime, asker: Asker = NO_ONE) -> Answer:
    held = obstacles(snapshot, (line["id"] for line in lines), moment, asker, most=1)
    return [line for line in lines if line["id"] not in held]


def sifted(fetch: Fetch, keep: Keep, after: PageStart, rarely: Fetch | None = None) -> Iterator[dict[str, Any]]:
    """The lines of a list that `keep` keeps, fetched a portion at a time.

    Where of LOOKED_AT or more not one in RARE is kept, the others come from `rarely`, if it is given: it has hardly any
    that `keep` leaves out, and takes the longer to begin the more there are to keep.
    """
    seen = kept = 0
    for lines in _portions(fetch, after, PORTION):
        found = keep(lines)
        yield from found
        seen, kept = seen + len(lines), kept + len(found)
        if rarely and seen >= LOOKED_AT and kept * RARE < seen:
            for others in _portions(rarely, (lines[-1]["key"], lines[-1]["id"]), 2 * COUNTED):
                yield from keep(others)
            return


def sifted_beginning(fetch: Fetch, keep: Keep, limit: int) -> tuple[Answer, bool]:
    """The first of them, at most `limit`, of the first LOOKED_AT lines or somewhat more; whether there may be more."""
    found: Answer = []
    seen = 0
    for lines in _portions(fetch, START, PORTION):
        found += keep(lines)
        seen += len(lines)
        if len(found) > limit:
            return found[:limit], True
        if seen >= LOOKED_AT:
            return found, bool(fetch((lines[-1]["key"], lines[-1]["id"]), 1))
    return found, False


def _portions(fetch: Fetch, after: PageStart, portion: int) -> Iterator[Answer]:
    while lines := fetch(after, portion):
        yield lines
        if len(lines) < portion:
            return
        after = lines[-1]["key"], lines[-1]["id"]
        portion = min(2 * portion, LARGEST)


def counted(lines: Iterator[Any]) -> Entity:
    """{total_count}, or {total_count: None, total_is_at_least} when there are more than are counted."""
    total = sum(1 for _ in islice(lines, COUNTED + 1))
    return {"total_count": total} if total <= COUNTED else {"total_count": None, "total_is_at_least": COUNTED}


def could_become_ready(snapshot: Snapshot, changed: list[str]) -> Answer:
    """Lines of {id, key}: these items, and what a change of them could set free."""
    return snapshot.ask("work_items/freed", ids=changed, limit=WAITING)


def waiting(snapshot: Snapshot, changed: list[str], moment: datetime) -> Answer:
    """The same without those that can be begun: what a change of these items could make ready."""
    lines = could_become_ready(snapshot, changed)
    ready = {line["id"] for line in ready_of(snapshot, lines, moment)}
    return [line for line in lines if line["id"] not in ready]


def became_ready(snapshot: Snapshot, waited: Answer, moment: datetime) -> Entity:
    """{became_ready?, became_ready_count?}: what is ready now of what could not be begun before."""
    ids = [line["id"] for line in ready_of(snapshot, waited, moment)]
    more = {"became_ready_count": len(ids)} if len(ids) > NAMED else {}
    return {"became_ready": _titled(snapshot, ids[:NAMED]), **more} if ids else {}


def _titled(snapshot: Snapshot, ids: list[str]) -> list[Entity]:
    """Items as {ref, title}, in the order given."""
    generation = snapshot.generation("work_items")
    found = snapshot.ask("entities/by_ids", category=CATEGORY, generation=generation, ids=ids)
    titles = {row.id: row.state.title for row in entities.rows(CATEGORY, found)}
    refs = references(snapshot, CATEGORY, ids)
    return [{"ref": refs[entity_id], "title": titles[entity_id]} for entity_id in ids]
