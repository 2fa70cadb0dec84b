"""The filters of lists of work items as options: each follows from its field in the input of the operation."""

import re
from collections.abc import Callable
from typing import Any

import click

from projections.cli.terminal.completions import REF, TAG
from projections.operations.inputs.shapes import bare_type, words
from projections.operations.work.work_item_inputs import ListWorkItemsInput

NAMES = {"item_type": ("--type",), "priority": ("-p", "--priority"), "tag": ("-t", "--tag")}  # shorter than the field's
TYPES: dict[str, click.ParamType[Any]] = {
    "parent_id": REF,
    "milestone_id": REF,
    "tag": TAG,
    "priority": click.IntRange(1, 5),
}
IN_OTHER_WORDS = {  # a field -> the parameter of the command that says it
    "text": "words",
    "status": "status",
    "category": "status",
    "assignee": "assignee",
    "due_until": "due",
    "claimed_by": "mine",
    "unfinished": "everything",
    "order": "order",
    "limit": "limit",
    "offset": "page",
    "as_of": "as_of",
}
NOT_OFFERED = {
    "ready": "`ready` lists what can begin",
    "roots_only": "`status` shows the tree from its roots",
    "changed_since": "`changes` lists what changed",
    "include_deleted": "`log` shows what was deleted",
    "include_archived": "`log` shows what was archived",
    "cursor": "--page goes on",
    "fields": "the columns are the command's",
    "detail": "`show` shows an item whole",
}


def filter_options(
    *names: str, model: type[ListWorkItemsInput] = ListWorkItemsInput
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Gives a command an option for each of these fields; without names for all that it does not say by itself."""
    fields = names or tuple(name for name in model.model_fields if name not in IN_OTHER_WORDS | NOT_OFFERED)

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for name in reversed(fields):
            function = _option(model, name)(function)
        return function

    return decorate


def _option(model: type[ListWorkItemsInput], name: str) -> Callable[..., Any]:
    taken = bare_type(model, name)
    flags = NAMES.get(name, (f"--{name.removesuffix('_id').replace('_', '-')}",))
    if taken is bool:
        return click.option(*flags, name, is_flag=True, default=None, help=_sentence(model, name))
    offered = click.Choice(words(taken)) if words(taken) else TYPES.get(name, taken)
    return click.option(*flags, name, type=offered, help=_sentence(model, name))


def _sentence(model: type[ListWorkItemsInput], name: str) -> str:
    """The field's, but for what it says of false: a flag is given or not."""
    return re.sub(r" \(false: [^)]*\)$", "", model.model_fields[name].description or "") + "."
