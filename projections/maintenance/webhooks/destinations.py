"""Where webhooks lead and how far each has come: addresses, secrets and positions, kept by the machine that sends.

They lie in `webhooks.json` beside this machine's working files, as its access tokens do, and not in the log: an address
of Slack or Discord is a secret itself. The file is the owner's alone (mode 600), and on the disk after every delivery.
"""

import base64
import secrets
from collections.abc import Callable
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ledger.errors import Damaged
from ledger.machine.disk import lock_of, write_private
from projections.maintenance.webhooks.network import problems_of

FILE = "webhooks.json"
SECRET = "whsec_"  # how secrets of the Standard Webhooks convention begin
SECRET_BYTES = 32


class Failing(Struct, frozen=True, kw_only=True):
    """Attempts in a row that were not taken. `since` and `next_at` are seconds since 1970, `why` one sentence."""

    since: float
    attempts: int
    next_at: float
    why: str


class Former(Struct, frozen=True, kw_only=True):
    """A secret that was replaced and signs beside the new one until `until`, in seconds since 1970."""

    secret: str
    until: float


class Destination(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where one webhook leads. Everything up to `position` was taken or is not meant for it.

    `parked` says why sending ended, and `rotated_by` which command made the secret.

    Raises ValueError for what no request can be made of, so that a file that was edited is Damaged; it names no secret.
    """

    id: str
    url: str
    secret: str
    position: int
    failing: Failing | None = None
    parked: str | None = None
    formers: tuple[Former, ...] = ()
    rotated_by: str | None = None

    def __post_init__(self) -> None:
        if any(problems_of(self.url)):
            raise ValueError("the url is no address of a webhook")
        for secret in self.secrets(0.0):
            key_of(secret)

    def secrets(self, moment: float) -> list[str]:
        """The secrets that sign at a moment, the newest first."""
        return [self.secret, *(former.secret for former in self.formers if moment < former.until)]


def key_of(secret: str) -> bytes:
    """The bytes that sign. Raises ValueError for a secret that is none."""
    try:
        return base64.b64decode(secret.removeprefix(SECRET), validate=True)
    except ValueError as error:
        raise ValueError("the secret is none of a webhook") from error


def _new_secret() -> str:
    return SECRET + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


class Destinations:
    """The destinations of one ledger on this machine. Safe for many threads and processes."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._file = home / FILE

    @property
    def exist(self) -> bool:
        return self._file.exists()

    def all(self) -> dict[str, Destination]:
        """All of them by the webhook's id. Raises Damaged for a file that holds none."""
        try:
            content = self._file.read_bytes()
        except FileNotFoundError:
            return {}
        try:
            return {found.id: found for found in msgspec.json.decode(content, type=list[Destination])}
        except msgspec.MsgspecError as error:
            raise Damaged(
                f"{self._file} does not hold webhooks: {error}",
                next_step="restore the file, or move it away, and add the webhooks again",
                file=str(self._file),
            ) from error

    def add(self, id: str, url: str, position: int) -> Destination:
        """One that is there already under this id stays as it is."""
        made = Destination(id=id, url=url, secret=_new_secret(), position=position)
        with lock_of(self._file):
            known = self.all()
            if id not in known:
                self._write(known | {id: made})
        return known.get(id, made)

    def remove(self, id: str) -> None:
        with lock_of(self._file):
            known = self.all()
            if known.pop(id, None) is not None:
                self._write(known)

    def restart(self, id: str, position: int | None = None) -> None:
        """Sends again at once, also where it was parked: from a position, or from where it was."""

        def restarted(now: Destination) -> Destination:
            return replace(now, parked=None, failing=None, position=now.position if position is None else position)

        self._change(id, restarted)

    def rotate(self, id: str, command: str, now: float, until: float) -> Destination | None:
        """Gives it a new secret; the former ones sign until then, or until their own time where that ends sooner.

        A repeated command makes no second secret.
        """

        def rotated(known: Destination) -> Destination:
            if known.rotated_by == command:
                return known
            ending = [Former(secret=known.secret, until=until)]
            ending += [replace(former, until=min(former.until, until)) for former in known.formers]
            valid = tuple(former for former in ending if former.until > now)
            return replace(known, secret=_new_secret(), formers=valid, rotated_by=command)

        return self._change(id, rotated)

    def advance(self, seen: Destination, position: int) -> Destination | None:
        """Everything up to a position is taken. None if another process has moved or removed it since it was seen."""
        return self._change_seen(seen, replace(seen, position=position, failing=None))

    def fail(self, seen: Destination, failing: Failing) -> Destination | None:
        return self._change_seen(seen, replace(seen, failing=failing))

    def park(self, seen: Destination, why: str) -> Destination | None:
        return self._change_seen(seen, replace(seen, parked=why))

    def _change_seen(self, seen: Destination, wanted: Destination) -> Destination | None:
        changed = self._change(seen.id, lambda now: wanted if now == seen else now)
        return changed if changed == wanted else None

    def _change(self, id: str, change: Callable[[Destination], Destination]) -> Destination | None:
        with lock_of(self._file):
            known = self.all()
            if id not in known:
                return None
            changed = change(known[id])
            if changed != known[id]:
                self._write(known | {id: changed})
            return changed

    def _write(self, known: dict[str, Destination]) -> None:
        write_private(self._file, msgspec.json.format(msgspec.json.encode(list(known.values())), indent=2) + b"\n")
