"""The list of tools as clients see it.

`tests/golden/tools/` holds each tool as it goes over the wire. After a wanted change write them again and read the
difference: python -m tests.integration.test_mcp_tools
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger.settings import Settings
from mcp_adapter.capabilities.registry import tool as wire_tool
from projections.operations.catalog import OPERATIONS
from tests.support.each import each
from tests.support.mcp_client import HANDSHAKES, STATELESS, served

GOLDEN = Path(__file__).parents[1] / "golden" / "tools"
LIST_BYTES = (
    24_000  # name, description and input schema of the tools listed by default: 6,000 tokens of four bytes each
)
HINTS = {"readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"}

Tool = dict[str, Any]
WIRE: list[Tool] = [tool.model_dump(by_alias=True, exclude_none=True) for tool in map(wire_tool, OPERATIONS.values())]


def size(tool: Tool) -> int:
    schema = json.dumps(tool["inputSchema"], ensure_ascii=False, separators=(",", ":"))
    return sum(len(text.encode()) for text in (tool["name"], tool["description"], schema))


def golden_text(tool: Tool) -> str:
    return json.dumps(tool, ensure_ascii=False, indent=2) + "\n"


def schemas_in(node: Any) -> Iterator[Tool]:
    """The schema and every schema inside it."""
    if isinstance(node, dict):
        yield node
        for inside in (*node.get("properties", {}).values(), node.get("items"), *node.get("anyOf", ())):
            yield from schemas_in(inside)


@pytest.mark.parametrize("revision", [*HANDSHAKES, STATELESS])
def test_every_revision_lists_the_tools_in_the_order_of_the_catalog(settings: Settings, revision: str) -> None:
    with served(settings, revision=revision) as client:
        listed = client.tools()

    assert listed == [tool for tool in WIRE if OPERATIONS[tool["name"]].by_default]


@each("tool", WIRE)
def test_a_tool_goes_over_the_wire_as_its_golden_file_says(tool: Tool) -> None:
    path = GOLDEN / f"{tool['name']}.json"
    assert path.exists(), f"{path.name} is not there yet: python -m tests.integration.test_mcp_tools writes it"
    assert golden_text(tool) == path.read_text(encoding="utf-8")


def test_every_golden_file_belongs_to_a_tool() -> None:
    assert {file.stem for file in GOLDEN.glob("*.json")} == set(OPERATIONS)


@each("tool", WIRE)
def test_a_tool_says_what_it_is_and_what_it_may_do(tool: Tool) -> None:
    assert re.fullmatch(r"[a-z0-9_]{1,64}", tool["name"])
    length = len(tool["description"])
    assert 60 <= length <= 1024 or not tool["inputSchema"]["properties"], (
        f"the description of {tool['name']} has {length} characters, and 60 to 1,024 are asked for: a sentence says"
        " what it is for and when to take it"
    )
    assert set(tool["annotations"]) >= HINTS
    assert tool["annotations"]["readOnlyHint"] is not OPERATIONS[tool["name"]].writes
    assert not (tool["annotations"]["readOnlyHint"] and tool["annotations"]["destructiveHint"])


@each("tool", WIRE)
def test_an_input_schema_is_an_object_that_every_model_api_takes(tool: Tool) -> None:
    schema = tool["inputSchema"]

    assert schema["type"] == "object"
    assert schema["additionalProperties"] is False
    assert not {"anyOf", "oneOf", "allOf", "not", "if"} & set(schema)
    assert not re.search(r'"(\$ref|\$defs|definitions)":', json.dumps(schema))
    assert all("title" not in node for node in schemas_in(schema) if not isinstance(node.get("title"), dict))


@each("tool", WIRE)
def test_every_parameter_has_a_type_and_a_sentence(tool: Tool) -> None:
    for name, parameter in tool["inputSchema"]["properties"].items():
        described = f"{name} of {tool['name']}"
        assert len(parameter["description"].split()) >= 3, f"{described} needs a sentence of three words or more"
        assert "type" in parameter or "anyOf" in parameter or "enum" in parameter, f"{described} has no type"
    assert {"type": "null"} not in list(schemas_in(tool["inputSchema"]))


def test_every_field_of_a_model_is_a_parameter_and_the_required_ones_are_required() -> None:
    for tool in WIRE:
        model = OPERATIONS[tool["name"]].input
        fields = {field.alias or name: field for name, field in model.model_fields.items()}
        required = {name for name, field in fields.items() if field.is_required()}
        assert set(tool["inputSchema"]["properties"]) == set(fields)
        assert set(tool["inputSchema"].get("required", ())) == required


def test_the_whole_list_stays_within_its_bytes() -> None:
    length = sum(size(tool) for tool in WIRE if OPERATIONS[tool["name"]].by_default)

    assert length <= LIST_BYTES, (
        f"the list of tools has {length:,} bytes, at most {LIST_BYTES:,}: a new argument is paid for by a shorter"
        " sentence, a new tool is by_default=False"
    )


def write_golden() -> None:
    GOLDEN.mkdir(parents=True, exist_ok=True)
    for old in GOLDEN.glob("*.json"):
        old.unlink()
    for tool in WIRE:
        (GOLDEN / f"{tool['name']}.json").write_text(golden_text(tool), encoding="utf-8")


if __name__ == "__main__":
    write_golden()
