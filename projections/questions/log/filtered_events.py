"""The log from a position on, as far as a reader wants it: each event as a line, and how far the reader has come."""

from collections.abc import Iterable, Iterator

from ledger.catalog import DECIDERS, FACTS
from ledger.problems import Problem, problem
from ledger.store import EventStore
from projections.questions.answers import Line
from projections.questions.log.event_filter import EventFilter
from projections.questions.log.event_lines import event_lines
from projections.tables.contract import Tables

PORTION = 100  # events that are read together


def follow(
    log: EventStore, tables: Tables, wanted: EventFilter, after: int, up_to: int
) -> Iterator[tuple[int, Line | None]]:
    """(position, line) of each wanted event in order. A position with None: what lies before it is not wanted."""
    while after < up_to:
        end = min(after + PORTION, up_to)
        let_through = [event for event in log.read_all(after, end) if wanted.matches(event)]
        with tables.snapshot() as snapshot:
            lines = event_lines(log, snapshot, let_through)
        for event, line in zip(let_through, lines, strict=True):
            yield event.position, line
        if not let_through or let_through[-1].position < end:
            yield end, None
        after = end


def problems_of_kinds(kinds: Iterable[str]) -> Iterator[Problem]:
    """Faults of words that are to be kinds of events: a filter that lets nothing through by a slip is refused."""
    known = (*DECIDERS, *FACTS)
    for kind in kinds:
        if kind not in known:
            yield problem("kinds", "is neither an event nor a category", kind[:80], allowed=known)
