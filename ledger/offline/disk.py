"""Bytes to a file, all of them: a call may take only some, and a disk may fail at the next."""

import os
from contextlib import suppress
from pathlib import Path


def put(descriptor: int, content: bytes, at: int) -> None:
    """At that byte of the file. Raises OSError; then it holds some of them."""
    done = 0
    while done < len(content):
        done += os.pwrite(descriptor, content[done:], at + done)


def add(descriptor: int, content: bytes) -> None:
    """Where the file ends. Raises OSError; then it holds some of them."""
    while content:
        content = content[os.write(descriptor, content) :]


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
