"""On a real tracker's export, what is ready is what a script finds that reads the export alone."""

import json
from pathlib import Path
from typing import Any

import pytest

from projections.application.app import App
from projections.transfer.file_import import ImportRequest
from tests.conftest import Perform

REAL = Path(__file__).parents[3] / "shared" / "data" / "trackers" / "beads-issues-2026-02-27.jsonl"
WORKING = ("open",)  # in_progress, hooked and pinned ones are in work, or no work at all


def nothing_in_front(file: Path) -> set[str]:
    """The ids of the issues that can be begun; knows beads and nothing of this ledger."""
    issues: dict[str, dict[str, Any]] = {}
    for line in file.read_text().splitlines():
        issue = json.loads(line)
        issues.setdefault(issue["id"], issue)
    unfinished = {name for name, issue in issues.items() if issue["status"] not in ("closed", "tombstone")}
    parent: dict[str, str] = {}
    waits_for: dict[str, set[str]] = {name: set() for name in issues}
    for name, issue in issues.items():
        for dependency in issue.get("dependencies") or ():
            other = dependency["depends_on_id"]
            if other == name or other not in issues:
                continue
            if dependency["type"] == "parent-child":
                parent.setdefault(name, other)
            elif dependency["type"] == "blocks":
                waits_for[name].add(other)

    def above(name: str) -> set[str]:
        found: set[str] = set()
        while name not in found:
            found.add(name)
            name = parent.get(name, name)
        return found

    parents_of_unfinished = {parent[name] for name in unfinished if name in parent}
    return {
        name
        for name, issue in issues.items()
        if issue["status"] in WORKING
        and name not in parents_of_unfinished
        and not any(waits_for[other] & unfinished for other in above(name))
    }


@pytest.mark.processes
@pytest.mark.skipif(not REAL.exists(), reason="../shared/data is not beside the checkout")
def test_the_ready_items_of_a_real_export_are_those_with_nothing_open_in_front(app: App, perform: Perform) -> None:
    ImportRequest(source="beads", path=REAL).run(app)

    found, cursor = set(), None
    while True:
        page = perform("list_work_items", ready=True, limit=100, cursor=cursor, fields=["external_id"])
        found |= {item["external_id"] for item in page["items"]}
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert found == nothing_in_front(REAL)
    assert found
