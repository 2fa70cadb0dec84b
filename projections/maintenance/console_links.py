"""One-time links into the console: a nonce in the address stands for tokens, once, for a minute.

They lie beside the tokens in this machine's working files (mode 600). What is kept of a nonce is its digest.
"""

from datetime import datetime, timedelta
from pathlib import Path
from secrets import token_urlsafe

import msgspec
from msgspec import Struct

from ledger.machine.disk import lock_of, write_private
from ledger.values.moment import parse, text
from projections.maintenance.access_tokens import digest

FILE = "console-links.json"
SECONDS = 60


class ConsoleLink(Struct, frozen=True, kw_only=True):
    """`digest` is that of the nonce; `secrets` the tokens that it stands for until `expires_at`, of a ledger each."""

    digest: str
    secrets: list[str]
    expires_at: str


class ConsoleLinks:
    """The links of one ledger on this machine that were not followed yet."""

    def __init__(self, home: Path) -> None:
        self._file = home / FILE

    def make(self, secrets: list[str], now: datetime) -> str:
        """The nonce of a new link to these tokens."""
        nonce = token_urlsafe(24)
        made = ConsoleLink(digest=digest(nonce), secrets=secrets, expires_at=text(now + timedelta(seconds=SECONDS)))
        with lock_of(self._file):
            self._write([*self._fresh(now), made])
        return nonce

    def take(self, nonce: str, now: datetime) -> list[str]:
        """The tokens that a nonce stands for, and from then on nothing; none for one that was used or is too old."""
        with lock_of(self._file):
            links = self._fresh(now)
            found = next((link for link in links if link.digest == digest(nonce)), None)
            if found is not None:
                self._write([link for link in links if link is not found])
        return found.secrets if found else []

    def _fresh(self, now: datetime) -> list[ConsoleLink]:
        try:
            links = msgspec.json.decode(self._file.read_bytes(), type=list[ConsoleLink])
        except (FileNotFoundError, msgspec.MsgspecError):  # a torn file holds nothing that a new link could not give
            return []
        return [link for link in links if now < parse(link.expires_at)]

    def _write(self, links: list[ConsoleLink]) -> None:
        write_private(self._file, msgspec.json.encode(links))
