"""A report made for what is shown of it shows what the whole one does, in every store, whatever has happened."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as some

from ledger.postgres.connection.database import Database
from projections.reports import report
from tests.support.examples import examples
from tests.support.ledgers import Ledger, in_memory, on_postgres
from tests.support.random_histories import Action, attempt, command, histories

Open = Callable[[], AbstractContextManager[Ledger]]


@pytest.fixture
def opened(request: pytest.FixtureRequest) -> Iterator[Open]:
    """Opens a new ledger for every example."""
    if request.param == "memory":
        yield _in_memory
        return
    database = Database(request.getfixturevalue("dsn"))

    @contextmanager
    def on_server() -> Iterator[Ledger]:
        yield on_postgres(database, uuid4())

    yield on_server
    database.close()


@pytest.mark.parametrize("opened", ["memory", "postgres"], indirect=True)
@examples(60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(histories, some.integers(0, 6))
def test_a_report_of_what_is_shown_is_the_beginning_of_the_whole_one(
    opened: Open, happened: list[Action], most: int
) -> None:
    with opened() as ledger:
        recorded: list[int] = []
        for number, doing in enumerate(happened):
            if (done := attempt(ledger, number, command(ledger, doing, recorded))) is not None and done.positions:
                recorded.append(number)

        with ledger.tables.snapshot() as snapshot:
            whole = report.document(snapshot, "project")
            in_markdown = report.document(snapshot, "project", shown=report.IN_MARKDOWN)
            short = report.document(snapshot, "project", shown=report.Shown(vendors=most, lines=most))

    assert report.with_ids(in_markdown) == report.with_ids(whole)
    assert report.folded(short, most) == report.folded(whole, most)


@contextmanager
def _in_memory() -> Iterator[Ledger]:
    with TemporaryDirectory() as folder, in_memory(Path(folder) / "rows.sqlite3", uuid4()) as ledger:
        yield ledger
