"""A silent server is noticed sooner than a person's: how long it is asked says nothing about what follows."""

from functools import partial

import pytest

from ledger.libpq.ping import ping
from ledger.postgres.connection import pools, watchdog
from ledger.postgres.connection.pools import Pools
from tests.support.tcp_gate import Gate


def soon_looked_after(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that takes a tenth of a second is looked after, also of a server that is busy and answers late."""
    monkeypatch.setattr(watchdog, "LONG_CALL_SECONDS", 0.1)
    monkeypatch.setattr(watchdog, "LOOK_EVERY", 0.05)
    monkeypatch.setattr(pools, "ping", partial(ping, seconds=10.0))


def soon_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """So too, and its server is given up after two tenths: only where it is frozen."""
    soon_looked_after(monkeypatch)
    monkeypatch.setattr(pools, "ping", partial(ping, seconds=0.2))


def away_at_once(monkeypatch: pytest.MonkeyPatch, gate: Gate) -> None:
    """What is behind a gate is known to be away while that is closed: no first caller waits a second to find it out."""
    known = Pools.is_away
    monkeypatch.setattr(
        Pools, "is_away", lambda pools, place: known(pools, place) or (gate.is_closed and place.startswith(gate.dsn))
    )
