"""What every session needs, decided here alone: settings that change the text of an answer or what a statement means.

A role, a database, a variable or another client of a pooler may have set any of them otherwise. Our own session gets
them in its startup packet, because a timeout may end it before its first statement, and again in that statement,
because some variables win over the packet. Behind a pooler the next transaction may run in another session, so each
transaction sets them for itself.
"""

import re
import select
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, cached_property
from typing import Any, LiteralString, Self

import psycopg
from psycopg import IsolationLevel, Transaction
from psycopg.abc import PQGen
from psycopg.conninfo import make_conninfo
from psycopg.pq import TransactionStatus

from ledger.libpq.conninfo import effective
from ledger.libpq.round_trip import RoundTrips, Rows, Statement, Tuples, sent

WRITING = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
READING = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
COMMIT = Statement(b"COMMIT")
DEFAULTS = {"connect_timeout": "5", "fallback_application_name": "tracking-ledger"}  # seconds for each host

SETTINGS = {  # beside client_encoding, which a connection string can say
    # the text of an answer
    "DateStyle": "ISO",
    "IntervalStyle": "postgres",
    "TimeZone": "UTC",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "quote_all_identifiers": "off",
    # what a statement means
    "search_path": "pg_catalog",
    "standard_conforming_strings": "on",
    "array_nulls": "on",
    "transform_null_equals": "off",
    "row_security": "on",
    "gin_fuzzy_search_limit": "0",
    "default_transaction_isolation": "read committed",
    "default_transaction_read_only": "off",
    "default_transaction_deferrable": "off",
    # how it ends: the program has limits of its own, see LEDGER_CALL_SECONDS
    "exit_on_error": "off",
    "statement_timeout": "0",
    "lock_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "idle_session_timeout": "0",
}
SINCE_17 = {"transaction_timeout": "0"}  # in the packet once the server is known, for older ones would refuse it
FOR_SESSION = (  # which may not be ours, and is left alone then
    b"SELECT process, CASE WHEN process OPERATOR(pg_catalog.=) %d THEN ROW(%b)::pg_catalog.text END"
    b" FROM pg_catalog.pg_backend_pid() process"
)
ENDED_AT_ONCE = re.compile("transaction timeout|transaction_timeout")
REFUSED = re.compile("startup parameter|unrecognized configuration parameter")

_refused: set[str] = set()  # connection strings whose pooler or server takes no options of ours
_since_17: set[str] = set()  # and those that lead to such a server


