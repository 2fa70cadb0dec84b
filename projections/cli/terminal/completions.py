"""What a shell can complete of this ledger: references, states, people, tags, saved views.

A completion answers what is there or nothing: it never shows an error between the letters of a line.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from typing import Any

import click
from click.shell_completion import CompletionItem

from ledger.errors import LedgerError
from projections.cli.terminal.output import printable
from projections.cli.terminal.parameters.options import Options

MOST = 100  # items that are looked at

Found = Iterable[tuple[str, str | None]]  # what completes, and what is shown beside it


class Suggested(click.types.StringParamType):
    """A text; what it could be is asked of the ledger when a shell asks."""

    def __init__(self, name: str, find: Callable[[Any], Found]) -> None:
        self.name = name
        self._find = find

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from projections.cli.terminal.invocation import Invocation  # only here: no command needs it to be read

        with closing(Invocation(ctx.find_object(Options) or Options())) as invocation:
            try:
                found = dict(self._find(invocation))
            except LedgerError:
                return []
        begun = incomplete.casefold()
        return [
            CompletionItem(word, help=explanation and printable(explanation))
            for word, explanation in found.items()
            if word.casefold().startswith(begun)
        ]


def _items(invocation: Any, **filters: Any) -> list[dict[str, Any]]:
    page = _perform(invocation, "list_work_items", {"limit": MOST, "order": "updated", **filters})
    found: list[dict[str, Any]] = page["items"]
    return found


def _perform(invocation: Any, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    from projections.operations.catalog import OPERATIONS  # only here, as above

    return OPERATIONS[name].perform(invocation.app, arguments)


def _refs(invocation: Any) -> Found:
    """Unfinished items first: they are what one works with."""
    for unfinished in (True, False):
        yield from ((item["ref"], item["title"]) for item in _items(invocation, unfinished=unfinished))


def _tags(invocation: Any) -> Iterator[tuple[str, None]]:
    return (
        (tag, None) for tag in sorted({tag for item in _items(invocation, fields=["tags"]) for tag in item["tags"]})
    )


def _people(invocation: Any) -> Found:
    people = {invocation.actor}
    for item in _items(invocation, fields=["assignee", "created_by", "claim"]):
        people |= {item["assignee"], item["created_by"], (item["claim"] or {}).get("by")} - {None}
    return [("me", invocation.actor), *((name, None) for name in sorted(people))]


def _states(invocation: Any) -> Found:
    states = _perform(invocation, "get_project_configuration", {})["states"]
    return [(state["name"], state["category"]) for state in states]


def _views(invocation: Any) -> Found:
    from projections.cli.terminal.views import saved  # only here, as above

    return [(name, None) for name in saved(invocation)]


REF = Suggested("ref", _refs)
TAG = Suggested("tag", _tags)
PERSON = Suggested("name", _people)
STATE = Suggested("state", _states)
VIEW = Suggested("view", _views)
