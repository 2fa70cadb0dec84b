"""Scenario 7: three assistants work on ten items at once; each sees the others' changes, none waits for ever."""

import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from tests.support.mcp_client import McpClient, RefusedByTool

Connect = Callable[[str], McpClient]

CLIENTS = 3
ITEMS = 10
OPERATIONS = 100
READS = 70
SECONDS = 300.0  # a deadlock would wait for longer


@pytest.fixture
def items(connect: Connect) -> list[str]:
    create = connect("author").call
    return [create("create_work_item", item_type="task", title=f"Item {number}")["id"] for number in range(ITEMS)]


def test_a_change_by_one_is_seen_by_two_on_their_next_question(connect: Connect, items: list[str]) -> None:
    writer, *readers = (connect(f"assistant-{number}") for number in range(CLIENTS))
    before = [reader.call("query_work_item", id=items[0])["status"] for reader in readers]

    writer.call("update_work_item", id=items[0], version=1, status="completed")
    after = [reader.call("query_work_item", id=items[0]) for reader in readers]

    assert before == ["active", "active"]
    assert [(item["status"], item["version"]) for item in after] == [("completed", 2)] * 2
    listed = [reader.call("list_work_items", status="completed")["items"] for reader in readers]
    assert [[item["id"] for item in page] for page in listed] == [[items[0]], [items[0]]]


@pytest.mark.processes
def test_a_hundred_mixed_operations_end_without_deadlock_and_with_ten_items(
    connect_process: Connect, items: list[str]
) -> None:
    clients = [connect_process(f"assistant-{number}") for number in range(CLIENTS)]
    plan = ["read"] * READS + ["write"] * (OPERATIONS - READS)
    random.Random(7).shuffle(plan)
    together = Barrier(CLIENTS)

    def work(number: int) -> Counter[str]:
        own, chosen = clients[number], random.Random(number)
        together.wait()
        return Counter(one(own, kind, chosen.choice(items)) for kind in plan[number::CLIENTS])

    with ThreadPoolExecutor(CLIENTS) as threads:
        outcomes = sum(threads.map(work, range(CLIENTS), timeout=SECONDS), Counter[str]())

    assert outcomes["read"] == READS
    assert outcomes["written"] + outcomes["refused"] == OPERATIONS - READS
    page = clients[0].call("list_work_items", limit=100)
    assert page["total_count"] == ITEMS
    assert {item["id"] for item in page["items"]} == set(items)
    assert sum(item["version"] - 1 for item in page["items"]) == outcomes["written"]


def one(client: McpClient, kind: str, item: str) -> str:
    """One operation of the mix, and what became of it; a write is refused for nothing but a version."""
    version = client.call("query_work_item", id=item)["version"]
    if kind == "read":
        return "read"
    try:
        client.call("update_work_item", id=item, version=version, title=f"By {client.name} at {version}")
    except RefusedByTool as refused:
        assert refused.code == "version_conflict"
        return "refused"
    return "written"
