"""A file of secrets: only its owner may read it, and it is replaced whole."""

import os
from pathlib import Path


def write_private(file: Path, content: bytes) -> None:
    """Replaces the file; what was written is on the disk when this returns. One process writes at a time."""
    draft = file.with_name(f"{file.name}.{os.getpid()}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as writing:
        writing.write(content)
        writing.flush()
        os.fsync(writing.fileno())
    draft.replace(file)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
