"""What a database says about itself and about the role we come as. For people; nothing depends on it."""

from uuid import UUID

from msgspec import Struct

from ledger.postgres.database import Database
from ledger.postgres.migrate import is_current

SERVER = (  # not in sql/: these ask the server about itself, and answer without any ledger
    "SELECT current_setting('server_version'), current_database(), session_user::text, r.rolsuper, r.rolbypassrls,"
    " pg_database_size(current_database()) FROM pg_roles r WHERE r.rolname = session_user"
)
LEDGER = "SELECT name, state FROM tracking_ledger.list_ledgers() WHERE ledger_id = %s"
BEHIND = "SELECT projection FROM projections WHERE ledger_id = %s AND behind_after IS NOT NULL ORDER BY projection"


class Checkup(Struct, frozen=True, kw_only=True):
    """`size` in bytes, of the whole database; `behind` are read models that some program left behind the log."""

    server_version: str
    database: str
    role: str
    superuser: bool
    bypasses_row_security: bool
    size: int
    migrated: bool
    member: bool
    state: str
    ledgers: int
    behind: tuple[str, ...] = ()


def checkup(database: Database, ledger: UUID) -> Checkup:
    """Raises Unavailable if the database does not answer."""
    with database.transaction() as connection:
        version, name, role, superuser, bypasses, size = connection.execute(SERVER).fetchall()[0]
        mine = connection.execute(LEDGER, [ledger]).fetchone()
        ledgers = len(connection.execute("SELECT ledger_id FROM tracking_ledger.list_ledgers()").fetchall())
        migrated = is_current(connection)
        connection.execute("SELECT * FROM tracking_ledger.enter_ledger(%s)", [ledger])
        behind = tuple(row[0] for row in connection.execute(BEHIND, [ledger]).fetchall())
    return Checkup(
        server_version=version,
        database=name,
        role=role,
        superuser=superuser,
        bypasses_row_security=bypasses,
        size=size,
        migrated=migrated,
        member=mine is not None,
        state=mine[1] if mine else "unknown",
        ledgers=ledgers,
        behind=behind,
    )
