"""What an edit of a queued command may change: its fields keep the limits of the operation that makes such commands."""

from collections.abc import Mapping
from typing import Any

from pydantic import create_model

from projections.operations.base import Input, checked, inside

Inputs = Mapping[str, type[Input]]  # by the name of the command


def read_edit(inputs: Inputs, command: str, changes: dict[str, Any]) -> dict[str, Any]:
    """The changes, with values read as the operation reads them. Raises Invalid for those that it would not take.

    What it has no field for, the command itself judges, and so what a null removes.
    """
    nested = changes.get("fields")
    named = nested if isinstance(nested, dict) else {}
    given = changes | named
    fields = inputs[command].model_fields if command in inputs else {}
    given = {name: value for name, value in given.items() if name in fields and value is not None}
    shape: dict[str, Any] = {name: (fields[name].annotation, fields[name]) for name in given}
    model = create_model("Edit", __base__=Input, **shape)
    with inside("changes", model):
        read = checked(model, given).model_dump(mode="json")
    edited = {name: read.get(name, value) for name, value in changes.items()}
    return edited | ({"fields": {name: read.get(name, value) for name, value in named.items()}} if named else {})
