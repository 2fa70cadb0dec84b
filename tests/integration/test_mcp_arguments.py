"""Right and wrong arguments of every tool, made from the product's own models: a new tool is tried without being named.

`EXAMPLES` holds one good value for each name of a required field; what a field takes is said by the models alone.
"""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from ledger import identity
from ledger.settings import Settings
from mcp_adapter.capabilities.registry import input_schema
from projections.operations.base import Operation
from projections.operations.catalog import OPERATIONS
from tests.support.each import each
from tests.support.mcp_client import McpClient, served

Arguments = dict[str, Any]

EXAMPLES: Arguments = {
    "url": "https://example.org/plan",
    "item_type": "task",
    "title": "A task",
    "name": "Example Vendor",
    "deployed_at": "2026-11-20T10:00:00Z",
    "commit_hash": "0123456789abcdef0123456789abcdef01234567",
    "pr_number": 7,
    "pr_title": "A change",
    "test_summary": {"passed": 1},
    "constitutional_compliance": True,
    "description": "What it is about",
    "priority": 2,
    "principles": ["Keep it simple"],
    "version": 1,
    "since": "0",
    "changes": {},
    "items": [{"op": "create", "item_type": "task", "title": "One of many"}],
}
IDS = ("id", "to_id")
EXAMPLES_OF_ONE: dict[str, Arguments] = {
    "update_vendor_status": {"name": "Example Vendor"},
    "undo": {"position": 1},
    "record_deployment": {"pr_title": "What went out"},
    "claim_work_item": {"action": "next"},
    "archive_work_items": {"action": "archive"},
    "question": {"action": "withdraw"},
    "webhook": {"action": "pause"},
    "log_effort": {"minutes": 5},
}  # what is needed besides what is required, one of several
OF_AN_ID: dict[str, Arguments] = {  # what stands beside an id, instead of those
    "claim_work_item": {"action": "claim"},
    "log_effort": {"minutes": 5},
}
PARENTS = [  # elsewhere they are filters
    (tool, field) for tool in ("create_work_item", "update_work_item") for field in ("parent_id", "milestone_id")
]
# What is changed in the tests of stale versions, by the first word that a tool's name holds.
MAKERS: dict[str, tuple[str, Arguments]] = {
    "work_item": ("create_work_item", {"item_type": "task", "title": "Changed by two"}),
    "vendor": ("create_vendor", {}),
    "enhancement": ("record_enhancement", {"title": "Wanted"}),
    "deployment": ("record_deployment", {}),
}
CHANGES: Arguments = {
    "title": "Another",
    "metadata": {"changed": True},
    "git_branch": "main",
    "changes": {"metadata": {"a": 1}},
}
TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "object": dict,
    "array": list,
    "null": type(None),
}
WRONG: tuple[Any, ...] = (True, 1.5, "text", {"an": "object"}, ["list"])

TEXTS = {
    "emoji": "\U0001f680 launch \U0001f469‍\U0001f4bb",
    "arabic": "متابعة العمل",
    "chinese": "跟踪台账",
    "combining": "e\u0301 n\u0303",
    "right to left mark": "a\u202eb\u200f",
    "line separators": "one\u2028two\u2029three",
    "control characters": "bell\u0007 escape\u001b[31m delete\u007f",
    "markup": "<script>alert(1)</script> & \"quotes\" 'n' \\ {{ braces }} %s $1 --;",
}

EVERY = pytest.mark.parametrize("operation", OPERATIONS.values(), ids=list(OPERATIONS))


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory, dsn: str) -> Iterator[McpClient]:
    """One server for all questions of this file, whose tests disturb one another in nothing."""
    root = tmp_path_factory.mktemp("arguments")
    identity.create(root)
    with served(Settings(project=root, dsn=dsn, home=root / "home", pgdata=root / "unused")) as client:
        yield client


def required(operation: Operation) -> Arguments:
    """Good values for what must be given; ids of nothing."""
    schema = input_schema(operation.input)
    own = EXAMPLES_OF_ONE.get(operation.name, {})
    return {name: own.get(name, good_value(name, schema["properties"][name])) for name in schema.get("required", ())}


def good_value(name: str, schema: dict[str, Any]) -> Any:
    if name in IDS:
        return str(uuid4())
    if name not in EXAMPLES and "enum" not in schema:
        raise KeyError(f"no good value of the argument {name}: add one to EXAMPLES")
    return EXAMPLES[name] if name in EXAMPLES else schema["enum"][0]


