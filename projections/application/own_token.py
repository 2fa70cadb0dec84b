"""The token of claims: one for each name that acts on this machine in this project.

What a name has claimed is its own in every process of this machine and after a restart. The token is derived from a
secret among the working files (mode 600): it is the same in every process, and cannot be guessed.
"""

import hmac
import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from ledger.errors import Unavailable
from ledger.machine.disk import content

FILE = "claims.secret"
SECRET = 32  # bytes
LENGTH = 24
OF_PROCESS = secrets.token_bytes(SECRET)  # where the working files cannot be used: then claims end with their process


def own_token(home: Callable[[], Path], actor: str) -> str:
    """The token of a name; `home` answers the folder of the working files, or raises Unavailable."""
    return _token(_secret(home), actor)


@lru_cache(maxsize=256)  # names that act in one process
def _token(secret: bytes, actor: str) -> str:
    return hmac.digest(secret, actor.encode("utf-8", "replace"), "sha256").hex()[:LENGTH]


def _secret(home: Callable[[], Path]) -> bytes:
    try:
        file = f"{home()}/{FILE}"  # of each call: to make a Path of it takes as long as to read
        try:
            return content(file, SECRET) or OF_PROCESS
        except FileNotFoundError:
            _make(Path(file))
        return content(file, SECRET) or OF_PROCESS
    except (OSError, Unavailable):
        return OF_PROCESS


def _make(file: Path) -> None:
    """The first of several processes gives the secret."""
    draft = file.with_name(f"{FILE}.{os.getpid()}.{secrets.token_hex(4)}.new")  # of one thread
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as writing:
        writing.write(secrets.token_bytes(SECRET))
    with suppress(FileExistsError):
        os.link(draft, file)
    draft.unlink(missing_ok=True)
