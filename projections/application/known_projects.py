"""The projects of this user on this machine: a small file for each ledger that was opened here, with its folder.

Only what shows several projects depends on it; a project that was never opened here is not among them. Each file says
which database its ledger has, a given one by the digest of its string, which may hold a password: so no ledger is read
from, or made in, a database that is not its own.
"""

import hashlib
from contextlib import suppress
from pathlib import Path
from typing import Literal
from uuid import UUID

import msgspec
import platformdirs
from msgspec import Struct
from msgspec.structs import replace

from ledger import identity
from ledger.errors import LedgerError, NoLedger
from ledger.identity import Identity
from ledger.machine.disk import write_private
from ledger.settings import APPLICATION, Settings

FOLDER = "projects"
EMBEDDED = "embedded"


class KnownProject(Struct, frozen=True, kw_only=True):
    """`database` is `embedded`, or the digest of the string that was given."""

    key: UUID
    name: str
    folder: str
    database: str

    def identity(self) -> Identity:
        """The ledger that its folder holds itself. Raises NoLedger when that is another or none, and Damaged."""
        found = identity.find(Path(self.folder))
        if found.key != self.key or found.project != Path(self.folder):
            raise NoLedger(
                f"its folder {self.folder} does not hold it any more",
                next_step="run a command in its new folder, or `tracking-ledger ledgers forget` it",
                folder=self.folder,
            )
        return found

    def settings(self, ours: Settings) -> tuple[Settings, Literal["database", "copy"]]:
        """Its own settings, and whether they lead to its database or to this machine's copy only."""
        own = replace(ours, project=Path(self.folder))
        if self.database == EMBEDDED:
            return replace(own, dsn=None, admin_dsn=None, read_dsn=None), "database"
        return own, "database" if self.database == _database(ours) else "copy"


def remember(project: Identity, settings: Settings) -> None:
    """Notes a project among the known ones. If several folders have one ledger, the one that was opened last counts."""
    file = _folder(settings) / str(project.key)
    folder = str(project.project.absolute())
    wanted = KnownProject(key=project.key, name=project.name, folder=folder, database=_database(settings))
    with suppress(OSError, UnicodeError):  # a place that cannot be written keeps no command from its work
        if _read(file) == wanted:
            return
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(file, msgspec.json.encode(wanted))


def forget(key: UUID, settings: Settings) -> None:
    (_folder(settings) / str(key)).unlink(missing_ok=True)


def known_projects(settings: Settings) -> list[KnownProject]:
    """All of them by name, also those whose folders are gone."""
    found = filter(None, map(_read, _files(settings)))
    return sorted(found, key=lambda project: (project.name.casefold(), str(project.key)))


def reachable(settings: Settings) -> list[Identity]:
    """The projects that are still in their folders and have the database of these settings, by name."""
    found: list[Identity] = []
    for project in known_projects(settings):
        if project.database == _database(settings):
            with suppress(LedgerError, OSError):  # moved, deleted, or on a disk that is not there
                found.append(project.identity())
    return found


def _read(file: Path) -> KnownProject | None:
    try:
        return msgspec.json.decode(file.read_bytes(), type=KnownProject)
    except (OSError, msgspec.MsgspecError):  # none yet, or one that the next command in its folder writes again
        return None


def _files(settings: Settings) -> list[Path]:
    try:
        return [file for file in _folder(settings).iterdir() if not file.name.endswith(".new")]
    except OSError:
        return []


def _folder(settings: Settings) -> Path:
    return (settings.home or platformdirs.user_state_path(APPLICATION)) / FOLDER


def _database(settings: Settings) -> str:
    return EMBEDDED if settings.dsn is None else hashlib.sha256(settings.dsn.encode()).hexdigest()
