"""The folder a server keeps its databases in: made whole or not at all, and never opened twice."""

import contextlib
import os
import shutil
import tempfile
from pathlib import Path

from ledger.embedded.binaries import Binaries
from ledger.embedded.server_account import ServerAccount
from ledger.errors import Unavailable
from ledger.machine.disk import sync_folder

INITDB_SECONDS = 300.0
_SIDE_FOLDER = "data.new-"
_SETTINGS_FILE = "postgresql.auto.conf"


def major_of(data: Path) -> int | None:
    """The PostgreSQL version that made this folder; None when there is no folder yet."""
    try:
        return int((data / "PG_VERSION").read_text().split(".")[0])
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise Unavailable(
            f"cannot read the version of the data folder {data}: {error}",
            next_step="run as the account that made it, or name another folder in LEDGER_PGDATA",
        ) from error


def make_data_folder(data: Path, *, account: ServerAccount, binaries: Binaries, log: Path) -> None:
    """Call under the start lock. Nothing named `data` appears before it is complete and on disk."""
    if data.exists() and any(data.iterdir()):
        raise Unavailable(
            f"{data} has files in it but is no PostgreSQL data folder",
            next_step="name another folder in LEDGER_PGDATA",
        )
    _remove_side_folders(data.parent)
    # a name of its own for every attempt: the initdb of a killed caller may still be writing into the last one
    side_folder = Path(tempfile.mkdtemp(prefix=_SIDE_FOLDER, dir=data.parent))
    account.take_over(side_folder)
    _initdb(side_folder, account=account, binaries=binaries, log=log)
    side_folder.replace(data)
    sync_folder(data.parent)


def write_settings(data: Path, settings: dict[str, str]) -> None:
    """Set these in the file, not on the command line, where a quote would be one too many; other settings are kept."""
    file = data / _SETTINGS_FILE
    before = file.read_text(errors="surrogateescape")
    kept = [line for line in before.splitlines() if line.split("=")[0].strip() not in settings]
    ours = [f"{name} = '{_quoted(value)}'" for name, value in settings.items()]
    after = "\n".join([*kept, *ours]) + "\n"
    if after != before:
        _replace_text(file, after)


def servers_in(data: Path) -> list[int]:
    """Ids of the server processes that work in this folder, as each of them does from its first to its last moment.

    Processes of other names do not count (a person may stand in the folder), nor do zombies, which work nowhere. A
    server process that hides its folder from us counts if it is of the account that owns the data.
    """
    import psutil  # only here and below: who finds the server running asks for no processes

    def works_there(process: psutil.Process) -> bool:
        try:
            if process.name() not in ("postgres", "postmaster"):
                return False
            try:
                return process.cwd() == os.path.realpath(data)
            except psutil.AccessDenied:
                return process.uids().real == data.stat().st_uid
        except (psutil.Error, OSError):
            return False

    return [process.pid for process in psutil.process_iter() if works_there(process)]


def postmaster_of(data: Path) -> int | None:
    """The server process that pg_ctl would send its signals to; None when it is gone, even if its number is taken."""
    named = _process_named_in(data / "postmaster.pid")
    return named if named in servers_in(data) else None


def remove_misleading_lock_file(lock_file: Path) -> None:
    """Call when no server lives in the folder. PostgreSQL itself clears a lock file whose process is gone; one that is
    empty, or whose number was given to another process since, would stop it for ever.
    """
    import psutil  # only here, as above

    named = _process_named_in(lock_file)
    if named is None or psutil.pid_exists(named):
        lock_file.unlink(missing_ok=True)


def last_lines(log: Path, *, since_byte: int = 0) -> str:
    """What the log says at its end, in one line, at most 800 characters."""
    with contextlib.suppress(OSError):
        text = log.read_bytes()[since_byte:].decode(errors="replace")
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        return " | ".join(lines[-8:])[-800:] or "it said nothing"
    return f"{log} cannot be read"


def _initdb(folder: Path, *, account: ServerAccount, binaries: Binaries, log: Path) -> None:
    # C: the same order of texts on every machine, whatever its library; trust: the socket's folder is the guard
    options = ("--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--data-checksums")
    command = (binaries.folder / "initdb", *options, "-D", folder)
    if account.run(command, folder=folder.parent, log=log, timeout=INITDB_SECONDS) != 0:
        _remove_side_folders(folder.parent)
        raise Unavailable(
            f"initdb could not make a data folder in {folder.parent}: {last_lines(log)}",
            next_step=f"read {log}, mend what it names (often space or permissions), and repeat; "
            "or name another folder in LEDGER_PGDATA",
        )


def _remove_side_folders(root: Path) -> None:
    for folder in root.glob(f"{_SIDE_FOLDER}*"):
        shutil.rmtree(folder, ignore_errors=True)  # what an orphan still writes goes with the next attempt


def _replace_text(file: Path, text: str) -> None:
    new = file.with_suffix(".new")
    new.write_text(text, errors="surrogateescape")
    owner = file.stat()
    os.chown(new, owner.st_uid, owner.st_gid)
    new.chmod(owner.st_mode & 0o777)
    new.replace(file)


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "''")


def _process_named_in(lock_file: Path) -> int | None:
    try:
        return int(lock_file.read_text().split()[0])
    except (FileNotFoundError, ValueError, IndexError):
        return None
