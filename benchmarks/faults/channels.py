"""How a client speaks to the program: each a real process, that can be killed, frozen and started again."""

import contextlib
import json
import subprocess
import sys
import threading
from pathlib import Path
from queue import Empty, Queue
from typing import Any

Answer = dict[str, Any]
PATIENCE = 40.0  # seconds, then a call counts as one that was never answered
GREETING = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "faults", "version": "0"},
}


class Lost(Exception):
    """No answer came: the process died, or stayed silent."""


class _Lines:
    """A process that answers lines with lines."""

    command: tuple[str, ...] = ()

    def __init__(self, environment: dict[str, str], folder: Path, errors: Path) -> None:
        self._environment = environment
        self._folder = folder
        self._errors = errors
        self.process: subprocess.Popen[bytes] | None = None
        self._said: Queue[bytes] = Queue()
        self._reader: threading.Thread | None = None

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()

    def close(self) -> None:
        """Ends the conversation as clients do."""
        if self.process is None:
            return
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):  # it has died, and with it what was not read
            self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self._reader is not None:
            self._reader.join()

    def _ask(self, line: Answer) -> Answer:
        if self.process is None or self.process.poll() is not None:
            self._start()
        assert self.process is not None and self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(line).encode() + b"\n")
            self.process.stdin.flush()
        except OSError as error:
            raise Lost("the process has died") from error
        try:
            said = self._said.get(timeout=PATIENCE)
        except Empty:
            self.process.kill()
            raise Lost("silent") from None
        if not said:
            self.process.wait()
            raise Lost("the process died")
        answered: Answer = json.loads(said)
        return answered

    def _start(self) -> None:
        self.close()
        self._said = Queue()
        with self._errors.open("ab") as errors:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=self._environment,
                cwd=self._folder,
            )
        self._reader = threading.Thread(target=_read, args=[self.process, self._said], daemon=True)
        self._reader.start()


class Mcp(_Lines):
    """An assistant's server over standard input and output."""

    command = (sys.executable, "-m", "mcp_adapter")

    def call(self, tool: str, arguments: Answer) -> Answer:
        answered = self._ask(_request(2, "tools/call", {"name": tool, "arguments": arguments}))
        if "error" in answered:
            return {"error": {"code": f"protocol {answered['error']['code']}", "message": answered["error"]["message"]}}
        result: Answer = answered["result"]["structuredContent"]
        return result

    def _start(self) -> None:
        super()._start()
        self._ask(_request(1, "initialize", GREETING))
        assert self.process is not None and self.process.stdin is not None
        self.process.stdin.write(b'{"jsonrpc":"2.0","method":"notifications/initialized"}\n')
        self.process.stdin.flush()


class Library(_Lines):
    """A program of one's own that uses the operations."""

    command = (sys.executable, "-m", "benchmarks.faults.library")

    def call(self, tool: str, arguments: Answer) -> Answer:
        return self._ask({"tool": tool, "arguments": arguments})


class Cli:
    """A process for each command."""

    def __init__(self, environment: dict[str, str], folder: Path, errors: Path) -> None:
        self._environment = environment
        self._folder = folder
        self._errors = errors
        self.process: subprocess.Popen[bytes] | None = None

    def call(self, tool: str, arguments: Answer) -> Answer:
        program = "from projections.cli.main import main; main()"
        command = [sys.executable, "-c", program, "call", tool, "--json", "--arguments", json.dumps(arguments)]
        with self._errors.open("ab") as errors:
            self.process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=errors, env=self._environment, cwd=self._folder
            )
        try:
            said, _ = self.process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise Lost("silent") from None
        if not said or self.process.returncode < 0:
            raise Lost("the process died")
        answered: Answer = json.loads(said)
        return answered

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()

    def close(self) -> None:
        return


Channel = Mcp | Library | Cli
CHANNELS: dict[str, type[Channel]] = {"mcp": Mcp, "library": Library, "cli": Cli}


def _request(number: int, method: str, parameters: Answer) -> Answer:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": parameters}


def _read(process: "subprocess.Popen[bytes]", said: "Queue[bytes]") -> None:
    assert process.stdout is not None
    with process.stdout:
        for line in process.stdout:
            with contextlib.suppress(ValueError):  # torn by what killed it
                if "method" not in json.loads(line):  # what the server says without being asked is no answer
                    said.put(line)
    said.put(b"")
