"""Statements sent together: their answers in order, and a session that is fit for the next whatever happens."""

from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

import psycopg
import pytest

from ledger.libpq.round_trip import MOST_KEPT, Statement
from ledger.libpq.session import COMMIT, READING, Session
from ledger.postgres.connection.database import Database
from tests.support.each import each
from tests.support.waits import until

KEPT = Statement(b"SELECT statement FROM pg_prepared_statements WHERE statement LIKE '%our question%'")
QUESTION = b"SELECT 7 AS value /* our question */"
LONG = "x" * 3_000_000  # more than a socket takes at once
LEDGER = UUID(int=3)


@pytest.fixture
def session(owner_dsn: str) -> Iterator[Session]:
    """A new one: those of the owner are not lent from test to test."""
    with Session.connect(owner_dsn, autocommit=True) as session:
        yield session


def test_each_statement_is_answered_in_its_place(session: Session) -> None:
    moment = datetime(2026, 11, 29, tzinfo=UTC)

    answers = session.ask(
        [
            Statement(b"SELECT CAST($1 AS uuid) AS id, CAST($2 AS bigint) AS number", [LEDGER, 5], keep=True),
            Statement(b"SELECT CAST($1 AS text) AS absent WHERE false", [None]),
            Statement(b"SELECT CAST($1 AS timestamptz) AS at", [moment]),
        ]
    )

    assert answers == [[{"id": LEDGER, "number": 5}], [], [{"at": moment}]]


def test_what_is_sent_and_answered_may_be_longer_than_a_socket_takes(session: Session) -> None:
    asked = Statement(b"SELECT CAST($1 AS text) AS long", [LONG])

    assert session.ask([asked, asked]) == [[{"long": LONG}]] * 2


def test_a_statement_in_a_pipeline_is_sent_whole_before_its_answer_is_waited_for(session: Session, dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as other, session.pipeline():
        asked = session.execute("SELECT pg_advisory_lock(20261130), length(%s::text)", [LONG])
        session.send()

        until(lambda: other.execute("SELECT FROM pg_locks WHERE objid = 20261130 AND granted").fetchall())

        assert asked.fetchall() == [("", len(LONG))]


def test_what_is_asked_alone_is_one_transaction_that_has_ended(session: Session) -> None:
    asked = Statement(b"SELECT current_setting('transaction_read_only') AS is_reading")

    assert session.ask_alone(READING, [asked]) == [[{"is_reading": "on"}]]
    assert session.ask([asked]) == [[{"is_reading": "off"}]]


@each("keep", [True, False])
def test_what_begins_and_ends_a_transaction_is_kept_with_what_it_is_for(owner_dsn: str, keep: bool) -> None:
    known = Statement(b"SELECT statement FROM pg_prepared_statements WHERE statement IN ($1, $2)", [READING, "COMMIT"])
    asked = Statement(b"SELECT current_setting('transaction_read_only') AS is_reading", keep=keep)

    with Session.connect(owner_dsn, autocommit=True) as session:
        answers = [session.ask_alone(READING, [asked]) for _ in range(2)]
        [kept] = session.ask([known])

    assert answers == [[[{"is_reading": "on"}]]] * 2
    assert {row["statement"] for row in kept} == ({READING, "COMMIT"} if keep else set())


def test_a_transaction_is_opened_together_with_its_first_statements(session: Session) -> None:
    asked = Statement(b"SELECT current_setting('transaction_read_only') AS is_reading")

    assert session.begin(READING, [asked]) == [[{"is_reading": "on"}]]
    assert session.ask([asked, COMMIT, asked]) == [[{"is_reading": "on"}], [], [{"is_reading": "off"}]]


@pytest.mark.processes
def test_a_first_statement_that_is_refused_leaves_no_transaction_behind(database: Database) -> None:
    with pytest.raises(psycopg.errors.DivisionByZero), database.reading(Statement(b"SELECT 1 / 0")):
        pass

    assert not database.in_transaction
    with database.reading(Statement(b"SELECT 1 AS one")) as (connection, rows):
        assert database.in_transaction
        assert rows == connection.ask([Statement(b"SELECT 1 AS one")])[0] == [{"one": 1}]


def test_only_what_may_be_kept_is_kept_and_only_once(session: Session) -> None:
    session.ask([Statement(QUESTION, keep=True), Statement(QUESTION + b" -- once")])
    session.ask([Statement(QUESTION, keep=True)])

    assert session.ask([KEPT]) == [[{"statement": QUESTION.decode()}]]


@pytest.mark.processes
def test_what_is_kept_is_kept_anew_after_the_driver_has_dropped_everything(session: Session) -> None:
    session.ask([Statement(QUESTION, keep=True)])
    with pytest.raises(psycopg.errors.UndefinedTable), session.transaction():
        session.execute("SELECT 1", prepare=True)
        session.execute("SELECT FROM missing")

    assert session.ask([Statement(QUESTION, keep=True)]) == [[{"value": 7}]]


@pytest.mark.processes
def test_a_session_keeps_no_more_than_its_share(session: Session) -> None:
    for number in range(MOST_KEPT + 5):
        assert session.ask([Statement(QUESTION + b" -- %d" % number, keep=True)]) == [[{"value": 7}]]

    assert len(session.ask([KEPT])[0]) == MOST_KEPT


@pytest.mark.parametrize("keep", [False, True])
def test_a_refused_statement_is_named_by_its_own_error_and_the_session_goes_on(session: Session, keep: bool) -> None:
    with pytest.raises(psycopg.errors.UndefinedTable, match="missing"):
        session.ask_alone(READING, [Statement(QUESTION, keep=True), Statement(b"SELECT FROM missing", keep=keep)])
    session.execute("ROLLBACK")

    assert session.ask([Statement(QUESTION, keep=keep)]) == [[{"value": 7}]]


def test_a_value_that_no_text_can_hold_is_refused_before_anything_is_sent(session: Session) -> None:
    with pytest.raises(psycopg.DataError):
        session.ask([Statement(b"SELECT CAST($1 AS text)", ["nul \x00"])])

    assert session.ask([Statement(QUESTION)]) == [[{"value": 7}]]


def test_a_session_that_the_server_ends_says_why_and_is_closed(session: Session) -> None:
    own = session.info.backend_pid

    with pytest.raises(psycopg.errors.AdminShutdown):
        session.ask([Statement(b"SELECT pg_terminate_backend($1)", [own]), Statement(b"SELECT pg_sleep(10)")])

    assert session.closed


def test_a_kept_statement_whose_answer_changed_its_kind_is_kept_anew(session: Session) -> None:
    session.execute("CREATE TEMPORARY TABLE kinds AS SELECT 1 AS value")
    asked = Statement(b"SELECT * FROM kinds", keep=True)
    session.ask([asked])
    session.execute("ALTER TABLE kinds ALTER value TYPE text")

    with pytest.raises(psycopg.errors.FeatureNotSupported):
        session.ask([asked])

    assert session.ask([asked]) == [[{"value": "1"}]]
