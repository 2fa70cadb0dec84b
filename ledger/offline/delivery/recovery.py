"""What only a journal holds, after its database lost it: found, and queued again under the original command ids."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from msgspec import Raw
from msgspec.structs import replace

from ledger.aggregates.conflict.events import Base
from ledger.aggregates.erasure.decider import CATEGORY as ERASURE
from ledger.catalog import TOPICS, TOPICS_OF_FIELD
from ledger.codec import SCHEMA
from ledger.envelope import RecordedEvent, category_of
from ledger.offline.journal import Journal
from ledger.offline.queue.outbox import Outbox
from ledger.offline.queue.outbox_lines import Queued, QueuedEvent
from ledger.offline.sent_commands import SentCommands
from ledger.store import Primary

EVERY_TOPIC = tuple(sorted({topic for topics in (*TOPICS.values(), *TOPICS_OF_FIELD.values()) for topic in topics}))


def common_position(journal: Journal, log: Primary) -> int:
    """The last position at which both hold the same history, by halving: where digests agree, all before agrees."""
    low, high = 0, min(journal.head.position, log.known_at([])[0])
    while low < high:
        middle = (low + high + 1) // 2
        there = log.known_at([middle])[1].get(middle)
        if there is not None and there.digest == journal.digest_at(middle):
            low = middle
        else:
            high = middle - 1
    return low


def only_in(journal: Journal, after: int) -> Iterator[Queued]:
    """The commands behind a position of the journal, each as it waits to be recorded again.

    Which questions it was decided on is no longer known, so any change of them counts.
    """
    for _, group in groupby(journal.read_all(after), key=lambda event: event.command_id):
        events = list(group)
        first = events[0]
        if category_of(first.stream_id) == ERASURE:  # of positions that hold something else now: it is repeated by hand
            continue
        yield Queued(
            sequence=0,
            kind="recovered",
            command_id=first.command_id,
            command=first.command,
            command_schema=SCHEMA,
            command_digest=first.command_digest.hex(),
            arguments={},
            by=first.by,
            occurred_at=first.occurred_at,
            as_of=after,
            bases={event.stream_id: _base(journal, event) for event in reversed(events)},
            conditions=EVERY_TOPIC,
            events=tuple(_queued(event) for event in events),
        )


def only_acknowledged(sent: SentCommands, outbox: Outbox, journal: int, common: int) -> list[Queued]:
    """The commands that ended behind the end of the journal, sent or drained, as they were given: whatever stands
    behind the `common` position is new to them."""
    ended = {one.line.command_id: (one.last_position, _as_sent(one.line)) for one in sent.acknowledged(journal)}
    for line in outbox.waiting_after(journal):
        found = outbox.find(line.command_id)
        if found is not None and found[2] is not None:  # its end is known; what waits still does so
            ended.setdefault(line.command_id, (found[2], line if line.first is None else _as_sent(line)))
    lines = [line for _, line in sorted(ended.values(), key=lambda one: one[0])]
    return [replace(line, sequence=0, first=None, as_of=common) for line in lines]


def _as_sent(line: Queued) -> Queued:
    return replace(line, kind="queued" if line.arguments else "recovered")


def _base(journal: Journal, event: RecordedEvent) -> Base:
    """The event of its stream before this one."""
    past: Sequence[RecordedEvent] = journal.read_streams([event.stream_id]).events[event.stream_id]
    if event.version == 1:
        return Base(version=0)
    before = past[event.version - 2]
    return Base(version=before.version, command_id=str(before.command_id), n=before.n)


def _queued(event: RecordedEvent) -> QueuedEvent:
    return QueuedEvent(
        stream_id=event.stream_id,
        version=event.version,
        type=event.type,
        schema=event.schema,
        data=Raw(event.data),
        by=event.by,
        occurred_at=event.occurred_at,
    )
