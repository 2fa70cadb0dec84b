"""A client of `tracking-ledger serve` that is not the SDK's: one HTTP request a question, to a real process.

with serving(settings) as server:
    server.call(token, "list_work_items")
"""

import json
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ledger.settings import Settings
from tests.support.command_line import run
from tests.support.forked import Forked
from tests.support.mcp_client import META, SECONDS, STATELESS, Message, RefusedByTool, environment

COMMAND = (sys.executable, "-c", "from projections.cli.main import main; main()")


class Answer:
    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    def result(self) -> Message:
        """The JSON-RPC result, which may have come as the last event of a stream."""
        text = self.body.decode()
        if not text.startswith("{"):
            text = [line[5:] for line in text.splitlines() if line.startswith("data:") and len(line) > 6][-1]
        response: Message = json.loads(text)
        assert "result" in response, response
        result: Message = response["result"]
        return result


class HttpServer:
    """One served process."""

    def __init__(self, process: Forked, url: str, log: Path) -> None:
        self.process = process
        self.url = url
        self.log = log
        self.trusted: ssl.SSLContext | None = None

    def call(self, token: str | None, tool: str, /, **arguments: Any) -> Message:
        """The tool's answer; raises RefusedByTool when it is an error."""
        result = self.ask(token, "tools/call", {"name": tool, "arguments": arguments}).result()
        answer: Message = result["structuredContent"]
        if result.get("isError"):
            raise RefusedByTool(answer["error"])
        return answer

    def ask(self, token: str | None, method: str, params: Message, **headers: str) -> Answer:
        """One request of the era without a handshake."""
        body, given = request(token, method, params)
        return self.send("POST", body, None, **given | headers)

    def send(self, method: str, body: bytes | None, token: str | None, path: str | None = None, **more: str) -> Answer:
        headers = _headers(token) | {name.replace("_", "-"): value for name, value in more.items()}
        connection = self.connection()
        try:
            connection.request(method, path or urlsplit(self.url).path, body, headers)
            answer = connection.getresponse()
            return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def connection(self) -> HTTPConnection:
        there = urlsplit(self.url)
        assert there.hostname
        if there.scheme == "https":
            return HTTPSConnection(there.hostname, there.port, timeout=SECONDS, context=self.trusted)
        return HTTPConnection(there.hostname, there.port, timeout=SECONDS)

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise


def request(token: str | None, method: str, params: Message) -> tuple[bytes, dict[str, str]]:
    """Its body and all of its headers."""
    envelope = {
        f"{META}protocolVersion": STATELESS,
        f"{META}clientInfo": {"name": "http-client", "version": "0"},
        f"{META}clientCapabilities": {},
    }
    message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": envelope}}
    name = {"mcp-name": params["name"]} if "name" in params else {}
    said = {"mcp-protocol-version": STATELESS, "mcp-method": method, **name}
    return json.dumps(message).encode(), _headers(token) | said


def _headers(token: str | None) -> dict[str, str]:
    headers = {"content-type": "application/json", "accept": "application/json, text/event-stream"}
    return headers if token is None else headers | {"authorization": f"Bearer {token}"}


def token(settings: Settings, actor: str, scope: str = "write") -> tuple[str, str]:
    """(secret, id) of a new token, made by the command."""
    made = json.loads(_run(settings, "token", "create", actor, "--scope", scope, "--json"))
    return made["token"], made["id"]


def revoke(settings: Settings, id: str) -> None:
    _run(settings, "token", "revoke", id)


@contextmanager
def serving(settings: Settings, folder: Path, *options: str) -> Iterator[HttpServer]:
    """A served process on a free port, stopped at the end; its log is a file in the folder."""
    log = folder / "serve.log"
    with log.open("wb") as errors:
        process = Forked(
            "serve",
            *("--port", "0"),
            *options,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            env=environment(settings),
            cwd=settings.project,
        )
    server = HttpServer(process, _url(process, log), log)
    try:
        yield server
    finally:
        server.stop()


def _url(process: Forked, log: Path) -> str:
    """The address that the server says once it listens there."""
    for _ in range(int(SECONDS * 20)):
        for line in log.read_text().splitlines():
            if '"serving"' in line:
                url: str = json.loads(line)["url"]
                return url
        try:
            code = process.wait(0.05)
        except subprocess.TimeoutExpired:
            continue
        raise AssertionError(f"the server ended with {code}: {log.read_text()}")
    raise AssertionError(f"the server says nothing: {log.read_text()}")


def _run(settings: Settings, *arguments: str) -> str:
    done = run(settings, *arguments)
    assert done.exit_code == 0, done.stderr
    return done.stdout
