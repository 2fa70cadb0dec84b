"""The projects of this user on this machine: a small file for each ledger that was opened here, with its folder.

Nothing depends on it but what looks over several projects: one that was never opened here is not among them.
"""

import os
from contextlib import suppress
from pathlib import Path

import platformdirs

from ledger import identity
from ledger.errors import LedgerError
from ledger.identity import Identity
from ledger.settings import APPLICATION, Settings

FOLDER = "projects"


def remember(project: Identity, settings: Settings) -> None:
    """From now on it is among the known ones."""
    file = _folder(settings) / str(project.key)
    path = os.fsencode(project.project.absolute())
    with suppress(OSError):  # a folder that cannot be written keeps no command from its work
        if file.is_file() and file.read_bytes() == path:
            return
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = file.with_name(f"{file.name}.{os.getpid()}.new")
        draft.write_bytes(path)
        draft.replace(file)


def known(settings: Settings) -> list[Identity]:
    """Those that are still in their folders, by name; of several folders with one ledger the one opened last."""
    found: dict[object, Identity] = {}
    for file in sorted(_files(settings), key=lambda file: file.stat().st_mtime):
        project = _in(Path(os.fsdecode(file.read_bytes())))
        if project is not None and str(project.key) == file.name:
            found[project.ledger] = project
    return sorted(found.values(), key=lambda project: (project.name.casefold(), str(project.key)))


def _files(settings: Settings) -> list[Path]:
    try:
        return [file for file in _folder(settings).iterdir() if not file.name.endswith(".new")]
    except OSError:
        return []


def _in(folder: Path) -> Identity | None:
    """What a folder holds itself."""
    try:
        project = identity.find(folder)
    except (LedgerError, OSError):  # moved, deleted, or on a disk that is not there
        return None
    return project if project.project == folder else None


def _folder(settings: Settings) -> Path:
    return (settings.home or platformdirs.user_state_path(APPLICATION)) / FOLDER
