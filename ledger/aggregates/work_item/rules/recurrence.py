"""An item that comes again: when it is done, the next one is made in the same commit.

The id of the next one follows from the item, so every completion of it names the same one, whether it is repeated,
drained or made on another machine. `next_id` of the item says whether there is a next one already.
"""

import re
from datetime import datetime
from typing import cast
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from ledger.aggregates.decider import Decided
from ledger.aggregates.work_item.events import WorkItemCompleted, WorkItemCreated, WorkItemStatusChanged
from ledger.aggregates.work_item.item_summaries import CATEGORY
from ledger.aggregates.work_item.state import WorkItem
from ledger.envelope import Fact, minted_id, stream_id
from ledger.values.dates import Unit, begins, ends, later, moved
from ledger.values.moment import text
from ledger.values.states import States, first_state
from ledger.world import World

WORDS = {"daily": "day", "weekly": "week", "monthly": "month", "yearly": "year"}
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
WORKING_DAYS = (0, 1, 2, 3, 4)
EXAMPLE = "weekly, every 2 weeks, every weekday, every monday and thursday, every month after completion"
_RULE = re.compile(
    r"(?:(daily|weekly|monthly|yearly)|every (?:(\d{1,3}) )?(day|week|month|year)s?)( after completion)?"
)
_ON_DAYS = re.compile(r"(?:every )?(.+?)( after completion)?")
_DAY_OF = {name: day for day, whole in enumerate(DAYS) for name in (whole, whole[:3])}


class RecurrenceRule(Struct, frozen=True):
    """Every `count` units, or on these `days` of the week (0 is Monday, in UTC): after the day it was due, or after the
    moment it was done."""

    count: int
    unit: Unit
    after_completion: bool = False
    days: tuple[int, ...] = ()

    def __str__(self) -> str:
        every = f"every {self.unit}" if self.count == 1 else f"every {self.count} {self.unit}s"
        if self.days:
            named = " and ".join(DAYS[day] for day in self.days)
            every = "every weekday" if self.days == WORKING_DAYS else f"every {named}"
        return f"{every} after completion" if self.after_completion else every


def rule_of(words: str) -> RecurrenceRule:
    """The rule that some words name. Raises ValueError for others.

    >>> str(rule_of("Weekly")), str(rule_of("every 3 days after completion"))
    ('every week', 'every 3 days after completion')
    >>> str(rule_of("weekdays")), str(rule_of("every Thu, mon"))
    ('every weekday', 'every monday and thursday')
    """
    plain = " ".join(words.lower().split())
    found = _RULE.fullmatch(plain)
    if found and found[2] != "0" * len(found[2] or ""):
        return RecurrenceRule(int(found[2] or 1), cast(Unit, WORDS.get(found[1] or "", found[3])), bool(found[4]))
    named = _ON_DAYS.fullmatch(plain)
    days = _days(named[1]) if named else None
    if named is None or not days:
        raise ValueError(f"must be a rule like {EXAMPLE}")
    return RecurrenceRule(1, "day", bool(named[2]), days)


def _days(words: str) -> tuple[int, ...] | None:
    """The days of the week that are named, whole or by three letters; None if another word is among them."""
    if words in ("weekday", "weekdays"):
        return WORKING_DAYS
    found = {_DAY_OF.get(word.removesuffix("s")) for word in re.split(r"[ ,]+", words) if word != "and"}
    return None if None in found else tuple(sorted(day for day in found if day is not None))


def with_next(entity_id: str, item: WorkItem, facts: list[Fact], world: World) -> Decided:
    """The change of its status; with what comes after it, when that makes it done and it comes again."""
    decided: Decided = [(stream_id(CATEGORY, entity_id), fact) for fact in facts]
    match facts:
        case [WorkItemCompleted() | WorkItemStatusChanged(category="done") as done] if item.category != "done":
            following = next_one(entity_id, item, world.occurred_at, world.settings().states)
            if following is not None:
                world.creates(stream_id(CATEGORY, following[0]))
                decided[0] = (stream_id(CATEGORY, entity_id), replace(done, next_id=following[0]))
                decided.append((stream_id(CATEGORY, following[0]), following[1]))
    return decided


def next_one(
    entity_id: str, item: WorkItem, done_at: datetime, states: States = ()
) -> tuple[str, WorkItemCreated] | None:
    """What comes after an item that is done at a moment: its id, and how it begins; None if nothing does, as where
    its next turn lies beyond the year 9999."""
    if item.recurrence is None or item.next_id is not None:
        return None
    rule = rule_of(item.recurrence)
    try:
        due, not_before = _dates(item, rule, text(done_at))
    except ValueError:  # no date can say when
        return None
    first = first_state(states)
    created = WorkItemCreated(
        item_type=item.item_type,
        title=item.title,
        description=item.description,
        assignee=item.assignee,
        parent_id=item.parent_id,
        priority=item.priority,
        tags=item.tags,
        metadata=item.metadata,
        due=due,
        not_before=not_before,
        estimate=item.estimate,
        milestone_id=item.milestone_id,
        recurrence=item.recurrence,
        recurrence_of=entity_id,
        status=first.name,
        category=first.category,
    )
    return minted_id(UUID(entity_id), f"next {item.nexts_made}"), created


def _dates(item: WorkItem, rule: RecurrenceRule, done: str) -> tuple[str | None, str | None]:
    """(due, not_before) of the next one. Without a date of its own it is deferred until its turn comes."""
    base = item.due or item.not_before
    if rule.after_completion or base is None:
        like = base or done[:10]
        now = done[: len(like)]
        coming = _on_days(now, rule, done) if rule.days else later(now, rule.unit, rule.count)
    else:
        coming = _after(base, rule, done)
    if item.due is None:
        return None, coming
    return coming, item.not_before and _deferred(item.not_before, item.due, coming)


def _deferred(not_before: str, due: str, coming: str) -> str | None:
    """As long before it is due as the one that is done; None, so not deferred, where that lies before the year 1."""
    try:
        return moved(not_before, due, coming)
    except ValueError:
        return None


def _after(base: str, rule: RecurrenceRule, done: str) -> str:
    """The first turn after the one that is done that has not gone by yet."""
    if rule.days:
        return _on_days(base, rule, done)
    turns = 1
    while ends(coming := later(base, rule.unit, turns * rule.count)) < done:
        turns += _turns_between(coming, rule, done)
    return coming


def _turns_between(coming: str, rule: RecurrenceRule, done: str) -> int:
    """How many turns can be skipped at once without missing one: many where the rule is years behind, at least one."""
    days = (datetime.fromisoformat(done) - datetime.fromisoformat(begins(coming))).days
    longest = {"day": 1, "week": 7, "month": 31, "year": 366}[rule.unit] * rule.count
    return max(1, days // longest)


def _on_days(base: str, rule: RecurrenceRule, done: str) -> str:
    """The first of the rule's days after the base that has not gone by yet."""
    behind = (datetime.fromisoformat(done) - datetime.fromisoformat(begins(base))).days
    turns = max(1, behind)
    while _weekday(coming := later(base, "day", turns)) not in rule.days or ends(coming) < done:
        turns += 1
    return coming


def _weekday(value: str) -> int:
    return datetime.fromisoformat(begins(value)).weekday()
