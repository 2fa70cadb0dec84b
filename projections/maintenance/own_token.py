"""The token of the command line's claims: one for each name that acts on this machine in this project.

A command lives for one act, so what it claims must belong to the next command of the same person. The token is derived
from a secret among this machine's working files (mode 600): it is the same in every process, and cannot be guessed.
"""

import hashlib
import hmac
import os
import secrets
from contextlib import suppress
from pathlib import Path

FILE = "claims.secret"
LENGTH = 24


def own_token(home: Path, actor: str) -> str | None:
    """The token of a name; None where the working files cannot be used, which leaves a claim to its process."""
    file = home / FILE
    try:
        draft = file.with_name(f"{FILE}.{os.getpid()}.new")
        if not file.exists():
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as writing:
                writing.write(secrets.token_bytes(32))
            with suppress(FileExistsError):  # the first of several processes gives the secret
                os.link(draft, file)
            draft.unlink(missing_ok=True)
        secret = file.read_bytes()
    except OSError:
        return None
    return hmac.new(secret, actor.encode("utf-8", "replace"), hashlib.sha256).hexdigest()[:LENGTH]
