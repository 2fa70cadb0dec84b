"""The console of this machine's user: where it listens, and how it is started when it does not."""

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterable
from pathlib import Path

import msgspec
from filelock import FileLock
from msgspec import Struct

from ledger.errors import Unavailable
from ledger.identity import Identity
from ledger.machine.disk import write_private
from projections.application.app import App
from projections.application.known_projects import reachable

FILE = "console.json"
LOG = "console.log"
START_SECONDS = 30.0
MOST_OTHERS = 19  # projects that one console serves beside its own, as many as a cookie has tokens for
LOOK_SECONDS = 1.0  # for the answer of a server that is there


class Address(Struct, frozen=True, kw_only=True):
    """Where a console listens, in which process."""

    url: str
    process: int


def announce(file: Path, url: str) -> None:
    write_private(file, msgspec.json.encode(Address(url=url, process=os.getpid())))


def others(app: App) -> list[Identity]:
    """The projects of this user that a console serves beside its own."""
    return [project for project in reachable(app.runtime.given) if project.ledger != app.identity.ledger][:MOST_OTHERS]


def find_or_start(home: Path, project: Path, also: Iterable[Path] = ()) -> str:
    """The address of this ledger's console, which is started on a free port of the loopback address if it is not there.

    One that is started serves the projects in `also` too; one that runs takes in new ones when a link is followed.
    Raises Unavailable when it does not come up.
    """
    file = home / FILE
    with FileLock(f"{file}.lock", timeout=START_SECONDS):
        if (url := _answering(file)) is not None:
            return url
        process = _start(home, project, file, also)
        until = time.monotonic() + START_SECONDS
        while process.poll() is None and time.monotonic() < until:
            if (url := _answering(file)) is not None:
                return url
            time.sleep(0.05)
    raise Unavailable(
        f"the console did not start within {START_SECONDS:g} s", next_step=f"see {home / LOG} for what it said"
    )


def _start(home: Path, project: Path, file: Path, also: Iterable[Path]) -> subprocess.Popen[bytes]:
    program = "from projections.cli.main import main; main()"
    arguments = ["--project", str(project), "serve", "--port", "0", "--announce", str(file)]
    arguments += [word for other in also for word in ("--also", str(other))]
    with (home / LOG).open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-c", program, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # it outlives the command that starts it
        )


def _answering(file: Path) -> str | None:
    try:
        address = msgspec.json.decode(file.read_bytes(), type=Address)
        with urllib.request.urlopen(f"{address.url}/health", timeout=LOOK_SECONDS) as answer:  # its own address only
            return address.url if answer.status == 200 else None
    except (OSError, msgspec.MsgspecError, ValueError):
        return None
