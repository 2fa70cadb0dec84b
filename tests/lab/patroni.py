"""Two nodes that Patroni runs, with etcd beside them, for the lab: elections, fencing and returning are its own.

Its settings are those of the guide, as they stand there. Clients, the other node and etcd are reached through proxies,
so that a node can be cut off from all of them; where a PgBouncer is given, clients meet one on each node, and where an
HAProxy is given, they know its address alone.
"""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

from tests.support.cluster import Node, Proxy, free_port

GUIDE = Path(__file__).parents[2] / "docs" / "operations.md"
SETTLED = 120.0  # seconds until both nodes are there again, one following the other
AWAY = 30.0  # seconds of a freeze or a cut: longer than the guide's ttl
MEMBER = """scope: lab
name: {name}
restapi: {{listen: '127.0.0.1:{rest}', connect_address: '127.0.0.1:{rest}'}}
etcd3: {{host: '127.0.0.1:{etcd}'}}
postgresql:
  listen: 127.0.0.1:{port}
  connect_address: 127.0.0.1:{replication}
  data_dir: {data}
  bin_dir: {programs}
  pgpass: {data}.pgpass
  authentication: {{superuser: {{username: postgres}}, replication: {{username: replicator}}}}
  pg_hba: [host all all 127.0.0.1/32 trust, host replication all 127.0.0.1/32 trust]
  parameters: {{unix_socket_directories: '', shared_buffers: 32MB}}
"""
INITDB = "  initdb: [encoding: UTF8, locale: C, no-sync]\n"  # goes on where the guide's block ends
GUIDES_SERVERS = """    server one 10.0.0.5:5432
    server two 10.0.0.6:5432
"""
POOLER = """
listen_port = {listen}
auth_type = trust
auth_file = {users}
unix_socket_dir =
"""


