"""The lines of a guide run the installed program first, then forked processes: a shell sees no difference."""

import os
from pathlib import Path

import pytest

from tests.support.guide import INSTALLED, Machine

pytestmark = pytest.mark.processes

LINES = """
tracking-ledger nonsense || echo "ended with $?"
exec 3> >(true); wait $!; tracking-ledger --help >&3 || echo "ended with $?"
cd /; tracking-ledger --version
"""
WHICH = "\ncat ~/../bin/tracking-ledger"


def test_a_forked_process_says_and_ends_as_the_installed_program_does(tmp_path: Path) -> None:
    machine = Machine(tmp_path, {"PATH": os.environ["PATH"]}, {}, (), INSTALLED)

    installed, program = machine.run(LINES + WHICH).split("#!/bin/sh")
    forked, handing_over = machine.run(LINES + WHICH).split("#!/bin/sh")

    assert forked == installed
    assert "ended with 2" in installed
    assert "ended with 141" in installed, "the signal of a closed pipe"
    assert "/tracking-ledger'" in program
    assert "fork_client" in handing_over
