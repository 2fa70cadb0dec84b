"""How many calls a second one served process answers to a team, and how long each takes.

python benchmarks/served.py [--clients 50] [--seconds 10] [--processes 1]

Each client keeps one connection and asks again as soon as it is answered: for an item, then for a new one. The clients
are one process, the served ones others, on one machine: with fewer free cores than both need, the numbers are lower.
Beside each, the served process's processor time for a call, and what its own log says that it took. All of it runs on a
ledger and a database of its own in a temporary folder.
"""

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil

from ledger import identity
from ledger.postgres.connection.connect import embedded_server
from ledger.settings import Settings
from tests.support.http_client import HttpServer, request, serving, token

Ask = Callable[[int], tuple[str, dict[str, Any]]]
RATE = "10000"  # requests a second of one token: the limit is not what is measured


def packet(server: HttpServer, secret: str, tool: str, arguments: dict[str, Any]) -> bytes:
    """A whole request, as it goes over the wire."""
    body, headers = request(secret, "tools/call", {"name": tool, "arguments": arguments})
    given = {"host": "localhost", "content-length": str(len(body)), **headers}
    lines = "".join(f"{name}: {value}\r\n" for name, value in given.items())
    return f"POST {urlsplit(server.url).path} HTTP/1.1\r\n{lines}\r\n".encode() + body


async def answered(reader: asyncio.StreamReader) -> bytes:
    """The status line and the body, whose length the answer says or which comes in chunks."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    if b"content-length: " in head:
        return head + await reader.readexactly(int(head.split(b"content-length: ")[1].split(b"\r\n")[0]))
    body = b""
    while length := int(await reader.readline(), 16):
        body += await reader.readexactly(length)
        await reader.readexactly(2)
    await reader.readexactly(2)
    return head + body


async def client(server: HttpServer, secret: str, ask: Ask, number: int, until: float) -> list[float]:
    """Milliseconds of each call."""
    there, took = urlsplit(server.url), []
    reader, writer = await asyncio.open_connection(there.hostname, there.port)
    while (begun := time.perf_counter()) < until:
        tool, arguments = ask(number)
        number += 1_000_000
        writer.write(packet(server, secret, tool, arguments))
        answer = await answered(reader)
        took.append((time.perf_counter() - begun) * 1000)
        assert answer.startswith(b"http/1.1 200") and b'"isError":true' not in answer, answer[:500]
    writer.close()
    return took


def measured(servers: list[HttpServer], secret: str, ask: Ask, clients: int, seconds: float) -> dict[str, float]:
    before = [server.log.stat().st_size for server in servers]
    worked = [psutil.Process(server.process.pid).cpu_times() for server in servers]

    async def run() -> list[list[float]]:
        until = time.perf_counter() + seconds
        each = [client(servers[n % len(servers)], secret, ask, n, until) for n in range(clients)]
        return await asyncio.gather(*each)

    took = sorted(took for each in asyncio.run(run()) for took in each)
    work = [psutil.Process(server.process.pid).cpu_times() for server in servers]
    spent = sum(sum(now[:2]) - sum(then[:2]) for now, then in zip(work, worked, strict=True))
    lines = [line for server, size in zip(servers, before, strict=True) for line in said(server, size)]
    return {
        "clients": clients,
        "a_second": round(len(took) / seconds),
        "median_ms": round(statistics.median(took), 1),
        "p95_ms": round(took[int(len(took) * 0.95)], 1),
        "processor_ms": round(spent / len(took) * 1000, 2),
        "median_by_its_log_ms": round(statistics.median(line["milliseconds"] for line in lines), 1),
    }


def said(server: HttpServer, after: int) -> list[dict[str, Any]]:
    """The log's lines about requests, from a byte on."""
    lines = (json.loads(line) for line in server.log.read_bytes()[after:].splitlines())
    return [line for line in lines if line["kind"] == "http"]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--processes", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir="/tmp") as folder, ExitStack() as running:
        root = Path(folder)
        (root / "project").mkdir()
        identity.create(root / "project")
        settings = Settings(project=root / "project", home=root / "home", pgdata=root / "postgres")
        running.callback(embedded_server(settings).stop)
        secret, _ = token(settings, "bench")
        servers = []
        for n in range(given.processes):
            (root / str(n)).mkdir()
            servers.append(running.enter_context(serving(settings, root / str(n), "--rate", RATE)))
        made = servers[0].call(secret, "create_work_item", item_type="task", title="Asked for")
        read: Ask = lambda _: ("query_work_item", {"id": made["id"]})  # noqa: E731
        write: Ask = lambda n: ("create_work_item", {"item_type": "task", "title": f"Item {n}"})  # noqa: E731
        for name, ask in (("read", read), ("write", write)):
            for clients in (1, given.clients):
                found = measured(servers, secret, ask, clients, given.seconds)
                print(json.dumps({"what": name, "processes": given.processes, **found}), flush=True)


if __name__ == "__main__":
    main()
