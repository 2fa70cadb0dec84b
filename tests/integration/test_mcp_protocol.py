"""The server at the other end of a pipe: greetings, eras, what is no message, and what a process of it does."""

import json
import os
import signal
import time
from pathlib import Path

import anyio
import pytest
from mcp import Client, StdioServerParameters

import ledger
from ledger.embedded.server import EmbeddedServer
from ledger.postgres.connection.contact import COMING_SECONDS
from ledger.settings import Settings
from tests.conftest import Perform
from tests.support import fork_server
from tests.support.long_cases import long_cases
from tests.support.mcp_client import (
    HANDSHAKES,
    SERVER,
    STATELESS,
    RefusedByProtocol,
    environment,
    served,
    server_process,
)

NOWHERE = {"LEDGER_DSN": "host=127.0.0.1 port=1 dbname=tracking_ledger user=nobody connect_timeout=1"}
UNKNOWN_TOOL = INVALID_CURSOR = -32602
PARSE_ERROR = -32700
INVALID_REQUEST = -32600


@pytest.mark.parametrize("revision", HANDSHAKES)
def test_a_client_with_a_handshake_gets_the_revision_it_asks_for(settings: Settings, revision: str) -> None:
    with served(settings, revision=revision) as client:
        greeting = client.greeting

    assert greeting["protocolVersion"] == revision
    assert greeting["serverInfo"]["name"] == "tracking-ledger"
    assert greeting["serverInfo"]["version"] == ledger.__version__
    assert greeting["instructions"].isascii()


def test_a_client_without_a_handshake_is_served_from_its_first_request(settings: Settings) -> None:
    with served(settings, revision=STATELESS) as client:
        answer = client.call("create_work_item", item_type="task", title="Stateless")

    assert client.greeting["supportedVersions"][0] == STATELESS
    assert answer["outcome"] == "committed"


@pytest.mark.parametrize("revision", ["2025-11-25", STATELESS])
def test_an_unsigned_write_is_by_the_client_s_own_name(settings: Settings, revision: str) -> None:
    with served(settings, revision=revision, name="claude-code") as client:
        created = client.call("create_work_item", item_type="task", title="Unsigned")
        item = client.call("query_work_item", id=created["id"])

    assert item["created_by"] == "claude-code"


@pytest.mark.processes
def test_a_question_is_not_narrowed_to_its_client_s_own_changes(settings: Settings, perform: Perform) -> None:
    perform("create_work_item", item_type="task", title="Somebody else's", by="ada")

    with served(settings, name="claude-code") as client:
        changes = client.call("changes_since", since=0)

    assert [change["by"] for change in changes["items"]] == ["ada"]


@pytest.mark.processes
def test_a_killed_embedded_server_is_started_again_by_the_next_call(settings: Settings, tmp_path: Path) -> None:
    data = tmp_path / "postgres"
    server = EmbeddedServer(data)
    try:
        with server_process(settings, extra={"LEDGER_DSN": "", "LEDGER_PGDATA": str(data)}) as client:
            before = client.call("create_work_item", item_type="task", title="Before")
            postmaster = int((data / "data" / "postmaster.pid").read_text().split()[0])
            os.kill(postmaster, signal.SIGKILL)

            after = client.call("create_work_item", item_type="task", title="After")
            found = client.call("list_work_items", order="created")

        assert {item["id"] for item in found["items"]} == {before["id"], after["id"]}
        assert found["total_count"] == 2
    finally:
        server.stop()


@pytest.mark.processes
def test_a_write_is_by_whom_its_argument_says_before_the_settings_and_the_client(settings: Settings) -> None:
    with served(settings, name="claude-code", extra={"LEDGER_BY": "from-settings"}) as client:
        signed = client.call("create_work_item", item_type="task", title="Signed", by="ada", detail=True)
        unsigned = client.call("create_work_item", item_type="task", title="Unsigned", detail=True)

    assert signed["created_by"] == "ada"
    assert unsigned["created_by"] == "from-settings"


@pytest.mark.parametrize("name", ["", "  ", "\u0000\n", "x" * 300])
def test_a_strange_client_name_does_not_stop_a_write(settings: Settings, name: str) -> None:
    with served(settings, name=name) as client:
        item = client.call("create_work_item", item_type="task", title="Written", detail=True)

    assert 0 < len(item["created_by"]) <= 100


@pytest.mark.processes
def test_the_greeting_and_the_list_do_not_wait_for_a_database(settings: Settings) -> None:
    with served(settings, extra=NOWHERE) as client:
        listed = client.tools()
        answer = client.call("list_work_items")

    assert listed
    assert (answer["items"], answer["source"], answer["as_of"]["position"]) == ([], "none", 0)
    assert "postgres_unavailable" in answer["warnings"]


