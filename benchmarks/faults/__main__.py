"""Runs seeds and reports what was found: `python -m benchmarks.faults --first 1 --count 500`.

A seed is repeated by `python -m benchmarks.faults --first SEED --count 1 --verbose`. It ends with 1 when an answer was
not true, and prints each with its seed.
"""

import argparse
import json
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import TextIO

from msgspec import Struct, field

from benchmarks.faults.check import Evidence, anomalies
from benchmarks.faults.cluster import AsynchronousCluster, Cluster
from benchmarks.faults.plan import EVERY_FAULT, KINDS, Plan, plan
from benchmarks.faults.run import Lab


class Found(Struct, kw_only=True):
    """What all seeds of a run came to."""

    seeds: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    anomalies: Counter[str] = field(default_factory=Counter)


def main() -> int:
    given = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that no server is left
    found, began = Found(), time.monotonic()
    labs: list[Lab] = []
    idle, writing = SimpleQueue[Lab](), threading.Lock()
    workers = ThreadPoolExecutor(given.at_once)
    try:
        for _ in range(given.at_once):
            labs.append(Lab(AsynchronousCluster if given.asynchronous else Cluster))
            idle.put(labs[-1])
        plans = [planned for planned in _plans(given) if not given.only or planned.fault_kinds & {*given.only}]
        for line in workers.map(lambda planned: _one(planned, given, idle, found, writing), plans):
            _write(given.output, line)
    finally:
        workers.shutdown(cancel_futures=True)
        for lab in labs:
            lab.close()
    total = {"seeds": found.seeds, "calls": found.answers.total(), "answers": found.answers, "faults": found.faults}
    _write(given.output, total | {"anomalies": found.anomalies, "seconds": round(time.monotonic() - began)})
    return 1 if found.anomalies else 0


def _plans(given: argparse.Namespace) -> Iterator[Plan]:
    for seed in range(given.first, given.first + given.count):
        yield plan(seed, tuple(given.kinds), steps=given.steps, faults=given.faults)


def _one(
    planned: Plan, given: argparse.Namespace, idle: SimpleQueue[Lab], found: Found, writing: threading.Lock
) -> dict[str, object]:
    """The line of one seed."""
    seed, lab, begun = planned.seed, idle.get(), time.monotonic()
    try:
        evidence = lab.run(planned)
    finally:
        idle.put(lab)
    wrong = anomalies(evidence)
    with writing:
        found.seeds += 1
        found.answers.update(receipt.code for receipt in evidence.receipts)
        found.faults.update(fault.kind for fault in planned.faults)
        found.anomalies.update(one.kind for one in wrong)
        if given.verbose:
            _print_evidence(planned, evidence, sys.stdout)
        if wrong and given.keep:
            given.keep.mkdir(parents=True, exist_ok=True)
            with (given.keep / f"seed-{seed}.txt").open("w", encoding="utf-8") as kept:
                _print_evidence(planned, evidence, kept)
    return {
        "seed": seed,
        "calls": len(evidence.receipts),
        "events": len(evidence.log),
        "seconds": round(time.monotonic() - begun, 1),
        "answers": Counter(receipt.code for receipt in evidence.receipts),
        "versions": Counter(receipt.version for receipt in evidence.receipts),
        "faults": Counter(fault.kind for fault in planned.faults),
        "anomalies": [{"kind": one.kind, "text": one.text} for one in wrong],
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--count", type=int, default=10, help="how many")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS, help="of clients")
    parser.add_argument("--steps", type=int, default=15, help="of each client")
    parser.add_argument("--faults", type=int, default=5, help="in each run")
    parser.add_argument("--only", nargs="+", choices=EVERY_FAULT, help="seeds with one of these faults")
    parser.add_argument("--at-once", type=int, default=1, help="seeds, each on a server of its own")
    parser.add_argument(
        "--asynchronous",
        action="store_true",
        help="a standby that is promoted is behind: what is lost by it must be named",
    )
    parser.add_argument("--output", type=Path, help="a file for a line of JSON a seed, beside standard output")
    parser.add_argument("--keep", type=Path, help="a folder for what was told and recorded where an answer is not true")
    parser.add_argument("--verbose", action="store_true", help="every fault and every answer")
    return parser.parse_args()


def _print_evidence(planned: Plan, evidence: Evidence, to: TextIO) -> None:
    lines = [
        f"fault {one.kind} at {one.at:.2f} for {one.lasts} s, {one.target}, {one.amount}" for one in planned.faults
    ]
    for one in sorted(evidence.receipts, key=lambda receipt: receipt.ended):
        lines.append(f"{one.begun:.2f}-{one.ended:.2f} client {one.client} {one.step}: {one.tool} {one.command_id}")
        lines.append(f"    {one.arguments}\n    -> {one.answer}")
    for event in evidence.log:
        lines.append(f"{event.position} {event.command_id} {event.stream_id} v{event.version} {event.type}")
    print(*lines, evidence.errors, sep="\n", file=to)


def _write(output: Path | None, line: Mapping[str, object]) -> None:
    text = json.dumps(line)
    print(text, flush=True)
    if output is not None:
        with output.open("a", encoding="utf-8") as file:
            file.write(text + "\n")


if __name__ == "__main__":
    sys.exit(main())
