"""The read models of one ledger in PostgreSQL."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC
from functools import cache, lru_cache
from itertools import islice
from typing import Any
from uuid import UUID

import msgspec

from ledger.envelope import RowChange
from ledger.errors import LedgerError, Refused
from ledger.libpq.round_trip import Rows, Statement
from ledger.libpq.session import COMMIT, READING
from ledger.postgres.connection.database import Connection, Database
from ledger.postgres.literals import are_new, documents, entries_json, row_json
from ledger.postgres.store import ENTER, LOCK
from ledger.resources import sql
from projections.read_models.catalog import PROJECTIONS, SHAPES
from projections.read_models.columns import has_marks
from projections.tables.contract import ATTEMPTS, Answer, AsOf, Question, incomplete, serving, with_generations
from projections.tables.question_text import KEPT, filtering, has_filters, with_filters

NEW = "SELECT tracking_ledger.new_generation(%s)"
REBUILD_LOCK = "SELECT tracking_ledger.begin_rebuilding(%s)"
REMOVE = "SELECT tracking_ledger.remove_retired(%s, %s)"
FILL = "SELECT tracking_ledger.fill_generation(%s, %s, %s, %s, %s, %s, %s)"
MARK = "SELECT tracking_ledger.mark_generation(%s, %s)"
SERVE = "SELECT tracking_ledger.serve_generation(%s, %s, %s, %s)"
ENTER_NUMBERED = ENTER.replace("%s", "$1").encode()
ENTER_FOR_PLANS = b"SELECT *, pg_catalog.set_config('plan_cache_mode', $2, true) FROM tracking_ledger.enter_ledger($1)"
ONE_PLAN, OWN_PLANS = "force_generic_plan", "force_custom_plan"  # see _plan_mode
SET_PLAN_MODE = b"SELECT pg_catalog.set_config('plan_cache_mode', $1, true)"
BEHIND = "SELECT projection, shape, behind_after FROM projections WHERE ledger_id = %s AND behind_after IS NOT NULL"
NUMBERS = "SELECT projection, shape, generation FROM projections WHERE ledger_id = %s AND projection = ANY (%s)"
BATCH = 1000  # rows in one call
PARAMETER = re.compile(r"%\((\w+)\)s")
PORTION = 5000  # rows that are removed in one transaction

_encode = msgspec.json.Encoder().encode


class PostgresSnapshot:
    """See projections.tables.contract.Snapshot.

    `plan_mode` is what its transaction has; None where that is not its own, so that it may not be changed.
    """

    def __init__(
        self,
        connection: Connection,
        ledger: UUID,
        as_of: AsOf,
        generations: dict[str, int],
        *,
        prepares: bool,
        plan_mode: str | None,
    ) -> None:
        self._connection = connection
        self._ledger = ledger
        self._generations = generations
        self._prepares = prepares
        self._plan_mode = plan_mode
        self.as_of = as_of

    def ask(self, question: str, **parameters: Any) -> Answer:
        return self._connection.ask(self._statements(question, parameters))[-1]

    def ask_all(self, questions: Sequence[Question]) -> list[Answer]:
        statements, answers = [], []
        for question, parameters in questions:
            statements += self._statements(question, parameters)
            answers.append(len(statements) - 1)
        found = self._connection.ask(statements)
        return [found[place] for place in answers]

    def generation(self, projection: str) -> int:
        return self._generations[projection]

    def _statements(self, question: str, parameters: dict[str, Any]) -> list[Statement]:
        """What is sent for a question; the last of them answers it."""
        given = with_generations(parameters, self._ledger, self._generations)
        asked, mode = _statement(question, given, self._prepares), _plan_mode(question)
        if not self._prepares or self._plan_mode in (None, mode):
            return [asked]
        self._plan_mode = mode
        return [Statement(SET_PLAN_MODE, [mode], keep=True), asked]


class PostgresGeneration:
    """See projections.tables.contract.Generation."""

    def __init__(self, connection: Connection, ledger: UUID, generations: dict[str, int], *, fresh: bool) -> None:
        self._connection = connection
        self._ledger = ledger
        self._generations = generations
        self._empty = set(generations) if fresh else set()

    def put(self, projection: str, rows: Iterable[RowChange]) -> None:
        """While the server takes one batch the next is made."""
        generation = self._generations[projection]
        is_empty = projection in self._empty
        self._empty.discard(projection)
        left, taken = iter(rows), None
        with self._connection.pipeline():
            while batch := list(islice(left, BATCH)):
                encoded = [_encode([row_json(row) for row in batch]), _encode(entries_json(batch))]
                given = [self._ledger, projection, generation, *(text.decode() for text in encoded), documents(batch)]
                given.append(is_empty and are_new(batch))
                if taken:
                    taken.fetchone()
                taken = self._connection.execute(FILL, given)
                self._connection.send()
        if is_empty and has_marks(PROJECTIONS[projection].columns):
            self._connection.execute(MARK, [self._ledger, generation])

    def serve(self) -> None:
        for name, generation in self._generations.items():
            self._connection.execute(SERVE, [self._ledger, name, SHAPES[name], generation])


class PostgresTables:
    """See projections.tables.contract.Tables. Rows are written by the append and by a replay, never here.

    `catch_up` is called when a read model of this program is behind; without one, such a view is refused.
    """

    def __init__(self, database: Database, ledger: UUID, catch_up: Callable[[], None] | None = None) -> None:
        self._database = database
        self._ledger = ledger
        self._catch_up = catch_up
        self._generations: dict[str, int] = {}

    @contextmanager
    def snapshot(self) -> Iterator[PostgresSnapshot]:
        catch_up = self._catch_up or (lambda: None)
        for _ in range(ATTEMPTS):
            mode = None if self._database.in_transaction else ONE_PLAN
            with self._database.reading(self._enters(mode)) as (connection, entered):
                as_of, generations = _entered(entered)
                if self._catch_up is None or generations.keys() == SHAPES.keys():
                    yield self._snapshot(connection, as_of, generations, mode)
                    return
            catch_up()
        with self._database.joined_transaction() as connection:  # programs of another version write without a pause
            connection.execute(LOCK, [self._ledger])
            catch_up()
            yield self._snapshot(connection, *self._enter(connection))

    def ask(self, question: str, **parameters: Any) -> tuple[AsOf, Answer]:
        as_of, [answer] = self.ask_all([(question, parameters)])
        return as_of, answer

    def ask_all(self, questions: Sequence[Question]) -> tuple[AsOf, list[Answer]]:
        """One round trip: the generations are guessed from the last answer; if they moved, all is asked again."""
        if self._database.in_transaction:
            return self._asked_of_snapshot(questions)
        if not self._generations:
            return self._asked_first(questions) or self._asked_of_snapshot(questions)
        guessed = self._generations
        with self._database.connection() as connection:
            statements = [self._entering(questions), *self._statements(questions, guessed)]
            entered, *answers = connection.ask_alone(READING, statements)
        as_of, found = _entered(entered)
        if found == guessed:
            return as_of, answers
        self._generations = {}
        return self.ask_all(questions)

    def _asked_first(self, questions: Sequence[Question]) -> tuple[AsOf, list[Answer]] | None:
        """What serves is not known yet: one round trip finds out. None where a read model is behind."""
        with self._database.reading(self._entering(questions)) as (connection, entered):
            as_of, generations = _entered(entered)
            if generations.keys() != SHAPES.keys():
                return None
            self._generations = generations
            return as_of, connection.ask([*self._statements(questions, generations), COMMIT])[:-1]

    def _asked_of_snapshot(self, questions: Sequence[Question]) -> tuple[AsOf, list[Answer]]:
        with self.snapshot() as snapshot:
            return snapshot.as_of, [snapshot.ask(question, **parameters) for question, parameters in questions]

    def _entering(self, questions: Sequence[Question]) -> Statement:
        modes = {_plan_mode(question) for question, _ in questions}
        return self._enters(ONE_PLAN if modes == {ONE_PLAN} else OWN_PLANS)

    def _enters(self, plan_mode: str | None) -> Statement:
        if plan_mode is None:
            return Statement(ENTER_NUMBERED, [self._ledger], self._database.prepares)
        return Statement(ENTER_FOR_PLANS, [self._ledger, plan_mode], self._database.prepares)

    def _statements(self, questions: Sequence[Question], generations: dict[str, int]) -> list[Statement]:
        prepares = self._database.prepares
        return [
            _statement(question, with_generations(given, self._ledger, generations), prepares)
            for question, given in questions
        ]

    def behind(self) -> dict[str, int]:
        with self._database.joined_transaction() as connection:
            connection.execute(ENTER, [self._ledger])
            rows = connection.execute(BEHIND, [self._ledger]).fetchall()
        return {name: seen for name, shape, seen in rows if SHAPES.get(name) == shape}

    @contextmanager
    def rebuild_lock(self) -> Iterator[None]:
        self._remove_retired()
        with self._database.apart() as connection:
            if not connection.execute(REBUILD_LOCK, [self._ledger]).fetchall()[0][0]:
                raise _under_way()
            yield
            self._remove_retired()

    @contextmanager
    def rebuilding(self, projections: Iterable[str]) -> Iterator[PostgresGeneration]:
        with self._database.joined_transaction() as connection:
            numbers = {name: connection.execute(NEW, [self._ledger]).fetchall()[0][0] for name in projections}
            yield PostgresGeneration(connection, self._ledger, numbers, fresh=True)

    @contextmanager
    def extending(self, projections: Iterable[str]) -> Iterator[PostgresGeneration]:
        with self._database.joined_transaction() as connection:
            connection.execute(ENTER, [self._ledger])
            rows = connection.execute(NUMBERS, [self._ledger, list(projections)]).fetchall()
            numbers = {name: number for name, shape, number in rows if SHAPES.get(name) == shape}
            yield PostgresGeneration(connection, self._ledger, numbers, fresh=False)

    def _remove_retired(self) -> None:
        """Removes what served before, also what a killed program left of it; never within a transaction."""
        while not self._database.in_transaction and self._database.call(REMOVE, [self._ledger, PORTION])[0][0]:
            pass

    def _enter(self, connection: Connection) -> tuple[AsOf, dict[str, int]]:
        return _entered(connection.ask([self._enters(None)])[0])

    def _snapshot(
        self, connection: Connection, as_of: AsOf, generations: dict[str, int], plan_mode: str | None = None
    ) -> PostgresSnapshot:
        if generations.keys() != SHAPES.keys():
            raise incomplete(generations)
        self._generations = generations
        return PostgresSnapshot(
            connection, self._ledger, as_of, generations, prepares=self._database.prepares, plan_mode=plan_mode
        )


def _statement(question: str, given: dict[str, Any], prepares: bool) -> Statement:
    text, names = _numbered(question, filtering(sql(f"questions/{question}"), given))
    values = [_array(value) if isinstance(value, list) else value for value in (given[name] for name in names)]
    return Statement(text, values, keep=prepares)


@lru_cache(KEPT)
def _numbered(question: str, filters: frozenset[str]) -> tuple[bytes, list[str]]:
    """The statement with numbered parameters, and their names: the driver would take a long one apart each time."""
    statement = with_filters(sql(f"questions/{question}"), filters)
    names = list(dict.fromkeys(PARAMETER.findall(statement)))
    return PARAMETER.sub(lambda found: f"${names.index(found[1]) + 1}", statement).encode(), names


@cache
def _plan_mode(question: str) -> str:
    """Planning a question takes longer than most take to answer, so the server keeps a plan of each.

    Where filters are given, the best plan depends on what they look for: there it keeps what it has read of the
    question, and plans it for the values. Left to itself it may go on with a plan of a ledger that has grown since.
    """
    return OWN_PLANS if has_filters(sql(f"questions/{question}")) else ONE_PLAN


def _array(values: list[str]) -> str:
    """An array of texts as PostgreSQL reads one, in a fifth of the time the driver takes for a long list."""
    escaped = (value.replace("\\", "\\\\").replace('"', '\\"') for value in values)
    return "{" + ",".join(f'"{value}"' for value in escaped) + "}"


def _under_way() -> LedgerError:
    return Refused(
        "another replay of this ledger is under way",
        rule="replay_under_way",
        items=[],
        next_step="wait until it is done; what it rebuilds needs no second replay",
    )


def _entered(rows: Rows) -> tuple[AsOf, dict[str, int]]:
    [row] = rows
    head_at, generations = row["head_at"], row["generations"]
    as_of = AsOf(position=row["head"], time=head_at and head_at.astimezone(UTC), now=row["now"].astimezone(UTC))
    return as_of, _serving(generations)


@lru_cache(100)
def _serving(generations: str | None) -> dict[str, int]:
    """The same in nearly every question, and never changed by its users."""
    return serving(msgspec.json.decode(generations) if generations else {})
