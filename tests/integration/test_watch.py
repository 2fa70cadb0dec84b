"""`watch`: new events as lines, and as JSON for a command that is never part of a shell line."""

import json
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from ledger.settings import Settings
from projections.cli.reports import watch
from tests.conftest import Perform
from tests.support.command_line import run
from tests.support.forked import Forked, command_line
from tests.support.long_cases import long_cases
from tests.support.mcp_client import environment

KEEP = "import sys; open(sys.argv[1], 'a').write(sys.stdin.read()); sys.exit(int(open(sys.argv[2]).read()))"
HOSTILE = "$(touch hacked); `touch hacked` && touch hacked"


class Program:
    """A command that keeps what it is given on its standard input, and ends with a code."""

    def __init__(self, folder: Path) -> None:
        self._given, self._code = folder / "given", folder / "code"
        script = folder / "keep.py"
        script.write_text(KEEP)
        self.ends_with(0)
        self.command = f"'{sys.executable}' '{script}' '{self._given}' '{self._code}'"

    def ends_with(self, code: int) -> None:
        self._code.write_text(str(code))

    @property
    def given(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._given.read_text().splitlines()] if self._given.exists() else []

    @property
    def positions(self) -> list[int]:
        return [event["position"] for event in self.given]


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


def item(perform: Perform, title: str) -> dict[str, Any]:
    return perform("create_work_item", item_type="task", title=title)


@pytest.mark.processes
def test_a_command_is_given_each_event_on_its_input_and_no_shell_sees_it(
    perform: Perform, settings: Settings, program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    item(perform, HOSTILE)
    item(perform, "Two")

    ended = run(settings, "watch", "--since", "0", "--once", "--exec", program.command)

    assert ended.exit_code == 0, ended.output
    assert [event["title"] for event in program.given] == [HOSTILE, "Two"]
    assert program.given == json.loads(run(settings, "log", "--json", "--after", "0").stdout)["items"]
    assert not (tmp_path / "hacked").exists()


@pytest.mark.processes
def test_a_failure_stops_and_the_next_run_begins_with_that_event(
    perform: Perform, settings: Settings, program: Program, tmp_path: Path
) -> None:
    for title in ("One", "Two"):
        item(perform, title)
    words = ("watch", "--since", "0", "--once", "--exec", program.command, "--position", str(tmp_path / "place"))
    program.ends_with(3)

    failed = run(settings, *words)
    program.ends_with(0)
    again = run(settings, *words)
    nothing = run(settings, *words)

    assert (failed.exit_code, again.exit_code, nothing.exit_code) == (8, 0, 0)
    assert "ended with 3" in failed.stderr and "watch --since 0" in failed.stderr
    assert program.positions == [1, 1, 2]
    assert (tmp_path / "place").read_text() == "2\n"


@pytest.mark.processes
def test_with_go_on_a_failure_is_named_and_passed_over(perform: Perform, settings: Settings, program: Program) -> None:
    for title in ("One", "Two"):
        item(perform, title)
    program.ends_with(3)

    ended = run(settings, "watch", "--since", "0", "--once", "--exec", program.command, "--on-failure", "go-on")

    assert ended.exit_code == 0
    assert program.positions == [1, 2]
    assert ended.stderr.count("ended with 3") == 2


@pytest.mark.processes
def test_lines_are_filtered_and_say_what_happened(perform: Perform, settings: Settings) -> None:
    first = item(perform, "First\x1b[31m")
    item(perform, "Second")
    perform("create_vendor", name="Acme", by="ann")

    lines = run(settings, "watch", "--since", "0", "--once").stdout
    filters = ("--kind", "vendor", "--person", "ann", "--json")
    of_vendors = run(settings, "watch", "--since", "0", "--once", *filters).stdout
    of_first = run(settings, "watch", "--since", "0", "--once", "--item", first["ref"]).stdout

    assert [line.split()[0] for line in lines.splitlines()] == ["1", "2", "3"]
    assert "\x1b" not in lines
    assert [json.loads(line)["type"] for line in of_vendors.splitlines()] == ["VendorCreated"]
    assert len(of_first.splitlines()) == 1


@long_cases(
    "words, code",
    [
        (["--exec", "no-such-program-at-all"], 2),
        (["--exec", "'"], 2),
        (["--kind", "WorkItemFinished"], 2),
        (["--since", "99"], 2),
        (["--on-failure", "go-on"], 2),
    ],
)
def test_what_cannot_work_is_refused(perform: Perform, settings: Settings, words: list[str], code: int) -> None:
    item(perform, "One")

    ended = run(settings, "watch", "--once", "--since", "0", *words)

    assert ended.exit_code == code
    assert "fault of the program" not in ended.stderr


@pytest.mark.parametrize("content", ["seven", "-1", "", "1_0"])
def test_a_file_that_holds_no_position_is_named(settings: Settings, tmp_path: Path, content: str) -> None:
    (tmp_path / "place").write_text(content)

    ended = run(settings, "watch", "--once", "--position", str(tmp_path / "place"))

    assert (ended.exit_code, "does not hold a position" in ended.stderr) == (8, True)


@pytest.mark.processes
def test_the_position_is_kept_from_the_start_so_that_nothing_is_left_out_between_two_runs(
    perform: Perform, settings: Settings, program: Program, tmp_path: Path
) -> None:
    item(perform, "Before")
    words = ("watch", "--once", "--exec", program.command, "--position", str(tmp_path / "place"))

    run(settings, *words)
    item(perform, "Between")
    run(settings, *words)

    assert [event["title"] for event in program.given] == ["Between"]


def test_a_file_that_cannot_be_written_ends_it_before_a_command_runs(
    perform: Perform, settings: Settings, program: Program
) -> None:
    item(perform, "One")

    ended = run(settings, "watch", "--since", "0", "--exec", program.command, "--position", "/no/such/folder/place")

    assert (ended.exit_code, "cannot be written" in ended.stderr) == (2, True)
    assert program.given == []


def looking_often() -> None:
    """The command line, with a short pause between two looks at the ledger."""
    watch.PAUSE = 0.05
    command_line()


@pytest.mark.processes
def test_what_is_recorded_meanwhile_comes_and_an_interruption_ends_it(
    perform: Perform, settings: Settings, tmp_path: Path
) -> None:
    item(perform, "Before")
    words = ("watch", "--json", "--since", "0")
    process = Forked(*words, env=environment(settings), cwd=tmp_path, program=looking_often)
    assert process.stdout is not None

    before = json.loads(process.stdout.readline())
    item(perform, "Meanwhile")
    meanwhile = json.loads(process.stdout.readline())
    process.send_signal(signal.SIGINT)

    assert process.wait(30) == 0
    assert [line["title"] for line in (before, meanwhile)] == ["Before", "Meanwhile"]
    process.close()
