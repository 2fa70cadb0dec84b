"""Tokens of an OAuth issuer elsewhere: JWTs, verified with the keys that it publishes (RFC 9068, RFC 7517)."""

import logging
import threading
import time
from typing import Any
from uuid import UUID

import jwt
from msgspec import Struct

from ledger.envelope import Scope
from mcp_adapter.callers.caller import SCOPES

ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"]  # signatures of a published key; never a shared secret, never none
LEEWAY = 30  # seconds that two clocks may differ
SECONDS = 5  # to fetch the keys
AGAIN = 60.0  # seconds until an unknown key is looked for once more: strangers must not make us ask all the time
NAME_LENGTH = 100

log = logging.getLogger(__name__)


class TokenClaims(Struct, frozen=True):
    """What a verified token says. `ledger` None: the only one that is served."""

    subject: str
    scope: Scope
    expires_at: int
    ledger: UUID | None


class Issuer:
    """One issuer. `audience` is our own address, as the tokens must name it (RFC 8707)."""

    def __init__(self, url: str, audience: str, keys_url: str) -> None:
        self.url = url
        self._audience = audience
        self._keys_url = keys_url
        self._keys: dict[str, Any] = {}
        self._asked = -AGAIN
        self._asking = threading.Lock()

    def verified(self, token: str) -> TokenClaims | None:
        """What the token says, or None for one that is not good here; the log says why, never what."""
        try:
            key = self._key(str(jwt.get_unverified_header(token).get("kid", "")))
            if key is None:
                log.warning("a token names no key that %s publishes", self.url)
                return None
            claims = jwt.decode(
                token,
                key,
                algorithms=ALGORITHMS,
                audience=self._audience,
                issuer=self.url,
                leeway=LEEWAY,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
            return _stated(claims)
        except (jwt.PyJWTError, ValueError) as error:
            log.warning("a token was refused: %s", type(error).__name__)
            return None

    def _key(self, name: str) -> Any:
        with self._asking:
            if name not in self._keys and time.monotonic() - self._asked > AGAIN:
                self._asked = time.monotonic()
                found = jwt.PyJWKClient(self._keys_url, cache_keys=False, timeout=SECONDS).get_signing_keys()
                self._keys = {key.key_id or "": key.key for key in found}
            return self._keys.get(name)


def _stated(claims: dict[str, Any]) -> TokenClaims | None:
    subject, granted = claims["sub"], claims.get("scope", claims.get("scp", ()))
    words = granted.split() if isinstance(granted, str) else granted
    scopes = [scope for scope in SCOPES if scope in words]
    if not scopes or not isinstance(subject, str) or not subject.isprintable() or len(subject) > NAME_LENGTH:
        log.warning("a token has no scope of ours, or a subject that is no name")
        return None
    ledger = claims.get("ledger")
    return TokenClaims(subject, scopes[-1], int(claims["exp"]), None if ledger is None else UUID(str(ledger)))
