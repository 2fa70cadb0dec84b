"""`demo`, and the command line as a process of its own: streams, exit codes, and what it does not import."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ledger.embedded.server import EmbeddedServer
from projections.cli.administration.setup.example import steps
from tests.support import forked

pytestmark = pytest.mark.processes

ROOT = Path(__file__).parents[2]
START = "from projections.cli.main import main; main()"


@pytest.fixture
def environment(server: EmbeddedServer, tmp_path: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LEDGER_")}
    return kept | {
        "PYTHONPATH": str(ROOT),
        "LEDGER_PGDATA": str(server.root),
        "LEDGER_HOME": str(tmp_path / "home"),
    }


def run(environment: dict[str, str], folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return forked.run(*arguments, cwd=folder, env=environment)


def test_the_demo_leaves_a_ledger_to_go_on_with_and_run_again_records_nothing(
    environment: dict[str, str], tmp_path: Path
) -> None:
    first = run(environment, tmp_path, "demo")
    status = run(environment, tmp_path / "tracking-ledger-demo", "status")
    again = run(environment, tmp_path, "demo", "--json")

    assert (first.returncode, first.stderr) == (0, "")
    assert status.returncode == 0
    assert first.stdout.startswith(status.stdout)
    assert "4 of 6 operational (66.67 %)" in status.stdout
    assert json.loads(again.stdout)["repeated"] == len(steps())
    assert run(environment, tmp_path / "tracking-ledger-demo", "status").stdout == status.stdout


def test_the_demo_goes_on_after_it_was_changed_by_hand(environment: dict[str, str], tmp_path: Path) -> None:
    run(environment, tmp_path, "demo", "here")
    changed = run(environment, tmp_path / "here", "call", "create_work_item", "item_type=task", "title=Mine")

    again = run(environment, tmp_path, "--by", "somebody-else", "demo", "here", "--json")

    assert changed.returncode == 0
    assert (again.returncode, json.loads(again.stdout)["repeated"]) == (0, len(steps()))


def test_the_demo_is_refused_in_a_project_with_a_history_of_its_own(
    environment: dict[str, str], tmp_path: Path
) -> None:
    run(environment, tmp_path, "init")
    run(environment, tmp_path, "call", "create_work_item", "item_type=task", "title=Mine")

    refused = run(environment, tmp_path, "demo", ".")

    assert refused.returncode == 3
    assert "has a ledger with a history of its own" in refused.stderr
    assert json.loads(run(environment, tmp_path, "log", "--json").stdout)["total_count"] == 1


def test_what_the_demo_recommends_works(environment: dict[str, str], tmp_path: Path) -> None:
    run(environment, tmp_path, "demo")
    folder = tmp_path / "tracking-ledger-demo"

    for line in (["status"], ["log"], ["show", "Northwind"], ["doctor"], ["vendors"], ["deployments"]):
        assert run(environment, folder, *line).returncode == 0, line


def test_no_command_but_mcp_imports_mcp(environment: dict[str, str], tmp_path: Path) -> None:
    program = (
        "import sys, projections.cli.main as m, importlib\n"
        "for place, _ in m.COMMANDS.values(): importlib.import_module(place.split(':')[0])\n"
        "print([name for name in sys.modules if name.partition('.')[0] in ('mcp', 'mcp_adapter')])"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_output_that_nobody_reads_any_more_is_no_fault(environment: dict[str, str], tmp_path: Path) -> None:
    run(environment, tmp_path, "demo")
    process = subprocess.Popen(
        [sys.executable, "-c", START, "log", "--json"],
        cwd=tmp_path / "tracking-ledger-demo",
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    process.stdout.close()

    _, complaints = process.communicate(timeout=60)

    assert "Traceback" not in complaints


def test_no_colour_reaches_a_file(environment: dict[str, str], tmp_path: Path) -> None:
    run(environment, tmp_path, "demo")
    folder = tmp_path / "tracking-ledger-demo"

    for line in (["status"], ["vendors"], ["show", "nobody"], ["--help"]):
        done = run(environment, folder, *line)
        assert "\x1b" not in done.stdout + done.stderr, line
