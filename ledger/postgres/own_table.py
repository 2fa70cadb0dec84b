"""A read model in a table of your own, rebuilt from the log without a reader noticing; see docs/library.md.

The new rows are made beside the old ones and swapped with them under the log's lock. It is one transaction: a process
that is killed in it leaves the old rows and nothing else.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from itertools import islice
from typing import Any, LiteralString, Protocol

from psycopg import Cursor, sql

from ledger.aggregates.erasure.events import TextsErased
from ledger.envelope import RecordedEvent
from ledger.errors import Refused
from ledger.postgres.connection.database import Connection
from ledger.store import EventStore

PORTION = 2000  # events folded at once
SHORT = 200  # events that may be left for the time under the lock
ROUNDS = 20  # of catching up before the lock, should writers never pause

BESIDE = "CREATE TABLE {new} (LIKE {table} INCLUDING ALL)"
COPY = "COPY {new} FROM STDIN"
REMOVE = "DELETE FROM {new} WHERE {key} = ANY (%s)"
SWAP = "DROP TABLE {table}; ALTER TABLE {new} RENAME TO {name}"  # readers end first
FIRST_COLUMN = "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum = 1"

Row = Sequence[Any]
Names = dict[str, sql.Identifier]


class Folding(Protocol):
    """What events add up to. The first column of a row is its key."""

    def add(self, event: RecordedEvent) -> Any:
        """Takes the next event. Answers the key of the row that it touches, None if it touches none."""

    def row(self, key: Any) -> Row | None:
        """The row as it stands, its columns in the table's order; None if there is none."""

    def keys(self) -> Iterable[Any]:
        """The keys of all rows."""


def rebuild(
    log: EventStore,
    connection: Connection,
    table: str,
    folding: Folding,
    progress: Callable[[int], None] = lambda _: None,
) -> int:
    """Rebuilds `table` from the whole log. Answers the position up to which its rows are true.

    `connection` belongs to a role that owns the table and is in no transaction. `folding` is empty at first; it is all
    that is held in memory. `progress` is called with the position that is folded. Privileges on the table are those
    that its owner gives to new tables by default, because the rows come in a new one. Raises Refused where texts are
    erased meanwhile that the rows would hold; then the old ones stay.
    """
    # the lock is released after the commit: the next append finds the new rows
    with ExitStack() as locked, connection.transaction(), connection.cursor() as cursor:
        names = _names(cursor, table)
        reached = _fold(log, folding, 0, progress)[1]
        cursor.execute(_statement(BESIDE, names))
        _copy(cursor, names, list(folding.keys()), folding)
        for _ in range(ROUNDS):
            before, reached = reached, _follow(log, cursor, names, folding, reached, progress)
            if reached - before <= SHORT:
                break
        locked.enter_context(log.exclusively())
        reached = _follow(log, cursor, names, folding, reached, progress)
        cursor.execute(_statement(SWAP, names))
    return reached


def _fold(log: EventStore, folding: Folding, after: int, progress: Callable[[int], None]) -> tuple[set[Any], int]:
    """Folds what comes after a position. Answers the keys that were touched, and the position it came to."""
    begun, touched, events = after, set(), log.read_all(after)
    while portion := list(islice(events, PORTION)):
        if begun:
            _check_erasures(portion)
        touched |= {key for event in portion if (key := folding.add(event)) is not None}
        after = portion[-1].position
        progress(after)
    return touched, after


def _check_erasures(events: Iterable[RecordedEvent]) -> None:
    """What was folded before an erasure was recorded may hold what is gone."""
    if any(event.type == TextsErased.__name__ for event in events):
        raise Refused(
            "texts were erased while the table was being rebuilt",
            rule="erased_meanwhile",
            items=[],
            next_step="repeat it",
        )


def _follow(
    log: EventStore,
    cursor: Cursor[Any],
    names: Names,
    folding: Folding,
    after: int,
    progress: Callable[[int], None],
) -> int:
    touched, reached = _fold(log, folding, after, progress)
    if touched:
        cursor.execute(_statement(REMOVE, names), [list(touched)])
        _copy(cursor, names, touched, folding)
    return reached


def _copy(cursor: Cursor[Any], names: Names, keys: Iterable[Any], folding: Folding) -> None:
    with cursor.copy(_statement(COPY, names)) as rows:
        for key in keys:
            if (row := folding.row(key)) is not None:
                rows.write_row(row)


def _names(cursor: Cursor[Any], table: str) -> Names:
    *schema, name = table.split(".")
    cursor.execute(FIRST_COLUMN, [table])
    [(key,)] = cursor.fetchall()
    return {
        "table": sql.Identifier(*schema, name),
        "new": sql.Identifier(*schema, f"{name}_beside"),
        "name": sql.Identifier(name),
        "key": sql.Identifier(key),
    }


def _statement(words: LiteralString, names: Names) -> sql.Composed:
    return sql.SQL(words).format(**names)
