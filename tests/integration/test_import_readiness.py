"""What a source says is not free is not offered: not by `ready`, not by `next`."""

import json
from pathlib import Path
from typing import Any

import pytest

from projections.application.app import App
from projections.transfer.file_import import ImportRequest
from tests.conftest import Perform
from tests.support.beads import export, issue, needs


def ready(perform: Perform, **wanted: Any) -> list[str]:
    return [item["title"] for item in perform("ready_work", limit=50, **wanted)["items"]]


def test_of_beads_only_what_is_open_and_has_nothing_in_front_is_offered(
    app: App, perform: Perform, tmp_path: Path
) -> None:
    given = [
        issue("x-1", title="ann's", status="in_progress", assignee="ann", priority=0),
        issue("x-2", title="hooked", status="hooked", assignee="bo", priority=0),
        issue("x-3", title="pinned", status="pinned", priority=0),
        issue("x-4", title="deferred", status="deferred", priority=0),
        issue("x-5", title="in review", status="in_review", priority=0),
        issue("x-6", title="waits for", dependencies=[needs("x-6", "x-9", "waits-for")], priority=0),
        issue("x-7", title="if it fails", dependencies=[needs("x-7", "x-9", "conditional-blocks")], priority=0),
        issue("x-8", title="odd", status="odd", priority=0),
        issue("x-9", title="free", priority=2),
        issue("x-10", title="somebody's", status="in_progress", priority=0),
        issue("x-11", title="gate", issue_type="gate", priority=0),
        issue("x-12", title="assigned but open", assignee="ann", priority=4),
        issue("x-13", title="not yet", defer_until="2999-01-01T00:00:00Z", priority=0),
        issue("x-14", title="long since", defer_until="2020-01-01T00:00:00Z", priority=3),
    ]

    report = ImportRequest(source="beads", path=export(tmp_path, *given)).run(app)

    assert ready(perform) == ["free", "long since", "assigned but open"]
    assert ready(perform, assignee="ann") == ["ann's", "assigned but open"]
    kinds = {entry["kind"]: entry["count"] for entry in report["warnings"]}
    assert (kinds["state_active"], kinds["state_waiting"], kinds["state_review"]) == (3, 4, 1)
    claimed = perform("claim_work_item", action="next", by="carol")
    assert perform("query_work_item", id=claimed["id"])["title"] == "free"


def test_of_a_hand_kept_file_only_what_is_open_is_offered(app: App, perform: Perform, tmp_path: Path) -> None:
    written = """# Project Status

## Active Work Items

- 🚧 by a sign
- [/] by a box
- [ ] free in a list
### by a field
- **Status**: In Progress
### ann's
- **Status**: WIP
- **Assignee**: ann
### free by our own word
- **Status**: active

## In Progress

- by its heading
- [ ] 🚧 by both
"""
    (tmp_path / ".project_status.md").write_text(written)

    report = ImportRequest(source="legacy", path=tmp_path / ".project_status.md").run(app)

    assert sorted(ready(perform)) == ["free by our own word", "free in a list"]
    assert "ann's" in ready(perform, assignee="ann")
    kinds = {entry["kind"]: entry["count"] for entry in report["warnings"]}
    assert kinds["state_active"] == 6


@pytest.mark.parametrize("status", ["in-progress", "review", "deferred", "cancelled", "blocked", "done", "odd"])
def test_of_task_master_only_pending_tasks_are_offered(app: App, perform: Perform, tmp_path: Path, status: str) -> None:
    tasks = [{"id": 1, "title": "not free", "status": status, "priority": "high"}, {"id": 2, "title": "free"}]
    (tmp_path / "tasks.json").write_text(json.dumps({"tasks": [tasks[0], tasks[1] | {"status": "pending"}]}))

    ImportRequest(source="taskmaster", path=tmp_path / "tasks.json").run(app)

    assert ready(perform) == ["free"]


@pytest.mark.parametrize(
    ("place", "status"),
    [
        ("tasks", "In Progress"),
        ("tasks", "Review"),
        ("tasks", "Deferred"),
        ("tasks", "Blocked"),
        ("tasks", "Cancelled"),
        ("tasks", "Done"),
        ("drafts", "To Do"),
        ("archive/tasks", "To Do"),
        ("completed", "To Do"),
    ],
)
def test_of_backlog_md_only_tasks_to_do_are_offered(
    app: App, perform: Perform, tmp_path: Path, place: str, status: str
) -> None:
    head = "---\nid: TASK-{}\ntitle: {}\nstatus: {}\ncreated_date: '2026-03-01 10:00'\n---\n"
    for folder, values in ((place, (1, "not free", status)), ("tasks", (2, "free", "To Do"))):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / folder / f"task-{values[0]} - T.md").write_text(head.format(*values))

    ImportRequest(source="backlog", path=tmp_path).run(app)

    assert ready(perform) == ["free"]


def test_a_word_that_the_ledger_has_as_its_own_state_is_that_state(app: App, perform: Perform, tmp_path: Path) -> None:
    states: list[dict[str, Any]] = [{"name": "To Do", "category": "planned"}, {"name": "Doing", "category": "active"}]
    perform("update_project_configuration", version=perform("get_project_configuration")["version"], states=states)
    (tmp_path / "tasks").mkdir()
    for number, status in ((1, "to-do"), (2, "doing")):
        head = f"---\nid: TASK-{number}\ntitle: T{number}\nstatus: {status}\ncreated_date: '2026-03-01 10:00'\n---\n"
        (tmp_path / "tasks" / f"task-{number} - T.md").write_text(head)

    ImportRequest(source="backlog", path=tmp_path).run(app)

    assert {item["title"]: item["status"] for item in perform("list_work_items")["items"]} == {
        "T1": "To Do",
        "T2": "Doing",
    }
