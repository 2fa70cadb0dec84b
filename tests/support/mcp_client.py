"""A client of the MCP server that is not the SDK's: lines of JSON-RPC through a pipe, and what came back.

with served(settings) as client:
    client.call("create_work_item", item_type="task", title="Write")["ref"]

The server at the other end is a thread of the tests' process, which saves the two seconds that a new one spends on
imports; `server_process` is for what a process does: how it is started, ends, is killed, or keeps its output clean.
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty, Queue
from typing import IO, Any

from ledger.settings import Settings
from mcp_adapter.__main__ import main
from mcp_adapter.server import run_stdio
from mcp_adapter.transport.pipes import conversation
from projections.application.app import App
from projections.maintenance.after_write import keep_status
from tests.support.forked import Forked, command_line

Message = dict[str, Any]

HANDSHAKES = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
STATELESS = "2026-07-28"
SERVER = (sys.executable, "-m", "mcp_adapter")
SOON = 20.0  # seconds in which an answer comes, if the request was understood
SECONDS = 120.0  # a test that waits longer has failed, also on a machine that does other things too
META = "io.modelcontextprotocol/"


class RefusedByTool(Exception):
    """The tool answered with an error; `error` is {code, message, details, next_step, retryable}."""

    def __init__(self, error: Message) -> None:
        super().__init__(f"{error['code']}: {error['message']}")
        self.error = error
        self.code: str = error["code"]
        self.details: Message = error["details"]


class RefusedByProtocol(Exception):
    """The server answered with a JSON-RPC error."""

    def __init__(self, error: Message) -> None:
        super().__init__(f"{error['code']}: {error['message']}")
        self.code: int = error["code"]


class McpClient:
    """The pipes to one server. Any thread may ask; answers are matched by id.

    `ended` waits for the server's end and answers its exit code.
    """

    def __init__(
        self, sent: IO[bytes], received: IO[bytes], revision: str, name: str, ended: Callable[[], int]
    ) -> None:
        self._sent = sent
        self._received = received
        self._ended = ended
        self.revision = revision
        self.name = name
        self.capabilities: Message = {}
        self.lines: list[bytes] = []  # everything that the server wrote to standard output
        self.greeting: Message = {}
        self.notes: Queue[Message] = Queue()  # what the server said without being asked
        self.batches: Queue[list[Message]] = Queue()  # the answers to batches
        self._waiting: dict[Any, Queue[Message]] = {None: Queue()}
        self._writing = threading.Lock()
        self._last_id = 0
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def greet(self) -> Message:
        """The handshake of the revision; the stateless one has none and is asked what it is."""
        if self.revision == STATELESS:
            self.greeting = self.request("server/discover", {})
            return self.greeting
        client = {"name": self.name, "version": "0"}
        asked = {"protocolVersion": self.revision, "capabilities": self.capabilities, "clientInfo": client}
        self.greeting = self.request("initialize", asked)
        self.write({"jsonrpc": "2.0", "method": "notifications/initialized"})
        return self.greeting

    def call(self, tool: str, /, **arguments: Any) -> Message:
        """The tool's answer; raises RefusedByTool when it is an error."""
        result = self.result(tool, arguments)
        answer: Message = result["structuredContent"]
        if result.get("isError"):
            raise RefusedByTool(answer["error"])
        return answer

    def refusal(self, tool: str, /, **arguments: Any) -> Message:
        """The error that the tool is expected to answer with."""
        try:
            answer = self.call(tool, **arguments)
        except RefusedByTool as refused:
            return refused.error
        raise AssertionError(f"{tool} was not refused but answered {answer}")

    def result(self, tool: str, arguments: Message) -> Message:
        """The whole result of a call, whose text and structured content say the same in every answer."""
        result = self.request("tools/call", {"name": tool, "arguments": arguments})
        (content,) = result["content"]
        assert json.loads(content["text"]) == result["structuredContent"]
        return result

    def note(self, method: str) -> Message:
        """The parameters of the next notification of this method; others before it are passed over."""
        while True:
            try:
                said = self.notes.get(timeout=SECONDS)
            except Empty:
                raise AssertionError(f"no {method} within {SECONDS} s") from None
            if said["method"] == method:
                output: Message = said.get("params", {})
                return output

    def tools(self) -> list[Message]:
        listed: list[Message] = self.request("tools/list", {})["tools"]
        return listed

    def request(self, method: str, params: Message) -> Message:
        return self.wait(self.send(method, params))

    def send(self, method: str, params: Message, *, as_text: tuple[str, str] = ("", "")) -> int:
        """Asks without waiting; `wait` takes the id. `as_text` replaces one piece of the line by another,
        in which U+DC80 to U+DCFF stand for single bytes."""
        with self._writing:
            self._last_id += 1
            number = self._last_id
        self._waiting[number] = Queue()
        if self.revision == STATELESS:
            params = {**params, "_meta": {**params.get("_meta", {}), **self._envelope()}}
        line = json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
        self.write_line(line.replace(*as_text).encode(errors="surrogateescape") if as_text[0] else line.encode())
        return number

    def wait(self, number: int | None) -> Message:
        """The result of a request; None waits for an error that names no request."""
        try:
            answer = self._answer(number)
        except Empty:
            raise AssertionError(f"no answer to request {number} within {SECONDS} s") from None
        if "error" in answer:
            raise RefusedByProtocol(answer["error"])
        result: Message = answer["result"]
        return result

    def _answer(self, number: int | None) -> Message:
        """Comes none soon, while an error has come that names no request, it is this one that was not understood."""
        with suppress(Empty):
            return self._waiting[number].get(timeout=SOON)
        if number is not None and not self._waiting[None].empty():
            raise AssertionError(f"in place of an answer to request {number}: {self._waiting[None].get()}")
        return self._waiting[number].get(timeout=SECONDS - SOON)

    def write(self, message: Message) -> None:
        self.write_line(json.dumps(message).encode())

    def write_line(self, line: bytes) -> None:
        self.write_raw(line + b"\n")

    def write_raw(self, data: bytes) -> None:
        with self._writing:
            self._sent.write(data)
            self._sent.flush()

    def close(self) -> int:
        """Ends the conversation as clients do, by closing the pipe; answers the exit code."""
        self._sent.close()
        try:
            return self._ended()
        finally:
            self._reader.join(SECONDS)
            self._received.close()

    def _envelope(self) -> Message:
        return {
            f"{META}protocolVersion": self.revision,
            f"{META}clientInfo": {"name": self.name, "version": "0"},
            f"{META}clientCapabilities": self.capabilities,
        }

    def _read(self) -> None:
        for line in self._received:
            self.lines.append(line)
            message = json.loads(line)
            if isinstance(message, list):
                self.batches.put(message)
            elif "result" in message or "error" in message:
                self._waiting[message.get("id")].put(message)
            else:
                self.notes.put(message)


