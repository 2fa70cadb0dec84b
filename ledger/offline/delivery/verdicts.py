"""What becomes of one command that waits: a verdict on it, and what is recorded with that verdict.

In this order: it is recorded already; everything stands as it was decided on, so it is recorded as proposed; no other
command changed a field that it changes and the rules still accept it, so it is decided again and marked; else it
becomes a conflict under its own id. What builds on a conflict becomes one that names it.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any
from uuid import UUID

import msgspec

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
    NewerProgramNeeded,
)
from ledger.handler import Project, rule_of
from ledger.offline.delivery import rebase
from ledger.offline.delivery.findings import Findings
from ledger.offline.delivery.pending_histories import PendingHistories
from ledger.offline.queue import queued_line
from ledger.offline.queue.outbox_lines import Outcome, Queued, QueuedEvent, Settled
from ledger.offline.queue.queued_line import EXCLUSIVE
from ledger.store import EventStore
from ledger.world import Neighbourhood, World

CLAIMING = {command.__name__ for command in (*EXCLUSIVE, ReleaseClaim)}
REFUSED = (*OF_RULES, AlreadyRecorded, Forbidden)


class Verdicts:
    """The verdicts on the commands of one outbox, each as the log stands at that moment."""

    def __init__(
        self,
        store: EventStore,
        neighbours: Neighbourhood,
        project: Project,
        findings: Findings,
        is_own: Callable[[UUID], bool],
    ) -> None:
        self._store = store
        self._neighbours = neighbours
        self._project = project
        self._findings = findings
        self._is_own = is_own

    def of(self, line: Queued, refusal: LedgerError | None = None) -> Settled:
        if found := self._store.find_command(line.command_id):
            return self.ended(line, self.outcome(found[0]), found[0].positions)
        if not queued_line.is_understood(line):
            raise newer_line()
        if line.kind == "withdrawal":
            return self._instead(line, CommandWithdrawn(command=line.command), "withdrawn")
        past = self._store.read_streams(line.bases)
        self._findings.look(past.head)
        pasts, moved = past.events, self._moved(line, past.events)
        if waits_for := self._findings.waits_for(line):
            return self._conflict(line, pasts, met=rebase.fields_met(line, pasts, self._is_own), waits_for=waits_for)
        quotes = rebase.quotes_erased(pasts.values())
        if refusal is None and not moved and self._findings.conditions_hold(line) and not quotes:
            facts = rebase.facts_with_authors(line)
            histories = PendingHistories(pasts)
            proposal = self._proposal(line, facts, histories.past, histories.state, line.bases, past.head)
            return self.ended(line, "recorded", self._store.append(proposal).positions)
        if refusal is None and (met := rebase.fields_met(line, pasts, self._is_own)):
            return self._conflict(line, pasts, met=met)
        if refusal is not None or line.kind == "recovered":
            return self._conflict(line, pasts, refusal=refusal)
        return self._again(line, pasts, moved)

    def as_proposed(self, line: Queued, histories: PendingHistories, head: int) -> Proposal | None:
        if line.kind == "withdrawal" or self._findings.waits_for(line) or histories.knows(line):
            return None
        if not queued_line.is_understood(line):
            return None
        if not all(rebase.is_on_its_base(line, stream, histories.past(stream), self._is_own) for stream in line.bases):
            return None
        if not self._findings.conditions_hold(line) or rebase.quotes_erased(map(histories.past, line.bases)):
            return None
        facts = rebase.facts_with_authors(line)
        proposal = self._proposal(line, facts, histories.past, histories.state, line.bases, head)
        unique = any(entry[0] in UNIQUE for row in proposal.rows for entry in row.added)
        return None if unique else proposal

    def outcome(self, recorded: Recorded) -> Outcome:
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

    def ended(self, line: Queued, outcome: Outcome, positions: tuple[int, ...]) -> Settled:
        if outcome == "conflict":
            self._findings.conflicted(line)
        return Settled(
            sequence=0, command_id=line.command_id, settles=line.sequence, outcome=outcome, positions=positions
        )

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
        return self.ended(line, "rebased" if moved else "recorded", self._store.append(proposal).positions)

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
        histories = PendingHistories({})
        head = self._store.read_streams([]).head
        proposal = self._proposal(
            line, [(stream, fact, line.by, line.occurred_at)], histories.past, histories.state, [stream], head
        )
        return self.ended(line, outcome, self._store.append(proposal).positions)

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
            if not rebase.is_on_its_base(line, stream, pasts.get(stream, ()), self._is_own)
        }


def _refusal_as_json(refusal: LedgerError | None) -> dict[str, Any] | None:
    if refusal is None:
        return None
    as_json: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(refusal.as_answer()["error"]))
    return as_json


def _proposed(event: QueuedEvent) -> dict[str, Any]:
    data = rebase.without_quotes(event)
    return {"stream": event.stream_id, "type": event.type, "schema": event.schema, "data": data}


def newer_line() -> NewerProgramNeeded:
    return NewerProgramNeeded(
        "the outbox holds a line that only a newer program understands, so nothing is drained",
        next_step="upgrade tracking-ledger on this machine, then run `tracking-ledger sync`",
    )
