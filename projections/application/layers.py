"""The layers that can answer: an operation is run against the first; when that is away, the same one against the next.

`postgres` is live. `replica` follows it. `journal` is this machine's own copy. All layers have the same parts (store,
tables, handler), so no operation knows which layer it is; an answer that is not live says so.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from math import ceil
from typing import Any, Literal

from msgspec import Struct

from ledger import store_errors
from ledger.handler import Handler
from ledger.store import EventStore
from projections.tables.contract import Answer, AsOf, Question, Snapshot, Tables

Source = Literal["postgres", "replica", "journal", "git", "markdown", "none"]
STALE = timedelta(minutes=30)  # without contact; what is older is still answered, and marked


class SourceKind(Struct, frozen=True, kw_only=True):
    """What is the same of all layers of one source.

    `phrase` follows "PostgreSQL cannot be reached:" in a sentence for a person. A source that `is_complete` holds every
    event of the ledger up to the position it answers for, so what is not in it does not exist there. The age of one
    that `is_copy` is known by this machine's last contact with the database; one that `is_bounded` is at most that old,
    any other is marked when that was long ago. `reported_as` is the source that a report names in its place: what a
    replica says of a position, the database says too.

    Where this machine's own journal is empty, one that `replaces_journal` serves in its place: commands are decided on
    it and queued, and what waits is shown on it. What any other shows then cannot be changed. It has no default: a new
    source has to say it.
    """

    phrase: str
    replaces_journal: bool
    warnings: tuple[str, ...] = ("postgres_unavailable",)
    is_live: bool = False
    is_complete: bool = False
    is_copy: bool = False
    is_bounded: bool = False
    is_empty: bool = False
    reported_as: Source | None = None


KINDS: dict[Source, SourceKind] = {
    "postgres": SourceKind(phrase="", replaces_journal=False, warnings=(), is_live=True, is_complete=True),
    "replica": SourceKind(
        phrase="answered by a replica", replaces_journal=False, is_copy=True, is_bounded=True, reported_as="postgres"
    ),
    "journal": SourceKind(
        phrase="answered from this machine's own copy",
        replaces_journal=False,
        warnings=("postgres_unavailable", "using_journal"),
        is_complete=True,
        is_copy=True,
    ),
    "git": SourceKind(
        phrase="answered from what is committed in git",
        replaces_journal=True,
        warnings=("postgres_unavailable", "using_git_history"),
    ),
    "markdown": SourceKind(
        phrase="answered from the status file",
        replaces_journal=False,
        warnings=("postgres_unavailable", "using_markdown"),
    ),
    "none": SourceKind(phrase="there is nothing on this machine to answer from", replaces_journal=False, is_empty=True),
}


class Layer(Struct, frozen=True, kw_only=True):
    """One source of answers. `reachable` says that the database is there, but not asked before this machine's own
    commands are in it. `contact` is when it was last known to be the whole log; None where that never was. `kept_alive`
    is the owner of its files, which must not be closed while the layer is used."""

    source: Source
    store: EventStore
    tables: Tables
    handler: Handler
    warnings: tuple[str, ...] = ()
    reachable: bool = False
    contact: datetime | None = None
    kept_alive: object = None

    @property
    def kind(self) -> SourceKind:
        return KINDS[self.source]

    @property
    def is_live(self) -> bool:
        return self.kind.is_live

    @property
    def is_diverged(self) -> bool:
        return "database_diverged" in self.warnings

    def all_warnings(self, now: datetime) -> list[str]:
        """The codes of what is not as usual about this layer's answers."""
        usual = [code for code in self.kind.warnings if not (self.reachable and code == "postgres_unavailable")]
        return [*usual, *(["stale_journal"] if self._is_stale(now) else []), *self.warnings]

    def sentence(self, now: datetime) -> str:
        """Where an answer came from that did not come from the database, for a person."""
        phrase = self.kind.phrase
        if self.is_diverged:
            return f"the database is not the history that this machine knows, see doctor: {phrase}"
        if self.kind.is_bounded and self.reachable and self.contact is not None:
            return f"{phrase}, at most {seconds(now - self.contact)} s old"
        age = f", {_ago(now - self.contact)} old" if self.kind.is_copy and self.contact is not None else ""
        return f"PostgreSQL cannot be reached: {phrase}{age}"

    def why_queued(self) -> str:
        """Why a write waits on this machine, and what to type, for a person."""
        if self.is_diverged:
            return (
                "since the database is not the history that this machine knows: it is sent when they agree again;"
                " what to do: tracking-ledger doctor"
            )
        if self.reachable:
            return "behind what waits here: it is sent with that; what stops it: tracking-ledger sync"
        return "since PostgreSQL cannot be reached: it is sent as soon as it can; why it cannot: tracking-ledger doctor"

    def _is_stale(self, now: datetime) -> bool:
        is_unbounded_copy = self.kind.is_copy and not self.kind.is_bounded
        return is_unbounded_copy and (self.contact is None or now - self.contact > STALE)


class PositionRecorder:
    """Tables that remember for which position they last answered. One for each call.

    An answer for less than `at_least` raises Diverged: it is of a server that lacks what was shown or written here.
    """

    def __init__(self, tables: Tables, *, at_least: int = 0) -> None:
        self.tables = tables
        self.as_of: AsOf | None = None
        self._at_least = at_least

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        with self.tables.snapshot() as snapshot:
            self._record(snapshot.as_of)
            yield snapshot

    def ask(self, question: str, **parameters: Any) -> tuple[AsOf, Answer]:
        as_of, answer = self.tables.ask(question, **parameters)
        return self._record(as_of), answer

    def ask_all(self, questions: Sequence[Question]) -> tuple[AsOf, list[Answer]]:
        as_of, answers = self.tables.ask_all(questions)
        return self._record(as_of), answers

    def _record(self, as_of: AsOf) -> AsOf:
        if as_of.position < self._at_least:
            raise store_errors.lost_history(position=self._at_least, head=as_of.position)
        self.as_of = as_of
        return as_of

    def behind(self) -> dict[str, int]:
        return self.tables.behind()

    def rebuilding(self, projections: Any) -> Any:
        return self.tables.rebuilding(projections)

    def extending(self, projections: Any) -> Any:
        return self.tables.extending(projections)


def seconds(age: timedelta) -> int:
    """Rounded up: no answer is older than it says."""
    return max(0, ceil(age.total_seconds()))


def _ago(age: timedelta) -> str:
    """How old it is.

    >>> _ago(timedelta(seconds=70)), _ago(timedelta(minutes=90)), _ago(timedelta(hours=3))
    ('1 minute', '90 minutes', '3 hours')
    """
    minutes = max(0, round(age.total_seconds() / 60))
    unit = "minute" if minutes == 1 else "minutes"
    return f"{minutes} {unit}" if minutes < 120 else f"{round(minutes / 60)} hours"
