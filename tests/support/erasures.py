"""An erasure recorded in PostgreSQL as the operation records it, by whichever role a test says, and what is left."""

from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
from psycopg import sql

from ledger.across.erasure import of_entity
from ledger.aggregates.erasure.commands import EraseTexts
from ledger.aggregates.erasure.events import ErasedPayload
from ledger.envelope import Submission, minted_id
from ledger.handler import Handler
from ledger.postgres.owned_log import owned_log
from ledger.settings import Settings
from projections.questions.world_questions import TableNeighbourhood
from projections.read_models.fold import propose
from tests.support.ledgers import Ledger


def erase(ledger: Ledger, dsn: str, stream: str, payloads: tuple[ErasedPayload, ...] | None = None) -> None:
    """The texts of a stream, or what the payloads say; as the role of `dsn`."""
    store = ledger.store
    chosen = of_entity(store.read_all(), stream) if payloads is None else payloads
    command = EraseTexts(id=minted_id(command_id := uuid4()), payloads=chosen)
    with owned_log(Settings(project=Path(), pgdata=Path(), dsn=dsn), store.ledger, store.ledger) as log:
        handler = Handler(log, TableNeighbourhood(ledger.tables), propose)
        handler.execute(Submission(command=command, command_id=command_id, by="ann", occurred_at=datetime.now(UTC)))


def tables_holding(owner_dsn: str, ledger: UUID, text: str) -> list[str]:
    """The tables of the schema in which a row of the ledger of this key holds a text, in whatever case."""
    found = []
    with psycopg.connect(owner_dsn) as owner:
        owner.execute("SELECT set_config('ledger.id', %s, false)", [str(ledger)])
        tables = owner.execute(
            "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'ledger_id'"
            " WHERE c.relnamespace = 'tracking_ledger'::regnamespace AND c.relkind = 'r'"
        ).fetchall()
        for (name,) in tables:
            question = "SELECT count(*) FROM tracking_ledger.{} t WHERE ledger_id = %s AND t::text ILIKE %s"
            asked = owner.execute(sql.SQL(question).format(sql.Identifier(name)), [ledger, f"%{text}%"])
            found += [name] if asked.fetchall()[0][0] else []
    return found
