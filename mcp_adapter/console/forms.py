"""What a form sends, as an operation's arguments; and what came of it.

A field `f-title` is the argument `title`, `f-changes.title` lies inside `changes`. (A field that is named `id` or
`remove` would hide those properties of the form from scripts.) A field given several times is an array; what is empty
is not given, except where the form says with `_clear` that an empty field empties. Where it names `_boxes`, it ticks
those of an item's description. The operation reads the texts as it reads those of any host.
"""

from functools import cache
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import FormData

from ledger.errors import LedgerError
from mcp_adapter.capabilities.registry import tool
from mcp_adapter.console.ledger import Ledger
from mcp_adapter.console.templates import MARKDOWN
from mcp_adapter.console.ticks import NAME as TICKED
from mcp_adapter.console.ticks import ticked
from projections.operations.catalog import OPERATIONS
from projections.questions.answers import Answered

OUTCOMES = {
    "committed": "Saved.",
    "queued": "Queued: the database cannot be reached. It is recorded when it is back.",
    "unchanged": "Nothing changed.",
    "conflict": "It met another change: see Conflicts.",
    "none_left": "Nothing is ready to be claimed.",
    "taken": "The receiver took the test message.",
    "not_taken": "The receiver did not take the test message.",
    "replaying": "It is sent again.",
}
PAGES = {
    "vendors": "vendors",
    "deployments": "deployments",
    "enhancements": "enhancements",
    "configuration": "settings",
}
DONE, REVOKED = "Done.", "Revoked."
FIELD = "f-"  # what the name of an argument's field begins with


def arguments(form: FormData) -> dict[str, Any]:
    """The arguments of a form.

    >>> arguments(FormData([("f-id", "w-1"), ("f-changes.title", "T"), ("f-tags", "a, b"), ("f-notes", "")]))
    {'id': 'w-1', 'changes': {'title': 'T'}, 'tags': ['a', 'b']}
    """
    given: dict[str, Any] = {}
    for name in dict.fromkeys(form):
        values = [str(value) for value in form.getlist(name)]
        if not name.startswith(FIELD) or not any(values):
            continue
        inside, _, field = name.removeprefix(FIELD).rpartition(".")
        place = given.setdefault(inside, {}) if inside else given
        place[field] = _value(field, values)
    emptied = [name for name in form.getlist("_clear") if not form.get(f"{FIELD}{name}")]
    if emptied:
        given["clear"] = [*given.get("clear", []), *map(str, emptied)]
    return given


def carry_out(ledger: Ledger, operation: str, form: FormData) -> tuple[Answered | None, LedgerError | None]:
    """The receipt, or the refusal."""
    try:
        given = arguments(form)
        if shown := form.getlist("_boxes"):
            text = ledger.ask("query_work_item", id=given.get("id", ""))["description"] or ""
            given["description"] = ticked(MARKDOWN, text, set(map(str, shown)), set(map(str, form.getlist(TICKED))))
        return ledger.ask(operation, **given), None
    except LedgerError as error:
        return None, error


def where_to(ledger: Ledger, operation: str, form: FormData, answer: Answered) -> str:
    """The page after a write: where the form came from, the item that it made, or where such entities are listed."""
    back = str(form.get("_back", ""))
    parts = urlsplit(back)
    if back.startswith("/") and not back.startswith("//") and not parts.netloc and "\\" not in back:
        return back
    if operation == "create_work_item" and answer.get("ref"):
        return f"{ledger.base}/item/{answer['ref']}"
    return f"{ledger.base}/{PAGES.get(OPERATIONS[operation].toolset, 'board')}"


def outcome(answer: Answered) -> str:
    """What the page says after a write, in words of its own and none of the input's."""
    return OUTCOMES.get(str(answer.get("outcome")), DONE)


def known_text(text: str) -> str:
    """The text of an address if it is one of a page's own; a link to another site says nothing here."""
    return text if text in (*OUTCOMES.values(), DONE, REVOKED) else ""


def words_of_secret(answer: Answered) -> str:
    """What the page says above a webhook's secret, which is shown once."""
    until = answer.get("former_signs_until")
    former = f" The former one signs beside it until {until}." if until else ""
    return f"This secret signs the messages of the webhook {answer['name']}.{former}"


def is_known(operation: str) -> bool:
    return operation in OPERATIONS and OPERATIONS[operation].writes


def _value(field: str, values: list[str]) -> Any:
    if field in _lists() and not values[-1].lstrip().startswith(("[", "{")):  # JSON is read as that of any host
        return [part.strip() for value in values for part in value.split(",") if part.strip()]
    return values[-1]


@cache
def _lists() -> frozenset[str]:
    """The arguments that take several texts or numbers, which a form has in one line."""
    shapes = (tool(operation).input_schema["properties"] for operation in OPERATIONS.values())
    return frozenset(
        name
        for properties in shapes
        for name, shape in properties.items()
        if shape.get("type") == "array" and shape["items"].get("type") != "object"
    )
