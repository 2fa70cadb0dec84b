"""A disk that takes only a part of what it is given, or fails in the middle of it, makes no file say what is false."""

import errno
import os
import resource
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from uuid import UUID

import pytest

from ledger.machine import disk
from ledger.offline.acknowledged_position import Acknowledged
from ledger.offline.seen_position import Seen
from ledger.resources import sql
from tests.support.each import each
from tests.support.given import numbered

Write = Callable[[int, bytes, int], int]


def in_pieces(whole: Write) -> Write:
    return lambda descriptor, content, at: whole(descriptor, content[: max(1, len(content) // 2)], at)


def failing_in_the_middle(whole: Write) -> Write:
    def write(descriptor: int, content: bytes, at: int) -> int:
        if at:
            raise OSError(errno.EIO, "the disk fails")
        return whole(descriptor, content[:17], at)

    return write


def command(number: int) -> UUID:
    return UUID(numbered(number))


def test_what_is_written_in_pieces_is_there_as_a_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "pwrite", in_pieces(os.pwrite))
    Acknowledged(tmp_path).write(9, command(1))
    Seen(tmp_path).note(9)

    Acknowledged(tmp_path).write(18, command(2))
    Seen(tmp_path).note(18)

    said = Acknowledged(tmp_path).read()
    assert said is not None
    assert (said.position, said.command_id) == (18, command(2))
    assert Seen(tmp_path).position == 18


def test_half_of_a_write_is_never_read_as_another_position(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    acknowledged, seen = Acknowledged(tmp_path), Seen(tmp_path)
    acknowledged.write(9, command(1))
    seen.note(9)

    monkeypatch.setattr(os, "pwrite", failing_in_the_middle(os.pwrite))
    acknowledged.write(18, command(2))
    seen.note(18)

    said = Acknowledged(tmp_path).read()
    assert said is None or (said.position, said.command_id) in ((9, command(1)), (18, command(2)))
    assert Seen(tmp_path).position in (0, 9, 18)


def test_a_line_that_was_torn_by_a_killed_process_says_nothing(tmp_path: Path) -> None:
    acknowledged = Acknowledged(tmp_path)
    acknowledged.write(9, command(1))
    older = (tmp_path / "acknowledged").read_bytes()
    acknowledged.write(18, command(2))
    newer = (tmp_path / "acknowledged").read_bytes()

    for length in range(1, len(newer) - 1):
        (tmp_path / "acknowledged").write_bytes(newer[:length] + older[length:])
        said = Acknowledged(tmp_path).read()
        assert said is None or (said.position, said.command_id) in ((9, command(1)), (18, command(2)))


def test_what_is_added_in_pieces_is_there_as_a_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, content: whole(descriptor, content[:3]))
    descriptor = os.open(tmp_path / "file", os.O_WRONLY | os.O_CREAT)

    disk.add(descriptor, b"all of it")

    os.close(descriptor)
    assert (tmp_path / "file").read_bytes() == b"all of it"


def test_a_transaction_that_a_failing_disk_has_ended_says_what_failed(tmp_path: Path) -> None:
    index = sqlite3.connect(tmp_path / "index", isolation_level=None)
    index.execute("PRAGMA journal_mode = WAL")
    index.execute("PRAGMA cache_size = 1")
    index.execute("CREATE TABLE lines (content BLOB)")

    with pytest.raises(sqlite3.OperationalError, match="disk"), a_disk_with(60_000), disk.transaction(index):
        for _ in range(100):
            index.execute("INSERT INTO lines VALUES (zeroblob(3000))")

    with disk.transaction(index):
        index.execute("INSERT INTO lines VALUES ('one')")
    assert index.execute("SELECT count(*) FROM lines").fetchone() == (1,)
    index.close()


@contextmanager
def a_disk_with(size: int) -> Iterator[None]:
    """No file of this process can become larger."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


NAMED = "SELECT type, name FROM sqlite_master WHERE sql IS NOT NULL"
SCHEMA = "CREATE TABLE IF NOT EXISTS one (n int);\nCREATE UNIQUE INDEX IF NOT EXISTS by_n ON one (n);\n"


def connected(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(file, timeout=0.0, isolation_level=None)


def test_a_schema_that_is_there_waits_for_no_process_that_writes(tmp_path: Path) -> None:
    with closing(connected(tmp_path / "rows")) as connection, closing(connected(tmp_path / "rows")) as writer:
        disk.make_schema(connection, SCHEMA)
        writer.execute("BEGIN IMMEDIATE")

        disk.make_schema(connection, SCHEMA)


def test_of_a_schema_all_is_made_or_nothing(tmp_path: Path) -> None:
    with closing(connected(tmp_path / "rows")) as connection:
        with pytest.raises(sqlite3.OperationalError, match="no such table"):
            disk.make_schema(connection, SCHEMA + "CREATE INDEX IF NOT EXISTS by_m ON two (m);")

        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == []
        disk.make_schema(connection, SCHEMA)
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("one",), ("by_n",)]


def test_what_a_newer_schema_adds_is_made(tmp_path: Path) -> None:
    with closing(connected(tmp_path / "rows")) as connection:
        disk.make_schema(connection, SCHEMA)

        disk.make_schema(connection, SCHEMA + "CREATE INDEX IF NOT EXISTS also_by_n ON one (n);")

        assert ("index", "also_by_n") in connection.execute(NAMED).fetchall()


@each("name", ["schema", "outbox", "journal"])
def test_whatever_is_missing_of_a_schema_is_made(name: str, tmp_path: Path) -> None:
    with closing(connected(tmp_path / "rows")) as connection:
        disk.make_schema(connection, sql(f"cache/{name}"))
        whole = connection.execute(NAMED).fetchall()
        for kind, made in whole:
            connection.execute(f"DROP {kind} IF EXISTS {made}")

            disk.make_schema(connection, sql(f"cache/{name}"))

            assert sorted(connection.execute(NAMED)) == sorted(whole), made
