"""Files that are replaced whole: a reader sees the old one or the new one, never a half."""

import contextlib
import errno
import glob
import os
import secrets
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ledger.errors import Unavailable

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
FORGOTTEN = 600.0  # seconds after which a draft is abandoned


@contextmanager
def replacing(file: Path, last: Callable[[], None] = lambda: None) -> Iterator[BinaryIO]:
    """A draft beside the file that takes its place, with its rights, when the block ends well; else nothing remains.

    A device or a pipe is no file to replace: it is written to. Unavailable where nothing can be written. `last` is
    called when all is on the disk but the exchange; what it raises leaves the file as it was.
    """
    try:
        target = file.resolve()
        mode = target.stat().st_mode if target.exists() else None
        if mode is not None and not stat.S_ISREG(mode):
            with target.open("wb") as stream:  # refused for a folder
                yield stream
            return
        with _drafted(target, None if mode is None else stat.S_IMODE(mode), last) as stream:
            yield stream
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            raise
        raise Unavailable(
            f"{file} cannot be written: {error.strerror or error}",
            next_step=f"{_way_out(error)}; nothing was left behind",
            path=str(file),
        ) from error


def _way_out(error: OSError) -> str:
    if error.errno in FULL:
        return "free space on its disk, and repeat the command"
    return "name a file in a folder that is there and writable"


@contextmanager
def _drafted(target: Path, mode: int | None, last: Callable[[], None]) -> Iterator[BinaryIO]:
    _clear(target)
    draft = target.with_name(f".{target.name}.{os.getpid()}-{secrets.token_hex(4)}.new")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode or 0o666), "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        if mode is not None:
            _copy_owner(target, draft)
            draft.chmod(mode)
        last()
        draft.replace(target)
        _settle(target.parent)
    finally:
        with contextlib.suppress(FileNotFoundError):
            draft.unlink()


def _clear(target: Path) -> None:
    """Removes the drafts of processes that were killed."""
    for draft in target.parent.glob(f".{glob.escape(target.name)}.*.new"):
        with contextlib.suppress(OSError):
            if time.time() - draft.stat().st_mtime > FORGOTTEN:
                draft.unlink()


def _copy_owner(target: Path, draft: Path) -> None:
    """Who replaces a file as root, as in a container, does not take it from whom it belongs to."""
    if hasattr(os, "chown"):
        owner = target.stat()
        with contextlib.suppress(PermissionError):  # only root may give a file away
            os.chown(draft, owner.st_uid, owner.st_gid)


def _settle(folder: Path) -> None:
    """Makes the new name last through a power cut, where folders can be flushed."""
    with contextlib.suppress(PermissionError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
