"""One seed on a server: clients at work, faults meanwhile, then peace, and the evidence for the checker."""

import os
import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

from msgspec.structs import replace
from psycopg.conninfo import make_conninfo

from benchmarks.faults.channels import Answer
from benchmarks.faults.check import Evidence
from benchmarks.faults.nemesis import Disk, Nemesis
from benchmarks.faults.plan import MACHINES, SHARED, Plan
from benchmarks.faults.proxy import Proxy
from benchmarks.faults.workload import Machine, Receipt, Worker
from ledger import identity
from ledger.embedded.server import EmbeddedServer
from ledger.errors import LedgerError
from ledger.postgres.connection.connect import APPLICATION, DATABASE, connect
from ledger.settings import Settings
from projections.application.app import App
from projections.operations.catalog import OPERATIONS
from projections.tables.replay import check

PEACE_SECONDS = 60.0  # for a machine to come home once everything works again
ROOT = str(Path(__file__).parents[2])


class Lab:
    """A server for many seeds, in memory where the machine has such a place. Each seed has a ledger of its own."""

    def __init__(self) -> None:
        memory = Path("/dev/shm")
        self.root = Path(tempfile.mkdtemp(prefix="tracking-ledger-faults-", dir=memory if memory.is_dir() else None))
        self.server = EmbeddedServer(self.root / "postgres")
        connect(Settings(project=self.root, pgdata=self.root / "postgres")).close()
        self.dsn = self.server.conninfo(APPLICATION, DATABASE)

    def close(self) -> None:
        self.server.stop()
        shutil.rmtree(self.root, ignore_errors=True)

    def run(self, plan: Plan) -> Evidence:
        with ExitStack() as ending:
            folder = self.root / f"seed-{plan.seed}"
            folder.mkdir()
            ending.callback(shutil.rmtree, folder, ignore_errors=True)
            (folder / "project").mkdir()
            identity.create(folder / "project")
            return self._run(plan, folder, ending)

    def _run(self, plan: Plan, folder: Path, ending: ExitStack) -> Evidence:
        self.server.ensure()
        proxy = Proxy(self.root / "postgres" / "run" / ".s.PGSQL.5432")
        ending.callback(proxy.close)
        disks = [Disk(folder / f"machine-{number}") for number in range(MACHINES)]
        for disk in disks:
            ending.callback(disk.close)
        through = make_conninfo(self.dsn, host="127.0.0.1", hostaddr="127.0.0.1", port=proxy.port)
        settings = Settings(project=folder / "project", dsn=self.dsn, pgdata=folder / "unused", by="lab")
        shared = _shared(replace(settings, home=folder / "lab"))
        machines, errors = [Machine() for _ in disks], folder / "errors"
        workers = [
            Worker(
                number,
                client,
                machines[client.machine],
                shared,
                _environment(settings, through, disks[client.machine]),
                settings.project,
                errors,
            )
            for number, client in enumerate(plan.clients)
        ]
        nemesis = Nemesis(self.server, proxy, workers, disks)
        for worker in workers:
            worker.start()
        _until(lambda: all(worker.receipts or not worker.is_alive() for worker in workers))
        nemesis.run(plan.faults)
        nemesis.heal()
        failures = _ended(workers)
        receipts = [receipt for worker in workers for receipt in worker.receipts]
        homes = [replace(settings, home=disk.folder) for disk in disks]
        return _gathered(homes, receipts, errors, failures)


def _shared(settings: Settings) -> list[Answer]:
    app = App(settings)
    made = [OPERATIONS["create_work_item"].perform(app, {"item_type": "task", "title": f"S{n}"}) for n in range(SHARED)]
    app.close()
    return made


def _environment(settings: Settings, dsn: str, disk: Disk) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LEDGER_")}
    return kept | {
        "LEDGER_PROJECT": str(settings.project),
        "LEDGER_DSN": dsn,
        "LEDGER_HOME": str(disk.folder),
        "LEDGER_PGDATA": str(settings.pgdata),
        "PYTHONPATH": ROOT,
    }


def _until(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + PEACE_SECONDS
    while not condition() and time.monotonic() < until:
        time.sleep(0.05)


def _ended(workers: list[Worker]) -> list[str]:
    failures = []
    for worker in workers:
        worker.join(300)
        if worker.is_alive():
            failures.append(f"client {worker.number} does not end")
            worker.channel.kill()
        if worker.failure is not None:
            failures.append(f"client {worker.number}: {worker.failure!r}")
        worker.channel.close()
    return failures


def _gathered(homes: list[Settings], receipts: list[Receipt], errors: Path, failures: list[str]) -> Evidence:
    apps = [App(settings) for settings in homes]
    for number, app in enumerate(apps):
        _come_home(app)
        for receipt in _unclear(receipts, number):
            receipts.append(_again(app, receipt))
    for app in apps:
        _come_home(app)
        app.sync.follow()
    log = list(apps[0].store.read_all())
    evidence = Evidence(
        receipts=receipts,
        log=log,
        journals=[list(app.local.journal.read_all()) for app in apps],
        waiting=[app.local.waiting for app in apps],
        faulty_lines=[len(app.local.outbox.faults) for app in apps],
        rows_equal=[check(apps[0].store, apps[0].tables).equal],
        errors=errors.read_text(errors="replace") if errors.exists() else "",
        failures=failures,
    )
    for app in apps:
        app.close()
    return evidence


def _come_home(app: App) -> None:
    until = time.monotonic() + PEACE_SECONDS
    while time.monotonic() < until:
        with suppress(LedgerError):
            _ = app.database
            if app.sync.drain_for(5.0):
                return
        time.sleep(0.2)


def _unclear(receipts: list[Receipt], machine: int) -> list[Receipt]:
    """The last attempts of commands of a machine that have no definite answer: repeated, they must get one."""
    last: dict[str, Receipt] = {}
    for receipt in sorted(receipts, key=lambda receipt: receipt.ended):
        if receipt.machine == machine and receipt.command_id is not None:
            last[receipt.command_id] = receipt
    return [receipt for receipt in last.values() if receipt.code == "outcome_unknown"]


def _again(app: App, first: Receipt) -> Receipt:
    begun = time.monotonic()
    arguments = {**first.arguments, "command_id": first.command_id, "by": f"client {first.client}"}
    try:
        answer = OPERATIONS[first.tool].perform(app, arguments)
    except LedgerError as error:
        answer = error.as_answer()
    return replace(first, begun=begun, ended=time.monotonic(), answer=answer, step=f"{first.step} repeated in peace")
