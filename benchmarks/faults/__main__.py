"""Runs seeds and reports what was found: `python -m benchmarks.faults --first 1 --count 500`.

A seed is repeated by `python -m benchmarks.faults --first SEED --count 1 --verbose`. It ends with 1 when an answer was
not true, and prints each with its seed.
"""

import argparse
import json
import signal
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TextIO

from benchmarks.faults.check import Evidence, anomalies
from benchmarks.faults.plan import KINDS, Plan, plan
from benchmarks.faults.run import Lab


def main() -> int:
    given = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that no server is left
    lab, counts, found, began = Lab(), Counter[str](), 0, time.monotonic()
    faults: Counter[str] = Counter()
    try:
        for seed in range(given.first, given.first + given.count):
            planned = plan(seed, tuple(given.kinds), steps=given.steps, faults=given.faults)
            started = time.monotonic()
            evidence = lab.run(planned)
            wrong = anomalies(evidence)
            found += len(wrong)
            counts.update(receipt.code for receipt in evidence.receipts)
            faults.update(fault.kind for fault in planned.faults)
            if given.verbose:
                _tell(planned, evidence, sys.stdout)
            if wrong and given.keep:
                given.keep.mkdir(parents=True, exist_ok=True)
                with (given.keep / f"seed-{seed}.txt").open("w", encoding="utf-8") as kept:
                    _tell(planned, evidence, kept)
            line: dict[str, object] = {"seed": seed, "calls": len(evidence.receipts), "events": len(evidence.log)}
            line["seconds"] = round(time.monotonic() - started, 1)
            said = [{"kind": one.kind, "text": one.text} for one in wrong]
            _write(given.output, line | {"anomalies": said})
    finally:
        lab.close()
    total = {"seeds": given.count, "calls": counts.total(), "answers": dict(counts), "faults": dict(faults)}
    _write(given.output, total | {"anomalies": found, "seconds": round(time.monotonic() - began)})
    return 1 if found else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--count", type=int, default=10, help="how many")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS, help="of clients")
    parser.add_argument("--steps", type=int, default=15, help="of each client")
    parser.add_argument("--faults", type=int, default=5, help="in each run")
    parser.add_argument("--output", type=Path, help="a file for a line of JSON a seed, beside standard output")
    parser.add_argument("--keep", type=Path, help="a folder for what was told and recorded where an answer is not true")
    parser.add_argument("--verbose", action="store_true", help="every fault and every answer")
    return parser.parse_args()


def _tell(planned: Plan, evidence: Evidence, to: TextIO) -> None:
    lines = [
        f"fault {one.kind} at {one.at:.2f} for {one.lasts} s, {one.target}, {one.amount}" for one in planned.faults
    ]
    for one in sorted(evidence.receipts, key=lambda receipt: receipt.ended):
        lines.append(f"{one.begun:.2f}-{one.ended:.2f} client {one.client} {one.step}: {one.tool} {one.command_id}")
        lines.append(f"    {one.arguments}\n    -> {one.answer}")
    for event in evidence.log:
        lines.append(f"{event.position} {event.command_id} {event.stream_id} v{event.version} {event.type}")
    print(*lines, evidence.errors, sep="\n", file=to)


def _write(output: Path | None, line: dict[str, object]) -> None:
    text = json.dumps(line)
    print(text, flush=True)
    if output is not None:
        with output.open("a", encoding="utf-8") as file:
            file.write(text + "\n")


if __name__ == "__main__":
    sys.exit(main())
