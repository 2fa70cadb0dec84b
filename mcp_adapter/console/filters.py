"""What the pages filter work items by: it follows from the fields in the input of the operation."""

from collections.abc import Iterable, Mapping
from typing import Any

from starlette.datastructures import QueryParams

from projections.operations.inputs.shapes import bare_type, words
from projections.operations.work.work_item_inputs import ListWorkItemsInput

NOT_OFFERED = {
    "category": "a state says it",
    "parent_id": "the page of an item shows what is below it",
    "roots_only": "the order of trees begins with them",
    "claimed_by": "the page `needs me` shows what the reader has claimed",
    "changed_since": "the log shows what changed",
    "include_deleted": "the log shows what was deleted",
    "include_archived": "the log shows what was archived",
    "limit": "a page has as many as it shows",
    "offset": "the cursor leads on",
    "cursor": "a link leads on",
    "fields": "a page shows its own",
    "detail": "the page of an item shows it whole",
    "as_of": "every page has a form for it",
}
OWN_CONTROLS = frozenset({"text", "order"})  # they stand in the templates: the one in every form, the other in a list's
FIRST = (
    *("status", "item_type", "priority", "tag", "assignee", "milestone_id", "attachment", "due_until"),
    *("unfinished", "ready", "blocked"),
)
LABELS = {"status": "State", "item_type": "Type", "attachment": "Attached", "due_until": "Due by"}
TYPED = frozenset({"tag", "assignee"})  # what is shown is suggested, and any other is taken
DAYS = frozenset({"due_until"})

Values = dict[str, Any]
Model = type[ListWorkItemsInput]
Offered = Mapping[str, Iterable[tuple[str, str]]]  # a field -> (value, words) of what can be chosen


def filters(model: Model = ListWorkItemsInput) -> tuple[str, ...]:
    """The fields that a list can be filtered by, in the order in which a form has them."""
    names = [name for name in model.model_fields if name not in NOT_OFFERED]
    return *(name for name in FIRST if name in names), *(name for name in names if name not in FIRST)


def only(model: Model = ListWorkItemsInput) -> tuple[str, ...]:
    """What a list can be narrowed to: one at a time."""
    return tuple(name for name in filters(model) if bare_type(model, name) is bool)


def given(query: QueryParams, names: Iterable[str]) -> Values:
    """What the address filters by."""
    return {name: query[name] for name in names if query.get(name)}


def controls(offered: Offered, names: Iterable[str] | None = None, model: Model = ListWorkItemsInput) -> list[Values]:
    """What a form shows for each filter: {name, label, kind, choices}; nothing where nothing can be chosen."""
    shown = filters(model) if names is None else names
    return [_control(model, name, offered) for name in shown if name not in OWN_CONTROLS and name not in only(model)]


def _control(model: Model, name: str, offered: Offered) -> Values:
    choices = [*offered.get(name, ())] or [(word, word.replace("_", " ")) for word in words(bare_type(model, name))]
    kind = "typed" if name in TYPED else "day" if name in DAYS else "choice" if choices or name in offered else "text"
    label = LABELS.get(name, name.removesuffix("_id").replace("_", " ").capitalize())
    return {"name": name, "label": label, "kind": kind, "choices": choices}
