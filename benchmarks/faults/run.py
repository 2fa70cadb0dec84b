"""One seed on a server: clients at work, faults meanwhile, then peace, and the evidence for the checker."""

import shutil
import tempfile
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from msgspec.structs import replace
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL

from benchmarks.faults import versions
from benchmarks.faults.channels import Answer
from benchmarks.faults.check import LAB, Evidence
from benchmarks.faults.cluster import Cluster
from benchmarks.faults.ending import come_home, left_behind, until
from benchmarks.faults.machines import Machine
from benchmarks.faults.nemesis import Nemesis, Server
from benchmarks.faults.plan import MACHINES, SHARED, Client, Plan
from benchmarks.faults.processes import ROOT, Program
from benchmarks.faults.proxy import Address, Proxy
from benchmarks.faults.workload import Worker
from ledger import identity
from ledger.embedded.server import EmbeddedServer
from ledger.libpq.session import Session
from ledger.postgres.connection.connect import APPLICATION, DATABASE, OWNER, connect, prepare_own
from ledger.settings import Settings
from projections.application.app import App
from projections.maintenance.access_tokens import Tokens
from projections.operations.catalog import OPERATIONS


class Lab:
    """A server for many seeds, in memory where the machine has such a place. Each seed has a ledger of its own.

    Those in which a standby is promoted share a primary with a standby, of that kind of `cluster`.
    """

    def __init__(self, cluster: type[Cluster] = Cluster) -> None:
        memory = Path("/dev/shm")
        self.root = Path(tempfile.mkdtemp(prefix="tracking-ledger-faults-", dir=memory if memory.is_dir() else None))
        self.root.chmod(0o711)  # the nodes may have to run as another account
        self._kind = cluster
        self.program = Program(ROOT, self.root)
        self.server = EmbeddedServer(self.root / "postgres")
        connect(Settings(project=self.root, pgdata=self.root / "postgres")).close()

    @cached_property
    def newer_program(self) -> Program:
        return Program(versions.newer(self.root / "newer"), self.root)

    @cached_property
    def cluster(self) -> Cluster:
        folder = self.root / "cluster"
        folder.mkdir(mode=0o755)
        cluster = self._kind(folder)
        prepare_own(cluster.conninfo)
        return cluster

    def close(self) -> None:
        self.server.stop()
        if "cluster" in vars(self):
            self.cluster.end()
        self.program.close()
        if "newer_program" in vars(self):
            self.newer_program.close()
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
        server = self.cluster if plan.has_standby else self.server
        server.ensure()
        proxy = Proxy(*_addresses(server))
        ending.callback(proxy.close)
        programs = [self.program, self.newer_program] if plan.changes_program else [self.program]
        database = _new_database(server, plan, ending) if plan.changes_program else DATABASE
        dsn, admin_dsn = (server.conninfo(role, database) for role in (APPLICATION, OWNER))
        settings = Settings(project=folder / "project", dsn=dsn, admin_dsn=admin_dsn, pgdata=folder / "unused", by=LAB)
        shared = _shared(replace(settings, home=folder / "lab"))
        through = replace(settings, dsn=_by_way_of(proxy, dsn), admin_dsn=_by_way_of(proxy, admin_dsn))
        machines = [_machine(folder, number, through, plan, self.program) for number in range(MACHINES)]
        for machine in machines:
            ending.callback(machine.close)
        homes = [replace(settings, home=machine.disk.folder) for machine in machines]
        workers = [
            Worker(number, client, machines[client.machine], shared, _secret(homes[client.machine], client, number))
            for number, client in enumerate(plan.clients)
        ]
        nemesis = Nemesis(server, proxy, workers, machines, programs)
        for worker in workers:
            worker.start()
        until(lambda: all(worker.receipts or not worker.is_alive() for worker in workers))
        nemesis.run(plan.faults)
        nemesis.heal()
        failures = [*nemesis.failures, *_ended(workers)]
        evidence = _gathered(programs[-1], homes, workers, failures)
        evidence.upgraded_at = nemesis.upgraded_at
        evidence.errors = "".join(one.errors.read_text(errors="replace") for one in machines if one.errors.exists())
        return evidence


def _new_database(server: Server, plan: Plan, ending: ExitStack) -> str:
    """For one seed: what a newer program has migrated stays so."""
    name = f"seed_{plan.seed}"
    for statement in (f"DROP DATABASE IF EXISTS {name}", f"CREATE DATABASE {name} OWNER {OWNER}"):
        _as_superuser(server, statement)
    ending.callback(_as_superuser, server, f"DROP DATABASE {name} WITH (FORCE)")
    return name


def _as_superuser(server: Server, statement: str) -> None:
    with closing(Session.connect(server.conninfo("postgres", "postgres"), autocommit=True)) as session:
        session.execute(SQL(statement))


def _addresses(server: Server) -> list[Address]:
    return server.addresses if isinstance(server, Cluster) else [server.root / "run" / ".s.PGSQL.5432"]


def _by_way_of(proxy: Proxy, dsn: str) -> str:
    here = ",".join("127.0.0.1" for _ in proxy.ports)
    return make_conninfo(dsn, host=here, hostaddr=here, port=",".join(map(str, proxy.ports)))


def _machine(folder: Path, number: int, settings: Settings, plan: Plan, program: Program) -> Machine:
    variables = {
        "LEDGER_PROJECT": str(settings.project),
        "LEDGER_DSN": str(settings.dsn),
        "LEDGER_ADMIN_DSN": str(settings.admin_dsn),
        "LEDGER_PGDATA": str(settings.pgdata),
        "LEDGER_COMMAND_SECONDS": str(plan.command_seconds),
    }
    return Machine(folder / f"machine-{number}", folder / f"beside-{number}", settings.project, variables, program)


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


def _gathered(program: Program, homes: list[Settings], workers: list[Worker], failures: list[str]) -> Evidence:
    """By that version of the program, with which every client starts over where another was used before."""
    program.call(come_home, homes)
    for worker in workers:
        if worker.receipts and worker.receipts[-1].version != program.version:
            worker.channel.close()
        worker.repeat_unknown()
        worker.channel.close()
    program.call(come_home, homes)
    left = program.call(left_behind, homes)
    return Evidence(
        receipts=[receipt for worker in workers for receipt in worker.receipts],
        failures=[*failures, *left.failures],
        log=left.log,
        journals=left.journals,
        waiting=left.waiting,
        faulty_lines=left.faulty_lines,
        rows_equal=left.rows_equal,
    )
