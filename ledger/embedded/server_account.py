"""The account a server's processes run as, for PostgreSQL refuses to be run by root.

No account is created and no folder's rights are loosened. Run by root, in this order:
1. an existing data folder is served as the account that owns it, if that is not root;
2. a user namespace in which our own id is shown as `nobody`: all files stay root's, so a private home works;
3. the account `postgres` or `nobody`, if it can reach the programs and the folder.
"""

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ledger.errors import Unavailable

# the server must not take a port, a folder or a locale from settings meant for clients
_FOREIGN_SETTINGS = ("PG", "LC_", "LANG")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerAccount:
    """`prefix` is put before every command; `user` and `group` are taken on, None means our own."""

    prefix: tuple[str, ...] = ()
    user: int | None = None
    group: int | None = None

    def run(self, command: Sequence[str | Path], *, folder: Path, log: Path, timeout: float) -> int:
        """The return code. Output goes to `log`, never to a pipe: the server would hold it open for its reader."""
        with log.open("wb") as output:
            return subprocess.run(
                [*self.prefix, *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=folder,
                env=_server_environment(),
                timeout=timeout,
                check=False,
                start_new_session=True,  # a terminal's Ctrl-C is not meant for the server
                user=self.user,
                group=self.group,
                extra_groups=None if self.user is None else [],
            ).returncode

    def take_over(self, path: Path) -> None:
        """Give `path`, which we made, to this account."""
        if self.user is not None and self.group is not None:
            os.chown(path, self.user, self.group)

    def can_use(self, *, programs: Path, root: Path) -> bool:
        """Asks the kernel, by doing it: mode bits alone say too little about mounts, lists of rights and labels."""
        return self._succeeds(str(programs / "postgres"), "--version") and self._succeeds("test", "-x", str(root))

    def _succeeds(self, *command: str) -> bool:
        try:
            return self.run(command, folder=Path("/"), log=Path(os.devnull), timeout=10) == 0
        except (OSError, subprocess.SubprocessError):
            return False


def choose_account(*, data: Path, root: Path, programs: Path) -> ServerAccount:
    """`root` must exist, `data` (the data folder inside it) need not. Refuses when root has no account to run as."""
    if os.geteuid() != 0:
        return ServerAccount()
    owner = data.stat().st_uid if data.exists() else None
    if owner:
        return _account_of(owner)
    if disguised := _disguised_root():
        return disguised
    candidates = [] if owner == 0 else [*_account_named("postgres"), *_account_named("nobody")]
    for account in candidates:
        if account.can_use(programs=programs, root=root):
            return account
    raise Unavailable(
        f"PostgreSQL does not run as root: user namespaces are not allowed here and "
        f"neither postgres nor nobody can use both {root} and {programs}",
        next_step="run as a normal user, or name in LEDGER_PGDATA a folder every account can reach, "
        "or set LEDGER_DSN to a running server",
    )


def _disguised_root() -> ServerAccount | None:
    unshare = shutil.which("unshare")
    for nobody in _account_named("nobody") if unshare else []:
        prefix = (str(unshare), "--user", f"--map-user={nobody.user}", f"--map-group={nobody.group}", "--")
        account = ServerAccount(prefix=prefix)
        if account._succeeds("true"):
            return account
    return None


def _account_of(user: int) -> ServerAccount:
    import pwd  # not on Windows, where this module is imported but never used

    try:
        return ServerAccount(user=user, group=pwd.getpwuid(user).pw_gid)
    except KeyError:
        raise Unavailable(
            f"the data folder belongs to user {user}, which has no account on this machine",
            next_step="run as the account that made it, or name another folder in LEDGER_PGDATA",
        ) from None


def _account_named(name: str) -> list[ServerAccount]:
    import pwd  # not on Windows, where this module is imported but never used

    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return []
    return [ServerAccount(user=entry.pw_uid, group=entry.pw_gid)]


def _server_environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN_SETTINGS)}
    return kept | {"LC_ALL": "C"}  # macOS starts threads to find out a locale not given, and the server refuses them
