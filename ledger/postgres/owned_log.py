"""The log as the owner of the schema sees it, who alone may erase texts from it."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from psycopg import sql

from ledger.errors import Refused, Unavailable
from ledger.libpq.session import Session
from ledger.postgres.connection.connect import owner_conninfo
from ledger.postgres.connection.database import Database
from ledger.postgres.connection.driver_errors import lacks_privileges, translated
from ledger.postgres.store import PostgresStore
from ledger.settings import Settings

JOIN = (
    "INSERT INTO tracking_ledger.ledger_members (ledger_id, member) VALUES (%s, session_user)"
    " ON CONFLICT DO NOTHING RETURNING member"
)
LEAVE = "DELETE FROM tracking_ledger.ledger_members WHERE ledger_id = %s AND member = session_user"
TABLES = (
    "SELECT relname FROM pg_class WHERE relnamespace = 'tracking_ledger'::regnamespace AND relkind = 'r' ORDER BY 1"
)
VACUUM = "VACUUM (ANALYZE) tracking_ledger.{}"


@contextmanager
def owned_log(settings: Settings, key: UUID, ledger: UUID) -> Iterator[PostgresStore]:
    """The log in one transaction, while no other writer appends; it writes no read model, so all are behind then.

    Raises Refused where this role does not own the schema.
    """
    database = Database(owner_conninfo(settings))
    try:
        store = PostgresStore(database, ledger, {}, key=key)
        with translated(), database.joined_transaction() as connection:
            joined = connection.execute(JOIN, [key]).fetchall()  # the owner is no member where another role works
            with store.exclusively():
                yield store
            if joined:
                connection.execute(LEAVE, [key])
    except Unavailable as error:
        if not lacks_privileges(error):
            raise
        raise Refused(
            f"this role may not erase texts: {str(error.__cause__).strip()}",
            next_step="set LEDGER_ADMIN_DSN to the role that owns the schema, and repeat it",
            rule="owner_only",
            items=[],
        ) from error
    finally:
        database.close()


def let_go(settings: Settings) -> None:
    """Takes what rows and indexes no longer say, and what the planner remembers of it, out of every table."""
    with translated(), Session.connect(owner_conninfo(settings), autocommit=True) as connection:
        for (name,) in connection.execute(TABLES).fetchall():
            connection.execute(sql.SQL(VACUUM).format(sql.Identifier(name)))
