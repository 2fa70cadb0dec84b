"""The log of one ledger in this process's memory: the same promises as PostgreSQL's, without a server."""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

import msgspec

from ledger import store_errors
from ledger.catalog import topics_of
from ledger.codec import digest, encode, origin_digest, schema_of
from ledger.envelope import (
    Past,
    Proposal,
    ProposedEvent,
    Recorded,
    RecordedEvent,
    RecordedFact,
    RowChange,
    recorded_fact,
)
from ledger.errors import LedgerError

# (rows, position of the command's first event, the new head, its ledger time); raises NotUnique
WriteRows = Callable[[Iterable[RowChange], int, int, datetime], None]


class MemoryStore:
    """See ledger.store.EventStore. `write_rows` is called under the same lock, before the events are seen."""

    def __init__(self, ledger: UUID, clock: Callable[[], datetime], write_rows: WriteRows) -> None:
        self.ledger = ledger
        self._clock = clock
        self._write_rows = write_rows
        self._lock = threading.RLock()  # the ledger's lock: readers take it too, so they never see half a command
        self._events: list[RecordedEvent] = []
        self._streams: dict[str, list[RecordedEvent]] = {}
        self._commands: dict[UUID, list[RecordedEvent]] = {}

    def append(self, proposal: Proposal) -> Recorded:
        with self._lock:
            if found := self.find_command(proposal.submission.command_id):
                return _same_command(proposal, *found)
            now = self._now()
            self._check(proposal, now)
            events = list(self._chained(proposal, now))
            self._write_rows(proposal.rows, events[0].position, events[-1].position, now)
            self._keep(events)
            return _recorded(events, repeated=False)

    def append_group(self, proposals: Sequence[Proposal]) -> list[Recorded | LedgerError]:
        with self._lock:
            return [self._verdict(proposal) for proposal in proposals]

    def append_in_order(self, proposals: Sequence[Proposal], lock_timeout: float) -> list[Recorded]:
        with self._lock:
            recorded = list[Recorded]()
            for proposal in proposals:
                verdict = self._verdict(proposal)
                if not isinstance(verdict, Recorded):
                    break
                recorded.append(verdict)
            return recorded

    def read_streams(self, streams: Iterable[str]) -> Past:
        with self._lock:
            found = {stream: list(self._streams[stream]) for stream in streams if stream in self._streams}
            return Past(head=len(self._events), now=self._now(), events=found)

    def read_all(self, after: int = 0, up_to: int | None = None) -> Iterator[RecordedEvent]:
        with self._lock:
            return iter(self._events[after:up_to])

    def read_facts(self, after: int = 0, up_to: int | None = None) -> Iterator[RecordedFact]:
        return map(recorded_fact, self.read_all(after, up_to))

    def find_command(self, command_id: UUID) -> tuple[Recorded, bytes] | None:
        with self._lock:
            events = self._commands.get(command_id)
        return (_recorded(events, repeated=True), events[0].command_digest) if events else None

    def position_at(self, moment: datetime) -> int:
        with self._lock:
            return sum(event.recorded_at <= moment for event in self._events)  # ledger time rises with the position

    @property
    def in_transaction(self) -> bool:
        return False  # nothing is rolled back here

    def when_ended(self, committed: Callable[[], None], rolled_back: Callable[[], None]) -> None:
        committed()

    @contextmanager
    def exclusively(self, lock_timeout: float | None = None) -> Iterator[None]:
        with self._lock:
            yield

    def _verdict(self, proposal: Proposal) -> Recorded | LedgerError:
        try:
            return self.append(proposal)
        except LedgerError as refused:
            return refused

    def _now(self) -> datetime:
        now = self._clock()
        return max(now, self._events[-1].recorded_at) if self._events else now

    def _check(self, proposal: Proposal, now: datetime) -> None:
        for stream, expected in proposal.expected.items():
            actual = len(self._streams.get(stream, ()))
            if actual != expected:
                raise store_errors.version_conflict(stream_id=stream, expected=expected, actual=actual)
        for event in self._events[proposal.as_of :]:
            if set(event.topics) & set(proposal.conditions):
                raise store_errors.lost_race(position=event.position, type=event.type, topics=list(event.topics))
        early = proposal.not_before is not None and now < proposal.not_before
        late = proposal.not_after is not None and now > proposal.not_after
        if early or late:
            raise store_errors.lease_moved(now=now, not_before=proposal.not_before, not_after=proposal.not_after)

    def _chained(self, proposal: Proposal, now: datetime) -> Iterator[RecordedEvent]:
        previous = self._events[-1].digest if self._events else origin_digest(self.ledger)
        for n, proposed in enumerate(proposal.events):
            event = _event(proposal, proposed, n, position=len(self._events) + n + 1, now=now)
            previous = digest(previous, event)
            yield msgspec.structs.replace(event, digest=previous)

    def _keep(self, events: list[RecordedEvent]) -> None:
        self._events.extend(events)
        self._commands[events[0].command_id] = events
        for event in events:
            self._streams.setdefault(event.stream_id, []).append(event)


def _same_command(proposal: Proposal, recorded: Recorded, command_digest: bytes) -> Recorded:
    if command_digest != proposal.command_digest:
        raise store_errors.command_id_reused(
            command_id=str(proposal.submission.command_id), first_position=recorded.positions[0]
        )
    return recorded


def _recorded(events: list[RecordedEvent], *, repeated: bool) -> Recorded:
    return Recorded(
        positions=tuple(event.position for event in events),
        streams={event.stream_id: event.version for event in events},
        recorded_at=events[0].recorded_at,
        repeated=repeated,
    )


def _event(proposal: Proposal, proposed: ProposedEvent, n: int, *, position: int, now: datetime) -> RecordedEvent:
    name = type(proposed.fact).__name__
    return RecordedEvent(
        position=position,
        stream_id=proposed.stream_id,
        version=proposed.version,
        command_id=proposal.submission.command_id,
        n=n,
        command=proposal.submission.command.recorded_as,
        command_digest=proposal.command_digest,
        type=name,
        schema=schema_of(name),
        topics=topics_of(proposed.fact),
        data=encode(proposed.fact),
        by=proposed.by,
        occurred_at=proposed.occurred_at,
        recorded_at=now,
        digest=b"",
    )
