"""Plain calls over standard streams are answered as the SDK would have answered them, without being asked."""

from typing import Any

import mcp.types as wire
import pytest

from ledger.settings import Settings
from mcp_adapter.callers.caller import Context
from mcp_adapter.capabilities.tools import Tools
from tests.support.mcp_client import HANDSHAKES, STATELESS, McpClient, RefusedByProtocol, served

ENTITY = {"item_type": "task", "title": "Asked for"}


class BySdk(Exception):
    """A call came to the handler that the SDK calls."""


@pytest.fixture
def plain_only(monkeypatch: pytest.MonkeyPatch) -> None:
    async def call(self: Tools, context: Context, params: wire.CallToolRequestParams) -> wire.CallToolResult:
        raise BySdk

    monkeypatch.setattr(Tools, "call", call)


def asked(client: McpClient, name: str, arguments: dict[str, Any], **envelope: Any) -> dict[str, Any]:
    meta = {"_meta": envelope} if envelope else {}
    return client.request("tools/call", {"name": name, "arguments": arguments, **meta})


@pytest.mark.parametrize("revision", [*HANDSHAKES, STATELESS])
def test_an_answer_is_that_of_the_sdk(settings: Settings, revision: str) -> None:
    with served(settings, revision=revision) as client:
        calls: list[tuple[str, dict[str, Any]]] = [
            ("list_work_items", {"limit": 3}),
            ("query_work_item", {"id": "w-nowhere"}),
            ("query_work_item", {"id": 1, "unknown": "é 😀"}),
        ]
        pairs = [(asked(client, *call), asked(client, *call, progressToken=1)) for call in calls]

    assert [plain for plain, _ in pairs] == [other for _, other in pairs]


@pytest.mark.usefixtures("plain_only")
@pytest.mark.parametrize("revision", ["2025-06-18", "2025-11-25", STATELESS])
def test_the_sdk_is_not_asked(settings: Settings, revision: str) -> None:
    with served(settings, revision=revision, name="claude-code") as client:
        made = client.call("create_work_item", **ENTITY)
        item = client.call("query_work_item", id=made["id"])

    assert item["created_by"] == "claude-code"


@pytest.mark.usefixtures("plain_only")
@pytest.mark.parametrize("revision", ["2024-11-05", "2025-03-26"])
def test_revisions_without_structured_content_are_the_sdk_s(settings: Settings, revision: str) -> None:
    with served(settings, revision=revision) as client, pytest.raises(RefusedByProtocol):
        asked(client, "list_work_items", {})


@pytest.mark.usefixtures("plain_only")
def test_a_client_that_greets_again_is_the_sdk_s_from_then_on(settings: Settings) -> None:
    with served(settings) as client:
        client.call("list_work_items")
        client.greet()

        with pytest.raises(RefusedByProtocol):
            asked(client, "list_work_items", {})
