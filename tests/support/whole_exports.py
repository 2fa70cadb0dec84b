"""A project as each tracker exports it with all of its fields, in two states, for trying exports of some of them."""

import csv
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import UUID

from msgspec import Struct

Record = dict[str, Any]
Records = list[Record]


class Export(Struct, frozen=True, kw_only=True):
    """`kept` are the fields that say which record it is; `write` makes a file of records of the same fields.

    When and by whom a record was begun, and a comment said, is recorded once: `began` are the fields that say so.
    """

    source: str
    kept: frozenset[str]
    states: tuple[Records, Records]
    began: frozenset[str] = frozenset()
    write: Callable[[Path, Records], Path]

    @property
    def fields(self) -> list[str]:
        """Those that an export may lack."""
        return sorted(set(self.states[0][0]) - self.kept)

    def without(self, dropped: set[str], state: int = 0) -> Callable[[Path], Path]:
        records = [{name: said for name, said in one.items() if name not in dropped} for one in self.states[state]]
        return lambda folder: self.write(folder, records)


def table(folder: Path, records: Records) -> Path:
    """Several values of one field stand in columns of its name."""
    width = {name: max(len(_cells(one[name])) for one in records) for name in records[0]}
    file = folder / "export.csv"
    with file.open("w", encoding="utf-8", newline="") as opened:
        rows = csv.writer(opened)
        rows.writerow([name for name, count in width.items() for _ in range(count)])
        for one in records:
            rows.writerow(
                [cell for name, count in width.items() for cell in [*_cells(one[name]), *[""] * count][:count]]
            )
    return file


def listed(folder: Path, records: Records) -> Path:
    return _written(folder / "export.json", records)


def lines(folder: Path, records: Records) -> Path:
    file = folder / "export.jsonl"
    file.write_text("\n".join(map(json.dumps, records)))
    return file


def board(folder: Path, records: Records) -> Path:
    """Fields of the board itself are on each record as `board.NAME`, alike."""
    whole = {name[6:]: said for name, said in records[0].items() if name.startswith("board.")}
    cards = [{name: said for name, said in one.items() if not name.startswith("board.")} for one in records]
    return _written(folder / "board.json", {"shortLink": "b", "labelNames": {}, **whole, "cards": cards})


def database(folder: Path, records: Records) -> Path:
    """Rows of other tables are on each record as `table.NAME`, alike."""
    tables = {name[6:]: said for name, said in records[0].items() if name.startswith("table.")}
    tasks = [{name: said for name, said in one.items() if not name.startswith("table.")} for one in records]
    file = folder / "db.sqlite"
    with closing(sqlite3.connect(file)) as opened:
        for table, rows in {"tasks": tasks, **tables}.items():
            opened.execute(f"CREATE TABLE {table} ({', '.join(rows[0])})")
            marks = ", ".join("?" * len(rows[0]))
            opened.executemany(f"INSERT INTO {table} VALUES ({marks})", [list(row.values()) for row in rows])  # noqa: S608 (names of this file)
        opened.commit()
    return file


def _cells(said: Any) -> list[str]:
    return [str(one) for one in said] if isinstance(said, list) else [str(said)]


def _written(file: Path, whole: Any) -> Path:
    file.write_text(json.dumps(whole))
    return file


def _two(first: Record, second: Record, *changes: Record) -> tuple[Records, Records]:
    return [first, second], [first | changes[0], second | changes[1]]


