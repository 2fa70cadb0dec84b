"""The read models of one ledger in PostgreSQL."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC
from typing import Any
from uuid import UUID

import msgspec
from psycopg.rows import dict_row

from ledger.errors import Unavailable
from ledger.postgres.database import Connection, Database
from ledger.postgres.store import ENTER
from ledger.resources import sql
from projections.catalog import SHAPES
from projections.tables import Answer, AsOf, with_generations

BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


class PostgresSnapshot:
    """See projections.tables.Snapshot."""

    def __init__(self, connection: Connection, ledger: UUID, as_of: AsOf, generations: dict[str, int]) -> None:
        self._connection = connection
        self._ledger = ledger
        self._generations = generations
        self.as_of = as_of

    def ask(self, question: str, **parameters: Any) -> Answer:
        with self._connection.cursor(row_factory=dict_row) as cursor:
            given = with_generations(parameters, self._ledger, self._generations)
            return cursor.execute(sql(f"questions/{question}"), given).fetchall()  # type: ignore[arg-type]

    def generation(self, projection: str) -> int:
        return self._generations[projection]


class PostgresTables:
    """See projections.tables.Tables. Rows are written by the append and by a replay, never here."""

    def __init__(self, database: Database, ledger: UUID) -> None:
        self._database = database
        self._ledger = ledger
        self._generations: dict[str, int] = {}

    @contextmanager
    def snapshot(self) -> Iterator[PostgresSnapshot]:
        with self._database.joined_transaction(BEGIN) as connection:
            row = connection.execute(ENTER, [self._ledger]).fetchone()
            as_of, self._generations = _entered(row)
            yield PostgresSnapshot(connection, self._ledger, as_of, self._generations)

    def ask(self, question: str, **parameters: Any) -> tuple[AsOf, Answer]:
        """One round trip: the generations are guessed from the last answer, and the question is asked again if they moved."""
        if not self._generations or self._database.in_transaction:
            with self.snapshot() as snapshot:
                return snapshot.as_of, snapshot.ask(question, **parameters)
        guessed = self._generations
        statement = sql(f"questions/{question}")
        with self._database.connection() as connection:
            with connection.pipeline():
                connection.execute(BEGIN)
                entered = connection.execute(ENTER, [self._ledger])
                cursor = connection.cursor(row_factory=dict_row)
                cursor.execute(statement, with_generations(parameters, self._ledger, guessed))  # type: ignore[arg-type]
                connection.execute("COMMIT")
            as_of, self._generations = _entered(entered.fetchone())
            if self._generations == guessed:
                return as_of, cursor.fetchall()
        return self.ask(question, **parameters)


def _entered(row: tuple[Any, ...] | None) -> tuple[AsOf, dict[str, int]]:
    assert row is not None, "enter_ledger answers exactly one row"
    head, head_at, now, generations = row
    found: dict[str, int] = msgspec.json.decode(generations) if generations else {}
    serving = {name: found[f"{name}:{shape}"] for name, shape in SHAPES.items() if f"{name}:{shape}" in found}
    missing = sorted(SHAPES.keys() - serving.keys())
    if missing:
        raise Unavailable(
            f"no complete read model serves {', '.join(missing)}",
            next_step="run `tracking-ledger replay`",
            projections=missing,
        )
    return AsOf(position=head, time=head_at and head_at.astimezone(UTC), now=now.astimezone(UTC)), serving
