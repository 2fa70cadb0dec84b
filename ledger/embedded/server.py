"""A private PostgreSQL server that is started on first use and shared by all processes of its user.

It stays when the process that started it leaves: a start takes a tenth of a second, an idle server 23 MB, while a stop
after every command would make each one slow and racy. It listens on one socket in a folder only its user can enter.
"""

import hashlib
import os
import stat
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path

import psycopg
from filelock import FileLock, Timeout
from psycopg import pq

from ledger.embedded.binaries import Binaries, find_binaries
from ledger.embedded.data_folder import (
    last_lines,
    major_of,
    make_data_folder,
    postmaster_of,
    remove_misleading_lock_file,
    servers_in,
    write_settings,
)
from ledger.embedded.server_account import ServerAccount, choose_account
from ledger.errors import Unavailable
from ledger.libpq.conninfo import isolated
from ledger.libpq.ping import ping
from ledger.libpq.session import Session

PORT = 5432  # only a part of the socket's file name
LONGEST_SOCKET_PATH = 100  # bytes; the kernels allow 107 (Linux) and 103 (macOS)
PING_SECONDS = 2.0
SILENT_SECONDS = 15.0  # how long processes without an answer are waited for, such as the last ones of a killed server
STOP_SECONDS = 60.0
LARGEST_LOG = 10_000_000  # bytes, then it becomes the .old one at the next start
SHORT_FOLDERS = Path("/tmp")  # not TMPDIR: two processes of one user must agree on the place

OTHER_CLIENTS = (  # not in sql/: it asks the server about itself and knows no table of the ledger
    "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
)
CHOOSE_ANOTHER = "name a folder you may write to in LEDGER_PGDATA, or a running server in LEDGER_DSN"


