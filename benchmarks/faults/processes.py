"""The process of a client: forked from one that has its version of the program loaded, to start in milliseconds.

It is a process as any other: it is killed and frozen by its number. Two libraries are loaded into it where they can be
had: libfiu (Debian's `fiu-utils`) fails its calls on files when it is asked to, and `clock.c` sets its clock. What it
says goes over a socket, which libfiu leaves alone.
"""

import contextlib
import ctypes
import faulthandler
import multiprocessing
import os
import pkgutil
import select
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import ledger
import mcp_adapter
import projections
from benchmarks.faults import library
from projections.cli.main import main as command_line
from projections.cli.terminal.exits import OUTPUT_LOST

PACKAGES = (ledger, projections, mcp_adapter)
DISK_LIBRARY = next(iter(sorted(Path("/usr/lib").glob("**/fiu_posix_preload.so"))), None)
CONTROL = "libfiu.so.0"
CLOCK_SOURCE = Path(__file__).with_name("clock.c")
REPLY_SECONDS = 2.0
ENDING_SECONDS = 2.0  # between its last word and its end

ROOT = Path(__file__).parents[2]

_CONTEXT = multiprocessing.get_context("forkserver")
_forking = threading.Lock()


class Program:
    """One version of the program, loaded in a process that others are forked from. `sources` is a folder with its
    packages; the library for their clock is built in `folder`."""

    def __init__(self, sources: Path, folder: Path) -> None:
        self._server = forkserver.ForkServer()
        self._server.set_forkserver_preload(["benchmarks.faults.run", *_every_module()])
        libraries = [str(library) for library in (DISK_LIBRARY, _clock_library(folder)) if library]
        path = os.pathsep.join(map(str, dict.fromkeys([sources, ROOT])))
        variables = {"PYTHONPATH": path, "PYTHONSAFEPATH": "1"}  # not those of the working folder
        with _exported({"LD_PRELOAD": " ".join(libraries), **variables}):
            self._server.ensure_running()

    @cached_property
    def version(self) -> str:
        return str(self.call(_version))

    def start(self, work: Callable[..., object], *given: object) -> multiprocessing.process.BaseProcess:
        """A process of this version that does that work."""
        process = _CONTEXT.Process(target=work, args=given, daemon=True)
        with _forking:  # the standard library has one server that processes are forked from, and asks for it by name
            forkserver.connect_to_new_process = self._server.connect_to_new_process
            process.start()
        return process

    def close(self) -> None:
        self._server._stop()  # there is no other way, and it would stay until the lab's process ends

    def call(self, function: Callable[..., object], *given: object) -> Any:
        """What a function answers in a process of this version. Raises EOFError when that process ends before."""
        here, there = _CONTEXT.Pipe(duplex=False)
        process = self.start(_answer, there, function, given)
        there.close()
        with here:
            answered = here.recv()
        process.join()
        return answered


def _version() -> str:
    return ledger.__version__


def _answer(there: Connection, function: Callable[..., object], given: Sequence[object]) -> None:
    there.send(function(*given))


def _every_module() -> Iterator[str]:
    for package in PACKAGES:
        found = pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
        yield from (module.name for module in found if not module.name.endswith("__main__"))


def _clock_library(folder: Path) -> Path | None:
    """None where there is no compiler; then the clocks of all machines are right."""
    built = folder / "clock.so"
    command = ["cc", "-shared", "-fPIC", "-O2", "-o", str(built), str(CLOCK_SOURCE), "-ldl"]
    if shutil.which("cc") is None or subprocess.run(command, capture_output=True, check=False).returncode:
        return None
    return built


