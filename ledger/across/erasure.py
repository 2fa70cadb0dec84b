"""Which payloads an erasure replaces, and by what: everything stays that the log needs to be folded, and no text does.

Ids, times, numbers, words of closed lists, names of authors and ids of other trackers stay. What must have a name is
called ERASED from then on. Pure: it is given the log and answers payloads.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import msgspec
from msgspec.structs import replace

from ledger.aggregates.conflict.decider import CATEGORY as CONFLICT
from ledger.aggregates.conflict.events import ConflictFound
from ledger.aggregates.erasure.decider import CATEGORY as ERASURE
from ledger.aggregates.erasure.events import ErasedPayload, TextsErased
from ledger.catalog import fact_of, fold_stream, is_known
from ledger.codec import payload_digest
from ledger.envelope import RecordedEvent, category_of, id_of
from ledger.errors import NewerProgramNeeded

ERASED = "erased"  # stands where a text must be
CONFIGURATION = "configuration"  # settings are the project's, not their author's
FREE_KEYS = ("metadata", "format_support", "test_summary")  # mappings whose keys are texts as well
NAMES = ("title", "name")
MUST_BE_TEXT = ("text", "reason", "whom", "pr_title")  # a text that a fact cannot be without
NEW_URL = re.compile(rf"{ERASED}:\d+")
KEPT = frozenset(
    {
        "by",
        "at",
        "until",
        "due",
        "not_before",
        "deployed_at",
        "recurrence",
        "item_type",
        "kind",
        "type",
        "status",
        "old_status",
        "category",
        "old_category",
        "verdict",
        "completes",
        "command",
        "command_id",
        "stream",
        "comment_id",
        "entry_id",
        "parent_id",
        "old_parent_id",
        "new_parent_id",
        "milestone_id",
        "recurrence_of",
        "next_id",
        "cascade_of",
        "to_id",
        "deployment_id",
        "id",
        "ids",
        "vendor_ids",
        "work_item_ids",
        "depends_on",
        "undoes",
        "undone",
        "waits_for",
        "about",
        "sha256",
        "token_digest",
        "commit_hash",
        "commits",
        "external_source",
        "environment",
        "code",
        "expected",
        "currency",
    }
)
KEPT_OF_TYPE = {
    "ConflictResolved": {"choice"},
    "EnhancementStatusChanged": {"old", "new"},
    "VendorStatusChanged": {"old", "new"},
}
LONG_ENOUGH = 4  # letters of a word that an id of another tracker may have in common with an erased text

Is = Callable[[str], bool]  # whether a text is erased
Read = Callable[[], Iterable[RecordedEvent]]  # the log from its beginning, each time it is called


def of_entity(log: Iterable[RecordedEvent], stream: str) -> tuple[ErasedPayload, ...]:
    """Everything that was said of one entity: its own stream, and the conflicts about it. No other event is kept."""
    streams, kept = {stream}, []
    for event in log:
        if stream in _subjects(event):
            streams.add(event.stream_id)
        if event.stream_id in streams or category_of(event.stream_id) == ERASURE:
            kept.append(event)
    return _payloads(kept, dict.fromkeys(streams, _every), set())


def of_person(read: Read, name: str) -> tuple[ErasedPayload, ...]:
    """Everything that a person has written, also where another's change or a conflict quotes it, and their name where
    others have assigned or asked them. Only the events of those streams are kept."""
    own: set[int] = set()
    texts: dict[str, set[str]] = {}
    conflicts: list[tuple[str, set[str]]] = []
    written, naming = msgspec.json.encode(name), set[str]()
    for event in read():
        if event.by == name:
            own.add(event.position)
            texts.setdefault(event.stream_id, {name}).update(_texts(event))
        if written in event.data:
            naming.add(event.stream_id)
        if about := _subjects(event):
            conflicts.append((event.stream_id, about))
    for conflict, about in conflicts:
        quoted = set().union(*(texts.get(stream, set()) for stream in about))
        if quoted:
            texts.setdefault(conflict, {name}).update(quoted)
    erases: dict[str, Is] = {stream: partial(_is_one_of, texts.get(stream, {name})) for stream in naming | texts.keys()}
    kept = [event for event in read() if event.stream_id in erases or category_of(event.stream_id) == ERASURE]
    return _payloads(kept, erases, own)


def _every(_: str) -> bool:
    return True


def _is_one_of(texts: set[str], text: str) -> bool:
    return text in texts


def _payloads(events: list[RecordedEvent], erases: dict[str, Is], whole: set[int]) -> tuple[ErasedPayload, ...]:
    """The payloads without the texts that are erased: of each stream those that its `erases` names, of `whole` all.

    `events` are those of these streams and of all erasures.
    """
    found: dict[int, bytes] = {}
    erasers = {stream: _Eraser(stream) for stream in erases if category_of(stream) not in (ERASURE, CONFIGURATION)}
    chosen = [
        (event, _every if event.position in whole else erases[event.stream_id])
        for event in events
        if event.stream_id in erasers
    ]
    for event, is_gone in chosen:
        erasers[event.stream_id].learn_words(event, is_gone)
    for event, is_gone in chosen:
        data = erasers[event.stream_id].payload(event, is_gone)
        if data != event.data:
            found[event.position] = data
    for event in events:
        left = _without(event, found.keys()) if category_of(event.stream_id) == ERASURE else None
        if left is not None:
            found[event.position] = left
    _check_foldable(events, found)
    return tuple(ErasedPayload(position=place, data=found[place].decode()) for place in sorted(found))


def applied(events: Iterable[RecordedEvent], payloads: Iterable[ErasedPayload]) -> Iterator[RecordedEvent]:
    """The events as an erasure leaves them."""
    by_position = {payload.position: payload.data.encode() for payload in payloads}
    for event in events:
        data = by_position.get(event.position)
        yield event if data is None else replace(event, data=data)


def lost_texts(before: Iterable[RecordedEvent], payloads: Iterable[ErasedPayload]) -> Iterator[str]:
    """The texts that an erasure takes."""
    left = {payload.position: payload.data for payload in payloads}
    for event in before:
        if event.position in left and category_of(event.stream_id) != ERASURE:
            now = msgspec.json.decode(left[event.position])
            yield from set(_texts_in(msgspec.json.decode(event.data))) - set(_texts_in(now))


def payloads_in(event: RecordedEvent) -> tuple[ErasedPayload, ...]:
    """What an event erases; nothing if it is no erasure."""
    if event.type != TextsErased.__name__ or not is_known(event):
        return ()
    fact = fact_of(event)
    assert isinstance(fact, TextsErased), "its type says so"
    return fact.payloads


class _Eraser:
    """The texts of one stream. What must stay different from others of its kind is named by the entity's id."""

    def __init__(self, stream: str) -> None:
        self._stream = stream
        self._entity_id = id_of(stream)
        self._urls: dict[str, str] = {}
        self._words: set[str] = set()

    def learn_words(self, event: RecordedEvent, erases: Is) -> None:
        """Which words go: an id of another tracker may be made of them."""
        if not is_known(event):
            raise NewerProgramNeeded(
                f"position {event.position} holds {event.type} of schema {event.schema}, unknown to this program",
                next_step="upgrade tracking-ledger on this machine: it cannot tell which of its texts may go",
                type=event.type,
                schema=event.schema,
                position=event.position,
            )
        texts = (text for key, text in _named_texts(msgspec.json.decode(event.data)) if key != "external_id")
        self._words |= {word for text in texts if erases(text) for word in _words(text)}

    def payload(self, event: RecordedEvent, erases: Is) -> bytes:
        before = msgspec.json.decode(event.data)
        before.pop(ERASED, None)
        self._event, self._erases = event, erases
        after = self._object(before)
        if after == before:
            return event.data
        return msgspec.json.encode({ERASED: payload_digest(event.data).hex(), **after})

    def _object(self, value: dict[str, Any]) -> dict[str, Any]:
        kept = KEPT_OF_TYPE.get(self._event.type, set())
        return {key: each if key in kept else self._field(key, each) for key, each in value.items()}

    def _field(self, key: str, value: Any) -> Any:
        match value:
            case dict() if key in ("changes", "also"):
                return dict(self._changes(value))
            case dict() if key in FREE_KEYS:
                return {} if self._erases_any(value) else value
            case dict():
                return {inner: self._field(inner, each) for inner, each in value.items()}
            case list() if key == "met":
                return [self._met(met) for met in value]
            case list() if value and all(isinstance(each, str) for each in value):
                return value if key in KEPT else [each for each in value if not self._erases(each)]
            case list():
                return [self._field(key, each) for each in value]
            case str() if key not in KEPT and self._erases(value):
                return self._replacement(key, value)
            case _:
                return value

    def _changes(self, changes: dict[str, Any]) -> Iterator[tuple[str, Any]]:
        """A path into a mapping is a text, and is erased with its values."""
        for path, change in changes.items():
            field, inside, key = path.partition(".")
            if inside and (self._erases(key) or self._erases_any(change)):
                continue
            yield path, {side: self._field(field, value) for side, value in change.items()}

    def _met(self, met: dict[str, Any]) -> dict[str, Any]:
        field, inside, key = met["field"].partition(".")
        name = field if inside and self._erases(key) else met["field"]
        values = {side: self._field(field, met[side]) for side in ("base", "mine", "now") if side in met}
        return met | values | {"field": name}

    def _erases_any(self, value: Any) -> bool:
        """Whether a text in it is erased; a key is one too."""
        return any(self._erases(text) for text in _texts_in(value))

    def _replacement(self, key: str, text: str) -> str | None:
        if key in NAMES:
            return f"{ERASED} {self._entity_id}" if category_of(self._stream) == "vendor" else ERASED
        if key == "url":
            return text if NEW_URL.fullmatch(text) else self._urls.setdefault(text, f"{ERASED}:{self._event.position}")
        if key == "external_id":
            return f"{ERASED} {self._entity_id}" if self._words & _words(text) else text
        return ERASED if key in MUST_BE_TEXT else None


