"""Puts recorded events back into an empty or shorter log, exactly as they were, as the owner of the schema."""

from collections.abc import Iterable, Iterator
from itertools import islice
from uuid import UUID

import psycopg

from ledger.errors import Refused
from ledger.libpq.session import Session
from ledger.postgres.connection.connect import owner_conninfo
from ledger.postgres.connection.database import translated
from ledger.settings import Settings

RESTORE = "SELECT tracking_ledger.restore_events(%s, %s, %s)"
BATCH = 500  # events handed over at once


def restore(settings: Settings, key: UUID, ledger: UUID, lines: Iterable[bytes]) -> int:
    """All events, or none, as lines of a journal; answers the position they reach.

    `key` is what the ledger is known by in the database. The first event follows the log's last one. Raises Damaged for
    one that does not follow, Refused where the ledger has another history or this role does not own the schema.
    """
    reached = 0
    with translated():
        try:
            with Session.connect(owner_conninfo(settings)) as connection, connection.transaction():
                for batch in _batches(lines):
                    asked = connection.execute(RESTORE, [key, ledger, f"[{','.join(batch)}]"])
                    reached = asked.fetchall()[0][0]
        except psycopg.errors.InsufficientPrivilege as error:
            raise Refused(
                f"this role may not put events back: {str(error).strip()}",
                next_step="set LEDGER_ADMIN_DSN to the role that owns the schema, and repeat it",
                rule="owner_only",
                items=[],
            ) from error
    return reached


def _batches(lines: Iterable[bytes]) -> Iterator[list[str]]:
    waiting = iter(lines)
    while batch := list(islice(waiting, BATCH)):
        yield [line.decode() for line in batch]
