"""Whether journal, log and read models say the same: every line and every event proved, the first difference named."""

from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any

from msgspec import Struct

from ledger.across.erasure import payloads_in
from ledger.codec import digest, is_erased, origin_digest, payload_digest
from ledger.envelope import RecordedEvent
from ledger.errors import Diverged, LedgerError, OutcomeUnknown, Unavailable
from ledger.offline.journal import Journal
from projections.application.app import App
from projections.maintenance.rebuild import compare_heads
from projections.tables.contract import Tables
from projections.tables.replay import check

EVERY_LINE = Path(":memory:")  # an index that knows nothing, so that the whole file is read and proved


class Difference(Struct, frozen=True, kw_only=True):
    """`where` is journal, database, read models or cache; `at` a line, a position, or a read model's row."""

    where: str
    at: str
    what: str


class Verified(Struct, frozen=True, kw_only=True):
    """What was looked at: positions of journal and database (None: not reached), and the first entity that differs."""

    journal: int
    database: int | None
    differences: tuple[Difference, ...] = ()
    unreachable: str | None = None


def verify(app: App) -> Verified:
    """Reads everything; it changes nothing."""
    journal = Journal(app.local.journal.file, app.identity.ledger, EVERY_LINE, app.clock)
    try:
        found = list(_of_journal(journal))
        unreachable: str | None = None
        try:
            head, differences = _of_database(app, journal)
        except Diverged as error:
            head, differences = error.details["head"], [_diverged(app, error)]
        except (Unavailable, OutcomeUnknown) as error:
            head, differences, unreachable = None, [], error.message
        found += [*differences, *_of_cache(app)]
        return Verified(journal=journal.head.position, database=head, differences=tuple(found), unreachable=unreachable)
    finally:
        journal.close()


class _Erasures:
    """What a log holds in the place of erased texts, and what its erasures say of that."""

    def __init__(self) -> None:
        self._holds: dict[int, bytes] = {}
        self._says: dict[int, bytes] = {}

    def add(self, event: RecordedEvent) -> None:
        if is_erased(event.data):
            self._holds[event.position] = event.data
        self._says |= {payload.position: payload.data.encode() for payload in payloads_in(event)}

    def first_undone(self) -> Iterator[tuple[int, str]]:
        """The first position whose texts are not what the log says of them."""
        for position, data in sorted(self._says.items()):
            if self._holds.get(position) != data:
                done = "replaced by something else" if position in self._holds else "still there"
                yield position, f"its texts are {done}, and an erasure says what they are replaced by"
                return

    def first_unsaid(self) -> Iterator[tuple[int, str]]:
        """The first position whose texts are gone without an erasure."""
        unsaid = self._holds.keys() - self._says.keys()
        if unsaid:
            yield min(unsaid), "its texts are gone, and no erasure says so"


def _of_journal(journal: Journal) -> Iterator[Difference]:
    """Damage, and texts that are still in it although it holds their erasure."""
    if journal.damage is not None:
        yield Difference(where="journal", at=f"line {journal.damage.details['line']}", what=journal.damage.message)
    erasures = _Erasures()
    for event in journal.read_all():
        erasures.add(event)
    for position, what in erasures.first_undone():
        yield Difference(where="journal", at=f"position {position}", what=what)


def _of_database(app: App, journal: Journal) -> tuple[int, list[Difference]]:
    store, previous, head = app.store, origin_digest(app.identity.ledger), 0
    found: list[Difference] = []
    erasures = _Erasures()
    known = journal.read_all(0, journal.head.position)  # its end is known before that of the log, which goes on
    for there, here in zip_longest(store.read_all(), known):
        difference = _compare(previous, there, here)
        if difference is not None or there is None:
            found += [difference] if difference else []
            break
        erasures.add(there)
        previous, head = there.digest, there.position
    else:
        undone = [*erasures.first_undone(), *erasures.first_unsaid()]
        found += [Difference(where="database", at=f"position {position}", what=what) for position, what in undone]
        found += _of_rows("read models", store, app.tables)
    return head, found


def _diverged(app: App, error: Diverged) -> Difference:
    first = compare_heads(app).common + 1
    return Difference(where="database", at=f"position {first}", what=error.message)


def _compare(previous: bytes, there: RecordedEvent | None, here: RecordedEvent | None) -> Difference | None:
    """The journal may be behind; whatever it holds must stand in the database, and that must prove itself."""
    if there is None:
        assert here is not None
        return Difference(
            where="database",
            at=f"position {here.position}",
            what=f"the journal goes on with {here.type}, the database ends before it",
        )
    at = f"position {there.position}"
    if digest(previous, there) != there.digest:
        return Difference(where="database", at=at, what=f"the digest of {there.type} does not follow")
    if here is not None and here != there and not _is_behind(here, there):
        fields = [name for name in there.__struct_fields__ if getattr(here, name) != getattr(there, name)]
        return Difference(where="journal", at=at, what=f"journal and database differ in {', '.join(fields)}")
    return None


def _is_behind(here: RecordedEvent, there: RecordedEvent) -> bool:
    """Whether the journal only has not come to the erasure yet, after which the database holds less of the payload."""
    return is_erased(there.data) and payload_digest(here.data) == payload_digest(there.data)


def _of_cache(app: App) -> list[Difference]:
    local = app.local
    if not local.is_settled:
        return []  # what waits is laid over its rows
    try:
        local.cache.follow()
    except LedgerError as error:
        return [Difference(where="cache", at="file", what=error.message)]
    with local.cache.tables.snapshot() as snapshot:
        reached = snapshot.as_of.position  # the journal may go on meanwhile, in the background
    return _of_rows("cache", local.journal, local.cache.tables, until=reached)


def _of_rows(where: str, log: Any, tables: Tables, until: int | None = None) -> list[Difference]:
    report = check(log, tables, until=until)
    return [
        Difference(
            where=where,
            at=f"{name} {difference.id}",
            what=f"{difference.field} is {difference.stored!r}, by the log {difference.replayed!r}",
        )
        for name, rebuilt in report.projections.items()
        for difference in rebuilt.differences[:1]
    ]
