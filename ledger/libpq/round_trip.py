"""Statements that a session sends together: one round trip, and one wait for all their answers.

The driver's own pipeline does the same with a cursor for each statement and several waits, which cost more processor
time than most questions.
"""

from collections.abc import Generator, Sequence
from itertools import count
from typing import Any, NamedTuple

import psycopg
from msgspec import Struct
from psycopg.abc import Buffer
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus, Format
from psycopg.pq.abc import PGconn, PGresult
from psycopg.waiting import Ready, Wait

Rows = list[dict[str, Any]]
Tuples = list[tuple[Any, ...]]
MOST_KEPT = 200  # statements that a session keeps; what comes after them is parsed each time
FORGOTTEN = ("0A000", "26000")  # the server has changed what a kept statement answers, or has it no more


class Statement(Struct, frozen=True):
    """A statement with numbered parameters: $1, $2.

    `keep` lets the server keep it prepared. `binary` asks for an answer in binary form, which costs less for what is no
    text.
    """

    text: bytes
    values: Sequence[Any] = ()
    keep: bool = False
    binary: bool = False


class _Dumped(NamedTuple):
    text: bytes
    keep: bool
    values: Sequence[Buffer | None]
    types: tuple[int, ...]
    formats: Sequence[Format]
    answers: Format


class RoundTrips:
    """The round trips of one session. The driver's own pipelines are not used meanwhile."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._pgconn = connection.pgconn
        self._adapting = Transformer(connection)
        self._names: dict[object, bytes] = {}
        self._number = count()

    def ask(self, statements: Sequence[Statement]) -> list[Rows]:
        """The rows of each. Raises the error of the first that is refused; those behind it are not carried out."""
        return [self._rows(answer) for answer in self._answers(statements)]

    def ask_tuples(self, statements: Sequence[Statement]) -> list[Tuples]:
        """The same without the names of columns."""
        return [self._tuples(answer) for answer in self._answers(statements)]

    def forget(self) -> None:
        """The server has been asked to keep nothing any more."""
        self._names.clear()

    def _answers(self, statements: Sequence[Statement]) -> list[PGresult]:
        sent = [self._dumped(statement) for statement in statements]
        results: list[PGresult] = []
        new: dict[object, bytes] = {}
        try:
            self._pgconn.enter_pipeline_mode()
            answering = [is_answer for statement in sent for is_answer in self._send(statement, new)]
            self._pgconn.pipeline_sync()
            self._connection.wait(_received(self._pgconn, results))
            self._pgconn.exit_pipeline_mode()
        except BaseException:
            self._connection.close()  # what is still on its way belongs to no other question
            self._check(results)  # why the server has ended the session
            raise
        self._check(results)
        self._names |= new
        return [result for result, is_answer in zip(results, answering, strict=True) if is_answer]

    def _dumped(self, statement: Statement) -> _Dumped:
        answers = Format.BINARY if statement.binary else Format.TEXT
        if not statement.values:  # like the two that begin and end a transaction
            return _Dumped(statement.text, statement.keep, (), (), (), answers)
        values = self._adapting.dump_sequence(statement.values, [PyFormat.AUTO] * len(statement.values))
        types, formats = self._adapting.types or (), self._adapting.formats or ()
        return _Dumped(statement.text, statement.keep, values, types, formats, answers)

    def _send(self, sent: _Dumped, new: dict[object, bytes]) -> tuple[bool, ...]:
        """Sends it, and says of each result that will come whether it is the answer."""
        key = (sent.text, sent.types)
        name = self._names.get(key) or new.get(key)
        is_new = name is None and sent.keep and len(self._names) + len(new) < MOST_KEPT
        if is_new:
            name = new[key] = b"tracking_ledger_%d" % next(self._number)
            self._pgconn.send_prepare(name, sent.text, sent.types)
        if name is None:
            self._pgconn.send_query_params(sent.text, sent.values, sent.types, sent.formats, sent.answers)
        else:
            self._pgconn.send_query_prepared(name, sent.values, sent.formats, sent.answers)
        return (False, True) if is_new else (True,)

    def _check(self, results: list[PGresult]) -> None:
        for result in results:
            if result.status == ExecStatus.FATAL_ERROR:
                error = error_from_result(result, encoding="utf-8")
                if error.sqlstate in FORGOTTEN:
                    self.forget()
                raise error

    def _rows(self, result: PGresult) -> Rows:
        if not result.ntuples:
            return []
        self._adapting.set_pgresult(result)
        names = [(result.fname(column) or b"").decode() for column in range(result.nfields)]

        def row(values: Sequence[Any]) -> dict[str, Any]:
            return dict(zip(names, values, strict=True))

        return self._adapting.load_rows(0, result.ntuples, row)

    def _tuples(self, result: PGresult) -> Tuples:
        if not result.ntuples:
            return []
        self._adapting.set_pgresult(result)
        return self._adapting.load_rows(0, result.ntuples, tuple)


def sent(pgconn: PGconn) -> Generator[Wait, Ready | int, None]:
    """Sends what is left; yields what is waited for."""
    while pgconn.flush():
        if (yield Wait.RW) & Ready.R:
            pgconn.consume_input()


def _received(pgconn: PGconn, results: list[PGresult]) -> Generator[Wait, Ready | int, None]:
    """Sends what is left and collects the results up to the end of the pipeline; yields what is waited for."""
    yield from sent(pgconn)
    while True:
        while pgconn.is_busy():
            if (yield Wait.R):
                pgconn.consume_input()
        result = pgconn.get_result()
        if result is None:  # between two statements
            continue
        if result.status == ExecStatus.PIPELINE_SYNC:
            return
        results.append(result)
