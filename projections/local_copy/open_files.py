"""Whose working files are open in this process: at most so many ledgers', so that it may serve any number of them.

An open file costs a descriptor, of which a process has a thousand unless its administrator gave it more, and SQLite a
tenth of a megabyte for each of its three.
"""

import threading
from collections import OrderedDict
from typing import Protocol

MOST = 64  # ledgers


class Resting(Protocol):
    def rest(self) -> None:
        """Closes what is not in use; what is needed again is opened again."""


class OpenFiles:
    """Safe for many threads."""

    def __init__(self, most: int = MOST) -> None:
        self.most = most
        self._lock = threading.Lock()
        self._open: OrderedDict[int, Resting] = OrderedDict()  # by id, the one that was used last at the end

    def use(self, files: Resting) -> None:
        """They are used now; of too many those rest that were not used for longest."""
        with self._lock:
            self._open[id(files)] = files
            self._open.move_to_end(id(files))
            resting = [self._open.popitem(last=False)[1] for _ in range(len(self._open) - self.most)]
        for others in resting:
            others.rest()

    def forget(self, files: Resting) -> None:
        with self._lock:
            self._open.pop(id(files), None)
