"""Several hosts in one connection string: the one that leads is found, whatever the others do."""

import socket
from collections.abc import Iterator
from contextlib import suppress
from threading import Timer

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ledger.errors import Unavailable
from ledger.postgres.connection.hosts import leader_first
from ledger.settings import Settings
from projections.application.app import App
from projections.operations.catalog import OPERATIONS
from tests.support.tcp_gate import Gate
from tests.support.waits import SECONDS, until

pytestmark = pytest.mark.processes


@pytest.fixture
def silent() -> Iterator[int]:
    """A port that takes connections and says nothing, as a frozen server does."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def together(gate: Gate, *ports: int) -> str:
    hosts = {"host": ",".join("127.0.0.1" for _ in ports), "port": ",".join(map(str, ports))}
    return make_conninfo("", **{**conninfo_to_dict(gate.dsn), **hosts})


def ports(conninfo: str) -> list[int]:
    return [int(port) for port in str(conninfo_to_dict(conninfo)["port"]).split(",")]


def test_the_host_that_leads_comes_first_though_one_is_silent_and_one_gone(gate: Gate, silent: int) -> None:
    gone = Gate(gate.dsn)
    gone.close()

    found = leader_first(together(gate, silent, gone.port, gate.port), SECONDS)

    assert ports(found) == [gate.port, silent, gone.port]


def test_hosts_of_which_none_is_what_is_wanted_stay_as_they_were(gate: Gate, silent: int) -> None:
    wanted = make_conninfo(together(gate, silent, gate.port), target_session_attrs="standby")

    assert ports(leader_first(wanted, 0.5)) == [silent, gate.port]


@pytest.fixture
def follower(gate: Gate) -> Iterator[Gate]:
    """A server that says that it follows another one, until it is promoted."""
    gate.say(parameter(b"on"), of=parameter(b"off"))
    follower = Gate(gate.dsn)
    follower.say(answer(b"t"), of=answer(b"f"))
    yield follower
    follower.close()


def test_a_host_that_is_promoted_is_found_though_the_one_before_it_is_silent(follower: Gate, silent: int) -> None:
    dsn = make_conninfo(together(follower, silent, follower.port), target_session_attrs="read-write")
    promoted = Timer(1.5, lambda: follower.say(answer(b"f"), of=answer(b"t")))

    promoted.start()
    found = leader_first(dsn, 1.0, SECONDS)  # one that follows is asked for longer
    promoted.join()

    assert ports(found) == [follower.port]


def test_where_the_others_follow_a_silent_host_is_not_waited_for_again(follower: Gate, silent: int) -> None:
    """As it would be by libpq, one host after another, for as long as the connection string lets it."""
    dsn = make_conninfo(together(follower, silent, follower.port), target_session_attrs="read-write")

    with pytest.raises(psycopg.OperationalError, match="1 of 2 are standbys, the rest did not answer"):
        leader_first(dsn, SECONDS, 0.5)


def test_one_host_is_left_as_it_is(gate: Gate) -> None:
    assert leader_first(gate.dsn) == gate.dsn


def test_hosts_without_a_word_about_which_is_wanted_lead_to_the_primary(gate: Gate) -> None:
    found = conninfo_to_dict(leader_first(together(gate, gate.port, gate.port), SECONDS))

    assert found["target_session_attrs"] == "primary"


def parameter(value: bytes) -> bytes:
    """The message in which a server, or what stands in front of it, says whether it is a standby."""
    text = b"in_hot_standby\0" + value + b"\0"
    return b"S" + (len(text) + 4).to_bytes(4, "big") + text


def answer(value: bytes) -> bytes:
    """The row in which a server says whether it follows another one."""
    return b"D\0\0\0\x0b\0\x01\0\0\0\x01" + value


@pytest.mark.parametrize("wanted", ["read-write", "primary"])
def test_a_server_is_asked_whether_it_leads_where_a_pooler_goes_on_calling_it_a_standby(
    settings: Settings, gate: Gate, silent: int, wanted: str
) -> None:
    """As PgBouncer does with one that was promoted: it greets with what its server said first."""
    gate.say(parameter(b"on"), of=parameter(b"off"))
    dsn = make_conninfo(together(gate, silent, gate.port), target_session_attrs=wanted)
    app = App(Settings(project=settings.project, pgdata=settings.pgdata, dsn=dsn))

    found = leader_first(dsn, SECONDS)
    until(lambda: is_reached(app))  # on a busy machine longer than a caller waits
    outcome = OPERATIONS["create_work_item"].perform(app, {"item_type": "task", "title": "One"})["outcome"]
    app.close()

    assert ports(found) == [gate.port]
    assert outcome == "committed"


@pytest.fixture
def replaced(dsn: str) -> Iterator[Gate]:
    """Its server follows another one by now, and the pooler in front of it goes on greeting as a primary."""
    replaced = Gate(dsn)
    replaced.say(answer(b"t"), of=answer(b"f"))
    yield replaced
    replaced.close()


def test_a_primary_that_was_replaced_is_not_believed_though_a_pooler_greets_as_before(dsn: str, replaced: Gate) -> None:
    """The one that leads is greeted as the standby that it was, so that it comes to its word later."""
    promoted = Gate(dsn)
    promoted.say(parameter(b"on"), of=parameter(b"off"))
    both = make_conninfo(together(promoted, replaced.port, promoted.port), target_session_attrs="read-write")

    found = leader_first(both, SECONDS)
    promoted.close()

    assert ports(found) == [promoted.port]


def test_where_all_hosts_follow_none_is_believed(replaced: Gate) -> None:
    dsn = make_conninfo(together(replaced, replaced.port, replaced.port), target_session_attrs="read-write")

    with pytest.raises(psycopg.OperationalError, match="2 of 2 are standbys"):
        leader_first(dsn, SECONDS)


def is_reached(app: App) -> bool:
    with suppress(Unavailable):
        return app.database is not None
    return False


def test_a_ledger_works_beside_a_host_that_is_silent(settings: Settings, gate: Gate, silent: int) -> None:
    app = App(Settings(project=settings.project, pgdata=settings.pgdata, dsn=together(gate, silent, gate.port)))

    until(lambda: is_reached(app))
    outcomes = [
        OPERATIONS["create_work_item"].perform(app, {"item_type": "task", "title": title})["outcome"]
        for title in ("One", "Two")
    ]
    app.close()

    assert outcomes == ["committed", "committed"]
