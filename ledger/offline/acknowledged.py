"""The newest position that this machine called committed, and whose command stands there.

It is written before the answer is said, so that a database which lost that commit is found out at the next contact,
even if the journal had not followed yet. It is not waited for on the disk: a power cut of this machine makes it older
by some answers, never false. Of two processes that write at once the older may win; the next answer, or the journal,
mends it.
"""

import os
from pathlib import Path
from uuid import UUID

import msgspec
from msgspec import Struct

FILE = "acknowledged"


class Place(Struct, frozen=True):
    position: int
    command_id: UUID


class Acknowledged:
    """The file. A folder that cannot be written costs no answer: then only the journal tells."""

    def __init__(self, home: Path) -> None:
        self._file = home / FILE
        self._newest = 0

    def write(self, position: int, command_id: UUID) -> None:
        if position <= self._newest:
            return
        self._newest = position
        try:
            descriptor = os.open(self._file, os.O_WRONLY | os.O_CREAT, 0o600)
        except OSError:
            return
        try:
            line = msgspec.json.encode(Place(position, command_id))
            os.pwrite(descriptor, line.ljust(99) + b"\n", 0)  # always as long, so one never leaves an end of another
        except OSError:
            return
        finally:
            os.close(descriptor)

    def read(self) -> Place | None:
        """None if there is none, or it was torn."""
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=Place)
        except (OSError, msgspec.MsgspecError):
            return None

    def forget(self) -> None:
        """After an administrator has said which history is right."""
        self._newest = 0
        self._file.unlink(missing_ok=True)
