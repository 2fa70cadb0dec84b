"""What became of a queued command."""

from typing import Any, Literal, assert_never

from msgspec import Struct
from msgspec.structs import replace

from ledger.aggregates.conflict.events import (
    Base,
    CommandFulfilled,
    CommandWithdrawn,
    ConflictFact,
    ConflictFound,
    ConflictResolved,
    Met,
)
from ledger.annotation.events import Annotation, AnnotationFact
from ledger.annotation.state import Attachment, Comment, annotate
from ledger.envelope import UnknownFact, stated

Status = Literal["open", "mine", "theirs", "edited", "fulfilled", "withdrawn"]


class Conflict(Struct, frozen=True, kw_only=True):
    """An empty `command` means: there is none. `open` ones wait for a decision; the others tell how it ended."""

    command: str = ""
    status: Status = "open"
    schema: int = 1
    arguments: dict[str, Any] = {}
    about: tuple[str, ...] = ()
    proposed: tuple[dict[str, Any], ...] = ()
    bases: dict[str, Base] = {}
    standing: dict[str, int] = {}
    met: tuple[Met, ...] = ()
    refusal: dict[str, Any] | None = None
    waits_for: tuple[str, ...] = ()
    resolution: dict[str, Any] | None = None
    comments: dict[str, Comment] = {}
    attachments: dict[str, Attachment] = {}  # by URL

    @property
    def exists(self) -> bool:
        return self.command != ""


def evolve(conflict: Conflict, fact: ConflictFact | Annotation | UnknownFact) -> Conflict:
    match fact:
        case AnnotationFact():
            return annotate(conflict, fact)
        case ConflictFound():
            return Conflict(**stated(fact))
        case ConflictResolved(choice=choice, arguments=arguments):
            return replace(conflict, status=choice, resolution=arguments)
        case CommandFulfilled(command=command):
            return Conflict(command=command, status="fulfilled")
        case CommandWithdrawn(command=command):
            return Conflict(command=command, status="withdrawn")
        case UnknownFact():
            return conflict  # carried, not interpreted
        case _:
            assert_never(fact)
