"""From settings to a database that is ready: the embedded server or a given one, migrated, its ledger registered."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from uuid import UUID

import msgspec
import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from ledger.embedded.server import EmbeddedServer
from ledger.errors import Invalid, LedgerError, OutcomeUnknown, Refused, Unavailable
from ledger.libpq.conninfo import as_given
from ledger.libpq.session import Session
from ledger.postgres.connection.database import SESSION, Database
from ledger.postgres.connection.driver_errors import missing_privileges, translated
from ledger.postgres.connection.hosts import leader_first
from ledger.postgres.connection.pooler import keeps_statements
from ledger.postgres.connection.pools import Pools, Reached
from ledger.postgres.connection.probe import prove
from ledger.postgres.migrate import check_server, is_current, migrate
from ledger.settings import Settings

DATABASE = "tracking_ledger"
OWNER = "tracking_ledger_owner"  # owns the schema and may migrate it; no work is done as this role
APPLICATION = "tracking_ledger_app"  # a writer: may read rows and execute the API functions, nothing more
WRITER = "tracking_ledger_writer"

Found = tuple[str, Session | None]  # how a database that is ready is reached, and a session of it if one is open


def embedded_server(settings: Settings) -> EmbeddedServer:
    return EmbeddedServer(settings.pgdata, settings.pgbin)


def connect(settings: Settings) -> Database:
    """A database with this program's schema. Starts the embedded server if no other is given."""
    return Connector(settings).database()


class Connector:
    """The way to the database of some settings. `is_starting`: it answered or is starting, so waiting makes sense."""

    def __init__(self, settings: Settings, pools: Pools | None = None) -> None:
        self._pools = pools or Pools()
        self.go_to(settings)
        self._seen = False
        self._kept = True  # as far as is known, what is prepared there stays prepared

    @property
    def is_starting(self) -> bool:
        self._seen = self._seen or (self._server is not None and self._server.starting)
        return self._seen or self._pools.is_coming(self._place)

    def database(self) -> Database:
        """A database that is ready."""
        self._seen = False
        conninfo, session = self._shared(), None
        if conninfo is None:
            conninfo, session = self._tried()
        return Database(
            conninfo,
            prepare=self._settings.prepare and self._kept,
            call_seconds=self._settings.call_seconds,
            first=session,
            pools=self._pools,
            is_away=lambda: self._pools.is_away(self._place),
        )

    def go_to(self, settings: Settings) -> None:
        """Leads to the database of other settings from here on."""
        self._settings = settings
        self._server = embedded_server(settings) if settings.dsn is None else None

    def _tried(self) -> Found:
        with self._pools.trying(
            self._place, lambda: self._seen or (self._server is not None and self._server.starting)
        ):
            conninfo, session = self._given() if self._server is None else self._embedded(self._server)
        self._pools.note(self._place, Reached(conninfo=conninfo, keeps_statements=self._kept))
        return conninfo, session

    def require_attempt(self) -> None:
        """Raises Unavailable where others of this process have found it away, and it is not time to try again."""
        self._pools.require_attempt(self._place)

    def forget(self) -> None:
        """What is known of the way there did not lead to it: the next try finds it again."""
        self._pools.forget(self._place)

    @property
    def _place(self) -> str:
        """What tells the database from others; the administrator has seen to its schema, too."""
        settings = self._settings
        return f"{settings.pgdata}" if settings.dsn is None else f"{settings.dsn} {settings.admin_dsn}"

    def _shared(self) -> str | None:
        """How others of this process have reached it, who still use it."""
        reached = self._pools.reached(self._place)
        if reached is None:
            return None
        self._kept = reached.keeps_statements
        return reached.conninfo

    def _given(self) -> Found:
        dsn, admin_dsn = self._settings.dsn, self._settings.admin_dsn
        assert dsn is not None
        _check("LEDGER_DSN or --dsn", dsn)
        _check("LEDGER_ADMIN_DSN or --admin-dsn", admin_dsn or dsn)
        with _opening():
            conninfo = leader_first(as_given(dsn))
            return conninfo, _migrate_given(conninfo, as_given(admin_dsn or dsn), self._answered)

    def _embedded(self, server: EmbeddedServer) -> Found:
        server.ensure()
        self._answered()
        conninfo = server.conninfo(APPLICATION, DATABASE)
        session = _ready(conninfo)
        if session is None:
            with _opening():
                prepare_own(server.conninfo)
        return conninfo, session

    def _answered(self, connection: Session | None = None) -> None:
        self._seen = True
        if connection is not None:
            self._kept = keeps_statements(connection)


def owner_conninfo(settings: Settings) -> str:
    """How to connect as the owner of the schema; with a given server, as whom the settings call the administrator."""
    if settings.dsn is not None:
        return as_given(settings.admin_dsn or settings.dsn)
    return embedded_server(settings).conninfo(OWNER, DATABASE)


@contextmanager
def as_owner(settings: Settings, work: str) -> Iterator[Session]:
    """A transaction as the role that owns the schema. Refused for one that may not do this work."""
    with translated():
        try:
            with Session.connect(owner_conninfo(settings)) as connection, connection.transaction():
                yield connection
        except psycopg.errors.InsufficientPrivilege as error:
            raise Refused(
                f"this role may not {work}: {str(error).strip()}",
                next_step="set LEDGER_ADMIN_DSN to the role that owns the schema there, and repeat it",
                rule="owner_only",
                items=[],
            ) from error


