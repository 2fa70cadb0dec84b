"""The official Python client of the generation before, 1.30, makes the calls of calls.json.

python python_client.py URL COMMAND...
"""

import asyncio
import json
import sys
from contextlib import asynccontextmanager
from pathlib import Path

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamablehttp_client

CALLS = json.loads(Path(__file__).with_name("calls.json").read_text())


@asynccontextmanager
async def over_stdio(command):
    async with stdio_client(StdioServerParameters(command=command[0], args=command[1:])) as streams:
        yield streams


@asynccontextmanager
async def over_http(url):
    async with streamablehttp_client(url) as (reading, writing, _):
        yield reading, writing


async def ending(session, call):
    try:
        result = await session.call_tool(call["tool"], call["arguments"])
    except Exception:
        return "protocol error"
    return "refusal" if result.isError else "answer"


async def judged(name, streams):
    async with streams as (reading, writing), ClientSession(reading, writing) as session:
        revision = (await session.initialize()).protocolVersion
        tools = len((await session.list_tools()).tools)
        for resource in (await session.list_resources()).resources:
            await session.read_resource(resource.uri)
        await session.list_prompts()
        wrong = [call for call in CALLS if await ending(session, call) != call["ends"]]
    print(f"Python 1.30, {name}, revision {revision}: {tools} tools, {len(wrong)} of {len(CALLS)} calls end wrongly")
    return wrong


async def main():
    url, *command = sys.argv[1:]
    wrong = [*await judged("stdio", over_stdio(command)), *await judged("http", over_http(url))]
    sys.exit(1 if wrong else 0)


asyncio.run(main())
