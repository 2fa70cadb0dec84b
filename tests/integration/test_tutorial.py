"""docs/tutorial.md does what it says: every line is typed in its order, on a machine of its own."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.guide import ROOT, Machine, blocks

pytestmark = pytest.mark.processes

TITLES = {  # the tutorial's references stand for these
    "w-aaaaa": "Launch the shop",
    "w-bbbbb": "Choose a payment provider",
    "w-ccccc": "Build the checkout",
}


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    machine = Machine(tmp_path, {"PATH": os.environ["PATH"]}, {}, ())
    machine.run(
        "git init -q shop && cd shop && git config user.name Bob && git config user.email b@example.org"
        " && git commit -q --allow-empty -m Begin"
    )
    yield machine
    machine.run("tracking-ledger doctor --stop-server")


def test_every_line_of_the_tutorial_is_typed(machine: Machine) -> None:
    said: list[tuple[str, str]] = []
    for block in blocks(ROOT / "docs" / "tutorial.md"):
        assert block.not_run is None
        for line in block.commands.splitlines():
            said.append((line, machine.run(line)))
            for example, title in TITLES.items():
                if f'add "{title}"' in line:
                    machine.words[example] = said[-1][1].split()[0]

    def of(command: str) -> str:
        return next(output for line, output in said if line.startswith(f"tracking-ledger {command}"))

    assert "Build the checkout" not in of("ready")
    assert "not ready: blocker" in of("show")
    assert "Choose a payment provider" in of("list --view money")
    assert "Choose a bank" in of("undo")
    assert "Choose a payment provider" in of("next")
    assert "Acme or Bolt?" in of("needs-me")
    assert "Build the checkout" in of("done")
    assert "Choose a payment provider" in of("history")
    assert "robo" in of("changes")
    assert "completed" in machine.run("tracking-ledger show w-ccccc")
