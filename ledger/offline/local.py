"""The log as this machine knows it: the journal, and behind it what waits in the outbox, without positions.

A decision here holds the outbox's lock, so two processes never decide on the same state.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from uuid import UUID

from msgspec.structs import replace

from ledger import store_errors
from ledger.aggregates.conflict.decider import conflict_stream
from ledger.catalog import FACTS, topics_of
from ledger.codec import command_digest, decode
from ledger.command_codec import arguments_of
from ledger.envelope import Past, Proposal, Recorded, RecordedEvent, RecordedFact, RowChange, Submission, recorded_fact
from ledger.errors import LedgerError, OutcomeUnknown, Unavailable
from ledger.handler import Decide, Handler, Project
from ledger.offline.journal import Journal
from ledger.offline.queue.outbox import Outbox
from ledger.offline.queue.outbox_lines import Outcome, Queued, Settled
from ledger.offline.queue.queued_line import CLAIMS, EXCLUSIVE, queued
from ledger.offline.sent_commands import SentCommand, SentCommands
from ledger.pending import PENDING
from ledger.store_errors import command_id_reused
from ledger.world import Neighbourhood

Added = list[tuple[Queued, int]]  # events of waiting commands: (line, n)


class LocalStore:
    """See ledger.store.EventStore; what is appended waits in the outbox.

    `check_unique` raises NotUnique for rows whose unique entries are taken; `lay` shows what was queued in the read
    models. `claims_here` tells whether this ledger has never met a database: then claims are taken here. `sent` is what
    this machine has sent to the database.
    """

    def __init__(
        self,
        journal: Journal,
        outbox: Outbox,
        sent: SentCommands,
        *,
        check_unique: Callable[[Iterable[RowChange]], None],
        lay: Callable[[], None],
        claims_here: Callable[[], bool],
    ) -> None:
        self.ledger = journal.ledger
        self._journal = journal
        self._outbox = outbox
        self._sent = sent
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
                actual = pasts[stream][-1].version if stream in pasts else 0
                if actual != expected:
                    raise store_errors.version_conflict(stream_id=stream, expected=expected, actual=actual)
            self._check_unique(proposal.rows)
            arguments, asked = arguments_of(submission.command), self._sent.call_digest(submission.command_id)
            line = queued(proposal, lambda stream: pasts.get(stream, []), arguments, asked=asked)
            recorded = _put(self._outbox, self._sent, line)
            with suppress(LedgerError):  # it is on the disk: the read models take it in when they can be written
                self._lay()
            return recorded

    def append_group(self, proposals: Sequence[Proposal]) -> list[Recorded | LedgerError]:
        with self.exclusively():
            return [self._verdict(proposal) for proposal in proposals]

    def read_streams(self, streams: Iterable[str]) -> Past:
        wanted = set(streams)
        past = self._journal.read_streams(wanted)
        lines = self._outbox.of_streams(wanted, past.head)
        for stream, added in by_stream(lines, wanted.__contains__).items():
            known = past.events.get(stream, [])
            if pending := list(_pending(known, added)):
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
            for line in in_order(self._outbox.waiting_after(reached)):
                if self._journal.find_command(line.command_id):
                    continue
                for n, proposed in enumerate(line.events):
                    stream = proposed.stream_id
                    if stream not in versions:
                        versions[stream] = self._confirmed(stream)
                    versions[stream] = versions[stream] + 1 if line.first is None else proposed.version
                    yield _event(line, n, versions[stream])

    def read_facts(self, after: int = 0, up_to: int | None = None) -> Iterator[RecordedFact]:
        return map(recorded_fact, self.read_all(after, up_to))

    def find_command(self, command_id: UUID) -> tuple[Recorded, bytes] | None:
        """Where a command stands as far as this machine knows; None also for one that was sent and not answered."""
        if found := self._journal.find_command(command_id):
            return found
        if waiting := self._outbox.find(command_id):
            return receipt_of(*waiting), bytes.fromhex(waiting[0].command_digest)
        sent = self._sent.find(command_id)
        if sent is None or sent.recorded is None:
            return self._journal.find_command(command_id)  # which may have taken it over since it was looked at
        return replace(sent.recorded, repeated=True), bytes.fromhex(sent.line.command_digest)

    def position_at(self, moment: datetime) -> int:
        return self._journal.position_at(moment)

    @contextmanager
    def exclusively(self, lock_timeout: float | None = None) -> Iterator[None]:
        with self._outbox.locked():
            yield

    def take_in_acknowledged(self) -> None:
        """Puts what the database has recorded into the outbox until the journal has it: so it is seen here, and built
        upon."""
        reached = self._journal.head.position
        if all(map(self._is_taken_in, self._sent.acknowledged(reached))):
            return
        with self.exclusively():
            missing = [sent for sent in self._sent.acknowledged(reached) if not self._is_taken_in(sent)]
            lines = list(_acknowledged(missing, self._outbox.sequence))
            if lines:
                self._outbox.append(lines[0], *lines[1:])

    def take_over(self, submission: Submission) -> Recorded | None:
        """Queues a command that was sent and not answered, as it was sent. None for one that was not sent."""
        sent = self._sent.find(submission.command_id)
        if sent is None:
            return None
        if sent.line.command_digest != command_digest(submission.command, submission.by).hex():
            raise command_id_reused(command_id=str(submission.command_id), first_position=None)
        recorded = take_over(self._outbox, self._sent, sent.line)
        with suppress(LedgerError):  # see `append`
            self._lay()
        return recorded

    def check_claim(self) -> None:
        """Raises Unavailable for a claim that was not sent, unless they are taken here."""
        if not self._claims_here():
            raise no_claims()

    def _is_taken_in(self, sent: SentCommand) -> bool:
        return self._outbox.find(sent.line.command_id) is not None

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

    A command that this machine has sent, queued or seen acknowledged is answered from that, and not decided again.
    """

    def __init__(
        self,
        store: LocalStore,
        neighbours: Neighbourhood,
        project: Project,
        refresh: Callable[[], None],
    ) -> None:
        super().__init__(store, neighbours, project)
        self._local = store
        self._refresh = refresh

    def execute(self, submission: Submission, decide: Decide | None = None) -> Recorded:
        with self._local.exclusively():
            if known := self._recorded(submission) or self._local.take_over(submission):
                return known
            if isinstance(submission.command, EXCLUSIVE):
                self._local.check_claim()
            self._refresh()
            return super().execute(submission, decide)

    def _recorded(self, submission: Submission) -> Recorded | None:
        """A withdrawal that waits is no answer yet."""
        known = super()._recorded(submission)
        if known is not None and known.became == "withdrawal":
            raise unknown(submission.command_id)
        return known


