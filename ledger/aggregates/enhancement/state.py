"""What the facts of one enhancement add up to."""

from typing import Any, Literal, assert_never

from msgspec import Struct
from msgspec.structs import replace

from ledger.aggregates.enhancement.events import (
    EnhancementFact,
    EnhancementRecorded,
    EnhancementReinstated,
    EnhancementReverted,
    EnhancementRevised,
    EnhancementStatusChanged,
    EnhancementWithdrawn,
)
from ledger.annotation.events import Annotation, AnnotationFact
from ledger.annotation.state import Attachment, Comment, annotate
from ledger.envelope import UnknownFact, stated
from ledger.values.revision import apply

Status = Literal["planned", "approved", "implementing", "completed", "dropped"]


class Enhancement(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An empty `title` means: there is no such enhancement. None is unknown: an import did not say."""

    title: str = ""
    description: str | None = None
    priority: int | None = None
    status: Status | None = None
    target_quarter: str | None = None
    principles: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()
    metadata: dict[str, Any] = {}
    comments: dict[str, Comment] = {}
    attachments: dict[str, Attachment] = {}  # by URL
    withdrawn: bool = False

    @property
    def exists(self) -> bool:
        return self.title != ""


def evolve(enhancement: Enhancement, fact: EnhancementFact | Annotation | UnknownFact) -> Enhancement:
    match fact:
        case AnnotationFact():
            return annotate(enhancement, fact)
        case EnhancementRecorded():
            return Enhancement(**stated(fact))
        case EnhancementRevised(changes=changes) | EnhancementReverted(changes=changes):
            return apply(enhancement, changes)
        case EnhancementStatusChanged(new=status):
            return replace(enhancement, status=status)
        case EnhancementWithdrawn():
            return replace(enhancement, withdrawn=True)
        case EnhancementReinstated():
            return replace(enhancement, withdrawn=False)
        case UnknownFact():
            return enhancement  # carried, not interpreted
        case _:
            assert_never(fact)
