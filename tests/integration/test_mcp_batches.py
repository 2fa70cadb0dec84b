"""What hosts put on the wire besides one plain message: batches, a byte order mark, an unpaired surrogate, a text."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger import identity
from ledger.settings import Settings
from tests.support.http_client import Answer, HttpServer, serving
from tests.support.mcp_client import HANDSHAKES, McpClient, RefusedByProtocol, served

REVISION = "2025-03-26"
MARK = b"\xef\xbb\xbf"
INVALID_REQUEST = -32600
PARSE_ERROR = -32700

Message = dict[str, Any]


def call(number: int | str, tool: str, **arguments: Any) -> Message:
    return {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}


def created(number: int | str, title: str) -> Message:
    return call(number, "create_work_item", item_type="task", title=title)


class Session:
    """One session of a served process, of the revision with batches."""

    def __init__(self, server: HttpServer, revision: str = REVISION, mark: bytes = b"") -> None:
        self.server = server
        self.headers = {"mcp_protocol_version": revision}
        client = {"name": "batch-client", "version": "0"}
        asked = {"protocolVersion": revision, "capabilities": {}, "clientInfo": client}
        body = json.dumps({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": asked}).encode()
        greeted = server.send("POST", mark + body, None)
        assert greeted.status == 200, greeted.body
        self.headers["mcp_session_id"] = greeted.headers["mcp-session-id"]
        self.post({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def post(self, body: Any) -> Answer:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.server.send("POST", raw, None, **self.headers)


@pytest.fixture
def http(tmp_path: Path, dsn: str) -> Iterator[HttpServer]:
    identity.create(tmp_path)
    settings = Settings(project=tmp_path, dsn=dsn, home=tmp_path / "home", pgdata=tmp_path / "unused")
    with serving(settings, tmp_path, "--no-tokens") as server:
        yield server


def batch(client: McpClient, messages: list[Any]) -> list[Message]:
    """The array that answers a batch."""
    client.write_line(json.dumps(messages).encode())
    return client.batches.get(timeout=30)


def test_a_batch_is_answered_in_one_array(settings: Settings) -> None:
    with served(settings, revision=REVISION) as client:
        answers = batch(
            client,
            [
                created("a", "First"),
                {"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": 1, "progress": 1}},
                created(2, "Second"),
                call(3, "no_such_tool"),
                {"jsonrpc": "2.0", "id": 4, "method": "ping"},
                {"nothing": "of the kind"},
            ],
        )
        total = client.call("list_work_items")["total_count"]

    by_id = {answer["id"]: answer for answer in answers}
    assert set(by_id) == {"a", 2, 3, 4, None}
    assert by_id["a"]["result"]["structuredContent"]["outcome"] == "committed"
    assert by_id[4]["result"] == {}
    assert by_id[None]["error"]["code"] == INVALID_REQUEST
    assert "Unknown tool" in by_id[3]["error"]["message"]
    assert total == 2


@pytest.mark.processes
def test_a_batch_without_a_request_is_not_answered_and_the_next_message_is(settings: Settings) -> None:
    note = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 99}}
    with served(settings, revision=REVISION) as client:
        client.write_line(json.dumps([note, note]).encode())
        assert client.tools()

        assert client.batches.empty()


def test_a_handshake_is_no_part_of_a_batch(settings: Settings) -> None:
    with served(settings, revision=REVISION) as client:
        (answer,) = batch(client, [{"jsonrpc": "2.0", "id": 7, "method": "initialize", "params": {}}])

    assert (answer["id"], answer["error"]["code"]) == (7, INVALID_REQUEST)


@pytest.mark.parametrize("revision", [revision for revision in HANDSHAKES if revision != REVISION])
def test_a_revision_without_batches_refuses_one(settings: Settings, revision: str) -> None:
    with served(settings, revision=revision) as client:
        client.write_line(json.dumps([created(50, "Not here")]).encode())
        with pytest.raises(RefusedByProtocol) as refused:
            client.wait(None)
        total = client.call("list_work_items")["total_count"]

    assert refused.value.code == INVALID_REQUEST
    assert "one message a line" in str(refused.value)
    assert total == 0


def test_a_byte_order_mark_before_the_first_message_is_no_fault(settings: Settings) -> None:
    with served(settings, mark=MARK) as client:
        assert client.tools()


def test_a_line_in_another_encoding_is_refused_and_nothing_of_it_recorded(settings: Settings) -> None:
    with served(settings) as client:
        asked = client.send("tools/call", created(1, "Cafe")["params"], as_text=("Cafe", "Caf\udce9"))
        with pytest.raises(RefusedByProtocol, match=r"0xe9.*UTF-8") as refused:
            client.wait(asked)
        total = client.call("list_work_items")["total_count"]

    assert refused.value.code == PARSE_ERROR
    assert total == 0


@pytest.mark.parametrize("number", ["null", "1.5", "true", "[1]"])
def test_a_request_whose_id_no_answer_could_name_is_refused(settings: Settings, number: str) -> None:
    ping = f'{{"jsonrpc":"2.0","id":{number},"method":"ping"}}'.encode()
    with served(settings, revision=REVISION) as client:
        client.write_line(ping)
        with pytest.raises(RefusedByProtocol, match="id") as refused:
            client.wait(None)
        client.write_line(b"[" + ping + b"]")
        (answer,) = client.batches.get(timeout=30)

    assert refused.value.code == INVALID_REQUEST
    assert (answer["id"], answer["error"]["code"]) == (None, INVALID_REQUEST)


def test_a_whole_number_as_a_float_is_an_id(settings: Settings) -> None:
    with served(settings) as client:
        asked = client.send("ping", {}, as_text=(', "method"', '.0, "method"'))

        assert client.wait(asked) == {}


def test_a_host_that_sends_all_arguments_as_one_text_is_served(settings: Settings) -> None:
    with served(settings) as client:
        result = client.request(
            "tools/call", {"name": "create_work_item", "arguments": '{"item_type": "Task", "title": "As a text"}'}
        )
        with pytest.raises(RefusedByProtocol, match="object of named arguments"):
            client.request("tools/call", {"name": "create_work_item", "arguments": "item_type=task"})
        empty = client.request("tools/call", {"name": "list_work_items", "arguments": []})

    assert result["structuredContent"]["outcome"] == "committed"
    assert empty["structuredContent"]["total_count"] == 1


@pytest.mark.processes
def test_a_batch_over_http_is_answered_in_one_array(http: HttpServer) -> None:
    session = Session(http)

    answer = session.post([created(1, "First"), {"jsonrpc": "2.0", "id": "b", "method": "ping"}, {"bad": 1}])
    notes = session.post([{"jsonrpc": "2.0", "method": "notifications/initialized"}])

    by_id = {entry["id"]: entry for entry in json.loads(answer.body)}
    assert answer.status == 200
    assert set(by_id) == {1, "b", None}
    assert by_id[1]["result"]["structuredContent"]["outcome"] == "committed"
    assert by_id[None]["error"]["code"] == INVALID_REQUEST
    assert (notes.status, notes.body) == (202, b"")


@pytest.mark.processes
def test_a_batch_over_http_in_a_session_that_began_elsewhere_is_answered(http: HttpServer) -> None:
    session = Session(http)
    session.headers["mcp_session_id"] = "of-another-process"

    answer = session.post([created(1, "First")])

    assert answer.status == 200
    assert json.loads(answer.body)[0]["result"]["structuredContent"]["outcome"] == "committed"


@pytest.mark.processes
@pytest.mark.parametrize("revision", ["2025-06-18", "2025-11-25"])
def test_a_revision_without_batches_refuses_one_over_http(http: HttpServer, revision: str) -> None:
    assert Session(http, revision).post([created(1, "Not here")]).status == 400


@pytest.mark.processes
def test_a_byte_order_mark_over_http_is_no_fault(http: HttpServer) -> None:
    session = Session(http, mark=MARK)

    answer = session.post(MARK + json.dumps(created(1, "Marked")).encode())

    assert answer.result()["structuredContent"]["outcome"] == "committed"


@pytest.mark.processes
@pytest.mark.parametrize("revision", [REVISION, "2025-11-25"])
def test_an_unpaired_surrogate_over_http_is_named_by_its_argument(http: HttpServer, revision: str) -> None:
    answer = Session(http, revision).post(created(9, "half \ud83d"))

    error = json.loads(answer.body)
    assert error["id"] == 9
    assert "params.arguments.title" in error["error"]["message"]


@pytest.mark.processes
def test_a_whole_character_as_two_escapes_over_http_is_taken(http: HttpServer) -> None:
    answer = Session(http).post(created(9, "\U0001f680"))

    assert answer.result()["structuredContent"]["outcome"] == "committed"


ONCE = '"title": "One"'
TWICE = [(f'{ONCE}, "title": "Two"', "title"), (f'{ONCE}, "metadata": {{"area": "here", "area": "there"}}', "area")]


@pytest.mark.parametrize(("twice", "name"), TWICE)
def test_an_argument_given_twice_is_refused_and_nothing_is_recorded(settings: Settings, twice: str, name: str) -> None:
    arguments = {"item_type": "task", "title": "One"}

    with served(settings) as client:
        number = client.send("tools/call", {"name": "create_work_item", "arguments": arguments}, as_text=(ONCE, twice))
        with pytest.raises(RefusedByProtocol, match=f"{name} is given twice"):
            client.wait(number)

        assert client.call("list_work_items")["total_count"] == 0


@pytest.mark.processes
@pytest.mark.parametrize("revision", [REVISION, "2025-11-25"])
def test_an_argument_given_twice_over_http_is_refused(http: HttpServer, revision: str) -> None:
    body = json.dumps(created(9, "One")).replace(ONCE, TWICE[0][0]).encode()

    answer = Session(http, revision).post(body)

    error = json.loads(answer.body)
    assert (answer.status, error["id"]) == (400, 9)
    assert "title is given twice" in error["error"]["message"]
