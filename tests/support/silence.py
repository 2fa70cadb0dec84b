"""A silent server is noticed sooner than a person's: how long it is asked says nothing about what follows."""

from functools import partial

import pytest

from ledger.libpq.ping import ping
from ledger.postgres.connection import pools, watchdog


def soon_looked_after(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that takes a tenth of a second is looked after, also of a server that is busy and answers late."""
    monkeypatch.setattr(watchdog, "LONG_CALL_SECONDS", 0.1)
    monkeypatch.setattr(watchdog, "LOOK_EVERY", 0.05)
    monkeypatch.setattr(pools, "ping", partial(ping, seconds=10.0))


def soon_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """So too, and its server is given up after two tenths: only where it is frozen."""
    soon_looked_after(monkeypatch)
    monkeypatch.setattr(pools, "ping", partial(ping, seconds=0.2))
