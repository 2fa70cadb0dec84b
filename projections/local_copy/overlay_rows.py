"""Rows laid over those of the cache, and the confirmed ones kept aside. See projections.local_copy.overlay."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from ledger.envelope import RowChange, category_of, id_of, stream_id
from ledger.pending import is_number
from projections.read_models.catalog import BY_CATEGORY
from projections.read_models.projection import Row
from projections.tables.sqlite_advance import SqliteAdvance, ids_by_category

PROGRESS = "SELECT sequence FROM overlay_progress WHERE ledger_id = ?"
ADVANCE = "INSERT INTO overlay_progress VALUES (?, ?) ON CONFLICT DO UPDATE SET sequence = excluded.sequence"
OVERLAID = "SELECT stream_id FROM overlaid WHERE ledger_id = ?"
KEPT = (
    "SELECT stream_id, version, position, doc, terms FROM overlaid"
    " WHERE ledger_id = ? AND stream_id IN (SELECT value FROM json_each(?))"
)
LAID = "SELECT stream_id, laid FROM overlaid WHERE ledger_id = ? AND stream_id IN (SELECT value FROM json_each(?))"
KEEP = "INSERT INTO overlaid VALUES (?, ?, ?, ?, ?, ?, ?)"
LAY = "UPDATE overlaid SET laid = ? WHERE ledger_id = ? AND stream_id = ?"
RELEASE = "DELETE FROM overlaid WHERE ledger_id = ? AND stream_id = ?"
ROWS = (
    "SELECT r.id, r.version, r.position, r.doc, t.terms FROM {} r LEFT JOIN work_item_terms t"
    " ON t.ledger_id = r.ledger_id AND t.generation = r.generation AND t.id = r.id"
    " WHERE r.ledger_id = ? AND r.generation = ? AND r.id IN (SELECT value FROM json_each(?))"
)
REMOVE = "DELETE FROM {} WHERE ledger_id = ? AND generation = ? AND id = ?"


class ConfirmedRow(Struct, frozen=True, kw_only=True):
    """A confirmed row, with its words; None where nothing is confirmed yet."""

    row: Row | None
    terms: str | None


class OverlayRows:
    """What an overlay does inside the transaction of `rows`."""

    def __init__(self, rows: SqliteAdvance) -> None:
        self.rows = rows
        self._ask = rows.connection.execute
        self._ledger = rows.ledger

    @property
    def sequence(self) -> int:
        """The number of the last line of the outbox that was taken in."""
        found = self._ask(PROGRESS, [self._ledger]).fetchone()
        return found[0] if found else 0

    def reached(self, sequence: int) -> None:
        self._ask(ADVANCE, [self._ledger, sequence])

    def overlaid(self) -> list[str]:
        """Every stream whose row is laid over."""
        return [row[0] for row in self._ask(OVERLAID, [self._ledger])]

    def confirmed_rows(self, streams: Iterable[str]) -> dict[str, ConfirmedRow]:
        """The confirmed rows of those streams that are laid over."""
        found = {}
        for stream, version, position, doc, terms in self._ask(KEPT, [self._ledger, _listed(streams)]).fetchall():
            projection = BY_CATEGORY[category_of(stream)]
            row = None if doc is None else projection.row(id_of(stream), version, position, doc.encode())
            found[stream] = ConfirmedRow(row=row, terms=terms)
        return found

    def keep(self, streams: Iterable[str]) -> dict[str, int]:
        """Sets the confirmed rows aside where that is not done yet. Answers at which number each stream's row is."""
        wanted = list(streams)
        laid: dict[str, int] = dict(self._ask(LAID, [self._ledger, _listed(wanted)]).fetchall())
        return laid | self._set_aside([stream for stream in wanted if stream not in laid])

    def lay(self, versions: Mapping[str, int]) -> None:
        """Notes that these streams' rows stand at these numbers."""
        lines = ([version, self._ledger, stream] for stream, version in versions.items())
        self.rows.connection.executemany(LAY, lines)

    def release(self, stream: str) -> None:
        self._ask(RELEASE, [self._ledger, stream])

    def remove(self, stream: str, row: Row | None) -> None:
        """Takes away a row that nothing confirms, and what it was found by."""
        projection = BY_CATEGORY[category_of(stream)]
        place = [self._ledger, self.rows.generation(projection.name), id_of(stream)]
        if row is not None:
            gone = RowChange(
                projection=projection.name,
                id=row.id,
                version=0,
                n=0,
                doc=projection.document(row),
                dropped=tuple(sorted(projection.entries_of(row))),
            )
            self.rows.put([gone])
        for table in (projection.name, *(["work_item_terms"] if projection.name == "work_items" else [])):
            self._ask(REMOVE.format(table), place)

    def _set_aside(self, streams: list[str]) -> dict[str, int]:
        nothing = (0, 0, None, None)
        found = self._stored_rows(streams)
        numbers = {}
        for stream in streams:  # a row read from a report may show what waited elsewhere, and then has no number
            version = found.get(stream, nothing)[0]
            numbers[stream] = version if is_number(version) else 0
        kept = ([self._ledger, stream, *found.get(stream, nothing), numbers[stream]] for stream in streams)
        self.rows.connection.executemany(KEEP, kept)
        return numbers

    def _stored_rows(self, streams: Iterable[str]) -> dict[str, tuple[Any, ...]]:
        """(version, position, document, words) of each stream's row, if it has one."""
        found = {}
        for category, ids in ids_by_category(streams).items():
            name = BY_CATEGORY[category].name
            place = [self._ledger, self.rows.generation(name), _listed(ids)]
            for id, *row in self._ask(ROWS.format(name), place):
                found[stream_id(category, id)] = tuple(row)
        return found


def _listed(streams: Iterable[str]) -> str:
    return msgspec.json.encode(list(streams)).decode()
