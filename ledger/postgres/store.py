"""The log of one ledger in PostgreSQL."""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

import msgspec
from psycopg import Cursor

from ledger import store_errors
from ledger.envelope import (
    Past,
    Proposal,
    ProposedEvent,
    Recorded,
    RecordedEvent,
    RecordedFact,
    id_of,
)
from ledger.errors import LedgerError
from ledger.postgres.append_arguments import AppendArguments, KnownHistory, are_independent, is_one
from ledger.postgres.connection.database import Database
from ledger.postgres.connection.driver_errors import situation
from ledger.postgres.literals import array, nested
from ledger.postgres.pages import Ask, Page, events_in, facts_in, page_of, pages
from ledger.postgres.shared_commit import SharedCommit
from ledger.store import KnownCommand

APPEND = "SELECT * FROM tracking_ledger.append_events(%s" + ", %s" * 32 + ")"
APPEND_ONE = "SELECT * FROM tracking_ledger.append_event(%s" + ", %s" * 27 + ")"
APPEND_GROUP = "SELECT * FROM tracking_ledger.append_group(%s, %s)"
APPEND_AT_ONCE = "SELECT * FROM tracking_ledger.append_group_at_once(%s" + ", %s" * 31 + ")"
APPEND_IN_ORDER = "SELECT * FROM tracking_ledger.append_group(%s, %s, %s)"
READ_STREAMS = "SELECT * FROM tracking_ledger.read_streams(%s, %s)"
FIND_COMMAND = "SELECT * FROM tracking_ledger.find_command(%s, %s)"
SET_LOCK_TIMEOUT = "SELECT set_config('lock_timeout', %s, true)"
LOCK = "SELECT tracking_ledger.lock_for_writing(%s)"
KNOWN_AT = "SELECT * FROM tracking_ledger.known_at(%s, %s)"
POSITION_AT = "SELECT tracking_ledger.position_at(%s, %s)"
REFRESH_STATISTICS = "SELECT tracking_ledger.refresh_statistics()"
ENTER = "SELECT * FROM tracking_ledger.enter_ledger(%s)"
PAGE_OF_EVENTS = "SELECT * FROM tracking_ledger.page_of_events(%s, %s, %s, %s)"
PAGE_OF_FACTS = "SELECT * FROM tracking_ledger.page_of_facts(%s, %s, %s, %s)"
PAGE = 2000  # events at most
# The C library gives the memory of every page back to the system, which takes half of the server's time, until it has
# seen a larger piece come and go.
KEEP_MEMORY = "SELECT length(repeat(' ', 4000000))"


