"""What a waiting command meets when it reaches the database: whose changes, in which fields, and what it builds on.

Pure: it compares histories by folding them, so it holds for every fact there is or will be.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from ledger.across.conflict_resolution import rebased
from ledger.aggregates.conflict.events import Met
from ledger.annotation.events import AnnotationFact
from ledger.catalog import DECIDERS, FACTS, fold_stream, states_of
from ledger.codec import decode, is_erased
from ledger.command_codec import command_of
from ledger.envelope import Command, Fact, RecordedEvent, category_of, id_of
from ledger.offline.queue.outbox_lines import Queued, QueuedEvent
from ledger.values.field_paths import differing, flatten
from ledger.values.revision import same

Pasts = Mapping[str, Sequence[RecordedEvent]]
Own = Callable[[UUID], bool]  # whether a command is one of this outbox

SAID = ("by", "at")
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def events_of_others(line: Queued, past: Iterable[RecordedEvent], own: Own) -> list[RecordedEvent]:
    """What others did to a stream since the command was decided."""
    return [event for event in past if event.position > line.as_of and not own(event.command_id)]


def is_on_its_base(line: Queued, stream: str, past: Sequence[RecordedEvent], own: Own) -> bool:
    """Whether the stream is exactly what the command was decided on."""
    base = line.bases[stream]
    if events_of_others(line, past, own):
        return False
    last = past[-1] if past else None
    return (last and str(last.command_id)) == base.command_id


def quotes_erased(pasts: Iterable[Sequence[RecordedEvent]]) -> bool:
    """Whether texts were erased from what a command was decided on: what it proposed then may hold them."""
    return any(is_erased(event.data) for past in pasts for event in past)


def without_quotes(event: QueuedEvent) -> dict[str, Any]:
    """The payload of what was proposed, without the values that it only takes from what stood there before."""
    data: dict[str, Any] = msgspec.json.decode(event.data)
    taken = ("old", "new") if event.type.endswith("Reverted") else ("old",)
    for field in data.keys() & {"changes", "also"}:
        data[field] = {
            path: {side: value for side, value in change.items() if side not in taken}
            for path, change in data[field].items()
        }
    return data


def proposed_facts(line: Queued) -> list[tuple[str, Fact]]:
    return [(event.stream_id, _fact(event.type, event.schema, bytes(event.data), line)) for event in line.events]


def facts_with_authors(line: Queued) -> list[tuple[str, Fact, str, Any]]:
    """What the command proposed: stream, fact, author and time of each."""
    facts = zip(proposed_facts(line), line.events, strict=True)
    return [(stream, fact, event.by, event.occurred_at) for (stream, fact), event in facts]


def with_author(decided: tuple[Any, ...], line: Queued) -> tuple[str, Fact, str, Any]:
    """A decided fact with its author and time; those of the command, where it has none of its own."""
    stream, fact = decided[:2]
    by, occurred_at = decided[2:] if len(decided) == 4 else (line.by, line.occurred_at)
    return stream, fact, by, occurred_at


def rebased_command(line: Queued, pasts: Pasts) -> Command:
    """The command as it is decided again, on the versions that its streams have now."""
    command = command_of(line.command, line.command_schema, line.arguments)
    return rebased(command, line.bases, lambda stream: len(pasts.get(stream, ())))


def fields_met(line: Queued, pasts: Pasts, own: Own) -> list[Met]:
    """The fields that the command changes and others have changed since, to something else."""
    facts: dict[str, list[Fact]] = {}
    for stream, fact in proposed_facts(line):
        if isinstance(fact, AnnotationFact):  # each is an entry of its own: what was said of it last holds
            continue
        facts.setdefault(stream, []).append(fact)
    return [
        met for stream, added in facts.items() for met in _fields_met(line, stream, added, pasts.get(stream, ()), own)
    ]


def current_versions(line: Queued, pasts: Pasts) -> dict[str, int]:
    return {stream: past[-1].version for stream in line.streams if (past := pasts.get(stream, ()))}


def marked(decided: Iterable[tuple[Any, ...]], line: Queued, moved: set[str]) -> list[tuple[Any, ...]]:
    """Facts with the version that each was rebased from, where others have moved the stream on."""
    return [
        (entry[0], replace(entry[1], rebased_from=line.bases[entry[0]].version), *entry[2:])
        if entry[0] in moved and entry[0] in line.bases
        else entry
        for entry in decided
    ]


def mentioned(line: Queued) -> set[str]:
    """Every id that the command names."""
    return set(_ID.findall(msgspec.json.encode(line.arguments).decode()))


def created(line: Queued) -> set[str]:
    """The ids of the entities that the command would create."""
    return {id_of(stream) for stream in line.streams if line.bases.get(stream) and line.bases[stream].version == 0}


def _fields_met(line: Queued, stream: str, facts: list[Fact], past: Sequence[RecordedEvent], own: Own) -> Iterator[Met]:
    theirs = events_of_others(line, past, own)
    if not theirs:
        return
    foreign = {(event.command_id, event.n) for event in theirs}
    decider = DECIDERS[category_of(stream)]
    base = fold_stream(stream, [event for event in past if (event.command_id, event.n) not in foreign])
    mine = base
    for fact in facts:
        mine = decider.after(mine, fact)
    states = states_of(stream, past)
    was, wanted, now = flatten(base), flatten(mine), flatten(states[-1])
    touched: dict[str, str] = {}
    for event in theirs:
        before, after = flatten(states[event.version - 1]), flatten(states[event.version])
        touched |= dict.fromkeys(differing(before, after), event.by)
    for path in sorted(differing(was, wanted) & touched.keys()):
        if not same(_content(wanted.get(path, UNSET)), _content(now.get(path, UNSET))):
            values = [_plain(found.get(path, UNSET)) for found in (was, wanted, now)]
            yield Met(stream=stream, field=path, base=values[0], mine=values[1], now=values[2], by=touched[path])


def _content(value: Any) -> Any:
    """A value without its author and time: what two have said alike is decided again, and is then there already."""
    return {key: part for key, part in value.items() if key not in SAID} if isinstance(value, dict) else value


def _fact(name: str, schema: int, data: bytes, line: Queued) -> Fact:
    event = RecordedEvent(
        position=0,
        stream_id="",
        version=0,
        command_id=line.command_id,
        n=0,
        command=line.command,
        command_digest=b"",
        type=name,
        schema=schema,
        topics=(),
        data=data,
        by=line.by,
        occurred_at=line.occurred_at,
        recorded_at=line.occurred_at,
        digest=b"",
    )
    return decode(FACTS.get(name), event)


def _plain(value: Any) -> Any:
    return None if isinstance(value, UnsetType) else value
