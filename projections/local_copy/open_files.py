"""Whose working files are open in this process: at most so many ledgers', so that it may serve any number of them.

What an open ledger costs is up to twelve descriptors, of which a process has a thousand unless it asked for more, and
half a megabyte.
"""

import sys
import threading
from collections import OrderedDict
from typing import Protocol

DESCRIPTORS = 12  # of a ledger: its three SQLite files with what belongs to them, outbox, record of what was sent
OTHERS = 1_256  # what else a served process may have open: a thousand clients, connections to databases, libraries
MOST = 64  # ledgers, where a process has the usual 1,024 descriptors
MOST_WITH_MORE = 512  # whose memory is a quarter of a gigabyte


class Resting(Protocol):
    def rest(self) -> None:
        """Closes what is not in use; what is needed again is opened again."""


class OpenFiles:
    """The ledgers whose files are open, at most `most` of them. Safe for many threads."""

    def __init__(self, most: int = MOST) -> None:
        self.most = most
        self._lock = threading.Lock()
        self._open: OrderedDict[int, Resting] = OrderedDict()  # by id, the one that was used last at the end

    def use(self, files: Resting) -> None:
        """Notes that these files are used now, and closes those unused for longest where too many are open."""
        with self._lock:
            self._open[id(files)] = files
            self._open.move_to_end(id(files))
            resting = [self._open.popitem(last=False)[1] for _ in range(len(self._open) - self.most)]
        for others in resting:
            others.rest()

    def forget(self, files: Resting) -> None:
        with self._lock:
            self._open.pop(id(files), None)

    def raise_limit(self) -> None:
        """Takes as many descriptors as this process may have and could use, and keeps as many ledgers' files open."""
        descriptors = _allowed(OTHERS + MOST_WITH_MORE * DESCRIPTORS)
        self.most = max(MOST, min(MOST_WITH_MORE, (descriptors - OTHERS) // DESCRIPTORS))


def _allowed(wanted: int) -> int:
    """How many descriptors this process has, after it asked for those it wants, within its hard limit."""
    if sys.platform == "win32":  # where files have no such limit
        return wanted
    import resource  # there is none on Windows

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return wanted
    within = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft < within:
        resource.setrlimit(resource.RLIMIT_NOFILE, (within, hard))
    return max(soft, within)