_JIRA: Record = {
    "Summary": "One", "Issue key": "J-1", "Issue id": "101", "Issue Type": "Story", "Status": "Done",
    "Status Category": "Done", "Resolution": "Won't Do", "Priority": "High", "Assignee": "Ann", "Assignee Id": "a1",
    "Reporter": "Bob", "Created": "01/Mar/26 10:00 AM", "Updated": "05/Mar/26 10:00 AM",
    "Resolved": "05/Mar/26 10:00 AM", "Status Category Changed": "06/Mar/26 10:00 AM", "Due date": "20/Mar/26",
    "Labels": ["x", "y"], "Description": "Why", "Environment": "prod", "Original estimate": "3600",
    "Parent": "102", "Parent key": "J-2", "Inward issue link (Blocks)": "J-2", "Outward issue link (Blocks)": "",
    "Inward issue link (Relates)": "", "Outward issue link (Relates)": ["J-2", "J-9"],
    "Comment": ["02/Mar/26 10:00 AM;a1;hm", "03/Mar/26 10:00 AM;a1;so"],
}  # fmt: skip
_JIRA_ABOVE = _JIRA | {
    "Summary": "Two", "Issue key": "J-2", "Issue id": "102", "Issue Type": "Epic", "Status": "Someday",
    "Status Category": "To Do", "Resolution": "", "Resolved": "", "Assignee": "", "Assignee Id": "", "Parent": "",
    "Parent key": "", "Inward issue link (Blocks)": "", "Outward issue link (Blocks)": "J-1", "Due date": "",
    "Inward issue link (Relates)": "J-1", "Outward issue link (Relates)": "", "Comment": "", "Labels": "",
}  # fmt: skip
_LINEAR: Record = {
    "ID": "L-1", "Team": "T", "Title": "One", "Description": "Why", "Status": "Done", "Estimate": "3",
    "Priority": "High", "Project": "P", "Creator": "ann", "Assignee": "bob", "Labels": "x, y", "Cycle Number": "4",
    "Created": "2026-03-01T10:00:00Z", "Updated": "2026-03-05T10:00:00Z", "Started": "2026-03-02T10:00:00Z",
    "Completed": "2026-03-05T10:00:00Z", "Canceled": "", "Archived": "", "Due Date": "2026-04-01",
    "Parent issue": "L-2", "Blocked by": "L-2", "Blocks": "", "Related to": "L-2", "Duplicate of": "L-2",
}  # fmt: skip
_LINEAR_ABOVE = _LINEAR | {
    "ID": "L-2", "Title": "Two", "Status": "Odd word", "Completed": "", "Archived": "2026-03-05T10:00:00Z",
    "Parent issue": "", "Blocked by": "L-99", "Blocks": "L-1", "Related to": "", "Duplicate of": "", "Due Date": "",
}  # fmt: skip
_ASANA: Record = {
    "Task ID": "1", "Created At": "2026-03-01", "Completed At": "", "Last Modified": "2026-03-05", "Name": "One",
    "Section/Column": "Doing", "Assignee": "Ann", "Assignee Email": "ann@example.org", "Start Date": "2026-03-02",
    "Due Date": "2026-04-01", "Tags": "x,y", "Notes": "Why", "Projects": "P", "Parent task": "Two",
    "Blocked By (Dependencies)": "Two", "Blocking (Dependencies)": "", "Priority": "High",
}  # fmt: skip
_ASANA_ABOVE = _ASANA | {
    "Task ID": "2", "Name": "Two", "Completed At": "2026-03-05", "Section/Column": "Cancelled", "Assignee": "",
    "Assignee Email": "", "Parent task": "", "Blocked By (Dependencies)": "Nowhere", "Due Date": "",
    "Blocking (Dependencies)": "One",
}  # fmt: skip
_GITLAB_ROW: Record = {
    "Title": "One", "Issue ID": "1", "URL": "https://gitlab.com/g/p/-/issues/1", "State": "Open", "Description": "Why",
    "Author": "Ann", "Author Username": "ann", "Assignee": "Bob", "Assignee Username": "bob", "Due Date": "2026-04-01",
    "Confidential": "No", "Created At (UTC)": "2026-03-01 10:00:00", "Updated At (UTC)": "2026-03-05 10:00:00",
    "Closed At (UTC)": "", "Milestone": "M", "Weight": "3", "Labels": "x,workflow::in dev", "Time Estimate": "3600",
}  # fmt: skip
_GITLAB_ROW_2 = _GITLAB_ROW | {
    "Title": "Two", "Issue ID": "2", "URL": "https://gitlab.com/g/p/-/issues/2", "State": "Closed", "Labels": "",
    "Closed At (UTC)": "2026-03-05 10:00:00", "Assignee": "", "Assignee Username": "",
}  # fmt: skip
_GITLAB: Record = {
    "iid": 1, "project_id": 7, "references": {"full": "g/p#1"}, "title": "One", "description": "Why",
    "state": "opened", "labels": ["x", "workflow::in dev", "priority::high"], "author": {"username": "ann"},
    "assignees": [{"username": "bob"}], "created_at": "2026-03-01T10:00:00Z", "updated_at": "2026-03-05T10:00:00Z",
    "closed_at": None, "closed_by": None, "due_date": "2026-04-01", "moved_to_id": None, "issue_type": "issue",
    "time_stats": {"time_estimate": 3600}, "milestone": {"title": "M"}, "user_notes_count": 1,
    "notes": [{"id": 5, "body": "hm", "author": {"username": "bob"}, "created_at": "2026-03-02T10:00:00Z"}],
    "links": [{"iid": 2, "references": {"full": "g/p#2"}, "link_type": "is_blocked_by"}],
    "parent": {"references": {"full": "g/p#2"}},
}  # fmt: skip
_GITLAB_2 = _GITLAB | {
    "iid": 2, "references": {"full": "g/p#2"}, "title": "Two", "state": "closed", "moved_to_id": 99, "labels": [],
    "closed_at": "2026-03-05T10:00:00Z", "closed_by": {"username": "ann"}, "links": [], "parent": None, "notes": [],
    "user_notes_count": 0, "assignees": [],
}  # fmt: skip
_PLANE: Record = {
    "Project": "P", "Identifier": "P-1", "Name": "One", "Description": "Why", "State Name": "Backlog",
    "Priority": "high", "Assignees": '["Ann"]', "Labels": '["x"]', "Created At": "2026-03-01T10:00:00Z",
    "Updated At": "2026-03-05T10:00:00Z", "Completed At": "", "Archived At": "", "Start Date": "2026-03-02",
    "Target Date": "2026-04-01", "Is Draft": "True", "Parent": "P-2", "Estimate": "3", "Created By": "Ann",
    "Relations": '[{"type":"blocked_by","issue":"P-2","direction":"outgoing"},{"type":"relates_to","issue":"P-8"}]',
    "Comments": '[{"comment":"hm","created_by":"Bob","created_at":"2026-03-02T10:00:00Z"}]',
}  # fmt: skip
_PLANE_2 = _PLANE | {
    "Identifier": "P-2", "Name": "Two", "State Name": "Done", "Completed At": "2026-03-05T10:00:00Z", "Parent": "",
    "Is Draft": "False", "Relations": "[]", "Comments": "[]", "Assignees": "[]",
}  # fmt: skip
_CARD, _BOB = "69a40ba0000000000000000a", {"username": "bob"}
_TRELLO: Record = {
    "id": _CARD, "shortLink": "card1", "name": "One", "desc": "Why", "closed": True,
    "idList": "l1", "dueComplete": False, "isTemplate": False, "idMembers": ["m1"], "due": "2026-04-01T10:00:00.000Z",
    "start": "2026-03-02T10:00:00.000Z", "dateLastActivity": "2026-03-05T10:00:00.000Z",
    "customFieldItems": [{"idCustomField": "f", "value": {"number": "3"}}],
    "board.customFields": [{"id": "f", "name": "Points"}],
    "labels": [{"id": "x", "name": "x", "color": "red"}], "badges": {"comments": 1}, "url": "https://trello.com/c/1",
    "board.lists": [{"id": "l1", "name": "Doing"}, {"id": "l2", "name": "Done"}],
    "board.members": [{"id": "m1", "username": "ann"}],
    "board.checklists": [
        {"id": "k", "idCard": _CARD, "name": "C", "checkItems": [{"name": "a", "state": "complete"}]}
    ],
    "board.actions": [
        {"id": "c1", "type": "commentCard", "date": "2026-03-02T10:00:00.000Z", "memberCreator": _BOB,
         "data": {"card": {"id": _CARD}, "text": "hm"}},
        {"id": "c2", "type": "updateCard", "date": "2026-03-05T10:00:00.000Z", "memberCreator": _BOB,
         "data": {"card": {"id": _CARD}, "old": {"closed": False}}},
    ],
}  # fmt: skip
_TRELLO_2 = _TRELLO | {
    "id": "69a40ba0000000000000000b", "shortLink": "card2", "name": "Two", "closed": False, "dueComplete": True,
    "idMembers": [], "labels": [], "badges": {"comments": 0}, "due": None,
}  # fmt: skip
_URL = "https://github.com/o/r/issues/"
_GH: Record = {
    "number": 1, "title": "One", "body": "Why", "state": "CLOSED", "stateReason": "NOT_PLANNED", "url": f"{_URL}1",
    "labels": [{"name": "x", "color": "f00"}], "assignees": [{"login": "bob"}], "author": {"login": "ann"},
    "createdAt": "2026-03-01T10:00:00Z", "updatedAt": "2026-03-05T10:00:00Z", "closedAt": "2026-03-05T10:00:00Z",
    "milestone": {"title": "M"}, "isPinned": True, "projectItems": [],
    "parent": {"number": 2, "url": f"{_URL}2"}, "blockedBy": {"nodes": [{"number": 2, "url": f"{_URL}2"}]},
    "comments": [{"id": "IC_1", "body": "hm", "author": {"login": "bob"}, "createdAt": "2026-03-02T10:00:00Z"}],
}  # fmt: skip
_GH_2 = _GH | {
    "number": 2, "title": "Two", "state": "OPEN", "stateReason": "", "url": f"{_URL}2", "labels": [], "assignees": [],
    "closedAt": None, "milestone": None, "parent": None, "blockedBy": {"nodes": []}, "comments": [],
    "projectItems": [{"title": "B", "status": {"name": "In Progress"}}],
}  # fmt: skip
_BEADS: Record = {
    "id": "b-1", "title": "One", "status": "closed", "priority": 1, "issue_type": "epic", "description": "Why",
    "created_at": "2026-03-01T10:00:00Z", "updated_at": "2026-03-05T10:00:00Z", "closed_at": "2026-03-05T10:00:00Z",
}  # fmt: skip
_TASKWARRIOR: Record = {
    "uuid": "u-1", "description": "One", "status": "completed", "entry": "20260301T100000Z",
    "modified": "20260305T100000Z", "end": "20260305T100000Z", "priority": "H", "tags": ["x"],
}  # fmt: skip

