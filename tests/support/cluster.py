"""PostgreSQL nodes on loopback: a primary, standbys that stream from it, and what an operator does with them.

The operator does what Patroni does (promote, fence, rejoin), without its elections: what is tried here are the clients.
Clients come through a proxy in front of each node, which can be cut without closing a connection.
"""

import contextlib
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import psycopg
from psycopg import pq
from psycopg.conninfo import make_conninfo

from ledger.embedded.binaries import find_binaries
from ledger.embedded.data_folder import servers_in
from ledger.embedded.server_account import choose_account
from ledger.libpq.ping import ping

SETTINGS = """
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
wal_level = replica
hot_standby = on
wal_keep_size = 256MB
wal_log_hints = on
shared_buffers = 32MB
max_connections = 200
wal_receiver_timeout = 5s
wal_sender_timeout = 5s
wal_retrieve_retry_interval = 500ms
synchronous_standby_names = ''
"""


class Node:
    """One server, with the proxy in front of it. Everything it starts it ends by its id."""

    def __init__(self, root: Path, name: str) -> None:
        self.name = name
        self.data = root / name
        self.log = root / f"{name}.log"
        self.binaries = find_binaries(bin_folder=None, needed_major=None).folder
        self.account = choose_account(data=self.data, root=root, programs=self.binaries)
        self.port = free_port()
        self.proxy = Proxy(self.port)

    @property
    def conninfo(self) -> str:
        """To the node itself, as its superuser."""
        return make_conninfo(
            "", host="127.0.0.1", port=self.port, user="postgres", dbname="postgres", connect_timeout=2
        )

    def initialise(self) -> None:
        self._run("initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "-N")
        with (self.data / "postgresql.conf").open("a") as settings:
            settings.write(SETTINGS.format(port=self.port))

    def copy_of(self, other: "Node") -> None:
        """A fresh standby of another node."""
        shutil.rmtree(self.data, ignore_errors=True)
        source = f"host=127.0.0.1 port={other.port} user=postgres application_name={self.name}"
        self._run("pg_basebackup", "-D", self.data, "-d", source, "-R", "-X", "stream", "-c", "fast")
        with (self.data / "postgresql.conf").open("a") as settings:
            settings.write(f"port = {self.port}\nsynchronous_standby_names = ''\n")
        with (self.data / "postgresql.auto.conf").open("a") as settings:
            settings.write("synchronous_standby_names = ''\n")

    def start(self) -> None:
        self._run("pg_ctl", "-D", self.data, "-l", self.log, "-w", "-t", "30", "start")

    def stop(self) -> None:
        self._run("pg_ctl", "-D", self.data, "-m", "fast", "-w", "-t", "30", "stop")

    def promote(self) -> None:
        self._run("pg_ctl", "-D", self.data, "-w", "-t", "30", "promote")

    def send(self, what: signal.Signals) -> None:
        """To every process of this server."""
        for process in servers_in(self.data):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, what)

    def destroy(self) -> None:
        while servers_in(self.data):
            self.send(signal.SIGKILL)
            time.sleep(0.05)
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def answers(self) -> bool:
        return ping(self.conninfo) == pq.Ping.OK

    def wait_until_followed(self, seconds: float = 30) -> None:
        """The other one has all that this one has, and goes on receiving it."""
        until = time.monotonic() + seconds
        with psycopg.connect(self.conninfo, autocommit=True) as connection:
            while not connection.execute("SELECT 1 FROM pg_stat_replication WHERE state = 'streaming'").fetchall():
                if time.monotonic() > until:
                    raise TimeoutError(f"no other node follows {self.name}")
                time.sleep(0.05)

    def wait_for_other(self) -> None:
        """From here on an answer means that both have it."""
        self.wait_until_followed()
        with psycopg.connect(self.conninfo, autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
            connection.execute("SELECT pg_reload_conf()")
            time.sleep(0.2)

    def stop_receiving(self) -> None:
        """A standby falls behind from here on."""
        with psycopg.connect(self.conninfo, autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET primary_conninfo = ''")
            connection.execute("SELECT pg_reload_conf()")

    def stop_waiting(self) -> None:
        """It no longer waits for the other one."""
        with psycopg.connect(self.conninfo, autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET synchronous_standby_names = ''")
            connection.execute("SELECT pg_reload_conf()")

    def _run(self, program: str, *arguments: object) -> None:
        command = [self.binaries / program, *map(str, arguments)]
        code = self.account.run(command, folder=Path("/"), log=self.log.with_suffix(".tools"), timeout=60)
        if code:
            raise RuntimeError(f"{program} ended with {code}: {self.log.with_suffix('.tools').read_text()[-500:]}")


class Proxy:
    """Hands bytes on between clients and one port; cut, it hands on nothing and closes nothing."""

    def __init__(self, to: int) -> None:
        self._to = to
        self._open = threading.Event()
        self._open.set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        self._open.clear()

    def heal(self) -> None:
        self._open.set()

    def _accept(self) -> None:
        while True:
            client, _ = self._listener.accept()
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        self._open.wait()
        with client, contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._to), 2) as server:
            ways = {client: server, server: client}
            while True:
                ready, _, _ = select.select([client, server], [], [], 1)
                self._open.wait()
                for side in ready:
                    data = side.recv(65536)
                    if not data:
                        return
                    ways[side].sendall(data)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port: int = held.getsockname()[1]
        return port


def end_in_order() -> None:
    """SIGTERM ends this program as an error does: whatever it has started is ended, too."""

    def end(number: int, _: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # another one does not end the ending
        sys.exit(128 + number)

    signal.signal(signal.SIGTERM, end)


def processes_of(pids: list[subprocess.Popen[bytes]]) -> None:
    for running in pids:
        with contextlib.suppress(ProcessLookupError):
            running.kill()
        running.wait()
