"""What an edit of a queued command may say: its fields are held to the limits of the operation that gives such ones."""

from collections.abc import Mapping
from typing import Any

from pydantic import create_model

from projections.operations.base import Input, checked, inside

Inputs = Mapping[str, type[Input]]  # by the name of the command


def check_edit(inputs: Inputs, command: str, changes: dict[str, Any]) -> None:
    """Raises Invalid for values that the operation would not take. What it has no field for, the command itself judges,
    and so what a null removes."""
    named = changes.get("fields")
    changes = {**changes, **(named if isinstance(named, dict) else {})}
    fields = inputs[command].model_fields if command in inputs else {}
    given = {name: value for name, value in changes.items() if name in fields and value is not None}
    shape: dict[str, Any] = {name: (fields[name].annotation, fields[name]) for name in given}
    model = create_model("Edit", __base__=Input, **shape)
    with inside("changes", model):
        checked(model, given)
