"""One command, from what was asked to where it stands: read, decide, project, append; again on a lost race."""

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from ledger.across.conflict_resolution import decide as resolve_conflict
from ledger.across.undo import decide as decide_undo
from ledger.aggregates.conflict.commands import ResolveConflict
from ledger.aggregates.decider import Decided, Undo
from ledger.catalog import decider_of, fold_stream, is_known
from ledger.codec import command_digest, storable, unstorable
from ledger.envelope import Command, Proposal, ProposedEvent, Recorded, RecordedEvent, RowChange, Submission
from ledger.errors import (
    CommandIdReused,
    LeaseMoved,
    LedgerError,
    LostRace,
    NewerProgramNeeded,
    ReadModelBehind,
    Refused,
    VersionConflict,
)
from ledger.importing.commands import Import
from ledger.importing.plan import plan
from ledger.problems import check
from ledger.store import EventStore
from ledger.world import Neighbourhood, World

REFUSALS = 5  # lost races before the command is decided under the ledger's lock

# (pasts and states of the touched streams, proposed events) -> the rows to write with them. The single inversion: the
# write side does not know the read models, it is given this.
Project = Callable[
    [Callable[[str], list[RecordedEvent]], Callable[[str], Any], Iterable[ProposedEvent]], Iterable[RowChange]
]
Decide = Callable[[Any, World], Decided]


class Handler:
    """Executes commands on a store. Answers where a command stands; nothing else was recorded.

    `catch_up` brings the read models of this program up to the log; it is called when another program wrote past them.
    """

    def __init__(
        self,
        store: EventStore,
        neighbours: Neighbourhood,
        project: Project,
        catch_up: Callable[[], None] = lambda: None,
    ) -> None:
        self._store = store
        self._neighbours = neighbours
        self._project = project
        self._catch_up = catch_up

    def execute(self, submission: Submission, decide: Decide | None = None) -> Recorded:
        """Raises what the rules say. Repeated with the same command id it answers again and records nothing.

        `decide` stands in for the command's own: an import keeps what else its decision found, to report it.
        """
        if not storable([submission.command, submission.by]):
            check(unstorable([msgspec.to_builtins(submission.command), submission.by]))
        for _ in range(REFUSALS):
            try:
                return self._attempt(submission, decide)
            except (LostRace, LeaseMoved):
                continue
            except ReadModelBehind:
                self._catch_up()
        with self._store.exclusively():
            self._catch_up()
            try:
                return self._attempt(submission, decide)
            except LostRace as error:  # no other writer can append now: what is in the way was there before
                raise Refused(
                    "the id that this would create is taken",
                    rule="id_taken",
                    items=[error.details],
                    next_step="send a new command_id: ids follow from it",
                ) from error

    def world(self, by: str = "", **caller: Any) -> World:
        """A fresh view for one decision; see ledger.world.World for what can be said of the caller."""
        store = self._store
        return World(store.ledger, store.read_streams, fold_stream, self._neighbours, by=by, **caller)

    def _attempt(self, submission: Submission, decide: Decide | None) -> Recorded:
        world = self.world(
            submission.by, token=submission.token, occurred_at=submission.occurred_at, scope=submission.scope
        )
        decided = self._decide(submission, decide or rule_of(submission.command), world)
        if isinstance(decided, Recorded):
            return decided
        if not decided:
            return Recorded(positions=(), streams={}, recorded_at=None)
        events = tuple(_proposed(decided, submission, world))
        proposal = Proposal(
            submission=submission,
            command_digest=command_digest(submission.command, submission.by),
            events=events,
            expected=world.versions(),
            rows=tuple(self._project(world.past, world.state_of, events)),
            conditions=world.topics,
            as_of=world.as_of,
            not_before=world.not_before,
            not_after=world.not_after,
        )
        try:
            return self._append(proposal, world)
        except VersionConflict as error:
            raise LostRace("a stream that the decision looked at moved on", **error.details) from error

    def _append(self, proposal: Proposal, world: World) -> Recorded:
        return self._store.append(proposal)

    def _decide(self, submission: Submission, decide: Decide, world: World) -> Decided | Recorded:
        """What happens now; or where the command stands already, whatever the rules would say of it today."""
        try:
            decided = decide(submission.command, world)
        except LedgerError:
            recorded = self._recorded(submission)
            if recorded is None:
                raise
            return recorded
        if decided:
            return decided  # the append asks once more, under the lock
        return self._recorded(submission) or decided

    def _recorded(self, submission: Submission) -> Recorded | None:
        found = self._store.find_command(submission.command_id)
        if found is None:
            return None
        recorded, digest = found
        if digest != command_digest(submission.command, submission.by):
            where = f"recorded at position {recorded.positions[0]}" if recorded.positions else "queued"
            raise CommandIdReused(
                f"command id {submission.command_id} was {where} with other arguments",
                next_step="send a new command_id for another command",
                command_id=str(submission.command_id),
            )
        return recorded


def rule_of(command: Command) -> Decide:
    """The rules of an undo, a resolved conflict and an import belong to no single category."""
    match command:
        case Undo():
            return decide_undo
        case ResolveConflict():
            return resolve_conflict
        case Import():
            return lambda command, world: plan(command, world).decided
        case _:
            return decider_of(command).decide


def _proposed(decided: Decided, submission: Submission, world: World) -> Iterable[ProposedEvent]:
    versions: dict[str, int] = {}
    world.look(entry[0] for entry in decided)
    for entry in decided:
        stream, fact = entry[0], entry[1]
        if stream not in versions:
            _refuse_unknown(world.past(stream))
        versions[stream] = versions.get(stream, world.version(stream)) + 1
        by, occurred_at = entry[2:] if len(entry) == 4 else (submission.by, submission.occurred_at)
        yield ProposedEvent(stream_id=stream, version=versions[stream], fact=fact, by=by, occurred_at=occurred_at)


def _refuse_unknown(past: Iterable[RecordedEvent]) -> None:
    """What this program does not understand it must not build upon."""
    for event in past:
        if not is_known(event):
            raise NewerProgramNeeded(
                f"{event.stream_id} holds {event.type} of schema {event.schema}, which this program does not know",
                next_step="upgrade tracking-ledger on this machine",
                type=event.type,
                schema=event.schema,
                position=event.position,
            )
