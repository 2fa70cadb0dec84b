"""What happened in the seven days before the position of the HTML page: counts, by whom, and day by day."""

from collections import Counter
from datetime import timedelta

from ledger.aggregates.work_item.events import WorkItemStatusChanged
from ledger.catalog import fact_of
from ledger.envelope import RecordedEvent
from ledger.pending import is_pending
from ledger.store import EventStore
from ledger.values.moment import EPOCH
from ledger.values.states import FINISHED
from projections.questions.answers import Entity
from projections.tables.contract import Snapshot

LOOKED_AT = 2000  # newest events of the log that are counted
DAYS = 7
NAMED = {  # the events that a reader asks for, in this order; the others are counted as changes
    "WorkItemCreated": "created",
    "WorkItemCompleted": "completed",
    "WorkItemBlocked": "blocked",
    "CommentAdded": "comments",
    "DeploymentRecorded": "deployments",
}


def week(log: EventStore, snapshot: Snapshot) -> Entity:
    """{counts: {words: number}, by: [(person, number)], days: [{day, created, completed}], whole: bool}; `whole` says
    that no event of the week was left out."""
    head, end = snapshot.as_of.position, snapshot.as_of.time or EPOCH
    newest = [event for event in log.read_all(max(0, head - LOOKED_AT), head) if not is_pending(event)]
    begin = end - timedelta(days=DAYS)
    events = [event for event in newest if begin < event.occurred_at <= end]
    counted = Counter(_word(event) for event in events)
    ordered = {name: counted[name] for name in (*NAMED.values(), "other changes") if counted[name]}
    days = [(begin + timedelta(days=n + 1)).date().isoformat() for n in range(DAYS)]
    return {
        "counts": ordered,
        "by": Counter(event.by for event in events).most_common(5),
        "days": [_day(day, events) for day in days],
        "whole": len(events) < len(newest) or head <= LOOKED_AT,
    }


def _day(day: str, events: list[RecordedEvent]) -> Entity:
    own = Counter(_word(event) for event in events if event.occurred_at.date().isoformat() == day)
    return {"day": day, "created": own["created"], "completed": own["completed"]}


def _word(event: RecordedEvent) -> str:
    return "completed" if _finishes(event) else NAMED.get(event.type, "other changes")


def _finishes(event: RecordedEvent) -> bool:
    """Whether it moves an item into a final state of the ledger's own."""
    fact = fact_of(event) if event.type == WorkItemStatusChanged.__name__ else None
    return isinstance(fact, WorkItemStatusChanged) and fact.category in FINISHED and fact.old_category not in FINISHED
