"""The histories on which a group of queued commands is decided, each command on what those before it have proposed."""

from typing import Any

from ledger.catalog import DECIDERS, fold_stream, topics_of
from ledger.codec import encode, schema_of
from ledger.envelope import Proposal, ProposedEvent, RecordedEvent, category_of
from ledger.offline.delivery import rebase
from ledger.offline.queue.outbox_lines import Queued


class PendingHistories:
    """Histories and states with what the group has proposed so far."""

    def __init__(self, pasts: rebase.Pasts) -> None:
        self._pasts = {stream: list(past) for stream, past in pasts.items()}
        self._states: dict[str, Any] = {}
        self._commands = {event.command_id for past in pasts.values() for event in past}

    def past(self, stream: str) -> list[RecordedEvent]:
        return self._pasts.setdefault(stream, [])

    def state(self, stream: str) -> Any:
        if stream not in self._states:
            self._states[stream] = fold_stream(stream, self.past(stream))
        return self._states[stream]

    def knows(self, line: Queued) -> bool:
        """Whether the command is recorded already, as far as these histories tell."""
        return line.command_id in self._commands

    def happened(self, line: Queued, proposal: Proposal) -> None:
        self._commands.add(line.command_id)
        for n, event in enumerate(proposal.events):
            state = self.state(event.stream_id)
            self.past(event.stream_id).append(_as_recorded(line, n, event))
            self._states[event.stream_id] = DECIDERS[category_of(event.stream_id)].after(state, event.fact)


def _as_recorded(line: Queued, n: int, event: ProposedEvent) -> RecordedEvent:
    name = type(event.fact).__name__
    return RecordedEvent(
        position=line.as_of,
        stream_id=event.stream_id,
        version=event.version,
        command_id=line.command_id,
        n=n,
        command=line.command,
        command_digest=b"",
        type=name,
        schema=schema_of(name),
        topics=topics_of(event.fact),
        data=encode(event.fact),
        by=event.by,
        occurred_at=event.occurred_at,
        recorded_at=event.occurred_at,
        digest=b"",
    )
