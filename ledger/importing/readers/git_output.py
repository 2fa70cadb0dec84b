"""What git prints of a repository.

A repository is not ours: what its configuration asks git to run (pager, signature checks, hooks, fetching of
missing objects) is not run.
"""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from ledger.errors import Invalid, Unavailable
from ledger.importing.readers.text_lines import unreadable

_QUIET = (
    *("--no-pager", "--no-replace-objects"),
    *("-c", "core.fsmonitor=false", "-c", "core.hooksPath=" + os.devnull, "-c", "log.showSignature=false"),
)
_KEPT = ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM", "GIT_EXEC_PATH")
_REFUSING = {
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_GRAFT_FILE": os.devnull,
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}


@contextmanager
def git_output(repository: Path, arguments: tuple[str, ...]) -> Iterator[IO[bytes]]:
    """What git prints; when it fails, Invalid with what it complains of."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_") or key in _KEPT}
    with _complaints() as complaints:
        try:
            running = subprocess.Popen(
                ["git", "-C", str(repository), *_QUIET, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=complaints,
                env=environment | _REFUSING,
            )
        except FileNotFoundError as error:
            raise Unavailable("git is not installed here", next_step="install git, or put it on the PATH") from error
        with running:
            assert running.stdout is not None  # it is a pipe
            try:
                yield running.stdout
            except BaseException:
                running.kill()  # the reader wants no more of it
                raise
        if running.returncode:
            raise _refused(repository, complaints)


def _complaints() -> IO[bytes]:
    """A file for what git complains of; where no disk takes one that stays unknown."""
    try:
        return tempfile.TemporaryFile()
    except OSError:
        return Path(os.devnull).open("w+b")


def _refused(repository: Path, complaints: IO[bytes]) -> Invalid:
    complaints.seek(0)
    reasons = complaints.read(1000).decode(errors="replace").strip().splitlines()
    problem = f"cannot be read by git: {reasons[0] if reasons else 'it says no reason'}"
    return unreadable(repository, None, problem, "name the folder of a repository that `git log` reads")
