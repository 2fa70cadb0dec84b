"""A pooler between us and the server, and whether it keeps the statements that its clients prepare.

PgBouncer in transaction mode gives each transaction another connection. Since version 1.22, unless set otherwise, it
takes the prepared statements of its clients along, under names of its own; others hand the names on as they are, and
the next transaction looks for them on a connection that never heard of them.
"""

import secrets

from ledger.libpq.session import Session

NAMED = "SELECT FROM pg_prepared_statements WHERE name = %s"


def keeps_statements(connection: Session) -> bool:
    """Whether a statement that is prepared on this connection, which commits by itself, is there for its next use."""
    return not connection.is_pooled or _renames_statements(connection)


def _renames_statements(connection: Session) -> bool:
    name = f"tracking_ledger_{secrets.token_hex(8)}"
    with connection.transaction():  # one connection of the server until its end
        connection.pgconn.prepare(name.encode(), b"SELECT 1")
        if connection.execute(NAMED, [name]).fetchone() is None:
            return True
        connection.execute(f"DEALLOCATE {name}".encode())  # our own hexadecimal digits: a name takes no parameter
        return False
