"""README.md does what it says: its commands are run in their order, as they stand, on a machine of their own."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from projections.cli.terminal import exits
from tests.support.guide import INSTALLED, ROOT, Machine, blocks

pytestmark = pytest.mark.processes

README = blocks(ROOT / "README.md")
RUN_BY_CI = "Try it"


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    """A home with a project under version control, and no server but the embedded one."""
    machine = Machine(tmp_path, {"PATH": os.environ["PATH"]}, {}, (), INSTALLED)
    machine.run(
        "git init -q your-project && cd your-project && git config user.name Ann && git config user.email a@example.org"
        " && git commit -q --allow-empty -m 'feat: begin (#1)'; cd"
    )
    yield machine
    machine.run("tracking-ledger doctor --stop-server")


def test_its_commands_are_run_in_their_order(machine: Machine) -> None:
    said = {line: machine.run(line) for block in README if not block.not_run for line in block.commands.splitlines()}

    def of(command: str) -> str:
        return next(output for line, output in said.items() if line.startswith(f"tracking-ledger {command}"))

    assert "Write the guide" in of("ready")
    assert "Write the guide" in of("list --tag docs | tracking-ledger start")
    assert "Acme" in of("show")
    assert "it is in the ledger, so nothing of it is imported" in of("import .project_status.md")
    assert "Call the printer" in machine.run("tracking-ledger search printer")


def test_only_the_lines_that_install_are_left_to_the_run_of_everything() -> None:
    assert {(block.section, block.not_run) for block in README if block.not_run} == {(RUN_BY_CI, ".ci/run runs it")}
    assert all("pip install" in block.commands for block in README if block.not_run)
    assert f"/^## {RUN_BY_CI}/" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_the_exit_codes_it_names_are_those_of_the_program() -> None:
    sentence = re.search(r"Exit codes: (.*?)\.\n\n", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    codes = {value for name, value in vars(exits).items() if name.isupper() and isinstance(value, int)}

    assert sentence is not None
    assert {int(code) for code in re.findall(r"\b\d+\b", sentence[1])} == codes