_ONE, _TWO, _ATTEMPT = (UUID(int=number).bytes for number in (1, 2, 3))
_KANBAN: Record = {
    "id": _ONE, "project_id": _TWO, "title": "One", "description": "Why", "status": "inreview",
    "parent_workspace_id": _ATTEMPT, "shared_task_id": None, "created_at": "2026-03-01 10:00:00.000",
    "updated_at": "2026-03-05 10:00:00.000", "table.projects": [{"id": _TWO, "name": "Web"}],
    "table.workspaces": [
        {"id": _ATTEMPT, "task_id": _TWO, "branch": "vk/a", "created_at": "2026-03-02 10:00:00"},
        {"id": _ONE, "task_id": _TWO, "branch": "vk/b", "created_at": "2026-03-03 10:00:00"},
    ],
    "table.merges": [{"id": _ONE, "workspace_id": _ATTEMPT, "pr_number": 7, "pr_status": "open"}],
}  # fmt: skip
_KANBAN_2 = _KANBAN | {"id": _TWO, "title": "Two", "status": "todo", "parent_workspace_id": None, "description": None}


def folder_of_tasks(folder: Path, records: Records) -> Path:
    """As Claude Code keeps them."""
    (folder / "list").mkdir()
    for one in records:
        _written(folder / "list" / f"{one['id']}.json", one)
    return folder / "list"


