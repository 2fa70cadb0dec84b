"""Calls of operations, as most tests make them."""

from collections.abc import Callable
from typing import Any

from projections.application.app import App
from projections.operations.catalog import OPERATIONS


def ask(app: App, name: str, /, **arguments: Any) -> dict[str, Any]:
    return OPERATIONS[name].perform(app, arguments)


def task(perform: Callable[..., dict[str, Any]], title: str, **fields: Any) -> dict[str, Any]:
    """The answer of create_work_item for a new task."""
    return perform("create_work_item", item_type="task", title=title, **fields)
