"""What a release's check for known faults says, and how it ends: a service that cannot be asked is no good news."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[2] / ".ci" / "known_faults.py"
SOUND = {"name": "click", "version": "8.1.7", "vulns": []}
SKIPPED = {"name": "click", "skip_reason": "Dependency not found on PyPI"}
FAULTY = {"name": "click", "version": "8.1.7", "vulns": [{"id": "CVE-1", "fix_versions": ["8.2"]}]}
OTHER = {"name": "rich", "version": "14.0.0", "vulns": []}


@pytest.mark.parametrize(
    ("found", "code", "said"),
    [
        ([SOUND, OTHER], 0, ["nothing is known against 2 packages"]),
        ([SKIPPED, OTHER], 75, ["MISSING", "1 of 2 packages", "Dependency not found on PyPI", "not asked for: click"]),
        ([FAULTY, OTHER], 1, ["KNOWN FAULT: click 8.1.7: CVE-1", "8.2"]),
        ([FAULTY], 1, ["KNOWN FAULT: click", "not asked for: rich"]),
        (None, 75, ["MISSING", "2 of 2 packages", "no route to host", "not asked for: click, rich"]),
    ],
)
def test_it_ends_well_only_where_all_packages_were_asked_for_and_nothing_is_known(
    tmp_path: Path, found: list[dict[str, Any]] | None, code: int, said: list[str]
) -> None:
    done = ended_with(tmp_path, found)

    assert (done.returncode, [words for words in said if words not in done.stdout]) == (code, [])


def ended_with(folder: Path, found: list[dict[str, Any]] | None) -> subprocess.CompletedProcess[str]:
    """The script's end where the service answers this, or not at all."""
    wanted, answer, program = folder / "installed.txt", folder / "answer.json", folder / "pip-audit"
    wanted.write_text("click==8.1.7\nrich==14.0.0\n")
    answer.write_text(json.dumps({"dependencies": found}))
    answers = f'for last; do :; done; cp {answer} "$last"' if found is not None else "echo no route to host >&2; exit 1"
    program.write_text(f"#!/bin/sh\n{answers}\n")
    program.chmod(0o755)
    there = {"PATH": f"{folder}:/usr/bin:/bin"}
    return subprocess.run([sys.executable, SCRIPT, wanted], env=there, capture_output=True, text=True, check=False)
