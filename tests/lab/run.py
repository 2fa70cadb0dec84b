"""A lab run: two nodes, writing processes, faults in a seeded order; nothing acknowledged may be lost or doubled.

    python -m tests.lab.run [--seed N] [--writers 8] [--rounds 1] [--only switchover,kill,freeze,cut]
    python -m tests.lab.run --patroni FOLDER [--pooler PROGRAM] [--balancer PROGRAM] [--only switchover,kill,...]

Two nodes that an operator's hands lead; or, with the programs of Patroni in FOLDER and etcd on the path, Patroni does,
and nothing is done by hand. Bounded, on loopback only, in a temporary folder; it ends what it started, also at a
SIGTERM. Prints what it found as JSON, and ends with 1 when something acknowledged was lost or doubled, or a limit was
passed.
"""

import argparse
import itertools
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
from msgspec.structs import replace

from ledger import identity
from ledger.postgres.connection.connect import connect
from ledger.settings import Settings
from projections.application.app import App
from projections.tables.replay import check
from tests.lab.pair import Pair
from tests.lab.patroni import PatroniLab
from tests.support.cluster import end_in_order, processes_of

LONGEST_SILENCE = 5.0  # seconds without an acknowledged or queued answer, of any one writer
LONGEST_DRAIN = 10.0  # seconds after a primary is back, until nothing waits
CALM = 3.0  # seconds of ordinary work between two faults
DRAINING = 60.0  # at most, for all writers to be recorded live again, before the next fault
STARTING = 120.0  # for all writers to be answered once
OPERATOR = ["switchover", "kill", "freeze", "cut"]
PATRONI = [*OPERATOR, "kill_server", "freeze_server"]


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--writers", type=int, default=8)
    arguments.add_argument("--rounds", type=int, default=1, help="of every fault")
    arguments.add_argument("--only", help="some of the faults, of the default ones or of Patroni's")
    arguments.add_argument("--patroni", type=Path, help="the folder with its programs")
    arguments.add_argument("--pooler", help="a PgBouncer, for each of Patroni's nodes")
    arguments.add_argument("--balancer", help="an HAProxy, which clients know alone")
    given = arguments.parse_args()
    end_in_order()
    faults = (given.only.split(",") if given.only else PATRONI if given.patroni else OPERATOR) * given.rounds
    random.Random(given.seed).shuffle(faults)
    with tempfile.TemporaryDirectory(prefix="tl-lab-", dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        root = Path(folder)
        cluster = partial(PatroniLab, root, given.patroni, pooler=given.pooler, balancer=given.balancer)
        lab = cluster() if given.patroni else Pair(root)
        found = run(root, lab, faults, given.writers) | {"seed": given.seed, "faults": faults}
    print(json.dumps(found, indent=1))
    bad = found["lost"] or found["doubled"] or found["unsettled"] or not found["read_models_equal"]
    late = [step for step in found["steps"] if step["drained_after_s"] > LONGEST_DRAIN]
    return 1 if bad or late or found["longest_silence_s"] > LONGEST_SILENCE else 0


def run(root: Path, lab: Pair | PatroniLab, faults: list[str], count: int) -> dict[str, Any]:
    writers: list[subprocess.Popen[bytes]] = []
    try:
        project = root / "project"
        project.mkdir()
        identity.create(project)
        admin = lab.admin
        with psycopg.connect(admin, autocommit=True) as administrator:
            administrator.execute("CREATE ROLE team LOGIN")
            settings = Settings(project=project, pgdata=root / "unused", home=root / "lab", by="lab")
            connect(Settings(project=project, pgdata=root / "unused", dsn=admin)).close()
            administrator.execute("GRANT tracking_ledger_writer TO team")
        for number in range(count):
            writers.append(_writer(root, project, number, lab.dsn))
        _wait_for_first_answers(root, count)
        events = []
        for fault in ("", *faults):
            events.append(_done(lab, fault))
            _wait_for_commits(root, count, events[-1]["ready"])
        (root / "stop").touch()
        for writer in writers:
            writer.wait(120)
        return _found(root, settings, lab.dsn, count, events)
    finally:
        processes_of(writers)
        lab.end()


def _writer(root: Path, project: Path, number: int, dsn: str) -> "subprocess.Popen[bytes]":
    """Each has a copy of the project and working files of its own, as on machines of their own."""
    own = Path(shutil.copytree(project, root / f"project-{number}"))
    places = [own, root / f"home-{number}", dsn, root / f"answers-{number}", root / "stop"]
    with (root / f"writer-{number}.log").open("wb") as log:
        command = [sys.executable, "-m", "tests.lab.writer", *map(str, places)]
        return subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)


