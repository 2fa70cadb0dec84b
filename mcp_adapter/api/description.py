"""The operations in the words of OpenAPI 3.1, made from the models that check what they are given."""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic.json_schema import models_json_schema

from ledger import __version__
from projections.operations.base import LARGEST, Input, Operation
from projections.operations.inputs.shapes import Schema

PREFIX = "/api/"
REFERENCE = "#/components/schemas/{model}"
BEARER = "token"
REFUSALS = {
    400: "An argument is wrong; `details.fields` names every one, with what it takes.",
    401: "No token, or one that opens nothing now.",
    403: "The token does not allow this.",
    404: "There is no such operation, or nothing with that id.",
    405: "Only POST is taken.",
    408: "The body did not come in time.",
    409: "It changed since the stated version, or another holds it.",
    413: f"More than {LARGEST:,} bytes.",
    415: "The body is not `application/json`.",
    421: "The server does not go by the name in `Host`.",
    422: "A rule refuses the change.",
    429: "Too many requests; `Retry-After` says when to repeat it.",
    500: "A fault of this program.",
    503: "The database does not answer, or the server is stopping; repeat it.",
    504: "Whether it was recorded is not known; repeat it with its `command_id`.",
}
BEFORE = {401, 408, 421, 429}  # refused before the operation is looked at
EITHER = {403, 503}
BRIEF: Schema = {
    "type": "object",
    "required": ["error"],
    "properties": {"error": {"type": "string"}, "retry_after": {"type": "integer", "description": "Seconds"}},
}
ERROR: Schema = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "details", "next_step", "retryable"],
            "properties": {
                "code": {"type": "string", "description": "Stable, like not_found"},
                "message": {"type": "string"},
                "details": {"type": "object", "properties": {"status": {"type": "integer"}}},
                "next_step": {"type": "string", "description": "What to do about it"},
                "retryable": {"type": "boolean", "description": "Whether the same may succeed later"},
            },
        }
    },
}


def described(operations: Iterable[Operation], *, tokens_needed: bool) -> Schema:
    """The whole document, as a JSON object."""
    found = {operation.name: operation for operation in operations}
    models = dict.fromkeys(operation.input for operation in found.values())
    inputs, definitions = models_json_schema([(model, "validation") for model in models], ref_template=REFERENCE)
    schemas = {model: inputs[model, "validation"] for model in models}
    document: Schema = {
        "openapi": "3.1.0",
        "info": {
            "title": "tracking-ledger",
            "version": __version__,
            "description": "Every operation of the ledger, with the names, arguments and refusals that assistants and"
            " the command `call` have. A write that carries a `command_id` may be repeated: it is recorded once.",
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name} for name in sorted({operation.toolset for operation in found.values()})],
        "paths": {PREFIX + name: {"post": _operation(found[name], schemas)} for name in sorted(found)},
        "components": {
            "schemas": {**_without_empty(definitions["$defs"]), "Error": ERROR, "Brief": BRIEF},
            "responses": {str(status): _refusal(status) for status in REFUSALS},
        },
    }
    if tokens_needed:
        document["components"]["securitySchemes"] = {BEARER: {"type": "http", "scheme": "bearer"}}
        document["security"] = [{BEARER: []}]
    return document


def _operation(operation: Operation, schemas: Mapping[type[Input], Schema]) -> Schema:
    return {
        "operationId": operation.name,
        "summary": operation.title,
        "description": f"{operation.summary}\n\nNeeds a token of the scope `{operation.scope}`.",
        "tags": [operation.toolset],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": schemas[operation.input]}},
        },
        "responses": {
            "200": {
                "description": "What became of the change." if operation.writes else "The answer.",
                "content": {"application/json": {"schema": {"type": "object"}}},
            },
            **{str(status): {"$ref": f"#/components/responses/{status}"} for status in REFUSALS},
        },
    }


def _without_empty(node: Any) -> Any:
    """The schema without defaults that only say that nothing was given: most of those fields do not take them."""
    if isinstance(node, list):
        return [_without_empty(entry) for entry in node]
    if not isinstance(node, dict):
        return node
    return {key: _without_empty(value) for key, value in node.items() if key != "default" or value or value is False}


def _refusal(status: int) -> Schema:
    error, brief = ({"$ref": REFERENCE.format(model=model)} for model in ("Error", "Brief"))
    schema = brief if status in BEFORE else {"anyOf": [error, brief]} if status in EITHER else error
    return {"description": REFUSALS[status], "content": {"application/json": {"schema": schema}}}
