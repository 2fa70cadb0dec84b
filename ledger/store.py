"""EventStore, the contract of whatever keeps the log. One suite of tests runs on every implementation."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol
from uuid import UUID

from msgspec import Struct

from ledger.envelope import Past, Proposal, Recorded, RecordedEvent, RecordedFact
from ledger.errors import LedgerError


class EventStore(Protocol):
    """An append-only log of one ledger. Positions have no gaps and become visible in their order."""

    ledger: UUID

    def append(self, proposal: Proposal) -> Recorded:
        """Records the whole proposal or nothing.

        A command that is recorded already answers where it stands (`repeated`) and writes nothing; the same id with
        another digest raises CommandIdReused. Raises VersionConflict when a stream is not at its expected version,
        LostRace when an event after `as_of` touched a condition, NotUnique when a row's unique entry is taken.
        """

    def append_group(self, proposals: Sequence[Proposal]) -> list[Recorded | LedgerError]:
        """Records many proposals in one transaction, each whole or not at all, later ones seeing earlier ones.

        Answers in their order where each stands, or the error with which `append` would have refused it; one that is
        refused does not hold up the others. When the transaction itself is lost, OutcomeUnknown is raised for all of
        them.
        """

    def read_streams(self, streams: Iterable[str]) -> Past:
        """The whole histories of these streams; one without events is absent. `head` may not be older than they are."""

    def read_all(self, after: int = 0, up_to: int | None = None) -> Iterator[RecordedEvent]:
        """Every event after a position, in order, up to another one, or to the head at the time of the call."""

    def read_facts(self, after: int = 0, up_to: int | None = None) -> Iterator[RecordedFact]:
        """What `read_all` reads, of each event only what a read model is folded from."""

    def find_command(self, command_id: UUID) -> tuple[Recorded, bytes] | None:
        """Where a command stands and the digest it was recorded with; None if it is not recorded."""

    def position_at(self, moment: datetime) -> int:
        """The last position recorded at or before a moment; 0 if there is none."""

    def exclusively(self, lock_timeout: float | None = None) -> AbstractContextManager[None]:
        """While this is open no other writer appends, and this thread sees one transaction.

        Raises Unavailable when others hold it for longer than `lock_timeout` seconds; None waits without a limit.
        """


class KnownCommand(Struct, frozen=True):
    """What a log holds at a position: whose command, and which digest."""

    command_id: UUID
    digest: bytes


class Primary(EventStore, Protocol):
    """The log in the database, of which journals and replicas are copies."""

    @property
    def in_transaction(self) -> bool:
        """Whether this thread is in one that others do not see yet, and that may be rolled back."""

    def when_ended(self, committed: Callable[[], None], rolled_back: Callable[[], None]) -> None:
        """Calls one of them at the end of this thread's transaction; neither where it is unknown how that ended. A
        thread that is in none has committed."""

    def append_in_order(self, proposals: Sequence[Proposal], lock_timeout: float) -> list[Recorded]:
        """Records the first of many proposals in one transaction, up to the one that is refused; later ones see earlier
        ones. Answers where those stand that are recorded.

        Raises Unavailable when others hold the log for longer than `lock_timeout` seconds. When the transaction itself
        is lost, OutcomeUnknown is raised for all of them.
        """

    @property
    def newest_known(self) -> int:
        """The newest position that was recorded or shown here: a log that is this one has it."""

    def known_at(self, positions: list[int]) -> tuple[int, dict[int, KnownCommand]]:
        """Its head, and what stands at those of the positions that it has."""

    def remember_position(self, position: int, command_id: UUID) -> None:
        """Notes how far the log was read: a log without this command at this position is another one."""