def test_a_write_without_a_database_is_queued_soon(settings: Settings) -> None:
    with served(settings, extra=NOWHERE) as client:
        began = time.monotonic()
        answer = client.call("create_work_item", item_type="task", title="Nobody home")

        assert answer["outcome"] == "queued"
        assert time.monotonic() - began < COMING_SECONDS / 2  # not as if a server started there


@pytest.mark.processes
def test_standard_output_carries_nothing_but_the_protocol(settings: Settings) -> None:
    with server_process(settings) as client:
        client.call("create_work_item", item_type="task", title="Quiet")
        client.refusal("query_work_item", id="w-nothing")

    assert client.lines
    for line in client.lines:
        assert json.loads(line)["jsonrpc"] == "2.0"


def test_an_unknown_tool_is_an_error_of_the_protocol(settings: Settings) -> None:
    with served(settings) as client, pytest.raises(RefusedByProtocol) as refused:
        client.call("drop_everything")

    assert refused.value.code == UNKNOWN_TOOL


def test_a_made_up_cursor_of_the_list_of_tools_is_refused(settings: Settings) -> None:
    with served(settings) as client, pytest.raises(RefusedByProtocol) as refused:
        client.request("tools/list", {"cursor": "made-up"})

    assert refused.value.code == INVALID_CURSOR


@long_cases(
    ("line", "code"),
    [
        (b"not json", PARSE_ERROR),
        (b'{"jsonrpc":"2.0"', PARSE_ERROR),
        (b"[]", INVALID_REQUEST),
        (b'{"jsonrpc":"1.0","method":7}', INVALID_REQUEST),
    ],
)
def test_a_line_that_is_no_message_is_answered_and_the_next_one_is_served(
    settings: Settings, line: bytes, code: int
) -> None:
    with served(settings) as client:
        client.write_line(line)
        with pytest.raises(RefusedByProtocol) as refused:
            client.wait(None)

        assert refused.value.code == code
        assert client.tools()


@pytest.mark.parametrize("place", ["title", "description"])
def test_an_unpaired_surrogate_is_named_by_its_argument(settings: Settings, place: str) -> None:
    arguments = {"item_type": "task", "title": "whole", place: "half \ud83d"}

    with served(settings) as client:
        refusal = client.refusal("create_work_item", **arguments)

    assert refusal["code"] == "invalid"
    assert [fault["field"] for fault in refusal["details"]["fields"]] == [place]


@pytest.mark.processes
def test_calls_sent_at_once_are_all_answered(settings: Settings) -> None:
    with served(settings) as client:
        asked = [
            client.send("tools/call", {"name": "create_work_item", "arguments": {"item_type": "task", "title": f"{n}"}})
            for n in range(30)
        ]
        results = [client.wait(number) for number in asked]
        total = client.call("list_work_items")["total_count"]

    assert [result.get("isError", False) for result in results] == [False] * 30
    assert total == 30


@pytest.mark.processes
def test_closing_the_pipe_ends_the_server_without_an_error(settings: Settings, tmp_path: Path) -> None:
    with server_process(settings, log=tmp_path / "log") as client:
        client.call("create_work_item", item_type="task", title="Last words")
        began = time.monotonic()
        code = client.close()

    assert code == 0
    assert time.monotonic() - began < 30
    assert "Traceback" not in (tmp_path / "log").read_text()


@pytest.mark.processes
@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_the_sdk_s_own_client_is_served_in_both_eras(settings: Settings, tmp_path: Path, mode: str) -> None:
    """By a forked process in the older era, which saves a second of a core."""
    forked = tmp_path / "tracking-ledger"
    forked.write_text(fork_server.program())
    forked.chmod(0o755)
    command, *words = SERVER if mode == "auto" else (str(forked), "mcp")

    async def talk() -> tuple[int, object]:
        parameters = StdioServerParameters(command=command, args=words, env=environment(settings))
        async with Client(parameters, mode=mode) as client:
            listed = await client.list_tools()
            result = await client.call_tool("create_work_item", {"item_type": "task", "title": "From the SDK"})
            return len(listed.tools), result.structured_content

    count, answer = anyio.run(talk)

    assert count > 0
    assert isinstance(answer, dict)
    assert answer["outcome"] == "committed"


@pytest.mark.processes
def test_the_command_line_serves_the_same_server(settings: Settings) -> None:
    with server_process(settings, words=("mcp",)) as client:
        answer = client.call("create_work_item", item_type="task", title="From the command line")

    assert answer["outcome"] == "committed"
