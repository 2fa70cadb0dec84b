"""A thin adapter: this store as an application recorder of the Python library `eventsourcing`.

So that library's own test classes can be run against it (tests/peers), and both can be measured with the same calls.
"""

from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any
from uuid import UUID, uuid4

import msgspec
import psycopg
from eventsourcing.persistence import ApplicationRecorder, IntegrityError, Notification, StoredEvent, Subscription

from ledger.codec import command_digest
from ledger.envelope import Command, Fact, Proposal, ProposedEvent, RecordedEvent, Submission, id_of, stream_id
from ledger.errors import VersionConflict
from ledger.store import EventStore

CATEGORY = "aggregate"


class Foreign(Fact, frozen=True, kw_only=True):
    """An event of the other library: its topic, and its state in base 64."""

    topic: str
    state: str


class RecordForeign(Command, frozen=True, kw_only=True):
    """What the other library asks for says nothing but its events."""


class LedgerRecorder(ApplicationRecorder):
    """Its sequence of notifications is the log, its aggregates are streams."""

    def __init__(self, store: EventStore) -> None:
        self._store = store

    def insert_events(self, stored_events: Sequence[StoredEvent], **_: Any) -> Sequence[int] | None:
        if not stored_events:
            return None
        try:
            return list(self._store.append(_proposal(stored_events)).positions)
        except (VersionConflict, psycopg.errors.UniqueViolation) as error:
            raise IntegrityError(str(error)) from error

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        stream = stream_id(CATEGORY, originator_id)
        past = self._store.read_streams([stream]).events.get(stream, [])
        found = [e for e in past if (gt is None or e.version > gt) and (lte is None or e.version <= lte)]
        return [_stored(event) for event in islice(reversed(found) if desc else found, limit)]

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        after = 0 if start is None else start - int(inclusive_of_start)
        up_to = min(after + limit, stop or after + limit) if not topics else stop
        return list(islice(self._notifications(after, up_to, topics), limit))

    def max_notification_id(self) -> int | None:
        return self._store.read_streams([]).head or None

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> Subscription[ApplicationRecorder]:
        raise NotImplementedError("a reader asks `read_all(after)` again")

    def _notifications(self, after: int, up_to: int | None, topics: Sequence[str]) -> Iterator[Notification]:
        for event in self._store.read_all(after, up_to):
            stored = _stored(event)
            if not topics or stored.topic in topics:
                yield Notification(
                    stored.originator_id, stored.originator_version, stored.topic, stored.state, event.position
                )


class LedgerAggregateRecorder(LedgerRecorder):
    """The same for a caller that knows of aggregates only, and knows nothing of a sequence."""

    def insert_events(self, stored_events: Sequence[StoredEvent], **_: Any) -> Sequence[int] | None:
        super().insert_events(stored_events)
        return None


def _proposal(stored: Sequence[StoredEvent]) -> Proposal:
    now, command = datetime.now(UTC), RecordForeign()
    first: dict[str, int] = {}
    for event in stored:
        first.setdefault(stream_id(CATEGORY, event.originator_id), event.originator_version)
    return Proposal(
        submission=Submission(command=command, command_id=uuid4(), by="eventsourcing", occurred_at=now),
        command_digest=command_digest(command, "eventsourcing"),
        events=tuple(_proposed(event, now) for event in stored),
        expected={stream: max(version - 1, 0) for stream, version in first.items()},
    )


def _proposed(event: StoredEvent, now: datetime) -> ProposedEvent:
    return ProposedEvent(
        stream_id=stream_id(CATEGORY, event.originator_id),
        version=event.originator_version,
        fact=Foreign(topic=event.topic, state=b64encode(event.state).decode()),
        by="eventsourcing",
        occurred_at=now,
    )


def _stored(event: RecordedEvent) -> StoredEvent:
    fact = msgspec.json.decode(event.data, type=Foreign)
    return StoredEvent(UUID(id_of(event.stream_id)), event.version, fact.topic, b64decode(fact.state))
