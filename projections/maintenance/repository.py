"""What git says of a folder."""

import os
import subprocess
from pathlib import Path

from ledger.errors import Invalid

GIT_SECONDS = 10.0


def git(folder: Path, *arguments: str, needed: bool = False, text: str = "") -> str | None:
    """What git answers in a folder, given a text; None if it has nothing to say. Raises Invalid.

    Whatever it answers is `needed`: else a refusal is nothing to say.
    """
    # inside a hook GIT_DIR and its like name the repository of the hook, whatever the folder
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        answer = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            input=text.encode(),
            timeout=GIT_SECONDS,
            check=False,
            env=environment,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _no_repository(folder, str(error)) from error
    if needed and answer.returncode != 0:
        raise _no_repository(folder, answer.stderr.decode(errors="replace").strip())
    return answer.stdout.decode(errors="replace").strip() or None


def _no_repository(folder: Path, why: str) -> Invalid:
    return Invalid(
        f"{folder} cannot be read as a git repository: {why}", next_step="run it in a project that is one", why=why
    )
