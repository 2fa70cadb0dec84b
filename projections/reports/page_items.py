"""The work items of the HTML page: their tree, and what is read of each when it is opened."""

import re
from collections import Counter
from collections.abc import Iterable

from ledger.aggregates.work_item.state import IMPLEMENTS, WorkItem
from ledger.envelope import RecordedEvent, stream_id
from ledger.store import EventStore
from ledger.values.moment import text as moment_text
from ledger.values.states import FINISHED
from projections.questions.answers import Entity
from projections.questions.entities import annotations, rows, with_fields
from projections.read_models.projection import Row
from projections.tables.contract import Snapshot

OPEN = 60  # items up to which the tree is open from the start
NEWEST = 8  # entries of an item's history
CHOICES = 100  # in the choice of a filter, the most frequent ones
FACTS = ("due", "not_before", "branch_name", "external_id", "recurrence")
_WORDS = re.compile("(?<=[a-z])(?=[A-Z])")


def described(snapshot: Snapshot, log: EventStore, items: list[Entity]) -> list[Entity]:
    """The items of a report, each with its tags, its due day and, as `about`, what is read of it when it is opened."""
    generation = snapshot.generation("work_items")
    ids = [item["id"] for item in items]
    found = rows("work_item", snapshot.ask("entities/by_ids", category="work_item", generation=generation, ids=ids))
    by_id = {row.id: row for row in found}
    named = with_fields(snapshot, "work_item", _linked(row.state for row in found), "title")
    named |= with_fields(snapshot, "enhancement", _enhancements(row.state for row in found), "title")
    past = _histories(log, ids, snapshot.as_of.position)
    return [item | _described(by_id[item["id"]], named) | {"history": past.get(item["id"], [])} for item in items]


def tree(items: list[Entity]) -> list[Entity]:
    """Each item with what is below it, in the order of the report."""
    roots: list[Entity] = []
    above: list[Entity] = []
    for item in items:
        node = {
            "item": item,
            "children": [],
            "below": 0,
            "done": 0,
            "open": len(items) <= OPEN,
        }
        del above[item["depth"] :]
        (above[-1]["children"] if above else roots).append(node)
        for one in above:
            one["below"] += 1
            one["done"] += item["category"] in FINISHED
        above.append(node)
    return roots


def choices(values: Iterable[str | None]) -> list[tuple[str, int]]:
    """What a filter offers, with how often it occurs, in the order of the names."""
    return sorted(Counter(value for value in values if value).most_common(CHOICES))


def waiting(items: list[Entity]) -> list[Entity]:
    """The items that wait for the answer of a person, the oldest question first."""
    asked = (item for item in items if item["question"] and item["category"] not in FINISHED)
    return sorted(asked, key=lambda item: (item["question"]["at"], item["id"]))


def _described(row: Row, named: dict[str, Entity]) -> Entity:
    item: WorkItem = row.state
    question = item.question and {
        name: getattr(item.question, name) for name in ("whom", "by", "at", "text", "choices", "completes")
    }
    facts = {name.replace("_", " "): getattr(item, name) for name in FACTS if getattr(item, name)}
    return {
        "tags": list(item.tags),
        "above": item.archived or item.deleted or item.withdrawn,
        "due": item.due,
        "question": question,
        "about": {
            "description": item.description,
            "notes": item.notes,
            "facts": facts,
            "has_facts": any(
                (facts, item.estimate, item.milestone_id, item.links, item.commits, item.pr_numbers, item.attachments)
            ),
            "estimate": item.estimate,
            "milestone": named.get(item.milestone_id) if item.milestone_id else None,
            "links": [(link.kind.replace("_", " "), named[link.to_id], link.note) for link in item.links],
            "commits": item.commits,
            "pr_numbers": item.pr_numbers,
            "stamps": row.stamps,
            "comments": [],
            "attachments": [],
            **annotations(row),
        },
    }


def _enhancements(items: Iterable[WorkItem]) -> set[str]:
    return {link.to_id for item in items for link in item.links if link.kind == IMPLEMENTS}


def _linked(items: Iterable[WorkItem]) -> set[str]:
    return {id for item in items for id in (*(link.to_id for link in item.links), item.milestone_id) if id is not None}


def _histories(log: EventStore, ids: list[str], position: int) -> dict[str, list[Entity]]:
    """The newest events of each item up to a position, the newest first."""
    pasts = log.read_streams([stream_id("work_item", id) for id in ids]).events if ids else {}
    histories = {}
    for id in ids:
        past = [event for event in pasts.get(stream_id("work_item", id), []) if event.position <= position]
        histories[id] = [_event(event) for event in reversed(past[-NEWEST:])]
    return histories


def _event(event: RecordedEvent) -> Entity:
    return {"what": event_words(event.type), "by": event.by, "at": moment_text(event.occurred_at)}


def event_words(type: str) -> str:
    """What happened, of the name of an event.

    >>> event_words("WorkItemClaimReleased"), event_words("CommentAdded")
    ('claim released', 'comment added')
    """
    return _WORDS.sub(" ", type.removeprefix("WorkItem")).lower()
