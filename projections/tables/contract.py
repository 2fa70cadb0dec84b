"""Tables, the contract of whatever keeps the rows. One suite of tests runs on every implementation.

Questions are SQL files in the subset that PostgreSQL and SQLite share; where the two need different words, SQLite
has a file of its own beside (`name.sqlite.sql`). Every question is given `ledger`, and for each read model the
number of the generation that serves, under the read model's name.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Protocol

from msgspec import Struct

from ledger.envelope import RowChange
from ledger.errors import LedgerError, Unavailable
from projections.read_models.catalog import SHAPES

Answer = list[dict[str, Any]]
Question = tuple[str, dict[str, Any]]  # its file below sql/questions, and its parameters


class GenerationOf(Struct, frozen=True):
    """A parameter of a question: the generation of a read model that serves the view in which it is asked."""

    projection: str


ATTEMPTS = 5  # to catch up with programs of another version before they are made to wait, or the question is refused


class AsOf(Struct, frozen=True, kw_only=True):
    """The position an answer is true for, its ledger time, and the ledger's time now."""

    position: int
    time: datetime | None
    now: datetime


class Snapshot(Protocol):
    """One consistent view: whatever is asked of it is answered as of the same position."""

    as_of: AsOf

    def ask(self, question: str, **parameters: Any) -> Answer:
        """The rows that `sql/questions/<question>.sql` finds; JSON documents as bytes."""

    def ask_all(self, questions: Sequence[Question]) -> list[Answer]:
        """Several questions, none of which needs another's answer, in as few round trips as the store can."""

    def generation(self, projection: str) -> int:
        """The generation of a read model that serves this view."""


class Generation(Protocol):
    """Rows that do not serve yet, of one or more read models. Left without `serve`, nothing of them remains."""

    def put(self, projection: str, rows: Iterable[RowChange]) -> None:
        """Puts rows, or puts them again; `n` is the position of a row's newest event."""

    def serve(self) -> None:
        """Lets these rows answer from here on. Called under the log's lock, with rows that are up to its head."""


class Tables(Protocol):
    """A store of rows."""

    def snapshot(self) -> AbstractContextManager[Snapshot]:
        """Opens a view of what is there now."""

    def ask(self, question: str, **parameters: Any) -> tuple[AsOf, Answer]:
        """One question in a view of its own, in as few round trips as the store can."""

    def ask_all(self, questions: Sequence[Question]) -> tuple[AsOf, list[Answer]]:
        """Several questions in one view of their own, none of which needs another's answer; as few round trips."""

    def behind(self) -> dict[str, int]:
        """This program's read models that the log left behind, each with the last position it has seen."""

    def rebuild_lock(self) -> AbstractContextManager[None]:
        """While this is open no other process rebuilds read models of the ledger here. Raises Refused if one does."""

    def rebuilding(self, projections: Iterable[str]) -> AbstractContextManager[Generation]:
        """New generations of these read models, empty at first; what serves now goes on until `serve`."""

    def extending(self, projections: Iterable[str]) -> AbstractContextManager[Generation]:
        """The generations that these read models have, which are behind. Only under the log's lock."""


def pages(snapshot: Snapshot, category: str, generation: int, size: int = 1000) -> Iterator[dict[str, Any]]:
    """Every row of a category, in id order."""
    after = ""
    while page := snapshot.ask("entities/all", category=category, generation=generation, after=after, limit=size):
        yield from page
        after = page[-1]["id"]


def with_generations(parameters: Mapping[str, Any], ledger: Any, generations: Mapping[str, int]) -> dict[str, Any]:
    given = {
        name: generations[value.projection] if isinstance(value, GenerationOf) else value
        for name, value in parameters.items()
    }
    return {"ledger": ledger, **generations, **given}


def serving(found: Mapping[str, int]) -> dict[str, int]:
    """The generation of each of this program's read models, from those of every shape that is up to the log."""
    return {name: found[f"{name}:{shape}"] for name, shape in SHAPES.items() if f"{name}:{shape}" in found}


def incomplete(generations: Mapping[str, int]) -> LedgerError:
    missing = sorted(SHAPES.keys() - generations.keys())
    return Unavailable(
        f"no complete read model serves {', '.join(missing)}",
        next_step="run `tracking-ledger replay`",
        projections=missing,
    )
