"""One small project as each of the trackers would write it down, for laws that hold for all of them."""

import csv
import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from msgspec import Struct

from ledger.importing.readers.backlog import tasks
from ledger.importing.readers.trackers.assistants import beads, claude_code, taskmaster, vibe_kanban
from ledger.importing.readers.trackers.hosted import asana, github, gitlab, jira, linear, plane, trello
from ledger.importing.readers.trackers.personal import orgmode, taskwarrior, todotxt
from ledger.values.moment import parse
from tests.support.beads import DAY, issue, needs

NUMBERS = range(1, 6)
DATE = "2026-03-0{}"
IN_TASKWARRIOR = "2026030{}T100000Z"
IN_SQLITE = "2026-03-0{} 10:00:00.000"
IN_JIRA = "0{}/Mar/26 10:00 AM"


class Task(Struct, frozen=True, kw_only=True):
    """`parent` and `needs` are numbers of other tasks; `changed` is a day of March, and they all began on the first."""

    number: int
    title: str
    text: str
    state: str
    priority: int
    parent: int | None
    needs: tuple[int, ...]
    tags: tuple[str, ...]
    changed: int


WORDS = st.text("aß 日,:#'\"@-[", min_size=1, max_size=6).map(lambda text: f"w{text}w")


def a_task(number: int) -> st.SearchStrategy[Task]:
    others = st.sampled_from([other for other in NUMBERS if other != number])
    return st.builds(
        Task,
        number=st.just(number),
        title=WORDS,
        text=WORDS,
        state=st.sampled_from(["open", "doing", "blocked", "done", "dropped"]),
        priority=st.integers(0, 2),
        parent=st.one_of(st.none(), others),
        needs=st.lists(others, max_size=2, unique=True).map(tuple),
        tags=st.lists(st.sampled_from(["a", "b", "c"]), max_size=2, unique=True).map(tuple),
        changed=st.integers(1, 9),
    )


@cache
def projects() -> st.SearchStrategy[list[Task]]:
    """Made once: Hypothesis checks a new one again at each draw."""
    return st.tuples(*(a_task(number) for number in NUMBERS)).map(list)


def as_beads(folder: Path, tasks: list[Task]) -> Path:
    statuses = {"open": "open", "doing": "in_progress", "blocked": "blocked", "done": "closed", "dropped": "deferred"}
    lines = []
    for task in tasks:
        name = f"b-{task.number}"
        parents = [needs(name, f"b-{task.parent}", "parent-child")] if task.parent else []
        record = issue(
            name,
            title=task.title,
            description=task.text,
            status=statuses[task.state],
            priority=task.priority,
            labels=list(task.tags) or None,
            updated_at=DAY.format(task.changed),
            closed_at=DAY.format(task.changed) if task.state == "done" else None,
            dependencies=[*parents, *(needs(name, f"b-{other}") for other in task.needs)],
        )
        lines.append(json.dumps(record))
    return _written(folder / "issues.jsonl", "\n".join(lines))


def as_taskmaster(folder: Path, tasks: list[Task]) -> Path:
    """Tasks below another one are its subtasks; task-master knows no deeper ones, so those stand at the top."""
    tops = [task for task in tasks if task.parent is None]
    number = {task.number: str(task.number) for task in tops}
    number |= {task.number: f"{task.parent}.{task.number}" for task in tasks if task.parent in number}
    tops += [task for task in tasks if task.number not in number]
    number |= {task.number: str(task.number) for task in tops}
    written = {task.number: _in_taskmaster(task, number) for task in tasks}
    for task in tops:
        below = [written[other.number] for other in tasks if number[other.number].startswith(f"{task.number}.")]
        written[task.number]["subtasks"] = below
    listed = {"tasks": [written[task.number] for task in tops], "metadata": {"created": DAY.format(1)}}
    return _written(folder / "tasks.json", json.dumps({"master": listed}))


