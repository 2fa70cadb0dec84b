"""What travels with a fact: its place, its author, its times; and what a writer hands to a store.

Words (used for nothing else): *version* is the place in one stream, from 1; *position* the place in the whole
log, from 1, without gaps; *expected* the version a writer believes; *past* a stream's history.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any, Literal
from uuid import NAMESPACE_OID, UUID, uuid5

from msgspec import Raw, Struct
from msgspec.structs import asdict

from ledger.values.moment import microseconds
from ledger.values.revision import Changes

Scope = Literal["read", "write", "admin"]  # what a caller may do; each holds those before it


class Fact(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that happened, in the past tense. Defaults never change: absent means the default for ever.

    `also` are fields changed by the same command: who completes an item and writes a note about it has
    changed it once, not twice. `rebased_from` is the version that a queued command was decided on, if others had
    brought the entity further by the time it was recorded.
    """

    also: Changes = {}
    rebased_from: int | None = None


MARKS = ("also", "rebased_from")  # what any fact may carry


def stated(fact: Fact) -> dict[str, Any]:
    """The fact's own fields, by name."""
    fields = asdict(fact)
    for mark in MARKS:
        del fields[mark]
    return fields


class Command(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that is asked for, in the imperative."""

    @property
    def recorded_as(self) -> str:
        """The command's name in the log."""
        return type(self).__name__


class UnknownFact(Fact, frozen=True, kw_only=True):
    """A fact that only a newer program understands: carried, never interpreted."""

    type: str
    schema: int


class Submission(Struct, frozen=True, kw_only=True):
    """A command as it was given: `command_id` makes a repetition harmless, `by` says who.

    `token` tells which claims are the caller's own, `scope` what the caller may do. They are no part of the command: a
    repetition may come from another process.
    """

    command: Command
    command_id: UUID
    by: str
    occurred_at: datetime
    token: str | None = None
    scope: Scope = "admin"


class RecordedEvent(Struct, frozen=True):  # not kw_only: a reader of pages makes millions, from columns in this order
    """One line of the log, every column of it; `data` are the exact bytes that were recorded."""

    position: int
    stream_id: str
    version: int
    command_id: UUID
    n: int
    command: str
    command_digest: bytes
    type: str
    schema: int
    topics: tuple[str, ...]
    data: bytes
    by: str
    occurred_at: datetime
    recorded_at: datetime
    digest: bytes


class RecordedFact(Struct, frozen=True, array_like=True, gc=False):
    """What a read model is folded from: those columns of a recorded event that it looks at.

    `data` is the event's payload; it keeps its whole page alive, so fold it and let go of it.
    """

    position: int
    stream_id: str
    version: int
    type: str
    schema: int
    data: Raw
    by: str
    occurred_at: datetime


class ProposedEvent(Struct, frozen=True, kw_only=True):
    """An event whose version is known and whose position is not."""

    stream_id: str
    version: int
    fact: Fact
    by: str
    occurred_at: datetime


Entry = tuple[
    Any, ...
]  # (relation, target), or with a place in lists (relation, target, day, hidden, status, category)


class RowChange(Struct, frozen=True, kw_only=True):
    """A read-model row to write together with event `n`; `added` and `dropped` are entries. One that is there is added
    again where its place in lists is another.

    `terms` are the words by which it is found, beside its document; None leaves those that are there. `is_new`: there
    was no row before it. `columns` are those made from the document, as text and in the table's order, where they are
    ready; else the log makes them.
    """

    projection: str
    id: str
    version: int | str
    n: int
    doc: bytes
    is_new: bool = False
    columns: tuple[str | None, ...] | None = None
    terms: str | None = None
    added: tuple[Entry, ...] = ()
    dropped: tuple[Entry, ...] = ()


class Proposal(Struct, frozen=True, kw_only=True):
    """All that one append is given. It is recorded whole or not at all.

    `expected` are the versions of every stream that was looked at, also of those that are not written.
    `conditions` are topics: no event after `as_of` may touch one of them. `not_before` and `not_after` bound the
    ledger time of the append.
    """

    submission: Submission
    command_digest: bytes
    events: tuple[ProposedEvent, ...]
    expected: dict[str, int]
    rows: tuple[RowChange, ...] = ()
    conditions: tuple[str, ...] = ()
    as_of: int = 0
    not_before: datetime | None = None
    not_after: datetime | None = None


class Recorded(Struct, frozen=True, kw_only=True):
    """Where a command stands in the log; `repeated` when it already stood there before this call.

    `adjacent_ids` are the ids before and after the first one it touched, if they can begin alike, where the store has
    looked; else absent.
    `place` is the command's number in the outbox while it waits there: then it has no positions, and `streams` name
    its events. `became` is the end of one that waited, where the store knows it.
    """

    positions: tuple[int, ...]
    streams: Mapping[str, int | str]
    recorded_at: datetime | None
    repeated: bool = False
    adjacent_ids: tuple[str, ...] | None = None
    place: int | None = None
    became: str | None = None


class Past(Struct, frozen=True, kw_only=True):
    """Histories of some streams, and the head of the log that was visible when they were read."""

    head: int
    now: datetime
    events: dict[str, list[RecordedEvent]]


def recorded_fact(event: RecordedEvent) -> RecordedFact:
    return RecordedFact(
        event.position,
        event.stream_id,
        event.version,
        event.type,
        event.schema,
        Raw(event.data),
        event.by,
        event.occurred_at,
    )


def stream_id(category: str, entity_id: UUID | str) -> str:
    """
    >>> stream_id("vendor", "7d444840-9dc0-11d1-b245-5ffdce74fad2")
    'vendor-7d444840-9dc0-11d1-b245-5ffdce74fad2'
    """
    return f"{category}-{entity_id}"


def category_of(stream: str) -> str:
    return stream[:-37]


def id_of(stream: str) -> str:
    return stream[-36:]


def minted_id(command_id: UUID, purpose: str = "") -> str:
    """The id of the entity that a command creates: a repetition names the same entity, also without a server."""
    return str(uuid5(command_id, purpose))


def import_of(source: str) -> str:
    """The name under which the log has the imports of a source.

    >>> import_of("beads")
    'Import beads'
    """
    return f"Import {source}"


def imported_id(ledger: UUID, source: str, external_id: str) -> str:
    """The id of the entity that an import creates: every import of the record into this ledger names the same one."""
    return str(uuid5(ledger, f"{source}:{external_id}"))


@cache
def configuration_id(ledger: UUID) -> str:
    """A ledger has one configuration, whose id is known to all."""
    return str(uuid5(NAMESPACE_OID, f"configuration of {ledger}"))


def command_id_at(moment: datetime, randomness: bytes) -> UUID:
    """A UUID of version 7: its first 48 bits are the moment in milliseconds, the rest comes from 10 random bytes."""
    milliseconds = microseconds(moment) // 1000
    value = milliseconds << 80 | int.from_bytes(randomness[:10], "big")
    value = value & ~(0xF << 76) | 7 << 76  # version
    value = value & ~(0x3 << 62) | 2 << 62  # variant
    return UUID(int=value)
