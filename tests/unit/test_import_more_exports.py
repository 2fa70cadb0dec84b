"""Exports of Asana and Plane, Claude Code's tasks, vibe-kanban's database and org files, in the forms people have."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from ledger.aggregates.work_item.commands import ImportedItem
from ledger.errors import Invalid
from ledger.importing.readers.reading import Reading
from ledger.importing.readers.trackers.assistants import vibe_kanban
from ledger.values.moment import parse, text
from projections.transfer.import_sources import SOURCES, detected
from tests.support.each import each

NOW = parse("2026-11-22T12:00:00Z")
ASANA = (
    "Task ID,Created At,Completed At,Last Modified,Name,Section/Column,Assignee,Assignee Email,Start Date,Due Date,"
    "Tags,Notes,Projects,Parent task,Blocked By (Dependencies),Blocking (Dependencies)"
)
PLANE = (
    "Project Name,Project Identifier,Parent,Identifier,Sequence Id,Name,State Name,Priority,Assignees,Subscribers,"
    "Created By Name,Start Date,Target Date,Completed At,Created At,Updated At,Archived At,Estimate,Labels,Relations,"
    "Comments,Is Draft"
)
ORG = """#+TITLE: Plan
#+TODO: TODO(t) WAITING(w@/!) | SHIPPED(s!) CANCELLED(c@)
#+FILETAGS: :web:
* Notes
Only words
* Launch
** TODO [#B] Ship it [1/2] :Home:
DEADLINE: <2026-05-01 Fri> SCHEDULED: <2026-04-01 Wed 09:30 +1w>
:PROPERTIES:
:Effort: 1:30
:OWNER: ann
:END:
:LOGBOOK:
- Note taken on [2026-03-03 Tue 10:00] \\\\
  second
- Note taken on [2026-03-02 Mon 10:00] \\\\
  first
  line
- State "TODO" from [2026-03-01 Sun 10:00]
:END:

Some *text*.
- [ ] a box
*** SHIPPED Part
CLOSED: [2026-03-05 Thu 18:00]
** WAITING On them
** CANCELLED Gone
** TODO Twice
** TODO Twice
"""
Read = Callable[..., Reading]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """read(source, content): what its reader gives; the file has to be known by its content."""

    def of(source: str, content: str, name: str = "file") -> Reading:
        file = tmp_path / name
        file.write_text(content, encoding="utf-8")
        assert detected(file).name == source
        return SOURCES[source].read(file, str, NOW)

    return of


def where(reading: Reading, kind: str) -> list[str]:
    return [finding.where for finding in [*reading.warnings, *reading.not_taken] if finding.kind == kind]


def links(item: ImportedItem) -> list[tuple[str, str]]:
    return [(link.kind, link.to) for link in item.links]


def test_asana_names_other_tasks_by_titles_also_those_with_commas(read: Read) -> None:
    rows = [
        '101,2025-08-20,,2025-08-21,"Plan, then build",Ideas,Ann,,2025-09-01,2025-10-15,"a,b",why,Web,,,Launch',
        '102,2025-08-20,2025-08-22,2025-08-22,Launch,X,,,,,,,Web,"Plan, then build","Plan, then build,Twice,None",',
        "103,2025-08-20,,2025-08-20,Twice,In review,,,,,,,Web,,,",
        "104,2025-08-20,,2025-08-20,Twice,,,,,,,,Web,,,",
        "1.21143E+15,2025-08-20,,2025-08-20,Rounded,,,,,,,,Web,,,",
    ]

    reading = read("asana", "\n".join(["Engineering plan", "", ASANA, *rows]))

    first, second, third, _ = reading.items
    assert (first.fields["due"], first.fields["not_before"], first.fields["tags"]) == (
        "2025-10-15",
        "2025-09-01",
        ("a", "b"),
    )
    assert [item.category for item in reading.items] == ["planned", "done", "review", "planned"]
    assert links(second) == [("parent", "101"), ("depends_on", "101")]
    assert second.fields["metadata"]["Blocked By (Dependencies)"] == ["Twice", "None"]
    assert (where(reading, "id_rounded"), where(reading, "lines_before_the_header")) == (
        ["line 8 (1.21143E+15)"],
        ["line 1"],
    )
    assert (reading.found, third.created.by) == (5, "unknown (asana)")


def test_planes_cells_hold_lists_as_json(read: Read) -> None:
    comment = json.dumps([{"comment": "=hm", "created_by": "Bo", "created_at": "2024-01-01 14:30:00"}]).replace(
        '"', '""'
    )
    relations = [{"type": "blocked_by", "issue": "T-2", "direction": "incoming"}, {"type": "duplicate", "issue": "T-2"}]
    blocks = json.dumps(relations).replace('"', '""')
    rows = [
        'Test,T,,T-1,1,Log in,In Progress,urgent,"[""Ann"", ""Bo""]",[],Cy,2024-01-01,2024-01-05,,2024-01-01T11:00:00Z'
        f',2024-01-02T09:00:00Z,,3,"[""UI, web""]","{blocks}","{comment}",false',
        "Test,T,T-1,T-2,2,Part,Backlog,none,[],[],Cy,,,,2024-01-01T11:00:00Z,2024-01-02T09:00:00Z,,,[],[],[],true",
    ]

    reading = read("plane", "\n".join([PLANE, *rows]))

    first, second = reading.items
    assert (first.category, first.fields["priority"], first.fields["assignee"], first.created.by) == (
        "active",
        1,
        "Ann",
        "Cy",
    )
    assert (first.fields["tags"], first.fields["due"], first.fields["not_before"]) == (
        ("ui, web",),
        "2024-01-05",
        "2024-01-01",
    )
    assert [(one.text, one.made.by, text(one.made.at)[:16]) for one in first.comments or ()] == [
        ("=hm", "Bo", "2024-01-01T14:30")
    ]
    assert (links(first), links(second)) == ([("duplicates", "T-2")], [("parent", "T-1"), ("depends_on", "T-1")])
    assert (second.category, second.status, second.fields.get("priority")) == ("waiting", "draft", None)
    assert first.fields["metadata"]["Assignees"] == '["Ann", "Bo"]'


def claude_task(number: Any, **fields: Any) -> str:
    plain = {"id": number, "subject": "Write", "description": "", "activeForm": "Writing", "status": "pending"}
    return json.dumps(plain | {"blocks": [], "blockedBy": []} | fields)


def test_claude_codes_lists_are_read_with_what_holds_up_what(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / "tasks" / name).mkdir(parents=True)
    (tmp_path / "tasks" / "one" / "1.json").write_text(claude_task("1", blocks=["2", "9"], owner="lead"))
    (tmp_path / "tasks" / "one" / "2.json").write_text(claude_task("2", status="in_progress", metadata={"a": 1}))
    (tmp_path / "tasks" / "one" / "10.json").write_text("{")
    (tmp_path / "tasks" / "one" / ".highwatermark").write_text("10")
    (tmp_path / "tasks" / "two" / "1.json").write_text(claude_task(1, status="completed"))

    assert detected(tmp_path / "tasks").name == detected(tmp_path / "tasks" / "one").name == "claude-code"
    reading = SOURCES["claude-code"].read(tmp_path / "tasks", str, NOW)

    found = {item.external_id: item for item in reading.items}
    assert {name: item.category for name, item in found.items()} == {
        "one/1": "planned",
        "one/2": "active",
        "two/1": "done",
    }
    assert (links(found["one/2"]), found["one/1"].fields["assignee"]) == ([("depends_on", "one/1")], "lead")
    assert found["one/1"].fields["metadata"]["blocks"] == ["9"]
    assert found["one/2"].fields["metadata"]["metadata"] == {"a": 1}
    assert where(reading, "cannot_be_read")[0].startswith("10.json of one")
    assert SOURCES["claude-code"].read(tmp_path / "tasks" / "one", str, NOW).items[0].external_id == "one/1"


def test_a_number_that_two_of_claude_codes_files_give_is_named(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    for file, title in ((1, "first"), (2, "again")):
        (tmp_path / "one" / f"{file}.json").write_text(claude_task("1", subject=title))

    reading = SOURCES["claude-code"].read(tmp_path, str, NOW)

    assert (reading.found, [item.fields["title"] for item in reading.items]) == (2, ["first"])
    assert where(reading, "repeated_id") == ["one/2 (one/1)"]


@pytest.mark.parametrize("table", ["workspaces", "task_attempts"])
def test_vibe_kanbans_tasks_lie_below_that_whose_attempt_began_them(tmp_path: Path, table: str) -> None:
    file = tmp_path / "db.sqlite"
    above = "parent_workspace_id" if table == "workspaces" else "parent_task_attempt"
    one, two, attempt = (UUID(int=number) for number in (1, 2, 3))
    with closing(sqlite3.connect(file)) as database:
        database.execute("CREATE TABLE attempts (id BLOB, task_id BLOB, branch TEXT)")
        database.execute("CREATE TABLE projects (id BLOB, name TEXT)")
        database.execute("CREATE TABLE tasks (id BLOB, project_id BLOB, title, description, status, created_at, above)")
        database.execute("INSERT INTO attempts VALUES (?, ?, 'vk/one')", (attempt.bytes, one.bytes))
        database.execute(f"ALTER TABLE attempts RENAME TO {table}")
        database.execute(f"ALTER TABLE tasks RENAME COLUMN above TO {above}")
        database.execute("INSERT INTO projects VALUES (?, 'Web')", (attempt.bytes,))
        row = "INSERT INTO tasks VALUES (?, ?, ?, NULL, ?, '2025-10-01 10:00:00.123', ?)"
        database.execute(row, (one.bytes, attempt.bytes, "One", "inreview", None))
        database.execute(row, (two.bytes, attempt.bytes, "<b>Two</b>", "cancelled", attempt.bytes))
        database.commit()
    before = file.read_bytes()

    assert detected(file).name == "vibe-kanban"
    reading = SOURCES["vibe-kanban"].read(file, str, NOW)

    first, second = reading.items
    assert (first.category, first.external_id, text(first.created.at)) == (
        "review",
        str(one),
        "2025-10-01T10:00:00.123000Z",
    )
    assert (second.category, second.fields["title"], links(second)) == ("dropped", "<b>Two</b>", [("parent", str(one))])
    assert first.fields["metadata"].items() >= {"branch": "vk/one", "project": "Web"}.items()
    assert file.read_bytes() == before


def kanban(folder: Path, *statements: str) -> Path:
    file = folder / "db.sqlite"
    with closing(sqlite3.connect(file)) as database:
        database.executescript(";".join(statements))
    return file


def test_all_attempts_at_a_task_of_vibe_kanban_and_what_came_of_them_are_kept(tmp_path: Path) -> None:
    file = kanban(
        tmp_path,
        "CREATE TABLE tasks (id, project_id, title, status, created_at, parent_workspace_id)",
        "CREATE TABLE workspaces (id, task_id, branch, created_at)",
        "CREATE TABLE merges (id, workspace_id, pr_url, pr_status, merge_commit)",
        "INSERT INTO tasks VALUES ('a', 'p', 'One', 'todo', '2026-03-01 10:00:00', NULL)",
        "INSERT INTO tasks VALUES ('b', 'p', 'Two', 'todo', '2026-03-01 10:00:00', 'gone')",
        "INSERT INTO workspaces VALUES ('w2', 'a', 'vk/two', '2026-03-03'), ('w1', 'a', 'vk/one', '2026-03-02')",
        "INSERT INTO merges VALUES ('m', 'w1', 'https://x/7', 'closed', NULL)",
    )

    reading = SOURCES["vibe-kanban"].read(file, str, NOW)

    first, second = reading.items
    assert first.fields["metadata"].items() >= {"branch": "vk/two", "branches": ["vk/one", "vk/two"]}.items()
    assert first.fields["metadata"]["merges"] == [{"pr_url": "https://x/7", "pr_status": "closed"}]
    assert (links(second), second.fields["metadata"]["parent_workspace_id"]) == ([], "gone")
    assert where(reading, "link_kept_as_text") == ["b -> gone (parent_workspace_id)"]


@pytest.mark.parametrize(
    ("table", "problem", "next_step"),
    [
        ("CREATE TABLE tasks (id, title, project_id)", "without created_at, status", "that has its tasks"),
        (
            "CREATE TABLE local_issues (id, title)",
            "holds no table `tasks` of vibe-kanban's: its tables are local_issues",
            "name its db.sqlite",
        ),
    ],
)
def test_a_database_of_another_schema_is_refused_with_what_it_lacks(
    tmp_path: Path, table: str, problem: str, next_step: str
) -> None:
    file = kanban(tmp_path, table)

    with pytest.raises(Invalid, match=problem) as caught:
        SOURCES[detected(file).name].read(file, str, NOW)

    assert next_step in (caught.value.next_step or "")


def test_a_database_that_is_locked_is_refused_with_the_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vibe_kanban, "WAIT", 0)
    file = kanban(tmp_path, "CREATE TABLE tasks (id, project_id, title, status, created_at)")
    with closing(sqlite3.connect(file)) as writer:
        writer.execute("BEGIN EXCLUSIVE")

        with pytest.raises(Invalid, match="database is locked") as caught:
            SOURCES["vibe-kanban"].read(file, str, NOW)
        name = detected(file).name

    assert (name, "end vibe-kanban" in (caught.value.next_step or "")) == ("vibe-kanban", True)


def test_an_org_files_tasks_have_the_files_own_keywords_times_and_notes(read: Read) -> None:
    reading = read("org", ORG, "plan.org")

    found = {item.external_id: item for item in reading.items}
    ship, part = found["Launch/Ship it"], found["Launch/Ship it/Part"]
    assert list(found)[2:] == ["Launch/On them", "Launch/Gone", "Launch/Twice", "Launch/Twice #2"]
    assert [item.category for item in reading.items] == ["planned", "done", "waiting", "dropped", "planned", "planned"]
    assert (ship.fields["description"], ship.fields["priority"]) == ("Some *text*.\n- [ ] a box", 2)
    assert (ship.fields["due"], ship.fields["not_before"]) == ("2026-05-01", "2026-04-01T09:30:00.000000Z")
    assert (ship.fields["estimate"], ship.fields["tags"]) == (90, ("web", "home"))
    assert [(one.text, text(one.made.at)[:10]) for one in ship.comments or ()] == [
        ("first\nline", "2026-03-02"),
        ("second", "2026-03-03"),
    ]
    metadata = ship.fields["metadata"]
    assert (
        metadata.items() >= {"OWNER": "ann", "outline": ["Launch"], "SCHEDULED": "<2026-04-01 Wed 09:30 +1w>"}.items()
    )
    assert metadata["logbook"] == ['- State "TODO" from [2026-03-01 Sun 10:00]']
    assert (links(part), part.status, text(part.settled.at)[:10] if part.settled else "") == (
        [("parent", "Launch/Ship it")],
        "SHIPPED",
        "2026-03-05",
    )
    assert where(reading, "document") == ["line 4: Notes"]


@each(
    ("source", "content", "problem"),
    [
        ("asana", "Task ID,Name\n1,a", "holds no header of an Asana export"),
        ("plane", "Name\na", "holds no header of a Plane export"),
        ("claude-code", "{}", "is no folder of Claude Code's tasks"),
        ("vibe-kanban", "text", "cannot be read as a SQLite database"),
    ],
)
def test_what_is_none_of_them_is_refused_with_its_file(tmp_path: Path, source: str, content: str, problem: str) -> None:
    (tmp_path / "file").write_text(content)

    with pytest.raises(Invalid, match=problem) as caught:
        SOURCES[source].read(tmp_path / "file", str, NOW)

    assert str(tmp_path / "file") in caught.value.message
