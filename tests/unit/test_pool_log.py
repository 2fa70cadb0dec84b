"""What the pool of connections may say on the error output of a command."""

import socket

import pytest

from ledger.errors import LedgerError
from ledger.postgres.connection.database import Database


def test_a_pool_that_is_closed_while_it_connects_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        dsn = f"host=127.0.0.1 port={silent.getsockname()[1]} dbname=x user=x"
        database = Database(dsn, is_away=lambda: True)  # so that the caller does not wait for it
        with pytest.raises(LedgerError):
            database.call("SELECT 1")

        database.close()

    assert [record.getMessage() for record in caplog.records if "stop thread" in record.getMessage()] == []