def _in_taskmaster(task: Task, number: dict[int, str]) -> dict[str, Any]:
    statuses = {"open": "pending", "doing": "in-progress", "blocked": "blocked", "done": "done", "dropped": "cancelled"}
    own = number[task.number]
    return {
        "id": float(own) if "." in own and task.changed % 2 else own,
        "title": task.title,
        "description": task.text,
        "status": statuses[task.state],
        "priority": ("high", "medium", "low")[task.priority],
        "dependencies": [number[other] for other in task.needs if other in number],
        "tags": list(task.tags),
        "updatedAt": DAY.format(task.changed),
    }


def as_backlog(folder: Path, tasks: list[Task]) -> Path:
    root = folder / "backlog"
    shutil.rmtree(root, ignore_errors=True)
    (root / "tasks").mkdir(parents=True)
    _written(root / "config.yml", 'statuses: ["To Do", "In Progress", "Done"]')
    for task in tasks:
        place = "archive/tasks" if task.state == "dropped" else "completed" if task.state == "done" else "tasks"
        (root / place).mkdir(parents=True, exist_ok=True)
        _written(root / place / f"task-{task.number} - Name.md", _in_backlog(task))
    return root


def _in_backlog(task: Task) -> str:
    statuses = {"open": "To Do", "doing": "◑ In Progress", "blocked": "Blocked", "done": "✔ Done", "dropped": "To Do"}
    parent = f"parent_task_id: task-{task.parent}\n" if task.parent else ""
    return (
        f"---\nid: TASK-0{task.number}\ntitle: {json.dumps(task.title, ensure_ascii=False)}\n"
        f"status: {statuses[task.state]}\nassignee: @ann\ncreated_date: '{DATE.format(1)}'\n"
        f"updated_date: '{DATE.format(task.changed)} 10:00'\nlabels: {json.dumps(task.tags)}\n{parent}"
        f"priority: {('high', 'medium', 'low')[task.priority]}\n"
        f"dependencies: {json.dumps([f'task-{other}' for other in task.needs])}\n---\n\n"
        f"## Description\n\n<!-- SECTION:DESCRIPTION:BEGIN -->\n{task.text}\n<!-- SECTION:DESCRIPTION:END -->\n"
    )


def as_todotxt(folder: Path, tasks: list[Task]) -> Path:
    """Its words tell a task from others, so they stay; the lines are in another order each time."""
    lines = []
    for task in sorted(tasks, key=lambda task: (task.changed, task.title)):
        done = f"x {DATE.format(task.changed)} " if task.state in ("done", "dropped") else ""
        priority = "" if done else f"({'ABC'[task.priority]}) "
        lines.append(f"{done}{priority}{DATE.format(1)} Task {task.number} due:{DATE.format(task.changed)}")
    return _written(folder / "todo.txt", "\n".join(lines))


def as_jira(folder: Path, tasks: list[Task]) -> Path:
    """With all that is asked for, a column for each label, and links written at the one that waits."""
    statuses = {"open": "To Do", "doing": "In Progress", "blocked": "Blocked", "done": "Done", "dropped": "Won't Do"}
    names = [
        "Summary",
        "Issue key",
        "Issue id",
        "Status",
        "Priority",
        "Created",
        "Updated",
        "Resolved",
        "Labels",
        "Labels",
    ]
    names += ["Description", "Inward issue link (Blocks)", "Inward issue link (Blocks)", "Parent", "Comment"]
    rows = [
        [
            task.title,
            f"J-{task.number}",
            f"1000{task.number}",
            statuses[task.state],
            ("High", "Medium", "Low")[task.priority],
            IN_JIRA.format(1),
            IN_JIRA.format(task.changed),
            IN_JIRA.format(task.changed) if task.state in ("done", "dropped") else "",
            *(*task.tags, "", "")[:2],
            task.text,
            *(*(f"J-{other}" for other in task.needs), "", "")[:2],
            f"J-{task.parent}" if task.parent else "",
            "",
        ]
        for task in tasks
    ]
    return _table(folder / "Jira.csv", [names, *rows])