class PostgresStore:
    """See ledger.store.EventStore. `shapes` are the read models that this program writes, with their shape numbers.

    `key` is what the ledger is known by in this database, where that is not its own UUID. `acknowledge` is given the
    last position that a transaction has recorded, and whose command stands there, before any other call.
    """

    def __init__(
        self,
        database: Database,
        ledger: UUID,
        shapes: Mapping[str, int],
        *,
        key: UUID | None = None,
        acknowledge: Callable[[int, UUID], None] = lambda *_: None,
    ) -> None:
        self._database = database
        self.ledger = ledger
        self._key = str(key or ledger)
        self._arguments = AppendArguments({name: f"{name}:{shape}" for name, shape in shapes.items()})
        self._acknowledge = acknowledge
        self._newest_known = 0  # see `newest_known`
        self._known: tuple[int, UUID] | None = None  # the newest position whose command is known, see `shown`
        self._uncommitted = threading.local()  # what this thread has recorded in a transaction that is still open
        self._shared = SharedCommit(self._append, self.append_group)

    def append(self, proposal: Proposal) -> Recorded:
        """Threads that append at the same time share one transaction; see ledger.postgres.shared_commit."""
        if self._database.in_transaction:
            return self._append(proposal)
        return self._shared.append(proposal)

    def append_group(self, proposals: Sequence[Proposal]) -> list[Recorded | LedgerError]:
        recorded = self._append_at_once(proposals) if are_independent(proposals) else None
        return recorded or (self._append_group(APPEND_GROUP, proposals) if proposals else [])

    def append_in_order(self, proposals: Sequence[Proposal], lock_timeout: float) -> list[Recorded]:
        """See ledger.store.Primary. The lock is taken and let go within one round trip: what a busy machine needs until
        it goes on after each one costs the others nothing."""
        given = [_milliseconds(lock_timeout)]
        verdicts = self._append_group(APPEND_IN_ORDER, proposals, given, waits=lock_timeout)
        return [verdict for verdict in verdicts if isinstance(verdict, Recorded)]

    def read_streams(self, streams: Iterable[str]) -> Past:
        known = self._newest_known
        rows = self._database.call(READ_STREAMS, [self._key, list(streams)])
        head, now = rows[0][:2]
        if head < known:
            raise store_errors.lost_history(position=known, head=head)
        events: dict[str, list[RecordedEvent]] = {}
        for row in rows:
            if row[2] is not None:
                event = recorded_event(row[2:])
                events.setdefault(event.stream_id, []).append(event)
        return Past(head=head, now=now.astimezone(UTC), events=events)

    def read_all(self, after: int = 0, up_to: int | None = None) -> Iterator[RecordedEvent]:
        for page in self._pages(PAGE_OF_EVENTS, after, up_to):
            yield from events_in(page)

    def read_facts(self, after: int = 0, up_to: int | None = None) -> Iterator[RecordedFact]:
        for page in self._pages(PAGE_OF_FACTS, after, up_to):
            yield from facts_in(page)

    def find_command(self, command_id: UUID) -> tuple[Recorded, bytes] | None:
        rows = self._database.call(FIND_COMMAND, [self._key, command_id])
        if not rows:
            return None
        first, last, recorded_at, digest, streams = rows[0]
        recorded = Recorded(
            positions=tuple(range(first, last + 1)),
            streams=msgspec.json.decode(streams, type=dict[str, int]),
            recorded_at=recorded_at.astimezone(UTC),
            repeated=True,
        )
        return recorded, bytes(digest)

    def position_at(self, moment: datetime) -> int:
        """The last position recorded at or before a moment; 0 if there is none."""
        position: int = self._database.call(POSITION_AT, [self._key, moment])[0][0]
        return position

    def known_at(self, positions: list[int]) -> tuple[int, dict[int, KnownCommand]]:
        """See ledger.offline.follower.Primary."""
        rows = self._database.call(KNOWN_AT, [self._key, positions])
        known = {position: KnownCommand(command_id, bytes(digest)) for position, command_id, digest in rows}
        return max(known, default=0), known

    @property
    def newest_known(self) -> int:
        """The newest position that was written here or shown, since the history was last compared."""
        return self._newest_known

    def remember_position(self, position: int, command_id: UUID | None = None) -> None:
        """A log that ends before this position, or has another command there, is not the one that was read."""
        self._newest_known = max(self._newest_known, position)
        if command_id is not None and (self._known is None or position > self._known[0]):
            self._known = position, command_id

    def met(self) -> None:
        """The database was compared with what this machine knows, so its earlier answers no longer count."""
        self._newest_known, self._known = 0, None

    def refresh_statistics(self) -> None:
        """Tells the planner what is in the tables now, after many rows came at once."""
        self._database.call(REFRESH_STATISTICS)

    @property
    def in_transaction(self) -> bool:
        return self._database.in_transaction

    def when_ended(self, committed: Callable[[], None], rolled_back: Callable[[], None]) -> None:
        """See ledger.store.Primary."""
        self._database.when_ended(committed, rolled_back)

    @contextmanager
    def exclusively(self, lock_timeout: float | None = None) -> Iterator[None]:
        if not self._database.in_transaction:
            self._uncommitted.newest = None
        with self._database.joined_transaction() as connection:
            if lock_timeout is not None:
                connection.execute(SET_LOCK_TIMEOUT, [_milliseconds(lock_timeout)])
            connection.execute(LOCK, [self._key])
            yield
        if not self._database.in_transaction and (newest := self._uncommitted.newest):
            self._acknowledge_up_to(*newest)

    def _pages(self, statement: str, after: int, up_to: int | None) -> Iterator[Page]:
        """The pages after a position, up to another or to the head at the time of the call."""
        page = self._page(statement, after, up_to)
        last = page.head if up_to is None else min(up_to, page.head)
        if page.columns[0] is not None:
            yield page
        if page.ends < last:
            with self._asking(statement) as ask:
                yield from pages(ask, page.ends, last)

    def _page(self, statement: str, after: int, up_to: int | None) -> Page:
        return page_of(self._database.call(statement, [self._key, after, up_to, PAGE], binary=True)[0])

    @contextmanager
    def _asking(self, statement: str) -> Iterator[Ask]:
        """Asks on a connection of its own, so that the server makes the next page while one is used.

        In a transaction there is only its connection, which its other calls need meanwhile.
        """
        if self._database.in_transaction:
            yield lambda after, up_to: partial(self._page, statement, after, up_to)
            return
        with self._database.connection() as connection:
            if connection.is_pooled:
                connection.begin()
            with connection.pipeline():
                connection.execute(KEEP_MEMORY, prepare=False)
                yield lambda after, up_to: _answer(
                    connection.execute(statement, [self._key, after, up_to, PAGE], prepare=False, binary=True)
                )
                if connection.is_pooled:
                    connection.execute("COMMIT")

    def _append_group(
        self, statement: str, proposals: Sequence[Proposal], more: Sequence[str] = (), *, waits: float = 0.0
    ) -> list[Recorded | LedgerError]:
        """The verdicts, as many as the statement answers."""
        given = nested([array(self._arguments.in_group(proposal, self._seen)) for proposal in proposals])
        count = sum(len(proposal.events) for proposal in proposals)
        rows = self._database.call(statement, [self._key, given, *more], events=count, waits=waits)
        answered = proposals[: len(rows)]
        verdicts = [_verdict(proposal, row) for proposal, row in zip(answered, rows, strict=True)]
        self._acknowledge_recorded(zip(answered, verdicts, strict=True))
        return verdicts

    def _append_at_once(self, proposals: Sequence[Proposal]) -> list[Recorded | LedgerError] | None:
        """None where nothing is recorded: the proposals have to be looked at one after the other."""
        given = self._arguments.at_once(proposals, self._seen)
        first, recorded_at, alike = self._database.call(APPEND_AT_ONCE, [self._key, *given], events=len(proposals))[0]
        if first is None:
            return None
        recorded_at, adjacent = recorded_at.astimezone(UTC), _adjacent(alike or ())
        verdicts: list[Recorded | LedgerError] = [
            Recorded(
                positions=(position,),
                streams=_versions(proposal.events),
                recorded_at=recorded_at,
                adjacent_ids=adjacent.get(id_of(proposal.events[0].stream_id), ()),
            )
            for position, proposal in enumerate(proposals, first)
        ]
        self._acknowledge_recorded(zip(proposals, verdicts, strict=True))
        return verdicts

    def _append(self, proposal: Proposal) -> Recorded:
        if is_one(proposal):
            statement, given = APPEND_ONE, self._arguments.of_one(proposal, self._seen)
        else:
            statement, given = APPEND, self._arguments.of_many(proposal, self._seen)
        row = self._database.call(statement, [self._key, *given], events=len(proposal.events))[0]
        recorded = _recorded(proposal, row)
        self._acknowledge_recorded([(proposal, recorded)])
        return recorded

    @property
    def _seen(self) -> KnownHistory:
        return KnownHistory(self._newest_known, *(self._known or (None, None)))

    def _acknowledge_recorded(self, verdicts: Iterable[tuple[Proposal, Recorded | LedgerError]]) -> None:
        ends = [
            (verdict.positions[-1], proposal.submission.command_id)
            for proposal, verdict in verdicts
            if isinstance(verdict, Recorded)
        ]
        if ends and self._database.in_transaction:  # which may be rolled back yet
            self._uncommitted.newest = max(ends)
        elif ends:
            self._acknowledge_up_to(*max(ends))

    def _acknowledge_up_to(self, position: int, command_id: UUID) -> None:
        self.remember_position(position, command_id)
        self._acknowledge(position, command_id)


