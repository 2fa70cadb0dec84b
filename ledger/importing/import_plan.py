"""What an import's plan is made of, as it grows."""

from collections import Counter

from msgspec import Struct, field

from ledger.aggregates.decider import Decided
from ledger.aggregates.work_item.commands import Attribution
from ledger.envelope import Fact, stream_id
from ledger.values.finding import Finding


class Tally(Struct, kw_only=True):
    """How many entities of a category are new, changed, or as they were."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0


class ImportPlan(Struct, kw_only=True):
    """What to record, and what to tell the person. `tallies` and `ids` (ids by what the source
    calls them) are by category.

    `present` are the ids of the work items that the source holds. `kept` are (id, path) of what the source says and
    what stays different, because it was changed here since.
    """

    decided: Decided = []
    tallies: dict[str, Tally] = {}
    ids: dict[str, dict[str, str]] = {}
    present: frozenset[str] = frozenset()
    kept: set[tuple[str, str]] = set()
    links_found: Counter[str] = field(default_factory=Counter)
    links_taken: Counter[str] = field(default_factory=Counter)
    warnings: list[Finding] = []
    not_taken: list[Finding] = []

    def tally(self, category: str) -> Tally:
        return self.tallies.setdefault(category, Tally())

    def add(
        self, category: str, entity_id: str, external_id: str, facts: list[tuple[Fact, Attribution]], *, is_new: bool
    ) -> None:
        """One entity of the source, which calls it `external_id`, and what happened to it there."""
        stream, tally = stream_id(category, entity_id), self.tally(category)
        self.ids.setdefault(category, {})[external_id] = entity_id
        self.decided += [(stream, fact, attribution.by, attribution.at) for fact, attribution in facts]
        if is_new:
            tally.created += 1
        elif facts:
            tally.changed += 1
        else:
            tally.unchanged += 1
