"""Commands that reach everything an assistant can do: `operations` and `call`."""

import json
import sys
from difflib import get_close_matches
from typing import Any

import click

from ledger.errors import Invalid, NotFound
from projections.cli.terminal import exits
from projections.cli.terminal.invocation import CliCommand, Invocation, pass_invocation
from projections.cli.terminal.output import answer_json, fields, remark, say, table
from projections.operations.base import Operation
from projections.operations.catalog import OPERATIONS
from projections.operations.inputs import argument_values
from projections.operations.inputs.shapes import Schema


@click.command(cls=CliCommand)
@click.argument("name", required=False)
@pass_invocation
def operations(invocation: Invocation, name: str | None) -> None:
    """The operations that assistants and scripts can call; with NAME, the arguments of one."""
    listed = [_operation(name)] if name else list(OPERATIONS.values())
    if invocation.as_json:
        answer_json([_described(operation) for operation in listed])
    elif name:
        say(listed[0].summary)
        table(("argument", "", "kind", "what"), _argument_lines(listed[0]))
    else:
        table(("operation", "what"), ((operation.name, operation.summary) for operation in listed))
        remark("arguments: tracking-ledger operations NAME")


@click.command(cls=CliCommand)
@click.argument("operation")
@click.argument("pairs", nargs=-1, metavar="[KEY=VALUE | KEY:=JSON]...")
@click.option("--arguments", metavar="JSON", help="All arguments as one JSON object; - reads it from standard input.")
@pass_invocation
def call(invocation: Invocation, operation: str, pairs: tuple[str, ...], arguments: str | None) -> int:
    """Call any operation that assistants can call.

    KEY=VALUE is read as the type of the argument: a text stays a text, numbers and yes or no are recognised, a list may
    be written a,b,c. KEY:=JSON is read as JSON. For example:

    \b
      tracking-ledger call create_work_item item_type=task title="Write it down" tags=docs,now
      tracking-ledger call update_work_item id=w-7k3qd version=1 status=completed
    """
    chosen = _operation(operation)
    given = _parsed(arguments) | argument_values.object_of([_argument(chosen, pair) for pair in pairs])
    answered = chosen.perform(invocation.app, given)
    if invocation.as_json or "items" in answered:
        answer_json(answered)
    else:
        fields((name, _text(value)) for name, value in answered.items())
    return exits.of_answer(answered)


def _operation(name: str) -> Operation:
    if name not in OPERATIONS:
        meant = " ".join(get_close_matches(name, OPERATIONS, 1))
        raise NotFound(
            f"there is no operation {name[:80]!r}",
            next_step=f"see `tracking-ledger operations{' ' * bool(meant)}{meant}`",
            known=list(OPERATIONS),
        )
    return OPERATIONS[name]


def _argument_lines(operation: Operation) -> list[tuple[object, ...]]:
    required = operation.input.model_json_schema().get("required", [])
    return [
        (name, "required" if name in required else "", _kinds(schema), schema.get("description"))
        for name, schema in _properties(operation).items()
    ]


def _text(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, list)) else value


def _parsed(given: str | None) -> dict[str, Any]:
    return {} if given is None else argument_values.arguments(sys.stdin.read() if given == "-" else given)


def _argument(operation: Operation, pair: str) -> tuple[str, Any]:
    key, equals, value = pair.partition("=")
    if not equals:
        raise _wrong(pair[:80], "is not KEY=VALUE or KEY:=JSON")
    if not key.endswith(":"):
        return key, _listed(value) if _is_array(operation, key) else value
    try:
        return key[:-1], json.loads(value, object_pairs_hook=argument_values.object_of)
    except ValueError as error:
        raise _wrong(key[:-1], f"is not JSON: {error}") from None
    except RecursionError:
        raise _wrong(key[:-1], "is nested too deep") from None


def _listed(value: str) -> str | list[str]:
    """a,b,c as a list; a JSON text is left to the operation, as everything else is."""
    return value if value.lstrip()[:1] in ("[", "{") else [part.strip() for part in value.split(",") if part.strip()]


def _is_array(operation: Operation, name: str) -> bool:
    return "array" in _kinds(_properties(operation).get(name, {}))


def _properties(operation: Operation) -> dict[str, Schema]:
    schema = operation.input.model_json_schema()
    properties: dict[str, Schema] = schema.get("properties", {})
    return {name: _resolved(schema, wanted) for name, wanted in properties.items()}


def _resolved(schema: Schema, part: Schema) -> Schema:
    reference = part.get("$ref", "")
    return {**schema["$defs"][reference.rpartition("/")[2]], **part} if reference else part


def _alternatives(schema: Schema) -> list[Schema]:
    return [schema, *schema.get("anyOf", [])]


def _kinds(schema: Schema) -> list[str]:
    given = [kind["type"] for kind in _alternatives(schema) if "type" in kind]
    found = [name for kind in given for name in (kind if isinstance(kind, list) else [kind])]
    found += ["string" for kind in _alternatives(schema) if "enum" in kind or "const" in kind]
    return list(dict.fromkeys(kind for kind in found if kind != "null"))


def _described(operation: Operation) -> dict[str, Any]:
    return {
        "name": operation.name,
        "summary": operation.summary,
        "writes": operation.writes,
        "arguments": operation.input.model_json_schema(),
    }


def _wrong(field: str, problem: str) -> Invalid:
    return Invalid(
        f"{field} {problem}",
        next_step="see `tracking-ledger call --help`",
        fields=[{"field": field, "problem": problem}],
    )