def wrong_value(schema: dict[str, Any]) -> Any:
    """A JSON value of none of the types that the field takes."""
    named = schema.get("type", "string")
    taken = [TYPES[name] for name in (named if isinstance(named, list) else [named])]
    return next(value for value in WRONG if not any(fits(value, kind) for kind in taken))


def fits(value: Any, kind: type | tuple[type, ...]) -> bool:
    return isinstance(value, bool) if kind is bool else isinstance(value, kind) and not isinstance(value, bool)


def faulty_fields(refusal: dict[str, Any]) -> set[str]:
    return {fault["field"].partition(".")[0] for fault in refusal["details"]["fields"]}


@EVERY
def test_an_unknown_argument_is_refused_with_the_known_ones(client: McpClient, operation: Operation) -> None:
    refusal = client.refusal(operation.name, **required(operation), titel="misspelt")

    assert refusal["code"] == "invalid"
    assert refusal["details"]["status"] == 400
    (fault,) = [fault for fault in refusal["details"]["fields"] if fault["field"] == "titel"]
    assert fault["allowed"] == sorted(input_schema(operation.input)["properties"])


@EVERY
def test_missing_arguments_are_named_all_at_once(client: McpClient, operation: Operation) -> None:
    wanted = set(required(operation))
    if not wanted:
        pytest.skip("needs no argument")

    refusal = client.refusal(operation.name)

    assert refusal["code"] == "invalid"
    assert faulty_fields(refusal) == wanted


@EVERY
def test_arguments_of_wrong_types_are_named_all_at_once(client: McpClient, operation: Operation) -> None:
    fields = input_schema(operation.input)["properties"]
    if not fields:
        pytest.skip("takes no argument")

    refusal = client.refusal(operation.name, **{name: wrong_value(schema) for name, schema in fields.items()})

    assert refusal["code"] == "invalid"
    assert faulty_fields(refusal) == set(fields)


@EVERY
def test_a_refusal_has_the_one_shape(client: McpClient, operation: Operation) -> None:
    refusal = client.refusal(operation.name, **required(operation), titel="misspelt")

    assert set(refusal) == {"code", "message", "details", "next_step", "retryable"}
    assert refusal["message"]
    assert refusal["next_step"]
    assert refusal["retryable"] is False
    assert "pydantic" not in json.dumps(refusal)


@pytest.mark.parametrize(
    ("operation", "field"),
    [
        pytest.param(operation, field, id=f"{operation.name}-{field}")
        for operation in OPERATIONS.values()
        for field in operation.input.model_fields
        if field in ("id", "to_id") or (operation.name, field) in PARENTS
    ],
)
def test_an_id_of_nothing_is_not_found(client: McpClient, operation: Operation, field: str) -> None:
    there = {name: made(client, operation)["id"] for name in IDS if name in required(operation) and name != field}
    lost = str(uuid4())

    refusal = client.refusal(
        operation.name, **{**required(operation), **OF_AN_ID.get(operation.name, {}), **there, field: lost}
    )

    assert refusal["code"] == "not_found"
    assert refusal["details"]["status"] == 404
    assert lost in json.dumps(refusal)


@pytest.mark.parametrize(
    "operation",
    [
        operation
        for operation in OPERATIONS.values()
        if "version" in operation.input.model_fields and operation.name != "resolve_conflict"
    ],  # no call makes a conflict, only an outage does
    ids=lambda operation: operation.name,
)
def test_a_version_that_is_not_there_is_a_conflict_that_tells_both(client: McpClient, operation: Operation) -> None:
    fields = operation.input.model_fields
    entity = made(client, operation)
    where = {"id": entity["id"]} if "id" in fields else {}
    change = next(({name: value} for name, value in CHANGES.items() if name in fields), {})

    refusal = client.refusal(operation.name, **where, **change, version=entity["version"] + 98)

    assert refusal["code"] == "version_conflict", f"{refusal}: what {operation.name} changes stands in CHANGES"
    assert refusal["retryable"] is True
    assert refusal["details"]["status"] == 409
    assert refusal["details"]["expected"] == entity["version"] + 98
    assert refusal["details"]["actual"] == entity["version"]


def made(client: McpClient, operation: Operation) -> dict[str, Any]:
    """A new entity of the kind that the operation is about; the configuration is there already."""
    if "configuration" in operation.name:
        return client.call("get_project_configuration")
    kind = next((kind for kind in MAKERS if kind in operation.name), "work_item")
    tool, arguments = MAKERS[kind]
    unique: Arguments = {"name": f"Vendor {uuid4()}"[:100]} if kind == "vendor" else {}
    if kind == "deployment":
        unique = {"pr_number": uuid4().int % 1_000_000 + 1}
    return client.call(tool, **{**required(OPERATIONS[tool]), **arguments, **unique})


