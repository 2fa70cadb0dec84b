"""The pages: each asks a few operations and answers the values of its template. Run in worker threads."""

from collections.abc import Callable, Iterator
from typing import Any

from starlette.datastructures import QueryParams

from mcp_adapter.console.asking import Answer, Ledger
from mcp_adapter.console.graph import draw
from mcp_adapter.registry import tool
from projections.operations.catalog import OPERATIONS

COLUMN = 50  # cards of one column of the board; more are one click away in the list
PAGE = 50
DRAWN = 300  # items that a graph shows
ENDED = ("done", "dropped")  # categories of states in which an item waits for nothing
FILTERS = (
    *("text", "status", "item_type", "tag", "assignee", "priority", "order", "ready", "blocked"),
    *("due_until", "overdue", "deferred", "milestone_id"),
)
PARTS = ["ancestors", "descendants", "dependencies", "effort"]

Values = dict[str, Any]
Page = Callable[[Ledger, QueryParams], Values]


def board(ledger: Ledger, query: QueryParams) -> Values:
    """A column for each state, the most urgent cards first."""
    given = _filters(query, ("text", "item_type", "tag", "assignee", "priority"))
    columns = []
    for state, title in states(ledger):
        found = ledger.ask("list_work_items", status=state, order="priority", limit=COLUMN, **given)
        columns.append({"state": state, "title": title, **found})
    return {
        "columns": columns,
        "given": given,
        "lanes": _lanes(columns, query.get("lanes")),
        "lanes_by": query.get("lanes"),
    }


def listing(ledger: Ledger, query: QueryParams) -> Values:
    given = _filters(query, FILTERS)
    found = ledger.ask("list_work_items", limit=PAGE, **given, **_cursor(query))
    return {"found": found, "given": given, "states": states(ledger)}


def item(ledger: Ledger, query: QueryParams, ref: str) -> Values:
    found = ledger.ask("query_work_item", id=ref, include=PARTS, max_depth=3)
    milestone = ledger.ask("query_work_item", id=found["milestone_id"]) if found.get("milestone_id") else None
    history = [] if ledger.as_of else ledger.ask("query_history", id=ref, limit=PAGE)["items"]
    return {"item": found, "milestone": milestone, "history": history, "states": states(ledger)}


def needs_me(ledger: Ledger, query: QueryParams) -> Values:
    return {
        "waiting": ledger.ask("needs_me", by=ledger.actor, limit=PAGE),
        "mine": ledger.ask("list_work_items", claimed_by=ledger.actor, limit=PAGE),
        "ready": ledger.ask("ready_work", limit=10),
    }


def graph(ledger: Ledger, query: QueryParams) -> Values:
    given = _filters(query, ("text", "item_type", "tag"))
    fields = ["title", "status", "links", "parent_id"]
    going = [state["name"] for state in _configured(ledger) if state["category"] not in ENDED]
    open_items: list[Answer] = []
    for name in going:
        found = ledger.everything("list_work_items", DRAWN, status=name, fields=fields, limit=100, **given)
        open_items += found["items"]
    open_items = open_items[:DRAWN]
    by_id = {entry["id"]: entry for entry in open_items}
    edges = [
        (entry["id"], link["to_id"])
        for entry in open_items
        for link in entry.get("links", ())
        if link["kind"] == "blocks"
    ]
    drawing = draw(by_id, edges)
    waits: dict[str, list[Answer]] = {}
    for first, then in edges:
        if first in by_id and then in by_id:
            waits.setdefault(then, []).append(by_id[first])
    return {"drawing": drawing, "items": by_id, "waits": waits, "given": given}


def log(ledger: Ledger, query: QueryParams) -> Values:
    head = int(ledger.ask("sync_state")["position"])
    since = query.get("since", "")
    after = int(since) if since.isdigit() else max(0, head - PAGE)
    found = ledger.ask("changes_since", since=min(after, head), limit=PAGE)
    return {"found": found, "head": head, "after": after}


def vendors(ledger: Ledger, query: QueryParams) -> Values:
    found = ledger.everything("query_vendor_status", 500, limit=100)
    runs = {}
    for vendor in found["items"][:PAGE]:
        shown = ledger.ask("query_vendor_status", id=vendor["id"], include=["test_runs"])
        runs[vendor["id"]] = list(reversed(shown.get("test_runs", ())[:20]))
    return {"found": found, "runs": runs}


def deployments(ledger: Ledger, query: QueryParams) -> Values:
    return {"found": ledger.ask("query_deployments", limit=PAGE, **_cursor(query))}


def enhancements(ledger: Ledger, query: QueryParams) -> Values:
    return {"found": ledger.ask("list_enhancements", limit=PAGE, **_cursor(query))}


def report(ledger: Ledger, query: QueryParams) -> Values:
    return {"text": ledger.ask("project_status", format="markdown")["markdown"]}


def conflicts(ledger: Ledger, query: QueryParams) -> Values:
    return {"sync": ledger.ask("sync_state")}


def settings(ledger: Ledger, query: QueryParams) -> Values:
    return {"configuration": ledger.ask("get_project_configuration")}


def act(ledger: Ledger, query: QueryParams, operation: str) -> Values:
    """A form for any operation that writes, made from its input schema."""
    found = OPERATIONS[operation]
    schema = tool(found).input_schema
    fields = [
        {"name": name, **shape, "required": name in schema.get("required", ())}
        for name, shape in schema["properties"].items()
        if name not in ("by", "command_id", "detail", "token")
    ]
    return {"operation": found, "fields": fields, "given": dict(query)}


def acts() -> Iterator[tuple[str, str]]:
    """Every operation that writes: (name, title)."""
    return ((name, operation.title) for name, operation in OPERATIONS.items() if operation.writes)


def states(ledger: Ledger) -> list[tuple[str, str]]:
    """The states of work items in the ledger's order: (name, title)."""
    return [(state["name"], state["name"].replace("_", " ").capitalize()) for state in _configured(ledger)]


PAGES: dict[str, tuple[str, Page]] = {
    "needs-me": ("Needs me", needs_me),
    "board": ("Board", board),
    "list": ("List", listing),
    "graph": ("Graph", graph),
    "log": ("Log", log),
    "vendors": ("Vendors", vendors),
    "deployments": ("Deployments", deployments),
    "enhancements": ("Enhancements", enhancements),
    "report": ("Report", report),
    "conflicts": ("Conflicts", conflicts),
    "settings": ("Settings", settings),
}


def _configured(ledger: Ledger) -> list[Answer]:
    found: list[Answer] = ledger.ask("get_project_configuration")["states"]
    return found


def _filters(query: QueryParams, names: tuple[str, ...]) -> Values:
    """What the address filters by, as far as this program's list can."""
    known = OPERATIONS["list_work_items"].input.model_fields
    return {name: query[name] for name in names if query.get(name) and name in known}


def _cursor(query: QueryParams) -> Values:
    return {"cursor": query["cursor"]} if query.get("cursor") else {}


def _lanes(columns: list[Values], by: str | None) -> list[tuple[str, list[list[Values]]]]:
    """The cards of each column in swimlanes by assignee or by parent; one lane without a title otherwise."""
    field = {"assignee": "assignee", "parent": "parent_id"}.get(by or "")
    if field is None:
        return [("", [column["items"] for column in columns])]
    names = sorted(
        {str(card.get(field) or "") for column in columns for card in column["items"]}, key=lambda n: (not n, n)
    )
    return [
        (
            name or "none",
            [[card for card in column["items"] if str(card.get(field) or "") == name] for column in columns],
        )
        for name in names
    ]
