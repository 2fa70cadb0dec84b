"""Scenario 8: the whole status, with what was finished long ago in the archive."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ledger.settings import Settings
from projections.maintenance.status_file import read
from projections.reports.marked_section import NAME
from tests.support.command_line import run
from tests.support.mcp_client import McpClient

Connect = Callable[[str], McpClient]

AGE = timedelta(days=400)


class Size(NamedTuple):
    vendors: int
    operational: int
    items: int
    finished: int
    deployments: int
    enhancements: int


SCENARIO = Size(vendors=45, operational=30, items=50, finished=20, deployments=10, enhancements=8)
STRESS = Size(vendors=100, operational=67, items=200, finished=80, deployments=50, enhancements=8)


def old_export(folder: Path, finished: int) -> Path:
    """Issues that were closed 400 days ago, as another tracker exports them: only a source can tell of the past."""
    closed = (datetime.now(UTC) - AGE).isoformat()
    file = folder / "issues.jsonl"
    with file.open("w", encoding="utf-8") as lines:
        for n in range(finished):
            issue = {
                "id": f"old-{n}",
                "title": f"Finished {n}",
                "status": "closed",
                "issue_type": "task",
                "priority": 2,
            }
            times = dict.fromkeys(("created_at", "updated_at", "closed_at"), closed)
            lines.write(json.dumps(issue | times | {"created_by": "ann"}) + "\n")
    return file


@pytest.fixture
def assistant(connect: Connect, settings: Settings, tmp_path: Path) -> McpClient:
    """An assistant at a ledger with all of the scenario in it."""
    client = connect("claude-code")
    fill(client, settings, tmp_path, SCENARIO)
    return client


def fill(client: McpClient, settings: Settings, folder: Path, size: Size) -> None:
    for n in range(size.vendors):
        client.call("create_vendor", name=f"Vendor {n}", status="operational" if n < size.operational else "broken")
    command_line(settings, "import", "beads", str(old_export(folder, size.finished)))
    for n in range(size.items - size.finished):
        client.call("create_work_item", item_type="task", title=f"Open {n}")
    for n in range(size.deployments):
        client.call("record_deployment", **deployment(n))
    for n in range(size.enhancements):
        client.call("record_enhancement", title=f"Later {n}", description="d", priority=3, principles=[])


def command_line(settings: Settings, *words: str) -> str:
    done = run(settings, *words)
    assert done.exit_code == 0, done.output
    return done.stdout


def deployment(n: int) -> dict[str, Any]:
    return {
        "deployed_at": f"2026-{10 + n // 30}-{n % 30 + 1:02}T10:00:00Z",
        "commit_hash": f"{n:040x}",
        "pr_number": n + 1,
        "pr_title": f"Change {n}",
        "test_summary": {"passed": 45, "failed": 0, "skipped": 2},
        "constitutional_compliance": True,
    }


@pytest.mark.processes
def test_the_status_counts_everything_and_lists_what_is_not_archived(assistant: McpClient) -> None:
    assistant.call("archive_work_items", action="archive")

    status = assistant.call("project_status", limit=100)

    health, work = status["vendor_health"], status["active_work_items"]
    assert (health["total_vendors"], health["operational_count"], health["broken_count"]) == (45, 30, 15)
    assert health["operational_percentage"] == 66.67
    assert (work["total_count"], work["archived_count"], len(work["items"])) == (50, 20, 30)
    assert len(status["recent_deployments"]) == 10
    assert len(status["pending_enhancements"]) == 8


@pytest.mark.processes
def test_default_lists_leave_the_archive_out_and_can_be_asked_for_it(assistant: McpClient) -> None:
    assistant.call("archive_work_items", action="archive")

    listed = assistant.call("list_work_items", limit=100)
    with_archive = assistant.call("list_work_items", limit=100, include_archived=True)

    assert (listed["total_count"], with_archive["total_count"]) == (30, 50)
    assert {item["status"] for item in listed["items"]} == {"active"}


@pytest.mark.processes
def test_what_is_in_the_archive_comes_back_on_command(assistant: McpClient) -> None:
    assistant.call("archive_work_items", action="archive")
    archived = assistant.call("list_work_items", include_archived=True, status="completed", limit=1)["items"][0]

    assistant.call("archive_work_items", action="restore", id=archived["id"])

    assert assistant.call("list_work_items", limit=1)["total_count"] == 31


def test_nothing_younger_than_a_year_is_archived(assistant: McpClient) -> None:
    item = assistant.call("create_work_item", item_type="task", title="Just done")
    assistant.call("update_work_item", id=item["id"], version=1, status="completed")

    assistant.call("archive_work_items", action="archive")

    assert item["id"] in {listed["id"] for listed in assistant.call("list_work_items", limit=100)["items"]}


@pytest.mark.processes
def test_a_person_reads_the_same_in_the_report_and_in_the_status_file(assistant: McpClient, settings: Settings) -> None:
    assistant.call("archive_work_items", action="archive")

    command_line(settings, "status", "--write")

    file = read(settings.project / NAME)
    assert file is not None
    assert file["vendor_health"]["operational_percentage"] == 66.67
    assert len(file["vendor_health"]["vendors"]) == 45
    work = file["active_work_items"]
    assert (work["total_count"], work["archived_count"], len(work["items"])) == (50, 20, 30)
    assert len(file["recent_deployments"]) == 10
    assert len(file["pending_enhancements"]) == 8


@pytest.mark.processes
def test_the_same_holds_under_stress(connect: Connect, settings: Settings, tmp_path: Path) -> None:
    client = connect("claude-code")
    fill(client, settings, tmp_path, STRESS)
    client.call("archive_work_items", action="archive")

    status = json.loads(command_line(settings, "status", "--json"))

    health, work = status["vendor_health"], status["active_work_items"]
    assert (health["total_vendors"], health["operational_count"], health["operational_percentage"]) == (100, 67, 67.0)
    assert (work["total_count"], work["archived_count"], len(work["items"])) == (200, 80, 120)
    assert len(status["recent_deployments"]) == 10
    assert client.call("query_deployments", limit=100)["total_count"] == 50
    assert "67 of 100 operational" in command_line(settings, "status")