def test_a_taken_name_is_refused_with_its_stored_spelling(client: McpClient) -> None:
    client.call("create_vendor", name="Taken Name")

    refusal = client.refusal("create_vendor", name="taken NAME")

    assert refusal["code"] == "not_unique"
    assert refusal["details"]["status"] == 409
    assert "Taken Name" in json.dumps(refusal)


@pytest.mark.processes
def test_an_id_of_another_ledger_is_not_found(client: McpClient, settings: Settings) -> None:
    with served(settings) as other:
        foreign = other.call("create_work_item", item_type="task", title="Not yours")

    assert client.refusal("query_work_item", id=foreign["id"])["code"] == "not_found"
    assert client.refusal("update_work_item", id=foreign["id"], version=1, title="Mine")["code"] == "not_found"
    assert client.refusal("create_work_item", item_type="task", title="Below", parent_id=foreign["id"])["code"] == (
        "not_found"
    )
    own = client.call("create_work_item", item_type="task", title="Own")
    assert client.refusal("link_work_items", id=own["id"], kind="blocks", to_id=foreign["id"])["code"] == "not_found"


def test_a_host_that_sends_every_value_as_its_text_can_do_everything(client: McpClient) -> None:
    item = client.call("create_work_item", item_type="Task", title="As texts", priority="2", pr_numbers='["12"]')

    changed = client.call(
        "update_work_item", id=item["ref"].upper(), version="1", status="COMPLETED", detail="True", cascade="false"
    )
    found = client.call("list_work_items", limit="5", roots_only="true", parent_id=None, text="as texts")

    assert (changed["status"], changed["priority"], changed["pr_numbers"]) == ("completed", 2, [12])
    assert [entry["ref"] for entry in found["items"]] == [item["ref"]]


@EVERY
def test_null_for_everything_that_is_optional_is_nothing_given(client: McpClient, operation: Operation) -> None:
    schema = input_schema(operation.input)
    optional = [name for name in schema["properties"] if name not in schema.get("required", ())]
    given = {**required(operation), **EXAMPLES_OF_ONE.get(operation.name, {})}

    result = client.result(operation.name, {**dict.fromkeys(optional), **given})

    error = result["structuredContent"].get("error", {})
    assert error.get("code") not in ("invalid", "internal"), error


def test_objects_and_arrays_are_taken_as_their_json_text(client: McpClient) -> None:
    plain: Arguments = {"metadata": {"estimated_hours": 3, "own": {"deep": [1, 2]}}, "tags": ["A", "b"]}
    plain["commits"] = ["0123456"]
    as_text = {name: json.dumps(value) for name, value in plain.items()}

    one = client.call("create_work_item", item_type="task", title="Plain", detail=True, **plain)
    other = client.call("create_work_item", item_type="task", title="As text", detail=True, **as_text)

    assert {name: other[name] for name in plain} == {name: one[name] for name in plain}
    assert other["tags"] == ["a", "b"]


@each("text", ["{", "[1", '{"a":}', "[" * 5_000, '{"a":NaN}', '["\\ud800"]', '{"a":1e999}'])
def test_json_text_that_is_none_is_an_invalid_argument(client: McpClient, text: str) -> None:
    refusal = client.refusal("create_work_item", item_type="task", title="Broken", metadata=text)

    assert refusal["code"] == "invalid"
    assert faulty_fields(refusal) == {"metadata"}


@each("number", ["1e999", "-1e999", "NaN", "Infinity"])
def test_a_number_that_json_cannot_hold_is_never_stored_as_something_else(client: McpClient, number: str) -> None:
    arguments = f'{{"item_type":"task","title":"Too large","metadata":{{"a":{number}}}}}'
    asked = {"name": "create_work_item", "arguments": "HERE"}

    result = client.wait(client.send("tools/call", asked, as_text=('"HERE"', arguments)))

    assert result["structuredContent"]["error"]["code"] == "invalid"
    assert faulty_fields(result["structuredContent"]["error"]) == {"metadata"}


@pytest.mark.parametrize("text", TEXTS.values(), ids=list(TEXTS))
def test_a_text_comes_back_as_it_was_sent(client: McpClient, text: str) -> None:
    sent = {"description": text, "metadata": {"note": text, text: "as a key"}}

    created = client.call("create_work_item", item_type="task", title="Texts", **sent)
    item = client.call("query_work_item", id=created["id"])

    assert item["description"] == text
    assert item["metadata"] == sent["metadata"]


