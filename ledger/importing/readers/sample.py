"""The beginning of a source, by which its format is recognised; nothing of it is understood yet."""

import os
import re
import stat
from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct

from ledger.importing.readers.text_lines import decoded, unreadable

FIRST = 2**20  # bytes looked at
MOST_NAMES = 2000  # of a folder's entries looked at


class Sample(Struct, frozen=True, kw_only=True):
    """`text` is how a file begins, empty for a folder; `names` are a folder's entries, folders with a slash behind."""

    path: Path
    text: str = ""
    names: frozenset[str] = frozenset()
    is_folder: bool = False

    def begins(self, pattern: str) -> bool:
        """Whether the text begins so, white space aside."""
        return re.match(pattern, self.text.lstrip("\ufeff \t\r\n")) is not None

    def holds(self, pattern: str) -> bool:
        """Whether a line holds it."""
        return re.search(pattern, self.text, re.MULTILINE) is not None


def sample_of(path: Path) -> Sample:
    """What can be seen at once. Whatever cannot be read looks like nothing: its reader says why."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            return Sample(path=path, names=_names(path), is_folder=True)
        if not stat.S_ISREG(mode):
            return Sample(path=path)
        with path.open("rb") as file:
            return Sample(path=path, text=decoded(file.read(FIRST)))
    except OSError:
        return Sample(path=path)


def _names(folder: Path) -> frozenset[str]:
    with os.scandir(folder) as entries:
        found = [entry for entry, _ in zip(entries, range(MOST_NAMES), strict=False)]
    return _called(found)


def names_in(folder: Path) -> frozenset[str]:
    """All entries of a folder, of which a sample has the first ones only; Invalid for one that cannot be read."""
    try:
        with os.scandir(folder) as entries:
            return _called(entries)
    except OSError as error:
        raise unreadable(folder, None, f"cannot be read: {error.strerror or error}") from error


def _called(entries: Iterable[os.DirEntry[str]]) -> frozenset[str]:
    return frozenset(f"{entry.name}/" if entry.is_dir(follow_symlinks=False) else entry.name for entry in entries)