class Member:
    """One node: Patroni, its PostgreSQL, a pooler perhaps, and the proxies through which all others reach it."""

    def __init__(self, root: Path, name: str, etcd: int, patroni: Path, pooler: str | None) -> None:
        self.name = name
        self.server = Node(root, name)
        self.rest = free_port()
        self._root, self._patroni, self._pooler = root, patroni, pooler
        entrance = free_port() if pooler else self.server.port
        self.clients, self.health = Proxy(entrance), Proxy(self.rest)
        self._replication, self._etcd = Proxy(self.server.port), Proxy(etcd)
        self._running: list[subprocess.Popen[bytes]] = []
        (root / f"{name}.yml").write_text(
            MEMBER.format(
                name=name,
                rest=self.rest,
                etcd=self._etcd.port,
                port=self.server.port,
                replication=self._replication.port,
                data=self.server.data,
                programs=self.server.binaries,
            )
            + block_of_the_guide("yaml")
            + INITDB
        )
        if pooler:
            self._write_pooler_settings(entrance)

    def start(self) -> None:
        self._running = [self._start(self._patroni / "patroni", self._root / f"{self.name}.yml")]
        if self._pooler:
            self._running.append(self._start(self._pooler, self._root / f"{self.name}.ini"))

    def send(self, what: signal.Signals) -> None:
        """To all that runs on this node."""
        for process in self._running:
            process.send_signal(what)
        self.server.send(what)

    def destroy(self) -> None:
        for process in self._running:
            process.kill()
            process.wait()
        self.server.destroy()

    def cut(self) -> None:
        for proxy in self._proxies:
            proxy.cut()

    def heal(self) -> None:
        for proxy in self._proxies:
            proxy.heal()

    @property
    def _proxies(self) -> tuple[Proxy, ...]:
        return self.clients, self.health, self._replication, self._etcd

    def asked(self, question: str) -> list[tuple[object, ...]]:
        """No rows where it does not answer."""
        with contextlib.suppress(psycopg.Error), psycopg.connect(self.server.conninfo) as connection:
            return connection.execute(question).fetchall()
        return []

    def leads(self) -> bool:
        return self.asked("SELECT pg_is_in_recovery()") == [(False,)]

    def is_followed(self) -> bool:
        """What it acknowledges is on the other node as well."""
        return bool(self.asked("SELECT 1 FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum')"))

    def may_lead(self) -> bool:
        """Its Patroni knows that it has all that was acknowledged; a moment before, it would not take the lead."""
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{self.rest}/synchronous", timeout=2).close()
            return True
        return False

    def _write_pooler_settings(self, listen: int) -> None:
        users = self._root / "users"
        users.write_text('"team" ""\n')
        text = block_of_the_guide("ini").replace(
            "tracking = host=10.0.0.5 port=5432", f"* = host=127.0.0.1 port={self.server.port}"
        )
        answer = subprocess.run([str(self._pooler), "--version"], capture_output=True, text=True, check=True).stdout
        version = re.search(r"PgBouncer (\d+)\.(\d+)", answer)
        if version is None or (int(version[1]), int(version[2])) < (1, 22):
            text = text.replace("max_prepared_statements = 200\n", "")  # which it does not know
        (self._root / f"{self.name}.ini").write_text(text + POOLER.format(listen=listen, users=users))

    def _start(self, *command: str | Path) -> "subprocess.Popen[bytes]":
        account = self.server.account
        with (self._root / f"{self.name}.{Path(command[0]).name}.log").open("ab") as log:
            return subprocess.Popen(
                [*account.prefix, *map(str, command)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=account.user,
                group=account.group,
                env={name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"LC_ALL": "C"},
            )


class PatroniLab:
    """What is done to the node that leads, and when a primary could be reached again. Nothing is mended by hand."""

    def __init__(self, root: Path, patroni: Path, *, pooler: str | None, balancer: str | None) -> None:
        self.ready_at = time.time()
        self._balancer: subprocess.Popen[bytes] | None = None
        self._members: list[Member] = []
        self._etcd, etcd = _start_etcd(root)
        try:
            for name in ("one", "two"):
                self._members.append(Member(root, name, etcd, patroni, pooler))
            for member in self._members:
                member.server.account.take_over(root)
                member.start()
            self._settle()
            if balancer:
                self._entrance = free_port()
                self._balancer = _start_balancer(root, balancer, self._entrance, self._members)
        except BaseException:
            self.end()
            raise

    @property
    def admin(self) -> str:
        return self._leader().server.conninfo

    @property
    def dsn(self) -> str:
        """As the guide says it, through the proxies."""
        ports = [self._entrance] if self._balancer else [member.clients.port for member in self._members]
        return make_conninfo(
            "",
            host=",".join("127.0.0.1" for _ in ports),
            port=",".join(map(str, ports)),
            user="team",
            dbname="postgres",
            target_session_attrs="read-write",
            connect_timeout=2,
        )

    def switchover(self) -> None:
        leader, other = self._leader(), self._other()
        request = urllib.request.Request(
            f"http://127.0.0.1:{leader.rest}/switchover",
            data=json.dumps({"leader": leader.name, "candidate": other.name}).encode(),
        )
        urllib.request.urlopen(request, timeout=60).close()
        self._ready(other.leads)
        self._settle()

    def kill(self) -> None:
        """The whole node, which comes back when the other leads."""
        leader, other = self._leader(), self._other()
        leader.destroy()
        self._ready(other.leads)
        leader.start()
        self._settle()

    def kill_server(self) -> None:
        """PostgreSQL alone: Patroni decides who leads from here on."""
        leader = self._leader()
        leader.server.send(signal.SIGKILL)
        until(lambda: not leader.leads())
        self._ready(lambda: any(member.leads() for member in self._members))
        self._settle()

    def freeze(self) -> None:
        """The whole node, until long after it was replaced."""
        leader, other = self._leader(), self._other()
        leader.send(signal.SIGSTOP)
        self._away(other, lambda: leader.send(signal.SIGCONT))

    def freeze_server(self) -> None:
        """PostgreSQL alone, with a Patroni that is well: it may keep the lead until its server is awake again."""
        leader = self._leader()
        leader.server.send(signal.SIGSTOP)
        self._away(self._other_than(leader), lambda: leader.server.send(signal.SIGCONT))

    def cut(self) -> None:
        """The node is well, and reaches neither clients, nor the other node, nor etcd."""
        leader, other = self._leader(), self._other()
        leader.cut()
        self._away(other, leader.heal)

    def end(self) -> None:
        for member in self._members:
            member.heal()
            member.send(signal.SIGCONT)
            member.destroy()
        for process in filter(None, (self._balancer, self._etcd)):
            process.kill()
            process.wait()

    def _away(self, other: Member, come_back: Callable[[], None]) -> None:
        begun = time.monotonic()
        replaced = False
        while time.monotonic() < begun + AWAY:
            if not replaced and other.leads():
                replaced, self.ready_at = True, time.time()
            time.sleep(0.1)
        come_back()
        if not replaced:
            self._ready(lambda: any(member.leads() for member in self._members))
        self._settle()

    def _ready(self, condition: Callable[[], bool]) -> None:
        until(condition)
        self.ready_at = time.time()

    def _settle(self) -> None:
        until(lambda: sorted(member.leads() for member in self._members) == [False, True])
        leader = self._leader()
        until(lambda: leader.is_followed() and self._other_than(leader).may_lead())

    def _leader(self) -> Member:
        until(lambda: any(member.leads() for member in self._members))
        return next(member for member in self._members if member.leads())

    def _other(self) -> Member:
        return self._other_than(self._leader())

    def _other_than(self, leader: Member) -> Member:
        return next(member for member in self._members if member is not leader)


def block_of_the_guide(language: str) -> str:
    """The one block in that language, as it stands."""
    found = re.findall(rf"^```{language}\n(.*?)^```$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert len(found) == 1, f"{len(found)} blocks of {language} in {GUIDE}, not 1"
    return str(found[0])


def until(condition: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + SETTLED
    while not condition():
        if time.monotonic() > give_up_at:
            raise TimeoutError(f"the cluster did not get there by itself within {SETTLED:g} s")
        time.sleep(0.1)


def _start_balancer(root: Path, program: str, listen: int, members: list[Member]) -> "subprocess.Popen[bytes]":
    """The guide's block, with this machine's ports, all below one address, in its place."""
    servers = "".join(
        f"    server {member.name} 127.0.0.1:{member.clients.port} port {member.health.port}\n" for member in members
    )
    block = block_of_the_guide("haproxy")
    assert "bind :5432\n" in block and GUIDES_SERVERS in block, f"the block of haproxy in {GUIDE} has other lines"
    settings = root / "haproxy.cfg"
    settings.write_text(block.replace("bind :5432\n", f"bind 127.0.0.1:{listen}\n").replace(GUIDES_SERVERS, servers))
    with (root / "haproxy.log").open("wb") as log:
        return subprocess.Popen([program, "-db", "-f", settings], stdin=subprocess.DEVNULL, stdout=log, stderr=log)


def _start_etcd(root: Path) -> tuple["subprocess.Popen[bytes]", int]:
    program = shutil.which("etcd", path=f"{os.environ['PATH']}:/usr/bin:/usr/local/bin")
    if program is None:
        raise FileNotFoundError("etcd is not installed")
    clients, peers = free_port(), free_port()
    with (root / "etcd.log").open("wb") as log:
        running = subprocess.Popen(
            [
                program,
                f"--data-dir={root / 'etcd'}",
                f"--listen-client-urls=http://127.0.0.1:{clients}",
                f"--advertise-client-urls=http://127.0.0.1:{clients}",
                f"--listen-peer-urls=http://127.0.0.1:{peers}",
                f"--initial-advertise-peer-urls=http://127.0.0.1:{peers}",
                f"--initial-cluster=default=http://127.0.0.1:{peers}",
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    return running, clients
