"""Tells whoever asks about a thing that a conflict about it waits. Where none does, that costs a question a second."""

import threading
import time
from collections.abc import Iterator
from typing import Any

from ledger.errors import LedgerError
from projections.tables import Tables

EVERY = 1.0  # seconds for which it is remembered that there are none
CODE = "conflicts_waiting"


class ConflictWatch:
    """One for all that look at a ledger in this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._none_until = 0.0

    def warnings(self, tables: Tables, answered: dict[str, Any]) -> list[str]:
        """The warning, if a conflict is about something in the answer."""
        with self._lock:
            if time.monotonic() < self._none_until:
                return []
        ids = sorted(set(_ids(answered)))
        try:
            if not tables.ask("conflicts/count", status="open")[1][0]["total"]:
                with self._lock:
                    self._none_until = time.monotonic() + EVERY
                return []
            return [CODE] if ids and tables.ask("conflicts/about", ids=ids)[1] else []
        except LedgerError:  # the answer itself is there
            return []

    def look(self) -> None:
        """There may be new ones: the next answer asks."""
        with self._lock:
            self._none_until = 0.0


def _ids(answered: dict[str, Any]) -> Iterator[str]:
    for thing in (answered, *_listed(answered.get("items")), *_listed(answered.get("results"))):
        if isinstance(thing.get("id"), str):
            yield thing["id"]


def _listed(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
