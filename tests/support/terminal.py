"""A program on a terminal of its own, as a person types into it."""

import fcntl
import os
import pty
import re
import select
import signal
import subprocess
import termios
import time
from collections.abc import Mapping
from pathlib import Path

CONTROL = re.compile(
    r"\x1b(\[[0-9;?=>]*[a-zA-Z]|\][^\x07\x1b]*(\x07|\x1b\\)|[()][A-Z0-9]|[=>78])"
)  # colours, moves, titles
WHICH_TERMINAL, A_VT220 = "\x1b[c", b"\x1b[?62;c"  # a shell that asks waits for the answer


class Terminal:
    """Close it: the program ends with it."""

    def __init__(self, *command: str, env: Mapping[str, str], cwd: Path) -> None:
        self._descriptor, terminal = pty.openpty()
        self._program = subprocess.Popen(
            command,
            env=env,
            cwd=cwd,
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            start_new_session=True,
            preexec_fn=_take_terminal,
        )
        os.close(terminal)
        self._shown = ""

    def type(self, text: str) -> None:
        os.write(self._descriptor, text.encode())

    def shows(self, text: str, seconds: float = 60) -> bool:
        """Whether it shows a text, from what it last showed on; what came before is read away."""
        ends = time.monotonic() + seconds
        while text not in (seen := CONTROL.sub("", self._shown)):
            if time.monotonic() > ends or not self._read():
                return False
        self._shown = seen.partition(text)[2]
        return True

    def close(self) -> None:
        self._program.kill()
        self._program.wait()
        os.close(self._descriptor)

    def _read(self) -> bool:
        """Waits a moment for more; False if it has ended."""
        if not select.select([self._descriptor], [], [], 0.2)[0]:
            return True
        try:
            read = os.read(self._descriptor, 65536).decode(errors="replace")
        except OSError:
            return False
        if WHICH_TERMINAL in read:
            os.write(self._descriptor, A_VT220)
        self._shown += read
        return read != ""


def usual_signals() -> None:
    """In the new process: as a shell starts one, whatever the tests were started with, as `nohup` or `&` do."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)


def _take_terminal() -> None:
    """In the new process: its standard input is what Ctrl-C and job control belong to."""
    usual_signals()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