class ClientProcess:
    """One process. `arguments` are those of the command line; none stand for the program that uses the library."""

    def __init__(
        self,
        arguments: Sequence[str],
        environment: dict[str, str],
        folder: Path,
        errors: Path,
        disk_faults: Sequence[str] = (),
        *,
        program: Program,
    ) -> None:
        self.version = program.version
        self.wire, theirs = socket.socketpair()
        errors_here, errors_there = socket.socketpair()
        self._process = program.start(
            _live, list(arguments), environment, folder, theirs, errors_there, list(disk_faults)
        )
        theirs.close()
        errors_there.close()
        threading.Thread(target=_keep, args=[errors_here, errors, self._process.pid], daemon=True).start()
        assert self._process.pid is not None, "it was started"
        self.pid: int = self._process.pid
        self.was_killed = False
        self._control = _control(environment)

    def is_alive(self) -> bool:
        return self._process.is_alive()

    def kill(self) -> None:
        self.was_killed = True
        self._process.kill()

    def ended(self, *foreseen: int) -> str:
        """How it ended; empty where it was killed, still runs, or says that its answer could not be written. `foreseen`
        are other exit codes that are right there."""
        self._process.join(ENDING_SECONDS)
        is_foreseen = self.was_killed or self._process.exitcode in (None, OUTPUT_LOST, *foreseen)
        return "" if is_foreseen else f"ended with {self._process.exitcode}"

    def send(self, line: bytes) -> None:
        """Raises OSError when it has died."""
        self.wire.sendall(line)

    def end(self, seconds: float) -> None:
        """Says that nothing more comes, and waits for its end; then it is killed."""
        with contextlib.suppress(OSError):  # it has died
            self.wire.shutdown(socket.SHUT_WR)
        self._process.join(seconds)
        self._process.kill()
        self._process.join()

    def close(self) -> None:
        self.wire.close()

    def fail(self, command: str) -> None:
        """A command of libfiu's remote control: from now on these calls fail, or no longer."""
        if DISK_LIBRARY is None:
            return
        with contextlib.suppress(OSError), contextlib.ExitStack() as ending:  # it has died, or is not up yet
            descriptors = [
                os.open(f"{self._control}-{self.pid}.{end}", how | os.O_NONBLOCK)
                for end, how in (("out", os.O_RDONLY), ("in", os.O_WRONLY))
            ]
            for descriptor in descriptors:
                ending.callback(os.close, descriptor)
            os.write(descriptors[1], command.encode() + b"\n")
            select.select([descriptors[0]], [], [], REPLY_SECONDS)


def _live(
    arguments: list[str],
    environment: dict[str, str],
    folder: Path,
    wire: socket.socket,
    errors: socket.socket,
    disk_faults: list[str],
) -> None:
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.stdin, sys.stdout = wire.makefile("r", encoding="utf-8"), wire.makefile("w", encoding="utf-8")
    sys.stderr = errors.makefile("w", encoding="utf-8")
    sys.stderr.reconfigure(line_buffering=True)
    faulthandler.enable(errors.fileno())  # where native code crashes, all threads are written down
    if DISK_LIBRARY is not None:
        _obey(_control(environment), disk_faults)
    sys.argv = ["tracking-ledger", *arguments]
    program: Callable[[], object] = command_line if arguments else library.main
    program()


def _keep(errors: socket.socket, file: Path, process: int | None) -> None:
    """What one process wrote to standard error, in one piece."""
    said = b""
    with errors:
        while part := errors.recv(65536):
            said += part
    with contextlib.suppress(OSError), file.open("ab") as kept:  # the run is over, and its folder is gone
        kept.write(b"-- process %d\n%b" % (process or 0, said) if said else b"")


def _obey(control: str, commands: list[str]) -> None:
    """Listens to the remote control, and does what was commanded before it was there."""
    fiu = ctypes.CDLL(CONTROL)
    fiu.fiu_init(0)
    fiu.fiu_set_prng_seed(os.getpid())
    fiu.fiu_rc_fifo(control.encode())
    for command in commands:
        fiu.fiu_rc_string(command.encode(), ctypes.byref(ctypes.c_char_p()))


def _control(environment: dict[str, str]) -> str:
    return environment["FAULTS_CONTROL"]


@contextmanager
def _exported(variables: dict[str, str]) -> Iterator[None]:
    """Only for what is started now: neither the server nor its tools are to have them."""
    os.environ.update(variables)
    try:
        yield
    finally:
        for name in variables:
            del os.environ[name]
