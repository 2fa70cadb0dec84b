"""The layers that can answer: an operation is run against the first; when that is away, the same one against the next.

`postgres` is live. `replica` follows it. `journal` is this machine's own copy. A layer has what operations use, under
the names under which an App has it, so none of them knows which it is; whatever did not answer live says so.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Literal

from msgspec import Struct

from ledger.handler import Handler
from ledger.store import EventStore
from projections.tables.contract import Answer, AsOf, Question, Snapshot, Tables

Source = Literal["postgres", "replica", "journal", "git", "markdown", "none"]
STALE = timedelta(minutes=30)  # without contact; what is older is still answered, and marked
WARNINGS: dict[Source, tuple[str, ...]] = {
    "postgres": (),
    "replica": ("postgres_unavailable",),
    "journal": ("postgres_unavailable", "using_journal"),
    "git": ("postgres_unavailable", "using_git_history"),
    "markdown": ("postgres_unavailable", "using_markdown"),
    "none": ("postgres_unavailable",),
}


class Layer(Struct, frozen=True, kw_only=True):
    """One source of answers. `reachable` says that the database is there, but not asked before this machine's own
    commands are in it. `contact` is when it was last known to be the whole log; None where that never was. `held`
    is what it stands on, kept for as long as it is used."""

    source: Source
    store: EventStore
    tables: Tables
    handler: Handler
    warnings: tuple[str, ...] = ()
    reachable: bool = False
    contact: datetime | None = None
    held: object = None


class PositionRecorder:
    """Tables that remember for which position they last answered. One for each call."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self.as_of: AsOf | None = None

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        with self.tables.snapshot() as snapshot:
            self.as_of = snapshot.as_of
            yield snapshot

    def ask(self, question: str, **parameters: Any) -> tuple[AsOf, Answer]:
        self.as_of, answer = self.tables.ask(question, **parameters)
        return self.as_of, answer

    def ask_all(self, questions: Sequence[Question]) -> tuple[AsOf, list[Answer]]:
        self.as_of, answers = self.tables.ask_all(questions)
        return self.as_of, answers

    def behind(self) -> dict[str, int]:
        return self.tables.behind()

    def rebuilding(self, projections: Any) -> Any:
        return self.tables.rebuilding(projections)

    def extending(self, projections: Any) -> Any:
        return self.tables.extending(projections)
