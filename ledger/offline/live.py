"""Commands decided on the database: what goes out to it and what it answers stands in this machine's record."""

from collections.abc import Callable

from ledger.envelope import Proposal, Recorded, Submission
from ledger.errors import LedgerError, OutcomeUnknown
from ledger.handler import Decide, Handler, Project
from ledger.offline.queue.queued_line import bare, kept_arguments, queued
from ledger.offline.sent_commands import SentCommands
from ledger.store import EventStore
from ledger.world import Neighbourhood, World


class LiveHandler(Handler):
    """As Handler; `sent` is the record."""

    def __init__(
        self,
        store: EventStore,
        neighbours: Neighbourhood,
        project: Project,
        catch_up: Callable[[], None],
        sent: SentCommands,
    ) -> None:
        super().__init__(store, neighbours, project, catch_up)
        self._sent = sent

    def execute(self, submission: Submission, decide: Decide | None = None) -> Recorded:
        """The receipt is kept when all is committed, and before it is said."""
        recorded = super().execute(submission, decide)
        command_id = submission.command_id
        if recorded.positions and not self._sent.answer(command_id, recorded):
            self._sent.send(bare(submission, asked=self._sent.call_digest(command_id)))
            self._sent.answer(command_id, recorded)
        return recorded

    def _append(self, proposal: Proposal, world: World) -> Recorded:
        command_id = proposal.submission.command_id
        arguments = kept_arguments(proposal.submission.command)
        self._sent.send(queued(proposal, world.past, arguments, asked=self._sent.call_digest(command_id)))
        try:
            return super()._append(proposal, world)
        except OutcomeUnknown:
            raise
        except LedgerError:  # an answer: it was not recorded
            self._sent.refuse(command_id)
            raise
