"""The log of one ledger in pages: of each, the server made one JSON text that msgspec takes apart.

It is an array of columns, each an array with a value for every event; see sql/functions/page_of_events.sql,
page_of_facts.sql and long_payloads.sql.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from datetime import datetime
from uuid import UUID

import msgspec
from msgspec import Raw, Struct

from ledger.envelope import RecordedEvent, RecordedFact


class Page(Struct, frozen=True):
    """What the server answers: the head, the position at which the page ends, the page if there is one, its long
    payloads. What is no text comes beside it, where a reader wants it."""

    head: int
    ends: int
    text: str | None
    long: str | None
    command_ids: list[UUID] | None = None
    command_digests: list[bytes] | None = None
    digests: list[bytes] | None = None


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
    n: list[int]
    command: list[str]
    type: list[str]
    schema: list[int]
    topics: list[tuple[str, ...]]
    data: list[Raw]
    by: list[str]
    occurred_at: list[datetime]
    recorded_at: list[datetime]


_facts = msgspec.json.Decoder(_Facts).decode
_events = msgspec.json.Decoder(_Events).decode
_long = msgspec.json.Decoder(list[tuple[int, Raw]]).decode


def pages(ask: Ask, after: int, up_to: int) -> Iterator[Page]:
    """The pages after a position, up to another that is in the log. Each is asked for before the last one is used."""
    page = ask(after, up_to)()
    while page.text is not None:
        following = ask(page.ends, up_to) if page.ends < up_to else None
        yield page
        if following is None:
            return
        page = following()


def facts_in(page: Page) -> Iterator[RecordedFact]:
    found = _facts(page.text or "[]")
    _complete(page, found.position, found.data)
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


def events_in(page: Page) -> Iterator[RecordedEvent]:
    found = _events(page.text or "[]")
    _complete(page, found.position, found.data)
    return map(
        RecordedEvent,
        found.position,
        found.stream_id,
        found.version,
        page.command_ids or (),
        found.n,
        found.command,
        page.command_digests or (),
        found.type,
        found.schema,
        found.topics,
        map(bytes, found.data),
        found.by,
        found.occurred_at,
        found.recorded_at,
        page.digests or (),
    )


def _complete(page: Page, positions: list[int], payloads: list[Raw]) -> None:
    """Puts the long payloads in their places, and ends the page where it ends: what is behind is asked for again."""
    for position, payload in _long(page.long or "[]"):
        payloads[bisect_left(positions, position)] = payload
    del positions[bisect_right(positions, page.ends) :]