class Session(psycopg.Connection[Any]):
    """A connection whose statements mean what they say, and whose answers have the expected form.

    `is_pooled`: each transaction may run in another session of the server.
    """

    is_pooled = False
    _waited = 0.0  # seconds, in calls that have ended
    _waits_since: float | None = None  # by time.monotonic; None where no call is under way

    @classmethod
    def connect(cls, conninfo: str = "", *, autocommit: bool = False, **given: Any) -> Self:
        is_first = conninfo not in _since_17
        try:
            session = cls._ready(conninfo, given)
        except psycopg.Error as error:  # by the packet, or by the first statement
            if ENDED_AT_ONCE.search(str(error)):  # only such a server has that limit
                _since_17.add(conninfo)
            if not is_first or conninfo not in _since_17:
                raise
            session = cls._ready(conninfo, given)  # the packet takes the limit away
        session.autocommit = autocommit
        return session

    @property
    def has_hung_up(self) -> bool:
        """Whether the server has closed the connection while it was idle, as far as this machine knows by now."""
        if not hasattr(select, "poll"):
            return False
        looking = select.poll()
        looking.register(self.fileno(), getattr(select, "POLLRDHUP", 0))  # a hang-up is reported without it too
        return bool(looking.poll(0))

    def wait(self, *given: Any, **more: Any) -> Any:
        self._waits_since = begun = time.monotonic()
        try:
            return super().wait(*given, **more)
        finally:
            self._waits_since = None  # first: another thread may look now
            self._waited += time.monotonic() - begun

    def waited(self, now: float) -> float:
        """Seconds in all calls so far, up to now by time.monotonic. What passes between calls does not count."""
        ended = self._waited  # read first: a call that ends meanwhile must not count twice
        return ended + self.waits(now)

    def waits(self, now: float) -> float:
        """Seconds in the call that is under way."""
        since = self._waits_since
        return 0.0 if since is None else now - since

    def begin(self, begin: LiteralString = WRITING, first: Sequence[Statement] = ()) -> list[Rows]:
        """Opens a transaction that the caller ends, also after an error. The rows of its first statements, in the same
        round trip."""
        opening = self._opening(begin)
        return self.ask([*opening, *first])[len(opening) :]

    def ask(self, statements: Sequence[Statement]) -> list[Rows]:
        """The rows of each, in one round trip."""
        return self._round_trips.ask(statements)

    def ask_alone(self, begin: LiteralString, statements: Sequence[Statement]) -> list[Rows]:
        """The same in a transaction of its own. After an error the caller rolls back.

        Where the server may keep all of them, it keeps what begins and ends the transaction too.
        """
        keep = bool(statements) and all(statement.keep for statement in statements)
        opening = self._opening(begin, keep)
        answers = self.ask([*opening, *statements, Statement(COMMIT.text, keep=keep)])
        return answers[len(opening) : -1]

    def call(self, statement: Statement) -> Tuples:
        """The rows of one, in one round trip; behind a pooler it brings a transaction, if it is in none."""
        if self.is_pooled and self.info.transaction_status == TransactionStatus.IDLE:
            return self._round_trips.ask_tuples([*self._opening(WRITING), statement, COMMIT])[-2]
        return self._round_trips.ask_tuples([statement])[0]

    def send(self) -> None:
        """Sends all that was asked in the driver's pipeline. It leaves what the socket does not take at once until the
        next answer is waited for, and the server waits for the rest of a long statement meanwhile."""
        self.wait(sent(self.pgconn))

    def _opening(self, begin: LiteralString, keep: bool = False) -> list[Statement]:
        opening = [Statement(begin.encode(), keep=keep)]
        return [*opening, Statement(_settings_of_transaction(self))] if self.is_pooled else opening

    def _deallocate(self, name: bytes | None) -> PQGen[None]:
        """The driver drops what it has prepared, all of it after a rollback: then the server drops ours as well."""
        if name is None:
            self._round_trips.forget()
        return super()._deallocate(name)

    @cached_property
    def _round_trips(self) -> RoundTrips:
        return RoundTrips(self)

    @contextmanager
    def transaction(self, savepoint_name: str | None = None, force_rollback: bool = False) -> Iterator[Transaction]:
        is_first = self.info.transaction_status == TransactionStatus.IDLE
        with super().transaction(savepoint_name, force_rollback) as transaction:
            if is_first and self.is_pooled:
                set_for_transaction(self)
            yield transaction

    @classmethod
    def _ready(cls, conninfo: str, given: dict[str, Any]) -> Self:
        session = cls._opened(conninfo, given)
        if _is_since_17(session):
            _since_17.add(conninfo)  # before a statement: its limit may end the session without a word
        try:
            session._set()
        except BaseException:
            session.close()
            raise
        return session

    @classmethod
    def _opened(cls, conninfo: str, given: dict[str, Any]) -> Self:
        known = effective(conninfo)
        missing = {name: value for name, value in DEFAULTS.items() if name not in known}
        plain = make_conninfo(conninfo, client_encoding="UTF8", **missing)
        if conninfo not in _refused:
            try:
                options = _options(SETTINGS | (SINCE_17 if conninfo in _since_17 else {}))
                asked = make_conninfo(plain, options=f"{known.get('options', '')} {options}")
                return super().connect(asked, autocommit=True, **given)
            except psycopg.OperationalError as error:
                if not REFUSED.search(str(error)):
                    raise
                _refused.add(conninfo)
        return super().connect(plain, autocommit=True, **given)

    def _set(self) -> None:
        own = self.info.backend_pid
        asked = self.execute(FOR_SESSION % (own, _calls(b"false", _is_since_17(self))))
        self.is_pooled = asked.fetchall()[0][0] != own
        if self.is_pooled:  # how transaction() begins
            self.isolation_level, self.read_only, self.deferrable = IsolationLevel.READ_COMMITTED, False, False


def set_for_transaction(connection: psycopg.Connection[Any]) -> None:
    """What SETTINGS say holds until the end of the transaction that this connection is in."""
    connection.execute(_settings_of_transaction(connection))


def _settings_of_transaction(connection: psycopg.Connection[Any]) -> bytes:
    return b"SELECT " + _calls(b"true", _is_since_17(connection))


def _options(settings: Mapping[str, str]) -> str:
    return " ".join("-c " + f"{name}={value}".replace(" ", "\\ ") for name, value in settings.items())


@cache
def _calls(local: bytes, is_since_17: bool) -> bytes:
    """SETTINGS as a list of values, whose evaluation sets them."""
    settings = SETTINGS | (SINCE_17 if is_since_17 else {})
    return b", ".join(
        b"pg_catalog.set_config('%b', '%b', %b)" % (n.encode(), v.encode(), local) for n, v in settings.items()
    )


def _is_since_17(connection: psycopg.Connection[Any]) -> bool:
    return connection.info.server_version >= 170000
