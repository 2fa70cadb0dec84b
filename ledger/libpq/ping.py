"""Whether a server answers, found out without holding up the threads of this process.

libpq's own ping blocks the whole interpreter for two seconds at a server that is frozen.
"""

import selectors
import time

from psycopg import pq
from psycopg.pq.abc import PGconn

OK = pq.PollingStatus.OK
READING = pq.PollingStatus.READING
FAILED = pq.PollingStatus.FAILED


def ping(conninfo: str, seconds: float = 1.0) -> pq.Ping:
    """OK, REJECT (alive, but takes no connection now) or NO_RESPONSE, which silence for so many seconds is too."""
    give_up_at = time.monotonic() + seconds
    connecting = pq.PGconn.connect_start(conninfo.encode())
    try:
        while (status := _polled(connecting)) not in (OK, FAILED):
            if not _is_ready(connecting.socket, status, give_up_at - time.monotonic()):
                return pq.Ping.NO_RESPONSE
    finally:
        connecting.finish()
    if status == OK:
        return pq.Ping.OK
    return pq.Ping(pq.PGconn.ping(f"{conninfo} connect_timeout=2".encode()))  # there was an answer at once: ask which


def _polled(connecting: PGconn) -> pq.PollingStatus:
    if connecting.status == pq.ConnStatus.BAD:
        return FAILED
    return pq.PollingStatus(connecting.connect_poll())


def _is_ready(descriptor: int, status: pq.PollingStatus, seconds: float) -> bool:
    if seconds <= 0:
        return False
    with selectors.DefaultSelector() as waiting:  # `select` takes no descriptor above 1023
        waiting.register(descriptor, selectors.EVENT_READ if status == READING else selectors.EVENT_WRITE)
        return bool(waiting.select(seconds))
