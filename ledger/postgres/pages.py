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
        _event,
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


def _event(
    position: int,
    stream_id: str,
    version: int,
    command_id: UUID,
    n: int,
    command: str,
    command_digest: bytes,
    type: str,
    schema: int,
    topics: tuple[str, ...],
    data: bytes,
    by: str,
    occurred_at: datetime,
    recorded_at: datetime,
    digest: bytes,
) -> RecordedEvent:
    return RecordedEvent(
        position=position,
        stream_id=stream_id,
        version=version,
        command_id=command_id,
        n=n,
        command=command,
        command_digest=command_digest,
        type=type,
        schema=schema,
        topics=topics,
        data=data,
        by=by,
        occurred_at=occurred_at,
        recorded_at=recorded_at,
        digest=digest,
    )