class EmbeddedServer:
    """The server of the folder `root`, running or not; making this object touches nothing.

    `start_timeout` seconds are allowed for a start, which after a crash includes reading back what the log holds.
    Every failure is an `Unavailable`.
    """

    def __init__(self, root: Path, bin_folder: Path | None = None, start_timeout: float = 120.0) -> None:
        self.root = Path(root).resolve()  # two spellings of one folder must lead to one socket
        self.data = self.root / "data"
        self.log_file = self.root / "server.log"
        self.socket_folder = _socket_folder_for(self.root)
        self._bin_folder = bin_folder
        self._start_timeout = start_timeout
        self._tools_log = self.root / "tools.log"
        self._is_starting = False
        self.starting = False  # whether it is seen to come up, so that waiting for it makes sense

    @cached_property
    def binaries(self) -> Binaries:
        """The programs in use. Refuses when none of them fits the data folder."""
        return find_binaries(bin_folder=self._bin_folder, needed_major=major_of(self.data))

    def ensure(self) -> None:
        """Return when the server accepts connections. Costs one ping when it already does."""
        if self.is_running():
            return
        with self._start_lock():
            self._wait_until_settled()
            if not self.is_running():
                self.starting = self._is_starting = True
                try:
                    self._start()
                finally:
                    self.starting = self._is_starting = False

    def conninfo(self, user: str, dbname: str) -> str:
        """How libpq reaches it, whatever is exported for other servers."""
        return isolated(host=str(self.socket_folder), port=PORT, user=user, dbname=dbname)

    def is_running(self) -> bool:
        """Whether it accepts connections now."""
        return self._ping() == pq.Ping.OK

    def stop(self) -> bool:
        """Close every connection in order and end. False, and nothing done, if others use it or it does not run.

        A server that lives but cannot be asked (its socket was removed) is stopped as well; no commit is lost by it.
        """
        if major_of(self.data) is None:
            return False
        with self._start_lock():
            if postmaster_of(self.data) is None or (self.is_running() and self._has_other_clients()):
                return False
            if self._pg_ctl("stop", "-m", "fast", seconds=STOP_SECONDS) == 0:
                self._remove_short_folder()
                return True
            raise Unavailable(
                f"PostgreSQL in {self.data} did not stop within {STOP_SECONDS:.0f} s: {last_lines(self._tools_log)}",
                next_step=f"read {self.log_file}, and repeat",
            )

    def _ping(self) -> pq.Ping:
        # not a process id: numbers are given again, and zombies keep theirs
        if not self._socket_folder_is_ours():
            return pq.Ping.NO_RESPONSE
        answer = ping(self.conninfo("postgres", "postgres"), PING_SECONDS)
        self.starting = answer == pq.Ping.REJECT or self._is_starting
        return answer

    def _socket_folder_is_ours(self) -> bool:
        # anyone can make a folder in /tmp: a stranger's server there must get none of our connections
        try:
            status = self.socket_folder.lstat()
        except OSError:
            return False
        return stat.S_ISDIR(status.st_mode) and status.st_uid in self._our_user_ids() and not status.st_mode & 0o077

    def _our_user_ids(self) -> set[int]:
        ours = {os.geteuid()}
        if 0 in ours and self.data.exists():
            ours.add(self.data.stat().st_uid)
        return ours

    @contextmanager
    def _start_lock(self) -> Iterator[None]:
        """One process and thread at a time starts or stops; the kernel frees the lock of a killed one."""
        if os.name != "posix":
            raise Unavailable("the embedded server needs Linux or macOS", next_step="set LEDGER_DSN to a server")
        try:
            # others may pass through root's folder, for the server may have to run as another account
            self.root.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
            with FileLock(self.root / "start.lock", timeout=self._start_timeout):
                yield
        except Timeout as error:
            raise Unavailable(
                f"another process has been starting the server in {self.root} for {self._start_timeout:.0f} s",
                next_step=f"read {self.log_file}, and repeat",
            ) from error
        except OSError as error:
            raise Unavailable(
                f"cannot keep an embedded server in {self.root} (LEDGER_PGDATA): {error}", next_step=CHOOSE_ANOTHER
            ) from error
        except subprocess.TimeoutExpired as error:
            raise Unavailable(
                f"a program of PostgreSQL took longer than {error.timeout:.0f} s in {self.root}",
                next_step=f"read {self._tools_log} and {self.log_file}, and repeat",
            ) from error

    def _wait_until_settled(self) -> None:
        """Waits until the server answers, or none of its processes is left, so that none has the data open."""
        give_up_at = time.monotonic() + self._start_timeout
        silent_until = time.monotonic() + SILENT_SECONDS
        while (answer := self._ping()) != pq.Ping.OK:
            if answer == pq.Ping.REJECT:  # starting, reading back after a crash, or stopping
                silent_until = time.monotonic() + SILENT_SECONDS
            elif not servers_in(self.data):
                return
            if time.monotonic() > min(give_up_at, silent_until):
                raise self._stuck()
            time.sleep(0.05)

    def _stuck(self) -> Unavailable:
        processes = servers_in(self.data)
        return Unavailable(
            f"PostgreSQL in {self.data} runs but accepts no connections, processes {processes}",
            next_step=f"read {self.log_file}; then `tracking-ledger doctor --stop-server`, and repeat",
            processes=processes,
        )

    def _start(self) -> None:
        account = choose_account(data=self.data, root=self.root, programs=self.binaries.folder)
        if major_of(self.data) is None:
            make_data_folder(self.data, account=account, binaries=self.binaries, log=self._tools_log)
        self._make_socket_folder(account)
        write_settings(self.data, self._settings())
        for lock_file in (self.data / "postmaster.pid", self.socket_folder / f".s.PGSQL.{PORT}.lock"):
            remove_misleading_lock_file(lock_file)
        already_written = self._open_log(account)
        # names within the folder: pg_ctl hands them to a shell, which would take a $ or a quote of the path for its own
        code = self._pg_ctl("start", "-l", self.log_file.name, seconds=self._start_timeout)
        if code != 0 or not self.is_running():
            raise Unavailable(
                f"PostgreSQL did not start in {self.data}: {last_lines(self.log_file, since_byte=already_written)}",
                next_step=f"read {self.log_file} and {self._tools_log}, mend what they name, and repeat; "
                "or set LEDGER_DSN to a running server",
            )

    def _settings(self) -> dict[str, str]:
        # rewritten at every start: the folder may have been moved. Durability stays at PostgreSQL's safe defaults
        return {
            "listen_addresses": "",
            "port": str(PORT),
            "unix_socket_directories": str(self.socket_folder),
            "unix_socket_permissions": "0700",
            "max_connections": "200",
        }

    def _make_socket_folder(self, account: ServerAccount) -> None:
        try:
            self.socket_folder.mkdir(mode=0o700)
            account.take_over(self.socket_folder)
        except FileExistsError:
            pass
        if not self._socket_folder_is_ours():
            raise Unavailable(
                f"the socket's folder {self.socket_folder} belongs to another user or is open to others",
                next_step="name a folder with a shorter path in LEDGER_PGDATA, or a running server in LEDGER_DSN",
            )

    def _remove_short_folder(self) -> None:
        if self.root not in self.socket_folder.parents:
            with suppress(OSError):  # already removed; what is not the server's own stays, and the folder with it
                self.socket_folder.rmdir()

    def _open_log(self, account: ServerAccount) -> int:
        if self.log_file.exists() and self.log_file.stat().st_size > LARGEST_LOG:
            self.log_file.replace(self.log_file.with_suffix(".log.old"))
        self.log_file.touch(mode=0o600)
        account.take_over(self.log_file)
        return self.log_file.stat().st_size

    def _pg_ctl(self, verb: str, *options: str, seconds: float) -> int:
        account = choose_account(data=self.data, root=self.root, programs=self.binaries.folder)
        lock_timeout = ("-w", "-t", str(round(seconds)))
        command = [str(self.binaries.folder / "pg_ctl"), verb, "-D", self.data.name, *lock_timeout, *options]
        return account.run(command, folder=self.root, log=self._tools_log, timeout=seconds + 30)

    def _has_other_clients(self) -> bool:
        try:
            # in one transaction the list of clients would stay as first read
            with Session.connect(self.conninfo("postgres", "postgres"), autocommit=True) as connection:
                return all(_counts_clients(connection, after=seconds) for seconds in (0.0, 0.2, 0.5))
        except psycopg.Error as error:
            raise Unavailable(
                f"cannot ask the server in {self.data} who uses it: {error}",
                next_step=f"read {self.log_file}, and repeat",
            ) from error


def _socket_folder_for(root: Path) -> Path:
    """Inside `root`, unless the system or libpq could not read that path; then a short name for it in /tmp."""
    inside = root / "run"
    too_long = len(os.fsencode(inside / f".s.PGSQL.{PORT}")) > LONGEST_SOCKET_PATH
    if too_long or "," in str(inside) or not str(inside).isprintable():
        return SHORT_FOLDERS / f"tracking-ledger-{hashlib.sha256(os.fsencode(root)).hexdigest()[:16]}"
    return inside


def _counts_clients(connection: Session, *, after: float) -> bool:
    time.sleep(after)  # a client that just left is counted for some milliseconds more
    row = connection.execute(OTHER_CLIENTS).fetchone()
    return row is not None and row[0] > 0
