"""Every tracker's source, brought in by the command as a person calls it."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ledger.settings import Settings
from projections.application.app import App
from projections.reports import report
from projections.transfer.file_import import ImportRequest
from tests.support.command_line import exit_code
from tests.support.long_cases import long_cases
from tests.support.trackers import TRACKERS, Task

TASKS = [
    Task(number=1, title="One", text="x", state="done", priority=0, parent=None, needs=(), tags=("a",), changed=2),
    Task(number=2, title="Two", text="y", state="open", priority=1, parent=1, needs=(1,), tags=(), changed=3),
]
Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """call(argument, ...) -> exit code, stdout, stderr."""
    monkeypatch.setenv("LEDGER_PROJECT", str(settings.project))
    monkeypatch.setenv("LEDGER_DSN", str(settings.dsn))
    monkeypatch.setenv("LEDGER_HOME", str(settings.home))

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        code = exit_code(monkeypatch, *arguments)
        output = capsys.readouterr()
        return code, output.out, output.err

    return run


@long_cases("tracker", TRACKERS)
def test_a_path_alone_is_enough_and_a_second_time_nothing_is_recorded(call: Call, tmp_path: Path, tracker: str) -> None:
    path = TRACKERS[tracker](tmp_path, TASKS)

    code, first, _ = call("import", path, "--json")
    again = json.loads(call("import", tracker, path, "--json")[1])

    report = json.loads(first)
    assert (code, report["found"], report["created"]) == (0, 2, 2)
    assert (again["events"], again["unchanged"], again["position"]) == (0, 2, None)


@pytest.mark.parametrize("tracker", TRACKERS)
def test_two_states_become_the_events_between_them(app: App, tmp_path: Path, tracker: str) -> None:
    ImportRequest(source=tracker, path=TRACKERS[tracker](tmp_path, TASKS)).run(app)
    before = sum(1 for _ in app.store.read_all())
    reopened = [Task(**{field: getattr(TASKS[0], field) for field in Task.__struct_fields__} | {"state": "open"})]

    report = ImportRequest(source=tracker, path=TRACKERS[tracker](tmp_path, [*reopened, TASKS[1]])).run(app)

    assert (report["changed"], report["created"]) == (1, 0)
    assert (
        {"WorkItemReopened"}
        <= {event.type for event in app.store.read_all(before)}
        <= {
            "WorkItemReopened",
            "WorkItemRevised",
        }
    )


@long_cases(
    ("name", "content", "problem"),
    [
        ("issues.jsonl", b'{"id":"a","issue_type":"t"}\n\xff\n', "line 2 is not UTF-8"),
        ("issues.jsonl", b'{"id":"a","issue_type":"t"}\n\x00', "line 2 holds binary zeros"),
        ("tasks.json", b'{"tasks": [\n{"id": 1},\n]}', "line 3 is not JSON"),
        ("todo.txt", b"x 2026-03-01 a\n" + b"b" * (16 * 2**20 + 1), "line 2 is longer than"),
        ("todo.txt", "x 2026-03-01 Müll".encode("latin-1"), "line 1 is not UTF-8"),
        ("page.md", b"# A page", "could not be recognised"),
    ],
)
def test_a_file_that_cannot_be_read_ends_with_2_names_its_line_and_records_nothing(
    call: Call, app: App, tmp_path: Path, name: str, content: bytes, problem: str
) -> None:
    (tmp_path / name).write_bytes(content)

    code, out, _ = call("import", tmp_path / name, "--json")

    message = json.loads(out)["error"]["message"]
    assert code == 2
    assert any(part in message for part in problem.split("|"))
    assert list(app.store.read_all()) == []


@long_cases("tracker", TRACKERS)
def test_what_is_no_ordinary_file_ends_with_2(call: Call, tmp_path: Path, tracker: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "cycle").symlink_to(tmp_path / "cycle")
    (tmp_path / "folder").mkdir()

    for name in ("pipe", "cycle", "folder", "absent"):
        code, _, err = call("import", tracker, tmp_path / name)
        assert (code, "nothing was recorded" in err) == (2, True), f"{name}: {err}"


def test_so_it_does_while_the_database_is_away(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEDGER_DSN", "host=/nowhere")
    (tmp_path / "folder").mkdir()
    (tmp_path / "todo.txt").write_bytes(b"x 2026-03-01 a\n\xff\n")
    written = TRACKERS["beads"](tmp_path, TASKS)

    refused = [call("import", "claude-code", tmp_path / name) for name in ("folder", "absent")]
    refused.append(call("import", tmp_path / "todo.txt"))
    away = call("import", written)

    assert [code for code, _, _ in refused] == [2, 2, 2]
    assert all("nothing was recorded" in err and "reached" not in err for _, _, err in refused)
    assert away[0] == 5


def test_options_may_stand_before_the_path_and_a_path_that_is_not_there_is_named(call: Call, tmp_path: Path) -> None:
    path = TRACKERS["beads"](tmp_path, TASKS)

    code, out, _ = call("import", "--json", "--dry-run", path)
    wrong, _, err = call("import", "--dry-run", tmp_path / "absent")

    assert (code, json.loads(out)["dry_run"]) == (0, True)
    assert (wrong, "absent" in err) == (2, True)


def test_a_bomb_of_yaml_is_named_and_the_other_files_are_taken(call: Call, tmp_path: Path) -> None:
    root = TRACKERS["backlog"](tmp_path, TASKS)
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40))
    (root / "tasks" / "task-9 - Bomb.md").write_text(f"---\nid: TASK-9\n{bomb}---\n")

    code, out, _ = call("import", root, "--json")

    report = json.loads(out)
    assert (code, report["created"], report["not_taken"][0]["kind"]) == (8, 2, "broken_front_matter")
    assert "task-9 - Bomb.md, line 4: uses a YAML alias" in report["not_taken"][0]["where"][0]


def test_what_is_below_a_cancelled_task_stands_in_the_report_below_it(app: App, tmp_path: Path) -> None:
    child = {"id": 1, "title": "Child", "status": "pending"}
    parent = {"id": 1, "title": "Parent", "status": "cancelled", "subtasks": [child]}
    (tmp_path / "tasks.json").write_text(json.dumps({"tasks": [parent]}))

    ImportRequest(source="taskmaster", path=tmp_path / "tasks.json").run(app)

    with app.tables.snapshot() as snapshot:
        document = report.document(snapshot, "test")
    assert [(item["title"], item["depth"]) for item in document["active_work_items"]["items"]] == [
        ("Parent", 0),
        ("Child", 1),
    ]
    assert "more unfinished" not in report.markdown(document)