def environment(settings: Settings) -> dict[str, str]:
    """The environment of a server process, so that it serves the test's ledger and nothing of this machine's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LEDGER_")}
    root = str(Path(__file__).parents[2])
    said = {
        "LEDGER_PROJECT": str(settings.project),
        "LEDGER_HOME": str(settings.home),
        "LEDGER_PGDATA": str(settings.pgdata),
        "LEDGER_WARM": "off",
        "PYTHONPATH": root,
    }
    return {**kept, **said, **({"LEDGER_DSN": settings.dsn} if settings.dsn else {})}


@contextmanager
def served(
    settings: Settings,
    *,
    revision: str = "2025-11-25",
    name: str = "test-client",
    extra: dict[str, str] | None = None,
    mark: bytes = b"",
    capabilities: Message | None = None,
) -> Iterator[McpClient]:
    """A greeted server in a thread, with the settings of such an environment. `mark` goes before the first message."""
    app = App(Settings.from_environment(environment(settings) | (extra or {})), keep_status=keep_status)
    (server_reads, client_writes), (client_reads, server_writes) = os.pipe(), os.pipe()
    with (
        os.fdopen(client_writes, "wb") as sent,
        os.fdopen(client_reads, "rb") as received,
        os.fdopen(server_reads, "rb") as incoming,
    ):

        def serve() -> None:
            with os.fdopen(server_writes, "wb") as outgoing:
                run_stdio(app, streams=lambda: conversation(incoming, outgoing))

        thread = threading.Thread(target=serve, name="served", daemon=True)

        def ended() -> int:
            thread.join(SECONDS)
            assert not thread.is_alive(), f"the server did not end within {SECONDS} s"
            return 0

        thread.start()
        client = McpClient(sent, received, revision, name, ended)
        client.capabilities = capabilities or {}
        yield from _greeted(client, mark)


@contextmanager
def server_process(
    settings: Settings,
    *,
    revision: str = "2025-11-25",
    name: str = "test-client",
    words: Sequence[str] = (),
    extra: dict[str, str] | None = None,
    log: Path | None = None,
) -> Iterator[McpClient]:
    """A greeted server process: `python -m mcp_adapter`, or a command's words. `log` keeps its standard error."""
    with (log or Path(os.devnull)).open("wb") as errors:
        process = Forked(
            *words,
            program=command_line if words else main,
            stdin=subprocess.PIPE,
            stderr=errors,
            env={**environment(settings), **(extra or {})},
            cwd=settings.project,
        )
        assert process.stdin is not None
        assert process.stdout is not None

        def ended() -> int:
            try:
                return process.wait(timeout=SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                raise

        yield from _greeted(McpClient(process.stdin, process.stdout, revision, name, ended))


def _greeted(client: McpClient, mark: bytes = b"") -> Iterator[McpClient]:
    try:
        client.write_raw(mark)
        client.greet()
        yield client
    finally:
        client.close()
