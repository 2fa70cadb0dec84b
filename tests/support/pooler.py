"""A PgBouncer in transaction mode in front of a server, for a whole run of the tests."""

import os
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from psycopg import pq
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ledger.embedded.server import EmbeddedServer
from ledger.embedded.server_account import choose_account
from ledger.libpq.ping import ping

SETTINGS = """[databases]
* = host={host} port={port} auth_user=postgres
[pgbouncer]
unix_socket_dir = {folder}
listen_port = 6432
auth_type = trust
auth_file = {folder}/users
auth_query = SELECT rolname, '' FROM pg_roles WHERE rolname = $1
pool_mode = transaction
default_pool_size = {size}
max_client_conn = 500
max_prepared_statements = {statements}
logfile = {folder}/log
pidfile = {folder}/pid
ignore_startup_parameters = extra_float_digits, options
"""
STATEMENTS = "max_prepared_statements"  # a word that older versions do not know
KEEPS_STATEMENTS = (1, 22)  # the first version that does, for a client that asks it to
PORT = 6432


def find_pooler() -> str | None:
    return os.environ.get("LEDGER_TEST_POOLER") or shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")


class Pooler:
    """`conninfo` leads to the server; fewer connections than clients are shared by all who come here."""

    def __init__(
        self, program: str, server: EmbeddedServer, conninfo: str, *, size: int = 8, statements: int = 200
    ) -> None:
        version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
        found = re.search(r"PgBouncer (\d+)\.(\d+)", version)
        knows_statements = found is not None and (int(found[1]), int(found[2])) >= KEEPS_STATEMENTS
        self.keeps_statements = knows_statements and statements > 0
        self._folder = Path(tempfile.mkdtemp(prefix="tl-pooler-", dir="/tmp"))  # a socket's path is short
        self._folder.chmod(0o777)
        direct = conninfo_to_dict(conninfo)
        text = SETTINGS.format(
            host=direct["host"], port=direct["port"], folder=self._folder, size=size, statements=statements
        )
        if not knows_statements:
            text = "".join(line for line in text.splitlines(keepends=True) if not line.startswith(STATEMENTS))
        (self._folder / "users").write_text('"postgres" ""\n', encoding="utf-8")
        (self._folder / "settings.ini").write_text(text, encoding="utf-8")
        account = choose_account(data=server.data, root=server.root, programs=Path(program).parent)
        self._running = subprocess.Popen(
            [*account.prefix, program, str(self._folder / "settings.ini")],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            user=account.user,
            group=account.group,
        )
        self._wait(conninfo)

    def conninfo(self, direct: str) -> str:
        """The same database and role, through the pooler."""
        return make_conninfo(direct, host=str(self._folder), port=PORT, hostaddr=None)

    def stop(self) -> None:
        self._running.kill()  # newer ones wait for their clients at a SIGTERM; it keeps nothing
        self._running.wait(10)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _wait(self, direct: str) -> None:
        until = time.monotonic() + 10
        while ping(self.conninfo(direct)) != pq.Ping.OK:
            if time.monotonic() > until or self._running.poll() is not None:
                raise RuntimeError(f"the pooler does not answer: see {self._folder}/log")
            time.sleep(0.05)
