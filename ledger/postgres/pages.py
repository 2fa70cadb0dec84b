"""The log of one ledger in pages: each is one JSON text that the server made and msgspec takes apart.

A page is an array of columns, each an array with a value for every event; see sql/functions/read_events.sql and
read_facts.sql.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from uuid import UUID

import msgspec
from msgspec import Raw, Struct

from ledger.envelope import RecordedEvent, RecordedFact

Page = tuple[int, int, str | None]  # the head, the position at which the page ends, the page if there is one
Ask = Callable[[int, int], Callable[[], Page]]  # (after a position, up to another): asks, and answers what waits for it


class _Facts(Struct, frozen=True, array_like=True):
    position: list[int]
    stream_id: list[str]
    version: list[int]
    type: list[str]
    schema: list[int]
    data: list[Raw]
    by: list[str]
    occurred_at: list[datetime]


class _Events(Struct, frozen=True, array_like=True):
    position: list[int]
    stream_id: list[str]
    version: list[int]
    command_id: list[UUID]
    n: list[int]
    command: list[str]
    command_digest: list[str]
    type: list[str]
    schema: list[int]
    topics: list[tuple[str, ...]]
    data: list[Raw]
    by: list[str]
    occurred_at: list[datetime]
    recorded_at: list[datetime]
    digest: list[str]


_facts = msgspec.json.Decoder(_Facts).decode
_events = msgspec.json.Decoder(_Events).decode


def pages(ask: Ask, after: int, up_to: int) -> Iterator[str]:
    """The pages after a position, up to another that is in the log. Each is asked for before the last one is used."""
    _, ends, page = ask(after, up_to)()
    while page is not None:
        following = ask(ends, up_to) if ends < up_to else None
        yield page
        _, ends, page = following() if following else (up_to, up_to, None)


def facts_in(page: str) -> Iterator[RecordedFact]:
    found = _facts(page)
    return map(
        RecordedFact,
        found.position,
        found.stream_id,
        found.version,
        found.type,
        found.schema,
        found.data,
        found.by,
        found.occurred_at,
    )


def events_in(page: str) -> Iterator[RecordedEvent]:
    found = _events(page)
    return map(
        RecordedEvent,
        found.position,
        found.stream_id,
        found.version,
        found.command_id,
        found.n,
        found.command,
        map(bytes.fromhex, found.command_digest),
        found.type,
        found.schema,
        found.topics,
        map(bytes, found.data),
        found.by,
        found.occurred_at,
        found.recorded_at,
        map(bytes.fromhex, found.digest),
    )
