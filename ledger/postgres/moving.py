"""Brings the log of a ledger from one database to another, event by event as it stands, and proves that it arrived.

The events travel as the bytes of a binary COPY. What arrived is read again and held against the digest chain, so the
proof is of what is stored and not of what was sent.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from uuid import UUID

import psycopg
from msgspec import Struct
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ledger import resources
from ledger.codec import digest
from ledger.errors import Damaged, LedgerClosed, Refused
from ledger.postgres.connect import open_ledger, owner_conninfo
from ledger.postgres.database import Database, translated
from ledger.postgres.ledgers import Head, head
from ledger.postgres.store import ENTER, PostgresStore
from ledger.settings import Settings

EMBEDDED = "embedded"  # how the embedded server is called as a place
PORTION = 200_000  # events that are copied and proved at a time
SECRETS = ("password", "passfile", "sslpassword", "sslkey")
EXPECT = "SELECT * FROM tracking_ledger.expect_events(%s, %s)"
SUM = "SELECT * FROM tracking_ledger.sum_of_read_model(%s, %s, %s)"


class Place(Struct, frozen=True, kw_only=True):
    """A database as one ledger uses it: `key` is what it is known by there, `origin` what its chain begins with."""

    settings: Settings
    database: Database
    store: PostgresStore
    key: UUID
    origin: UUID

    @property
    def name(self) -> str:
        """How to connect to it, without what nobody should read; `embedded` for the embedded server."""
        return public(self.settings.dsn)

    def head(self) -> Head:
        return head(self.database, self.key)


def public(dsn: str | None) -> str:
    """
    >>> public("postgresql://ann:secret@example.org/tracking")
    'user=ann dbname=tracking host=example.org'
    """
    if dsn is None:
        return EMBEDDED
    given = {key: value for key, value in conninfo_to_dict(dsn).items() if key not in SECRETS and value != ""}
    return make_conninfo("", **given)


def prepare(place: Place, name: str, shapes: dict[str, int]) -> None:
    """The ledger is known there; also one that moved away from there before."""
    with suppress(LedgerClosed):  # it is coming back
        open_ledger(place.database, place.key, name, shapes, origin=place.origin)


def copy(source: Place, target: Place, up_to: int) -> int:
    """Brings the target up to a position of the source, in portions. Answers how many events that took.

    Refused when the target holds another history; Damaged when what arrived does not follow from what was there.
    """
    before = target.head()
    check_same_history(source, before)
    after, known = before.position, before.digest
    for end in (*range(after + PORTION, up_to, PORTION), up_to):
        if end > after:
            _portion(source, target, after, end)
            known = _proved(target, after, end, known)
            after = end
    return after - before.position


def check_same_history(source: Place, target: Head) -> None:
    """What the target has must be the beginning of what the source has."""
    if target.position == 0:
        return
    here = next(iter(source.store.read_all(target.position - 1, target.position)), None)
    if here is None or here.digest != target.digest:
        raise Refused(
            f"the ledger there has another history: at position {target.position} the two differ",
            next_step="move it to a database that does not have this ledger",
            rule="another_history",
            items=[{"position": target.position}],
        )


def sums(place: Place, shapes: dict[str, int]) -> dict[str, tuple[int, str] | None]:
    """Rows and digest of every read model; None for one that is behind the log."""
    found: dict[str, tuple[int, str] | None] = {}
    for name, shape in shapes.items():
        rows = place.database.call(SUM, [place.key, name, shape])
        found[name] = (rows[0][0], rows[0][1]) if rows else None
    return found


def _portion(source: Place, target: Place, after: int, up_to: int) -> None:
    bounds = {"ledger": sql.Literal(str(source.key)), "after": sql.Literal(after), "up_to": sql.Literal(up_to)}
    with source.database.transaction() as reading, _owner(target) as writing:
        reading.execute(ENTER, [source.key])
        standing = writing.execute(EXPECT, [target.key, target.origin]).fetchall()[0][0]
        if standing != after:
            raise Refused(
                f"the log there is at position {standing}, not {after}: somebody else writes to it",
                next_step="end whatever writes there, and repeat it",
                rule="not_alone",
                items=[{"position": standing}],
            )
        writing.execute(resources.sql("moving/stage"))
        with (
            reading.cursor().copy(sql.SQL(resources.sql("moving/copy_out")).format(**bounds)) as given,
            writing.cursor().copy(resources.sql("moving/copy_in")) as taken,
        ):
            for data in given:
                taken.write(data)
        writing.execute(resources.sql("moving/take_in"), {"ledger": target.key})


def _proved(target: Place, after: int, up_to: int, known: bytes) -> bytes:
    """The digest at the end of what arrived, if all of it follows from what was known."""
    position = after
    for position, event in enumerate(target.store.read_all(after, up_to), after + 1):
        known = digest(known, event)
        if event.position != position or event.digest != known:
            raise Damaged(f"the event at position {position} did not arrive as it was sent", position=position)
    if position != up_to:
        raise Damaged(f"only the events up to {position} of {up_to} arrived", position=position)
    return known


@contextmanager
def _owner(target: Place) -> Iterator[psycopg.Connection]:
    """A transaction as the role that owns the schema there."""
    with translated():
        try:
            with psycopg.connect(owner_conninfo(target.settings)) as connection:
                yield connection
        except psycopg.errors.InsufficientPrivilege as error:
            raise Refused(
                f"this role may not put events there: {str(error).strip()}",
                next_step="set LEDGER_ADMIN_DSN to the role that owns the schema there, and repeat it",
                rule="owner_only",
                items=[],
            ) from error
