"""What can be asked of enhancements. `id` is the whole UUID; `expected` the version the writer has read."""

from typing import Any

from msgspec import field

from ledger.envelope import Command
from ledger.pending import Version


class RecordEnhancement(Command, frozen=True, kw_only=True):
    id: str
    title: str
    description: str | None = None
    priority: int | None = None
    status: str = "planned"
    target_quarter: str | None = None
    principles: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()
    metadata: dict[str, Any] = field(default_factory=dict)


class UpdateEnhancement(Command, frozen=True, kw_only=True):
    """Changes what it names. `fields` maps a field to its new value, None clears it; metadata merges key by key."""

    id: str
    expected: Version
    fields: dict[str, Any] = field(default_factory=dict)
    status: str | None = None


EnhancementCommand = RecordEnhancement | UpdateEnhancement
