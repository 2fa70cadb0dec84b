"""What a database says about itself and about the role we come as. For people; nothing depends on it."""

from collections.abc import Callable
from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

from ledger.postgres.connection.database import Database
from ledger.postgres.migrate import is_current, schema_release

SERVER = (  # not in sql/: these ask the server about itself, and answer without any ledger
    "SELECT current_setting('server_version'), current_database(), session_user::text, r.rolsuper, r.rolbypassrls,"
    " pg_database_size(current_database()) FROM pg_roles r WHERE r.rolname = session_user"
)
LOAD = (  # times of other roles' transactions are shown to those only who may read all statistics
    "SELECT (SELECT sum(numbackends)::int FROM pg_stat_database), current_setting('max_connections')::int,"
    " CASE WHEN pg_has_role('pg_read_all_stats', 'USAGE') THEN (SELECT"
    " coalesce(extract(epoch FROM max(clock_timestamp() - xact_start)), 0)::int FROM pg_stat_activity"
    " WHERE backend_type = 'client backend') END,"
    " (SELECT count(*)::int FROM pg_stat_replication),"
    " (SELECT CASE WHEN current_setting('archive_mode') = 'off' THEN 'off'"
    " WHEN last_failed_time > coalesce(last_archived_time, '-infinity') THEN 'failing' ELSE 'working' END"
    " FROM pg_stat_archiver)"
)
LEDGER = "SELECT name, state FROM tracking_ledger.list_ledgers() WHERE ledger_id = %s"
CLOCKS = (  # how far the newest event lies ahead of the server's clock: it was recorded before that was set back
    "SELECT clock_timestamp(), (SELECT greatest(extract(epoch FROM recorded_at - clock_timestamp()), 0)::int"
    " FROM events WHERE ledger_id = %s ORDER BY position DESC LIMIT 1)"
)
BEHIND = "SELECT projection FROM projections WHERE ledger_id = %s AND behind_after IS NOT NULL ORDER BY projection"


class Checkup(Struct, frozen=True, kw_only=True):
    """`size` in bytes, of the whole database; `behind` are read models that some program left behind the log.

    `connections` are those of the whole server, `longest_transaction` is the age in seconds of the oldest one that is
    open there (None if this role may not see it), `standbys` are the servers that follow this one, `most_events` is the
    ledger's quota, `schema_release` the newest release of the program that has changed the database's schema.
    `clock_ahead` is by how many seconds this machine's clock is ahead of the server's, `newest_ahead` by how many the
    newest event is.
    """

    server_version: str
    database: str
    role: str
    superuser: bool
    bypasses_row_security: bool
    size: int
    connections: int
    max_connections: int
    longest_transaction: int | None
    standbys: int
    archiving: Literal["off", "working", "failing"]
    migrated: bool
    schema_release: str
    member: bool
    state: str
    ledgers: int
    most_events: int | None = None
    clock_ahead: int = 0
    newest_ahead: int = 0
    behind: tuple[str, ...] = ()


def checkup(database: Database, ledger: UUID, clock: Callable[[], datetime]) -> Checkup:
    """Raises Unavailable if the database does not answer."""
    with database.transaction() as connection:
        version, name, role, superuser, bypasses, size = connection.execute(SERVER).fetchall()[0]
        connections, most, longest, standbys, archiving = connection.execute(LOAD).fetchall()[0]
        mine = connection.execute(LEDGER, [ledger]).fetchone()
        ledgers = len(connection.execute("SELECT ledger_id FROM tracking_ledger.list_ledgers()").fetchall())
        migrated, release = is_current(connection), schema_release(connection)
        connection.execute("SELECT * FROM tracking_ledger.enter_ledger(%s)", [ledger])
        most_events = connection.execute("SELECT most_events FROM tracking_ledger.head_of(%s)", [ledger]).fetchall()
        servers, newest = connection.execute(CLOCKS, [ledger]).fetchall()[0]
        ahead = round((clock() - servers).total_seconds())
        behind = tuple(row[0] for row in connection.execute(BEHIND, [ledger]).fetchall())
    return Checkup(
        server_version=version,
        database=name,
        role=role,
        superuser=superuser,
        bypasses_row_security=bypasses,
        size=size,
        connections=connections,
        max_connections=most,
        longest_transaction=longest,
        standbys=standbys,
        archiving=archiving,
        migrated=migrated,
        schema_release=release,
        member=mine is not None,
        state=mine[1] if mine else "unknown",
        ledgers=ledgers,
        most_events=most_events[0][0],
        clock_ahead=ahead,
        newest_ahead=newest or 0,
        behind=behind,
    )
