"""What the outbox does to its file on the disk: only whole lines at the end, and cut back where that fails."""

import os
from collections.abc import Sequence
from pathlib import Path

from ledger.errors import OutcomeUnknown
from ledger.offline.disk import put

FILE = "outbox.jsonl"


def opened(file: Path, more: int = 0) -> int:
    """For its owner only: among the arguments of commands are the tokens of claims."""
    return os.open(file, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0) | more, 0o600)


def append(descriptor: int, ends: int, lines: bytes) -> None:
    os.ftruncate(descriptor, ends)  # what a killed process left unfinished
    put(descriptor, lines, ends)
    os.fsync(descriptor)


def cut_back(descriptor: int, ends: int, error: OSError, commands: Sequence[str]) -> None:
    """After `error`. Raises OutcomeUnknown, of those commands alone, where that fails too."""
    try:
        os.ftruncate(descriptor, ends)
        os.fsync(descriptor)
    except OSError as worse:
        raise OutcomeUnknown(
            f"the outbox could neither be written ({error}) nor cut back: what it was given may or may not wait there",
            next_step="see to the disk, then repeat it with the same command_id",
            file=FILE,
            commands=list(commands),
        ) from worse


def stamp_of(file: Path) -> tuple[int, ...] | None:
    try:
        found = file.stat()
    except FileNotFoundError:
        return None
    return found.st_size, found.st_ino, found.st_mtime_ns