def _without(event: RecordedEvent, positions: Iterable[int]) -> bytes | None:
    """An earlier erasure without the payloads that a later one says; None if it says none of them."""
    replaced = set(positions)
    payloads = payloads_in(event)
    left = [payload for payload in payloads if payload.position not in replaced]
    if len(left) == len(payloads):
        return None
    body = {**msgspec.json.decode(event.data), "payloads": msgspec.to_builtins(left)}
    return msgspec.json.encode({ERASED: payload_digest(event.data).hex(), **{k: body[k] for k in body if k != ERASED}})


def _check_foldable(events: list[RecordedEvent], found: dict[int, bytes]) -> None:
    """What is recorded is for ever: before it is, every stream is folded as it will be."""
    touched = {event.stream_id for event in events if event.position in found}
    streams: dict[str, list[RecordedEvent]] = {stream: [] for stream in touched}
    for event in events:
        if event.stream_id in touched:
            streams[event.stream_id].append(replace(event, data=found.get(event.position, event.data)))
    for stream, past in streams.items():
        fold_stream(stream, past)


def _subjects(event: RecordedEvent) -> set[str]:
    """The streams that a conflict is about, with whose finding its own stream begins; else none."""
    if category_of(event.stream_id) == CONFLICT and is_known(event):
        fact = fact_of(event)
        if isinstance(fact, ConflictFound):
            return {*fact.about, *fact.bases}
    return set()


def _texts(event: RecordedEvent) -> set[str]:
    return {text for text in _texts_in(msgspec.json.decode(event.data)) if text.strip()}


def _texts_in(value: Any) -> Iterator[str]:
    """Every text in a payload that may go."""
    return (text for _, text in _named_texts(value))


def _named_texts(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """The same with the field that each stands in. The keys of some mappings are texts, and so are paths into them."""
    match value:
        case str() if key not in KEPT:
            yield key, value
        case dict() if key in ("changes", "also"):
            for path, change in value.items():
                field, inside, inner = path.partition(".")
                yield from [(field, inner)] if inside else []
                yield from _named_texts(list(change.values()), field)
        case dict():
            for name, each in value.items():
                yield from [(key, name)] if key in FREE_KEYS else []
                yield from _named_texts(each, key if key in FREE_KEYS else name)
        case list():
            for each in value:
                yield from _named_texts(each, key)


def _words(text: str) -> set[str]:
    return {word for word in re.findall(r"[^\W_]+", text.casefold()) if len(word) >= LONG_ENOUGH}
