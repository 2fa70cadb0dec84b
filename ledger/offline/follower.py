"""The follower: brings the journal up to the log, and finds out when the log is not the one it was.

It fetches first, then takes the lock, looks at the journal's last line again and appends. So a server that is frozen
never holds the lock, and of two processes that fetched the same one appends and the other finds it done.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from filelock import FileLock, Timeout

from ledger.errors import Diverged
from ledger.offline.acknowledged_position import Acknowledged
from ledger.offline.journal import FOLLOW_LOCK, Head, Journal
from ledger.store import KnownCommand, Primary

PORTION = 200  # events appended at once: with their rows, what a caller may wait for beyond its time


class Follower:
    """Follows `log` into `journal`; `home` holds the lock."""

    def __init__(self, journal: Journal, acknowledged: Acknowledged, home: Path, log: Primary) -> None:
        self._journal = journal
        self._acknowledged = acknowledged
        self._lock = home / FOLLOW_LOCK
        self._log = log

    def follow(self, seconds: float | None = None, taken_in: Callable[[], None] = lambda: None) -> bool:
        """Appends what the log holds now, as long as time is left. Whether the journal is the whole log of now.

        `taken_in` is called after each portion, and its time counts. What is recorded meanwhile is left for the next
        time: a log that grows all the time keeps no follower running forever.
        Raises Diverged when the log is another history, and Damaged when the journal is damaged.
        """
        until = None if seconds is None else time.monotonic() + seconds
        head, goal = self._journal.head, None
        if self._log.newest_known <= head.position:  # else the log has more, and is compared before that is taken in
            goal = self.compare(head)
        while goal is None or head.position < goal:
            if until is not None and time.monotonic() > until:
                return False
            up_to = head.position + PORTION if goal is None else min(goal, head.position + PORTION)
            events = list(islice(self._log.read_all(head.position, up_to), PORTION))
            reached = self.compare(head)  # a killed server shows for a moment what no standby has, and answers no more
            goal = goal or reached
            with self.locked() as mine:
                if not mine or not events:  # another one appends, or the log has just lost what it showed
                    return False
                if self._journal.head == head:
                    self._journal.append(events)
                    self._log.remember_position(events[-1].position, events[-1].command_id)
            taken_in()
            head = self._journal.head
        return True

    def compare(self, head: Head) -> int:
        """Compares what this machine holds and has said with what the log has there. Its head; raises Diverged."""
        acknowledged = self._acknowledged.read()
        asked = {head.position} | ({acknowledged.position} if acknowledged else set())
        log_head, known = self._log.known_at(sorted(asked))
        if head.position:
            _compare(head.position, known, log_head, lambda there: there.digest == head.digest)
        if acknowledged is not None:
            _compare(acknowledged.position, known, log_head, lambda there: there.command_id == acknowledged.command_id)
        return log_head

    @contextmanager
    def locked(self, seconds: float = 0.0) -> Iterator[bool]:
        """Whether, within that time, no other thread or process changes the journal meanwhile."""
        try:
            with FileLock(self._lock, timeout=seconds):
                yield True
        except Timeout:
            yield False


def _compare(
    position: int, known: dict[int, KnownCommand], log_head: int, same: Callable[[KnownCommand], bool]
) -> None:
    there = known.get(position)
    if there is not None and same(there):
        return
    what = f"ends at position {log_head}" if there is None else "holds something else there"
    raise Diverged(
        f"this machine knows position {position} of the log, and the database {what}: it lost or changed history",
        next_step="see `tracking-ledger doctor`; until then this machine answers from its own copy, and queues writes",
        position=position,
        head=log_head,
    )
