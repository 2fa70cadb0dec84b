"""What went into work and where its time went, from the log: effort by person, time in each state, item by item."""

from collections import Counter
from collections.abc import Collection
from datetime import datetime, timedelta
from functools import cache
from heapq import nsmallest
from operator import itemgetter

from msgspec import Struct, field

from ledger.aggregates.work_item.item_summaries import CATEGORY
from ledger.aggregates.work_item.state import WorkItem
from ledger.catalog import DECIDERS, reading_of
from ledger.envelope import RecordedFact, category_of, id_of
from ledger.pending import is_pending
from ledger.store import EventStore
from ledger.values.dates import ends
from ledger.values.moment import parse, text
from ledger.values.states import CATEGORIES
from projections.questions.answers import Entity
from projections.questions.references import references
from projections.tables.contract import Snapshot

StateAndCategory = tuple[str, str]  # a state: its word, its category

PEOPLE = 100  # at most; the answer counts those that it leaves out
MICROS = 1_000_000


class Scope(Struct, frozen=True, kw_only=True):
    """None means: any. `items` are those of a tree with its root; what belongs to one of them as a milestone too."""

    items: frozenset[str] | None = None
    person: str | None = None
    since: datetime | None = None
    until: datetime


class Life(Struct, kw_only=True):
    """What an item is now, for how long it was in which state, who held it, who completed it and when."""

    state: WorkItem
    came: datetime
    stays: list[tuple[StateAndCategory, datetime, datetime]] = field(default_factory=list)
    holders: set[str] = field(default_factory=set)
    done: tuple[str, datetime] | None = None


def work_report(log: EventStore, snapshot: Snapshot, scope: Scope, limit: int) -> Entity:
    """{people, states, items}: the people and the items with the most effort first, the states in their order; and
    {completed?, overdue?, waiting?}: what was completed, the newest first, what should have been, and what waits."""
    found = _lives(log, snapshot.as_of.position, scope)
    lives = {item: life for item, life in found.items() if _is_in_scope(item, life, scope)}
    spent = {item: _spent(life, scope, scope.person) for item, life in lives.items()}
    first = nsmallest(limit, lives, key=lambda item: (*_most_first(spent[item]), item))
    sections = _sections(found, lives, scope)
    refs = references(snapshot, CATEGORY, {*first, *(item for lines in sections.values() for item, _ in lines[:limit])})
    people = [_person(name, own, scope) for name, own in sorted(_by_person(lives.values(), scope).items())]
    people.sort(key=_most_first)
    return {
        "people": people[:PEOPLE],
        **({"people_left_out": len(people) - PEOPLE} if len(people) > PEOPLE else {}),
        "states": _states(lives.values(), scope),
        "items": [_item(item, refs[item], lives[item], spent[item], scope) for item in first],
        "total_count": len(lives),
        "returned": len(first),
        "has_more": len(lives) > limit,
        **_cut_sections(sections, refs, limit),
    }


def _sections(found: dict[str, Life], lives: dict[str, Life], scope: Scope) -> dict[str, list[tuple[str, Entity]]]:
    """Items by what a lead asks of them, in their order, each with what is said of it."""
    ended = ((life.done[1], item, life) for item, life in lives.items() if life.done and _done(life, scope))
    late = ((ends(life.state.due), item, life) for item, life in lives.items() if life.state.due is not None)
    held = ((_waits_since(life), item, life) for item, life in found.items() if _waits(item, life, scope))
    return {
        "completed": [
            (item, _titled(life) | {"by": _done(life, scope), "at": text(at)})
            for at, item, life in sorted(ended, key=itemgetter(0, 1), reverse=True)
        ],
        "overdue": [
            (item, _titled(life) | {"due": life.state.due, "who": _holder(life.state)})
            for due, item, life in sorted(late, key=itemgetter(0, 1))
            if not life.state.finished and due < text(scope.until)
        ],
        "waiting": [
            (item, _titled(life) | _awaited(life.state) | {"since": since})
            for since, item, life in sorted(held, key=itemgetter(0, 1))
        ],
    }


def _waits(item: str, life: Life, scope: Scope) -> bool:
    """Whether it waits for an answer, or for what its reason says; for one person, where they are asked or have it."""
    state = life.state
    if not _is_there(item, life, scope) or (state.question is None and state.category != "waiting"):
        return False
    asked = {state.question.whom, state.question.by} if state.question is not None else set()
    return scope.person is None or scope.person in asked | _involved(life)


def _waits_since(life: Life) -> str:
    return life.state.question.at if life.state.question is not None else text(life.came)


def _awaited(state: WorkItem) -> Entity:
    if state.question is None:
        return {"reason": state.block_reason}
    return {"whom": state.question.whom, "by": state.question.by, "question": state.question.text}


def _holder(state: WorkItem) -> str | None:
    """Who has it."""
    return state.claim.by if state.claim is not None else state.assignee


def _titled(life: Life) -> Entity:
    return {"title": life.state.title}


def _cut_sections(sections: dict[str, list[tuple[str, Entity]]], refs: dict[str, str], limit: int) -> Entity:
    """Each section that has something, with its count where it is cut."""
    answer: Entity = {}
    for name, lines in sections.items():
        if lines:
            answer[name] = [{"ref": refs[item], **fields} for item, fields in lines[:limit]]
        if len(lines) > limit:
            answer[f"{name}_count"] = len(lines)
    return answer


