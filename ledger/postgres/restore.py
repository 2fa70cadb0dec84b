"""Puts recorded events back into an empty or shorter log, exactly as they were, as the owner of the schema."""

from collections.abc import Iterable, Iterator
from itertools import islice
from uuid import UUID

from ledger.postgres.connection.connect import as_owner
from ledger.settings import Settings

RESTORE = "SELECT tracking_ledger.restore_events(%s, %s, %s)"
BATCH = 500  # events handed over at once


def restore(settings: Settings, key: UUID, ledger: UUID, lines: Iterable[bytes]) -> int:
    """All events, or none, as lines of a journal; answers the position they reach.

    `key` is what the ledger is known by in the database. The first event follows the log's last one. Raises Damaged for
    one that does not follow, Refused where the ledger has another history or this role does not own the schema.
    """
    reached = 0
    with as_owner(settings, "put events back") as connection:
        for batch in _batches(lines):
            asked = connection.execute(RESTORE, [key, ledger, f"[{','.join(batch)}]"])
            reached = asked.fetchall()[0][0]
    return reached


def _batches(lines: Iterable[bytes]) -> Iterator[list[str]]:
    waiting = iter(lines)
    while batch := list(islice(waiting, BATCH)):
        yield [line.decode() for line in batch]
