"""Which commands a warm process may run, and what it must have in common with them."""

import json
import os
import shutil
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from ledger.settings import Settings
from projections.cli.commands import COMMANDS
from projections.cli.terminal.parameters.options import common_options
from projections.cli.warm import client, place, server

FOUND = {"LEDGER_PGDATA": "/somewhere/postgres"}
LOOKED_AT = """
import json, os, sys
seen = set()
class Watched(type(os.environ)):
    def __getitem__(self, name):
        frame = sys._getframe(1)
        seen.add(name)
        return super().__getitem__(name)
os.environ.__class__ = Watched
from projections.cli.warm_process import load
before = set(os.listdir("/proc/self/fd")), set(sys.modules)
load()
threads = len(os.listdir("/proc/self/task"))
print(json.dumps([sorted(seen), threads, sorted(set(os.listdir("/proc/self/fd")) - before[0])]))
"""


@pytest.fixture
def usual(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process as a shell starts it."""
    monkeypatch.setattr(sys, "argv", ["tracking-ledger", "list"])
    monkeypatch.setattr(sys, "orig_argv", ["python", "tracking-ledger", "list"])
    monkeypatch.setattr(client, "_is_in_order", lambda: True)


@pytest.mark.usefixtures("usual")
@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("list", True),
        ("--project . --json list --mine", True),
        ("edit w-1 -p 2", True),
        ("edit w-1", False),
        ("edit - --json", False),
        ("board --watch", False),
        ("status --watch", False),
        ("mcp", False),
        ("serve", False),
        ("open", False),
        ("--help", False),
        ("--project list serve", False),
        ("", False),
    ],
)
def test_commands_that_stay_or_need_a_terminal_start_by_themselves(line: str, wanted: bool) -> None:
    assert (client.wanted(line.split(), FOUND) is not None) == wanted


@pytest.mark.usefixtures("usual")
@pytest.mark.parametrize("variables", [{"LEDGER_WARM": "off"}, {"LEDGER_WARM": "maybe"}, {"LEDGER_DSN": "host=there"}])
def test_a_setting_turns_it_off_and_so_does_a_server_that_is_not_ours(variables: dict[str, str]) -> None:
    assert client.wanted(["list"], FOUND | variables) is None


@pytest.mark.usefixtures("usual")
def test_completion_with_the_tab_key_is_as_quick() -> None:
    asked = {"_TL_COMPLETE": "bash_complete", **FOUND}

    assert client.wanted([], asked) is not None
    assert client.wanted(["serve"], asked) is None


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere every command starts by itself")
def test_no_more_processes_are_started_where_each_command_needs_another_one(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    loaded: list[str] = []
    with ExitStack() as closed:
        for number in range(server.MOST_KEYS):
            other = closed.enter_context(socket.socket(socket.AF_UNIX))
            other.bind(str(tmp_path / str(number)))
            other.listen()

        serves = server.serve(str(tmp_path), place.name(place.key()), lambda: loaded.append("loaded"))

    assert (serves, loaded) == (False, [])


def test_every_command_named_there_is_one_and_the_options_before_it_are_known() -> None:
    assert set(COMMANDS) >= client.COMMANDS
    with_value = {flag for option in common_options(hidden=True) if not option.is_flag for flag in option.opts}
    assert with_value == set(client.WITH_VALUE)


@pytest.mark.parametrize(
    "variables", [{}, {"LEDGER_PGDATA": "~/data"}, {"XDG_DATA_HOME": "/elsewhere"}, {"LEDGER_PGDATA": " "}]
)
def test_the_sockets_lie_beside_the_data_of_the_embedded_server(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    expected = Settings.from_environment(variables).pgdata.resolve() / place.FOLDER

    assert place.folder(variables) == str(expected)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere every command starts by itself")
def test_the_key_changes_with_each_file_of_the_program_and_what_python_looks_at_when_it_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for package in (*place.CODE, place.BESIDE):
        (tmp_path / package / "inner").mkdir(parents=True)
    file = tmp_path / "ledger" / "inner" / "rules.py"
    file.write_text("before")
    monkeypatch.setattr(place, "ROOT", str(tmp_path))
    keys = [place.key(), place.key()]

    file.write_text("after")  # in place: the folder is not touched
    keys.append(place.key())
    monkeypatch.setenv("LC_ALL", "tr_TR.UTF-8")
    keys.append(place.key())
    monkeypatch.setenv("LEDGER_BY", "another")
    keys.append(place.key())

    (tmp_path / place.BESIDE / "inner" / "0001_first.sql").write_text("SELECT 1")
    keys.append(place.key())

    assert [key == keys[0] for key in keys] == [True, True, False, False, False, False]
    assert keys[3] != keys[2]
    assert keys[4] == keys[3]
    assert keys[5] != keys[4]
    assert place.is_current(keys[5])
    shutil.rmtree(tmp_path / "ledger")  # as while another release is installed
    assert not place.is_current(keys[5])


@pytest.mark.processes
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere every command starts by itself")
def test_loading_opens_nothing_and_looks_at_no_variable_that_is_not_in_the_key() -> None:
    result = subprocess.run([sys.executable, "-c", LOOKED_AT], capture_output=True, check=True, env=dict(os.environ))

    names, threads, opened = json.loads(result.stdout)
    assert (threads, opened) == (1, [])
    others = {name for name in names if not name.startswith(place.AT_START)}
    assert others <= {"PYDANTIC_DISABLE_PLUGINS", "ANDROID_DATA", "_PYTHON_PROJECT_BASE", "_PYTHON_SYSCONFIGDATA_NAME"}
