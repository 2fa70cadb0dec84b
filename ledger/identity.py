"""Which ledger a folder belongs to, and where this machine keeps its working files for it.

A ledger is a UUID, minted once into `.ledger/ledger.json` and committed with the project; its name is only shown.
Two folders called `app` are two ledgers.
"""

import json
import os
import subprocess
from pathlib import Path
from uuid import UUID, uuid4

import platformdirs
from msgspec import Struct

from ledger.errors import Damaged, NotFound
from ledger.settings import APPLICATION, Settings

FOLDER = ".ledger"
FILE = "ledger.json"


class Identity(Struct, frozen=True, kw_only=True):
    """`project` is the folder that holds `.ledger`."""

    ledger: UUID
    name: str
    project: Path


def find(start: Path) -> Identity:
    """The ledger of a folder, found by walking up from it. Raises NotFound if there is none."""
    for folder in (start, *start.parents):
        file = folder / FOLDER / FILE
        if file.is_file():
            return _read(file)
    raise NotFound(
        f"no {FOLDER}/{FILE} in {start} or any folder above it",
        next_step="run `tracking-ledger init` in the project's folder, or name the folder with --project or LEDGER_PROJECT",
        folder=str(start),
    )


def create(project: Path, name: str | None = None) -> Identity:
    """Mints the ledger of a folder, or answers the one it has already; two at once agree on one."""
    file = project / FOLDER / FILE
    if not file.is_file():
        file.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"ledger": str(uuid4()), "name": name or project.resolve().name or "project"}, indent=2) + "\n"
        draft = file.with_name(f"{FILE}.{os.getpid()}.new")
        draft.write_text(text, encoding="utf-8")
        try:
            os.link(draft, file)  # fails if another process was faster, and then its ledger counts
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return _read(file)


def home(identity: Identity, settings: Settings) -> Path:
    """The folder of this machine's working files, created if needed; checkout, pull and clean cannot touch it."""
    if settings.home is not None:
        folder = settings.home / str(identity.ledger)
    elif (git := _git_folder(identity.project)) is not None:
        folder = git / APPLICATION / str(identity.ledger)
    else:
        folder = platformdirs.user_state_path(APPLICATION) / str(identity.ledger)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _read(file: Path) -> Identity:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        return Identity(ledger=UUID(found["ledger"]), name=str(found["name"]), project=file.parent.parent)
    except (ValueError, KeyError, TypeError) as error:
        raise Damaged(
            f"{file} does not hold a ledger's identity: {error}",
            next_step="restore the file from version control: it must hold {\"ledger\": <UUID>, \"name\": <text>}",
            file=str(file),
        ) from error


def _git_folder(project: Path) -> Path | None:
    """The git data that all worktrees of the project's repository share."""
    if not any((folder / ".git").exists() for folder in (project, *project.parents)):
        return None
    asked = ["git", "-C", str(project), "rev-parse", "--path-format=absolute", "--git-common-dir"]
    try:
        answer = subprocess.run(asked, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):  # no git on this machine
        return None
    return Path(answer.stdout.strip()) if answer.returncode == 0 and answer.stdout.strip() else None