@each(
    "arguments",
    [
        {"title": "nul\u0000byte"},
        {"title": "fine", "description": "nul\u0000byte"},
        {"title": "fine", "metadata": {"deep": ["nul\u0000byte"]}},
        {"title": "fine", "metadata": {"nul\u0000key": 1}},
        {"title": "fine", "tags": ["nul\u0000byte"]},
        {"title": "fine", "by": "nul\u0000byte"},
    ],
    ids=["title", "description", "metadata value", "metadata key", "tag", "by"],
)
def test_a_nul_character_is_refused_as_invalid_and_nothing_breaks(client: McpClient, arguments: Arguments) -> None:
    refusal = client.refusal("create_work_item", item_type="task", **arguments)

    assert refusal["code"] == "invalid"
    assert client.call("list_work_items", limit=1)["returned"] <= 1


@pytest.mark.parametrize(("field", "value"), [("id", "w-\u0000"), ("include", ["\u0000"])])
def test_a_nul_character_in_a_question_is_refused_as_invalid(client: McpClient, field: str, value: Any) -> None:
    refusal = client.refusal("query_work_item", **{"id": str(uuid4()), field: value})

    assert refusal["code"] in ("invalid", "not_found")


@pytest.mark.parametrize("field", ["title", "description", "notes", "branch_name", "assignee", "reason", "id", "clear"])
def test_a_megabyte_of_text_is_refused_in_a_short_answer(client: McpClient, field: str) -> None:
    item = client.call("create_work_item", item_type="task", title="Small")
    huge: Any = "x" * 1_000_000

    change = {field: [huge] if field == "clear" else huge}
    result = client.result("update_work_item", {"id": item["id"], "version": 1, **change})

    assert result["isError"] is True
    assert result["structuredContent"]["error"]["code"] == "invalid"
    assert len(result["content"][0]["text"].encode()) <= 8_000


def test_a_megabyte_of_metadata_is_kept_or_refused_but_never_lost(client: McpClient) -> None:
    result = client.result(
        "create_work_item", {"item_type": "task", "title": "Large", "metadata": {"text": "y" * 1_000_000}}
    )

    if result.get("isError"):
        assert result["structuredContent"]["error"]["code"] == "invalid"
    else:
        item = client.call("query_work_item", id=result["structuredContent"]["id"])
        assert item["shortened"] == [{"field": "metadata.text", "kept": 10_000, "of": 1_000_000, "unit": "characters"}]


def test_a_repeated_command_id_records_once_and_answers_the_same(client: McpClient) -> None:
    asked = {"item_type": "task", "title": "Once", "command_id": str(uuid4())}

    first = client.call("create_work_item", **asked)
    second = client.call("create_work_item", **asked)

    assert (second["id"], second["version"], second["position"]) == (first["id"], 1, first["position"])
    assert second["repeated"] is True


def test_a_command_id_with_other_arguments_is_refused(client: McpClient) -> None:
    number = str(uuid4())
    client.call("create_work_item", item_type="task", title="First", command_id=number)

    refusal = client.refusal("create_work_item", item_type="task", title="Second", command_id=number)

    assert refusal["code"] == "command_id_reused"


def test_a_whole_number_written_as_a_float_is_the_integer_that_json_schema_calls_it(client: McpClient) -> None:
    made = client.call("create_work_item", item_type="task", title="Two", priority=2.0, pr_numbers=[7.0], detail=True)

    assert (made["priority"], made["pr_numbers"]) == (2, [7])
    assert "priority" in faulty_fields(client.refusal("create_work_item", item_type="task", title="T", priority=2.5))


def test_a_reference_to_another_kind_of_entity_is_refused_with_the_tool_that_reads_it(client: McpClient) -> None:
    vendor = client.call("create_vendor", name="Asked For Wrongly")

    refusal = client.refusal("query_work_item", id=vendor["ref"])

    assert refusal["code"] == "invalid"
    assert "refers to a vendor, not to a work item" in refusal["message"]
    assert "query_vendor_status" in refusal["next_step"]


def test_a_text_where_an_object_belongs_is_refused_in_plain_words(client: McpClient) -> None:
    refusal = client.refusal("create_work_item", item_type="task", title="T", metadata=7, tags=7)

    assert "metadata: input should be an object, not " in refusal["message"]
    assert "tags: input should be an array like " in refusal["message"]