def as_linear(folder: Path, tasks: list[Task]) -> Path:
    """Rows that end before their last cells, as Linear writes some."""
    statuses = {"open": "Todo", "doing": "In Progress", "blocked": "Blocked", "done": "Done", "dropped": "Canceled"}
    rows = [
        [
            f"L-{task.number}",
            "Team",
            f"'{task.title}" if task.title[0] in "=@-+" else task.title,
            task.text,
            statuses[task.state],
            ("High", "Medium", "Low")[task.priority],
            "ann",
            ", ".join(task.tags),
            "",
            DAY.format(1),
            DAY.format(task.changed),
            DAY.format(task.changed) if task.state == "done" else "",
            DAY.format(task.changed) if task.state == "dropped" else "",
            f"L-{task.parent}" if task.parent else "",
            ", ".join(f"L-{other}" for other in task.needs),
        ][: 15 if task.needs else 14]
        for task in tasks
    ]
    names = "ID,Team,Title,Description,Status,Priority,Creator,Labels,Cycle Number,Created,Updated,Completed,Canceled"
    return _table(folder / "linear.csv", [[*names.split(","), "Parent issue", "Blocked by"], *rows])


def as_trello(folder: Path, tasks: list[Task]) -> Path:
    """Its cards have no parents and wait for nothing."""
    lists = {"open": "To Do", "doing": "Doing", "blocked": "Blocked", "done": "Done", "dropped": "To Do"}
    cards = [
        {
            "id": f"{int(parse(DAY.format(1)).timestamp()):08x}{task.number:016x}",
            "shortLink": f"card{task.number}",
            "name": task.title,
            "desc": task.text,
            "closed": task.state == "dropped",
            "idList": lists[task.state],
            "labels": [{"id": tag, "name": tag, "color": "red"} for tag in task.tags],
            "dateLastActivity": DAY.format(task.changed),
        }
        for task in tasks
    ]
    named = [{"id": name, "name": name, "closed": False} for name in sorted(set(lists.values()))]
    board = {"id": "b", "name": "Board", "shortLink": "board", "labelNames": {}, "lists": named, "cards": cards}
    return _written(folder / "trello.json", json.dumps(board))


def as_gitlab(folder: Path, tasks: list[Task]) -> Path:
    words = {"doing": "in dev", "blocked": "blocked", "dropped": "cancelled"}
    issues = [
        {
            "iid": task.number,
            "project_id": 7,
            "title": task.title,
            "description": task.text,
            "state": "closed" if task.state in ("done", "dropped") else "opened",
            "labels": [
                *task.tags,
                f"priority::{('high', 'medium', 'low')[task.priority]}",
                *([f"workflow::{words[task.state]}"] if task.state in words else []),
            ],
            "author": {"username": "ann"},
            "created_at": DAY.format(1),
            "updated_at": DAY.format(task.changed),
            "closed_at": DAY.format(task.changed) if task.state in ("done", "dropped") else None,
            "web_url": f"https://gitlab.com/g/p/-/issues/{task.number}",
            "references": {"full": f"g/p#{task.number}"},
            "links": [
                {"iid": other, "references": {"full": f"g/p#{other}"}, "link_type": "is_blocked_by"}
                for other in task.needs
            ],
            "parent": {"references": {"full": f"g/p#{task.parent}"}} if task.parent else None,
        }
        for task in tasks
    ]
    return _written(folder / "issues.json", json.dumps(issues))


def as_taskwarrior(folder: Path, tasks: list[Task]) -> Path:
    """Its tasks have no parents, and one line each."""
    statuses = {"open": "pending", "doing": "pending", "blocked": "waiting", "done": "completed", "dropped": "deleted"}
    lines = []
    for task in tasks:
        record = {
            "uuid": f"u-{task.number}",
            "description": task.title,
            "status": statuses[task.state],
            "priority": "HML"[task.priority],
            "tags": list(task.tags),
            "entry": IN_TASKWARRIOR.format(1),
            "modified": IN_TASKWARRIOR.format(task.changed),
            "depends": ",".join(f"u-{other}" for other in task.needs),
        }
        record |= {"start": IN_TASKWARRIOR.format(1)} if task.state == "doing" else {}
        record |= {"end": IN_TASKWARRIOR.format(task.changed)} if task.state in ("done", "dropped") else {}
        lines.append(json.dumps(record))
    return _written(folder / "tasks.json", "\n".join(lines))


