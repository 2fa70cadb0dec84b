"""The outbox's file on the disk: whole lines at its end, cut back where that fails, and read while others write."""

import os
import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ledger.errors import OutcomeUnknown, Unavailable
from ledger.machine.disk import put, stamp_of
from ledger.offline.queue.outbox_lines import is_whole

FILE = "outbox.jsonl"

# What can still be made out in a damaged line; of the configuration, which most commands only read, a change of it.
_STREAM = re.compile(
    rb'(?<![a-z_])(?:(?<="stream_id":")|(?!configuration-))'
    rb"[a-z_]{3,20}-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
)


def opened(file: Path, more: int = 0) -> int:
    """Opens it for its owner only: the arguments of commands hold the tokens of claims."""
    return os.open(file, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0) | more, 0o600)


def append(descriptor: int, ends: int, lines: bytes) -> None:
    os.ftruncate(descriptor, ends)  # what a killed process left unfinished
    put(descriptor, lines, ends)
    os.fsync(descriptor)


def cut_back(descriptor: int, ends: int, error: OSError, commands: Sequence[str]) -> None:
    """Cuts the file back after `error`. Raises OutcomeUnknown, of those commands alone, where that fails too."""
    try:
        os.ftruncate(descriptor, ends)
        os.fsync(descriptor)
    except OSError as worse:
        raise OutcomeUnknown(
            f"the outbox could neither be written ({error}) nor cut back: the command may or may not wait there",
            next_step="check the disk, then repeat it with the same command_id",
            file=FILE,
            commands=list(commands),
        ) from worse


def lines_from(file: BinaryIO, begins: int) -> Iterator[tuple[int, bytes]]:
    """Each line with its place. The last one without a newline counts if it is whole; else it is being written."""
    for raw in file:
        is_last = not raw.endswith(b"\n")
        if raw.strip() and (not is_last or is_whole(raw)):
            yield begins, raw
        if is_last:  # what arrives meanwhile is the rest of this line, and no line
            return
        begins += len(raw)


def streams_in(raw: bytes) -> tuple[str, ...]:
    return tuple(dict.fromkeys(match.decode() for match in _STREAM.findall(raw)))


def is_empty(file: Path) -> bool:
    """Whether no line was ever written whole: a full disk leaves a file without bytes, and perhaps no index."""
    stamp = stamp_of(file)
    return stamp is None or stamp[0] == 0


@contextmanager
def using(file: Path) -> Iterator[None]:
    """Raises Unavailable for what fails of the disk, of a lock or of the index."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:  # a lock that is held too long is an OSError too
        raise unusable(file, error) from error


def unusable(file: Path, error: Exception) -> Unavailable:
    return Unavailable(
        f"the outbox {file} cannot be used, so nothing was queued: {error}",
        next_step="check the disk and the permissions of its folder, or choose another with LEDGER_HOME",
        file=str(file),
    )
