"""The directory: of several databases the one of the settings, where each ledger's row says in which of them it lies.

A ledger in another one is closed in the directory as moved, to `service=NAME`: a service of libpq, whose address and
secrets every machine has in files of its own. So a database's row leads a program to nothing but what that machine's
administrator has named, and no table holds a password. The rows of the databases lead on to where a ledger went, so
one that the directory does not know yet is found too.
"""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from uuid import UUID

import msgspec
from msgspec import Struct
from msgspec.structs import replace
from psycopg.conninfo import make_conninfo

from ledger.errors import Invalid, NotFound, Refused, Unavailable
from ledger.libpq.conninfo import as_given, effective
from ledger.postgres import ledgers
from ledger.postgres.connection.connect import as_owner, connect
from ledger.postgres.connection.database import Database
from ledger.postgres.connection.driver_errors import translated
from ledger.postgres.ledgers import ARRIVING, MOVED, KnownLedger
from ledger.postgres.log_copy import EMBEDDED
from ledger.settings import Settings

DIRECTORY = "directory"  # how its own database is called among the others
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}")
SERVICE = "service="
AWAY = "away"
ELSEWHERE = (MOVED, ARRIVING)  # why a ledger is closed where it is not, or not yet: its successor says where it is
MOST_MOVES = 8  # from database to database that are followed at once
AT_ONCE = 8  # databases that are asked at the same time
PLACE = "SELECT tracking_ledger.place_ledger(%s, %s, %s)"
LIST = "SELECT * FROM tracking_ledger.list_databases()"
ADD = "SELECT * FROM tracking_ledger.add_database(%s, %s, %s)"
REMOVE = "SELECT tracking_ledger.remove_database(%s)"
OWN = "SELECT tracking_ledger.list_own_ledgers()::text"


class Listed(Struct, frozen=True, kw_only=True):
    """A database of the directory; `ledgers` is how many lie there by the directory."""

    name: str
    takes_new: bool
    ledgers: int


class Located(Struct, frozen=True, kw_only=True):
    """A ledger and the database in which it lies; `away` as its state where that could not be asked."""

    ledger: KnownLedger
    database: str


def databases(database: Database) -> list[Listed]:
    """The databases of the directory: the one that holds it, as `directory`, then the others by name."""
    return [Listed(name=name, takes_new=takes, ledgers=count) for name, takes, count in database.call(LIST)]


def place(database: Database, key: UUID, name: str, wanted: str | None = None) -> str:
    """The database of the directory in which a ledger lies; a new one is placed in the wanted one, or with fewest."""
    found: str | None = database.call(PLACE, [key, name, wanted])[0][0]
    if found is not None:
        return found
    require(database, wanted)
    raise Refused(
        "no database of this directory takes new ledgers",
        next_step="let one take them: `tracking-ledger databases add NAME`",
        rule="no_database",
        items=[],
    )


def require(database: Database, name: str | None) -> None:
    """Raises NotFound for a name that the directory does not have."""
    known = databases(database)
    if name is not None and name not in {one.name for one in known}:
        raise _unknown(name, known)


def overview(given: Settings, here: Database) -> list[Located]:
    """All ledgers that the role may use in the databases of the directory, which is open `here`; the oldest first."""
    known = ledgers.overview(here)
    names = sorted({name for one in known if (name := _home(one)) is not None})
    with ThreadPoolExecutor(AT_ONCE, "tracking-ledger-overview") as pool:
        there = dict(zip(names, pool.map(lambda name: _overview_in(given, name), names), strict=True))
    return [_located(one, there) for one in known]


def find(given: Settings, here: Database, word: str) -> tuple[Database, KnownLedger]:
    """The ledger of an id, of the beginning of one, or of a name, and the database in which it lies.

    That is `here`, or another one that the caller closes. Raises NotFound, Invalid if it can be several, Unavailable.
    """
    known = ledgers.find(here, word)
    settings = settings_elsewhere(given, known.reason, known.successor)
    if settings is None:
        return here, known
    there = connect(settings)
    try:
        return there, ledgers.find(there, str(known.id))
    except BaseException:
        there.close()
        raise


def service_of(successor: str | None) -> str | None:
    """
    >>> service_of("service=west"), service_of("host=west"), service_of("service=west host=elsewhere")
    ('west', None, None)
    """
    name = (successor or "").removeprefix(SERVICE)
    return name if successor == SERVICE + name and NAME.fullmatch(name) else None


