"""How a client speaks to the program: over standard input and output, by HTTP, by commands, or as a library."""

import contextlib
import json
import threading
import time
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from queue import Empty, Queue
from typing import Any
from urllib.parse import urlsplit

from benchmarks.faults.machines import Machine
from benchmarks.faults.processes import ClientProcess
from projections.cli.terminal.exits import UNAVAILABLE
from tests.support.http_client import request

Answer = dict[str, Any]
ANSWER_SECONDS = 40.0  # seconds, then a call counts as one that was never answered
ENDING = 20.0  # seconds that a process may take to end
GREETING = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "faults", "version": "0"},
}


class Lost(Exception):
    """No answer came: the process died, or stayed silent. It says how a process ended that was not killed."""


class _Lines:
    """A process that answers lines with lines."""

    arguments: tuple[str, ...] = ()

    def __init__(self, machine: Machine, name: str, secret: str) -> None:
        self._machine = machine
        self._variables = {"LEDGER_BY": name, "LEDGER_TOKEN": secret}
        self.process: ClientProcess | None = None
        self.version = ""
        self._said: Queue[bytes] = Queue()
        self._reader: threading.Thread | None = None

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()

    def close(self) -> None:
        """Ends the conversation as clients do."""
        if self.process is None:
            return
        self.process.end(ENDING)
        if self._reader is not None:
            self._reader.join()
        self.process.close()

    def _ask(self, line: Answer) -> Answer:
        if self.process is None or not self.process.is_alive():
            self._start()
        assert self.process is not None, "it was started"
        self.version = self.process.version
        try:
            self.process.send(json.dumps(line).encode() + b"\n")
        except OSError as error:
            raise Lost(self.process.ended()) from error
        try:
            said = self._said.get(timeout=ANSWER_SECONDS)
        except Empty:
            self.process.kill()
            raise Lost from None
        if not said:
            raise Lost(self.process.ended())
        answered: Answer = json.loads(said)
        return answered

    def _start(self) -> None:
        self.close()
        self._said = Queue()
        self.process = self._machine.start(*self.arguments, **self._variables)
        self._reader = threading.Thread(target=_read, args=[self.process, self._said], daemon=True)
        self._reader.start()


class Mcp(_Lines):
    """An assistant's server over standard input and output."""

    arguments = ("mcp",)

    def call(self, tool: str, arguments: Answer) -> Answer:
        return _of_tool(self._ask(_request(2, "tools/call", {"name": tool, "arguments": arguments})))

    def _start(self) -> None:
        super()._start()
        self._ask(_request(1, "initialize", GREETING))
        assert self.process is not None, "it was started"
        with contextlib.suppress(OSError):  # it has died, and the call will say so
            self.process.send(b'{"jsonrpc":"2.0","method":"notifications/initialized"}\n')


class Library(_Lines):
    """A program of one's own that uses the operations."""

    def call(self, tool: str, arguments: Answer) -> Answer:
        return self._ask({"tool": tool, "arguments": arguments})


class Cli:
    """A process for each command."""

    def __init__(self, machine: Machine, name: str, secret: str) -> None:
        self._machine = machine
        self._variables = {"LEDGER_BY": name, "LEDGER_TOKEN": secret}
        self.process: ClientProcess | None = None
        self.version = ""

    def call(self, tool: str, arguments: Answer) -> Answer:
        command = ("call", tool, "--json", "--arguments", json.dumps(arguments))
        self.process = process = self._machine.start(*command, **self._variables)
        self.version = process.version
        said = b""
        try:
            said = _all(process)
            answered: Answer = json.loads(said)
        except ValueError:
            ended = process.ended()
            raise Lost(ended and f"{ended}, having said {said.decode()}") from None
        finally:
            process.kill()
            process.close()
        return answered

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()

    def close(self) -> None:
        return


class Http:
    """A member of a team at the served process of its machine, by a token."""

    def __init__(self, machine: Machine, name: str, secret: str) -> None:
        self._machine = machine
        self._secret = secret
        self.version = ""

    @property
    def process(self) -> ClientProcess | None:
        served = self._machine.shared.get("served")
        return served[0] if served else None

    def call(self, tool: str, arguments: Answer) -> Answer:
        address = self._address()
        body, headers = request(self._secret, "tools/call", {"name": tool, "arguments": arguments})
        there = urlsplit(address)
        connection = HTTPConnection(there.hostname or "", there.port, timeout=ANSWER_SECONDS)
        try:
            connection.request("POST", there.path, body, headers)
            response = connection.getresponse()
            said = response.read()
        except TimeoutError:
            self.kill()
            raise Lost from None
        except (OSError, HTTPException) as error:
            raise Lost(self.process.ended() if self.process else "") from error
        finally:
            connection.close()
        if response.status != 200:
            return {"error": {"code": f"http {response.status}", "message": said.decode(errors="replace")}}
        return _of_tool(_last_message(said))

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()

    def close(self) -> None:
        with self._machine.guard:
            served = self._machine.shared.pop("served", None)
        if served:
            served[0].kill()
            served[0].close()

    def _address(self) -> str:
        """Of the server that runs, or of another on another port."""
        with self._machine.guard:
            served = self._machine.shared.get("served")
            if served is None or not served[0].is_alive():
                said = self._machine.beside / "address"
                said.unlink(missing_ok=True)
                process = self._machine.start("serve", "--port", "0", "--announce", str(said), "--rate", "10000")
                self._machine.shared["served"] = served = (process, _announced(process, said))
            self.version = served[0].version
            address: str = served[1]
            return address


Channel = Mcp | Library | Cli | Http
CHANNELS: dict[str, type[Channel]] = {"mcp": Mcp, "library": Library, "cli": Cli, "http": Http}


def _request(number: int, method: str, parameters: Answer) -> Answer:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": parameters}


def _of_tool(answered: Answer) -> Answer:
    if "error" in answered:
        return {"error": {"code": f"protocol {answered['error']['code']}", "message": answered["error"]["message"]}}
    result: Answer = answered["result"]["structuredContent"]
    return result


def _last_message(said: bytes) -> Answer:
    """The JSON-RPC answer, which may have come as the last event of a stream."""
    text = said.decode()
    if not text.startswith("{"):
        text = [line[5:] for line in text.splitlines() if line.startswith("data:") and len(line) > 6][-1]
    message: Answer = json.loads(text)
    return message


def _announced(process: ClientProcess, said: Path) -> str:
    """Where the server listens, once it does."""
    until = time.monotonic() + ANSWER_SECONDS
    while time.monotonic() < until and process.is_alive():
        with contextlib.suppress(FileNotFoundError):
            return f"{json.loads(said.read_bytes())['url']}/mcp"
        time.sleep(0.02)
    ended = process.ended(UNAVAILABLE)  # no disk took the file
    process.kill()
    raise Lost(ended)


def _all(process: ClientProcess) -> bytes:
    process.wire.settimeout(ANSWER_SECONDS)
    said = b""
    try:
        while part := process.wire.recv(65536):
            said += part
    except TimeoutError:
        raise Lost from None
    except OSError as error:
        raise Lost(process.ended()) from error
    return said


def _read(process: ClientProcess, said: "Queue[bytes]") -> None:
    with contextlib.suppress(OSError), process.wire.makefile("rb") as lines:
        for line in lines:
            with contextlib.suppress(ValueError):  # torn by what killed it
                if "method" not in json.loads(line):  # what the server says without being asked is no answer
                    said.put(line)
    said.put(b"")
