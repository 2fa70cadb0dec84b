"""PgBouncer in transaction mode: whether it keeps statements is found out at the first contact, whatever its settings.

The rest of the suite goes through one as well in a run that names it in LEDGER_TEST_POOLER.
"""

from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from ledger import identity
from ledger.embedded.server import EmbeddedServer
from ledger.postgres.connection.connect import APPLICATION, DATABASE, connect
from ledger.postgres.replica import Replica
from ledger.settings import Settings
from projections.application.app import App
from projections.operations.catalog import OPERATIONS
from tests.support.pooler import Pooler, find_pooler

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module", params=[0, 200])
def pooler(request: pytest.FixtureRequest, server: EmbeddedServer) -> Iterator[Pooler]:
    program = find_pooler()
    if program is None:
        pytest.skip("there is no PgBouncer: name one in LEDGER_TEST_POOLER")
    pooler = Pooler(program, server, server.conninfo(APPLICATION, DATABASE), size=2, statements=request.param)
    yield pooler
    pooler.stop()


@pytest.fixture
def pooled(pooler: Pooler, server: EmbeddedServer, settings: Settings) -> Settings:
    return replace(settings, dsn=pooler.conninfo(server.conninfo(APPLICATION, DATABASE)))


def test_statements_are_kept_where_the_pooler_takes_them_along(pooler: Pooler, pooled: Settings) -> None:
    database = connect(pooled)

    assert database.prepares is pooler.keeps_statements
    database.close()


def test_without_a_pooler_they_are_kept(server: EmbeddedServer, settings: Settings) -> None:
    database = connect(replace(settings, dsn=server.conninfo(APPLICATION, DATABASE)))

    assert database.prepares
    database.close()


def test_a_pooler_before_replicas_is_found_out_too(pooler: Pooler, pooled: Settings) -> None:
    writer = App(pooled)
    OPERATIONS["create_vendor"].perform(writer, {"name": "Acme"})
    writer.close()
    replica = Replica(replace(pooled, read_dsn=pooled.dsn), identity.find(pooled.project).key)

    with replica.asking(0, 0, b"") as database:
        assert database.prepares is pooler.keeps_statements

    replica.close()


def test_clients_in_turn_over_two_connections_are_answered_by_the_database(pooled: Settings) -> None:
    clients = [App(pooled) for _ in range(3)]
    OPERATIONS["create_vendor"].perform(clients[0], {"name": "Acme"})

    answers = [
        OPERATIONS["query_vendor_status"].perform(client, {"name": "Acme"}) for _ in range(4) for client in clients
    ]

    assert {answer["source"] for answer in answers} == {"postgres"}
    for client in clients:
        client.close()
