"""`POST /api/NAME` under `tracking-ledger serve`: the operations as programs call them, and their description."""

import json
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from jsonschema import Draft202012Validator

from ledger import identity
from ledger.errors import LedgerError
from ledger.settings import Settings
from mcp_adapter.api import routes
from mcp_adapter.api.description import REFUSALS, described
from mcp_adapter.callers.workers import CALLS_AT_ONCE, Workers
from mcp_adapter.http import assembled
from mcp_adapter.transport.serving import Serving
from projections.application.app import App
from projections.operations.catalog import OPERATIONS
from tests.support.http_client import HttpServer, serving, token

pytestmark = pytest.mark.processes

EXAMPLE = Path(__file__).parents[2] / "examples" / "api_client.py"


class Api:
    def __init__(self, server: HttpServer, settings: Settings) -> None:
        self.server = server
        self.address = server.url.removesuffix("/mcp")
        self.writer, _ = token(settings, "walter")
        self.reader, _ = token(settings, "rita", "read")

    def post(self, name: str, body: bytes = b"{}", secret: str | None = None, **headers: str) -> tuple[int, Any]:
        answer = self.server.send("POST", body, secret or self.writer, path=f"/api/{name}", **headers)
        return answer.status, json.loads(answer.body)

    def ask(self, name: str, **arguments: Any) -> tuple[int, Any]:
        return self.post(name, json.dumps(arguments).encode())


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory, dsn: str) -> Iterator[Api]:
    root = tmp_path_factory.mktemp("api")
    identity.create(root)
    settings = Settings(project=root, dsn=dsn, home=root / "home", pgdata=root / "unused")
    with serving(settings, root, "--rate", "1000") as server:
        yield Api(server, settings)


def test_an_operation_answers_as_the_tool_does(api: Api) -> None:
    status, made = api.ask("create_work_item", item_type="task", title="From a program")
    read, item = api.ask("query_work_item", id=made["id"])

    tool = api.server.call(api.writer, "query_work_item", id=made["id"])
    assert (status, read) == (200, 200)
    assert item["created_by"] == "walter"
    assert {**item, "as_of": None} == {**tool, "as_of": None}


def test_a_repeated_write_is_recorded_once(api: Api) -> None:
    again = {"item_type": "task", "title": "Once", "command_id": "5a9a3c5e-0000-4000-8000-000000000001"}

    first, second = api.ask("create_work_item", **again), api.ask("create_work_item", **again)

    assert first[1]["id"] == second[1]["id"]
    assert second[1]["repeated"] is True


@pytest.mark.parametrize(
    ("name", "body", "status"),
    [
        ("create_work_item", b"{}", 400),
        ("create_work_item", b'{"title":', 400),
        ("create_work_item", b'{"item_type": "task", "title": "One", "title": "Two"}', 400),
        ("create_work_item", b"[" * 100_000, 400),
        ("create_work_item", b'{"item_type": "task", "title": "\\ud800"}', 400),
        ("create_work_item", b'"x"', 400),
        ("query_work_item", b'{"id": "w-nothing"}', 404),
        ("no_such_operation", b"{}", 404),
        ("update_project_configuration", b'{"version": 0, "git_branch": "x"}', 403),
        ("create_work_item", b" " * 5_000_000, 413),
    ],
)
def test_a_refusal_has_the_shape_of_all_refusals_and_its_status(api: Api, name: str, body: bytes, status: int) -> None:
    answered, refusal = api.post(name, body)

    assert answered == refusal["error"]["details"]["status"] == status
    assert not list(Draft202012Validator(of_refusal(status)).iter_errors(refusal))
    assert refusal["error"]["next_step"]


def of_refusal(status: int) -> dict[str, Any]:
    document = described(OPERATIONS.values(), tokens_needed=True)
    answer = document["components"]["responses"][str(status)]
    return {**answer["content"]["application/json"]["schema"], "components": document["components"]}


def test_only_json_is_taken_so_that_no_page_of_another_origin_can_send_it(api: Api) -> None:
    assert api.post("create_work_item", b"{}", content_type="text/plain")[0] == 415
    assert api.server.send("GET", None, api.writer, path="/api/prime").status == 405


def test_a_token_is_needed_and_its_scope_holds(api: Api) -> None:
    assert api.server.send("POST", b"{}", None, path="/api/prime").status == 401
    assert api.post("prime", secret=api.reader)[0] == 200
    assert api.post("create_work_item", b'{"item_type": "task", "title": "T"}', secret=api.reader)[0] == 403


def test_the_description_has_every_operation_and_needs_no_token(api: Api) -> None:
    answer = api.server.send("GET", None, None, path="/api/openapi.json")
    document = json.loads(answer.body)

    assert answer.status == 200
    assert {f"/api/{name}" for name in OPERATIONS} <= set(document["paths"])
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
        for field in schema.get("properties", {}).values():
            if "default" in field:
                Draft202012Validator({**field, "components": document["components"]}).validate(field["default"])
    assert document["paths"]["/api/comment"]["post"]["requestBody"]["content"]["application/json"]["schema"] == {
        "$ref": "#/components/schemas/CommentInput"
    }


def test_every_status_of_a_refusal_is_described() -> None:
    kinds = [LedgerError]
    for kind in kinds:
        kinds.extend(kind.__subclasses__())

    assert routes.NotJson in kinds
    assert {kind.number for kind in kinds} <= set(REFUSALS)


def test_all_ways_into_a_process_together_use_no_more_than_the_pool_has(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []
    begins = Workers.__init__

    def beginning(workers: Workers, most: int = CALLS_AT_ONCE) -> None:
        made.append(most)
        begins(workers, most)

    monkeypatch.setattr(Workers, "__init__", beginning)
    app = App(settings)

    assembled({app.identity.ledger: app}, Serving())
    app.close()

    assert made == [CALLS_AT_ONCE]
    assert sum(made) < 10  # connections


def test_the_example_client_works(api: Api) -> None:
    client = runpy.run_path(str(EXAMPLE))["Ledger"](api.address, api.writer)

    made = client.create_work_item(item_type="task", title="By twenty lines")

    assert client.query_work_item(id=made["ref"])["title"] == "By twenty lines"
    with pytest.raises(RuntimeError, match="w-nothing"):
        client.query_work_item(id="w-nothing")
    assert urlsplit(api.address).hostname == "127.0.0.1"
