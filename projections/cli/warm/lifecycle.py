"""How a warm process is started, found and ended."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from projections.cli.warm import place

SECONDS = 1.0  # that one may take to be connected to


def start(folder: str, name: str) -> None:
    """Starts one in the background, for the commands to come; it looks itself whether there is one already.

    Raises OSError if the folder cannot be made or is not this user's alone.
    """
    Path(folder).mkdir(mode=0o700, exist_ok=True)
    directory = place.opened(folder)
    log = os.open(place.LOG, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600, dir_fd=directory)
    os.close(directory)
    with open(log, "wb") as errors:
        subprocess.Popen(
            [sys.executable, "-P", "-m", "projections.cli.warm_process", folder, name],
            env=place.needed(os.environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            cwd="/",
            umask=0o077,
            start_new_session=True,
        )


def processes(folder: Path) -> list[int]:
    """The warm processes that listen in the folder."""
    return [process for _, process in _listening(folder)]


def stop(folder: Path) -> list[int]:
    """Asks them to end, which they do when their commands have ended; answers which were asked."""
    stopped = []
    for name, process in _listening(folder):
        (folder / name).unlink(missing_ok=True)
        stopped.append(process)
    return stopped


def _listening(folder: Path) -> Iterator[tuple[str, int]]:
    """Each is waked once more after it was yielded, and sees then whether its socket is still there."""
    try:
        directory = place.opened(str(folder))
    except OSError:
        return
    try:
        for name in os.listdir(directory):
            if name == place.LOG:
                continue
            try:
                connection = place.connected(directory, name, SECONDS)
            except OSError:
                continue
            with closing(connection):
                yield name, place.peer(connection)
    finally:
        os.close(directory)
