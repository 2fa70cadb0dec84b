"""Versions of changes that are not in the log yet: tokens that name the event, never bare numbers.

A bare number could later mean a stranger's version. A token goes on meaning the state after its event when that is
recorded, whatever its version has become by then.
"""

import re
from collections.abc import Sequence
from typing import TypeGuard
from uuid import UUID

from ledger.envelope import RecordedEvent, RecordedFact
from ledger.values.reference import decode, encode

Version = int | str  # a place in a stream, or a token

PENDING = 1 << 62  # the position of an event that is not in the log yet: after all that are
_TOKEN = re.compile(r"p-([0-9a-hjkmnp-tv-z]{26})-([0-9]{1,9})")


def token(command_id: UUID, n: int) -> str:
    """The version that an entity has after the n-th event of a command.

    >>> token(UUID("7d444840-9dc0-41d1-b245-5ffdce74fad2"), 0)
    'p-fn24gg4xr10x3cj5bzywwx7tt8-0'
    """
    return f"p-{encode(str(command_id))}-{n}"


def parse(version: Version) -> tuple[UUID, int] | None:
    """(command_id, n) of the event that a token names; None for anything else.

    >>> parse("p-fn24gg4xr10x3cj5bzywwx7tt8-0")
    (UUID('7d444840-9dc0-41d1-b245-5ffdce74fad2'), 0)
    """
    match = _TOKEN.fullmatch(version) if isinstance(version, str) else None
    command = decode(match[1]) if match else None
    return None if match is None or command is None else (command, int(match[2]))


def is_pending(event: RecordedEvent | RecordedFact) -> bool:
    return event.position == PENDING


def shown_version(event: RecordedEvent) -> Version:
    """The version that its writer must name to build upon this event."""
    return token(event.command_id, event.n) if is_pending(event) else event.version


def shown_position(event: RecordedEvent) -> int | None:
    return None if is_pending(event) else event.position


def newest(past: Sequence[RecordedEvent]) -> Version:
    """What a stream is at; 0 for one without events."""
    return shown_version(past[-1]) if past else 0


def place_of(past: Sequence[RecordedEvent], version: Version) -> int | None:
    """How many of the events a writer knew who names this version; None if this past does not say."""
    if is_number(version):
        known = next((count for count, event in enumerate(past, 1) if event.version == version), None)
        known = 0 if version == 0 else known
        return None if known is None or (known and is_pending(past[known - 1])) else known
    named = parse(version)
    return next((count for count, event in enumerate(past, 1) if (event.command_id, event.n) == named), None)


def is_number(version: Version) -> TypeGuard[int]:
    return isinstance(version, int)
