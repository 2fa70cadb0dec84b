"""The log as this machine knows it: the journal, and behind it what waits in the outbox, without positions.

Whoever decides here holds the outbox's lock, so two processes never decide on the same state.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from uuid import UUID

import msgspec

from ledger import store_errors
from ledger.catalog import FACTS, topics_of
from ledger.codec import command_digest, decode, encode, schema_of
from ledger.command_codec import SCHEMA, arguments_of
from ledger.conflict.events import Base
from ledger.envelope import Past, Proposal, Recorded, RecordedEvent, RecordedFact, RowChange, Submission, recorded_fact
from ledger.errors import LedgerError, OutcomeUnknown, Unavailable
from ledger.handler import Decide, Handler, Project
from ledger.offline.journal import Journal
from ledger.offline.outbox import Outbox
from ledger.offline.outbox_lines import Queued, QueuedEvent
from ledger.pending import PENDING, token
from ledger.store_errors import command_id_reused
from ledger.work_item.commands import ClaimNextWorkItem, ClaimWorkItem, RenewClaim
from ledger.world import Neighbourhood

EXCLUSIVE = (ClaimWorkItem, ClaimNextWorkItem, RenewClaim)  # what only the database can promise


class LocalStore:
    """See ledger.store.EventStore; what is appended waits in the outbox.

    `check_unique` raises NotUnique for rows whose unique entries are taken; `lay` shows what was queued in the read
    models. `claims_here` tells whether this ledger has never met a database: then claims are taken here.
    """

    def __init__(
        self,
        journal: Journal,
        outbox: Outbox,
        *,
        check_unique: Callable[[Iterable[RowChange]], None],
        lay: Callable[[], None],
        claims_here: Callable[[], bool],
    ) -> None:
        self.ledger = journal.ledger
        self._journal = journal
        self._outbox = outbox
        self._check_unique = check_unique
        self._lay = lay
        self._claims_here = claims_here

    def append(self, proposal: Proposal) -> Recorded:
        """Queues it: on the disk, and seen by every reader of this machine, when it returns."""
        submission = proposal.submission
        with self.exclusively():
            if found := self.find_command(submission.command_id):
                if found[1] != proposal.command_digest:
                    raise command_id_reused(command_id=str(submission.command_id), first_position=None)
                return found[0]
            pasts = self.read_streams(proposal.expected).events
            for stream, expected in proposal.expected.items():
                actual = len(pasts.get(stream, ()))
                if actual != expected:
                    raise store_errors.version_conflict(stream_id=stream, expected=expected, actual=actual)
            self._check_unique(proposal.rows)
            line = _queued(proposal, pasts, self._outbox.sequence + 1)
            self._outbox.append(line)
            with suppress(LedgerError):  # it is on the disk: the read models take it in when they can be written
                self._lay()
        return _waiting(line, repeated=False)

    def append_group(self, proposals: Sequence[Proposal]) -> list[Recorded | LedgerError]:
        with self.exclusively():
            return [self._verdict(proposal) for proposal in proposals]

    def read_streams(self, streams: Iterable[str]) -> Past:
        wanted = list(streams)
        past = self._journal.read_streams(wanted)
        for stream in wanted:
            known = past.events.get(stream, [])
            if pending := list(self._pending(stream, past.head, known)):
                past.events[stream] = [*known, *pending]
        return past

    def read_all(self, after: int = 0, up_to: int | None = None) -> Iterator[RecordedEvent]:
        """What waits comes last, without positions, unless a position is named up to which."""
        last = after
        for event in self._journal.read_all(after, up_to):
            last = event.position
            yield event
        if up_to is None:
            reached = max(last, self._journal.head.position)
            versions: dict[str, int] = {}
            for line in self._outbox.standing(reached):
                if self._journal.find_command(line.command_id):
                    continue
                for n, queued in enumerate(line.events):
                    if queued.stream_id not in versions:
                        versions[queued.stream_id] = self._confirmed(queued.stream_id)
                    versions[queued.stream_id] += 1
                    yield _event(line, n, versions[queued.stream_id])

    def read_facts(self, after: int = 0, up_to: int | None = None) -> Iterator[RecordedFact]:
        return map(recorded_fact, self.read_all(after, up_to))

    def find_command(self, command_id: UUID) -> tuple[Recorded, bytes] | None:
        found = self._journal.find_command(command_id)
        if found is not None:
            return found
        waiting = self._outbox.find(command_id)
        if waiting is None:
            return None
        line, _, position = waiting
        recorded = _waiting(line, repeated=True)
        if position:  # the database has it, and the journal will
            recorded = msgspec.structs.replace(recorded, positions=(position,), place=None)
        return recorded, bytes.fromhex(line.command_digest)

    def position_at(self, moment: datetime) -> int:
        return self._journal.position_at(moment)

    @contextmanager
    def exclusively(self, lock_timeout: float | None = None) -> Iterator[None]:
        with self._outbox.locked():
            yield

    def check_claim(self, submission: Submission, *, lost: bool) -> None:
        """Raises Unavailable for a claim that was not sent. One that was and whose answer is lost is withdrawn: its
        late original will write nothing; OutcomeUnknown until the database has said which came first."""
        waiting = self._outbox.find(submission.command_id)
        if lost and waiting is None:
            self._outbox.append(_withdrawal(submission, self._outbox.sequence + 1))
        if lost or (waiting is not None and waiting[0].kind == "withdrawal"):
            raise OutcomeUnknown(
                "the claim was sent, its answer lost, and it is being withdrawn: it may or may not have been taken",
                next_step="repeat it with the same command_id when the database is back",
                command_id=str(submission.command_id),
            )
        if not self._claims_here():
            raise no_claims()

    def _pending(self, stream: str, reached: int, known: Sequence[RecordedEvent]) -> Iterator[RecordedEvent]:
        version = known[-1].version if known else 0
        followed = {event.command_id for event in known}  # the line that says so may still be on its way
        for line in self._outbox.of_stream(stream, reached):
            if line.command_id in followed:
                continue
            for n, event in enumerate(line.events):
                if event.stream_id == stream:
                    version += 1
                    yield _event(line, n, version)

    def _confirmed(self, stream: str) -> int:
        past = self._journal.read_streams([stream]).events.get(stream)
        return past[-1].version if past else 0

    def _verdict(self, proposal: Proposal) -> Recorded | LedgerError:
        try:
            return self.append(proposal)
        except LedgerError as refused:
            return refused


class LocalHandler(Handler):
    """Decides on what this machine knows, under the outbox's lock. `refresh` brings the read models up to that first.

    `lost` says that the command was sent to the database and its answer lost.
    """

    def __init__(
        self,
        store: LocalStore,
        neighbours: Neighbourhood,
        project: Project,
        refresh: Callable[[], None],
        *,
        lost: bool = False,
    ) -> None:
        super().__init__(store, neighbours, project)
        self._local = store
        self._refresh = refresh
        self._lost = lost

    def execute(self, submission: Submission, decide: Decide | None = None) -> Recorded:
        with self._local.exclusively():
            if isinstance(submission.command, EXCLUSIVE):
                known = self._recorded(submission)
                if known is not None and known.place is None:  # it is in the journal
                    return known
                self._local.check_claim(submission, lost=self._lost)
            self._refresh()
            return super().execute(submission, decide)


def no_claims() -> Unavailable:
    return Unavailable(
        "a claim is exclusive only in the database, and that cannot be reached: nothing was claimed",
        next_step="work on what you hold already, or claim again when the database is back",
    )


def pending_event(line: Queued, n: int, version: int) -> RecordedEvent:
    """The n-th event of a waiting command, at a version of its stream; without its topics."""
    event = line.events[n]
    return RecordedEvent(
        position=PENDING,
        stream_id=event.stream_id,
        version=version,
        command_id=line.command_id,
        n=n,
        command=line.command,
        command_digest=bytes.fromhex(line.command_digest),
        type=event.type,
        schema=event.schema,
        topics=(),
        data=bytes(event.data),
        by=event.by,
        occurred_at=event.occurred_at,
        recorded_at=event.occurred_at,
        digest=b"",
    )


def _event(line: Queued, n: int, version: int) -> RecordedEvent:
    bare = pending_event(line, n, version)
    return msgspec.structs.replace(bare, topics=topics_of(decode(FACTS.get(bare.type), bare)))


def _queued(proposal: Proposal, pasts: dict[str, list[RecordedEvent]], sequence: int) -> Queued:
    submission = proposal.submission
    return Queued(
        sequence=sequence,
        command_id=submission.command_id,
        command=type(submission.command).__name__,
        command_schema=SCHEMA,
        command_digest=proposal.command_digest.hex(),
        arguments=arguments_of(submission.command),
        by=submission.by,
        token=submission.token,
        occurred_at=submission.occurred_at,
        as_of=proposal.as_of,
        bases={stream: _base(pasts.get(stream, [])) for stream in proposal.expected},
        conditions=proposal.conditions,
        events=tuple(
            QueuedEvent(
                stream_id=event.stream_id,
                version=event.version,
                type=type(event.fact).__name__,
                schema=schema_of(type(event.fact).__name__),
                data=msgspec.Raw(encode(event.fact)),
                by=event.by,
                occurred_at=event.occurred_at,
            )
            for event in proposal.events
        ),
    )


def _withdrawal(submission: Submission, sequence: int) -> Queued:
    """Without its arguments: among them is the holder's secret."""
    return Queued(
        sequence=sequence,
        kind="withdrawal",
        command_id=submission.command_id,
        command=type(submission.command).__name__,
        command_schema=SCHEMA,
        command_digest=command_digest(submission.command, submission.by).hex(),
        arguments={},
        by=submission.by,
        occurred_at=submission.occurred_at,
        as_of=0,
        bases={},
        events=(),
    )


def _base(past: Sequence[RecordedEvent]) -> Base:
    if not past:
        return Base(version=0)
    return Base(version=past[-1].version, command_id=str(past[-1].command_id), n=past[-1].n)


def _waiting(line: Queued, *, repeated: bool) -> Recorded:
    return Recorded(
        positions=(),
        streams={event.stream_id: token(line.command_id, n) for n, event in enumerate(line.events)},
        recorded_at=None,
        repeated=repeated,
        place=line.sequence,
    )
