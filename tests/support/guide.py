"""The commands of a guide in Markdown, by their section, and a machine on which they are run as they stand."""

import os
import re
import subprocess
import sysconfig
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from tests.support import fork_server

ROOT = Path(__file__).parent.parent.parent
HEADING = re.compile(r"#+ (.+)")
NOT_RUN = re.compile(r"<!-- not run: (.+) -->")
INSTALLED = f"#!/bin/sh\nexec '{sysconfig.get_path('scripts')}/tracking-ledger' \"$@\"\n"


class Block(NamedTuple):
    """Some commands; `not_run` is the reason why no test runs them."""

    section: str
    commands: str
    not_run: str | None


def blocks(guide: Path) -> list[Block]:
    """Every block of shell commands, in their order."""
    found: list[Block] = []
    section, reason, commands = "", None, None
    for line in guide.read_text(encoding="utf-8").splitlines():
        if commands is not None:
            if line == "```":
                found.append(Block(section, "\n".join(commands), reason))
                commands = reason = None
            else:
                commands.append(line)
        elif line == "```sh":
            commands = []
        elif heading := HEADING.fullmatch(line):
            section = heading[1]
        elif marked := NOT_RUN.fullmatch(line):
            reason = marked[1]
    return found


class Machine:
    """A home folder and a shell whose variables and working folder last from one block to the next.

    `words` are names of the guide with what stands for them here. `as_server` is put before commands that PostgreSQL
    refuses to root. What `tracking-ledger` runs there is the installed program, and so it is in the first commands that
    name it where `first` says so; else it is a process forked from one that has loaded it, which saves the second of a
    core that a start takes.
    """

    def __init__(
        self,
        root: Path,
        environment: Mapping[str, str],
        words: dict[str, str],
        as_server: tuple[str, ...],
        first: str | None = None,
    ):
        self.home = root / "home"
        self.words = words
        self._as_server = as_server
        self._state = root / "state.sh"
        programs = root / "bin"
        for folder in (self.home, programs):
            folder.mkdir()
        self._program = programs / "tracking-ledger"
        self._program.touch(0o755)
        self._answer = first
        (self.home / ".psqlrc").write_text("\\set ON_ERROR_STOP on\n")
        self._environment = {
            "HOME": str(self.home),
            "USER": "ann",
            "LC_ALL": "C.UTF-8",
            "LEDGER_WARM": "off",
            "PYTHONPATH": str(ROOT),
            **environment,
            "PATH": f"{programs}:{environment['PATH']}",
        }
        self._state.write_text(f"cd '{self.home}'\n")

    def run(self, commands: str, *, also: tuple[int, ...] = ()) -> str:
        """What they say. They have to end with 0, or with one of the codes `also`."""
        for word, here in self.words.items():
            commands = commands.replace(word, here)
        as_server = self._as_server if "pg_ctl" in commands else ()
        self._program.write_text(INSTALLED if as_server else self._answer or fork_server.program())
        tolerated = "|".join(map(str, (0, *also)))
        script = (
            f"set -E; trap 'code=$?; case $code in {tolerated}) ;; *) exit $code;; esac' ERR; source {self._state}\n"
            f"{commands}\nexport -p > {self._state}; echo \"cd '$PWD'\" >> {self._state}"
        )
        output = self._state.with_name("output")
        with output.open("wb") as said:  # no pipe: a server would hold it open
            done = subprocess.run(
                [*as_server, "bash", "-c", script],
                env=self._environment,
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                timeout=120,
                check=False,
            )
        printed = output.read_text(errors="replace")
        assert done.returncode == 0, f"{commands}\nended with {done.returncode}:\n{printed[-3000:]}"
        if "tracking-ledger" in commands:
            self._answer = None
        return printed


def paths(*folders: Path) -> str:
    """Programs of PostgreSQL first, then those of this machine."""
    return ":".join([*map(str, folders), os.environ["PATH"]])
