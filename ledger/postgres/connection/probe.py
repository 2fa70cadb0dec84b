"""What a server is asked before a schema is made in it: whether it is PostgreSQL, and whether its locks lock.

Engines that speak its protocol accept an advisory lock and give it to all, or keep it on one node. The log
would then lose events without a word, so the proof is by two connections and not by a name.
"""

import secrets

from ledger.errors import Refused
from ledger.libpq.session import Session
from ledger.postgres.migrate import unsuitable

RELATED = ("CockroachDB", "-YB-", "Materialize", "CrateDB", "QuestDB")  # in version(), of engines that were not tried
TAKE = "SELECT pg_advisory_xact_lock(%s::bigint)"
TRY = "SELECT pg_try_advisory_xact_lock(%s::bigint)"


def prove(conninfo: str) -> None:
    """Refuses a server on which two writers could append at the same time."""
    with (
        Session.connect(conninfo) as one,
        Session.connect(conninfo, autocommit=True) as other,
    ):
        version = str(one.execute("SELECT version()").fetchall()[0][0])
        if any(name in version for name in RELATED) or not version.startswith("PostgreSQL"):
            raise _refused(f"this is not PostgreSQL, but {version[:80]}")
        key = secrets.randbits(62)
        one.execute(TAKE, [key])
        if other.execute(TRY, [key]).fetchall()[0][0]:
            raise _refused("its advisory locks do not lock: a second connection was given the same one")


def _refused(why: str) -> Refused:
    return unsuitable(
        f"this server cannot keep a ledger: {why}",
        next_step="point LEDGER_DSN at PostgreSQL 15 or newer, see docs/operations.md",
    )
