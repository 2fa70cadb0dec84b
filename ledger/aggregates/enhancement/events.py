"""What can happen to an enhancement. Never edited after release; a changed shape is a new schema with an upcast."""

from typing import Any

from msgspec import field

from ledger.envelope import Fact
from ledger.values.revision import Changes


class EnhancementRecorded(Fact, frozen=True, kw_only=True):
    """Fields an imported source did not state are None. `depends_on` are the enhancements this one waits for."""

    title: str
    description: str | None = None
    priority: int | None = None
    status: str | None = "planned"
    target_quarter: str | None = None
    principles: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()
    metadata: dict[str, Any] = field(default_factory=dict)


class EnhancementRevised(Fact, frozen=True, kw_only=True):
    """Fields that fit no better fact, old and new."""

    changes: Changes


class EnhancementStatusChanged(Fact, frozen=True, kw_only=True):
    """None is unknown: an import did not say."""

    old: str | None = None
    new: str | None = None


class EnhancementReverted(Fact, frozen=True, kw_only=True):
    """Fields are again what they were before the command `undoes`, old and new."""

    changes: Changes
    undoes: str


class EnhancementWithdrawn(Fact, frozen=True, kw_only=True):
    """Its creation by the command `undoes` was undone: it is kept and hidden, what was unique in it is free again."""

    undoes: str


class EnhancementReinstated(Fact, frozen=True, kw_only=True):
    """It is back, because its withdrawal by the command `undoes` was undone."""

    undoes: str


EnhancementFact = (
    EnhancementRecorded
    | EnhancementRevised
    | EnhancementStatusChanged
    | EnhancementReverted
    | EnhancementWithdrawn
    | EnhancementReinstated
)
