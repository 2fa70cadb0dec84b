"""Bringing what waits to the database: in order, each command with its own verdict, exactly once whatever dies.

Verdicts, in this order: it is recorded already; everything stands as it was decided on, so it is recorded as proposed;
no other command changed a field that it changes and the rules still accept it, so it is decided again and marked;
else it becomes a conflict under its own id. What builds on a conflict becomes one that names it.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from ledger.aggregates.conflict.decider import conflict_stream
from ledger.aggregates.conflict.events import CommandFulfilled, CommandWithdrawn, ConflictFound, Met
from ledger.aggregates.work_item.bulk import REFUSALS as OF_RULES
from ledger.aggregates.work_item.commands import ReleaseClaim
from ledger.catalog import UNIQUE, fact_of, fold_stream
from ledger.envelope import Fact, Proposal, ProposedEvent, Recorded, RecordedEvent, Submission
from ledger.errors import (
    AlreadyRecorded,
    Forbidden,
    LedgerError,
    LostRace,
    NewerProgramNeeded,
    NotUnique,
    OutcomeUnknown,
    ReadModelBehind,
    Unavailable,
)
from ledger.handler import Project, rule_of
from ledger.offline.delivery import rebase
from ledger.offline.delivery.findings import Findings
from ledger.offline.delivery.pending_histories import Ahead
from ledger.offline.queue import queued_line
from ledger.offline.queue.outbox import Outbox
from ledger.offline.queue.outbox_lines import Outcome, Queued, QueuedEvent, Settled
from ledger.offline.queue.queued_line import EXCLUSIVE
from ledger.store import EventStore
from ledger.world import Neighbourhood, World

GROUP = 100  # commands recorded in one transaction
TRIES = 5
TURN_SECONDS = 0.5  # with the ledger's lock, before others have theirs; what is recorded at once is recorded whole
LOCK_SECONDS = 30.0  # for a turn: longer than many others take together, because who gives up is the last again
CLAIMING = {command.__name__ for command in (*EXCLUSIVE, ReleaseClaim)}
REFUSED = (*OF_RULES, AlreadyRecorded, Forbidden)

OnProgress = Callable[[int], None]  # how many are settled so far


class Drained(Struct, frozen=True, kw_only=True):
    """What became of the commands of one drain. `held` wait behind a damaged line, `waiting` are all that still do."""

    settled: int = 0
    outcomes: dict[str, int] = {}
    waiting: int = 0
    held: int = 0


class Drain:
    """Drains `outbox` into `store`. Only under the outbox's drain lock."""

    def __init__(
        self,
        store: EventStore,
        neighbours: Neighbourhood,
        project: Project,
        outbox: Outbox,
        catch_up: Callable[[], None] = lambda: None,
    ) -> None:
        self._store = store
        self._neighbours = neighbours
        self._project = project
        self._outbox = outbox
        self._catch_up = catch_up
        self._own: set[UUID] = set()
        self._findings = Findings(store, self._is_own)

    def run(self, tell: OnProgress = lambda _: None, should_continue: Callable[[], bool] = lambda: True) -> Drained:
        """Settles what waits, portion by portion as long as it `goes_on`. An interrupted one goes on where it was."""
        shut: set[str] = set()
        outcomes: Counter[str] = Counter()
        after = held = 0
        self._remember()
        while should_continue() and (lines := self._outbox.unsettled(after, GROUP)):
            self._own |= {line.command_id for line in lines}
            for line in lines:
                if line.conditions:  # what was sent first may have begun to wait behind newer lines
                    self._findings.look_from(line.as_of)
            faults = self._outbox.faults  # reading the lines has proved them
            if any(fault.is_newer for fault in faults):
                raise _newer_line()
            shut |= {stream for fault in faults for stream in fault.streams}
            free = []
            for line in lines:
                if faults and (shut & {*line.streams, *line.bases} or self._is_orphan(line)):
                    shut |= set(line.streams)
                    held += 1
                else:
                    free.append(line)
            settled = self._settle(free)
            outcomes.update(one.outcome for one in settled)
            after = lines[-1].sequence
            tell(outcomes.total())
        return Drained(settled=outcomes.total(), outcomes=dict(outcomes), waiting=self._outbox.waiting, held=held)

    def _remember(self) -> None:
        """What earlier drains of this outbox have found."""
        self._own = self._outbox.own_before(self._outbox.sequence + 1)
        for command, _ in self._outbox.ended("conflict"):
            if found := self._outbox.find(command):
                self._findings.conflicted(found[0])

    def _is_orphan(self, line: Queued) -> bool:
        """Whether it builds on an unknown command: one of a damaged line."""
        bases = [(stream, UUID(base.command_id)) for stream, base in line.bases.items() if base.command_id]
        unknown = {stream for stream, command in bases if command not in self._own}
        pasts = self._store.read_streams(unknown).events if unknown else {}
        return any(
            all(event.command_id != command for event in pasts.get(stream, ()))
            for stream, command in bases
            if stream in unknown
        )

    def _settle(self, lines: Sequence[Queued]) -> list[Settled]:
        """Brings some commands to their ends, as many of them at once as may be."""
        settled: list[Settled] = []
        left = list(lines)
        while left:
            ended = self._decided_ahead(left) or self._in_one_turn(left) or [self._settle_one(left[0])]
            self._write(ended)
            settled += ended
            left = left[len(ended) :]
        return settled

    def _write(self, settled: Sequence[Settled]) -> None:
        with self._outbox.locked():
            sequence = self._outbox.sequence
            numbered = [msgspec.structs.replace(one, sequence=sequence + n) for n, one in enumerate(settled, 1)]
            self._outbox.append(numbered[0], *numbered[1:])

    def _decided_ahead(self, lines: Sequence[Queued]) -> list[Settled]:
        """Records them all as proposed; none if one of them is not so.

        It is decided before the lock is there, so that machines which drain at once do not wait for one another's
        decisions: the append finds out what moved on. It cannot see which topics are only this outbox's own.
        """
        if any(line.conditions for line in lines):
            return []
        proposals = self._proposals(lines)
        if len(proposals) < len(lines):
            return []
        try:
            with self._store.exclusively(LOCK_SECONDS):
                return self._recorded(proposals)
        except (Unavailable, OutcomeUnknown):
            raise
        except LedgerError:  # which one it is of is found out in a turn
            return []

    def _in_one_turn(self, lines: Sequence[Queued]) -> list[Settled]:
        """Brings the first commands to their ends, whichever these are, with one lock and one commit.

        None where the first has to be settled on its own: what fails at one takes nothing from those before it.
        """
        while lines:
            ended: list[Settled] = []
            try:
                with self._findings.forgotten_on_error(), self._store.exclusively(LOCK_SECONDS):
                    self._take_turn(lines, ended)
                return ended
            except (Unavailable, OutcomeUnknown):
                raise
            except Exception:  # all was rolled back; the command it is of is settled alone, and then raises it
                lines = lines[: min(len(ended), len(lines) - 1)]
        return []

    def _take_turn(self, lines: Sequence[Queued], ended: list[Settled]) -> None:
        until = time.monotonic() + TURN_SECONDS
        width = len(lines)
        while len(ended) < len(lines) and (not ended or time.monotonic() < until):
            left = lines[len(ended) :][:width]
            together = self._recorded(self._proposals(left))
            ended += together or [self._verdict(left[0])]
            width = 2 * width if len(together) == len(left) else 1  # among what others changed it is read one by one

    def _proposals(self, lines: Sequence[Queued]) -> list[tuple[Queued, Proposal]]:
        """As many of the first commands as may be recorded as proposed."""
        streams = {stream for line in lines for stream in (*line.bases, conflict_stream(line.command_id))}
        past = self._store.read_streams(streams)
        self._findings.look(past.head)
        ahead = Ahead(past.events)
        taken: list[tuple[Queued, Proposal]] = []
        for line in lines:
            proposal = self._as_proposed(line, ahead, past.head)
            if proposal is None:
                break
            taken.append((line, proposal))
            ahead.happened(line, proposal)
        return taken

    def _recorded(self, taken: Sequence[tuple[Queued, Proposal]]) -> list[Settled]:
        """Records them all, or raises what refuses one."""
        settled = []
        for (line, _), answer in zip(taken, self._store.append_group([one for _, one in taken]), strict=True):
            if isinstance(answer, LedgerError):
                raise answer
            outcome = self._outcome(answer) if answer.repeated else "recorded"
            settled.append(self._ended(line, outcome, answer.positions))
        return settled

    def _as_proposed(self, line: Queued, ahead: Ahead, head: int) -> Proposal | None:
        if line.kind == "withdrawal" or self._findings.waits_for(line) or ahead.knows(line):
            return None
        if not queued_line.is_understood(line):
            return None
        if not all(rebase.stands_on_its_base(line, stream, ahead.past(stream), self._is_own) for stream in line.bases):
            return None
        if not self._findings.conditions_hold(line) or rebase.quotes_erased(map(ahead.past, line.bases)):
            return None
        facts = rebase.facts_with_authors(line)
        proposal = self._proposal(line, facts, ahead.past, ahead.state, line.bases, head)
        unique = any(relation in UNIQUE for row in proposal.rows for relation, _ in row.added)
        return None if unique else proposal

    def _settle_one(self, line: Queued) -> Settled:
        """One command's verdict, while no other writer appends."""
        refusal: LedgerError | None = None
        for _ in range(TRIES):
            try:
                with self._store.exclusively(LOCK_SECONDS):
                    return self._verdict(line, refusal)
            except ReadModelBehind:
                self._catch_up()
            except NotUnique as error:  # said by the append itself: what is recorded instead is a conflict
                refusal = error
        raise refusal or LostRace("the read models do not come up to the log")

    def _verdict(self, line: Queued, refusal: LedgerError | None = None) -> Settled:
        if found := self._store.find_command(line.command_id):
            return self._ended(line, self._outcome(found[0]), found[0].positions)
        if not queued_line.is_understood(line):
            raise _newer_line()
        if line.kind == "withdrawal":
            return self._instead(line, CommandWithdrawn(command=line.command), "withdrawn")
        past = self._store.read_streams(line.bases)
        self._findings.look(past.head)
        pasts, moved = past.events, self._moved(line, past.events)
        if waits_for := self._findings.waits_for(line):
            return self._conflict(line, pasts, met=rebase.meetings(line, pasts, self._is_own), waits_for=waits_for)
        quotes = rebase.quotes_erased(pasts.values())
        if refusal is None and not moved and self._findings.conditions_hold(line) and not quotes:
            facts = rebase.facts_with_authors(line)
            ahead = Ahead(pasts)
            proposal = self._proposal(line, facts, ahead.past, ahead.state, line.bases, past.head)
            return self._ended(line, "recorded", self._store.append(proposal).positions)
        if refusal is None and (met := rebase.meetings(line, pasts, self._is_own)):
            return self._conflict(line, pasts, met=met)
        if refusal is not None or line.kind == "recovered":
            return self._conflict(line, pasts, refusal=refusal)
        return self._again(line, pasts, moved)

    def _again(self, line: Queued, pasts: rebase.Pasts, moved: set[str]) -> Settled:
        world = World(
            self._store.ledger,
            self._store.read_streams,
            fold_stream,
            self._neighbours,
            by=line.by,
            token=line.token,
            occurred_at=line.occurred_at,
            scope=line.scope,
        )
        command = rebase.rebased_command(line, pasts)
        try:
            decided = rule_of(command)(command, world)
        except REFUSED as refused:
            return self._conflict(line, pasts, refusal=refused)
        if not decided:
            return self._instead(line, CommandFulfilled(command=line.command), "fulfilled")
        world.look(entry[0] for entry in decided)
        facts = [rebase.with_author(entry, line) for entry in rebase.marked(decided, line, moved)]
        proposal = self._proposal(line, facts, world.past, world.state_of, world.versions(), world.as_of)
        return self._ended(line, "rebased" if moved else "recorded", self._store.append(proposal).positions)

    def _conflict(
        self,
        line: Queued,
        pasts: rebase.Pasts,
        *,
        met: Iterable[Met] = (),
        refusal: LedgerError | None = None,
        waits_for: Iterable[str] = (),
    ) -> Settled:
        if line.command in CLAIMING:  # its lease is over or another's: nothing is left to decide
            return self._instead(line, CommandWithdrawn(command=line.command), "withdrawn")
        recovered = line.kind == "recovered"
        fact = ConflictFound(
            command=line.command,
            schema=line.command_schema,
            arguments=line.arguments,
            about=line.streams,
            bases={stream: line.bases[stream] for stream in line.streams if stream in line.bases},
            standing=rebase.current_versions(line, pasts),
            met=tuple(met),
            refusal=_refusal_as_json(refusal),
            waits_for=tuple(waits_for),
            proposed=tuple(map(_proposed, line.events)) if recovered else (),
        )
        return self._instead(line, fact, "conflict")

    def _instead(self, line: Queued, fact: Fact, outcome: Outcome) -> Settled:
        """Records under the command's id what became of it."""
        stream = conflict_stream(line.command_id)
        ahead = Ahead({})
        head = self._store.read_streams([]).head
        proposal = self._proposal(
            line, [(stream, fact, line.by, line.occurred_at)], ahead.past, ahead.state, [stream], head
        )
        return self._ended(line, outcome, self._store.append(proposal).positions)

    def _proposal(
        self,
        line: Queued,
        facts: Sequence[tuple[str, Fact, str, Any]],
        past: Callable[[str], list[RecordedEvent]],
        state: Callable[[str], Any],
        looked_at: Iterable[str],
        as_of: int,
    ) -> Proposal:
        versions: dict[str, int] = {}
        events = []
        for stream, fact, by, occurred_at in facts:
            versions[stream] = versions.get(stream, len(past(stream))) + 1
            events.append(
                ProposedEvent(stream_id=stream, version=versions[stream], fact=fact, by=by, occurred_at=occurred_at)
            )
        submission = Submission(
            command=queued_line.command_in(line), command_id=line.command_id, by=line.by, occurred_at=line.occurred_at
        )
        return Proposal(
            submission=submission,
            command_digest=bytes.fromhex(line.command_digest),
            events=tuple(events),
            expected={stream: len(past(stream)) for stream in looked_at},
            rows=tuple(self._project(past, state, events)),
            as_of=as_of,
        )

    def _moved(self, line: Queued, pasts: rebase.Pasts) -> set[str]:
        return {
            stream
            for stream in line.bases
            if not rebase.stands_on_its_base(line, stream, pasts.get(stream, ()), self._is_own)
        }

    def _outcome(self, recorded: Recorded) -> Outcome:
        """How a command ended that is recorded already."""
        events = [event for past in self._store.read_streams(recorded.streams).events.values() for event in past]
        for event in events:
            if event.position in recorded.positions:
                match fact_of(event):
                    case ConflictFound():
                        return "conflict"
                    case CommandFulfilled():
                        return "fulfilled"
                    case CommandWithdrawn():
                        return "withdrawn"
                    case fact if fact.rebased_from is not None:
                        return "rebased"
        return "recorded"

    def _ended(self, line: Queued, outcome: Outcome, positions: tuple[int, ...]) -> Settled:
        if outcome == "conflict":
            self._findings.conflicted(line)
        return Settled(
            sequence=0, command_id=line.command_id, settles=line.sequence, outcome=outcome, positions=positions
        )

    def _is_own(self, command: UUID) -> bool:
        return command in self._own


def _refusal_as_json(refusal: LedgerError | None) -> dict[str, Any] | None:
    if refusal is None:
        return None
    as_json: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(refusal.as_answer()["error"]))
    return as_json


def _proposed(event: QueuedEvent) -> dict[str, Any]:
    data = rebase.without_quotes(event)
    return {"stream": event.stream_id, "type": event.type, "schema": event.schema, "data": data}


def _newer_line() -> NewerProgramNeeded:
    return NewerProgramNeeded(
        "the outbox holds a line that only a newer program understands, so nothing is drained",
        next_step="upgrade tracking-ledger on this machine, then run `tracking-ledger sync`",
    )
