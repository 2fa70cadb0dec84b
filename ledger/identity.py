"""Which ledger a folder belongs to, and where this machine keeps its working files for it.

A ledger is a UUID, minted once into `.ledger/ledger.json` and committed with the project; its name is only shown.
Two folders called `app` are two ledgers.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated
from uuid import UUID, uuid4

import msgspec
import platformdirs
from msgspec import Meta, Struct
from msgspec.structs import replace

from ledger.errors import Damaged, NoLedger, Unavailable
from ledger.settings import APPLICATION, Settings

FOLDER = ".ledger"
FILE = "ledger.json"
NAME_LENGTH = 200  # characters
NAMED = "--project or LEDGER_PROJECT"


class Identity(Struct, frozen=True, kw_only=True):
    """`project` is the folder that holds `.ledger`.

    `key` is what the ledger is known by in the database and among the working files: its own UUID, unless this is a
    copy of another ledger that may lie beside it.
    """

    ledger: UUID
    name: str
    project: Path
    copy: UUID | None = None

    @property
    def key(self) -> UUID:
        return self.copy or self.ledger


class _Written(Struct, frozen=True):
    ledger: str
    name: Annotated[str, Meta(max_length=NAME_LENGTH)]
    copy: str | None = None


def find(start: Path) -> Identity:
    """The ledger of a folder, found by walking up from it. Raises NoLedger if there is none.

    That of the home folder or of the root is theirs alone: it holds nothing of the projects below.
    """
    if not start.is_dir():
        raise NoLedger(
            f"there is no folder {start}", next_step=f"name the project's folder with {NAMED}", folder=str(start)
        )
    for folder in (start, *(above for above in start.parents if not holds_many_projects(above))):
        file = folder / FOLDER / FILE
        if file.is_file():
            return _read(file)
    raise NoLedger(
        f"there is no ledger in {start} yet, nor in a folder above it",
        next_step=f"run `tracking-ledger init` if that is the project's folder, or name another with {NAMED}",
        folder=str(start),
    )


def holds_many_projects(folder: Path) -> bool:
    """Whether a folder holds more than one project: the root, and the user's home."""
    return folder == Path(folder.anchor) or folder == Path.home()


def create(project: Path, name: str | None = None) -> Identity:
    """Mints the ledger of a folder, or answers the one it has already; two at once agree on one."""
    file = project / FOLDER / FILE
    with _writing(file):
        _mint(file, name or project.resolve().name or "project")
    return _read(file)


def become_copy(identity: Identity, ledger: UUID) -> Identity:
    """Makes the folder's ledger a copy of another one, under the key it has. For a ledger without events."""
    return rewrite(replace(identity, ledger=ledger, copy=identity.key))


def rewrite(identity: Identity) -> Identity:
    """Makes a folder's file say this."""
    file = identity.project / FOLDER / FILE
    written = {"ledger": str(identity.ledger), "name": identity.name}
    written |= {"copy": str(identity.copy)} if identity.copy not in (None, identity.ledger) else {}
    with _writing(file):
        draft = file.with_name(f"{FILE}.{os.getpid()}.new")
        draft.write_text(json.dumps(written, indent=2) + "\n", encoding="utf-8")
        draft.replace(file)
    return _read(file)


def _mint(file: Path, name: str) -> None:
    if not file.is_file():
        file.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"ledger": str(uuid4()), "name": name[:NAME_LENGTH]}, indent=2) + "\n"
        draft = file.with_name(f"{FILE}.{os.getpid()}.new")
        draft.write_text(text, encoding="utf-8")
        try:
            os.link(draft, file)  # fails if another process was faster, and then its ledger counts
        except FileExistsError:
            pass
        finally:
            draft.unlink()


def home(identity: Identity, settings: Settings) -> Path:
    """The folder of this machine's working files, created if needed; checkout, pull and clean cannot touch it.

    It holds whatever the ledger's texts say, so only its owner may look into it.
    """
    folder = home_place(identity, settings)
    with _writing(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def home_place(identity: Identity, settings: Settings) -> Path:
    """Where the folder of the working files is, or would be. One that is there stays in use: writes may wait in it."""
    if settings.home is not None:
        return settings.home / str(identity.key)
    among_user_data = platformdirs.user_state_path(APPLICATION) / str(identity.key)
    git = _git_folder(identity.project)
    if git is None:
        return among_user_data
    in_git = git / APPLICATION / str(identity.key)
    owner = _owner(in_git)
    if owner is None and not among_user_data.exists():
        owner = _owner(git)
    return in_git if owner == os.geteuid() else among_user_data


@contextmanager
def _writing(place: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Unavailable(
            f"{place} cannot be written: {error.strerror or error}",
            next_step="make the folder writable, or choose another with --project, LEDGER_PROJECT or LEDGER_HOME",
            path=str(place),
        ) from error


def _read(file: Path) -> Identity:
    try:
        found = msgspec.json.decode(file.read_text(encoding="utf-8-sig").encode(), type=_Written)
        if not found.name.isprintable():
            raise ValueError("its name holds control characters")
        copy = UUID(found.copy) if found.copy is not None else None
        return Identity(ledger=UUID(found.ledger), name=found.name, project=file.parent.parent, copy=copy)
    except (OSError, ValueError, RecursionError, msgspec.MsgspecError) as error:
        raise Damaged(
            f"{file} does not hold a ledger's identity: {error}",
            next_step='restore the file from version control: it must hold {"ledger": <UUID>, "name": <text>}',
            file=str(file),
        ) from error


def _git_folder(project: Path) -> Path | None:
    """The git data that all worktrees of the project's repository share.

    Git is not asked: where its program is missing, too slow or refuses the repository, the working files would be
    looked for in another place, without what waits in them.
    """
    for folder in (project, *project.parents):
        if (git := _git_data(folder / ".git")) is not None:
            return git
    return None


def _git_data(entry: Path) -> Path | None:
    """Where `.git` leads, a folder or (in a worktree) a file; None if it is not git's."""
    try:
        own = entry if entry.is_dir() else entry.parent / _line(entry).removeprefix("gitdir: ")
        shared = own / _line(own / "commondir") if (own / "commondir").exists() else own
        return shared.resolve() if (shared / "HEAD").exists() else None
    except (OSError, ValueError):  # there is none, or not one that this user can read
        return None


def _line(file: Path) -> str:
    return file.read_text(encoding="utf-8").rstrip("\n")


def _owner(folder: Path) -> int | None:
    try:
        return folder.stat().st_uid
    except OSError:
        return None
