"""The ledgers of one database, as a role sees those it is a member of: list, name, close and open, members."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from ledger.errors import Invalid, NotFound, Refused
from ledger.postgres.connection.connect import as_owner
from ledger.postgres.connection.database import Database
from ledger.settings import Settings

# why a ledger is closed: until it is opened by hand; by a move: for the last events, for good, until all of it is there
ARCHIVED, MOVING, MOVED, ARRIVING = "archived", "moving", "moved", "arriving"
SHORTEST = 4  # characters of an id that may stand for it


class KnownLedger(Struct, frozen=True, kw_only=True):
    """`head` is the last position, 0 for an empty ledger, and `most_events` how far it may go; None for no limit.

    A closed one says why, and where it went if it did.
    """

    id: UUID
    name: str
    state: str
    reason: str | None
    successor: str | None
    created_at: datetime
    head: int
    head_at: datetime | None
    members: tuple[str, ...]
    most_events: int | None = None

    @property
    def archived(self) -> bool:
        return self.state == "closed" and self.reason == ARCHIVED


class LedgerState(Struct, frozen=True, kw_only=True):
    """Where one ledger stands: the end of its log, and its state."""

    position: int
    digest: bytes
    state: str
    reason: str | None
    successor: str | None
    most_events: int | None


def overview(database: Database) -> list[KnownLedger]:
    """All that the role may use, the oldest first. Looks at the end of each one's log."""
    rows = database.call("SELECT * FROM tracking_ledger.ledger_overview()")
    return [
        KnownLedger(
            id=row[0],
            name=row[1],
            state=row[2],
            reason=row[3],
            successor=row[4],
            created_at=row[5],
            head=row[6],
            head_at=row[7],
            members=tuple(row[8] or ()),
            most_events=row[9],
        )
        for row in rows
    ]


def find(database: Database, word: str) -> KnownLedger:
    """The ledger of an id, of the beginning of one, or of a name. NotFound, or Invalid if it can be several."""
    known = overview(database)
    named = [ledger for ledger in known if ledger.name.casefold() == word.casefold()]
    begins = [ledger for ledger in known if len(word) >= SHORTEST and str(ledger.id).startswith(word.lower())]
    found = list({ledger.id: ledger for ledger in (*begins, *named)}.values())
    if len(found) > 1:
        raise Invalid(
            f"{word} can be {' or '.join(f'{ledger.id} ({ledger.name})' for ledger in found)}",
            next_step="give more characters of its id",
            fields=[{"field": "ledger", "problem": "is ambiguous", "value": word}],
        )
    if not found:
        raise NotFound(
            f"this database has no ledger {word!r} for this role",
            next_step="see `tracking-ledger ledgers list --with-archived`",
            ledger=word,
        )
    return found[0]


def head(database: Database, ledger: UUID) -> LedgerState:
    row = database.call("SELECT * FROM tracking_ledger.head_of(%s)", [ledger])[0]
    return LedgerState(
        position=row[0], digest=bytes(row[1]), state=row[2], reason=row[3], successor=row[4], most_events=row[5]
    )


def rename(database: Database, ledger: UUID, name: str) -> None:
    database.call("SELECT tracking_ledger.rename_ledger(%s, %s)", [ledger, name])


def close(database: Database, ledger: UUID, reason: str, successor: str | None = None) -> tuple[int, bytes]:
    """Ends all appending; answers position and digest of the head. LedgerClosed if it was closed otherwise."""
    [(head, digest)] = database.call(
        "SELECT * FROM tracking_ledger.close_ledger(%s, %s, %s)", [ledger, reason, successor]
    )
    return head, bytes(digest)


def reopen(database: Database, ledger: UUID, reason: str) -> None:
    """LedgerClosed if it was closed for another reason."""
    database.call("SELECT tracking_ledger.reopen_ledger(%s, %s)", [ledger, reason])


def set_quota(settings: Settings, ledger: UUID, most: int | None) -> None:
    """How many events the ledger may have, None for no limit. Refused for all but the owner of the schema."""
    with as_owner(settings, "set a quota") as connection:
        connection.execute("SELECT tracking_ledger.set_quota(%s, %s)", [ledger, most])


def allow(database: Database, ledger: UUID, role: str) -> None:
    """A database role may use the ledger, and so may all its members.

    NotFound if the server has no such role, Refused for one that may not use any ledger of this database.
    """
    match _set_member(database, ledger, role, allowed=True):
        case "no_role":
            raise _no_role(role, "create it, and grant it tracking_ledger_writer")
        case "no_right":
            raise Refused(
                f"{role} may not use any ledger of this database",
                next_step="grant it tracking_ledger_writer first",
                rule="no_right",
                items=[{"role": role}],
            )


def deny(database: Database, ledger: UUID, role: str) -> None:
    """Refused for the role by which the caller uses the ledger, so that at least one role always can.

    NotFound for what neither uses the ledger nor is a role of the server.
    """
    match _set_member(database, ledger, role, allowed=False):
        case "no_role":
            raise _no_role(role, "name it as the server does, in the same case")
        case "own_access":
            raise Refused(
                f"you use ledger {ledger} through the role {role} yourself",
                next_step="add another role, and let that one do it",
                rule="own_access",
                items=[{"role": role}],
            )


def _no_role(role: str, next_step: str) -> NotFound:
    return NotFound(f"this server has no role {role}", next_step=next_step, role=role)


def _set_member(database: Database, ledger: UUID, role: str, *, allowed: bool) -> str:
    answer: str = database.call("SELECT tracking_ledger.set_member(%s, %s, %s)", [ledger, role, allowed])[0][0]
    return answer
