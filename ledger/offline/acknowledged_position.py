"""The newest position that this machine called committed, and whose command stands there.

It is written before the answer is said, so that a database which lost that commit is found out at the next contact,
even if the journal had not followed yet. It is not waited for on the disk: a power cut of this machine makes it older
by some answers, never false. Of two processes that write at once the older may win; the next answer, or the journal,
mends it.
"""

import zlib
from contextlib import suppress
from pathlib import Path
from uuid import UUID

import msgspec
from msgspec import Struct

from ledger.machine.disk import content, overwrite

FILE = "acknowledged"
LENGTH = 120  # bytes, always as many, so one never leaves an end of another


class AcknowledgedCommand(Struct, frozen=True):
    """`proof` is of both, so that half of one line over another says nothing."""

    position: int
    command_id: UUID
    proof: int = 0

    @property
    def is_whole(self) -> bool:
        return self.proof == _proof(self.position, self.command_id)


_decode = msgspec.json.Decoder(AcknowledgedCommand).decode


class Acknowledged:
    """The file. A disk that does not take it costs no answer: then only the journal tells."""

    def __init__(self, home: Path) -> None:
        self._file = home / FILE
        self._newest = 0

    def write(self, position: int, command_id: UUID) -> None:
        if position <= self._newest:
            return
        self._newest = position
        line = msgspec.json.encode(AcknowledgedCommand(position, command_id, _proof(position, command_id)))
        with suppress(OSError):
            overwrite(self._file, line.ljust(LENGTH - 1) + b"\n")

    def read(self) -> AcknowledgedCommand | None:
        """None if there is none, or it was torn."""
        try:
            place = _decode(content(self._file, LENGTH))  # of each call
        except (OSError, msgspec.MsgspecError):
            return None
        return place if place.is_whole else None

    def forget(self) -> None:
        """Forgets all of it, after an administrator has said which history is right."""
        self._newest = 0
        self._file.unlink(missing_ok=True)


def _proof(position: int, command_id: UUID) -> int:
    return zlib.crc32(b"%d %s" % (position, command_id.bytes))
