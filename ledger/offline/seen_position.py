"""The newest position that this machine has written or was shown.

A replica must reach it before it may answer, and this machine's own copy before it may say that something is not so. It
never goes down, whichever process is faster. It is not waited for on the disk: after a power cut no reader still has
before their eyes what they were shown, and what the log holds is not in question here.
"""

import threading
from contextlib import suppress
from pathlib import Path

from filelock import FileLock

from ledger.errors import Unavailable
from ledger.machine.disk import content, overwrite

FILE = "seen"
LOCK = "seen.lock"
LOCK_SECONDS = 1.0  # seconds, for another process that writes it
WIDTH = 20  # digits, always as many, so one number never leaves an end of another


class Seen:
    """The file. What cannot be written there, only this process knows."""

    def __init__(self, home: Path) -> None:
        self._file = home / FILE
        self._lock = home / LOCK
        self._mine = threading.Lock()
        self._newest = 0

    @property
    def position(self) -> int:
        """Raises Unavailable when that cannot be known."""
        try:
            return max(self._newest, int(self._file.read_bytes()))
        except FileNotFoundError:
            return self._newest
        except (OSError, ValueError) as error:
            raise Unavailable(
                f"{self._file} does not say which position this machine has seen",
                next_step="delete it: the next answer of the primary writes it again",
            ) from error

    def at(self, position: int) -> None:
        """Notes a position before the answer is given."""
        with self._mine:
            if position <= self._newest:
                return
            self._newest = position
            with suppress(OSError), FileLock(self._lock, timeout=LOCK_SECONDS):
                if self._stored() < position:
                    overwrite(self._file, b"%0*d" % (WIDTH, position))

    def note(self, position: int) -> None:
        """The same as `at`, without the lock: for use where no replica answers.

        Where two processes note at once, the older position may win, until the next answer.
        """
        with self._mine:
            if position <= self._newest:
                return
            self._newest = position
            with suppress(OSError):
                if self._stored() < position:
                    overwrite(self._file, b"%0*d" % (WIDTH, position))

    def forget(self) -> None:
        """Forgets all of it, after an administrator has said which history is right."""
        self._newest = 0
        self._file.unlink(missing_ok=True)

    def _stored(self) -> int:
        try:
            return int(content(self._file, WIDTH))
        except (FileNotFoundError, ValueError):
            return 0
