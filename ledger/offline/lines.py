"""An event as one line of text and back, every column of it: the form of the journal and of whatever is copied from it.

A line is canonical: the same event is always the same bytes, so whatever differs from them is damage.
"""

from datetime import UTC, datetime
from uuid import UUID

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ledger.codec import digest
from ledger.envelope import RecordedEvent
from ledger.errors import VERIFY, Damaged


class _Line(Struct, frozen=True, forbid_unknown_fields=True):
    position: int
    stream_id: str
    version: int
    command_id: UUID
    n: int
    command: str
    command_digest: str
    type: str
    schema: int
    topics: tuple[str, ...]
    data: msgspec.Raw
    by: str
    occurred_at: datetime
    recorded_at: datetime
    digest: str


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Line).decode


def line_of(event: RecordedEvent) -> bytes:
    """The event's line with its newline. Raises Damaged for bytes that cannot stand in one line."""
    if b"\n" in event.data:
        raise Damaged(
            f"the payload of position {event.position} holds a line break", next_step=VERIFY, position=event.position
        )
    return (
        _encode(
            _Line(
                event.position,
                event.stream_id,
                event.version,
                event.command_id,
                event.n,
                event.command,
                event.command_digest.hex(),
                event.type,
                event.schema,
                event.topics,
                msgspec.Raw(event.data),
                event.by,
                event.occurred_at,
                event.recorded_at,
                event.digest.hex(),
            )
        )
        + b"\n"
    )


def event_of(line: bytes, position: int, previous: bytes) -> RecordedEvent:
    """The event of a line, proved: it stands at `position`, and its digest follows from the one before it.

    Raises ValueError with what is wrong.
    """
    event = _parsed(line)
    if event.position != position:
        raise ValueError(f"it says position {event.position}")
    if digest(previous, event) != event.digest:
        before = "the line before it" if position > 1 else "this ledger's identity"
        raise ValueError(f"its digest does not follow from what it holds and {before}")
    if line_of(event) != line:
        raise ValueError("it is not written as this ledger writes lines")
    return event


def with_payload(line: bytes, data: bytes) -> bytes:
    """The same line with another payload. Raises ValueError for one that does not parse."""
    return line_of(replace(_parsed(line), data=data))


def _parsed(line: bytes) -> RecordedEvent:
    try:
        found = _decode(line)
        return RecordedEvent(
            position=found.position,
            stream_id=found.stream_id,
            version=found.version,
            command_id=found.command_id,
            n=found.n,
            command=found.command,
            command_digest=bytes.fromhex(found.command_digest),
            type=found.type,
            schema=found.schema,
            topics=found.topics,
            data=bytes(found.data),
            by=found.by,
            occurred_at=found.occurred_at.astimezone(UTC),
            recorded_at=found.recorded_at.astimezone(UTC),
            digest=bytes.fromhex(found.digest),
        )
    except (ValueError, OverflowError, RecursionError, msgspec.MsgspecError) as error:
        raise ValueError(f"it does not parse: {error}") from error
