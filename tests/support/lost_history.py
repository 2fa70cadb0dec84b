"""A database that loses history, as one that was restored from a backup does."""

from uuid import UUID

import psycopg


def lose(owner_dsn: str, ledger: UUID, *, after: int) -> None:
    """Deletes all events of a ledger after a position."""
    with psycopg.connect(owner_dsn) as connection:
        connection.execute("SELECT set_config('ledger.id', %s, true)", [str(ledger)])
        connection.execute("ALTER TABLE tracking_ledger.events DISABLE TRIGGER events_are_never_changed")
        connection.execute("DELETE FROM tracking_ledger.events WHERE ledger_id = %s AND position > %s", [ledger, after])
        connection.execute("ALTER TABLE tracking_ledger.events ENABLE TRIGGER events_are_never_changed")


def state(owner_dsn: str, ledger: UUID) -> tuple[str, str]:
    with psycopg.connect(owner_dsn) as connection:
        rows = connection.execute("SELECT state, reason FROM tracking_ledger.ledgers WHERE ledger_id = %s", [ledger])
        return rows.fetchall()[0]
