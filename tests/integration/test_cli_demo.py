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


@pytest.fixture(scope="module")
def environment(server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LEDGER_")}
    return kept | {
        "PYTHONPATH": str(ROOT),
        "LEDGER_PGDATA": str(server.root),
        "LEDGER_HOME": str(tmp_path_factory.mktemp("home")),
    }


@pytest.fixture(scope="module")
def demo(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a demo that no test changes: making it costs a second of a core."""
    folder = tmp_path_factory.mktemp("demo")
    assert run(environment, folder, "demo").returncode == 0
    return folder / "tracking-ledger-demo"


def run(environment: dict[str, str], folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return forked.run(*arguments, cwd=folder, env=environment)


def test_the_demo_leaves_a_ledger_to_go_on_with_and_run_again_records_nothing(
    environment: dict[str, str], tmp_path: Path
) -> None:
    first = run(environment, tmp_path, "demo", "here")
    status = run(environment, tmp_path / "here", "status")
    again = run(environment, tmp_path, "demo", "here", "--json")

    assert (first.returncode, first.stderr) == (0, "")
    assert status.returncode == 0
    assert first.stdout.startswith(status.stdout)
    assert "4 of 6 operational (66.67 %)" in status.stdout
    assert json.loads(again.stdout)["repeated"] == len(steps())
    assert run(environment, tmp_path / "here", "status").stdout == status.stdout

    changed = run(environment, tmp_path / "here", "call", "create_work_item", "item_type=task", "title=Mine")
    by_another = run(environment, tmp_path, "--by", "somebody-else", "demo", "here", "--json")
    assert changed.returncode == 0
    assert (by_another.returncode, json.loads(by_another.stdout)["repeated"]) == (0, len(steps()))


def test_the_demo_is_refused_in_a_project_with_a_history_of_its_own(
    environment: dict[str, str], tmp_path: Path
) -> None:
    run(environment, tmp_path, "init")
    run(environment, tmp_path, "call", "create_work_item", "item_type=task", "title=Mine")

    refused = run(environment, tmp_path, "demo", ".")

    assert refused.returncode == 3
    assert "has a ledger with a history of its own" in refused.stderr
    assert json.loads(run(environment, tmp_path, "log", "--json").stdout)["total_count"] == 1


def test_what_the_demo_recommends_works_and_no_colour_reaches_a_file(environment: dict[str, str], demo: Path) -> None:
    for line in (["status"], ["log"], ["show", "Northwind"], ["doctor"], ["vendors"], ["deployments"]):
        done = run(environment, demo, *line)
        assert done.returncode == 0, line
        assert "\x1b" not in done.stdout + done.stderr, line
    for line in (["show", "nobody"], ["--help"]):
        done = run(environment, demo, *line)
        assert "\x1b" not in done.stdout + done.stderr, line


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
