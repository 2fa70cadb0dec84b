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


def titles(app: App) -> list[str]:
    """Of all its work items, sorted."""
    return sorted(titles_in(ask(app, "list_work_items", limit=100, order="created")))


def titles_in(answer: dict[str, Any]) -> list[str]:
    """Of the items of an answer, in their order."""
    return [item["title"] for item in answer["items"]]


def close_at_once(app: App) -> None:
    """Closes it at the end of a test, which does not see any more what would follow its last write."""
    app.after_write._takes_on()
    app.close()
