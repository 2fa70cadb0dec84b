"""Calls that last: a client hears that they still run, and can give them up."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from uuid import uuid4

import pytest

from ledger.settings import Settings
from mcp_adapter.capabilities import tools
from projections.application.app import App
from projections.operations.catalog import OPERATIONS
from projections.tables.postgres import LOCK
from tests.support.long_cases import long_cases
from tests.support.mcp_client import STATELESS, served
from tests.support.waits import until

WAITS = "SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database())"


@contextmanager
def a_slow_database(app: App) -> Iterator[None]:
    """Another client holds this ledger's lock, so that its writes wait."""
    with app.database.transaction() as connection:
        connection.execute(LOCK, [app.identity.key])
        yield


@long_cases("revision", ["2025-11-25", STATELESS])
def test_a_client_that_asks_for_progress_hears_that_a_call_still_runs(
    settings: Settings, app: App, revision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tools, "BEAT", 0.1)
    with served(settings, revision=revision) as client, ThreadPoolExecutor(1) as working:
        client.call("prime")
        arguments = {"item_type": "task", "title": "Waits"}
        asked = {"name": "create_work_item", "arguments": arguments, "_meta": {"progressToken": "mine"}}
        with a_slow_database(app):
            answering = working.submit(client.request, "tools/call", asked)
            notes = [client.note("notifications/progress") for _ in range(2)]
        result = answering.result()

    assert [note["progressToken"] for note in notes] == ["mine", "mine"]
    assert notes[0]["progress"] < notes[1]["progress"]
    assert result["structuredContent"]["outcome"] == "committed"


def test_a_write_under_way_at_the_end_of_the_conversation_is_recorded(settings: Settings, app: App) -> None:
    with served(settings) as client, ThreadPoolExecutor(1) as threads:
        client.call("prime")
        with app.database.transaction() as holder:
            holder.execute(LOCK, [app.identity.key])
            client.send("tools/call", {"name": "create_work_item", "arguments": {"item_type": "task", "title": "Last"}})
            until(lambda: holder.execute(WAITS).fetchall()[0][0])
            ended = threads.submit(client.close)
            with pytest.raises(TimeoutError):  # the server waits for it
                ended.result(0.2)
        assert ended.result() == 0

    listed = OPERATIONS["list_work_items"].perform(app, {})
    assert [item["title"] for item in listed["items"]] == ["Last"]


@pytest.mark.processes
def test_a_write_that_is_given_up_is_recorded_or_not_and_a_repetition_tells(settings: Settings, app: App) -> None:
    with served(settings) as client:
        client.call("prime")
        arguments = {"item_type": "task", "title": "Given up", "command_id": str(uuid4())}
        with a_slow_database(app):
            number = client.send("tools/call", {"name": "create_work_item", "arguments": arguments})
            time.sleep(0.5)  # it is under way
            client.write({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": number}})
            beside = client.call("list_work_items")
        repeated = client.call("create_work_item", **arguments)
        total = client.call("list_work_items")["total_count"]

    assert beside["total_count"] == 0
    assert repeated["outcome"] == "committed"
    assert not any(f'"id":{number},'.encode() in line for line in client.lines)
    assert total == 1
