"""Compares the files in a wheel with the folders they come from: a stray ignore rule must not empty it silently."""

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
PLACES = {
    "sql/": "ledger/_resources/sql/",
    "templates/": "ledger/_resources/templates/",
    "examples/": "ledger/_resources/examples/",
}
PACKAGES = ("ledger/", "projections/", "mcp_adapter/")


def expected() -> set[str]:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )
    moved = {
        place + name.removeprefix(source)
        for source, place in PLACES.items()
        for name in tracked
        if name.startswith(source)
    }
    return moved | {name for name in tracked if name.startswith(PACKAGES)}


def main(wheel: str) -> None:
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    missing, surplus = sorted(expected() - packed), sorted(packed - expected())
    if missing or surplus:
        sys.exit(f"{wheel}: missing {missing}, surplus {surplus}")
    print(f"{len(packed)} files, none missing")


if __name__ == "__main__":
    main(sys.argv[1])
