"""Bearer tokens of a served ledger: who may come in, as whom, and what they may do there.

They lie in `tokens.json` beside this machine's working files and not in the database, so that a server knows who comes
in while the database is away, and readers of the database learn nothing of them. A token is shown once, when it
is made; what is kept is its SHA-256, which 256 random bits make as good as a slow hash. Who can write the file can make
tokens: it is the server's own (mode 600).
"""

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ledger.envelope import Scope
from ledger.errors import Damaged, NotFound
from ledger.machine.disk import lock_of, write_private
from ledger.problems import check, problem
from ledger.settings import NAME_LENGTH
from ledger.values.moment import parse, text

FILE = "tokens.json"
PREFIX = "tl_"  # so that people and scanners recognise one that got lost
ID_BYTES = 4
MOST_DAYS = 3660


class Token(Struct, frozen=True, kw_only=True):
    """What is kept of a token; times are RFC 3339 in UTC."""

    id: str
    digest: str
    ledger: UUID
    actor: str
    scope: Scope
    created_at: str
    expires_at: str | None = None
    revoked_at: str | None = None

    def is_valid_at(self, now: datetime) -> bool:
        return self.revoked_at is None and (self.expires_at is None or now < parse(self.expires_at))

    def public_fields(self) -> dict[str, Any]:
        """All but the digest."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return {name: value for name, value in plain.items() if name != "digest"}


class Tokens:
    """The tokens of one ledger. Every question looks whether the file changed, so a revoked one is out at once."""

    def __init__(self, home: Path) -> None:
        self._file = home / FILE
        self._stamp: tuple[int, int, int] | None = None
        self._by_digest: dict[str, Token] = {}

    def make(self, ledger: UUID, actor: str, scope: Scope, now: datetime, days: int | None) -> tuple[str, Token]:
        """(the secret, what is kept of it)."""
        secret = PREFIX + secrets.token_urlsafe(32)
        made = Token(
            id=secrets.token_hex(ID_BYTES),
            digest=digest(secret),
            ledger=ledger,
            actor=actor,
            scope=scope,
            created_at=text(now),
            expires_at=None if days is None else text(now + timedelta(days=days)),
        )
        with lock_of(self._file):
            self._write([*self.all(), made])
        return secret, made

    def revoke(self, id: str, now: datetime) -> Token:
        """The token, revoked now unless it was before. Raises NotFound."""
        with lock_of(self._file):
            known = {token.id: token for token in self.all()}
            if id not in known:
                raise NotFound(f"there is no token {id}", next_step="`tracking-ledger token list` names them", id=id)
            if known[id].revoked_at is None:
                known[id] = replace(known[id], revoked_at=text(now))
                self._write(known.values())
        return known[id]

    def all(self) -> list[Token]:
        """Oldest first. Raises Damaged for a file that is none."""
        self._refresh()
        return list(self._by_digest.values())

    def good(self, digest: str, ledger: UUID, now: datetime) -> Token | None:
        """The token whose secret has this digest, if it opens this ledger now."""
        self._refresh()
        token = self._by_digest.get(digest)
        return token if token is not None and token.ledger == ledger and token.is_valid_at(now) else None

    def _refresh(self) -> None:
        try:
            found = self._file.stat()
        except FileNotFoundError:
            self._stamp, self._by_digest = None, {}
            return
        stamp = (found.st_mtime_ns, found.st_ino, found.st_size)
        if stamp != self._stamp:
            self._by_digest = {token.digest: token for token in self._read()}
            self._stamp = stamp

    def _read(self) -> list[Token]:
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=list[Token])
        except msgspec.MsgspecError as error:
            raise Damaged(
                f"{self._file} does not hold tokens: {error}",
                next_step="restore the file, or move it away and make new tokens",
                file=str(self._file),
            ) from error

    def _write(self, tokens: Iterable[Token]) -> None:
        write_private(self._file, msgspec.json.format(msgspec.json.encode(list(tokens)), indent=2) + b"\n")


def checked_name(actor: str) -> str:
    """Who a token is to act as. Raises Invalid for what is no name."""
    if not actor.strip() or not actor.isprintable() or len(actor) > NAME_LENGTH:
        check([problem("actor", f"must be a name of at most {NAME_LENGTH} printable characters", actor[:NAME_LENGTH])])
    return actor.strip()


def digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