def _wait_for_first_answers(root: Path, count: int) -> None:
    """The faults are to meet writers at work, however long their start takes on a busy machine."""
    until = time.monotonic() + STARTING
    while not all((root / f"answers-{n}").exists() and (root / f"answers-{n}").stat().st_size for n in range(count)):
        if time.monotonic() > until:
            raise TimeoutError(f"not all writers have written within {STARTING:g} s")
        time.sleep(0.1)


def _wait_for_commits(root: Path, count: int, ready: float) -> None:
    """Of all writers since then, so that it can be said how long the last one took; or for as long as is waited."""
    until = time.time() + DRAINING
    while time.time() < until and not all(any(at > ready for at in _commits(_answers(root, n))) for n in range(count)):
        time.sleep(0.5)


def _answers(root: Path, number: int) -> list[list[str]]:
    """The whole lines of one writer."""
    return [
        line.split() for line in (root / f"answers-{number}").read_text().splitlines(keepends=True) if line[-1:] == "\n"
    ]


def _commits(lines: list[list[str]]) -> list[float]:
    return [float(at) for _, outcome, at, _ in lines if outcome == "committed"]


def _done(lab: Pair | PatroniLab, fault: str) -> dict[str, Any]:
    time.sleep(CALM)
    begun = time.time()
    act: Callable[[], None] = getattr(lab, fault) if fault else lambda: None
    act()
    return {"fault": fault or "none", "begun": begun, "ready": max(lab.ready_at, begun)}


def _found(root: Path, settings: Settings, dsn: str, count: int, steps: list[dict[str, Any]]) -> dict[str, Any]:
    """The receipts of the writers, compared with the log."""
    receipts = [_answers(root, number) for number in range(count)]
    outcomes = Counter(outcome for lines in receipts for command, outcome, _, _ in lines if command != "-")
    acknowledged = {
        command for lines in receipts for command, outcome, _, _ in lines if outcome in ("committed", "queued")
    }
    app = App(replace(settings, dsn=dsn))
    try:
        recorded = Counter(str(event.command_id) for event in app.store.read_all() if event.type == "WorkItemCreated")
        equal = check(app.store, app.tables).equal
    finally:
        app.close()
    times = [[float(line[2]) for line in lines if line[0] != "-"] for lines in receipts]
    gaps = [(later - earlier, earlier) for moments in times for earlier, later in itertools.pairwise(moments)]
    longest, since = max(gaps, default=(0.0, 0.0))
    return {
        "answers": dict(outcomes),
        "recorded": len(recorded),
        "lost": len(acknowledged - recorded.keys()),
        "doubled": sum(times > 1 for times in recorded.values()),
        "longest_silence_s": round(longest, 2),
        "longest_silence_in": [step["fault"] for step in steps if step["begun"] < since + longest][-1:],
        "unsettled": sum(lines[-1][1] != "settled" for lines in receipts),
        "read_models_equal": equal,
        "steps": [_step(step, receipts) for step in steps],
    }


def _step(step: dict[str, Any], receipts: list[list[list[str]]]) -> dict[str, Any]:
    """How long there was no primary, and how long after it was back the last writer had nothing waiting any more."""
    first = [min((at for at in _commits(lines) if at > step["ready"]), default=float("inf")) for lines in receipts]
    return {
        "fault": step["fault"],
        "without_primary_s": round(step["ready"] - step["begun"], 2),
        "drained_after_s": round(max(first) - step["ready"], 2),
    }


if __name__ == "__main__":
    sys.exit(main())
