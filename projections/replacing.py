"""Files that are replaced whole: whoever reads one sees the old one or the new one, never a half."""

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ledger.errors import Unavailable


@contextmanager
def replacing(file: Path) -> Iterator[BinaryIO]:
    """A draft beside the file that takes its place, with its rights, when the block ends well; else nothing remains.

    A device or a pipe is no file to replace: it is written to. Unavailable where nothing can be written.
    """
    try:
        target = file.resolve()
        mode = target.stat().st_mode if target.exists() else None
        if mode is not None and not stat.S_ISREG(mode):
            with target.open("wb") as stream:  # refused for a folder
                yield stream
            return
        with _drafted(target, None if mode is None else stat.S_IMODE(mode)) as stream:
            yield stream
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            raise
        raise Unavailable(
            f"{file} cannot be written: {error.strerror or error}",
            next_step="name a file in a folder that is there and writable; nothing was left behind",
            path=str(file),
        ) from error


@contextmanager
def _drafted(target: Path, mode: int | None) -> Iterator[BinaryIO]:
    draft = target.with_name(f".{target.name}.{os.getpid()}-{secrets.token_hex(4)}.new")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode or 0o666), "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        if mode is not None:
            draft.chmod(mode)
        draft.replace(target)
    finally:
        with contextlib.suppress(FileNotFoundError):
            draft.unlink()
