"""What goes wrong: faults applied to the server, the wire, the clients' processes and the machines' disks."""

import contextlib
import os
import resource
import signal
import threading
import time
from collections.abc import Callable, Sequence

import psutil

from benchmarks.faults.cluster import Cluster
from benchmarks.faults.machines import Machine
from benchmarks.faults.plan import CLOCK_STEPS, DISK_FAULTS, Fault
from benchmarks.faults.processes import Program
from benchmarks.faults.proxy import Proxy
from benchmarks.faults.workload import Worker
from ledger.embedded.server import EmbeddedServer

Server = EmbeddedServer | Cluster

LIMIT = resource.RLIM_INFINITY
DRAINER = ("sync", "--json")
FOLLOWER = ("list", "--json")  # a command follows at its end
MIGRATION_SECONDS = 10.0  # that a newer program is given to bring the database to its schema


class Nemesis:
    """Applies the faults of a plan, each in a thread of its own, and undoes them. `versions` are the program and the
    newer one, or only the program; `upgraded_at` is when the newer one first came."""

    def __init__(
        self,
        server: Server,
        proxy: Proxy,
        workers: list[Worker],
        machines: list[Machine],
        versions: Sequence[Program],
    ) -> None:
        self._server = server
        self._proxy = proxy
        self._workers = workers
        self._machines = machines
        self._versions = versions
        self.upgraded_at: float | None = None
        self.failures: list[str] = []
        self._threads: list[threading.Thread] = []
        self._wire = threading.Lock()  # one fault of the wire, and one of the server, at a time
        self._serving = threading.Lock()

    def run(self, faults: tuple[Fault, ...]) -> None:
        begun = time.monotonic()
        for fault in faults:
            time.sleep(max(0.0, fault.at - (time.monotonic() - begun)))
            thread = threading.Thread(target=self._apply, args=[fault], daemon=True)
            thread.start()
            self._threads.append(thread)
        for thread in self._threads:
            thread.join(60)

    def _apply(self, fault: Fault) -> None:
        try:
            getattr(self, f"_{fault.kind}")(fault)
        except Exception as error:  # a fault of these runs, which their report names
            self.failures.append(f"fault {fault.kind}: {error!r}")

    def heal(self) -> None:
        """Everything works again, and every machine has the newest version."""
        self._proxy.heal()
        for machine in self._machines:
            machine.disk.free()
            machine.set_clock(0)
            machine.program = self._versions[-1]
        self._server.ensure()

    def _kill_server(self, fault: Fault) -> None:
        with self._serving:
            for process in _processes(self._server):
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
            time.sleep(fault.lasts)
            self._server.ensure()

    def _freeze_server(self, fault: Fault) -> None:
        with self._serving:
            frozen = _processes(self._server)
            for process in frozen:
                _signal(process, signal.SIGSTOP)
            time.sleep(fault.lasts)
            for process in frozen:
                _signal(process, signal.SIGCONT)

    def _switchover(self, fault: Fault) -> None:
        """Planned: the primary stops when the standby has everything."""
        with self._serving:
            self._whole_cluster().switchover()

    def _failover(self, fault: Fault) -> None:
        with self._serving:
            self._whole_cluster().kill(fault.lasts)

    def _frozen_failover(self, fault: Fault) -> None:
        """The old primary wakes up beside the new one, and is fenced a second later."""
        with self._serving:
            self._whole_cluster().freeze(fault.lasts, fault.lasts)

    def _whole_cluster(self) -> Cluster:
        """What was acknowledged is on both of its nodes."""
        assert isinstance(self._server, Cluster), "only a seed with a standby has such faults"
        self._server.ensure()
        return self._server

    def _kill_client(self, fault: Fault) -> None:
        self._workers[fault.target % len(self._workers)].channel.kill()

    def _freeze_client(self, fault: Fault) -> None:
        process = self._workers[fault.target % len(self._workers)].channel.process
        if process is not None and process.is_alive():
            os.kill(process.pid, signal.SIGSTOP)
            time.sleep(fault.lasts)
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGCONT)

    def _kill_drainer(self, fault: Fault) -> None:
        self._kill_soon(fault, DRAINER)

    def _kill_follower(self, fault: Fault) -> None:
        self._kill_soon(fault, FOLLOWER)

    def _cut(self, _: Fault) -> None:
        self._proxy.cut()

    def _cut_after(self, fault: Fault) -> None:
        self._proxy.cut_after(fault.amount)

    def _refuse(self, fault: Fault) -> None:
        self._on_the_wire(self._proxy.refuse, fault)

    def _black_hole(self, fault: Fault) -> None:
        self._on_the_wire(self._proxy.black_hole, fault)

    def _delay(self, fault: Fault) -> None:
        self._on_the_wire(lambda: self._proxy.delay(fault.amount / 5000), fault)

    def _full_disk(self, fault: Fault) -> None:
        """With the database away, or just before it goes: then it matters."""
        disk = self._machine(fault).disk
        disk.fill()
        if fault.target & 64:
            self._on_the_wire(self._proxy.refuse, fault)
        else:
            time.sleep(fault.lasts)
        disk.free()

    def _short_writes(self, fault: Fault) -> None:
        """A client's files may not grow beyond a limit: a write that would is cut there, the next one fails."""
        process = self._workers[fault.target % len(self._workers)].channel.process
        if process is None or not hasattr(psutil.Process, "rlimit"):  # elsewhere than on Linux
            return
        with contextlib.suppress(psutil.Error):  # it has died
            limited = psutil.Process(process.pid)
            limited.rlimit(resource.RLIMIT_FSIZE, (1000 + fault.amount, LIMIT))
            if fault.target & 64:
                self._on_the_wire(self._proxy.refuse, fault)
            else:
                time.sleep(fault.lasts)
            limited.rlimit(resource.RLIMIT_FSIZE, (LIMIT, LIMIT))

    def _bad_disk(self, fault: Fault) -> None:
        """Of a machine, for every process of it; with the database away in half of the cases."""
        machine = self._machine(fault)
        _, calls, error = DISK_FAULTS[fault.amount % len(DISK_FAULTS)]
        machine.break_disk(calls, error, 1.0 if fault.target & 32 else 0.3)
        if fault.target & 64:
            self._on_the_wire(self._proxy.refuse, fault)
        else:
            time.sleep(fault.lasts)
        machine.mend_disk(calls)

    def _wrong_clock(self, fault: Fault) -> None:
        machine = self._machine(fault)
        machine.set_clock(CLOCK_STEPS[fault.amount % len(CLOCK_STEPS)])
        time.sleep(fault.lasts)
        machine.set_clock(0)

    def _upgrade(self, fault: Fault) -> None:
        """The first of its commands migrates the database; clients that run, run on or are ended."""
        self.upgraded_at = self.upgraded_at or time.monotonic()
        self._change_version(fault, self._versions[-1])
        process = self._machine(fault).start(*FOLLOWER)
        process.end(MIGRATION_SECONDS)
        process.close()

    def _downgrade(self, fault: Fault) -> None:
        """The database stays as the newer program has made it."""
        self._change_version(fault, self._versions[0])

    def _change_version(self, fault: Fault, program: Program) -> None:
        machine = self._machine(fault)
        machine.program = program
        if fault.target & 64:
            machine.end_all()

    def _kill_soon(self, fault: Fault, command: tuple[str, ...]) -> None:
        process = self._machine(fault).start(*command)
        time.sleep(fault.amount / 5000)
        process.kill()
        process.close()

    def _machine(self, fault: Fault) -> Machine:
        return self._machines[fault.target % len(self._machines)]

    def _on_the_wire(self, break_it: Callable[[], None], fault: Fault) -> None:
        with self._wire:
            break_it()
            time.sleep(fault.lasts)
            self._proxy.heal()


def _processes(server: Server) -> list[psutil.Process]:
    with contextlib.suppress(OSError, psutil.NoSuchProcess):
        leader = psutil.Process(int((server.data / "postmaster.pid").read_text().split()[0]))
        return [leader, *leader.children(recursive=True)]
    return []


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(number)
