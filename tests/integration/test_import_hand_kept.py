"""Files kept by hand, imported by the command as a person calls it: what is decided, what is said, and how it ends."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from ledger.settings import Settings
from tests.conftest import Perform
from tests.support.command_line import exit_code
from tests.support.long_cases import long_cases

Call = Callable[..., tuple[int, str, str]]
OWN_TEXT = "# Project Status\n\n## Active State\n- **Status:** Complete.\n\n## Next Actionable Step\n- Deploy it\n"


@pytest.fixture
def call(settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """call(argument, ...) -> exit code, stdout, stderr; in the project's folder."""
    monkeypatch.setenv("LEDGER_DSN", str(settings.dsn))
    monkeypatch.setenv("LEDGER_HOME", str(settings.home))
    monkeypatch.chdir(settings.project)

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        code = exit_code(monkeypatch, *arguments)
        output = capsys.readouterr()
        return code, output.out, output.err

    return run


def titles(call: Call) -> list[str]:
    return [item["title"] for item in json.loads(call("ready", "--json")[1])["items"]]


@pytest.mark.processes
def test_the_status_file_that_the_ledger_writes_itself_holds_nothing_to_import_and_says_so(
    call: Call, perform: Perform
) -> None:
    perform("create_work_item", item_type="task", title="Mine")
    assert call("status", "--write")[0] == 0

    code, out, err = call("import", ".project_status.md")

    assert code == 0
    assert "what this program keeps in the file itself" in out
    assert "0 events recorded" in err


@pytest.mark.processes
def test_what_a_person_wrote_beside_the_ledger_s_report_is_imported(call: Call, settings: Settings) -> None:
    (settings.project / ".project_status.md").write_text(OWN_TEXT)
    assert call("status", "--write")[0] == 0

    code, _, _ = call("import", ".project_status.md")

    assert (code, titles(call)) == (0, ["Deploy it"])


@long_cases("form", ["utf-8", "utf-8-sig", "utf-16"])
def test_the_documented_name_decides_in_every_form_of_unicode(call: Call, settings: Settings, form: str) -> None:
    (settings.project / ".project_status.md").write_bytes(OWN_TEXT.replace("\n", "\r\n").encode(form))

    assert call("import", ".project_status.md")[0] == 0
    assert call("import", "legacy", ".project_status.md", "--dry-run")[0] == 0


@pytest.mark.processes
def test_a_heading_that_is_not_understood_is_no_match_and_says_so_in_words(call: Call, settings: Settings) -> None:
    text = "## Vendors\n\n- EPSON: operational\n\n## Enhancements of old (3)\n\n- Fax\n\n- 12 ???\n"
    (settings.project / "status.md").write_text(text)

    code, out, _ = call("import", "legacy", "status.md", "--json")
    _, shown, err = call("import", "legacy", "status.md")

    report = json.loads(out)
    assert (code, report["success"]) == (8, True)
    assert {check["match"] for check in report["reconciliation"].values()} == {False}
    assert report["reconciliation"]["enhancements"]["not_read"] == ["line 5: Enhancements of old (3)"]
    assert "headings that announce records in unknown words" in shown
    assert "section_not_understood" not in shown + err


@pytest.mark.parametrize(
    ("name", "content", "problem", "way_out"),
    [
        ("status.md", b"", "is empty", "holds something"),
        ("status.md", "# Über uns\n".encode("latin-1"), "line 1 is not UTF-8: byte 3 of the line is 0xDC", "iconv"),
        ("status.md", b"# A page\n", "could not be recognised", "import NAME"),
        (".project_status.md", b"# A page\n\n- : ???\n", "holds no vendors", "docs/exchange.md"),
        (".project_status.md", b"", "is empty", "something in it"),
    ],
)
def test_what_cannot_be_imported_ends_with_2_and_says_what_it_is_and_what_to_do(
    call: Call, settings: Settings, name: str, content: bytes, problem: str, way_out: str
) -> None:
    (settings.project / name).write_bytes(content)

    code, _, err = call("import", name)

    output = " ".join(err.split())
    assert code == 2
    assert problem in output
    assert way_out in output
    assert "nothing was recorded" in output


def git(project: Path, *arguments: str) -> None:
    named = ["-c", "user.name=ada", "-c", "user.email=ada@example.org"]
    subprocess.run(["git", "-C", str(project), *named, *arguments], check=True, capture_output=True)


