"""Quint, as far as it is needed here: its simulator in node, which needs nothing but npm."""

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

SPECS = Path(__file__).parents[2] / "specs"
SPEC = SPECS / "ledger.qnt"
FOCUSED = SPECS / "focused.qnt"
CHOSEN = SPECS / "chosen.qnt"
EXAMPLES = SPECS / "examples.qnt"
MISSING = "Quint is not here: `npm install` in specs/, or LEDGER_QUINT names the folder in which that was done"


def program() -> Path:
    """Where it is installed. Ends the program with what to type where it is not."""
    found = Path(os.environ.get("LEDGER_QUINT", SPECS)) / "node_modules" / ".bin" / "quint"
    if not found.exists() or shutil.which("node") is None:
        raise SystemExit(MISSING)
    return found


def run(spec: Path, *options: str, seed: int, samples: int, steps: int) -> subprocess.CompletedProcess[str]:
    """Runs of the model; `samples` of them, of `steps` steps at most."""
    bounds = [f"--seed={seed}", f"--max-samples={samples}", f"--max-steps={steps}"]
    command = [program(), "run", spec, "--backend=typescript", "--verbosity=1", *bounds, *options]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def written(spec: Path) -> list[list[dict[str, Any]]]:
    """The states of the runs that a module names. Ends the program where the model cannot take one of their steps."""
    with tempfile.TemporaryDirectory(prefix="traces-") as folder:
        pattern = Path(folder) / "{test}.itf.json"
        once = ["--backend=typescript", "--max-samples=1", "--seed=1", f"--out-itf={pattern}"]
        result = subprocess.run([program(), "test", spec, *once], capture_output=True, text=True, check=False)
        if result.returncode:
            raise SystemExit(f"the model cannot take what {spec.name} says:\n{result.stdout}{result.stderr}")
        return traces("*.itf.json", Path(folder))


def runs(way: str, seed: int, samples: int, steps: int) -> list[list[dict[str, Any]]]:
    """The states of runs by an action of FOCUSED. Ends the program where the model does."""
    with tempfile.TemporaryDirectory(prefix="traces-") as folder:
        pattern = Path(folder) / "run_{seq}.itf.json"
        options = ["--main=focused", "--init=init", f"--step={way}", f"--out-itf={pattern}", f"--n-traces={samples}"]
        result = run(FOCUSED, *options, seed=seed, samples=samples, steps=steps)
        if result.returncode:
            raise SystemExit(result.stdout + result.stderr)
        return traces("run_*.itf.json", Path(folder))


def traces(pattern: str, folder: Path) -> list[list[dict[str, Any]]]:
    """The states of each run that was written to files of that pattern."""
    files = sorted(folder.glob(pattern))
    return [[plain(state) for state in json.loads(file.read_text())["states"]] for file in files]


def plain(value: Any) -> Any:
    """A value of the trace format as Python's own; a variant is (name, what it holds)."""
    match value:
        case {"#bigint": number}:
            return int(number)
        case {"#map": pairs}:
            return {plain(key): plain(held) for key, held in pairs}
        case {"#set": members} | {"#tup": members}:
            return tuple(plain(member) for member in members)
        case {"tag": name, "value": held}:
            return name, plain(held)
        case dict():
            return {name: plain(held) for name, held in value.items() if name != "#meta"}
        case list():
            return [plain(member) for member in value]
        case _:
            return value
