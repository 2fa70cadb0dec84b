"""What goes wrong: faults applied to the server, the wire, the clients' processes and the machines' disks."""

import contextlib
import os
import resource
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from benchmarks.faults.plan import Fault
from benchmarks.faults.proxy import Proxy
from benchmarks.faults.workload import Worker
from ledger.embedded.server import EmbeddedServer

DISK_BYTES = 16_000_000  # of a machine, where a file system of its own can be had
LIMIT = resource.RLIM_INFINITY


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


class Nemesis:
    """Applies the faults of a plan, each in a thread of its own, and undoes them."""

    def __init__(self, server: EmbeddedServer, proxy: Proxy, workers: list[Worker], disks: list[Disk]) -> None:
        self._server = server
        self._proxy = proxy
        self._workers = workers
        self._disks = disks
        self._threads: list[threading.Thread] = []
        self._wire = threading.Lock()  # one fault of the wire, and one of the server, at a time
        self._serving = threading.Lock()

    def run(self, faults: tuple[Fault, ...]) -> None:
        begun = time.monotonic()
        for fault in faults:
            time.sleep(max(0.0, fault.at - (time.monotonic() - begun)))
            thread = threading.Thread(target=getattr(self, f"_{fault.kind}"), args=[fault], daemon=True)
            thread.start()
            self._threads.append(thread)
        for thread in self._threads:
            thread.join(60)

    def heal(self) -> None:
        """Everything works again."""
        self._proxy.heal()
        for disk in self._disks:
            disk.free()
        self._server.ensure()

    def _kill_server(self, fault: Fault) -> None:
        with self._serving:
            for process in _processes(self._server):
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
            time.sleep(fault.lasts)
            self._server.ensure()

    def _freeze_server(self, fault: Fault) -> None:
        with self._serving:
            frozen = _processes(self._server)
            for process in frozen:
                _signal(process, signal.SIGSTOP)
            time.sleep(fault.lasts)
            for process in frozen:
                _signal(process, signal.SIGCONT)

    def _kill_client(self, fault: Fault) -> None:
        self._workers[fault.target % len(self._workers)].channel.kill()

    def _freeze_client(self, fault: Fault) -> None:
        process = self._workers[fault.target % len(self._workers)].channel.process
        if process is not None and process.poll() is None:
            os.kill(process.pid, signal.SIGSTOP)
            time.sleep(fault.lasts)
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGCONT)

    def _cut(self, _: Fault) -> None:
        self._proxy.cut()

    def _cut_after(self, fault: Fault) -> None:
        self._proxy.cut_after(fault.amount)

    def _refuse(self, fault: Fault) -> None:
        self._on_the_wire(self._proxy.refuse, fault)

    def _black_hole(self, fault: Fault) -> None:
        self._on_the_wire(self._proxy.black_hole, fault)

    def _delay(self, fault: Fault) -> None:
        self._on_the_wire(lambda: self._proxy.delay(fault.amount / 5000), fault)

    def _full_disk(self, fault: Fault) -> None:
        """With the database away, or just before it goes: then it matters."""
        disk = self._disks[fault.target % len(self._disks)]
        disk.fill()
        if fault.target & 64:
            self._on_the_wire(self._proxy.refuse, fault)
        else:
            time.sleep(fault.lasts)
        disk.free()

    def _short_writes(self, fault: Fault) -> None:
        """A client's files may not grow beyond a limit: a write that would is cut there, the next one fails."""
        process = self._workers[fault.target % len(self._workers)].channel.process
        if process is None or not hasattr(psutil.Process, "rlimit"):  # elsewhere than on Linux
            return
        with contextlib.suppress(psutil.Error):  # it has died
            limited = psutil.Process(process.pid)
            limited.rlimit(resource.RLIMIT_FSIZE, (1000 + fault.amount, LIMIT))
            if fault.target & 64:
                self._on_the_wire(self._proxy.refuse, fault)
            else:
                time.sleep(fault.lasts)
            limited.rlimit(resource.RLIMIT_FSIZE, (LIMIT, LIMIT))

    def _on_the_wire(self, break_it: Callable[[], None], fault: Fault) -> None:
        with self._wire:
            break_it()
            time.sleep(fault.lasts)
            self._proxy.heal()


def _processes(server: EmbeddedServer) -> list[psutil.Process]:
    with contextlib.suppress(OSError, psutil.NoSuchProcess):
        leader = psutil.Process(int((server.data / "postmaster.pid").read_text().split()[0]))
        return [leader, *leader.children(recursive=True)]
    return []


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(number)


def _runs(command: list[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
