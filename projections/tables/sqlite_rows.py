"""Rows and entries of read models, put into an SQLite file."""

import sqlite3
from collections.abc import Sequence
from operator import attrgetter
from typing import Any

from ledger import store_errors
from ledger.envelope import Entry, RowChange

PUT = (
    "INSERT INTO {} (ledger_id, generation, id, version, position, doc) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE"
    " SET version = excluded.version, position = excluded.position, doc = excluded.doc"
)
PUT_TERMS = "INSERT INTO work_item_terms VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET terms = excluded.terms"
DROP = "DELETE FROM entries WHERE ledger_id = ? AND generation = ? AND relation = ? AND target = ? AND id = ?"
ADD = (
    "INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (ledger_id, generation, relation, target, id)"
    " DO UPDATE SET (day, hidden, status, category) ="
    " (excluded.day, excluded.hidden, excluded.status, excluded.category)"
)
NO_PLACE = (None, None, None, None)
HOLDER = "SELECT id FROM entries WHERE ledger_id = ? AND generation = ? AND relation = ? AND target = ? AND id <> ?"


def put_rows(connection: sqlite3.Connection, place: list[Any], projection: str, changes: Sequence[RowChange]) -> None:
    """Puts rows in the order of their ids, which is that of the table."""
    ordered = sorted(changes, key=attrgetter("id"))
    rows = ([*place, change.id, change.version, change.n, change.doc.decode()] for change in ordered)
    connection.executemany(PUT.format(projection), rows)
    terms = ([*place, change.id, change.terms] for change in ordered if change.terms is not None)
    connection.executemany(PUT_TERMS, terms)
    connection.executemany(DROP, ([*place, *entry[:2], change.id] for change in ordered for entry in change.dropped))


def entry_values(entry: Entry, id: str) -> tuple[Any, ...]:
    """An entry's columns after ledger and generation."""
    return (*entry[:2], id, *(entry[2:] or NO_PLACE))


def put_entries(connection: sqlite3.Connection, place: list[Any], change: RowChange) -> None:
    for entry in change.added:
        relation, target = entry[:2]
        try:
            connection.execute(ADD, [*place, *entry_values(entry, change.id)])
        except sqlite3.IntegrityError as error:
            holder = connection.execute(HOLDER, [*place, relation, target, change.id]).fetchone()
            raise store_errors.not_unique(relation=relation, target=target, id=holder[0]) from error
