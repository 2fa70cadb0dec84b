"""Operations as the wire's tools: the same names, fields and sentences, in as few bytes as clients can live with.

Every conversation pays for the list of tools, and some model APIs refuse a whole request for one schema they do not
like. So the schemas here are closed, hold no `$ref`, no union at the root and no titles, and leave out what
the server checks anyway and the sentences say where it matters (lengths, bounds, defaults, null, what is in an object,
the type beside an enum).
"""

from collections.abc import Mapping

import mcp.types as wire

from projections.operations.base import Input, Operation, Writes
from projections.operations.inputs.shapes import Schema

KEPT = ("type", "enum", "const", "description", "required")
UNIONS = ("anyOf", "oneOf")


def tool(operation: Operation) -> wire.Tool:
    return wire.Tool(
        name=operation.name,
        title=operation.title,
        description=operation.summary,
        input_schema=input_schema(operation.input),
        annotations=wire.ToolAnnotations(
            read_only_hint=not operation.writes,
            destructive_hint=operation.destructive,
            idempotent_hint=not operation.writes,
            open_world_hint=False,
        ),
    )


def input_schema(model: type[Input]) -> Schema:
    """What the model takes, as a closed JSON Schema object with a sentence for every field.

    Raises TypeError for a model that refers to itself or has a field without a sentence: it cannot be a tool.
    """
    described = model.model_json_schema()
    schema = _plain(described, described.get("$defs", {}), ())
    fields = schema.get("properties", {})
    for name, field in fields.items():
        if not field.get("description"):
            raise TypeError(f"{model.__name__}.{name} has no description, and every parameter of a tool needs one")
    schema.pop("description", None)  # the tool has one
    return {**schema, "properties": _own_first(model, fields), "additionalProperties": False}


def _own_first(model: type[Input], fields: Schema) -> Schema:
    """What makes this tool different stands before what all writes have."""
    shared = [name for name in Writes.model_fields if issubclass(model, Writes)]
    return {name: fields[name] for name in (*(name for name in fields if name not in shared), *shared)}


def _plain(node: Schema, definitions: Mapping[str, Schema], inside: tuple[str, ...]) -> Schema:
    node, inside = _resolved(node, definitions, inside)
    plain = {key: node[key] for key in KEPT if key in node and not (key == "type" and "enum" in node)}
    if "properties" in node:
        plain["properties"] = {name: _plain(field, definitions, inside) for name, field in node["properties"].items()}
    if isinstance(node.get("items"), dict):
        plain["items"] = _plain(node["items"], definitions, inside)
    return {**_chosen(node, definitions, inside), **plain}


def _resolved(
    node: Schema, definitions: Mapping[str, Schema], inside: tuple[str, ...]
) -> tuple[Schema, tuple[str, ...]]:
    """The node with what it refers to written in its place; its own words win."""
    if "$ref" not in node:
        return node, inside
    name = node["$ref"].rpartition("/")[2]
    if name in inside:
        raise TypeError(f"{name} refers to itself, and a schema without $ref cannot say that")
    own = {key: value for key, value in node.items() if key != "$ref"}
    return _resolved({**definitions[name], **own}, definitions, (*inside, name))


def _chosen(node: Schema, definitions: Mapping[str, Schema], inside: tuple[str, ...]) -> Schema:
    """A union, without its null where null is no value: its one member, or one list of mere types or mere words."""
    members = [member for union in UNIONS for member in node.get(union, ()) if _counts(member, node)]
    if not members:
        return {}
    plain = [_plain(member, definitions, inside) for member in members]
    if len(plain) > 1 and all(set(member) == {"type"} for member in plain):
        return {"type": [member["type"] for member in plain]}
    if len(plain) > 1 and all("enum" in member or "const" in member for member in plain):
        return {"enum": [word for member in plain for word in member.get("enum", [member.get("const")])]}
    return plain[0] if len(plain) == 1 else {"anyOf": plain}


def _counts(member: Schema, node: Schema) -> bool:
    return member.get("type") != "null" or "nullable" in node