def as_asana(folder: Path, tasks: list[Task]) -> Path:
    """Below lines that are no header, as a report has them. Other tasks are named by their titles, here with commas."""
    title = {task.number: f"{task.title}, {task.number}" for task in tasks}
    sections = {"open": "Ideas", "doing": "Doing", "blocked": "Blocked", "done": "Ideas", "dropped": "Cancelled"}
    rows = [
        [
            f"1200{task.number}",
            DAY.format(1),
            DAY.format(task.changed) if task.state in ("done", "dropped") else "",
            DAY.format(task.changed),
            title[task.number],
            sections[task.state],
            ",".join(task.tags),
            task.text,
            ("High", "Medium", "Low")[task.priority],
            title.get(task.parent or 0, ""),
            ",".join(title[other] for other in task.needs if other in title),
        ]
        for task in tasks
    ]
    names = "Task ID,Created At,Completed At,Last Modified,Name,Section/Column,Tags,Notes,Priority,Parent task"
    return _table(folder / "asana.csv", [["Report"], [*names.split(","), "Blocked By (Dependencies)"], *rows])


def as_plane(folder: Path, tasks: list[Task]) -> Path:
    statuses = {"open": "Backlog", "doing": "In Progress", "blocked": "On Hold", "done": "Done", "dropped": "Cancelled"}
    rows = [
        [
            f"P-{task.parent}" if task.parent else "",
            f"P-{task.number}",
            task.title,
            task.text,
            statuses[task.state],
            ("high", "medium", "low")[task.priority],
            DAY.format(1),
            DAY.format(task.changed),
            json.dumps(task.tags),
            json.dumps(
                [{"type": "blocked_by", "issue": f"P-{other}", "direction": "outgoing"} for other in task.needs]
            ),
            "",
        ]
        for task in tasks
    ]
    names = "Parent,Identifier,Name,Description,State Name,Priority,Created At,Updated At,Labels,Relations,Target Date"
    return _table(folder / "plane.csv", [names.split(","), *rows])


def as_claude_code(folder: Path, tasks: list[Task]) -> Path:
    """Its tasks are pending, in progress or completed; a folder is one list."""
    statuses = {
        "open": "pending",
        "doing": "in_progress",
        "blocked": "blocked",
        "done": "completed",
        "dropped": "dropped",
    }
    root = folder / "tasks"
    shutil.rmtree(root, ignore_errors=True)
    (root / "list").mkdir(parents=True)
    for task in tasks:
        record = {
            "id": str(task.number),
            "subject": task.title,
            "description": task.text,
            "activeForm": "Doing",
            "status": statuses[task.state],
            "blocks": [],
            "blockedBy": [str(other) for other in task.needs],
        }
        _written(root / "list" / f"{task.number}.json", json.dumps(record))
    return root


