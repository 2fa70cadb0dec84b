"""A run of the real program, written down in the steps of the model while random work goes on, faults included.

The work knows nothing of the model's runs: whole commands with their retries, whole drains that are killed anywhere,
writers that are faster, answers that are lost, servers that lead with less. What is written down are the steps that it
came to, and what can be seen of the program after them.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from typing import Any, cast

from ledger.envelope import Proposal, Recorded
from ledger.errors import (
    Diverged,
    LeaseMoved,
    LedgerError,
    LostRace,
    OutcomeUnknown,
    ReadModelBehind,
    VersionConflict,
)
from ledger.offline.delivery.drain import Drain
from ledger.postgres.store import PostgresStore
from ledger.store import EventStore
from projections.read_models.fold import propose
from tests.model.program import MACHINES, STREAMS, Machine, Program, change_of, reason
from tests.model.replay import of_program
from tests.model.steps import State, Step
from tests.support.kills import OF_STORE, killed_before

# where a drain may be killed, and before it writes to the outbox


class Line(EventStore):
    """The line to the database: others may be faster, and it may be cut before or after what is sent arrives."""

    def __init__(self, store: PostgresStore, attempt: Callable[[Proposal], Recorded]) -> None:
        self._store = store
        self.append = attempt  # type: ignore[method-assign]

    def __getattribute__(self, name: str) -> Any:
        return object.__getattribute__(self, name) if name in ("_store", "append") else getattr(self._store, name)


class Work:
    """Random work on a program; `steps` are what was done, with what was seen after it where that was looked at."""

    def __init__(self, program: Program, random: Random) -> None:
        self.steps: list[tuple[Step, State | None]] = []
        self._program = program
        self._random = random
        self._number = 0
        self._late: list[Proposal] = []  # whose writers have given them up

    def go_on(self) -> None:
        """One more action, and a look at where everything is."""
        by = self._random.choice(MACHINES)
        actions = [self._live] * 5 + [self._queue] * 5 + [self._drain] * 4 + [self._follow] * 3
        before = len(self.steps)
        actions += [self._arrive_late, self._arrive_late, self._lose_claim]
        self._random.choice([*actions, self._tick, self._fail_over])(by)
        if len(self.steps) > before:
            self.steps[-1] = (self.steps[-1][0], of_program(self._program))

    # Commands

    def _live(self, by: str, *, is_faster: bool = False, kind: str | None = None, fate: str | None = None) -> None:
        """On the database, as soon as nothing waits; where the answer is lost it waits itself."""
        machine = self._program.machines[by]
        if machine.local.waiting or not self._is_met(machine):
            return
        command, expected = self._command(by, machine.store, kind)
        rival = None if is_faster or self._random.random() > 0.3 else next(name for name in MACHINES if name != by)
        fate = fate or self._random.choice(["heard"] * 4 + ["cut before", "cut after"])
        given = {"command": command, "expected": expected}
        is_final = False

        def attempt(proposal: Proposal) -> Recorded:
            nonlocal rival, is_final
            self._did("Asked", given)
            faster, rival = rival, None
            if faster is not None:
                self._live(faster, is_faster=True)
            if fate == "cut before":
                self._late.append(proposal)
                raise OutcomeUnknown("no answer")
            self._did("Arrived", {"id": command["id"], "isHeard": fate == "heard"})
            verdict = self._verdict(machine, proposal, is_heard=fate == "heard")
            if fate == "cut after":
                raise OutcomeUnknown("no answer")
            if isinstance(verdict, Recorded):
                return verdict
            is_final = not isinstance(verdict, (VersionConflict, LostRace, LeaseMoved))
            raise verdict

        try:
            handler = self._program.live(machine, cast(EventStore, Line(machine.store, attempt)))
            recorded = handler.execute(self._submission(command, expected, machine.store))
        except OutcomeUnknown:
            self._did("GaveUp", by)
            self._program.give_up(by, command["id"])
        except LedgerError as refused:
            if not is_final:  # it was decided once more, and refused by the rules
                self._did("Asked", given)
            self._program.answers[command["id"]] = reason(refused)
        else:
            if not recorded.positions:
                self._did("Asked", given)
            self._program.answers[command["id"]] = "committed" if recorded.positions else "unchanged"
            machine.know(machine.store)

    def _lose_claim(self, by: str) -> None:
        """A claim that is given up is withdrawn, and only then arrives."""
        self._live(by, kind="Claim", fate="cut before")
        self._drain(by)
        self._arrive_late(by)

    def _arrive_late(self, _: str) -> None:
        """What was given up reaches the database all the same."""
        if not self._late:
            return
        proposal = self._late.pop(self._random.randrange(len(self._late)))
        submission = proposal.submission
        machine = self._program.machines[submission.by]
        if self._is_met(machine):
            self._did("Arrived", {"id": self._program.commands[submission.command_id], "isHeard": False})
            self._verdict(machine, proposal, is_heard=False)

    def _verdict(self, machine: Machine, proposal: Proposal, *, is_heard: bool) -> Recorded | LedgerError:
        store = machine.new_store(lambda: is_heard)
        machine.know(store)
        try:
            return store.append(proposal)
        except ReadModelBehind:
            self._program.catch_up_tables()
            return self._verdict(machine, proposal, is_heard=is_heard)
        except LedgerError as refused:
            return refused

    def _queue(self, by: str) -> None:
        """While the database seems to be away."""
        command, expected = self._command(by, self._program.machines[by].layer().store)
        self._did("Queued", {"command": command, "expected": expected})
        self._program.queue(command["id"], by, change_of(command), command["stream"], expected)

    def _command(self, by: str, store: EventStore, kind: str | None = None) -> tuple[dict[str, Any], int]:
        self._number += 1
        kind = kind or self._random.choice(["Notes", "Description", "Blocks", "Claim"])
        stream = self._random.choice(STREAMS)
        match kind:
            case "Blocks":
                path, value = (kind, self._random.choice([name for name in STREAMS if name != stream])), "yes"
            case "Claim":  # of one item, so that its claims meet
                stream, path, value = STREAMS[0], (kind, ()), self._random.choice([by, by, ""])
            case _:
                path, value = (kind, ()), self._random.choice("xy")
        known = self._program.changes(store, stream) - (self._random.random() < 0.1)
        return {"id": self._number, "by": by, "stream": stream, "path": path, "value": value}, known

    def _submission(self, command: dict[str, Any], expected: int, store: EventStore) -> Any:
        version = self._program.version(store, command["stream"], expected)
        return self._program.submission(command["id"], change_of(command)(version), command["by"])

    # What goes on in the background

    def _drain(self, by: str) -> None:
        """All that waits, or as much as there is time for before the process is killed."""
        program, machine = self._program, self._program.machines[by]
        outbox = machine.local.outbox
        waiting = [line.command_id for line in outbox.unsettled()]
        if not waiting or not self._is_met(machine):
            return
        log = program.log
        before = {command for command in waiting if log.find_command(command)}
        drain = Drain(machine.store, program.neighbours, propose, outbox, program.catch_up_tables)
        with self._killed_somewhere(machine, len(waiting)), outbox.draining():
            drain.run()
        left = [line.command_id for line in outbox.unsettled()]
        ended = len(waiting) - len(left)
        unwritten = sum(command not in before and log.find_command(command) is not None for command in left)
        if ended:
            self._did("Drained", {"name": by, "many": ended, "isWritten": True})
        if unwritten:
            self._did("Drained", {"name": by, "many": unwritten, "isWritten": False})

    @contextmanager
    def _killed_somewhere(self, machine: Machine, waiting: int) -> Iterator[None]:
        step = self._random.randint(1, 4 * waiting) if self._random.random() < 0.5 else 1_000_000
        touched = [*((machine.store, name) for name in OF_STORE), (machine.local.outbox, "append")]
        with killed_before(step, touched):
            yield

    def _follow(self, by: str) -> None:
        machine = self._program.machines[by]
        behind = self._program.log.read_streams([]).head - machine.local.journal.head.position
        if self._is_met(machine) and behind > 0:
            many = self._random.choice([behind, self._random.randint(1, behind)])
            self._did("CaughtUp", {"name": by, "many": many})
            self._program.catch_up(by, many)

    # What happens to the database

    def _tick(self, _: str) -> None:
        self._did("Ticked", ())
        self._program.tick()

    def _fail_over(self, _: str) -> None:
        head = self._program.reached()
        kept = self._random.randint(0, head) if self._random.random() < 0.3 else head
        self._did("FailedOver", kept)
        self._late.clear()
        self._program.fail_over(kept)

    def _is_met(self, machine: Machine) -> bool:
        """What every contact begins with; where the log is another one, an administrator says which is right."""
        try:
            self._program.follower(machine).compare(machine.local.journal.head)
        except Diverged:
            self._did("FoundOut", machine.name)
            self._program.find_out(machine.name)
            by_database = self._random.random() < 0.5 or not self._program.is_contained(machine)
            self._did("Mended", {"name": machine.name, "byDatabase": by_database})
            self._program.mend(machine.name, by_database=by_database)
            return False
        return True

    def _did(self, kind: str, given: Any) -> None:
        self.steps.append(((kind, given), None))
