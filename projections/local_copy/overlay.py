"""What waits in the outbox, laid over the rows of the cache, so that every process of this machine sees it at once.

The confirmed row is kept aside. When the journal brings an entity further, the overlay is lifted, the confirmed row
advanced, and what still waits laid on it again. A row that is laid over shows the token of its newest event as version.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from itertools import islice

from msgspec.structs import replace

from ledger.envelope import RowChange, category_of
from ledger.offline.journal import Journal
from ledger.offline.local import Added, by_stream, pending_event
from ledger.offline.queue.outbox import Outbox
from ledger.offline.queue.outbox_lines import Queued
from ledger.pending import PENDING, shown_version
from projections.local_copy.overlay_rows import OverlayRows
from projections.read_models.catalog import BY_CATEGORY
from projections.read_models.fold import Rows, advance, change
from projections.read_models.projection import Row
from projections.tables.sqlite_advance import SqliteAdvance

PORTION = 1000  # lines laid at once


class Overlay:
    """Each method works inside the transaction of `rows`, which are those of the journal's cache."""

    def __init__(self, journal: Journal, outbox: Outbox) -> None:
        self._journal = journal
        self._outbox = outbox

    def is_laid(self, rows: SqliteAdvance) -> bool:
        """Whether the rows show all that the outbox holds."""
        return OverlayRows(rows).sequence == self._outbox.sequence

    def lay(self, rows: SqliteAdvance) -> None:
        """Takes in what was queued and settled since."""
        over, last, reached = OverlayRows(rows), self._outbox.sequence, rows.checkpoint[0]
        since = over.sequence
        if since > last:  # the outbox is another one
            self._lift(over, over.overlaid())
            since = 0
        ended = set(self._outbox.streams_ended_since(since, reached))
        self._lift(over, ended)
        if ended:
            self._extend(over, self._outbox.of_streams(ended, reached), ended.__contains__)
        with rows.with_a_large_cache() if last - since > PORTION else nullcontext():
            for lines in _portions(self._outbox.lines(since, last)):
                self._extend(over, lines, lambda stream: stream not in ended)
        over.reached(last)

    @contextmanager
    def lifted(self, rows: SqliteAdvance, streams: Iterable[str], up_to: int) -> Iterator[None]:
        """The confirmed rows of these streams, and of whatever was settled up to a position: to advance them."""
        over = OverlayRows(rows)
        settled = self._outbox.streams_ended_between(rows.checkpoint[0], up_to)
        lifted = self._lift(over, dict.fromkeys([*streams, *settled]))
        yield
        if lifted:
            self._extend(over, self._outbox.of_streams(lifted, up_to), set(lifted).__contains__)

    def _lift(self, over: OverlayRows, streams: Iterable[str]) -> list[str]:
        """Shows the confirmed rows again. Answers which of the streams were laid over."""
        kept = over.confirmed_rows(streams)
        top = over.rows.rows(kept)
        for stream, confirmed in kept.items():
            if confirmed.row is None:
                over.remove(stream, top.get(stream))
            else:
                projection = BY_CATEGORY[category_of(stream)]
                back = change(projection, top.get(stream), confirmed.row, confirmed.row.position)
                over.rows.put([replace(back, terms=confirmed.terms)])
            over.release(stream)
        return list(kept)

    def _extend(self, over: OverlayRows, lines: list[Queued], is_wanted: Callable[[str], bool]) -> None:
        """Lays lines on what is there, each stream's in their order."""
        waiting = self._not_followed(lines, over.rows.checkpoint[0])
        events = by_stream(waiting, lambda stream: is_wanted(stream) and category_of(stream) in BY_CATEGORY)
        confirmed = over.rows.rows(events)
        events = {stream: added for stream, added in events.items() if stream in confirmed or not _lacks_base(added)}
        laid = over.keep(events)
        numbers: dict[str, int] = {}
        rows = []
        for stream, added in events.items():
            row, numbers[stream] = _over(stream, _numbered(confirmed.get(stream), laid[stream]), added)
            rows.append(row)
        over.rows.put(rows, yielding=True)
        over.lay(numbers)

    def _not_followed(self, lines: list[Queued], reached: int) -> Iterator[Queued]:
        """The writes that the rows do not have yet; the line that says so of one may still be on its way."""
        ends = self._journal.ends_of(line.command_id for line in lines)
        return (line for line in lines if ends.get(line.command_id, PENDING) > reached)


def _portions(lines: Iterator[Queued]) -> Iterator[list[Queued]]:
    while portion := list(islice(lines, PORTION)):
        yield portion


def _lacks_base(added: Added) -> bool:
    """Whether the first event is known to build upon others, which this machine does not have."""
    line, n = added[0]
    return line.first is not None and line.events[n].version > 1


def _over(stream: str, before: Row | None, added: Added) -> tuple[RowChange, int]:
    """The row with these events, and at which number it stands.

    What others recorded before an acknowledged event may not be here yet: then that is laid over what is here, under
    the number that it has.
    """
    after: Rows = {} if before is None else {stream: before}
    version = int(before.version) if before else 0
    for line, n in added:
        if line.first is not None and stream in after:
            version = line.events[n].version - 1
            after[stream] = replace(after[stream], version=version)
        version += 1
        event = pending_event(line, n, version)
        advance(after, event)
    made = change(BY_CATEGORY[category_of(stream)], before, after[stream], 0)
    return replace(made, version=shown_version(event), n=event.position), version


def _numbered(row: Row | None, version: int) -> Row | None:
    return None if row is None else replace(row, version=version)
