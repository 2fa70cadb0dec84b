"""One machine of a run: its disk, its clock, and the processes and items of its clients."""

import contextlib
import os
import shutil
import struct
import subprocess
import threading
from pathlib import Path
from typing import Any

from msgspec import Struct

from benchmarks.faults.processes import ROOT, ClientProcess, Program

DISK_BYTES = 16_000_000  # of a machine, where a file system of its own can be had


class Item(Struct, kw_only=True):
    """An item that one client makes and writes to, as it knows it; uncertain when an answer about it was unknown."""

    ref: str
    id: str
    version: Any
    title: str
    is_certain: bool = True


class Disk:
    """The file system of one machine's working files. Where no small one can be mounted, `fill` limits nothing."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(folder)]
        self.is_own = shutil.which("mount") is not None and _runs(mount)
        self._filler = folder / "filler"

    def fill(self) -> None:
        """Not a byte is left."""
        if not self.is_own:
            return
        with self._filler.open("ab", buffering=0) as file:
            for size in (1_000_000, 4096, 1):
                with contextlib.suppress(OSError):
                    while True:
                        file.write(b"\0" * size)

    def free(self) -> None:
        self._filler.unlink(missing_ok=True)

    def close(self) -> None:
        if self.is_own:
            _runs(["umount", "-l", str(self.folder)])


class Machine:
    """`beside` is a folder for what is no file of the program: its errors, its clock, the control of its disk. What is
    started there is of the version that is installed at that moment."""

    def __init__(self, home: Path, beside: Path, project: Path, variables: dict[str, str], program: Program) -> None:
        beside.mkdir(parents=True)
        self.disk = Disk(home)
        self.errors = beside / "errors"
        self.items: list[Item] = []
        self.shared: dict[str, Any] = {}  # what the channels of its clients have in common
        self.guard = threading.RLock()
        self.beside = beside
        self.program = program
        self._project = project
        self._clock = beside / "clock"
        self._disk_faults: list[str] = []
        self._processes: list[ClientProcess] = []
        self._ended: list[ClientProcess] = []  # what they said last may still be read
        kept = {name: value for name, value in os.environ.items() if not name.startswith("LEDGER_")}
        self._environment = kept | {
            "LEDGER_HOME": str(home),
            "TMPDIR": str(beside),  # what a killed process leaves there goes with the seed
            "PYTHONPATH": str(ROOT),
            "FAULTS_CLOCK": str(self._clock),
            "FAULTS_CONTROL": str(beside / "control"),
            **variables,
        }
        self._clock.write_bytes(bytes(8))

    def start(self, *arguments: str, **variables: str) -> ClientProcess:
        """A process of this machine, with the disk as it is now."""
        with self.guard:
            self._ended += [process for process in self._processes if not process.is_alive()]
            self._processes = [process for process in self._processes if process not in self._ended]
            environment = self._environment | variables
            started = ClientProcess(
                arguments, environment, self._project, self.errors, self._disk_faults, program=self.program
            )
            self._processes.append(started)
            return started

    def end_all(self) -> None:
        """Every process of it, as a deployment does that waits for none."""
        with self.guard:
            for process in self._processes:
                process.kill()

    def set_clock(self, seconds: int) -> None:
        """So many seconds from the right time, for every process of it."""
        with self._clock.open("r+b") as file:  # which they have mapped
            file.write(struct.pack("q", seconds))

    def break_disk(self, calls: tuple[str, ...], error: int, probability: float) -> None:
        """From now on those calls of every process of it fail, each time by chance."""
        self._command(
            [f"enable_random name={call},failinfo={error},probability={probability}" for call in calls], for_new=True
        )

    def mend_disk(self, calls: tuple[str, ...]) -> None:
        self._command([f"disable name={call}" for call in calls], for_new=False)

    def close(self) -> None:
        self.end_all()
        for process in (*self._ended, *self._processes):
            process.close()
        self.disk.close()

    def _command(self, commands: list[str], *, for_new: bool) -> None:
        with self.guard:
            self._disk_faults = commands if for_new else []
            processes = list(self._processes)
        threads = [threading.Thread(target=_send, args=[process, commands]) for process in processes]
        for thread in threads:  # none waits for one that is frozen
            thread.start()
        for thread in threads:
            thread.join()


def _send(process: ClientProcess, commands: list[str]) -> None:
    for command in commands:
        process.fail(command)


def _runs(command: list[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
