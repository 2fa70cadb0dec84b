"""What the errors of the driver and of our own functions on the server stand for."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec
import psycopg
import psycopg_pool

from ledger import store_errors
from ledger.errors import LedgerError, NewerProgramNeeded, OutcomeUnknown, Unavailable
from ledger.postgres.connection.deadline import CONNECT_SECONDS

LOCK_NOT_AVAILABLE = "55P03"
MAY_NOT = "42501"


def situation(sqlstate: str | None, detail: str | None) -> LedgerError | None:
    """What an SQLSTATE of our own stands for; None for one that is not ours."""
    translate = _SITUATIONS.get(sqlstate or "")
    if translate is None:
        return None
    return translate(**(msgspec.json.decode(detail) if detail and detail.startswith("{") else {}))


def is_held_up(error: LedgerError) -> bool:
    """Whether the server is well, and others held the ledger's lock for too long."""
    return isinstance(error, Unavailable) and error.details.get("sqlstate") == LOCK_NOT_AVAILABLE


def lacks_privileges(error: LedgerError) -> bool:
    """Whether the server is well, and the role that we come as may not do this there."""
    return isinstance(error, Unavailable) and error.details.get("sqlstate") == MAY_NOT


def missing_privileges(error: psycopg.errors.InsufficientPrivilege) -> Unavailable:
    return Unavailable(
        f"the role of LEDGER_DSN lacks privileges in this database: {' '.join(str(error).split())}",
        next_step="let the owner of the schema run: GRANT tracking_ledger_writer TO that role",
        sqlstate=MAY_NOT,
    )


class _Translated:
    """No generator: every call of the program is in one."""

    def __enter__(self) -> None:
        return

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        if error is not None and (ours := meaning(error)) is not None:
            raise ours from error


def translated() -> _Translated:
    """Driver errors as ours. What was not sent is Unavailable; what was sent and lost is OutcomeUnknown."""
    return _Translated()


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


def hung_up() -> Unavailable:
    return Unavailable(
        "PostgreSQL has closed the connection before anything was sent",
        next_step="see `tracking-ledger doctor`; try again when the server is back",
        hung_up=True,
    )


def meaning(error: BaseException) -> LedgerError | None:
    """What an error of the driver stands for; None for one that is not its own, or means nothing to a caller."""
    match error:
        case psycopg_pool.PoolTimeout():
            return Unavailable(
                f"no connection to PostgreSQL within {CONNECT_SECONDS:g} s",
                next_step="see `tracking-ledger doctor`; try again when the server is back",
            )
        case psycopg.OperationalError() | psycopg.errors.ReadOnlySqlTransaction():  # the latter leads no more
            return _lost(error)
        case psycopg.errors.InsufficientPrivilege():
            return missing_privileges(error)
        case psycopg.errors.UndefinedFunction():
            return NewerProgramNeeded(
                "a newer program has changed this database's functions while this one was running",
                next_step="start it again, and upgrade it if it says so; nothing was recorded",
            )
        case psycopg.Error():
            return situation(error.sqlstate, error.diag.message_detail)
        case _:
            return None


def _lost(error: psycopg.Error) -> LedgerError:
    """A server that ends the connection may do so after the commit, while it waits for a standby."""
    if error.sqlstate is None or error.diag.severity_nonlocalized in ("FATAL", "PANIC"):
        return OutcomeUnknown(
            f"the connection to PostgreSQL was lost: {str(error).strip()}",
            next_step="repeat it with the same command_id; a command is never recorded twice",
        )
    return Unavailable(
        f"PostgreSQL cannot answer: {str(error).strip()}",
        next_step="see `tracking-ledger doctor`",
        sqlstate=error.sqlstate,
    )


_SITUATIONS: dict[str, Callable[..., LedgerError]] = {
    "TL001": store_errors.version_conflict,
    "TL002": store_errors.lost_race,
    "TL003": store_errors.command_id_reused,
    "TL004": store_errors.ledger_closed,
    "TL005": store_errors.not_a_member,
    "TL006": store_errors.not_unique,
    "TL007": store_errors.read_model_behind,
    "TL008": store_errors.lease_moved,
    "TL009": store_errors.append_only,
    "TL010": store_errors.does_not_follow,
    "TL011": store_errors.another_history,
    "TL012": store_errors.lost_history,
    "TL013": store_errors.ledger_full,
}
