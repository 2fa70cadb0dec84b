"""An event as one line: for a person's eyes, for scripts that follow the log, and for receivers of webhooks."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from msgspec import UNSET

from ledger.aggregates.erasure.events import TextsErased
from ledger.catalog import NAME_FIELDS, fact_of, states_of
from ledger.envelope import Fact, RecordedEvent, UnknownFact, category_of, id_of, stated
from ledger.pending import shown_position, shown_version
from ledger.store import EventStore
from ledger.values.moment import text
from ledger.values.reference import LETTERS
from ledger.values.revision import Change
from projections.questions.answers import Entity
from projections.questions.log.history import changes_of, name_of, words_of
from projections.questions.references import references
from projections.read_models.catalog import BY_CATEGORY
from projections.tables.contract import Snapshot

LONGEST, LONGEST_VALUE = 100, 40  # characters
EMPTY: tuple[Any, ...] = (None, UNSET, "", [], {}, ())


def event_lines(log: EventStore, snapshot: Snapshot, events: Iterable[RecordedEvent]) -> list[Entity]:
    """The events, each with what it is about and what it changed."""
    events = list(events)
    states = _states(log, events)
    refs: dict[str, str] = {}
    for category in {category_of(event.stream_id) for event in events} & LETTERS.keys():
        entity_ids = {id_of(event.stream_id) for event in events if category_of(event.stream_id) == category}
        refs |= references(snapshot, category, entity_ids)
    return [
        {
            "position": shown_position(event),
            "recorded_at": text(event.recorded_at),
            "occurred_at": text(event.occurred_at),
            "by": event.by,
            "type": event.type,
            "id": id_of(event.stream_id),
            "ref": refs.get(id_of(event.stream_id)),
            "version": shown_version(event),
            "title": name_of(states[event.stream_id][-1]) if event.stream_id in states else None,
            "changes": changes_of(event, states[event.stream_id]) if event.stream_id in states else [],
            **words_of(event),
            "summary": sentence(event),
        }
        for event in events
    ]


def sentence(event: RecordedEvent) -> str:
    """The entity's name if the event gives one; else what changed to what, and the reasons."""
    fact = fact_of(event)
    if isinstance(fact, UnknownFact):
        return f"(a fact of a newer program, schema {fact.schema})"
    if isinstance(fact, TextsErased):
        return f"of {len(fact.payloads)} events"
    name = next((getattr(fact, name) for name in NAME_FIELDS if getattr(fact, name, None)), None)
    return _cut(str(name) if name else ", ".join(_parts(fact)), LONGEST)


def _states(log: EventStore, events: list[RecordedEvent]) -> dict[str, list[Any]]:
    """What each of the streams came to, event by event."""
    known = {event.stream_id for event in events if category_of(event.stream_id) in BY_CATEGORY}
    pasts = log.read_streams(sorted(known)).events if known else {}
    return {stream: states_of(stream, past) for stream, past in pasts.items()}


def _parts(fact: Fact) -> Iterator[str]:
    for name, value in (*stated(fact).items(), ("also", fact.also)):
        if name in ("changes", "also"):
            yield from (_change(path, change) for path, change in value.items())
        elif value not in EMPTY:
            yield f"{name.replace('_', ' ')}: {_value(value)}"


def _change(path: str, change: Change) -> str:
    return f"{path}: {_value(change.old)} -> {_value(change.new)}"


def _value(value: Any) -> str:
    return "nothing" if value in EMPTY else _cut(in_words(msgspec.to_builtins(value)), LONGEST_VALUE)


def in_words(value: Any) -> str:
    """A value of a field as a person writes it.

    >>> in_words({"name": "todo", "claims": True, "tags": ["sea", "ice"]})
    'name: todo, claims: yes, tags: sea, ice'
    """
    match value:
        case bool():
            return "yes" if value else "no"
        case dict():
            return ", ".join(f"{name.replace('_', ' ')}: {in_words(one)}" for name, one in value.items())
        case list():
            return ", ".join(map(in_words, value))
    return "nothing" if value is None else str(value)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 3] + "..."
