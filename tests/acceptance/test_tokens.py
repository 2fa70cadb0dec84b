"""What an assistant has to read in each of the eight scenarios, in tokens of four bytes.

The list of tools is read once a conversation; besides it each scenario stays below LIMIT, refusals included.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from ledger.settings import Settings
from projections.application.app import App
from tests.acceptance.test_03_deployment import COMMIT, TESTS
from tests.acceptance.test_06_hierarchy import LEVELS
from tests.acceptance.test_08_full_status import SCENARIO, command_line, fill
from tests.support.mcp_client import McpClient, served
from tests.support.tcp_gate import Gate
from tests.support.waits import until

LIMIT = 1_500
LIST_LIMIT = 6_001  # 24,000 bytes


class Assistant:
    """Counts what a client's answers say; everything else is the client."""

    def __init__(self, client: McpClient) -> None:
        self.client = client
        self.read = 0

    def __call__(self, tool: str, /, **arguments: Any) -> dict[str, Any]:
        """The answer, or the refusal."""
        result = self.client.result(tool, arguments)
        self.read += tokens(result["content"][0]["text"])
        answer: dict[str, Any] = result["structuredContent"]
        return answer


def tokens(text: str) -> int:
    return -(-len(text.encode()) // 4)


@contextmanager
def joining(settings: Settings, name: str = "claude-code") -> Iterator[Assistant]:
    with served(replace(settings, by=None), name=name) as client:
        yield Assistant(client)


@pytest.fixture
def assistant(settings: Settings) -> Iterator[Assistant]:
    with joining(settings) as assistant:
        yield assistant


def wait_for_a_copy(settings: Settings) -> None:
    """Until this machine has a copy of what was recorded."""
    home = settings.home
    assert home is not None
    until(lambda: any(file.stat().st_size for file in home.glob("*/journal.jsonl")))


@pytest.mark.processes
def test_the_list_of_tools(assistant: Assistant) -> None:
    said = [
        tool["name"] + tool["description"] + json.dumps(tool["inputSchema"], separators=(",", ":"), ensure_ascii=False)
        for tool in assistant.client.tools()
    ]

    assert tokens("".join(said)) < LIST_LIMIT


@pytest.mark.processes
def test_scenario_1_a_vendor_is_asked_for_by_name(assistant: Assistant) -> None:
    for number in range(45):
        assistant.client.call("create_vendor", name=f"Vendor {number}", status="operational")

    vendor = assistant("query_vendor_status", name="vendor 7")

    assert vendor["name"] == "Vendor 7"
    assert assistant.read < LIMIT / 5


@pytest.mark.processes
def test_scenario_2_two_assistants_change_the_same(assistant: Assistant, settings: Settings) -> None:
    vendor = assistant("create_vendor", name="Contended")["id"]
    with joining(settings, "copilot") as other:
        assistant("query_vendor_status", id=vendor)
        other("query_vendor_status", id=vendor)
        assistant("update_vendor_status", id=vendor, version=1, extractor_version="2.0.0")
        refusal = other("update_vendor_status", id=vendor, version=1, extractor_version="9.9.9")["error"]
        other("query_vendor_status", id=vendor)

    assert refusal["code"] == "version_conflict"
    assert assistant.read + other.read < LIMIT


def test_scenario_3_a_deployment_is_recorded_and_read_back(assistant: Assistant) -> None:
    vendors = [assistant("create_vendor", name=name)["id"] for name in ("Epson", "Brother")]
    tasks = [assistant("create_work_item", item_type="task", title=title)["id"] for title in ("Totals", "Dates")]
    made = assistant(
        "record_deployment",
        deployed_at="2026-11-20T15:30:00Z",
        commit_hash=COMMIT,
        pr_number=123,
        pr_title="feat: read totals and dates",
        test_summary=TESTS,
        constitutional_compliance=True,
        vendor_ids=vendors,
        work_item_ids=tasks,
    )
    assistant("query_deployments", id=made["id"])
    assistant("query_deployments", vendor="Epson")
    found = assistant("query_work_item", id=tasks[0], include=["deployments"])

    assert found["deployments"]
    assert assistant.read < LIMIT


@pytest.mark.processes
def test_scenario_4_the_database_goes_away_and_comes_back(settings: Settings, dsn: str) -> None:
    gate = Gate(dsn)
    try:
        with joining(replace(settings, dsn=gate.dsn)) as assistant:
            item = assistant("create_work_item", item_type="task", title="Survives")
            assistant("list_work_items")
            wait_for_a_copy(settings)
            gate.close()
            known = assistant("list_work_items")
            queued = assistant("update_work_item", id=item["id"], version=1, status="completed")
            gate.open()
            assistant("query_work_item", id=item["id"])
    finally:
        gate.close()

    assert known["source"] == "journal"
    assert queued["outcome"] == "queued"
    assert assistant.read < LIMIT


def test_scenario_5_a_status_file_is_taken_over(app: App, settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "status.md"
    app.identity  # noqa: B018  # the project is there
    file.write_text("# Project Status\n\n## Vendors\n\n### Epson\n- Status: operational\n", encoding="utf-8")

    said = command_line(settings, "import", "legacy", str(file), "--dry-run", "--json")

    assert tokens(said) < LIMIT


def test_scenario_6_a_tree_is_read_from_its_leaf_and_its_middle(assistant: Assistant) -> None:
    ids: list[str] = []
    for kind, title, more in LEVELS:
        parent = {"parent_id": ids[-1]} if ids else {}
        ids.append(assistant("create_work_item", item_type=kind, title=title, **parent, **more)["id"])
    assistant("query_work_item", id=ids[4], include=["ancestors"])
    middle = assistant("query_work_item", id=ids[2], include=["descendants"])

    assert len(middle["descendants"]) == 2
    assert assistant.read < LIMIT


@pytest.mark.processes
def test_scenario_7_many_work_on_ten_items(assistant: Assistant, settings: Settings) -> None:
    many = [{"op": "create", "item_type": "task", "title": f"Item {number}"} for number in range(10)]
    items = [verdict["ref"] for verdict in assistant("bulk_work_items", items=many)["results"]]
    with joining(settings, "copilot") as other:
        assistant("update_work_item", id=items[0], version=1, status="completed")
        seen = other("changes_since", since="10")
        other("query_work_item", id=items[0])
        other("update_work_item", id=items[0], version=1, status="completed")

    assert seen["items"][0]["ref"] == items[0]
    assert assistant.read + other.read < LIMIT


@pytest.mark.processes
def test_scenario_8_the_whole_status(assistant: Assistant, settings: Settings, tmp_path: Path) -> None:
    fill(assistant.client, settings, tmp_path, SCENARIO)
    assistant("archive_work_items", action="archive")

    status = assistant("project_status")

    assert status["active_work_items"]["archived_count"] == 20
    assert assistant.read < LIMIT