def in_service(given: Settings, name: str) -> Settings:
    """The settings of a database of the directory. Of LEDGER_ADMIN_DSN the role alone holds there."""
    dsn = SERVICE + name
    with translated():
        role = effective(as_given(given.admin_dsn)).get("user") if given.admin_dsn else None
    return replace(given, dsn=dsn, admin_dsn=make_conninfo(dsn, user=role) if role else None, read_dsn=None)


def settings_elsewhere(given: Settings, reason: object, successor: str | None) -> Settings | None:
    """The settings of the database in which a ledger is that has this reason to be closed here; None where it is here,
    or the way there is not known."""
    return settings_at(given, successor) if reason in ELSEWHERE else None


def settings_at(given: Settings, place: str | None) -> Settings | None:
    """The settings of a place; None where the way there is not known.

    A server that a person named is left for another one of the directory only; from the embedded server every way is
    known.
    """
    if place == DIRECTORY:
        return given
    if place == EMBEDDED:
        return given if given.dsn is None else None
    if (name := service_of(place)) is not None:
        return in_service(given, name)
    if given.dsn is None and place is not None:
        return replace(given, dsn=place)
    return None


@contextmanager
def named(what: str, where: str) -> Iterator[None]:
    """A database that a command names: if it cannot be reached, its address is not to be corrected in the settings."""
    try:
        yield
    except Unavailable as error:
        step = f"start its server, or correct {where}"
        raise Unavailable(f"{what} cannot be used: {error.message}", next_step=step, **error.details) from error


def add(given: Settings, name: str, *, takes_new: bool) -> int:
    """Makes a database known to the directory, migrated, with the ledgers that it has. Answers how many it has.

    Refused where one of them lies somewhere else by the directory, and for a role that does not own the schema.
    """
    if not NAME.fullmatch(name) or name == EMBEDDED:
        raise Invalid(
            f"{name[:80]!a} cannot name a database: letters, digits, _, . and - are allowed, and not {EMBEDDED}",
            next_step="name it like its section in ~/.pg_service.conf",
            fields=[{"field": "name", "problem": "is no name of a service", "value": ascii(name[:80])}],
        )
    connect(given).close()
    own = "[]"
    if name != DIRECTORY:
        there = in_service(given, name)
        with named(f"the database {name}", f"its section [{name}] in ~/.pg_service.conf"):
            connect(there).close()
        with as_owner(there, "see all ledgers there") as connection:
            own = connection.execute(OWN).fetchall()[0][0]
    with as_owner(given, "change the directory") as connection:
        elsewhere = [row[0] for row in connection.execute(ADD, [name, takes_new, own]).fetchall()]
    if elsewhere:
        raise Refused(
            f"{name} has ledgers that lie elsewhere by this directory: {', '.join(map(str, elsewhere))}",
            next_step="find out with `tracking-ledger verify` which of the two is in use, and archive the other",
            rule="two_homes",
            items=[{"ledger": str(ledger)} for ledger in elsewhere],
        )
    return len(msgspec.json.decode(own))


def remove(given: Settings, name: str) -> None:
    """Takes a database out of the directory. Refused while ledgers lie there."""
    with closing(connect(given)) as database:
        known = databases(database)
    if name == DIRECTORY or name not in {one.name for one in known}:
        raise _unknown(name, [one for one in known if one.name != DIRECTORY])
    with as_owner(given, "change the directory") as connection:
        left = connection.execute(REMOVE, [name]).fetchall()[0][0]
    if left:
        raise Refused(
            f"{left} ledgers lie in {name}",
            next_step=f"move them to another one first: `tracking-ledger ledgers list` names those in {name}",
            rule="not_empty",
            items=[],
        )


def _home(known: KnownLedger) -> str | None:
    return service_of(known.successor) if known.reason in ELSEWHERE else None


def _overview_in(given: Settings, name: str) -> dict[UUID, KnownLedger]:
    try:
        with closing(connect(in_service(given, name))) as database:
            return {one.id: one for one in ledgers.overview(database)}
    except Unavailable:
        return {}


def _located(known: KnownLedger, there: dict[str, dict[UUID, KnownLedger]]) -> Located:
    name = _home(known)
    if name is None:
        return Located(ledger=known, database=DIRECTORY)
    away = replace(known, state=AWAY, reason=None, successor=None)
    return Located(ledger=there[name].get(known.id, away), database=name)


def _unknown(name: str, known: list[Listed]) -> NotFound:
    names = [one.name for one in known]
    return NotFound(
        f"this directory has no database {name}, only {', '.join(names) or 'its own'}",
        next_step="name one of these, or make it known with `tracking-ledger databases add`",
        database=name,
        known=names,
    )
