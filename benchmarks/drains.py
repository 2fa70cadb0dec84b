"""How soon what waits on several machines is recorded: `python -m benchmarks.drains --machines 8 --each 600`.

Each machine is a process with working files of its own. All queue while the server is down, then it starts, and each
goes on writing until it is answered `committed`: then nothing of it waits any more. Compare processor time: the clock
depends on what else the computer does.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from shutil import copytree

import psutil

from benchmarks.processor import used
from ledger import identity
from ledger.postgres.connection.connect import connect
from ledger.settings import Settings
from projections.application.app import App
from tests.lab.writer import write
from tests.support.cluster import Node, end_in_order, processes_of

LONGEST = 300.0  # seconds, for each step of all machines
LOOK_EVERY = 0.01

Machine = subprocess.Popen[bytes]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--machines", type=int, default=8)
    arguments.add_argument("--each", type=int, default=600, help="commands that wait on each")
    arguments.add_argument("--machine", nargs=4, help=argparse.SUPPRESS)  # of which processes this is one
    given = arguments.parse_args()
    if given.machine:
        work(*given.machine, each=given.each)
        return
    end_in_order()
    with tempfile.TemporaryDirectory(prefix="tl-drains-", dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        print(json.dumps(measured(Path(folder), given.machines, given.each)))


def measured(root: Path, count: int, each: int) -> dict[str, object]:
    node, machines = Node(root, "server"), list[Machine]()
    try:
        node.initialise()
        node.start()
        project = root / "project"
        project.mkdir()
        identity.create(project)
        connect(Settings(project=project, pgdata=root / "unused", dsn=node.conninfo)).close()
        machines += [started(root, project, number, node.conninfo, each) for number in range(count)]
        wait_for(root, "met", machines)
        node.stop()
        (root / "away").touch()
        wait_for(root, "queued", machines)
        node.start()
        postmaster = int((node.data / "postmaster.pid").read_text().split()[0])
        before, loads = used(postmaster).server, psutil.getloadavg()
        (root / "back").touch()
        wait_for(root, "committed", machines)
        server = used(postmaster).server - before
        answers = [json.loads((root / f"committed-{number}").read_text()) for number in range(count)]
    finally:
        processes_of(machines)
        node.destroy()
    commands = sum(answer["commands"] for answer in answers)
    return {
        "commands": commands,
        "load": round(loads[0], 1),
        "drained_after_s": [round(answer["seconds"], 1) for answer in answers],
        "longest_silence_s": round(max(answer["longest"] for answer in answers), 1),
        "server_ms_a_command": round(1000 * server / commands, 2),
        "client_ms_a_command": round(1000 * sum(answer["processor"] for answer in answers) / commands, 2),
    }


def started(root: Path, project: Path, number: int, dsn: str, each: int) -> Machine:
    places = [str(root), str(copytree(project, root / f"project-{number}")), str(number), dsn]
    command = [sys.executable, "-m", "benchmarks.drains", "--each", str(each), "--machine", *places]
    with (root / f"machine-{number}.log").open("wb") as log:
        return subprocess.Popen(command, stdout=log, stderr=log)


def work(folder: str, project: str, number: str, dsn: str, *, each: int) -> None:
    """What one machine does."""
    root, home = Path(folder), Path(folder) / f"home-{number}"
    app = App(Settings(project=Path(project), home=home, pgdata=home / "unused", dsn=dsn, by="lab"))
    write(app)
    app.sync.follow()
    say(root, "met", number)
    wait_until(root / "away")
    while (commands := app.local.waiting) < each:
        write(app)
    say(root, "queued", number)
    wait_until(root / "back")
    before, begun, longest, outcome = sum(psutil.Process().cpu_times()[:2]), time.monotonic(), 0.0, ""
    while outcome != "committed":
        asked = time.monotonic()
        outcome = write(app).split()[1]
        longest = max(longest, time.monotonic() - asked)
    seconds, spent = time.monotonic() - begun, sum(psutil.Process().cpu_times()[:2]) - before
    answer = {"commands": commands, "seconds": seconds, "longest": longest, "processor": spent}
    say(root, "committed", number, json.dumps(answer))
    app.close()


def say(root: Path, what: str, number: str, text: str = "") -> None:
    draft = root / f"{number}.draft"
    draft.write_text(text)
    draft.rename(root / f"{what}-{number}")


def wait_for(root: Path, what: str, machines: list[Machine]) -> None:
    until = time.monotonic() + LONGEST
    while len(list(root.glob(f"{what}-*"))) < len(machines):
        ended = [number for number, machine in enumerate(machines) if machine.poll()]
        if ended or time.monotonic() > until:
            logs = [(root / f"machine-{number}.log").read_text()[-1000:] for number in ended]
            raise RuntimeError(f"machines {ended} ended, or not all have {what} within {LONGEST:g} s: {logs}")
        time.sleep(LOOK_EVERY)


def wait_until(file: Path) -> None:
    while not file.exists():
        time.sleep(LOOK_EVERY)


if __name__ == "__main__":
    main()