def open_ledger(
    database: Database, ledger: UUID, name: str, shapes: Mapping[str, int], *, origin: UUID | None = None
) -> bool:
    """Makes sure that the ledger and its read models are known there. True if it is new.

    `origin` is the ledger it is a copy of. Raises Refused if the database has another history under this key.
    """
    created = database.call("SELECT tracking_ledger.open_ledger(%s, %s, %s)", [ledger, name, _as_json(shapes)])[0][0]
    if origin not in (None, ledger):
        database.call("SELECT tracking_ledger.adopt_origin(%s, %s)", [ledger, origin])
    return bool(created)


def register(database: Database, ledger: UUID, shapes: Mapping[str, int]) -> None:
    """The ledger has these read models there."""
    database.call("SELECT tracking_ledger.register_projections(%s, %s)", [ledger, _as_json(shapes)])


def _as_json(shapes: Mapping[str, int]) -> str:
    return msgspec.json.encode(dict(shapes)).decode()


@contextmanager
def _opening() -> Iterator[None]:
    """Nothing was asked for yet, so a connection that fails here loses nothing."""
    try:
        with translated():
            yield
    except OutcomeUnknown as error:
        raise Unavailable(
            f"PostgreSQL cannot be reached: {' '.join(str(error.__cause__).split())}",
            next_step="see `tracking-ledger doctor`; start the server, or correct LEDGER_DSN or --dsn",
        ) from error
    except psycopg.Error as error:
        raise Unavailable(
            f"the schema cannot be brought up to date: {' '.join(str(error).split())}",
            next_step="nothing was changed; report this message, and go on with the release that worked",
            sqlstate=error.sqlstate,
        ) from error


def _check(setting: str, conninfo: str) -> None:
    try:
        conninfo_to_dict(conninfo)
    except psycopg.ProgrammingError as error:  # its text may repeat a password
        raise Invalid(
            f"{setting} is not a connection string",
            next_step="write it like postgresql://user@host/database or host=... dbname=...",
            fields=[{"field": "dsn", "problem": "is not a connection string"}],
        ) from error


def _ready(conninfo: str) -> Session | None:
    """A session of a database that has this program's schema."""
    try:
        return _current(conninfo, lambda session: None)
    except psycopg.OperationalError:  # no such role or database yet
        return None


def _current(conninfo: str, look: Callable[[Session], None]) -> Session | None:
    with ExitStack() as closed:
        session = closed.enter_context(closing(Session.connect(conninfo, **SESSION)))
        look(session)
        if not is_current(session):
            return None
        closed.pop_all()
        return session


def prepare_own(conninfo: Callable[[str, str], str]) -> None:
    """Roles and database as an administrator of a given server would make them; safe when several do it at once.

    `conninfo` is how a server of our own is reached, as which role and in which database.
    """
    with Session.connect(conninfo("postgres", "postgres"), autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [1])  # a session of our own server, no pooler in between
        for role, rights in ((OWNER, "LOGIN CREATEROLE"), (APPLICATION, "LOGIN"), (WRITER, "NOLOGIN")):
            if not _exists(connection, "SELECT 1 FROM pg_roles WHERE rolname = %s", role):
                connection.execute(sql.SQL("CREATE ROLE {} " + rights).format(sql.Identifier(role)))
        connection.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(WRITER), sql.Identifier(APPLICATION)))
        if not _exists(connection, "SELECT 1 FROM pg_database WHERE datname = %s", DATABASE):
            names = (sql.Identifier(DATABASE), sql.Identifier(OWNER))
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(*names))
    with Session.connect(conninfo(OWNER, DATABASE), autocommit=True) as connection:
        migrate(connection)


def _migrate_given(conninfo: str, administrator: str, answered: Callable[[Session], None]) -> Session | None:
    """A session of that database, which this brings to the schema if need be."""

    def look(session: Session) -> None:
        answered(session)
        check_server(session)

    denied = None
    try:
        if session := _current(conninfo, look):
            return session
    except psycopg.errors.InsufficientPrivilege as error:
        denied = (
            error  # the schema is there and this role may not look at it yet: the administrator's grants are missing
        )
    try:
        administrator = leader_first(administrator)
        with Session.connect(administrator, autocommit=True) as connection:
            prove(administrator)
            migrate(connection)
    except psycopg.errors.InsufficientPrivilege as error:
        raise (missing_privileges(denied) if denied else _may_not_migrate(error)) from error
    return _current(conninfo, look)


def _may_not_migrate(error: psycopg.Error) -> LedgerError:
    return Unavailable(
        f"this role may not create or migrate the schema: {str(error).strip()}",
        next_step="set LEDGER_ADMIN_DSN to a role that may, once;"
        " then grant tracking_ledger_writer to the role of LEDGER_DSN",
    )


def _exists(connection: psycopg.Connection, question: str, name: str) -> bool:
    return connection.execute(question, [name]).fetchone() is not None