def lists(folder: Path, records: Records) -> Path:
    return _written(folder / "tasks.json", {"master": {"tasks": records}})


def backlog(folder: Path, records: Records) -> Path:
    """Front matter is written as JSON, which is YAML too."""
    (folder / "backlog" / "tasks").mkdir(parents=True)
    for one in records:
        head = "".join(f"{name}: {json.dumps(said)}\n" for name, said in one.items())
        (folder / "backlog" / "tasks" / f"{one['id']} - x.md").write_text(f"---\n{head}---\n\n## Description\n\nWhy\n")
    return folder / "backlog"


_BACKLOG: Record = {
    "id": "task-1", "title": "One", "status": "Done", "assignee": ["@ann", "@bob"], "labels": ["x"], "priority": "high",
    "created_date": "2026-03-01 10:00", "updated_date": "2026-03-05 10:00", "dependencies": ["task-2", "task-9"],
}  # fmt: skip
_BACKLOG_2 = _BACKLOG | {"id": "task-2", "title": "Two", "status": "Blocked", "dependencies": [], "assignee": []}
_TASK: Record = {
    "id": 1, "title": "One", "description": "Why", "details": "How", "testStrategy": "Try", "status": "review",
    "priority": "high", "dependencies": [2], "subtasks": [], "updatedAt": "2026-03-05T10:00:00Z",
}  # fmt: skip
_TODO: Record = {
    "id": "1", "subject": "One", "description": "Why", "activeForm": "Doing", "status": "in_progress", "owner": "ann",
    "blocks": [], "blockedBy": ["2"],
}  # fmt: skip

