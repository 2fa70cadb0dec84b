"""What a drain knows beside the streams: which commands became conflicts, and which topics others have touched."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

from ledger.aggregates.conflict.decider import conflict_id
from ledger.offline.delivery import rebase
from ledger.offline.queue.outbox_lines import Queued
from ledger.pending import PENDING
from ledger.store import EventStore


class Findings:
    """What a drain knows of the commands of one outbox; `is_own` says which commands those are."""

    def __init__(self, store: EventStore, is_own: Callable[[UUID], bool]) -> None:
        self._store = store
        self._is_own = is_own
        self._conflicts: dict[str, str] = {}  # command -> conflict
        self._missing: dict[str, str] = {}  # what a conflicted command would have created -> conflict
        self._oldest = self._seen = PENDING
        self._foreign: list[tuple[int, frozenset[str]]] = []

    @contextmanager
    def forgotten_on_error(self) -> Iterator[None]:
        """What is found in here counts only if it is recorded, too."""
        conflicts, missing, seen, count = self._conflicts.copy(), self._missing.copy(), self._seen, len(self._foreign)
        try:
            yield
        except BaseException:
            self._conflicts, self._missing, self._seen = conflicts, missing, seen
            del self._foreign[count:]
            raise

    def look_from(self, position: int) -> None:
        """Others' events behind this position matter: as far as a command with conditions asks for them."""
        if position < self._oldest:
            self._oldest = self._seen = position
            self._foreign = []

    def look(self, head: int) -> None:
        """What others have recorded since the last look, by the topics it touched."""
        if head > self._seen:
            for event in self._store.read_all(self._seen, head):
                if event.topics and not self._is_own(event.command_id):
                    self._foreign.append((event.position, frozenset(event.topics)))
            self._seen = head

    def conditions_hold(self, line: Queued) -> bool:
        wanted = frozenset(line.conditions)
        if not wanted:
            return True
        return not any(position > line.as_of and topics & wanted for position, topics in self._foreign)

    def waits_for(self, line: Queued) -> list[str]:
        """The conflicts of the commands that it builds on: on the same stream, or on what one of them creates."""
        if not self._conflicts:
            return []
        bases = {base.command_id for stream, base in line.bases.items() if stream in line.streams}
        found = [self._conflicts[command] for command in bases & self._conflicts.keys() if command is not None]
        found += [self._missing[entity_id] for entity_id in rebase.mentioned(line) & self._missing.keys()]
        return sorted(set(found) - {conflict_id(line.command_id)})

    def conflicted(self, line: Queued) -> None:
        conflict = conflict_id(line.command_id)
        self._conflicts[str(line.command_id)] = conflict
        self._missing |= dict.fromkeys(rebase.created(line), conflict)
