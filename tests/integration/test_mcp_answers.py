"""Answers stay within their bytes, say so when they had to be cut, and never let the insides of the program out."""

import json
from collections.abc import Iterator
from typing import Any

import mcp.types as wire
import pytest
from pydantic import BaseModel

from ledger import identity
from ledger.errors import Invalid
from ledger.settings import Settings
from mcp_adapter.capabilities.answers import ANSWER_BYTES, REFUSAL_BYTES, answered, fitted, refused
from mcp_adapter.capabilities.tools import call
from projections.application.app import App
from projections.application.view import LedgerView
from projections.operations.base import Input, Operation
from tests.support.long_cases import long_cases
from tests.support.mcp_client import McpClient, served

LONG = "\U0001f4dc" * 19_000  # 76,000 bytes: the longest text a work item takes does not fit into one answer


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory, dsn: str) -> Iterator[McpClient]:
    """A ledger with thirty items of about 8,000 bytes each, and one that is too big on its own."""
    root = tmp_path_factory.mktemp("answers")
    identity.create(root)
    with served(Settings(project=root, dsn=dsn, home=root / "home", pgdata=root / "unused")) as client:
        parent = client.call("create_work_item", item_type="project", title="Many", description="Thirty below")
        for number in range(30):
            client.call(
                "create_work_item",
                item_type="task",
                title=f"Item {number}",
                description="d" * 8_000,
                parent_id=parent["id"],
                tags=["thirty"],
            )
        big = client.call("create_work_item", item_type="task", title="Big", description=LONG, tags=["big"])
        client.call("update_work_item", id=big["id"], version=1, notes=LONG)
        yield client


def said(result: wire.CallToolResult) -> str:
    (content,) = result.content
    assert isinstance(content, wire.TextContent)
    return content.text


def shown(result: wire.CallToolResult) -> dict[str, Any]:
    assert isinstance(result.structured_content, dict)
    return result.structured_content


def wire_bytes(result: dict[str, Any]) -> int:
    return len(result["content"][0]["text"].encode())


@pytest.mark.processes
def test_a_list_over_the_bytes_is_cut_where_its_cursor_goes_on(client: McpClient) -> None:
    pages, cursor = [], None
    while True:
        asked = {"tag": "thirty", "order": "created", "limit": 100, "detail": True}
        result = client.result("list_work_items", {**asked, **({"cursor": cursor} if cursor else {})})
        pages.append(result["structuredContent"])
        assert wire_bytes(result) <= ANSWER_BYTES
        cursor = pages[-1]["next_cursor"]
        if cursor is None:
            break

    titles = [item["title"] for page in pages for item in page["items"]]
    assert sorted(titles) == sorted(f"Item {number}" for number in range(30))
    assert len(pages) > 1
    for page in pages:
        assert page["total_count"] == 30
        assert page["returned"] == len(page["items"])
        assert page["has_more"] is (page["next_cursor"] is not None)
        assert "shortened" not in page


@pytest.mark.processes
def test_a_list_within_the_bytes_is_left_alone(client: McpClient) -> None:
    page = client.call("list_work_items", tag="thirty", limit=100)

    assert page["returned"] == 30
    assert page["has_more"] is False
    assert page["next_cursor"] is None


def test_an_entity_over_the_bytes_loses_the_ends_of_its_texts_and_says_which(client: McpClient) -> None:
    item = client.call("list_work_items", tag="big")["items"][0]

    result = client.result("query_work_item", {"id": item["id"]})

    answer = result["structuredContent"]
    assert wire_bytes(result) <= ANSWER_BYTES
    assert answer["title"] == "Big"
    assert [entry["field"] for entry in answer["shortened"]] == ["description", "notes"]
    kept = answer["shortened"][0]["kept"]
    assert answer["description"] == LONG[:kept] + "...[shortened]"
    assert answer["shortened"][0]["of"] == len(LONG)


