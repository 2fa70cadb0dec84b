"""Everything that can go wrong, as one tree.

    LedgerError
    ├── Invalid              an input breaks a rule of form; all its field errors at once
    ├── NotFound             no such entity in this ledger
    │   └── NoLedger         the folder has no ledger yet, and none above it is used
    ├── VersionConflict      the entity moved on since the writer read it
    ├── NotUnique            another entity already has this name, key or external id
    ├── AlreadyRecorded      it is here already: the answer is the first one
    ├── Refused              well-formed and current, but a rule of the domain forbids it
    ├── Forbidden            the caller's token does not allow it
    ├── CommandIdReused      this command id was recorded with other arguments
    ├── NewerProgramNeeded   the stream holds an event this program does not know
    ├── LedgerClosed         the ledger in this database takes no more events
    │   └── LedgerFull       it has as many events as it may
    ├── Unavailable          no store could be reached; nothing was sent
    │   └── Diverged         the database is not the history that this machine knows
    ├── OutcomeUnknown       sent, but the answer was lost: repeat with the same command id
    ├── Damaged              stored bytes do not prove what they claim
    └── DecideAgain          internal to the write path, never answered
        ├── LostRace         what the decision looked at changed meanwhile
        ├── ReadModelBehind  a read model must be brought up to the log first
        └── LeaseMoved       by the ledger's time the lease is not what it was

A person or an assistant sees one shape for all of them: `as_answer()`.
"""

from typing import Any, ClassVar

VERIFY = "`tracking-ledger verify` says what is damaged, and what to do"


class LedgerError(Exception):
    """The root: a stable `code`, an HTTP-like `number`, a sentence, details and the way out."""

    code: ClassVar[str] = "error"
    number: ClassVar[int] = 500
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, next_step: str = "", **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step
        self.details = details

    def as_answer(self) -> dict[str, Any]:
        """The one error shape of every tool and command."""
        return {
            "error": {
                "code": self.code,
                "message": self.message,
                "details": {**self.details, "status": self.number},
                "next_step": self.next_step,
                "retryable": self.retryable,
            }
        }


class Invalid(LedgerError):
    """Details carry `fields`: a list of {field, problem, value?, allowed?}, every fault of the input at once."""

    code = "invalid"
    number = 400


class NotFound(LedgerError):
    code = "not_found"
    number = 404


class NoLedger(NotFound):
    """Details carry the `folder` that would be used."""

    code = "no_ledger"


class VersionConflict(LedgerError):
    """Details carry expected, actual, by whom, and what changed since."""

    code = "version_conflict"
    number = 409
    retryable = True


class NotUnique(LedgerError):
    """Details carry what must be unique, the stored spelling, and who has it."""

    code = "not_unique"
    number = 409


class AlreadyRecorded(LedgerError):
    """Internal to the write path, which answers with the first one. Details carry its `id` and `category`."""

    code = "already_recorded"
    number = 409


class Refused(LedgerError):
    """Details carry `rule` (a stable word) and `items` (the entities that stand in the way)."""

    code = "refused"
    number = 422


class Forbidden(LedgerError):
    """Details carry the scope that is needed and the one the caller has."""

    code = "forbidden"
    number = 403


class CommandIdReused(LedgerError):
    code = "command_id_reused"
    number = 409


class NewerProgramNeeded(LedgerError):
    code = "newer_program_needed"
    number = 409


class LedgerClosed(LedgerError):
    code = "ledger_closed"
    number = 409


class LedgerFull(LedgerClosed):
    """Details carry `ledger`, the `events` it has, `most_events`, and how many `more` were to be recorded."""

    code = "ledger_full"


class Unavailable(LedgerError):
    code = "unavailable"
    number = 503
    retryable = True


class Diverged(Unavailable):
    """Details carry the `position` that this machine knows otherwise, and the `head` of the database."""

    code = "diverged"


class OutcomeUnknown(LedgerError):
    code = "outcome_unknown"
    number = 504
    retryable = True


class Damaged(LedgerError):
    code = "damaged"
    number = 500


class LostRace(LedgerError):
    """Internal to the write path: a condition no longer held under the lock; read again and decide again."""

    code = "lost_race"
    number = 409
    retryable = True


class ReadModelBehind(LedgerError):
    """Internal to the write path: fold what is missing, then append again."""

    code = "read_model_behind"
    number = 409
    retryable = True


class LeaseMoved(LedgerError):
    """Internal to the write path: decide again by the ledger's time."""

    code = "lease_moved"
    number = 409
    retryable = True
