"""A search for work items by their words, as a list that is read in pages."""

from collections.abc import Iterable
from typing import Any

from projections.questions.pages import PageStart
from projections.tables.contract import Answer, Snapshot

COMMON = 5_000  # items: words that more have are looked for only among those that changed last
LOOKED_AT = 10_000  # of these, of those that the filters let through


class Search:
    """The items that hold all of some words; once a page was fetched, how many there are is known.

    Of words that many items hold no weight says which of these is meant. To weigh all of them took 29 s of a million.
    """

    def __init__(self, snapshot: Snapshot, terms: Iterable[str], order: str, filters: dict[str, Any]) -> None:
        self._snapshot = snapshot
        self._asked = {**filters, "terms": list(terms), "order": order, "common": COMMON, "looked_at": LOOKED_AT}
        self._looked_at: int | None = None
        self.total = 0

    def fetch(self, after: PageStart, limit: int, offset: int = 0) -> Answer:
        place = {"after_key": after[0], "limit": limit, "offset": offset}
        found = self._snapshot.ask("work_items/list_by_relevance", **self._asked, **place)
        self.total, self._looked_at = found[0]["total"], found[0]["looked_at"]
        return [line for line in found if line["id"] is not None]

    def left_out(self, found: int) -> dict[str, Any]:
        """{total_count: None, total_is_at_least, next_step} where not all items were searched; `found` are counted."""
        if self._looked_at is None:
            return {}
        step = (
            f"more than {COMMON:,} items have these words, so only the {self._looked_at:,} that changed last were"
            " searched: add a word or a filter"
        )
        return {"total_count": None, "total_is_at_least": found, "next_step": step}
