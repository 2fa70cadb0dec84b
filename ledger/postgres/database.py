"""Connections to one PostgreSQL, and the place where the driver's errors become ours.

Everything here is safe behind a pooler in transaction mode: settings are local to a transaction, locks too.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
import psycopg
import psycopg_pool
from psycopg.abc import Buffer
from psycopg.adapt import Loader
from psycopg.pq import Format

from ledger.errors import (
    CommandIdReused,
    LedgerClosed,
    LedgerError,
    LostRace,
    NotFound,
    NotUnique,
    OutcomeUnknown,
    Refused,
    Unavailable,
    VersionConflict,
)

Connection = psycopg.Connection[Any]
Parameters = Mapping[str, Any] | Sequence[Any]
CONNECT_SECONDS = 1.0  # a caller waits no longer than this for a connection


class Database:
    """A pool of connections; within `transaction()` all calls of that thread share one."""

    def __init__(self, conninfo: str, *, prepare: bool = True, max_size: int = 10) -> None:
        self._prepare = prepare
        self._mine = threading.local()
        self._pool = psycopg_pool.ConnectionPool(
            conninfo,
            min_size=0,
            max_size=max_size,
            open=False,
            timeout=CONNECT_SECONDS,
            reconnect_timeout=CONNECT_SECONDS,
            max_idle=300.0,
            kwargs={"autocommit": True, "prepare_threshold": None, "application_name": "tracking-ledger"},
            configure=_configure,
            check=None,
        )
        self._opening = threading.Lock()

    def close(self) -> None:
        self._pool.close()

    def call(self, statement: str, parameters: Parameters = ()) -> list[tuple[Any, ...]]:
        """One statement and its rows. It is prepared on the server, so use it for statements of one plan."""
        with self.connection() as connection:
            return connection.execute(statement, parameters, prepare=self._prepare).fetchall()  # type: ignore[call-overload, no-any-return]

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """This thread's connection if it is in a transaction, else one from the pool. Driver errors become ours."""
        mine: Connection | None = getattr(self._mine, "connection", None)
        with translated():
            if mine is not None:
                yield mine
                return
            with self._opened().connection() as connection:
                yield connection

    @contextmanager
    def transaction(self, begin: str = "BEGIN") -> Iterator[Connection]:
        """Commits at the end, rolls back on an error. Calls of this thread inside it use the same connection."""
        with self.connection() as connection:
            connection.execute(begin)  # type: ignore[call-overload]
            self._mine.connection = connection
            try:
                yield connection
            except BaseException:
                if not connection.closed:
                    connection.execute("ROLLBACK")
                raise
            finally:
                self._mine.connection = None
            with committing():
                connection.execute("COMMIT")

    @property
    def in_transaction(self) -> bool:
        """Whether this thread is inside `transaction()`."""
        return getattr(self._mine, "connection", None) is not None

    @contextmanager
    def joined_transaction(self, begin: str = "BEGIN") -> Iterator[Connection]:
        """This thread's transaction if it is in one, else one of its own."""
        if self.in_transaction:
            with self.connection() as connection:
                yield connection
        else:
            with self.transaction(begin) as connection:
                yield connection

    def _opened(self) -> psycopg_pool.ConnectionPool[Connection]:
        with self._opening:
            if self._pool.closed:
                self._pool.open()
        return self._pool


@contextmanager
def translated() -> Iterator[None]:
    """Driver errors as ours. What was not sent is Unavailable; what was sent and lost is OutcomeUnknown."""
    try:
        yield
    except psycopg_pool.PoolTimeout as error:
        raise Unavailable(
            f"no connection to PostgreSQL within {CONNECT_SECONDS:g} s",
            next_step="see `tracking-ledger doctor`; try again when the server is back",
        ) from error
    except psycopg.OperationalError as error:
        raise _lost(error) from error
    except psycopg.Error as error:
        ours = _ours(error)
        if ours is None:
            raise
        raise ours from error


@contextmanager
def committing() -> Iterator[None]:
    """A COMMIT whose answer is lost may have happened."""
    try:
        yield
    except psycopg.OperationalError as error:
        raise OutcomeUnknown(
            "the connection was lost during the commit: it may or may not have happened",
            next_step="repeat it with the same command_id; a command is never recorded twice",
        ) from error


def _lost(error: psycopg.OperationalError) -> LedgerError:
    if error.sqlstate is None:
        return OutcomeUnknown(
            f"the connection to PostgreSQL was lost: {str(error).strip()}",
            next_step="repeat it with the same command_id; a command is never recorded twice",
        )
    return Unavailable(f"PostgreSQL cannot answer: {str(error).strip()}", next_step="see `tracking-ledger doctor`", sqlstate=error.sqlstate)


def _ours(error: psycopg.Error) -> LedgerError | None:
    translate = _SITUATIONS.get(error.sqlstate or "")
    if translate is None:
        return None
    detail = error.diag.message_detail
    return translate(msgspec.json.decode(detail) if detail and detail.startswith("{") else {})


def _version_conflict(found: dict[str, Any]) -> LedgerError:
    return VersionConflict(
        f"{found['stream_id']} is at version {found['actual']}, not {found['expected']}: read it again and retry",
        next_step="read it again and repeat the change if it is still wanted",
        **found,
    )


def _not_a_member(found: dict[str, Any]) -> LedgerError:
    return NotFound(
        f"this database has no ledger {found['ledger']} for the role {found['role']}",
        next_step="run `tracking-ledger init`, or ask its administrator to make the role a member",
        **found,
    )


def _not_unique(found: dict[str, Any]) -> LedgerError:
    return NotUnique(
        f"{found['relation'].replace('_', ' ')} {found['target']!r} is taken by {found['id']}",
        next_step="use another value, or change the thing that has it",
        **found,
    )


_SITUATIONS: dict[str, Callable[[dict[str, Any]], LedgerError]] = {
    "TL001": _version_conflict,
    "TL002": lambda found: LostRace("something that the decision looked at changed meanwhile", **found),
    "TL003": lambda found: CommandIdReused(
        f"command id {found['command_id']} was recorded with other arguments at position {found['first_position']}",
        next_step="mint a new command_id for another command",
        **found,
    ),
    "TL004": lambda found: LedgerClosed(
        f"this ledger is closed: {found['reason']}", next_step="see `tracking-ledger doctor`", **found
    ),
    "TL005": _not_a_member,
    "TL006": _not_unique,
    "TL007": lambda found: ReadModelBehind("a read model must be brought up to the log first", **found),
    "TL008": lambda found: LeaseMoved("the lease is not what it was by the ledger's time", **found),
    "TL009": lambda found: Refused("events are append-only", rule="append_only", items=[], next_step="record a new event instead"),
}


class ReadModelBehind(LedgerError):
    """Internal to the write path: fold what is missing, then append again."""

    code = "read_model_behind"
    retryable = True


class LeaseMoved(LedgerError):
    """Internal to the write path: decide again by the ledger's time."""

    code = "lease_moved"
    retryable = True


class _RawLoader(Loader):
    """JSON as the bytes that are stored: whoever needs a value decodes it into its own type."""

    def load(self, data: Buffer) -> bytes:
        return bytes(data)


class _RawBinaryLoader(_RawLoader):
    format = Format.BINARY


def _configure(connection: Connection) -> None:
    connection.adapters.register_loader("json", _RawLoader)
    connection.adapters.register_loader("json", _RawBinaryLoader)
    connection.adapters.register_loader("jsonb", _RawLoader)
