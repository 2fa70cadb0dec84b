"""`tracking-ledger export`, and its events imported, as a person calls them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from ledger import identity
from ledger.settings import Settings
from projections.application.app import App
from tests.conftest import Perform
from tests.support.command_line import exit_code
from tests.support.long_cases import long_cases

Call = Callable[..., tuple[int, bytes, str]]


@pytest.fixture
def call(
    settings: Settings, owner_dsn: str, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> Call:
    """call(argument, ...) -> exit code, stdout, stderr."""
    monkeypatch.setenv("LEDGER_PROJECT", str(settings.project))
    monkeypatch.setenv("LEDGER_DSN", str(settings.dsn))
    monkeypatch.setenv("LEDGER_ADMIN_DSN", owner_dsn)
    monkeypatch.setenv("LEDGER_HOME", str(settings.home))

    def run(*arguments: str | Path) -> tuple[int, bytes, str]:
        code = exit_code(monkeypatch, *arguments)
        output = capfdbinary.readouterr()
        return code, output.out, output.err.decode()

    return run


@pytest.mark.processes
def test_events_go_to_a_file_and_come_back_the_same(
    call: Call, perform: Perform, settings: Settings, tmp_path: Path
) -> None:
    perform("create_vendor", name="Acme")
    other = tmp_path / "other"
    other.mkdir()
    identity.create(other)

    written = call("export", "-o", tmp_path / "events.jsonl")
    code, out, _ = call("--project", other, "import", tmp_path / "events.jsonl", "--json")
    again = call("--project", other, "export")[1]

    assert (written[0], code, json.loads(out)["taken"]) == (0, 0, 1)
    assert again == (tmp_path / "events.jsonl").read_bytes()
    assert call("--project", other, "vendors", "--json")[0] == 0
    assert App(replace(settings, project=other)).store.read_streams([]).head == 1


@long_cases("what", [("json",), ("csv", "work_items"), ("report",), ("github",), ("events",)])
def test_everything_can_be_piped(call: Call, perform: Perform, what: tuple[str, ...]) -> None:
    perform("create_work_item", item_type="task", title="Näh")

    code, out, err = call("export", *what)

    assert (code, err) == (0, "")
    assert b"N\xc3\xa4h" in out


@pytest.mark.parametrize("what", [("csv",), ("json", "vendors"), ("csv", "nothing"), ("everything",)])
def test_what_cannot_be_exported_ends_with_2(call: Call, what: tuple[str, ...]) -> None:
    assert call("export", *what)[0] == 2


@pytest.mark.processes
def test_a_file_that_cannot_be_written_ends_with_5_and_leaves_nothing(
    call: Call, perform: Perform, tmp_path: Path
) -> None:
    perform("create_vendor", name="Acme")
    (tmp_path / "folder").mkdir()

    for place in (tmp_path / "folder", tmp_path / "absent" / "file"):
        assert call("export", "-o", place)[0] == 5

    assert list((tmp_path / "folder").iterdir()) == []
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith(".new")] == []


def test_an_export_that_fails_leaves_the_old_file_as_it_was(
    call: Call, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "kept").write_text("old")
    monkeypatch.setenv("LEDGER_DSN", "host=127.0.0.1 port=1 dbname=nowhere connect_timeout=1")
    monkeypatch.setenv("LEDGER_HOME", str(tmp_path / "elsewhere"))

    code, _, _ = call("export", "-o", tmp_path / "kept")

    assert (code, (tmp_path / "kept").read_text()) == (5, "old")