def as_vibe_kanban(folder: Path, tasks: list[Task]) -> Path:
    statuses = {"open": "todo", "doing": "inprogress", "blocked": "inreview", "done": "done", "dropped": "cancelled"}
    file = folder / "db.v2.sqlite"
    file.unlink(missing_ok=True)
    with closing(sqlite3.connect(file)) as database:
        database.execute("CREATE TABLE projects (id BLOB PRIMARY KEY, name TEXT)")
        database.execute("CREATE TABLE workspaces (id BLOB PRIMARY KEY, task_id BLOB, branch TEXT)")
        database.execute(
            "CREATE TABLE tasks (id BLOB PRIMARY KEY, project_id BLOB, title TEXT, description TEXT, status TEXT,"
            " created_at TEXT, updated_at TEXT, parent_workspace_id BLOB)"
        )
        database.execute("INSERT INTO projects VALUES (?, 'Web')", (bytes(16),))
        for task in tasks:
            number, above = UUID(int=task.number).bytes, UUID(int=100 + (task.parent or 0)).bytes
            database.execute(
                "INSERT INTO workspaces VALUES (?, ?, 'vk/a')", (UUID(int=100 + task.number).bytes, number)
            )
            days = (IN_SQLITE.format(1), IN_SQLITE.format(task.changed))
            row = (
                number,
                bytes(16),
                task.title,
                task.text,
                statuses[task.state],
                *days,
                above if task.parent else None,
            )
            database.execute("INSERT INTO tasks VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
        database.commit()
    return file


def as_org(folder: Path, tasks: list[Task]) -> Path:
    """Tasks below another one stand under it, one level deep; a rank and tags are around the title."""
    keywords = {"open": "TODO", "doing": "DOING", "blocked": "WAITING", "done": "DONE", "dropped": "CANCELLED"}
    tops = [task for task in tasks if task.parent is None]
    below = {task.number: [other for other in tasks if other.parent == task.number] for task in tops}
    tops += [task for task in tasks if task.parent is not None and task.parent not in below]
    lines = ["#+TITLE: Plan"]
    for top in tops:
        for stars, task in (("*", top), *(("**", other) for other in below.get(top.number, ()))):
            tags = f" :{':'.join(task.tags)}:" if task.tags else ""
            lines += [
                f"{stars} {keywords[task.state]} [#{'ABC'[task.priority]}] {task.title}{tags}",
                *([f"CLOSED: [{DATE.format(task.changed)} Sun 10:00]"] if task.state in ("done", "dropped") else []),
                ":PROPERTIES:",
                f":ID: o-{task.number}",
                f":CREATED: [{DATE.format(1)} Sun 10:00]",
                ":END:",
                task.text,
            ]
    return _written(folder / "plan.org", "\n".join(lines))


def as_github(folder: Path, tasks: list[Task]) -> Path:
    """As `gh issue list --json` prints them: open or closed, for a reason."""
    url = "https://github.com/o/r/issues/{}"
    issues = [
        {
            "number": task.number,
            "title": task.title,
            "body": task.text,
            "state": "CLOSED" if task.state in ("done", "dropped") else "OPEN",
            "stateReason": {"done": "COMPLETED", "dropped": "NOT_PLANNED"}.get(task.state, ""),
            "labels": [{"name": tag, "color": "f00"} for tag in task.tags],
            "author": {"login": "ann"},
            "createdAt": DAY.format(1),
            "updatedAt": DAY.format(task.changed),
            "closedAt": DAY.format(task.changed) if task.state in ("done", "dropped") else None,
            "url": url.format(task.number),
            "parent": {"number": task.parent, "url": url.format(task.parent)} if task.parent else None,
            "blockedBy": {"nodes": [{"number": other, "url": url.format(other)} for other in task.needs]},
        }
        for task in tasks
    ]
    return _written(folder / "issues.json", json.dumps(issues))


def _table(file: Path, rows: list[list[str]]) -> Path:
    with file.open("w", encoding="utf-8", newline="") as opened:
        csv.writer(opened).writerows(rows)
    return file


Write = Callable[[Path, list[Task]], Path]
TRACKERS: dict[str, Write] = {
    beads.SOURCE: as_beads,
    taskmaster.SOURCE: as_taskmaster,
    tasks.SOURCE: as_backlog,
    todotxt.SOURCE: as_todotxt,
    github.SOURCE: as_github,
    jira.SOURCE: as_jira,
    linear.SOURCE: as_linear,
    trello.SOURCE: as_trello,
    gitlab.SOURCE: as_gitlab,
    taskwarrior.SOURCE: as_taskwarrior,
    asana.SOURCE: as_asana,
    plane.SOURCE: as_plane,
    claude_code.SOURCE: as_claude_code,
    vibe_kanban.SOURCE: as_vibe_kanban,
    orgmode.SOURCE: as_org,
}


def _written(file: Path, text: str) -> Path:
    file.write_text(text, encoding="utf-8")
    return file
