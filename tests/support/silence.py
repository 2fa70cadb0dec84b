"""A silent server is noticed sooner than a person's: how long it is asked says nothing about what follows."""

from functools import partial

import pytest

from ledger.libpq.ping import ping
from ledger.postgres.connection import database, watchdog


def soon_looked_after(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that takes a tenth of a second is looked after, for the rest of the test."""
    monkeypatch.setattr(watchdog, "LONG_CALL_SECONDS", 0.1)
    monkeypatch.setattr(watchdog, "LOOK_EVERY", 0.05)


def soon_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """So too, and its server is given up after two tenths. Only where it is frozen: others may be slow to answer."""
    soon_looked_after(monkeypatch)
    monkeypatch.setattr(database, "ping", partial(ping, seconds=0.2))
