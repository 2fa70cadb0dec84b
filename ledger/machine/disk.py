"""Writing to a disk as a whole or not at all: one call may write only a part, and the next may fail."""

import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock

_CREATED = re.compile(r"^CREATE (?:UNIQUE )?\w+ IF NOT EXISTS (\w+)", re.MULTILINE)


def put(descriptor: int, content: bytes, at: int) -> None:
    """Writes at that byte of the file. Raises OSError; then the file holds a part of the content."""
    done = 0
    while done < len(content):
        done += os.pwrite(descriptor, content[done:], at + done)


def add(descriptor: int, content: bytes) -> None:
    """Writes at the end of the file. Raises OSError; then the file holds a part of the content."""
    while content:
        content = content[os.write(descriptor, content) :]


def content(file: str | Path, most: int) -> bytes:
    """The beginning of a file, without what a file object costs. Raises OSError."""
    descriptor = os.open(file, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        return os.read(descriptor, most)
    finally:
        os.close(descriptor)


def write_private(file: Path, content: bytes) -> None:
    """Replaces a file that only its owner may read, whole; it is on the disk when this returns. Raises OSError.

    One process writes at a time.
    """
    draft = file.with_name(f"{file.name}.{os.getpid()}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0), 0o600)
    try:
        with os.fdopen(descriptor, "wb") as writing:
            writing.write(content)
            writing.flush()
            os.fsync(writing.fileno())
        draft.replace(file)
    except OSError:
        with suppress(OSError):
            draft.unlink()
        raise
    sync_folder(file.parent)


def lock_of(file: Path) -> FileLock:
    """What one process holds while it reads and replaces such a file; another one waits for up to ten seconds."""
    return FileLock(f"{file}.lock", timeout=10)


def sync_folder(folder: Path) -> None:
    if os.name != "posix":  # elsewhere a folder cannot be opened, and need not be
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def overwrite(file: Path, content: bytes) -> None:
    """The beginning of the file; half of it would say what is false, so then the file goes. Raises OSError."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        put(descriptor, content, 0)
    except OSError:
        with suppress(OSError):
            file.unlink()
        raise
    finally:
        os.close(descriptor)


def append_at(file: Path, end: int, lines: bytes) -> None:
    """Writes after the last whole line and waits for the disk; what cannot be written whole is cut off again."""
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
    try:
        os.ftruncate(descriptor, end)
        try:
            with os.fdopen(os.dup(descriptor), "r+b") as writing:
                writing.seek(end)
                writing.write(lines)
                writing.flush()
                os.fsync(descriptor)
        except OSError:
            os.ftruncate(descriptor, end)
            raise
    finally:
        os.close(descriptor)


def whole_lines(file: BinaryIO) -> Iterator[bytes]:
    """The lines up to one that has no end, which is not whole."""
    for line in file:
        if not line.endswith(b"\n"):
            return
        yield line


def bytes_at(file: Path, begins: int, length: int) -> bytes:
    """What of a file stands there; nothing where there is no file."""
    try:
        with file.open("rb") as opened:
            opened.seek(begins)
            return opened.read(length)
    except FileNotFoundError:
        return b""


def stamp_of(file: Path) -> tuple[int, ...] | None:
    """What is another when the file was written or replaced; None where there is no file."""
    try:
        found = file.stat()
    except FileNotFoundError:
        return None
    return found.st_size, found.st_ino, found.st_mtime_ns


@contextmanager
def transaction(connection: sqlite3.Connection, begin: str = "BEGIN IMMEDIATE") -> Iterator[None]:
    """Commits at the end, or rolls back what the failure of a disk has not ended already."""
    connection.execute(begin)
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def make_schema(connection: sqlite3.Connection, schema: str) -> None:
    """Makes what of the schema is not there yet, in one transaction: a killed process leaves all of it or none.

    Another process that writes is waited for only if something is missing.
    """
    there = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    if _names(schema) <= there:
        return
    try:
        connection.executescript(f"BEGIN IMMEDIATE;\n{schema}\nCOMMIT;")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@cache
def _names(schema: str) -> frozenset[str]:
    return frozenset(_CREATED.findall(schema))
