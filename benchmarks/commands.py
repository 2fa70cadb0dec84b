"""What a command costs, run by the warm process and by itself: `python benchmarks/commands.py`.

Both in turn, on an embedded server of its own with a few items. Milliseconds from the start of the console script to
its end, and processor time of all processes of the program. Everything is thrown away at the end.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

from projections.cli.warm import lifecycle, place

PROGRAM = f"{sysconfig.get_path('scripts')}/tracking-ledger"
LINES = ("list", "ready", "show {ref}", "add Another", "show w-00000")
ITEMS = 20


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=15, help="counted runs of each command, both ways")
    rounds = arguments.parse_args().rounds
    table = Table("command", *(f"{way}, {what}" for way in ("warm", "alone") for what in ("least", "p50", "cpu least")))
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        root.chmod(0o755)  # as root the embedded server runs as another account
        try:
            ref = prepared(root)
            for line in LINES:
                table.add_row(line, *measured(root, line.format(ref=ref).split(), rounds))
            python = [timed([sys.executable, "-c", "pass"], root, "off")[0] for _ in range(rounds)]
        finally:
            call(root, "doctor", "--stop-server")
    Console(width=120).print(table)
    print(
        f"Python alone: least {min(python):.0f}, p50 {statistics.median(python):.0f} ms; load {os.getloadavg()[0]:.1f}"
    )


def prepared(root: Path) -> str:
    call(root, "init")
    for number in range(ITEMS):
        ref = call(root, "add", f"Item {number}").split()[0]
    while not lifecycle.processes(sockets(root)):
        time.sleep(0.1)
    return ref


def measured(root: Path, words: list[str], rounds: int) -> list[str]:
    """In turn, so that what else the machine does meets both ways."""
    runs: dict[str, list[tuple[float, float]]] = {"on": [], "off": []}
    for _ in range(rounds):
        for way, found in runs.items():
            found.append(timed([PROGRAM, *words], root, way))
    figures = []
    for found in runs.values():
        clock, processor = zip(*found, strict=True)
        figures += [f"{min(clock):.0f}", f"{statistics.median(clock):.0f}", f"{min(processor):.0f}"]
    return figures


def timed(command: list[str], root: Path, way: str) -> tuple[float, float]:
    (warm,) = lifecycle.processes(sockets(root))
    used, begun = processor(warm), time.perf_counter()
    subprocess.run(command, cwd=root, env=environment(root, way), capture_output=True, check=False)
    return (time.perf_counter() - begun) * 1000, (processor(warm) - used) * 1000


def processor(warm: int) -> float:
    """Seconds so far, of what this process and the warm one have waited for."""
    own, other = resource.getrusage(resource.RUSAGE_CHILDREN), psutil.Process(warm).cpu_times()
    return own.ru_utime + own.ru_stime + sum(other)


def call(root: Path, *words: str) -> str:
    return subprocess.run(
        [PROGRAM, *words], cwd=root, env=environment(root, "on"), capture_output=True, text=True, check=True
    ).stdout


def environment(root: Path, way: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LEDGER_")}
    return kept | {"LEDGER_WARM": way, "LEDGER_PGDATA": str(root / "postgres"), "LEDGER_HOME": str(root / "home")}


def sockets(root: Path) -> Path:
    return root / "postgres" / place.FOLDER


if __name__ == "__main__":
    main()
