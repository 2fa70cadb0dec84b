"""Brings the log of a ledger from one database to another, event by event as it stands, and proves that it arrived.

The events travel as the bytes of a binary COPY. What arrived is held against the digest chain where it lies, so the
proof is of what is stored and not of what was sent; one portion is proved while the next one is on its way.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from uuid import UUID

from msgspec import Struct
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ledger import resources
from ledger.errors import VERIFY, Damaged, LedgerError, Refused
from ledger.postgres.connection.connect import as_owner, open_ledger, register
from ledger.postgres.connection.database import Connection, Database
from ledger.postgres.connection.driver_errors import translated
from ledger.postgres.ledgers import ARRIVING, MOVED, LedgerState, head
from ledger.postgres.store import ENTER, PostgresStore
from ledger.settings import Settings

EMBEDDED = "embedded"  # how the embedded server is called as a place
PORTION = 50_000  # events that are copied and proved at a time
SECRETS = ("password", "passfile", "sslpassword", "sslkey")
MOVING_LOCK = "SELECT tracking_ledger.begin_moving(%s)"
EXPECT = "SELECT * FROM tracking_ledger.expect_events(%s, %s)"
PROVE = "SELECT tracking_ledger.prove_events(%s, %s, %s)"
SUM = "SELECT * FROM tracking_ledger.sum_of_read_model(%s, %s, %s, %s)"

Sums = dict[str, tuple[int, str] | None]  # rows and digest of each read model; None for one that is behind the log
Arrived = Callable[[int], None]  # is called with the position up to which the events are there


class LedgerLocation(Struct, frozen=True, kw_only=True):
    """A database as one ledger uses it: `key` is what it is known by there, `origin` what its chain begins with.

    `called` is how the directory calls it.
    """

    settings: Settings
    database: Database
    store: PostgresStore
    key: UUID
    origin: UUID
    called: str | None = None

    @property
    def name(self) -> str:
        """How to connect to it, without its secrets; `embedded` for the embedded server."""
        return self.called or public(self.settings.dsn)

    def head(self) -> LedgerState:
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


@contextmanager
def moving_lock(database: Database, key: UUID) -> Iterator[Callable[[], None]]:
    """While this is open no other process moves the ledger away from there; call the answer to see that this is still
    so.

    Raises Refused if another does, Unavailable from the answer when the hold was lost.
    """
    with database.apart() as connection:
        if not connection.execute(MOVING_LOCK, [key]).fetchall()[0][0]:
            raise Refused(
                "this ledger is being moved by another process",
                next_step="wait until that one has ended",
                rule="not_alone",
                items=[],
            )
        yield lambda: _answers(connection)


def _answers(connection: Connection) -> None:
    with translated():
        connection.execute("SELECT 1")


def prepare(place: LedgerLocation, name: str, shapes: dict[str, int]) -> None:
    """The ledger is known there; also one that moved away from there before, and one that is on its way to it."""
    try:
        open_ledger(place.database, place.key, name, shapes, origin=place.origin)
    except LedgerError as error:
        if error.details.get("reason") not in (MOVED, ARRIVING):
            raise
        register(place.database, place.key, shapes)  # one that was only placed has none yet


def copy(source: LedgerLocation, target: LedgerLocation, up_to: int, arrived: Arrived) -> int:
    """Brings the target up to a position of the source, in portions. Answers how many events that took.

    `arrived` is called for each portion, in another thread, while the next one is on its way. Refused when the target
    holds another history.
    """
    before = target.head()
    check_same_history(source, before)
    with ThreadPoolExecutor(1, "tracking-ledger-arrived") as following:
        announced: Future[None] = following.submit(arrived, before.position)
        for after in range(before.position, up_to, PORTION):
            end = min(after + PORTION, up_to)
            _portion(source, target, after, end)
            announced.result()
            announced = following.submit(arrived, end)
        announced.result()
    return max(up_to - before.position, 0)


def prove(place: LedgerLocation, after: int, up_to: int) -> None:
    """Raises Damaged unless each event between two positions is there and follows from the one before it."""
    with place.database.transaction() as connection:  # no call of ordinary length
        wrong = connection.execute(PROVE, [place.key, after, up_to]).fetchall()[0][0]
    if wrong is not None:
        raise Damaged(
            f"the event at position {wrong} of {place.name} is not there as it was recorded",
            next_step=VERIFY,
            position=wrong,
        )


def check_same_history(source: LedgerLocation, target: LedgerState) -> None:
    """What the target has must be the beginning of what the source has."""
    if not holds(source, target):
        raise Refused(
            f"the ledger there has another history: at position {target.position} the two differ",
            next_step="move it to a database that does not have this ledger",
            rule="another_history",
            items=[{"position": target.position}],
        )


def holds(place: LedgerLocation, head: LedgerState) -> bool:
    """Whether the log of a place has what another one ends with."""
    if head.position == 0:
        return True
    found = next(iter(place.store.read_all(head.position - 1, head.position)), None)
    return found is not None and found.digest == head.digest


def sums(place: LedgerLocation, shapes: dict[str, int], after: int = 0) -> Sums:
    """What the read models hold; after a position, only that of entities with events since then."""
    with place.database.joined_transaction() as connection:
        found = {name: connection.execute(SUM, [place.key, name, shape, after]) for name, shape in shapes.items()}
        rows = {name: asked.fetchall() for name, asked in found.items()}
    return {name: (answer[0][0], answer[0][1]) if answer else None for name, answer in rows.items()}


def _portion(source: LedgerLocation, target: LedgerLocation, after: int, up_to: int) -> None:
    bounds = {"ledger": sql.Literal(str(source.key)), "after": sql.Literal(after), "up_to": sql.Literal(up_to)}
    with source.database.transaction() as reading, as_owner(target.settings, "put events there") as writing:
        reading.execute(ENTER, [source.key])
        there = writing.execute(EXPECT, [target.key, target.origin]).fetchall()[0][0]
        if there != after:
            raise Refused(
                f"the log there is at position {there}, not {after}: another program writes to it",
                next_step="end the program that writes there, and repeat it",
                rule="not_alone",
                items=[{"position": there}],
            )
        writing.execute(resources.sql("moving/stage"))
        with (
            reading.cursor().copy(sql.SQL(resources.sql("moving/copy_out")).format(**bounds)) as given,
            writing.cursor().copy(resources.sql("moving/copy_in")) as taken,
        ):
            for data in given:
                taken.write(data)
        writing.execute(resources.sql("moving/take_in"), {"ledger": target.key})
