"""The signature of the Standard Webhooks convention: HMAC-SHA256 of id, time and body; see docs/decisions.md."""

import base64
import hashlib
import hmac

from projections.maintenance.webhooks.destinations import key_of


def signed_headers(secret: str, id: str, seconds: int, body: bytes) -> dict[str, str]:
    """What makes a message verifiable; `seconds` since 1970 say when this attempt was made.

    >>> secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    >>> body = b'{"test": 2432232314}'
    >>> signed_headers(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)["webhook-signature"]
    'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='
    """
    digest = hmac.digest(key_of(secret), b"%s.%d.%s" % (id.encode(), seconds, body), hashlib.sha256)
    return {
        "webhook-id": id,
        "webhook-timestamp": str(seconds),
        "webhook-signature": "v1," + base64.b64encode(digest).decode(),
    }
