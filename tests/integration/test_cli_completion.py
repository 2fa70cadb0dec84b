"""What a shell completes, and how it comes to ask."""

import os
import shutil
import subprocess
import sysconfig
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from ledger.settings import Settings
from projections.cli.main import cli
from projections.cli.terminal import exits
from tests.conftest import Perform
from tests.support import fork_server
from tests.support.terminal import Terminal

Complete = Callable[..., dict[str, str | None]]


@pytest.fixture
def complete(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Complete:
    """complete("show", "w-"): what the last of the words can be, with what is shown beside it."""
    for name in ("project", "dsn", "home", "pgdata"):
        monkeypatch.setenv(f"LEDGER_{name.upper()}", str(getattr(settings, name)))
    monkeypatch.setenv("LEDGER_BY", "tester")
    shell = ShellComplete(cli, {}, "tl", "_TL_COMPLETE")
    return lambda *words: {item.value: item.help for item in shell.get_completions(list(words[:-1]), words[-1])}


@pytest.mark.processes
def test_references_states_people_and_tags_are_completed(complete: Complete, perform: Perform) -> None:
    docs = perform("create_work_item", item_type="task", title="Write\x1b[31m", tags=["docs"], assignee="ann")["ref"]
    other = perform("create_work_item", item_type="task", title="Other", by="bob")["ref"]

    assert complete("show", "w-") == {docs: "Write\\x1b[31m", other: "Other"}
    assert complete("done", docs, other[:4])[other] == "Other"
    assert set(complete("link", docs, "blocks", "w-")) == {docs, other}
    assert set(complete("list", "--status", "")) == {"active", "blocked", "completed", "dropped"}
    assert complete("list", "--tag", "d") == {"docs": None}
    assert {"me", "ann", "bob", "tester"} <= set(complete("add", "x", "-a", ""))
    assert "board" in complete("bo")


def test_where_there_is_no_ledger_nothing_is_completed_and_nothing_said(
    complete: Complete, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LEDGER_PROJECT", str(tmp_path))

    assert complete("show", "w-") == {}
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("shell", "file"), [("bash", ".bashrc"), ("zsh", ".zshrc"), ("fish", ".config/fish/conf.d/tracking-ledger.fish")]
)
def test_it_is_installed_once_and_taken_out_without_a_trace(tmp_path: Path, shell: str, file: str) -> None:
    place, own = tmp_path / file, "" if shell == "fish" else "alias l='ls -l'\n"
    if own:
        place.write_text(own)
    environment = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": "", "ZDOTDIR": "", "SHELL": f"/bin/{shell}"}

    def run(*arguments: str) -> int:
        return CliRunner().invoke(cli, ["completion", *arguments], env=environment).exit_code

    assert run() == 0
    installed = place.read_text()
    assert run(shell) == 0

    assert installed.startswith(own)
    assert installed == place.read_text()
    assert all(name in installed for name in ("_TL_COMPLETE", "_TRACKING_LEDGER_COMPLETE"))
    if shell == "bash":
        assert subprocess.run(["bash", "-n", place]).returncode == 0
    assert run(shell, "--remove") == 0
    assert place.read_text().rstrip() == own.rstrip()


def test_a_shell_that_is_not_known_is_named(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, ["completion"], env={"HOME": str(tmp_path), "SHELL": "/bin/tcsh"})

    assert result.exit_code == exits.WRONG_USE
    assert "tcsh" in result.stderr


@pytest.mark.processes
@pytest.mark.parametrize(
    ("shell", "program"), [("bash", "tl"), ("zsh", "tracking-ledger"), ("fish", "tracking-ledger")]
)
def test_a_real_shell_completes_commands_and_references(
    shell: str, program: str, settings: Settings, perform: Perform, tmp_path: Path
) -> None:
    """Of the installed program in one of them; in the others it is forked, which saves a second of a core."""
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    ref = perform("create_work_item", item_type="task", title="Write the guide")["ref"]
    named = {f"LEDGER_{name.upper()}": str(getattr(settings, name)) for name in ("project", "dsn", "home", "pgdata")}
    (tmp_path / program).write_text(fork_server.program())
    (tmp_path / program).chmod(0o755)
    programs = sysconfig.get_path("scripts") if program == "tl" else tmp_path
    environment = {
        **named,
        "HOME": str(tmp_path),
        "PATH": f"{programs}:{os.environ['PATH']}",
        "TERM": "xterm",
        "LANG": "C.UTF-8",
    }
    CliRunner().invoke(cli, ["completion", shell], env={**environment, "XDG_CONFIG_HOME": "", "ZDOTDIR": ""})
    (tmp_path / ".local/share/fish/generated_completions").mkdir(parents=True)  # else fish reads all manual pages

    with closing(Terminal(shell, "-i", env=environment, cwd=tmp_path)) as terminal:
        terminal.type("echo rea''dy\r")
        assert terminal.shows("ready")
        terminal.type(f"{program} sho\tw-\t")
        assert terminal.shows(ref[2:])
        terminal.type("\r")
        assert terminal.shows("Write the guide")
