"""What a synchronisation is asked for, and what came of it."""

from typing import Any

from msgspec import Struct

from ledger.settings import Policy
from ledger.values.finding import Finding
from projections.transfer.github.rules.filters import SyncFilter


class Terms(Struct, frozen=True, kw_only=True):
    """`only` says which issues and items are taken up; what both know already goes on in any case. `full` reads all of
    the repository again, whatever this machine remembers."""

    pull: bool = True
    push: bool = True
    dry_run: bool = False
    full: bool = False
    policy: Policy = "ask"
    only: SyncFilter = SyncFilter()
    by: str | None = None


class SyncOutcome(Struct, kw_only=True):
    """What happened, in all rounds together; `conflicts` are references, `ready` says what became ready by it."""

    created_here: int = 0
    changed_here: int = 0
    created_there: int = 0
    changed_there: int = 0
    events: int = 0
    conflicts: list[str] = []
    findings: list[Finding] = []
    ready: dict[str, Any] = {}
