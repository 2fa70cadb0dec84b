"""What a call through MCP costs beside the SDK's own floor, how soon a server answers, whether its memory stays flat.

python benchmarks/assistants.py [--calls 2000] [--memory 100000]

The floor is an empty tool on the same server library, over the same pipes, asked by the same client. All of it runs on
a ledger and a database of its own in a temporary folder. Times are of one machine at one moment: compare the columns.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from ledger import identity
from ledger.settings import Settings
from tests.support.mcp_client import STATELESS, McpClient, environment

FLOOR = """
import anyio
import mcp.types as wire
from mcp.server import Server
from mcp.server.stdio import stdio_server

async def list_tools(context, params):
    return wire.ListToolsResult(tools=[wire.Tool(name="nothing", input_schema={"type": "object"})])

async def call_tool(context, params):
    return wire.CallToolResult(content=[wire.TextContent(type="text", text="{}")], structured_content={})

async def main():
    server = Server("floor", on_list_tools=list_tools, on_call_tool=call_tool)
    async with stdio_server() as (reading, writing):
        await server.run(reading, writing, server.create_initialization_options())

anyio.run(main)
"""
OURS = (sys.executable, "-c", "from projections.cli.main import main; main()", "mcp")
WARM = 200
STARTS = 5
ITEMS = 200
REVISIONS = ("2025-11-25", STATELESS)

Call = Callable[[int], tuple[str, dict[str, Any]]]


class Asked(NamedTuple):
    """A client, and the process that answers it."""

    client: McpClient
    process: psutil.Process


@contextmanager
def conversation(command: tuple[str, ...], settings: Settings, revision: str) -> Iterator[tuple[Asked, float]]:
    """A greeted client, and the milliseconds from the start of the process to its first answer."""
    begun = time.perf_counter()
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment(settings)
    )
    assert process.stdin is not None
    assert process.stdout is not None
    client = McpClient(process.stdin, process.stdout, revision, "benchmark", process.wait)
    client.greet()
    yield Asked(client, psutil.Process(process.pid)), (time.perf_counter() - begun) * 1000
    client.close()


def measured(asked: Asked, calls: int, call: Call) -> dict[str, float]:
    """Microseconds of one call after the other, and of the server's own work in each."""
    for number in range(WARM):
        ask(asked.client, call(number))
    work, times = used(asked), []
    for number in range(WARM, WARM + calls):
        begun = time.perf_counter()
        ask(asked.client, call(number))
        times.append((time.perf_counter() - begun) * 1e6)
    times.sort()
    return {
        "p50": times[len(times) // 2],
        "p95": times[len(times) * 95 // 100],
        "work": (used(asked) - work) / calls * 1e6,
    }


def ask(client: McpClient, call: tuple[str, dict[str, Any]]) -> None:
    name, arguments = call
    result = client.request("tools/call", {"name": name, "arguments": arguments})
    client.lines.clear()
    if result.get("isError"):
        raise SystemExit(f"{name} was refused: {result}")


def used(asked: Asked) -> float:
    times = asked.process.cpu_times()
    return times.user + times.system


def memory(asked: Asked) -> float:
    return asked.process.memory_info().rss / 2**20


def reading(items: list[str]) -> Call:
    return lambda number: ("query_work_item", {"id": items[number % len(items)]})


def writing(number: int) -> tuple[str, dict[str, Any]]:
    return "create_work_item", {"item_type": "task", "title": f"Item {number}"}


def vendor(_: int) -> tuple[str, dict[str, Any]]:
    return "query_vendor_status", {"name": "Example"}


def nothing(_: int) -> tuple[str, dict[str, Any]]:
    return "nothing", {}


def latency(settings: Settings, floor: tuple[str, ...], items: list[str], calls: int) -> None:
    print(f"{'microseconds':34}{'p50':>9}{'p95':>9}{'work':>9}  of the floor's p50")
    for revision in REVISIONS:
        with conversation(floor, settings, revision) as (asked, _):
            least = measured(asked, calls, nothing)
        print_ratios(f"{revision} floor", least, least)
        with conversation(OURS, settings, revision) as (asked, _):
            print_ratios(f"{revision} read a vendor by name", measured(asked, calls, vendor), least)
            print_ratios(f"{revision} read one item", measured(asked, calls, reading(items)), least)
            print_ratios(f"{revision} create one item", measured(asked, calls, writing), least)


def print_ratios(name: str, found: dict[str, float], floor: dict[str, float]) -> None:
    columns = "".join(f"{found[column]:9.0f}" for column in ("p50", "p95", "work"))
    print(f"{name:34}{columns}  {found['p50'] / floor['p50']:.2f}")


def starts(settings: Settings, floor: tuple[str, ...]) -> None:
    for name, command in (("the floor", floor), ("ours", OURS)):
        found = []
        for _ in range(STARTS):
            with conversation(command, settings, STATELESS) as (asked, milliseconds):
                found.append((milliseconds, used(asked) * 1000))
        fastest, least = min(one for one, _ in found), min(work for _, work in found)
        print(f"start to first answer, {name}: {fastest:.0f} ms at best, {least:.0f} ms of them work")


def flatness(settings: Settings, items: list[str], calls: int) -> None:
    with conversation(OURS, settings, "2025-11-25") as (asked, _):
        for number in range(calls // 100):
            ask(asked.client, reading(items)(number))
        before = memory(asked)
        for number in range(calls):
            ask(asked.client, writing(number) if number % 10 == 0 else reading(items)(number))
        print(f"memory after {calls // 100:,} calls: {before:.1f} MiB, after {calls:,} more: {memory(asked):.1f} MiB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=2_000)
    parser.add_argument("--memory", type=int, default=100_000)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder, "project")
        project.mkdir()
        identity.create(project)
        settings = Settings(project=project, home=Path(folder, "home"), pgdata=Path(folder, "postgres"))
        script = Path(folder, "floor.py")
        script.write_text(FLOOR)
        floor = (sys.executable, str(script))
        with conversation(OURS, settings, "2025-11-25") as (asked, _):
            many = [{"op": "create", "item_type": "task", "title": f"Item {number}"} for number in range(ITEMS)]
            asked.client.call("create_vendor", name="Example")
            items = [made["ref"] for made in asked.client.call("bulk_work_items", items=many)["results"]]
        starts(settings, floor)
        latency(settings, floor, items, wanted.calls)
        if wanted.memory:
            flatness(settings, items, wanted.memory)
        print(json.dumps({"load": psutil.getloadavg()}))
        stop = (sys.executable, "-c", "from projections.cli.main import main; main()", "doctor", "--stop-server")
        subprocess.run(stop, env=environment(settings), stdout=subprocess.DEVNULL, check=False)


if __name__ == "__main__":
    main()