def take_over(outbox: Outbox, sent: SentCommands, line: Queued) -> Recorded:
    """Lets a command wait that was sent and not answered, as it was sent, so that it is recorded once.

    One that never waits is withdrawn, so that its late original will write nothing, and OutcomeUnknown is raised until
    the database has said which came first.
    """
    with outbox.locked():
        waiting = outbox.find(line.command_id)
        if waiting and (recorded := receipt_of(*waiting)).became != "withdrawal":
            return recorded
        if line.arguments:
            return _put(outbox, sent, line)
        if line.command in CLAIMS and not waiting:
            _put(outbox, sent, replace(line, kind="withdrawal", as_of=0, bases={}, conditions=(), events=()))
    raise unknown(line.command_id)


def in_order(lines: Iterable[Queued]) -> list[Queued]:
    """First what has positions: whatever waits is recorded behind it."""
    return sorted(lines, key=lambda line: PENDING if line.first is None else line.first)


def by_stream(lines: Iterable[Queued], is_wanted: Callable[[str], bool]) -> dict[str, Added]:
    """The events of these lines by their stream, each stream's in their order."""
    found: dict[str, Added] = {}
    for line in in_order(lines):
        for n, event in enumerate(line.events):
            if is_wanted(event.stream_id):
                found.setdefault(event.stream_id, []).append((line, n))
    return found


def unknown(command_id: UUID) -> OutcomeUnknown:
    return OutcomeUnknown(
        "the command was sent, and its answer lost: it may or may not have been recorded",
        next_step="repeat it with the same command_id when the database is back; it is never recorded twice",
        command_id=str(command_id),
    )


def no_claims() -> Unavailable:
    return Unavailable(
        "a claim is exclusive only in the database, which does not take any now: nothing was claimed",
        next_step="work on what you hold already, or claim again when doctor finds nothing wrong with the database",
    )


def _pending(known: Sequence[RecordedEvent], added: Added) -> Iterator[RecordedEvent]:
    version = known[-1].version if known else 0
    followed = {event.command_id for event in known}  # the line that says so may still be on its way
    for line, n in added:
        event = line.events[n]
        if line.command_id in followed or (not version and event.version > 1 and line.first is not None):
            continue  # known, or built on what this machine does not have
        version = version + 1 if line.first is None else event.version
        yield _event(line, n, version)


def pending_event(line: Queued, n: int, version: int) -> RecordedEvent:
    """The n-th event of a line, at a version of its stream; without its topics."""
    event = line.events[n]
    return RecordedEvent(
        position=PENDING if line.first is None else line.first + n,
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
    event = pending_event(line, n, version)
    return replace(event, topics=topics_of(decode(FACTS.get(event.type), event)))


def receipt_of(line: Queued, outcome: Outcome | None = None, position: int | None = None) -> Recorded:
    """The receipt of a line's command, by what became of it."""
    where = Recorded(positions=(), streams=line.versions, recorded_at=None, repeated=True)
    if outcome is None:
        became = "withdrawal" if line.kind == "withdrawal" else None
        return replace(where, place=line.sequence, became=became)
    if line.first is not None:
        return replace(where, positions=tuple(range(line.first, line.first + len(line.events))))
    if outcome not in ("recorded", "rebased"):
        where = replace(where, streams={conflict_stream(line.command_id): 1})
    return replace(where, positions=(position,) if position else (), became=outcome)


def _put(outbox: Outbox, sent: SentCommands, line: Queued) -> Recorded:
    """Lets the command wait. Only under the outbox's lock."""
    line = replace(line, sequence=outbox.sequence + 1)
    outbox.append(line)
    recorded = replace(receipt_of(line), repeated=False)
    sent.queue(line, recorded)
    return recorded


def _acknowledged(commands: Iterable[SentCommand], sequence: int) -> Iterator[Queued | Settled]:
    for sent in commands:
        assert sent.recorded is not None, "only what was answered is acknowledged"
        yield replace(sent.line, sequence=sequence + 1, first=sent.recorded.positions[0])
        yield Settled(
            sequence=sequence + 2,
            command_id=sent.line.command_id,
            settles=sequence + 1,
            outcome="recorded",
            positions=sent.recorded.positions,
        )
        sequence += 2