def test_a_list_of_one_big_entity_is_shortened_like_the_entity(client: McpClient) -> None:
    result = client.result("list_work_items", {"tag": "big", "detail": True})

    page = result["structuredContent"]
    assert wire_bytes(result) <= ANSWER_BYTES
    assert (page["returned"], page["has_more"]) == (1, False)
    assert [entry["field"] for entry in page["shortened"]] == ["items.0.description", "items.0.notes"]


def test_a_receipt_is_a_few_tens_of_tokens(client: McpClient) -> None:
    result = client.result("create_work_item", {"item_type": "task", "title": "Short", "tags": ["receipt"]})

    assert wire_bytes(result) <= 260
    assert set(result["structuredContent"]) == {"outcome", "id", "ref", "version", "position", "command_id"}


@long_cases(
    "answer",
    [
        {"text": "x" * 500_000},
        {"many": [f"line {n}" for n in range(50_000)]},
        {"metadata": {f"key {n}": n for n in range(50_000)}},
        {"metadata": {"k" * 500_000: 1}},
        {"deep": [[["y" * 50 for _ in range(60)] for _ in range(60)] for _ in range(60)]},
        {f"field {n}": "z" * 3_000 for n in range(60)},
        {"quotes": '"' * 200_000, "emoji": "\U0001f600" * 200_000},
    ],
    ids=["text", "list", "object", "key", "deep", "wide", "escapes"],
)
def test_whatever_is_too_big_is_cut_to_the_bytes_and_named(answer: dict[str, Any]) -> None:
    kept = fitted(answer)

    assert len(json.dumps(kept, ensure_ascii=False).encode()) <= ANSWER_BYTES * 1.1  # json.dumps adds spaces
    assert len(json.dumps(kept, ensure_ascii=False, separators=(",", ":")).encode()) <= ANSWER_BYTES
    assert kept["shortened"]
    assert set(kept) == {*answer, "shortened"}


def test_an_answer_that_fits_is_the_same_object() -> None:
    answer = {"items": [], "total_count": 0}

    assert fitted(answer) is answer


def test_a_list_is_asked_again_only_for_as_many_as_fit() -> None:
    asked: list[int] = []

    def again(limit: int) -> dict[str, Any]:
        asked.append(limit)
        return {"items": ["i" * 1_000] * limit, "next_cursor": f"after {limit}"}

    result = answered({"items": ["i" * 1_000] * 100, "next_cursor": None}, again).result()

    assert len(asked) == 1
    assert shown(result)["next_cursor"] == f"after {asked[0]}"
    assert 50 <= asked[0] < 60


@pytest.mark.processes
def test_a_refusal_that_repeats_a_megabyte_is_short_and_keeps_its_shape() -> None:
    error = Invalid("x" * 1_000_000, next_step="shorten it", fields=[{"field": "a", "value": "y" * 1_000_000}] * 90)

    result = refused(error).result()

    answer = shown(result)
    assert len(said(result).encode()) <= REFUSAL_BYTES
    assert set(answer["error"]) == {"code", "message", "details", "next_step", "retryable"}
    assert answer["error"]["details"]["shortened"]
    assert answer["error"]["next_step"] == "shorten it"


def test_an_unpaired_surrogate_in_an_answer_does_not_break_the_wire() -> None:
    result = answered({"text": "half \ud83d", "\udc00": 1}, lambda limit: {}).result()

    assert shown(result) == {"text": "half ?", "?": 1}
    assert json.loads(said(result)) == shown(result)


def test_an_unforeseen_error_is_internal_and_tells_nothing_of_the_insides(
    app: App, caplog: pytest.LogCaptureFixture
) -> None:
    class Nothing(Input):
        pass

    def fail(_: LedgerView, __: BaseModel) -> dict[str, Any]:
        raise RuntimeError("the secret is hunter2")

    operation = Operation(
        name="failing", title="Fails", summary="Always fails.", toolset="work", input=Nothing, run=fail
    )

    result = call(lambda: app, operation, {}).result()

    assert result.is_error is True
    assert shown(result)["error"]["code"] == "internal"
    assert "hunter2" not in said(result)
    assert "RuntimeError" not in said(result)
    assert "hunter2" in caplog.text  # the log has the traceback for the person who has to repair it
