"""The log of one ledger in pages: of each column a JSON array with a value for every event, which msgspec takes apart.

See sql/functions/page_of_events.sql, page_of_facts.sql and long_payloads.sql.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from msgspec import Raw

from ledger.envelope import RecordedEvent, RecordedFact


class Page(NamedTuple):
    """What the server answers: the head, the position at which the page ends, its long payloads, its columns."""

    head: int
    ends: int
    long: bytes | None
    columns: list[Any]


Ask = Callable[[int, int], Callable[[], Page]]  # (after a position, up to another): asks, and answers what waits for it


def _decoder(of: Any) -> Callable[[bytes], list[Any]]:
    return msgspec.json.Decoder(list[of]).decode


def _as_it_is(column: list[Any]) -> list[Any]:
    return column


_numbers, _texts, _payloads, _moments = map(_decoder, (int, str, Raw, datetime))
_topics, _long = map(_decoder, (tuple[str, ...], tuple[int, Raw]))
_FACTS = (_numbers, _texts, _numbers, _texts, _numbers, _payloads, _texts, _moments)
_EVENTS = (
    _numbers, _texts, _numbers, _as_it_is, _numbers, _texts, _as_it_is, _texts, _numbers, _topics, _payloads, _texts,
    _moments, _moments, _as_it_is,
)  # fmt: skip


def page_of(row: Sequence[Any]) -> Page:
    head, ends, long, *columns = row
    return Page(head, ends, long, columns)


def pages(ask: Ask, after: int, up_to: int) -> Iterator[Page]:
    """The pages after a position, up to another that is in the log. Each is asked for before the last one is used."""
    page = ask(after, up_to)()
    while page.columns[0] is not None:
        following = ask(page.ends, up_to) if page.ends < up_to else None
        yield page
        if following is None:
            return
        page = following()


def facts_in(page: Page) -> Iterator[RecordedFact]:
    columns = _columns(page, _FACTS)
    return map(RecordedFact, *columns)


def events_in(page: Page) -> Iterator[RecordedEvent]:
    columns = _columns(page, _EVENTS)
    payloads = _EVENTS.index(_payloads)
    return map(RecordedEvent, *columns[:payloads], map(bytes, columns[payloads]), *columns[payloads + 1 :])


def _columns(page: Page, decoders: Sequence[Callable[[Any], list[Any]]]) -> list[list[Any]]:
    """The long payloads are put in their places. The first column ends where the page ends: what is behind is asked for
    again."""
    columns = [decode(column) for decode, column in zip(decoders, page.columns, strict=True)]
    positions = columns[0]
    if page.long is not None:
        payloads = columns[decoders.index(_payloads)]
        for position, payload in _long(page.long):
            payloads[bisect_left(positions, position)] = payload
        del positions[bisect_right(positions, page.ends) :]
    return columns