def _lives(log: EventStore, head: int, scope: Scope) -> dict[str, Life]:
    decider, read, lives = DECIDERS[CATEGORY], cache(reading_of), dict[str, Life]()
    for event in log.read_facts():
        if event.position > head and not is_pending(event):
            break
        if category_of(event.stream_id) != CATEGORY:
            continue
        item = id_of(event.stream_id)
        if (life := lives.get(item)) is None:
            life = lives[item] = Life(state=decider.initial, came=event.occurred_at)
        _live(life, decider.after(life.state, read(event.type, event.schema)(event.data)), event)
    for life in lives.values():
        if not life.state.finished:
            life.stays.append((_state_and_category(life.state), life.came, scope.until))
    return lives


def _live(life: Life, after: WorkItem, event: RecordedFact) -> None:
    """One more event. An item is completed by who had it in hand, not by who approved that."""
    before, life.state = life.state, after
    if after.claim is not None:
        life.holders.add(after.claim.by)
    if not before.exists or _state_and_category(before) == _state_and_category(after):
        return
    if not before.finished:
        life.stays.append((_state_and_category(before), life.came, event.occurred_at))
    life.came = event.occurred_at
    if after.category == "done":
        life.done = (_worker(before) or event.by, event.occurred_at)
    elif not after.finished:
        life.done = None


def _worker(before: WorkItem) -> str | None:
    """Who had in hand what is completed now: who asked for the review that was just approved, or has it."""
    answer = before.answer
    if answer is not None and answer.question.completes is not None and answer.verdict == "approve":
        return answer.question.by
    return before.claim.by if before.claim is not None else before.assignee


def _state_and_category(item: WorkItem) -> StateAndCategory:
    return item.status, item.category


def _is_there(item: str, life: Life, scope: Scope) -> bool:
    if not life.state.exists or life.state.deleted or life.state.withdrawn:
        return False
    return scope.items is None or item in scope.items or life.state.milestone_id in scope.items


def _is_in_scope(item: str, life: Life, scope: Scope) -> bool:
    if not _is_there(item, life, scope):
        return False
    if scope.person is not None and scope.person not in _involved(life):
        return False
    return scope.since is None or bool(_spent(life, scope)["entries"] or _times(life, scope) or _done(life, scope))


def _involved(life: Life) -> set[str]:
    named = (life.state.assignee, life.done and life.done[0])
    return {*life.holders, *(entry.by for entry in life.state.effort.values()), *filter(None, named)}


def _by_person(lives: Collection[Life], scope: Scope) -> dict[str, list[Life]]:
    found: dict[str, list[Life]] = {}
    for life in lives:
        for name in _involved(life):
            if scope.person in (None, name):
                found.setdefault(name, []).append(life)
    return found


def _done(life: Life, scope: Scope) -> str | None:
    """Who completed it in the time that is meant."""
    if life.done is None or (scope.since is not None and life.done[1] < scope.since):
        return None
    return life.done[0]


def _spent(life: Life, scope: Scope, by: str | None = None) -> Entity:
    """{entries, minutes, tokens, cost} that went into it, of one person or of all."""
    entries = [
        entry
        for entry in life.state.effort.values()
        if by in (None, entry.by) and (scope.since is None or parse(entry.at) >= scope.since)
    ]
    return {
        "entries": len(entries),
        "minutes": sum(entry.minutes for entry in entries),
        "tokens": sum(entry.tokens for entry in entries),
        "cost": sum(entry.cost_micros for entry in entries),
    }


def _times(life: Life, scope: Scope) -> dict[StateAndCategory, timedelta]:
    """How long it was in each state before it was finished. Of two clocks that disagree no time is negative."""
    found: dict[StateAndCategory, timedelta] = {}
    for way, came, left in life.stays:
        begins = came if scope.since is None else max(came, scope.since)
        if left > begins:
            found[way] = found.get(way, timedelta()) + (left - begins)
    return found


def _states(lives: Collection[Life], scope: Scope) -> list[Entity]:
    """Each state: how long items were in it together, how many were, how many are. What is finished takes no time."""
    total, were, now = Counter[StateAndCategory](), Counter[StateAndCategory](), Counter[StateAndCategory]()
    for life in lives:
        now[_state_and_category(life.state)] += 1
        for way, lasted in _times(life, scope).items():
            total[way] += int(lasted.total_seconds())
            were[way] += 1
    found = sorted({*total, *now}, key=lambda way: (CATEGORIES.index(way[1]), way[0]))
    return [
        {"state": way[0], "category": way[1], "items": were[way], "minutes": total[way] // 60, "now": now[way]}
        for way in found
    ]


def _person(name: str, own: Collection[Life], scope: Scope) -> Entity:
    spent = [_spent(life, scope, name) for life in own]
    sums = {amount: sum(entry[amount] for entry in spent) for amount in ("entries", "minutes", "tokens", "cost")}
    done = sum(_done(life, scope) == name for life in own)
    return {"person": name, **_with_cost(sums), "completed": done, "items": len(own)}


def _item(item: str, ref: str, life: Life, spent: Entity, scope: Scope) -> Entity:
    times = sorted(_times(life, scope).items(), key=lambda entry: -entry[1])
    return {
        "id": item,
        "ref": ref,
        "title": life.state.title,
        "status": life.state.status,
        **_with_cost(spent),
        "people": sorted(_involved(life)),
        "minutes_in": {way[0]: int(lasted.total_seconds()) // 60 for way, lasted in times},
    }


def _with_cost(spent: Entity) -> Entity:
    return spent | {"cost": spent["cost"] / MICROS}


def _most_first(entry: Entity) -> tuple[float, ...]:
    return (-entry["minutes"], -entry["tokens"], -entry["cost"])
