"""The log of one ledger in pages: each is one JSON text that the server made and msgspec takes apart.

A page is an array of events, an event an array of its columns; see sql/functions/read_events.sql and read_facts.sql.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import datetime
from functools import partial
from uuid import UUID

import msgspec
from msgspec import Raw, Struct

from ledger.envelope import RecordedEvent, RecordedFact

# (after a position, up to one or the head) -> the head, the position at which the page ends, the page if there is one
Read = Callable[[int, int | None], tuple[int, int, str | None]]


class _Columns(Struct, frozen=True, array_like=True, gc=False):
    position: int
    stream_id: str
    version: int
    command_id: UUID
    n: int
    command: str
    command_digest: bytes
    type: str
    schema: int
    topics: str
    data: Raw
    by: str
    occurred_at: datetime
    recorded_at: datetime
    digest: bytes


_columns = msgspec.json.Decoder(list[_Columns]).decode
_facts = msgspec.json.Decoder(list[RecordedFact]).decode


def pages(read: Read, after: int, up_to: int | None, *, ahead: bool) -> Iterator[str]:
    """The pages after a position, up to another or to the head at the time of the call.

    With `ahead` a second thread reads the next page while one is used, so that client and server work at once.
    """
    head, ends, page = read(after, up_to)
    last = head if up_to is None else min(up_to, head)
    with ExitStack() as stack:
        reader = stack.enter_context(ThreadPoolExecutor(1)) if ahead and ends < last else None
        while page is not None:
            following = None
            if ends < last:
                following = reader.submit(read, ends, last).result if reader else partial(read, ends, last)
            yield page
            _, ends, page = following() if following else (head, last, None)


def events_in(page: str) -> Iterator[RecordedEvent]:
    for found in _columns(page):
        yield RecordedEvent(
            position=found.position,
            stream_id=found.stream_id,
            version=found.version,
            command_id=found.command_id,
            n=found.n,
            command=found.command,
            command_digest=found.command_digest,
            type=found.type,
            schema=found.schema,
            topics=tuple(found.topics.split(",")) if found.topics else (),
            data=bytes(found.data),
            by=found.by,
            occurred_at=found.occurred_at,
            recorded_at=found.recorded_at,
            digest=found.digest,
        )


def facts_in(page: str) -> list[RecordedFact]:
    return _facts(page)
