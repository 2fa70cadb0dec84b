"""Brings a database to this program's schema: migrations forward only, then functions and grants as they are today.

`sql/migrations/NNNN_*.sql` are never edited after release. Functions and grants are replaced whenever their text
differs from what was applied last by this release or an older one, so a migrated database equals a fresh one, and
an old program that still runs beside a new one does not take its functions back.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

import psycopg
from psycopg import sql

from ledger import __version__
from ledger.errors import NewerProgramNeeded, Refused, Unavailable
from ledger.libpq.session import set_for_transaction
from ledger.resources import folder

OLDEST_SERVER = 150000  # PostgreSQL 15
RELEASE = [int(part) for part in __version__.split(".")]
FUNCTIONS = "functions"  # as what all files of that folder are applied
DEFINED = (
    "SELECT p.oid, p.ctid::text, p.oid::regprocedure::text FROM pg_proc p"
    " WHERE p.pronamespace = 'tracking_ledger'::regnamespace"
    " AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.refobjid = p.oid AND d.classid = 'pg_trigger'::regclass)"
)  # a function that is replaced has another place in the catalogue afterwards
SCHEMA = (
    "CREATE SCHEMA IF NOT EXISTS tracking_ledger;"
    " CREATE TABLE IF NOT EXISTS tracking_ledger.migrations (name text PRIMARY KEY, digest text NOT NULL,"
    " release int[] NOT NULL, applied_at timestamptz NOT NULL DEFAULT clock_timestamp())"
)
LOCK = "LOCK TABLE tracking_ledger.migrations IN SHARE ROW EXCLUSIVE MODE"  # which readers do not wait for

Applied = dict[str, tuple[str, list[int]]]  # name -> (digest, release that applied it)


def migrate(connection: psycopg.Connection) -> list[str]:
    """Applies what is missing, in one transaction under a lock. Answers the names of what it applied."""
    check_server(connection)
    with connection.transaction():
        set_for_transaction(connection)
        with suppress(psycopg.errors.UniqueViolation), connection.transaction():  # another program makes it just now
            connection.execute(SCHEMA)
        connection.execute(LOCK)
        applied = _applied(connection)
        _refuse_newer(applied)
        return list(_apply_missing(connection, applied))


def is_current(connection: psycopg.Connection) -> bool:
    """Whether the database has exactly this program's schema; cheap enough for every start."""
    try:
        applied = _applied(connection)
    except (psycopg.errors.InvalidSchemaName, psycopg.errors.UndefinedTable):
        return False
    _refuse_newer(applied)
    return not any(_is_missing(applied, name, digest) for name, digest, _ in wanted())


def schema_release(connection: psycopg.Connection) -> str:
    """The newest release of the program that has changed this database's schema."""
    return _newest(_applied(connection).values())


def upgrade_to(release: str) -> str:
    """What to do where that release is the newer one."""
    return (
        f"upgrade tracking-ledger on this machine to {release} or newer, in the way it was installed,"
        " and start again what runs of it"
    )


def check_server(connection: psycopg.Connection) -> None:
    """Refuses servers that cannot keep the promises: too old, or with an encoding that cannot hold every text."""
    if connection.info.server_version < OLDEST_SERVER:
        raise unsuitable(
            f"PostgreSQL {connection.info.server_version // 10000} is too old, 15 or newer is needed",
            next_step="point LEDGER_DSN at a newer server, or unset it to use the embedded one",
        )
    encoding = connection.info.parameter_status("server_encoding")
    if encoding not in ("UTF8", None):  # some poolers do not say
        raise unsuitable(
            f"the database's encoding is {encoding}, UTF8 is needed",
            next_step="create a database with ENCODING 'UTF8' TEMPLATE template0 and point LEDGER_DSN at it",
        )


def unsuitable(why: str, next_step: str) -> Refused:
    """The database answers, so nothing is gained by waiting for it: a person has to choose another."""
    return Refused(why, next_step=next_step, rule="unsuitable_database", items=[])


def wanted() -> Sequence[tuple[str, str, str]]:
    """(name, digest, text) of every file, in the order in which they are applied."""
    return _read(folder("sql"))


@cache
def _read(root: Path) -> Sequence[tuple[str, str, str]]:
    """What this program has there, once for each process: a hundred files, of which each start asks the digests."""
    functions = sorted((root / "functions").glob("*.sql"))
    files: list[tuple[str, list[Path]]] = [
        *((path.stem, [path]) for path in sorted((root / "migrations").glob("*.sql"))),
        (FUNCTIONS, functions),
        ("grants", [root / "grants.sql", *functions]),  # a replaced function may need its grant again
    ]
    return [_file(name, [path.read_text(encoding="utf-8") for path in paths]) for name, paths in files]


def _file(name: str, texts: list[str]) -> tuple[str, str, str]:
    text = texts[0] if name == "grants" else "\n".join(texts)
    return name, hashlib.sha256("\n".join(texts).encode()).hexdigest(), text


def _apply_missing(connection: psycopg.Connection, applied: Applied) -> Iterator[str]:
    connection.execute("SET LOCAL check_function_bodies = off")  # functions may name one another in any order
    for name, digest, text in wanted():
        if not _is_missing(applied, name, digest):
            continue
        if name in applied and name[:4].isdigit():
            raise Unavailable(
                f"migration {name} was applied with another text",
                next_step="install the released program; a released migration is never edited",
            )
        before = connection.execute(DEFINED).fetchall()
        connection.execute(sql.SQL(text))
        if name == FUNCTIONS:
            _drop(connection, [found[2] for found in connection.execute(DEFINED).fetchall() if found in before])
        connection.execute(
            "INSERT INTO tracking_ledger.migrations (name, digest, release) VALUES (%s, %s, %s) ON CONFLICT (name)"
            " DO UPDATE SET digest = excluded.digest, release = excluded.release, applied_at = clock_timestamp()",
            [name, digest, RELEASE],
        )
        yield name


def _drop(connection: psycopg.Connection, functions: list[str]) -> None:
    """What no file has any more, or has with other arguments, would stay callable beside what is meant."""
    if functions:
        connection.execute(sql.SQL("DROP ROUTINE " + ", ".join(functions)))


def _applied(connection: psycopg.Connection) -> Applied:
    rows = connection.execute("SELECT name, digest, release FROM tracking_ledger.migrations").fetchall()
    return {name: (digest, release) for name, digest, release in rows}


def _is_missing(applied: Applied, name: str, digest: str) -> bool:
    if name not in applied:
        return True
    found, release = applied[name]
    return found != digest and release <= RELEASE


def _newest(applied: Iterable[tuple[str, list[int]]]) -> str:
    return ".".join(str(part) for part in max(release for _, release in applied))


def _refuse_newer(applied: Applied) -> None:
    known = {name for name, _, _ in wanted()}
    newer = sorted(set(applied) - known)
    if newer:
        release = _newest(applied[name] for name in newer)
        raise NewerProgramNeeded(
            f"this database was migrated by a newer program, {release}: this one, {__version__},"
            f" does not know {', '.join(newer)}",
            next_step=f"{upgrade_to(release)}; nothing was changed here",
            migrations=newer,
            schema_release=release,
        )
