"""When a file got its text at the latest."""

from datetime import UTC, datetime
from pathlib import Path

from ledger.errors import Invalid, Unavailable
from ledger.importing.readers.git_output import git_output


def last_written(file: Path) -> datetime:
    """When a file was last written: by its own time and by that of the commit that has it as it is.

    A copy or a checkout gives a file a later time than its text has, none an earlier one, and a commit comes after it.
    """
    written = datetime.fromtimestamp(file.stat().st_mtime, UTC)
    return min(written, _committed(file) or written)


def _committed(file: Path) -> datetime | None:
    """None outside of a repository, and for a file that was changed since."""
    folder = file.resolve().parent
    if not any((above / ".git").exists() for above in (folder, *folder.parents)):
        return None
    try:
        with git_output(folder, ("show", f"HEAD:./{file.name}")) as content:
            if content.read() != file.read_bytes():
                return None
        with git_output(folder, ("log", "-1", "--format=%ct", "--", file.name)) as seconds:
            return datetime.fromtimestamp(int(seconds.read()), UTC)
    except (Invalid, Unavailable, ValueError):  # no commit has it, or git is not here: its own time is left
        return None
