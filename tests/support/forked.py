"""Processes of the program, forked from one that has imported it: a new one spends a second or two of a core on that.

All else is a process's own: its id, signals, streams, environment and working folder. How a new interpreter starts is
tried where `subprocess` is used.
"""

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from multiprocessing.reduction import DupFd
from pathlib import Path
from typing import IO, Any

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.support.preloaded"])


def command_line() -> None:
    """What `tracking-ledger` does."""
    from projections.cli.main import program  # only here: the tests' process need not have it

    program()


class Forked:
    """A process that runs `program`, with the part of `subprocess.Popen` that the tests use."""

    def __init__(
        self,
        *words: str,
        env: Mapping[str, str],
        cwd: Path,
        program: Callable[[], None] = command_line,
        stdin: IO[Any] | int = subprocess.DEVNULL,
        stdout: IO[Any] | int = subprocess.PIPE,
        stderr: IO[Any] | int = subprocess.PIPE,
    ) -> None:
        own: list[int] = []  # descriptors to close once the process has them
        self.stdin, reading = _pipe(stdin, "wb", own)
        self.stdout, writing = _pipe(stdout, "rb", own)
        self.stderr, errors = (None, writing) if stderr == subprocess.STDOUT else _pipe(stderr, "rb", own)
        streams = [_Descriptor(number) for number in (reading, writing, errors)]
        arguments = (program, words, dict(env), str(cwd), streams)
        self._process = CONTEXT.Process(target=_run, args=arguments, daemon=True)
        try:
            self._process.start()
        finally:
            for number in own:
                os.close(number)
        assert self._process.pid is not None
        self.pid = self._process.pid
        self.sentinel = self._process.sentinel  # ready once it has ended

    @property
    def returncode(self) -> int | None:
        """Its exit code, or minus the signal that ended it."""
        return self._process.exitcode

    def poll(self) -> int | None:
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """What it has said until it ended, on both streams; at most what a pipe holds, 64 KiB of each."""
        self.wait(timeout)
        said = tuple(stream.read().decode() if stream is not None else "" for stream in (self.stdout, self.stderr))
        self.close()
        return said[0], said[1]

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            with suppress(ProcessLookupError):  # it has ended meanwhile
                os.kill(self.pid, number)

    def kill(self) -> None:
        self._process.kill()

    def close(self) -> None:
        """Kills it if it still runs, and closes our ends of its streams."""
        self.kill()
        self.wait()
        for stream in (self.stdin, self.stdout, self.stderr):
            if stream is not None:
                stream.close()


def run(*words: str, timeout: float = 120, **how: Any) -> subprocess.CompletedProcess[str]:
    """As `subprocess.run` with its output kept as text."""
    with _temporary() as said, _temporary() as complained:
        process = Forked(*words, **{"stdout": said, "stderr": complained} | how)
        try:
            code = process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        return subprocess.CompletedProcess(words, code, _text(said), _text(complained))


def _temporary() -> IO[bytes]:
    return os.fdopen(os.memfd_create("output"), "w+b")


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()


class _Descriptor:
    """A file descriptor on its way into another process."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __reduce__(self) -> tuple[Any, ...]:
        return _Received, (DupFd(self.number),)


class _Received:
    def __init__(self, there: Any) -> None:
        self.number: int = there.detach()


def _pipe(given: IO[Any] | int, mode: str, own: list[int]) -> tuple[IO[bytes] | None, int]:
    """Our end of a stream, if it has one, and the process's."""
    if given == subprocess.PIPE:
        reading, writing = os.pipe()
        ours, theirs = (writing, reading) if mode == "wb" else (reading, writing)
        own.append(theirs)
        return os.fdopen(ours, mode), theirs
    if given == subprocess.DEVNULL:
        own.append(os.open(os.devnull, os.O_RDWR))
        return None, own[-1]
    return None, given if isinstance(given, int) else given.fileno()


def _run(
    program: Callable[[], None], words: Sequence[str], env: dict[str, str], cwd: str, streams: list[_Received]
) -> None:
    for number, stream in enumerate(streams):
        os.dup2(stream.number, number)
    for stream in streams:
        os.close(stream.number)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored by all that a shell starts in the background
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    sys.argv = ["tracking-ledger", *words]
    sys.stdin, sys.stdout = (os.fdopen(number, mode, closefd=False) for number, mode in ((0, "r"), (1, "w")))
    sys.stderr = os.fdopen(2, "w", buffering=1, errors="backslashreplace", closefd=False)
    program()
