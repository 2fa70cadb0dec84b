"""Faults planted in the log itself, as only the server's administrator can: each is found, at its position."""

from collections.abc import Callable
from typing import LiteralString

import psycopg
import pytest

from ledger.embedded.server import EmbeddedServer
from projections.application.app import App
from projections.maintenance.verify import verify
from tests.conftest import Perform
from tests.support.long_cases import long_cases
from tests.support.waits import until

Plant = Callable[..., None]
AT = 3  # the position at which a fault is planted, of five
CHANGED = "UPDATE events SET {} WHERE position = 3 AND ledger_id = %s"
FORGED = "data = replace(data::text, 'Another', 'A forged')::json"
TAKEN_OUT = "DELETE FROM events WHERE position = 3 AND ledger_id = %s"
SWAPPED = (
    "UPDATE events SET position = 0 WHERE position = 3 AND ledger_id = %s",
    "UPDATE events SET position = 3 WHERE position = 4 AND ledger_id = %s",
    "UPDATE events SET position = 4 WHERE position = 0 AND ledger_id = %s",
)
PUT_AT_THE_END = (
    "INSERT INTO events SELECT ledger_id, 6, stream_id, 9, gen_random_uuid(), n, command, command_digest, type, schema,"
    " topics, data, by, occurred_at, recorded_at, digest FROM events WHERE position = 3 AND ledger_id = %s"
)


@pytest.fixture
def filled(app: App, perform: Perform) -> App:
    """A ledger with five events."""
    item = perform("create_work_item", item_type="task", title="One")
    perform("create_work_item", item_type="task", title="Its child", parent_id=item["id"])
    perform("create_work_item", item_type="task", title="Another child", parent_id=item["id"])
    perform("create_vendor", name="Acme")
    perform("update_work_item", id=item["id"], version=1, title="Two")
    return app


def changed(assignment: LiteralString) -> LiteralString:
    return CHANGED.format(assignment)


@pytest.fixture
def plant(server: EmbeddedServer, filled: App) -> Plant:
    def plant(*statements: LiteralString) -> None:
        with psycopg.connect(server.conninfo("postgres", "tracking_ledger")) as connection:
            connection.execute("SET search_path = tracking_ledger")
            connection.execute("SET session_replication_role = replica")  # no trigger refuses it
            for statement in statements:
                assert connection.execute(statement, [filled.identity.ledger]).rowcount

    return plant


@long_cases(
    "fault",
    [
        FORGED,
        "data = replace(data::text, ',', ', ')::json",
        "digest = sha256(digest)",
        "digest = ''",
        "by = by || ' '",
        "type = 'VendorCreated'",
        "schema = schema + 1",
        "topics = '{}'",
        "topics = '{a,b}'",
        "command = 'UpdateWorkItem'",
        "command_id = gen_random_uuid()",
        "command_digest = sha256('')",
        "n = n + 1",
        "version = version + 1",
        "stream_id = 'work_item-00000000-0000-0000-0000-000000000000'",
        "occurred_at = occurred_at + interval '1 microsecond'",
        "recorded_at = recorded_at - interval '1 microsecond'",
    ],
)
def test_an_event_of_which_anything_was_changed_is_named(filled: App, plant: Plant, fault: LiteralString) -> None:
    plant(changed(fault))

    [found] = verify(filled).differences

    assert (found.where, found.at) == ("database", f"position {AT}")


def test_an_event_that_was_taken_out_is_named_by_the_one_that_does_not_follow(filled: App, plant: Plant) -> None:
    plant(TAKEN_OUT)

    [found] = verify(filled).differences

    assert (found.where, found.at) == ("database", f"position {AT + 1}")


def test_two_events_that_changed_places_are_named_at_the_first(filled: App, plant: Plant) -> None:
    plant(*SWAPPED)

    [found] = verify(filled).differences

    assert (found.where, found.at) == ("database", f"position {AT}")


@pytest.mark.processes
def test_an_event_that_was_put_at_the_end_is_named(filled: App, plant: Plant) -> None:
    plant(PUT_AT_THE_END)

    [found] = verify(filled).differences

    assert (found.where, found.at) == ("database", "position 6")


@pytest.mark.processes
def test_a_journal_that_knows_better_does_not_hide_it(filled: App, plant: Plant) -> None:
    until(filled.sync.follow)
    plant(changed(FORGED))

    found = verify(filled).differences

    assert ("database", f"position {AT}") in {(one.where, one.at) for one in found}


@pytest.mark.processes
def test_a_text_that_was_replaced_without_an_erasure_is_named(filled: App, plant: Plant) -> None:
    """The digest of what was recorded alone would prove whatever stands beside it."""
    plant(
        changed(
            "data = ('{\"erased\":\"' || encode(sha256(convert_to(data::text, 'UTF8')), 'hex') ||"
            ' \'","item_type":"task","title":"Forged"}\')::json'
        )
    )

    found = verify(filled).differences[0]

    assert (found.where, found.at) == ("database", f"position {AT}")
    assert "no erasure says so" in found.what
