"""Runs of the model alone: no invariant is ever broken, and what makes the protocol hard has been met.

python -m tests.model.explore [--seeds 1,2,3] [--samples 100] [--steps 30] [--seconds 3600]
"""

import argparse
import re
import time
from collections import Counter
from collections.abc import Iterator

from tests.model.quint import SPEC, run

LINE = re.compile(r"^(met\w+) was witnessed in (\d+) trace", re.MULTILINE)
INVARIANTS = ("dense", "once", "kept", "ownWrites", "durable", "nowhere", "prefix", "exclusive", "acyclic")
WITNESSES = re.findall(r"^  val (met\w+) = ", SPEC.read_text(), re.MULTILINE)


def explored(seed: int, samples: int, steps: int) -> Counter[str]:
    """How many runs met what. Ends the program with the run that broke an invariant."""
    options = ["--invariants", *INVARIANTS, "--witnesses", *WITNESSES]
    result = run(SPEC, *options, seed=seed, samples=samples, steps=steps)
    if result.returncode:
        raise SystemExit(f"seed {seed}: {result.stdout[-6000:]}{result.stderr[-3000:]}")
    return Counter({name: int(count) for name, count in LINE.findall(result.stdout)})


def seeds(given: str, seconds: float | None) -> Iterator[int]:
    """Those that are given, and with a time those that follow, as long as it lasts."""
    first = [int(seed) for seed in given.split(",")]
    yield from first
    until = time.monotonic() + (seconds or 0)
    seed = first[-1]
    while time.monotonic() < until:
        yield (seed := seed + 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", default="1")
    parser.add_argument("--samples", type=int, default=100, help="runs of each seed")
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--seconds", type=float, help="go on with further seeds as long as this")
    given = parser.parse_args()
    met: Counter[str] = Counter()
    runs = 0
    for seed in seeds(given.seeds, given.seconds):
        met += explored(seed, given.samples, given.steps)
        runs += given.samples
    print(f"{runs} runs of at most {given.steps} steps break nothing; they met", dict(met))
    if missing := [name for name in WITNESSES if not met[name]]:
        raise SystemExit(f"no run met {', '.join(missing)}: more samples, or the model cannot get there")


if __name__ == "__main__":
    main()
