"""`tracking-ledger import beads`, as a person and a script call it."""

import json
from pathlib import Path

import pytest

from ledger.settings import Settings
from tests.support.beads import closed, export, issue, needs
from tests.support.command_line import exit_code


@pytest.fixture(autouse=True)
def _in_the_project(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEDGER_PROJECT", str(settings.project))
    monkeypatch.setenv("LEDGER_DSN", str(settings.dsn))
    monkeypatch.setenv("LEDGER_HOME", str(settings.home))


def test_everything_taken_ends_with_0_and_names_the_counts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code = exit_code(monkeypatch, "import", "beads", export(tmp_path, closed("a-1"), issue("a-2")))

    output = capsys.readouterr()
    assert (code, "3 events recorded" in output.err) == (0, True)
    assert ["created", "2"] in [line.split() for line in output.out.splitlines()]


def test_something_not_taken_ends_with_8_and_names_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = export(tmp_path, issue("a-1", dependencies=[needs("a-1", "gone")]), "no json")

    code = exit_code(monkeypatch, "import", "beads", file, "--json")

    report = json.loads(capsys.readouterr().out)
    assert (code, report["found"], report["taken"]) == (8, 2, 1)
    assert report["not_taken"] == [{"kind": "not_json", "count": 1, "where": ["line 2"]}]
    assert report["dangling_links"] == [
        {"kind": "link_to_absent_id", "count": 1, "where": ["a-1 -> gone (blocks)"]},
    ]


@pytest.mark.parametrize(("strict", "code"), [((), 0), (("--strict",), 8)])
def test_links_to_what_is_nowhere_are_named_and_end_with_8_only_if_one_wants(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    strict: tuple[str, ...],
    code: int,
) -> None:
    file = export(tmp_path, issue("a-1", dependencies=[needs("a-1", "gone")]))

    assert exit_code(monkeypatch, "import", file, *strict) == code

    output = capsys.readouterr().out
    assert "links to ids that are neither in the file nor in the ledger" in output
    assert "a-1 -> gone (blocks)" in output


@pytest.mark.processes
def test_an_older_file_is_reported_and_taken_when_it_is_to_win(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    exit_code(monkeypatch, "import", export(tmp_path, closed("a-1", day=5)))
    capsys.readouterr()
    older = export(tmp_path, issue("a-1", updated_at="2026-03-02T10:00:00Z"))

    assert exit_code(monkeypatch, "import", older) == 0
    assert "older than what the ledger has of them" in capsys.readouterr().out
    exit_code(monkeypatch, "ready")
    assert "Title of a-1" not in capsys.readouterr().out

    assert exit_code(monkeypatch, "import", older, "--older-wins") == 0
    exit_code(monkeypatch, "ready")
    assert "Title of a-1" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [(), ("taskmaster",)])
def test_an_empty_file_says_that_it_is_empty(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    file = tmp_path / "tasks.json"
    file.write_text("\n")

    assert exit_code(monkeypatch, "import", *arguments, file) == 2
    assert "is empty" in capsys.readouterr().err


def test_an_empty_list_of_a_known_form_is_imported_and_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "todo.txt").write_text("")

    assert exit_code(monkeypatch, "import", "todotxt", tmp_path / "todo.txt") == 0
    assert "empty: nothing to import" in capsys.readouterr().out


def test_a_dry_run_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code = exit_code(monkeypatch, "import", "beads", export(tmp_path, issue("a-1")), "--dry-run")

    assert (code, "nothing was recorded" in capsys.readouterr().err) == (0, True)


def test_a_file_of_another_kind_ends_with_2_and_names_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code = exit_code(monkeypatch, "import", "beads", export(tmp_path, "# a page"))

    assert (code, "issues.jsonl" in capsys.readouterr().err) == (2, True)


def test_a_status_file_that_is_not_taken_ends_with_8_and_says_what_was_compared(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "status.md"
    file.write_text("# Project Status\n\n## Vendors (2 total)\n\nSoon.\n\n## Future Enhancements (1 total)\n\n- Fax\n")

    code = exit_code(monkeypatch, "import", "legacy", file, "--json")
    output = json.loads(capsys.readouterr().out)
    assert (code, output["success"], output["rollback_executed"], output["events"]) == (8, False, True, 0)
    assert "line 3: 'Vendors (2 total)' announces 2 records" in output["errors"][0]

    assert exit_code(monkeypatch, "import", file) == 8
    shown = capsys.readouterr()
    assert "vendor metadata" in shown.out
    assert "nothing was recorded" in shown.err


def test_while_the_database_is_away_it_is_refused_whole_and_says_why_and_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, settings: Settings
) -> None:
    monkeypatch.setenv("LEDGER_DSN", "host=127.0.0.1 port=1")
    file = export(tmp_path, issue("a-1"))

    code = exit_code(monkeypatch, "import", "beads", file)

    output = capsys.readouterr().err
    assert code == 5
    assert f"{file} was not imported, and nothing of it was recorded or queued" in output
    assert "import it again when the database answers" in output
    assert settings.home is not None
    assert not list(settings.home.rglob("outbox.jsonl"))


def test_without_a_terminal_no_line_of_a_table_is_filled_up_with_spaces(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    exit_code(monkeypatch, "import", "beads", export(tmp_path, issue("a-1"), issue("a-2")))
    exit_code(monkeypatch, "list")

    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 2
    assert [line for line in lines if line != line.rstrip()] == []
