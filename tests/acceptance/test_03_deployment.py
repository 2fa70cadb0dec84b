"""Scenario 3: a deployment of two vendors and two tasks is recorded, and reading it back shows all of it."""

from collections.abc import Callable
from datetime import datetime

import pytest

from tests.support.mcp_client import McpClient

COMMIT = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
TESTS = {"passed": 45, "failed": 0, "skipped": 2}


@pytest.mark.processes
def test_a_deployment_reads_back_as_it_was_recorded_with_both_kinds_of_links(
    connect: Callable[[str], McpClient],
) -> None:
    author, reader = connect("claude-code"), connect("copilot")
    vendors = [author.call("create_vendor", name=name)["id"] for name in ("Epson", "Brother")]
    tasks = [
        author.call("create_work_item", item_type="task", title=title)["id"] for title in ("Read totals", "Read dates")
    ]

    recorded = author.call(
        "record_deployment",
        deployed_at="2026-11-20T15:30:00+00:00",
        commit_hash=COMMIT,
        pr_number=123,
        pr_title="feat: read totals and dates",
        test_summary=TESTS,
        constitutional_compliance=True,
        vendor_ids=vendors,
        work_item_ids=tasks,
    )
    deployment = reader.call("query_deployments", id=recorded["id"])

    assert recorded["outcome"] == "committed"
    assert deployment["pr_number"] == 123
    assert deployment["pr_title"] == "feat: read totals and dates"
    assert deployment["commit_hash"] == COMMIT
    assert datetime.fromisoformat(deployment["deployed_at"]) == datetime.fromisoformat("2026-11-20T15:30:00Z")
    assert deployment["test_summary"] == TESTS
    assert deployment["constitutional_compliance"] is True
    assert sorted(deployment["vendor_ids"]) == sorted(vendors)
    assert sorted(deployment["work_item_ids"]) == sorted(tasks)
    assert deployment["created_by"] == "claude-code"
    for vendor in vendors:
        assert [found["id"] for found in reader.call("query_deployments", vendor=vendor)["items"]] == [recorded["id"]]
    for task in tasks:
        shown = reader.call("query_work_item", id=task, include=["deployments"])["deployments"]
        assert [(found["id"], found["pr_number"]) for found in shown] == [(recorded["id"], 123)]


def test_the_same_deployment_recorded_twice_answers_with_the_first(connect: Callable[[str], McpClient]) -> None:
    author = connect("claude-code")
    asked = {
        "deployed_at": "2026-11-20T15:30:00Z",
        "commit_hash": COMMIT,
        "pr_number": 123,
        "pr_title": "feat: read totals and dates",
        "test_summary": TESTS,
        "constitutional_compliance": True,
    }

    first = author.call("record_deployment", **asked)
    second = author.call("record_deployment", **asked)

    assert (second["id"], second["repeated"]) == (first["id"], True)
    assert author.call("query_deployments", pr_number=123)["total_count"] == 1
