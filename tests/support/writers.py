"""What a writing process does: its whole program, because it is started afresh and shares nothing."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from ledger.aggregates.work_item.commands import CreateWorkItem, UpdateWorkItem
from ledger.errors import VersionConflict
from ledger.postgres.connection.database import Database
from tests.support.given import numbered
from tests.support.ledgers import Ledger, on_postgres

Answer = tuple[str, int, int]  # outcome, number of the write, version it was answered with


def keep_creating(dsn: str, ledger: UUID, first: int, start: Any, stop: Any) -> None:
    """Creates items numbered from `first` on until it is asked to stop."""

    def work(own: Ledger) -> None:
        number = first
        start.wait()
        while not stop.is_set():
            own.execute(number, CreateWorkItem(id=numbered(number), item_type="task", title=f"Item {number}"))
            number += 1

    _on(dsn, ledger, work)


def create_ten(dsn: str, ledger: UUID, first: int, start: Any, answers: Any) -> None:
    """Creates ten items of its own."""

    def work(own: Ledger) -> None:
        start.wait()
        for number in range(first, first + 10):
            command = CreateWorkItem(id=numbered(number), item_type="task", title=f"Item {number}")
            answers.put(("recorded", number, _version(own.execute(number, command).streams)))

    _on(dsn, ledger, work)


def change_ten_times(dsn: str, ledger: UUID, first: int, start: Any, answers: Any) -> None:
    """Changes the one item ten times, each time at the next version, whatever the others do; no reading again."""

    def work(own: Ledger) -> None:
        for step in range(10):
            start.wait()
            answers.put(_change(own, first + step, expected=step + 1))
            start.wait()

    _on(dsn, ledger, work)


def change_ten_times_with_reading_again(dsn: str, ledger: UUID, first: int, start: Any, answers: Any) -> None:
    """Changes the one item ten times; who is refused reads the version again and repeats."""

    def work(own: Ledger) -> None:
        start.wait()
        for number in range(first, first + 10):
            expected = 1
            while (answer := _change(own, number, expected))[0] == "conflict":
                expected = answer[2]
            answers.put(answer)

    _on(dsn, ledger, work)


def migrate(dsn: str, start: Any, answers: Any) -> None:
    """Brings a database to the schema, at the same time as others."""
    import psycopg

    from ledger.postgres.migrate import migrate as bring_up

    start.wait()
    with psycopg.connect(dsn, autocommit=True) as connection:
        answers.put(bring_up(connection))


def _change(own: Ledger, number: int, expected: int) -> Answer:
    change = UpdateWorkItem(id=numbered(0), expected=expected, fields={"title": f"Write {number}"})
    try:
        return "recorded", number, _version(own.execute(number, change).streams)
    except VersionConflict as conflict:
        assert conflict.details["expected"] == expected
        actual: int = conflict.details["actual"]
        return "conflict", number, actual


def _version(streams: dict[str, int]) -> int:
    [version] = streams.values()
    return version


def _on(dsn: str, ledger: UUID, work: Callable[[Ledger], None]) -> None:
    database = Database(dsn, prepare=False)  # dsn may lead to a pooler that keeps no statements
    try:
        work(on_postgres(database, ledger))
    finally:
        database.close()
