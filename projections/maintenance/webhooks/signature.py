"""The signature of the Standard Webhooks convention: HMAC-SHA256 of id, time and body; see docs/decisions.md."""

import base64
import hashlib
import hmac
from collections.abc import Iterable

from projections.maintenance.webhooks.destinations import key_of


def signed_headers(secrets: Iterable[str], id: str, seconds: int, body: bytes) -> dict[str, str]:
    """What makes a message verifiable by any of the secrets; `seconds` since 1970 say when this attempt was made.

    >>> secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    >>> body = b'{"test": 2432232314}'
    >>> signed_headers([secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)["webhook-signature"]
    'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='
    """
    signed = b"%s.%d.%s" % (id.encode(), seconds, body)
    digests = (hmac.digest(key_of(secret), signed, hashlib.sha256) for secret in secrets)
    return {
        "webhook-id": id,
        "webhook-timestamp": str(seconds),
        "webhook-signature": " ".join("v1," + base64.b64encode(digest).decode() for digest in digests),
    }
