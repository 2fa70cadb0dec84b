"""A command as a line of the outbox: everything it was decided on."""

from collections.abc import Callable, Sequence
from typing import Any, cast

import msgspec

from ledger import command_codec
from ledger.aggregates.conflict.events import Base
from ledger.aggregates.work_item.commands import ClaimNextWorkItem, ClaimWorkItem, RenewClaim
from ledger.catalog import is_known_kind
from ledger.codec import command_digest, encode, schema_of
from ledger.command_codec import arguments_of, command_of
from ledger.envelope import Command, Proposal, ProposedEvent, RecordedEvent, Submission
from ledger.importing.commands import Import
from ledger.offline.queue.outbox_lines import Queued, QueuedEvent

EXCLUSIVE = (ClaimWorkItem, ClaimNextWorkItem, RenewClaim)  # what only the database can promise
CLAIMS = tuple(command.__name__ for command in EXCLUSIVE)


def queued(
    proposal: Proposal,
    past: Callable[[str], Sequence[RecordedEvent]],
    arguments: dict[str, Any],
    *,
    sequence: int = 0,
    asked: str = "",
) -> Queued:
    """`past` are the histories that it was decided on; without `arguments` it cannot be decided again."""
    submission = proposal.submission
    return Queued(
        sequence=sequence,
        asked=asked,
        command_id=submission.command_id,
        command=type(submission.command).__name__,
        command_schema=command_codec.schema_of(type(submission.command).__name__),
        command_digest=proposal.command_digest.hex(),
        arguments=arguments,
        by=submission.by,
        scope=submission.scope,
        token=submission.token if arguments else None,
        occurred_at=submission.occurred_at,
        as_of=proposal.as_of,
        bases={stream: _base(past(stream)) for stream in proposal.expected},
        conditions=proposal.conditions,
        events=tuple(map(_queued_event, proposal.events)),
    )


def kept_arguments(command: Command) -> dict[str, Any]:
    """Nothing of a command that never waits: among those of a claim is the holder's secret."""
    return {} if isinstance(command, (*EXCLUSIVE, Import)) else arguments_of(command)


def bare(submission: Submission, *, asked: str = "") -> Queued:
    """The line with nothing but which command it is."""
    return Queued(
        sequence=0,
        asked=asked,
        command_id=submission.command_id,
        command=type(submission.command).__name__,
        command_schema=command_codec.schema_of(type(submission.command).__name__),
        command_digest=command_digest(submission.command, submission.by).hex(),
        arguments={},
        by=submission.by,
        occurred_at=submission.occurred_at,
        as_of=0,
        bases={},
        events=(),
    )


def is_understood(line: Queued) -> bool:
    """Whether this program knows the command and what it proposed; if not, a newer one let it wait."""
    is_known_command = line.kind != "queued" or command_codec.is_known(line.command, line.command_schema)
    return is_known_command and all(is_known_kind(event.type, event.schema) for event in line.events)


def _queued_event(event: ProposedEvent) -> QueuedEvent:
    return QueuedEvent(
        stream_id=event.stream_id,
        version=event.version,
        type=type(event.fact).__name__,
        schema=schema_of(type(event.fact).__name__),
        data=msgspec.Raw(encode(event.fact)),
        by=event.by,
        occurred_at=event.occurred_at,
    )


def _base(past: Sequence[RecordedEvent]) -> Base:
    if not past:
        return Base(version=0)
    return Base(version=past[-1].version, command_id=str(past[-1].command_id), n=past[-1].n)


def command_in(line: Queued) -> Command:
    """The queued command; of another line only its name, which is all that is kept of it."""
    if line.kind == "queued":
        return command_of(line.command, line.command_schema, line.arguments)
    return cast(Command, msgspec.defstruct(line.command, [], bases=(Command,), frozen=True)())
