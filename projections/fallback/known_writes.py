"""What is known of a write that failed on its way to an answer: this one place decides what is said of it.

What was recorded is `committed` and what waits `queued`, whatever failed afterwards; what was sent and not answered is
`unknown`; of what was not sent the failure itself is the answer.
"""

import logging
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from ledger.envelope import Recorded, category_of, id_of
from ledger.errors import LedgerError, OutcomeUnknown, Unavailable
from ledger.offline.local import receipt_of, take_over, unknown
from ledger.offline.queue.outbox_lines import Queued
from ledger.values.reference import brief
from projections.application.app import App
from projections.application.commands import BECAME
from projections.questions.answers import Answered
from projections.questions.references import reference

log = logging.getLogger(__name__)


class Write(Struct, frozen=True, kw_only=True):
    """A call that writes: its command's id, and the digest of what was asked, by which a repetition is known."""

    command_id: UUID
    digest: str


def answer_of_known_write(app: App, write: Write, error: Exception) -> Answered:
    """The answer that is true all the same. Raises OutcomeUnknown, or what else `error` comes to."""
    line, recorded = _looked_up(app, write.command_id)
    if line is None or line.asked != write.digest:  # of another call under this id the error speaks
        raise (unknown(write.command_id) if _is_half_queued(write, error) else not_sent(error)) from error
    if recorded is None:
        try:
            recorded = take_over(app.local.outbox, app.local.sent, line)
        except LedgerError:  # it is not to wait, or the disk takes nothing
            raise unknown(write.command_id) from error
    if not isinstance(error, LedgerError):
        log.error("a write was recorded, and its answer failed", exc_info=error)
    return _receipt(app, write, recorded)


def not_sent(error: Exception) -> Exception:
    """What failed while only reading has not become unknown; an error that names the command speaks of it."""
    if not isinstance(error, OutcomeUnknown) or "command_id" in error.details:
        return error
    return Unavailable(f"{error.message}; nothing was sent to be recorded", next_step="try again", **error.details)


def _is_half_queued(write: Write, error: Exception) -> bool:
    """Whether the outbox could neither be written nor cut back when it was given this command."""
    return isinstance(error, OutcomeUnknown) and str(write.command_id) in error.details.get("commands", ())


def _looked_up(app: App, command_id: UUID) -> tuple[Queued | None, Recorded | None]:
    """The command as it was given, and where it stands; None where that is not known."""
    line, recorded = _remembered(app, command_id)
    if recorded is None or recorded.became == "withdrawal":
        return line, None
    return line, replace(recorded, repeated=app.local.sent.is_repeated(command_id))


def _remembered(app: App, command_id: UUID) -> tuple[Queued | None, Recorded | None]:
    sent = app.local.sent.find(command_id)
    if sent is not None and sent.recorded is not None:
        return sent.line, sent.recorded
    try:
        if waiting := app.local.outbox.find(command_id):
            return waiting[0], receipt_of(*waiting)
    except LedgerError:  # it cannot be read
        log.warning("the outbox cannot tell what waits")
    if past := app.local.sent.recall(command_id):
        return past.line, past.recorded
    return (sent.line, None) if sent is not None else (None, None)


def _receipt(app: App, write: Write, recorded: Recorded) -> Answered:
    answer: Answered = {"outcome": _outcome(recorded)}
    if len(recorded.streams) == 1:
        stream, version = next(iter(recorded.streams.items()))
        answer |= {"id": id_of(stream), "ref": _ref(app, stream), "version": version}
    return {
        **answer,
        "position": recorded.positions[-1] if recorded.positions else None,
        **({"place": recorded.place} if recorded.place is not None else {}),
        **({"repeated": True} if recorded.repeated else {}),
        "command_id": str(write.command_id),
        "next_step": "what else the call answers could not be read: read it again",
    }


def _ref(app: App, stream: str) -> str:
    try:
        return reference(app.runtime.journal().tables, category_of(stream), id_of(stream))
    except LedgerError:  # this machine's copy cannot be read either
        return brief(category_of(stream), id_of(stream))


def _outcome(recorded: Recorded) -> str:
    if recorded.place is not None:
        return "queued"
    if recorded.became is not None:
        return BECAME[recorded.became]
    return "conflict" if {category_of(stream) for stream in recorded.streams} == {"conflict"} else "committed"
