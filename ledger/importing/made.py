"""What an import's plan is made of, as it grows."""

from collections import Counter

from msgspec import Struct, field

from ledger.decider import Decided
from ledger.envelope import Fact, stream_id
from ledger.finding import Finding
from ledger.work_item.commands import Mark


class Tally(Struct, kw_only=True):
    """How many things of a category are new, changed, or as they were."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0


class Made(Struct, kw_only=True):
    """What to record, and what to tell the person. `tallies` are by category."""

    decided: Decided = []
    tallies: dict[str, Tally] = {}
    links_found: Counter[str] = field(default_factory=Counter)
    links_taken: Counter[str] = field(default_factory=Counter)
    warnings: list[Finding] = []
    not_taken: list[Finding] = []

    def tally(self, category: str) -> Tally:
        return self.tallies.setdefault(category, Tally())

    def add(self, category: str, thing: str, facts: list[tuple[Fact, Mark]], *, is_new: bool) -> None:
        """One thing of the source, and what happened to it there."""
        stream, tally = stream_id(category, thing), self.tally(category)
        self.decided += [(stream, fact, mark.by, mark.at) for fact, mark in facts]
        if is_new:
            tally.created += 1
        elif facts:
            tally.changed += 1
        else:
            tally.unchanged += 1
