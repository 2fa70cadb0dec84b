"""Replicas of the database, which are only asked. Whether one may answer is found out in each question's transaction.

So it does not matter to which of several servers a connection leads, nor how many poolers stand before them. Whatever
is wrong with a replica is Unavailable: another server is asked, no caller waits for it, and a thread goes on trying.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import psycopg
from msgspec import Struct

from ledger.errors import LedgerError, OutcomeUnknown, Unavailable
from ledger.libpq.conninfo import as_given
from ledger.libpq.session import READING
from ledger.machine.jobs import Jobs
from ledger.postgres.connection.contact import Contact
from ledger.postgres.connection.database import Connection, Database
from ledger.postgres.connection.pooler import keeps_statements
from ledger.postgres.connection.pools import Pools
from ledger.postgres.migrate import is_current
from ledger.postgres.store import KNOWN_AT
from ledger.settings import Settings

REACH_SECONDS = 0.3  # that a caller waits for a connection, once: the primary is there as well
NOT_ASKED = "nothing has to be done: the primary is asked instead; see `tracking-ledger doctor`"
STATE = (  # not in sql/: it asks the server about itself
    "SELECT pg_is_in_recovery(), extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())::int"
)


class ReplicaState(Struct, frozen=True, kw_only=True):
    """How a replica is: the end of the log there, and how many seconds ago the newest commit that it has was made; None
    where it has replayed none. One that does not `follow` any other server has been promoted."""

    position: int
    follows: bool
    newest_commit: int | None


class Replica:
    """The replicas of some settings' LEDGER_READ_DSN, for the ledger that is `key` there."""

    def __init__(self, settings: Settings, key: UUID, pools: Pools | None = None, jobs: Jobs | None = None) -> None:
        self._settings = settings
        self._pools = pools
        self._key = key
        self._contact = Contact(self._reach, lambda: False, REACH_SECONDS, jobs=jobs, lane=settings.read_dsn)

    @contextmanager
    def asking(self, needed: int, position: int, digest: bytes) -> Iterator[Database]:
        """One transaction, in which all calls of this thread see the same position, `needed` or a later one.

        Raises Unavailable if the replica does not reach so far, or holds another digest at `position`, which lies at
        or before `needed`.
        """
        database = self._contact.database()
        try:
            with _unavailable(), database.transaction(READING) as connection:
                _compare(connection, self._key, needed, position, digest)
                yield database
        except (Unavailable, OutcomeUnknown) as error:
            if "reason" not in error.details:
                self._contact.mark_lost(after_timeout=True)
            raise

    def state(self) -> ReplicaState:
        """What `doctor` shows of the replica. Raises Unavailable."""
        with _unavailable(), self._contact.database().transaction(READING) as connection:
            follows, newest = connection.execute(STATE).fetchall()[0]
            position = max((row[0] for row in connection.execute(KNOWN_AT, [self._key, []]).fetchall()), default=0)
        return ReplicaState(position=position, follows=follows, newest_commit=newest)

    def close(self) -> None:
        self._contact.close()

    def _reach(self, known: Database | None) -> Database:
        settings = self._settings
        assert settings.read_dsn is not None, "made only where there is one"
        with _unavailable():
            known = known or _database(settings, settings.read_dsn, self._pools)
            known.forget()
            with known.connection() as connection:
                known.prepares = settings.prepare and keeps_statements(connection)
            with known.transaction(READING) as connection:
                _check_schema(connection)
        return known


def _database(settings: Settings, conninfo: str, pools: Pools | None) -> Database:
    try:
        return Database(as_given(conninfo), prepare=settings.prepare, call_seconds=settings.call_seconds, pools=pools)
    except psycopg.ProgrammingError:  # its text may repeat a password
        raise Unavailable(
            "LEDGER_READ_DSN is not a connection string",
            next_step="write it like postgresql://user@host/database or host=... dbname=...",
        ) from None


@contextmanager
def _unavailable() -> Iterator[None]:
    """Turns every error of the replica into Unavailable, also those of an older or another kind of server."""
    try:
        yield
    except psycopg.Error as error:
        raise Unavailable(f"the replica cannot answer: {' '.join(str(error).split())}", next_step=NOT_ASKED) from error


def _compare(connection: Connection, key: UUID, needed: int, position: int, digest: bytes) -> None:
    rows = connection.execute(KNOWN_AT, [key, [position]]).fetchall()
    known = {position: bytes(digest) for position, _, digest in rows}
    reached = max(known, default=0)
    if reached < needed:
        raise Unavailable(
            f"the replica ends at position {reached}, and position {needed} is known here",
            next_step=NOT_ASKED,
            reason="behind",
        )
    if position and known[position] != digest:
        raise Unavailable(
            f"the replica holds something else at position {position} than this machine's journal",
            next_step="make the replica again from the primary; until then it is not asked",
            reason="another_history",
        )


def _check_schema(connection: Connection) -> None:
    try:
        if is_current(connection):
            return
    except LedgerError as error:
        raise Unavailable(error.message, next_step=error.next_step) from error
    raise Unavailable("the replica's schema is not this program's yet", next_step=NOT_ASKED)
