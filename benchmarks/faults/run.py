"""One seed on a server: clients at work, faults meanwhile, then peace, and the evidence for the checker."""

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from msgspec.structs import replace
from psycopg.conninfo import make_conninfo

from benchmarks.faults import processes
from benchmarks.faults.channels import Answer
from benchmarks.faults.check import LAB, Evidence
from benchmarks.faults.machines import Machine
from benchmarks.faults.nemesis import Nemesis
from benchmarks.faults.plan import MACHINES, SHARED, Client, Plan
from benchmarks.faults.proxy import Proxy
from benchmarks.faults.workload import Worker
from ledger import identity
from ledger.embedded.server import EmbeddedServer
from ledger.errors import LedgerError
from ledger.postgres.connection.connect import APPLICATION, DATABASE, connect
from ledger.settings import Settings
from projections.application.app import App
from projections.maintenance.access_tokens import Tokens
from projections.operations.catalog import OPERATIONS
from projections.tables.contract import Tables
from projections.tables.replay import check
from projections.tables.sqlite import SqliteTables

PEACE_SECONDS = 60.0  # for a machine to come home once everything works again


class Lab:
    """A server for many seeds, in memory where the machine has such a place. Each seed has a ledger of its own."""

    def __init__(self) -> None:
        memory = Path("/dev/shm")
        self.root = Path(tempfile.mkdtemp(prefix="tracking-ledger-faults-", dir=memory if memory.is_dir() else None))
        processes.load(self.root)
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
        settings = Settings(project=folder / "project", dsn=self.dsn, pgdata=folder / "unused", by=LAB)
        through = make_conninfo(self.dsn, host="127.0.0.1", hostaddr="127.0.0.1", port=proxy.port)
        shared = _shared(replace(settings, home=folder / "lab"))
        machines = [_machine(folder, number, settings, through, plan) for number in range(MACHINES)]
        for machine in machines:
            ending.callback(machine.close)
        homes = [replace(settings, home=machine.disk.folder) for machine in machines]
        workers = [
            Worker(number, client, machines[client.machine], shared, _secret(homes[client.machine], client, number))
            for number, client in enumerate(plan.clients)
        ]
        nemesis = Nemesis(self.server, proxy, workers, machines)
        for worker in workers:
            worker.start()
        _until(lambda: all(worker.receipts or not worker.is_alive() for worker in workers))
        nemesis.run(plan.faults)
        nemesis.heal()
        failures = _ended(workers)
        return _gathered(homes, workers, [machine.errors for machine in machines], failures)


def _machine(folder: Path, number: int, settings: Settings, dsn: str, plan: Plan) -> Machine:
    variables = {
        "LEDGER_PROJECT": str(settings.project),
        "LEDGER_DSN": dsn,
        "LEDGER_PGDATA": str(settings.pgdata),
        "LEDGER_COMMAND_SECONDS": str(plan.command_seconds),
    }
    return Machine(folder / f"machine-{number}", folder / f"beside-{number}", settings.project, variables)


def _secret(settings: Settings, client: Client, number: int) -> str:
    """What tells whose its claims are; over HTTP the token that lets it in."""
    if client.kind != "http":
        return f"token-of-{number}"
    known = identity.find(settings.project)
    tokens = Tokens(identity.home(known, settings))
    return tokens.make(known.ledger, f"client {number}", "write", datetime.now(UTC), None)[0]


def _shared(settings: Settings) -> list[Answer]:
    app = App(settings)
    made = [OPERATIONS["create_work_item"].perform(app, {"item_type": "task", "title": f"S{n}"}) for n in range(SHARED)]
    app.close()
    return made


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
    return failures


def _gathered(homes: list[Settings], workers: list[Worker], errors: list[Path], failures: list[str]) -> Evidence:
    apps = [App(settings) for settings in homes]
    for app in apps:
        _come_home(app)
    for worker in workers:
        worker.repeat_unknown()
        worker.channel.close()
    for app in apps:
        _come_home(app)
    for app in apps:  # when none of them records any more
        with _naming_failures(failures):
            _until(app.sync.follow)  # a process that has not ended yet may be at it
    evidence = Evidence(
        receipts=[receipt for worker in workers for receipt in worker.receipts],
        errors="".join(file.read_text(errors="replace") for file in errors if file.exists()),
        failures=failures,
    )
    with _naming_failures(failures):
        evidence.log = list(apps[0].store.read_all())
        evidence.journals = [list(app.local.journal.read_all()) for app in apps]
        evidence.waiting = [app.local.waiting for app in apps]
        evidence.faulty_lines = [len(app.local.outbox.faults) for app in apps]
        rows: list[Tables] = [apps[0].tables, *(_rows(app) for app in apps)]
        evidence.rows_equal = [check(apps[0].store, tables).equal for tables in rows]
    for app in apps:
        app.close()
    return evidence


@contextmanager
def _naming_failures(failures: list[str]) -> Iterator[None]:
    """A machine that cannot come home is named, with all that was seen until then."""
    try:
        yield
    except LedgerError as error:
        failures.append(f"{error.code}: {error.message}")


def _rows(app: App) -> SqliteTables:
    """This machine's own, up to the log."""
    app.local.cache.follow()
    return app.local.cache.tables


def _come_home(app: App) -> None:
    until = time.monotonic() + PEACE_SECONDS
    while time.monotonic() < until:
        with suppress(LedgerError):
            _ = app.database
            if app.sync.drain_for(5.0):
                return
        time.sleep(0.2)
