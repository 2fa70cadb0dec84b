"""Commands decided on the database: what goes out to it and what it answers stands in this machine's record."""

from collections.abc import Callable, Mapping

from ledger.aggregates.decider import Decided
from ledger.envelope import Proposal, Recorded, RecordedEvent, Submission, configuration_id, stream_id
from ledger.errors import LedgerError, LostRace, OutcomeUnknown
from ledger.handler import Decide, Handler, Project
from ledger.offline.queue.queued_line import bare, kept_arguments, queued
from ledger.offline.sent_commands import SentCommands
from ledger.store import Primary
from ledger.world import Neighbourhood, World


class LiveHandler(Handler):
    """A Handler that writes each command into the record `sent` before it goes out."""

    def __init__(
        self,
        store: Primary,
        neighbours: Neighbourhood,
        project: Project,
        catch_up: Callable[[], None],
        sent: SentCommands,
    ) -> None:
        super().__init__(store, neighbours, project, catch_up)
        self._sent = sent
        self._log = store
        self._settings = stream_id("configuration", configuration_id(store.ledger))
        self._remembered: dict[str, list[RecordedEvent]] = {}  # the ledger's configuration, which most commands look at

    def execute(self, submission: Submission, decide: Decide | None = None) -> Recorded:
        """The receipt is kept when all is committed, and before it is said. What is rolled back was not sent."""
        recorded = super().execute(submission, decide)
        if recorded.positions:
            self._log.when_ended(
                lambda: self._keep(submission, recorded), lambda: self._sent.refuse(submission.command_id)
            )
        return recorded

    def _keep(self, submission: Submission, recorded: Recorded) -> None:
        command_id = submission.command_id
        if not self._sent.answer(command_id, recorded):
            self._sent.send(bare(submission, asked=self._sent.call_digest(command_id)))
            self._sent.answer(command_id, recorded)

    def _decide(self, submission: Submission, decide: Decide, world: World) -> Decided | Recorded:
        """What is remembered counts only where an append proves it. For a refusal, or nothing to do, it is compared
        with what the database says; if that is something else, all is decided again.

        So is a change of the configuration itself: an erasure takes texts of it, and its version stays. In a
        transaction, which may be rolled back, nothing is remembered.
        """
        if self._log.in_transaction:
            return super()._decide(submission, decide, world)
        remembered = self._remembered
        world.remember(remembered)
        try:
            decided = super()._decide(submission, decide, world)
        except LedgerError:
            self._prove(remembered, world)
            raise
        if not isinstance(decided, Recorded) and (not decided or any(entry[0] == self._settings for entry in decided)):
            self._prove(remembered, world)
        if self._settings in world.versions():
            self._remembered = {self._settings: world.past(self._settings)}
        return decided

    def _prove(self, remembered: Mapping[str, list[RecordedEvent]], world: World) -> None:
        """Raises LostRace if something was recalled for the decision that is no longer so."""
        if not world.recalls:
            return
        found = self._log.read_streams(remembered).events
        if any(found.get(stream, []) != past for stream, past in remembered.items()):
            self._remembered = {}
            raise LostRace("the configuration is no longer what was remembered of it")

    def _append(self, proposal: Proposal, world: World) -> Recorded:
        if any(event.stream_id == self._settings for event in proposal.events):
            self._remembered = {}
        command_id = proposal.submission.command_id
        arguments = kept_arguments(proposal.submission.command)
        self._sent.send(queued(proposal, world.past, arguments, asked=self._sent.call_digest(command_id)))
        try:
            return super()._append(proposal, world)
        except OutcomeUnknown:
            raise
        except LedgerError:  # an answer: it was not recorded
            self._remembered = {}
            self._sent.refuse(command_id)
            raise