EXPORTS = {
    "jira": Export(
        source="jira",
        began=frozenset({"Created", "Reporter", "Assignee", "Assignee Id"}),
        write=table, kept=frozenset({"Issue key", "Summary", "Issue id"}),
        states=_two(
            _JIRA, _JIRA_ABOVE,
            {"Summary": "1", "Status": "Doing", "Status Category": "In Progress", "Resolution": "", "Resolved": "",
             "Priority": "Low", "Assignee": "Zoe", "Assignee Id": "z", "Labels": "", "Description": "", "Parent": "",
             "Parent key": "", "Inward issue link (Blocks)": "", "Environment": "", "Due date": "", "Comment": "",
             "Outward issue link (Relates)": "", "Original estimate": "", "Updated": "07/Mar/26 10:00 AM"},
            {"Outward issue link (Blocks)": "", "Inward issue link (Relates)": "", "Updated": "07/Mar/26 10:00 AM"},
        ),
    ),
    "linear": Export(
        source="linear",
        began=frozenset({"Created", "Creator"}),
        write=table, kept=frozenset({"ID", "Team", "Title", "Status", "Cycle Number"}),
        states=_two(
            _LINEAR, _LINEAR_ABOVE,
            {"Title": "1", "Status": "Todo", "Description": "", "Priority": "", "Assignee": "", "Labels": "",
             "Completed": "", "Started": "", "Due Date": "", "Parent issue": "", "Blocked by": "", "Related to": "",
             "Duplicate of": "", "Project": "", "Updated": "2026-03-07T10:00:00Z"},
            {"Archived": "", "Blocks": "", "Updated": "2026-03-07T10:00:00Z"},
        ),
    ),
    "asana": Export(
        source="asana",
        began=frozenset({"Created At"}),
        write=table, kept=frozenset({"Task ID", "Name", "Completed At"}),
        states=_two(
            _ASANA, _ASANA_ABOVE,
            {"Section/Column": "Ideas", "Assignee": "", "Assignee Email": "", "Tags": "", "Notes": "",
             "Parent task": "", "Blocked By (Dependencies)": "", "Due Date": "", "Last Modified": "2026-03-07"},
            {"Completed At": "", "Blocking (Dependencies)": "", "Last Modified": "2026-03-07"},
        ),
    ),
    "gitlab's table": Export(
        source="gitlab",
        began=frozenset({"Created At (UTC)", "Author", "Author Username"}),
        write=table, kept=frozenset({"Title", "Issue ID", "URL", "State"}),
        states=_two(
            _GITLAB_ROW, _GITLAB_ROW_2,
            {"Title": "1", "Description": "", "Assignee": "", "Assignee Username": "", "Labels": "", "Milestone": "",
             "Time Estimate": "", "Due Date": "", "Updated At (UTC)": "2026-03-07 10:00:00"},
            {"State": "Open", "Closed At (UTC)": "", "Updated At (UTC)": "2026-03-07 10:00:00"},
        ),
    ),
    "gitlab": Export(
        source="gitlab",
        began=frozenset({"created_at", "author"}),
        write=listed, kept=frozenset({"iid", "references", "project_id"}),
        states=_two(
            _GITLAB, _GITLAB_2,
            {"title": "1", "description": None, "labels": [], "assignees": [], "due_date": None, "links": [],
             "parent": None, "milestone": None, "updated_at": "2026-03-07T10:00:00Z"},
            {"state": "opened", "moved_to_id": None, "closed_at": None, "updated_at": "2026-03-07T10:00:00Z"},
        ),
    ),
    "plane": Export(
        source="plane",
        began=frozenset({"Created At", "Created By"}),
        write=table, kept=frozenset({"Identifier", "Name", "State Name", "Target Date"}),
        states=_two(
            _PLANE, _PLANE_2,
            {"Name": "1", "Description": "", "Assignees": "[]", "Labels": "[]", "Is Draft": "False", "Parent": "",
             "Relations": "[]", "Comments": "[]", "Target Date": "", "Updated At": "2026-03-07T10:00:00Z"},
            {"State Name": "Todo", "Completed At": "", "Updated At": "2026-03-07T10:00:00Z"},
        ),
    ),
    "trello": Export(
        source="trello", write=board, kept=frozenset({"id", "shortLink"}),
        states=_two(
            _TRELLO, _TRELLO_2,
            {"name": "1", "desc": "", "closed": False, "idMembers": [], "labels": [], "due": None,
             "dateLastActivity": "2026-03-07T10:00:00.000Z"},
            {"dueComplete": False, "dateLastActivity": "2026-03-07T10:00:00.000Z"},
        ),
    ),
    "github": Export(
        source="github",
        began=frozenset({"createdAt", "author"}),
        write=listed, kept=frozenset({"number", "url", "title"}),
        states=_two(
            _GH, _GH_2,
            {"title": "1", "body": "", "labels": [], "assignees": [], "milestone": None, "parent": None,
             "blockedBy": {"nodes": []}, "stateReason": "COMPLETED", "updatedAt": "2026-03-07T10:00:00Z"},
            {"projectItems": [], "updatedAt": "2026-03-07T10:00:00Z"},
        ),
    ),
    "vibe-kanban": Export(
        source="vibe-kanban",
        began=frozenset({"created_at"}),
        write=database, kept=frozenset({"id", "project_id", "title", "status", "created_at"}),
        states=_two(
            _KANBAN, _KANBAN_2,
            {"title": "1", "description": None, "parent_workspace_id": None, "updated_at": "2026-03-07 10:00:00.000"},
            {"status": "done", "updated_at": "2026-03-07 10:00:00.000"},
        ),
    ),
    "backlog": Export(
        source="backlog", write=backlog, kept=frozenset({"id", "priority", "created_date", "updated_date"}),
        states=_two(
            _BACKLOG, _BACKLOG_2,
            {"title": "1", "status": "To Do", "assignee": [], "labels": [], "dependencies": [],
             "updated_date": "2026-03-07 10:00"},
            {"status": "Done", "updated_date": "2026-03-07 10:00"},
        ),
    ),
    "taskmaster": Export(
        source="taskmaster", write=lists, kept=frozenset({"id", "subtasks", "updatedAt"}),
        states=_two(
            _TASK, _TASK | {"id": 2, "title": "Two", "status": "done", "dependencies": []},
            {"title": "1", "description": "", "details": "", "testStrategy": "", "priority": "low", "dependencies": [],
             "updatedAt": "2026-03-07T10:00:00Z"},
            {"status": "pending", "updatedAt": "2026-03-07T10:00:00Z"},
        ),
    ),
    "claude-code": Export(
        source="claude-code", write=folder_of_tasks, kept=frozenset({"id", "subject", "activeForm", "owner", "blocks"}),
        states=_two(
            _TODO, _TODO | {"id": "2", "subject": "Two", "status": "completed", "blockedBy": []},
            {"subject": "1", "description": "", "status": "pending", "blockedBy": []}, {"status": "pending"},
        ),
    ),
    "beads": Export(
        source="beads", write=lines, states=([_BEADS], [_BEADS | {"title": "1", "priority": 2}]),
        kept=frozenset(_BEADS) - {"title", "priority", "status"},
    ),
    "taskwarrior": Export(
        source="taskwarrior", write=lines, states=([_TASKWARRIOR], [_TASKWARRIOR | {"description": "1"}]),
        kept=frozenset(_TASKWARRIOR) - {"description", "status"},
    ),
}  # fmt: skip
