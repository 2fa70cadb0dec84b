"""Scenario 2: two assistants change what both have read; one wins, the other gets a conflict, and nothing is lost."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from tests.support.mcp_client import McpClient, RefusedByTool

Connect = Callable[[str], McpClient]

PARALLEL = 3
CLIENTS = 10
WRITES = 2


@pytest.fixture
def vendor(connect: Connect) -> str:
    """The id of a vendor at version 1."""
    identifier: str = connect("author").call("create_vendor", name="Contended", extractor_version="1.0.0")["id"]
    return identifier


def test_the_second_of_two_writers_is_refused_with_both_versions(connect: Connect, vendor: str) -> None:
    first, second = connect("claude-code"), connect("copilot")
    read = [client.call("query_vendor_status", id=vendor)["version"] for client in (first, second)]

    written = first.call("update_vendor_status", id=vendor, version=1, extractor_version="2.0.0")
    refusal = second.refusal("update_vendor_status", id=vendor, version=1, extractor_version="9.9.9")

    assert read == [1, 1]
    assert written["version"] == 2
    assert refusal["code"] == "version_conflict"
    assert (refusal["details"]["expected"], refusal["details"]["actual"]) == (1, 2)
    assert refusal["details"]["status"] == 409
    assert "claude-code" in str(refusal["details"])
    stored = second.call("query_vendor_status", id=vendor)
    assert (stored["extractor_version"], stored["version"]) == ("2.0.0", 2)
    assert stored["updated_by"] == "claude-code"


@pytest.mark.processes
def test_of_three_parallel_writes_with_one_version_exactly_one_wins(connect_process: Connect, vendor: str) -> None:
    clients = [connect_process(f"assistant-{number}") for number in range(PARALLEL)]
    together = Barrier(PARALLEL)

    def write(number: int) -> str:
        together.wait()
        try:
            clients[number].call("update_vendor_status", id=vendor, version=1, extractor_version=f"3.0.{number}")
        except RefusedByTool as refused:
            assert refused.code == "version_conflict"
            assert (refused.details["expected"], refused.details["actual"]) == (1, 2)
            return "refused"
        return f"3.0.{number}"

    with ThreadPoolExecutor(PARALLEL) as threads:
        outcomes = list(threads.map(write, range(PARALLEL)))

    assert outcomes.count("refused") == PARALLEL - 1
    stored = clients[0].call("query_vendor_status", id=vendor)
    assert stored["version"] == 2
    assert stored["extractor_version"] in outcomes


@pytest.mark.processes
def test_ten_clients_under_load_lose_nothing(connect: Connect) -> None:
    """Each adds its own marks to one item, reads again when it is refused, and every mark is there at the end."""
    clients = [connect(f"assistant-{number}") for number in range(CLIENTS)]
    item: str = clients[0].call("create_work_item", item_type="task", title="Marked by all")["id"]
    together = Barrier(CLIENTS)

    def mark(number: int) -> None:
        together.wait()
        for turn in range(WRITES):
            add(clients[number], item, f"{number}-{turn}")

    with ThreadPoolExecutor(CLIENTS) as threads:
        list(threads.map(mark, range(CLIENTS)))

    stored = clients[-1].call("query_work_item", id=item)
    assert stored["metadata"] == {f"{number}-{turn}": True for number in range(CLIENTS) for turn in range(WRITES)}
    assert stored["version"] == 1 + CLIENTS * WRITES


def add(client: McpClient, item: str, name: str) -> None:
    """As an assistant would: a conflict means read again and retry."""
    version = client.call("query_work_item", id=item)["version"]
    while True:
        try:
            client.call("update_work_item", id=item, version=version, metadata={name: True})
        except RefusedByTool as refused:
            assert refused.code == "version_conflict"
            assert refused.details["expected"] == version
            assert refused.details["actual"] > version
            version = refused.details["actual"]
        else:
            return
