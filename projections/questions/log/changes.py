"""What happened since a position, in few words, for a reader who was away."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from ledger.catalog import fact_of, states_of
from ledger.envelope import Fact, RecordedEvent, category_of, id_of
from ledger.pending import is_pending, shown_position
from ledger.problems import check, problem
from ledger.store import EventStore
from ledger.values.moment import text
from ledger.values.reference import LETTERS
from projections.questions.answers import Entity
from projections.questions.log.event_filter import EventFilter
from projections.questions.log.history import changed_fields, name_of, short_changes, with_references
from projections.questions.references import references
from projections.read_models.catalog import BY_CATEGORY
from projections.tables.contract import Snapshot

SCANNED = 1000  # events that one answer looks at, however few of them a filter lets through
# What an event's author said, where its fact has it.
SAID = ("verdict", "choice", "text", "reason", "note", "forced", "forced_over")
LONGEST = 200  # characters of each
VERDICTS = {"approve": "approved", "refuse": "refused", "choose": "chose", "answer": "answered"}


def changes_since(log: EventStore, snapshot: Snapshot, after: int, wanted: EventFilter, limit: int) -> Entity:
    """{items, returned, next_position, has_more}, oldest first. Asking again with `next_position` misses nothing.

    One answer looks at SCANNED events at most, so `next_position` may advance where nothing is shown.
    """
    head = snapshot.as_of.position
    if after > head:
        check([problem("since", f"lies after the newest position, {head}", after)])
    reached, events = after, list[RecordedEvent]()
    for event in log.read_all(after, None if after + SCANNED >= head else after + SCANNED):
        if event.position > head and not is_pending(event):  # newer than this view
            continue
        reached = reached if is_pending(event) else event.position
        if wanted.matches(event):
            events.append(event)
            if len(events) == limit:
                break
    return {
        "items": _lines(log, snapshot, events),
        "returned": len(events),
        "next_position": reached,
        "has_more": reached < head,
    }


def author_text(change: Entity) -> str:
    """What the author of a change said, in one line.

    >>> author_text({"verdict": "choose", "choice": "red", "text": "it is\\nthe sea's"})
    "chose red: it is the sea's"
    >>> author_text({"reason": "no license"})
    'no license'
    """
    verdict = change.get("verdict", "")
    decided = " ".join(filter(None, [VERDICTS.get(verdict, verdict), change.get("choice")]))
    why = next((change[name] for name in ("text", "reason", "forced", "note") if name in change), None)
    return " ".join(": ".join(filter(None, [decided, why])).split())


def _lines(log: EventStore, snapshot: Snapshot, events: list[RecordedEvent]) -> list[Entity]:
    pasts = log.read_streams(list(dict.fromkeys(event.stream_id for event in events))).events if events else {}
    states = {stream: states_of(stream, past) for stream, past in pasts.items() if category_of(stream) in BY_CATEGORY}
    refs = dict(_references(snapshot, events))
    lines = [_line(event, states.get(event.stream_id), refs.get(event.stream_id)) for event in events]
    changes = iter(with_references(snapshot, [line["changed"] for line in lines if "changed" in line]))
    return [line | {"changed": next(changes)} if "changed" in line else line for line in lines]


def _line(event: RecordedEvent, states: list[Any] | None, ref: str | None) -> Entity:
    line: Entity = {
        "position": shown_position(event),
        "ref": ref or id_of(event.stream_id),
        "type": event.type,
        "by": event.by,
        "at": text(event.recorded_at),
        **({"pending": True} if is_pending(event) else {}),
    }
    if states is None:  # a category of a newer program
        return line
    if event.version > 1:
        before, after = states[event.version - 1], states[event.version]
        line["fields"] = changed_fields(before, after)
        changed = short_changes(before, after)
        line |= {"changed": changed} if changed else {}
    line |= _texts_of(fact_of(event))
    title = name_of(states[event.version])
    return line if title is None else line | {"title": title}


def _texts_of(fact: Fact) -> Entity:
    texts = {name: getattr(fact, name, None) for name in SAID}
    return {
        name: value if len(value) <= LONGEST else value[: LONGEST - 3] + "..." for name, value in texts.items() if value
    }


def _references(snapshot: Snapshot, events: list[RecordedEvent]) -> Iterator[tuple[str, str]]:
    streams = sorted({event.stream_id for event in events if category_of(event.stream_id) in LETTERS})
    for category, group in groupby(streams, key=category_of):
        own = {id_of(stream): stream for stream in group}
        for entity_id, ref in references(snapshot, category, own).items():
            yield own[entity_id], ref
