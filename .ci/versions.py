"""Versions of what the project depends on: the lowest that its bounds admit, what moved, and what has a newer release.

python .ci/versions.py lowest [EXTRA...]           NAME==VERSION for each direct dependency, for `pip install -c`
python .ci/versions.py moved CONSTRAINTS           which packages of this environment are not those of the file
python .ci/versions.py newer CONSTRAINTS           which packages of the file have a newer release, asked of pip
"""

import json
import re
import subprocess
import sys
import tomllib
from importlib.metadata import distributions
from pathlib import Path

ROOT = Path(__file__).parent.parent
BOUND = re.compile(r"(?P<name>[\w.-]+)(\[.*?\])?(>=|==)(?P<lowest>[\w.]+)")
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check")


def lowest(*extras: str) -> list[str]:
    """Every direct dependency at the lowest version that pyproject.toml admits."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = project["dependencies"] + [line for extra in extras for line in project["optional-dependencies"][extra]]
    bounds = [BOUND.match(line) for line in asked]
    return [f"{bound['name']}=={bound['lowest']}" for bound in bounds if bound]


def moved(constraints: str) -> list[str]:
    """Packages of this environment whose version is not that of the file."""
    return _differing(_constraints(constraints), _installed())


def newer(constraints: str) -> list[str]:
    """Packages of the file that have a newer release, whether the bounds admit it or not."""
    known, newest = _constraints(constraints), _installed()
    outdated = json.loads(_pip("list", "--outdated", "--format=json"))
    newest |= {
        name: _pip("index", "versions", name).split("(")[1].split(")")[0] for name in known.keys() - newest.keys()
    }
    return _differing(known, newest | {_plain(one["name"]): one["latest_version"] for one in outdated})


def _installed() -> dict[str, str]:
    return {_plain(one.metadata["Name"]): one.version for one in distributions()}


def _constraints(file: str) -> dict[str, str]:
    lines = Path(file).read_text(encoding="utf-8").splitlines()
    return {_plain(name): version for name, _, version in (line.partition("==") for line in lines) if version}


def _differing(known: dict[str, str], found: dict[str, str]) -> list[str]:
    both = sorted(known.keys() & found.keys())
    return [f"{name}: {known[name]} -> {found[name]}" for name in both if known[name] != found[name]]


def _pip(*words: str) -> str:
    done = subprocess.run([*PIP, *words], capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else sys.exit(done.stderr)


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    question, *words = sys.argv[1:]
    print("\n".join({"lowest": lowest, "moved": moved, "newer": newer}[question](*words)) or "none")
