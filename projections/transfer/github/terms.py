"""What a synchronisation is asked for, what one of its rounds finds, and what came of all."""

import sys
from collections.abc import Iterable, Iterator
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


class SyncRound(Struct, kw_only=True):
    """What one round finds. `conflicts` are ids with the number of the issue, `new` the items that became issues, each
    with its place among them; `again` are numbers of issues that the next round looks at, whatever changes. Behind the
    position `held_back` an item waits to be sent."""

    conflicts: dict[str, int] = {}
    new: dict[str, int] = {}
    again: set[int] = set()
    held_back: int = sys.maxsize

    def late(self, pairs: Iterable[tuple[str, str]]) -> Iterator[str]:
        """The first of each pair whose second became an issue after it."""
        return (one for one, other in pairs if other in self.new and self.new.get(one, -1) < self.new[other])


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