@pytest.fixture
def checkout(settings: Settings) -> Path:
    git(settings.project, "init", "-q", "-b", "main")
    git(settings.project, "commit", "-q", "--allow-empty", "-m", "deploy: first")
    return settings.project


def test_a_checkout_with_one_tracker_in_it_is_that_tracker_and_its_history_is_named(call: Call, checkout: Path) -> None:
    (checkout / "backlog" / "tasks").mkdir(parents=True)
    (checkout / "backlog" / "config.yml").write_text("project_name: x\n")
    task = "---\nid: task-1\ntitle: One\nstatus: To Do\ncreated_date: '2026-01-01'\n---\n"
    (checkout / "backlog" / "tasks" / "task-1 - One.md").write_text(task)

    code, _, err = call("import", ".")

    assert (code, titles(call)) == (0, ["One"])
    assert "`tracking-ledger import git .`" in " ".join(err.split())


@pytest.mark.processes
def test_a_checkout_with_a_file_of_one_tracker_is_that_file(call: Call, checkout: Path) -> None:
    (checkout / ".project_status.md").write_text(OWN_TEXT)

    code, _, err = call("import", ".")

    assert (code, titles(call)) == (0, ["Deploy it"])
    assert "a status file in markdown" in " ".join(err.split())


def test_a_checkout_with_several_trackers_names_the_commands(call: Call, checkout: Path) -> None:
    (checkout / ".project_status.md").write_text(OWN_TEXT)
    (checkout / "todo.txt").write_text("(A) One\n")

    code, _, err = call("import", ".")

    output = " ".join(err.split())
    assert code == 2
    for command in ("import legacy .project_status.md", "import todotxt .", "import git ."):
        assert f"`tracking-ledger {command}`" in output


@pytest.mark.processes
def test_a_checkout_with_nothing_but_its_history_is_that(call: Call, checkout: Path) -> None:
    assert call("status", "--write")[0] == 0

    code, out, _ = call("import", ".", "--json")

    assert (code, json.loads(out)["by_category"]["deployment"]["created"]) == (0, 1)


@pytest.mark.processes
def test_sessions_that_are_over_or_under_way_are_not_offered(call: Call, settings: Settings) -> None:
    folder = settings.project / "sessions"
    folder.mkdir()
    fronts = {
        "sentence": "status: Evaluate the code base",
        "tag": "tags: [session-complete, other]",
        "word": "status: in progress\ntags: [session-complete]",
        "none": "branch: main",
    }
    for name, front in fronts.items():
        (folder / f"{name}.md").write_text(f"---\nsession_date: 2026-02-07\n{front}\n---\n# {name}\n")

    code, out, _ = call("import", "prompts", "sessions", "--json")

    assert code == 0
    listed = json.loads(call("call", "list_work_items", "fields=title,status", "--json")[1])["items"]
    assert titles(call) == ["none"]
    assert {item["title"]: item["status"] for item in listed} == {
        "sentence": "completed", "tag": "completed", "word": "in_progress", "none": "active",
    }  # fmt: skip
    output = [warning for warning in json.loads(out)["warnings"] if warning["kind"] == "word_of_the_source"]
    assert "taken as 'completed'" in output[0]["examples"][0]


@pytest.mark.processes
def test_the_zone_of_a_session_counts_where_it_is_stated_and_is_reported_where_it_is_not(
    call: Call, settings: Settings
) -> None:
    fronts = {
        "clock": "session_time: 09:00 CEST",
        "field": "session_time: 09:00\ntimezone: Europe/Berlin",
        "none": "session_time: 09:00",
        "unclear": "session_time: 09:00 IST",
    }
    for name, front in fronts.items():
        (settings.project / f"{name}.md").write_text(f"---\nsession_date: 2026-07-01\n{front}\n---\n# {name}\n")

    report = json.loads(call("import", "prompts", ".", "--json")[1])
    listed = json.loads(call("call", "list_work_items", "fields=title,created_at", "--json")[1])["items"]

    output = {item["title"]: item["created_at"][:16] for item in listed}
    assert (output["clock"], output["field"], output["none"]) == (
        "2026-07-01T07:00",
        "2026-07-01T07:00",
        "2026-07-01T09:00",
    )
    assert not output["unclear"].startswith("2026-07-01")
    kinds = {warning["kind"]: warning["examples"] for warning in report["warnings"]}
    assert kinds["no_zone"] == ["none.md: 2026-07-01 09:00"]
    assert "IST is the name of several time zones" in kinds["time_not_understood"][0]
