"""Says in an answer about an entity that a conflict about it waits.

Where none waits, this costs one question for each change that another process made.
"""

import threading
from collections.abc import Iterator
from typing import Any

from ledger.aggregates.conflict.decider import CATEGORY
from ledger.envelope import Recorded, category_of
from ledger.errors import LedgerError
from projections.tables.contract import Tables

CODE = "conflicts_waiting"


class ConflictWatch:
    """One for all that look at a ledger in this process. It remembers at which position there was none."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._none_at: int | None = None

    def note_write(self, recorded: Recorded) -> None:
        """What is recorded right behind a position without a conflict, and is about none, is followed by none."""
        positions = recorded.positions
        with self._lock:
            if not positions or self._none_at != positions[0] - 1 or len(positions) <= positions[-1] - positions[0]:
                return
            if all(category_of(stream) != CATEGORY for stream in recorded.streams):
                self._none_at = positions[-1]

    def warnings(self, tables: Tables, answered: dict[str, Any], position: int | None) -> list[str]:
        """The warning, if a conflict is about something in the answer, which is as of a position."""
        with self._lock:
            if position is not None and position == self._none_at:
                return []
        ids = sorted(set(_ids(answered)))
        try:
            as_of, found = tables.ask("conflicts/count", status="open") if ids else (None, [])
            if as_of is not None and not found[0]["total"]:
                with self._lock:
                    self._none_at = as_of.position
                return []
            return [CODE] if ids and tables.ask("conflicts/about", ids=ids)[1] else []
        except LedgerError:  # the answer itself is there
            return []


def _ids(answered: dict[str, Any]) -> Iterator[str]:
    for entity in (answered, *_listed(answered.get("items")), *_listed(answered.get("results"))):
        if isinstance(entity.get("id"), str):
            yield entity["id"]


def _listed(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