def recorded_event(row: tuple[Any, ...]) -> RecordedEvent:
    """A line of the log from its columns, as `read_streams` answers them."""
    return RecordedEvent(
        position=row[0],
        stream_id=row[1],
        version=row[2],
        command_id=row[3],
        n=row[4],
        command=row[5],
        command_digest=bytes(row[6]),
        type=row[7],
        schema=row[8],
        topics=tuple(row[9]),
        data=row[10],
        by=row[11],
        occurred_at=row[12].astimezone(UTC),
        recorded_at=row[13].astimezone(UTC),
        digest=bytes(row[14]),
    )


def _milliseconds(seconds: float) -> str:
    return str(round(seconds * 1000))


def _answer(asked: Cursor[Any]) -> Callable[[], Page]:
    return lambda: page_of(asked.fetchall()[0])


def _verdict(proposal: Proposal, row: tuple[Any, ...]) -> Recorded | LedgerError:
    *recorded, refused, detail = row
    return situation(refused, detail) or _recorded(proposal, recorded)


def _recorded(proposal: Proposal, row: Sequence[Any]) -> Recorded:
    first, last, recorded_at, repeated, streams, before, after = row
    return Recorded(
        positions=tuple(range(first, last + 1)),
        streams=msgspec.json.decode(streams, type=dict[str, int]) if repeated else _versions(proposal.events),
        recorded_at=recorded_at.astimezone(UTC),
        repeated=repeated,
        adjacent_ids=None if repeated else tuple(other for other in (before, after) if other),
    )


def _adjacent(alike: Iterable[bytes]) -> dict[str, tuple[str, ...]]:
    """By id those just before and after it, of those that begin like another one."""
    found = (msgspec.json.decode(each, type=dict[str, list[str | None]]) for each in alike)
    return {own: tuple(filter(None, others)) for each in found for own, others in each.items()}


def _versions(events: Iterable[ProposedEvent]) -> dict[str, int]:
    return {event.stream_id: event.version for event in events}
