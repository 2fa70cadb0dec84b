"""The lines of an outbox, each with its own sha256.

A *queued* line is a command with everything it was decided on; a *settled* line says where it ended; the *begun* line
at the top tells from which number the lines go on.
"""

import hashlib
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec
from msgspec import Struct

from ledger.aggregates.conflict.events import Base
from ledger.envelope import Scope
from ledger.pending import token

SCHEMA = 1
PROOF = b',"sha256":"'
PROOF_LENGTH = len(PROOF) + 64 + len(b'"}')

Kind = Literal["queued", "withdrawal", "recovered"]
Outcome = Literal["recorded", "rebased", "conflict", "fulfilled", "withdrawn"]


class Begun(Struct, frozen=True, kw_only=True, tag_field="line", tag="begun"):
    sequence: int
    schema: int = SCHEMA


class QueuedEvent(Struct, frozen=True, kw_only=True):
    """An event as it was proposed; `version` counts from what this machine knew."""

    stream_id: str
    version: int
    type: str
    schema: int
    data: msgspec.Raw
    by: str
    occurred_at: datetime


class Queued(Struct, frozen=True, kw_only=True, tag_field="line", tag="queued"):
    """A command that waits. A `withdrawal` was sent and may not be queued: it only makes sure that it never comes to
    be. A `recovered` one was in a journal that its database had lost, so its arguments are not known.

    `bases` are the streams that it looked at, `conditions` the topics, as of position `as_of`. `asked` is the digest of
    the call that gave it. `first` is the position from which on the database has recorded it as proposed, if it never
    waited: such a line is there until the journal holds its events.
    """

    sequence: int
    schema: int = SCHEMA
    kind: Kind = "queued"
    asked: str = ""
    first: int | None = None
    command_id: UUID
    command: str
    command_schema: int
    command_digest: str
    arguments: dict[str, Any]
    by: str
    token: str | None = None
    scope: Scope = "admin"
    occurred_at: datetime
    as_of: int
    bases: dict[str, Base]
    conditions: tuple[str, ...] = ()
    events: tuple[QueuedEvent, ...]

    @property
    def streams(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(event.stream_id for event in self.events))

    @property
    def versions(self) -> dict[str, int | str]:
        """What its writer names to build upon each stream."""
        if self.first is not None:
            return {event.stream_id: event.version for event in self.events}
        return {event.stream_id: token(self.command_id, n) for n, event in enumerate(self.events)}


class Settled(Struct, frozen=True, kw_only=True, tag_field="line", tag="settled"):
    sequence: int
    schema: int = SCHEMA
    command_id: UUID
    settles: int
    outcome: Outcome
    positions: tuple[int, ...]


Line = Begun | Queued | Settled

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Line).decode


def written(line: Line) -> bytes:
    """The line with its proof and its newline."""
    body = _encode(line)[:-1]
    return body + PROOF + hashlib.sha256(body).hexdigest().encode() + b'"}\n'


def is_whole(raw: bytes) -> bool:
    """Whether the proof holds; the newline is no part of it."""
    raw = raw.removesuffix(b"\n")
    body, proof = raw[:-PROOF_LENGTH], raw[-PROOF_LENGTH:]
    return proof == PROOF + hashlib.sha256(body).hexdigest().encode() + b'"}'


def read(raw: bytes) -> Line | None:
    """The line; None for one that only a newer program understands. Raises ValueError where the proof fails."""
    if not is_whole(raw):
        raise ValueError("its sha256 does not hold")
    try:
        line = _decode(raw)
    except msgspec.MsgspecError:
        return None
    return line if line.schema <= SCHEMA else None
