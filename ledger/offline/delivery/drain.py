"""Sending queued commands to the database: in order, each with its own verdict, exactly once whatever dies."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from uuid import UUID

import msgspec
from msgspec import Struct

from ledger.aggregates.conflict.decider import conflict_stream
from ledger.envelope import Proposal, Recorded
from ledger.errors import (
    LedgerError,
    LostRace,
    NotUnique,
    OutcomeUnknown,
    ReadModelBehind,
    Unavailable,
)
from ledger.handler import Project
from ledger.offline.delivery.findings import Findings
from ledger.offline.delivery.pending_histories import PendingHistories
from ledger.offline.delivery.verdicts import Verdicts, newer_line
from ledger.offline.queue.outbox import Outbox
from ledger.offline.queue.outbox_lines import Queued, Settled
from ledger.store import Primary
from ledger.world import Neighbourhood

GROUP = 100  # commands recorded in one transaction
TRIES = 5
TURN_SECONDS = 0.5  # with the ledger's lock, before others have theirs; what is recorded at once is recorded whole
LOCK_SECONDS = 30.0  # for a turn: longer than many others take together, for a drain that gives up is the last again

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
        store: Primary,
        neighbours: Neighbourhood,
        project: Project,
        outbox: Outbox,
        catch_up: Callable[[], None] = lambda: None,
    ) -> None:
        self._store = store
        self._outbox = outbox
        self._catch_up = catch_up
        self._own: set[UUID] = set()
        self._findings = Findings(store, self._is_own)
        self._verdicts = Verdicts(store, neighbours, project, self._findings, self._is_own)

    def run(
        self, on_progress: OnProgress = lambda _: None, should_continue: Callable[[], bool] = lambda: True
    ) -> Drained:
        """Settles what waits, portion by portion while it `should_continue`. The next drain goes on from there."""
        shut: set[str] = set()
        outcomes: Counter[str] = Counter()
        after = held = 0
        self._remember()
        while should_continue() and (lines := self._outbox.unsettled(after, GROUP)):
            self._own |= {line.command_id for line in lines}
            for line in lines:
                if line.conditions:  # what was sent first may have begun to wait behind newer lines
                    self._findings.look_from(line.as_of)
            free = self._free(lines, shut)
            outcomes.update(one.outcome for one in self._settle(free))
            held += len(lines) - len(free)
            after = lines[-1].sequence
            on_progress(outcomes.total())
        return Drained(settled=outcomes.total(), outcomes=dict(outcomes), waiting=self._outbox.waiting, held=held)

    def _remember(self) -> None:
        """What earlier drains of this outbox have found."""
        self._own = self._outbox.own_before(self._outbox.sequence + 1)
        for command, _ in self._outbox.ended("conflict"):
            if found := self._outbox.find(command):
                self._findings.conflicted(found[0])

    def _free(self, lines: Sequence[Queued], shut: set[str]) -> list[Queued]:
        """The lines that wait behind no damaged line. `shut` gains the streams of damaged lines and of held ones."""
        faults = self._outbox.faults  # reading the lines has proved them
        if any(fault.is_newer for fault in faults):
            raise newer_line()
        shut |= {stream for fault in faults for stream in fault.streams}
        free = []
        for line in lines:
            if faults and (shut & {*line.streams, *line.bases} or self._is_orphan(line)):
                shut |= set(line.streams)
            else:
                free.append(line)
        return free

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
        """Records the first ones as proposed, up to one that may not be.

        It is decided before the lock is there, so that machines which drain at once do not wait for one another's
        decisions: the append finds out what moved on. It cannot see which topics are only this outbox's own.
        """
        if any(line.conditions for line in lines):
            return []
        proposals = self._proposals(lines)
        if len(proposals) < len(lines):
            return []
        answers = self._store.append_in_order([proposal for _, proposal in proposals], LOCK_SECONDS)
        return [self._as_recorded(line, answer) for line, answer in zip(lines[: len(answers)], answers, strict=True)]

    def _in_one_turn(self, lines: Sequence[Queued]) -> list[Settled]:
        """Brings the first commands to their ends, whichever these are, with one lock and one commit.

        Where one fails, those before it are settled without it; none are where that is the first.
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
            ended += together or [self._verdicts.of(left[0])]
            width = 2 * width if len(together) == len(left) else 1  # among what others changed it is read one by one

    def _proposals(self, lines: Sequence[Queued]) -> list[tuple[Queued, Proposal]]:
        """The proposals of the first commands, up to one that may not be recorded as proposed."""
        streams = {stream for line in lines for stream in (*line.bases, conflict_stream(line.command_id))}
        past = self._store.read_streams(streams)
        self._findings.look(past.head)
        histories = PendingHistories(past.events)
        taken: list[tuple[Queued, Proposal]] = []
        for line in lines:
            proposal = self._verdicts.as_proposed(line, histories, past.head)
            if proposal is None:
                break
            taken.append((line, proposal))
            histories.happened(line, proposal)
        return taken

    def _recorded(self, taken: Sequence[tuple[Queued, Proposal]]) -> list[Settled]:
        """Records them all, or raises what refuses one."""
        settled = []
        for (line, _), answer in zip(taken, self._store.append_group([one for _, one in taken]), strict=True):
            if isinstance(answer, LedgerError):
                raise answer
            settled.append(self._as_recorded(line, answer))
        return settled

    def _as_recorded(self, line: Queued, answer: Recorded) -> Settled:
        outcome = self._verdicts.outcome(answer) if answer.repeated else "recorded"
        return self._verdicts.ended(line, outcome, answer.positions)

    def _settle_one(self, line: Queued) -> Settled:
        """One command's verdict, while no other writer appends."""
        refusal: LedgerError | None = None
        for _ in range(TRIES):
            try:
                with self._store.exclusively(LOCK_SECONDS):
                    return self._verdicts.of(line, refusal)
            except ReadModelBehind:
                self._catch_up()
            except NotUnique as error:  # said by the append itself: what is recorded instead is a conflict
                refusal = error
        raise refusal or LostRace("the read models do not come up to the log")

    def _is_own(self, command: UUID) -> bool:
        return command in self._own
