"""The pages: each asks a few operations and answers the values of its template. Run in worker threads."""

import re
from collections.abc import Callable, Iterator
from typing import Any, get_args
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from ledger.aggregates.enhancement.state import Status
from ledger.values.states import FINISHED
from mcp_adapter.capabilities.registry import tool
from mcp_adapter.console import filters
from mcp_adapter.console.graph import draw
from mcp_adapter.console.ledger import Ledger
from mcp_adapter.console.tokens import SCOPES
from projections.maintenance.access_tokens import MOST_DAYS, Tokens
from projections.operations.catalog import OPERATIONS
from projections.operations.inputs.shapes import bare_type, words
from projections.operations.webhooks import MOST_HOURS, USUAL_HOURS
from projections.operations.work.work_item_inputs import LinkWorkItemsInput
from projections.questions.answers import Answered
from projections.questions.log.as_of import is_position
from projections.reports.plots import bars, timeline

COLUMN = 50  # cards of one column of the board; more are one click away in the list
PAGE = 50
DRAWN = 300  # items that a graph shows
ON_BOARD = ("item_type", "priority", "tag", "assignee", "milestone_id")  # filters: of the board, and of the graph
ON_GRAPH = ("item_type", "tag")
PARTS = ["ancestors", "descendants", "dependencies", "effort", "comments"]
CARD = [
    *("version", "item_type", "title", "status", "priority", "due", "parent_id", "assignee", "claim", "question"),
    *("comment_count", "tags", "milestone_id"),
]
LANES = {"assignee": "assignee", "parent": "parent_id", "milestone": "milestone_id"}  # swimlanes of the board
LABELS = {"pr_numbers": "Pull requests", "pr_number": "Pull request", "pr_title": "Title of the pull request"}
PRESETS = {"item_type": "task", "priority": "3"}
RARE = frozenset({"branch_name", "commits", "pr_numbers"})  # assistants fill them in
CHOICES = {"priority": ("1", "2", "3", "4", "5")}  # what is chosen, not typed, beside what a schema enumerates
NAMES = re.compile(rf"\b({'|'.join(sorted((name for name in OPERATIONS if '_' in name), key=len, reverse=True))})\b")
AS_JSON = re.compile(r",? like \[[^]]*\]")
DAYS = frozenset({"due", "not_before"})
LONG = frozenset({"description", "notes", "text"})  # texts of several lines
LINK_KINDS = words(bare_type(LinkWorkItemsInput, "kind"))
RUNS = 20  # newest test runs of a vendor

Values = dict[str, Any]
Page = Callable[[Ledger, QueryParams], Values]


def board(ledger: Ledger, query: QueryParams) -> Values:
    """A column for each state, the most urgent cards first."""
    given = filters.given(query, ("text", *ON_BOARD))
    columns = []
    for state, title in states(ledger):
        found = ledger.ask("list_work_items", status=state, order="priority", limit=COLUMN, fields=CARD, **given)
        columns.append({"state": state, "title": title, **found})
    cards = [card for column in columns for card in column["items"]]
    lanes_by = query.get("lanes")
    address = urlencode({**given, **({"lanes": lanes_by} if lanes_by else {})})
    return {
        "columns": columns,
        "given": given,
        "here": f"{ledger.base}/board{'?' if address else ''}{address}",
        "lanes": _lanes(ledger, columns, lanes_by),
        "lanes_by": lanes_by,
        "filters": filters.controls(_suggested(cards) | {"milestone_id": _milestones(ledger)}, ON_BOARD),
    }


def listing(ledger: Ledger, query: QueryParams) -> Values:
    given = filters.given(query, filters.filters())
    if (only := query.get("only")) in filters.only():
        given[only] = "true"
    found = ledger.ask("list_work_items", limit=PAGE, fields=[*CARD, "updated_at"], **given, **_cursor(query))
    offered = {"status": states(ledger), "milestone_id": _milestones(ledger)}
    return {
        "found": found,
        "given": given,
        "only": filters.only(),
        "filters": filters.controls(_suggested(found["items"]) | offered),
    }


def item(ledger: Ledger, query: QueryParams, ref: str) -> Values:
    found = ledger.ask("query_work_item", id=ref, include=PARTS, max_depth=3)
    milestone = ledger.ask("query_work_item", id=found["milestone_id"]) if found.get("milestone_id") else None
    history = ledger.ask("query_history", id=ref, limit=PAGE)["items"]
    near = [
        found,
        *found["ancestors"],
        *found["descendants"],
        *found["dependencies"],
        *([milestone] if milestone else []),
    ]
    return {
        "item": found,
        "milestone": milestone,
        "history": history,
        "states": states(ledger),
        "link_kinds": LINK_KINDS,
        "refs": {entry["id"]: entry["ref"] for entry in (*near, *filter(None, [milestone]))},
    }


def needs_me(ledger: Ledger, query: QueryParams) -> Values:
    return {
        "waiting": ledger.ask("needs_me", by=ledger.actor, limit=PAGE),
        "mine": ledger.ask("list_work_items", claimed_by=ledger.actor, limit=PAGE),
        "ready": ledger.ask("ready_work", limit=10),
    }


def graph(ledger: Ledger, query: QueryParams) -> Values:
    given = filters.given(query, ("text", *ON_GRAPH))
    fields = ["title", "status", "links", "parent_id", "tags", "assignee"]
    going = [state["name"] for state in _configured(ledger) if state["category"] not in FINISHED]
    open_items: list[Answered] = []
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
    waits: dict[str, list[Answered]] = {}
    for first, then in edges:
        if first in by_id and then in by_id:
            waits.setdefault(then, []).append(by_id[first])
    return {
        "drawing": drawing,
        "items": by_id,
        "waits": waits,
        "given": given,
        "filters": filters.controls(_suggested(open_items), ON_GRAPH),
    }


def log(ledger: Ledger, query: QueryParams) -> Values:
    """A page of events, at an earlier point those up to it: between two points, what changed."""
    head = int(ledger.ask("sync_state")["position"])
    since = query.get("since", "").strip()
    after = min(_before(ledger, since, head) if since else max(0, head - PAGE), head)
    found = ledger.ask("changes_since", since=after, limit=PAGE)
    if ledger.as_of is not None:
        known = [entry for entry in found["items"] if entry["position"] is not None and entry["position"] <= head]
        found |= {"items": known, "has_more": found["next_position"] < head}
    return {"found": found, "head": head, "after": after, "since": since}


def _before(ledger: Ledger, since: str, head: int) -> int:
    """The position after which events are shown. A time is read by the operation, which refuses what is none."""
    if is_position(since):
        return int(since)
    first = ledger.ask("changes_since", since=since, limit=1)["items"]
    return first[0]["position"] - 1 if first and first[0]["position"] else head


def vendors(ledger: Ledger, query: QueryParams) -> Values:
    found = ledger.everything("query_vendor_status", 500, limit=100)
    runs = {}
    for vendor in found["items"][:PAGE]:
        shown = ledger.ask("query_vendor_status", id=vendor["id"], include=["test_runs"])
        newest = shown.get("test_runs", ())[:RUNS]
        runs[vendor["id"]] = bars(newest[::-1]) if newest else None
    return {"found": found, "runs": runs}


def deployments(ledger: Ledger, query: QueryParams) -> Values:
    found = ledger.ask("query_deployments", limit=PAGE, **_cursor(query))
    return {"found": found, "timeline": timeline(found["items"])}


def enhancements(ledger: Ledger, query: QueryParams) -> Values:
    return {"found": ledger.ask("list_enhancements", limit=PAGE, **_cursor(query)), "stages": get_args(Status)}


def report(ledger: Ledger, query: QueryParams) -> Values:
    return {"text": ledger.ask("project_status", format="markdown")["markdown"]}


def conflicts(ledger: Ledger, query: QueryParams) -> Values:
    return {"sync": ledger.ask("sync_state")}


def settings(ledger: Ledger, query: QueryParams) -> Values:
    app = ledger.caller.app
    tokens = [token.public_fields() for token in Tokens(app.home).all() if token.is_valid_at(app.clock())]
    return {
        "configuration": ledger.ask("get_project_configuration"),
        "tokens": tokens if ledger.is_admin else None,
        "scopes": SCOPES,
        "most_days": MOST_DAYS,
        "usual_hours": USUAL_HOURS,
        "most_hours": MOST_HOURS,
        "webhooks": ledger.ask("list_webhooks")["items"] if ledger.is_admin else [],
    }


def act(ledger: Ledger, query: QueryParams, operation: str) -> Values:
    """A form for any operation that writes, made from its input schema."""
    found = OPERATIONS[operation]
    ledger.caller.check(found, {})
    schema = tool(found).input_schema
    fields = [
        {"name": name, **_control(name, shape), "required": name in schema.get("required", ())}
        for name, shape in schema["properties"].items()
        if name not in ("by", "command_id", "detail", "token")
    ]
    last = {field["name"] for field in fields if field["control"] == "json" or field["name"] in RARE}
    fields.sort(key=lambda field: field["name"] in last and not field["required"])  # what few people type
    return {"operation": found, "summary": _for_people(found.summary), "fields": fields, "given": dict(query)}


def _control(name: str, shape: Values) -> Values:
    """What a form shows for an argument: its label, what it is typed into, and what stands there at first."""
    words = LABELS.get(name, name.removesuffix("_id").replace("_", " ").capitalize())
    control, help_text = _kind_of(name, shape), _for_people(shape.get("description", ""))
    return {
        "label": words,
        "control": control,
        "choices": shape.get("enum") or CHOICES.get(name, ()),
        "preset": PRESETS.get(name, ""),
        "description": AS_JSON.sub("", help_text) if control == "list" else help_text,
    }


def _for_people(text: str) -> str:
    """A sentence of a tool's description, in which operations have the names that the pages give them.

    >>> _for_people("To begin: claim_work_item")
    'To begin: “Claim a work item”'
    """
    return NAMES.sub(lambda found: f"“{OPERATIONS[found[0]].title}”", text)


def _kind_of(name: str, shape: Values) -> str:
    inside = shape.get("items", {}).get("type")
    match shape.get("type"):
        case _ if "enum" in shape or name in CHOICES:
            return "select"
        case "array" if inside != "object":
            return "list"
        case "object" | "array":
            return "json"
        case "boolean":
            return "boolean"
        case "integer" | "number":
            return "number"
    return "day" if name in DAYS else "long" if name in LONG else "text"


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


def _configured(ledger: Ledger) -> list[Answered]:
    found: list[Answered] = ledger.ask("get_project_configuration")["states"]
    return found


def _cursor(query: QueryParams) -> Values:
    return {"cursor": query["cursor"]} if query.get("cursor") else {}


def _suggested(items: list[Answered]) -> dict[str, list[tuple[str, str]]]:
    """What filters offer besides the words of the input: all priorities, and the tags and people of what is shown."""
    tags = {tag for entry in items for tag in entry.get("tags") or ()}
    people = {entry["assignee"] for entry in items if entry.get("assignee")}
    return {
        "priority": [(str(number), f"P{number}") for number in range(1, 6)],
        "tag": [(tag, tag) for tag in sorted(tags)],
        "assignee": [(name, name) for name in sorted(people)],
    }


def _milestones(ledger: Ledger) -> list[tuple[str, str]]:
    """The unfinished milestones to filter by: (reference, title)."""
    found = ledger.ask("list_work_items", item_type="milestone", unfinished=True, limit=PAGE, fields=["title"])
    return [(entry["ref"], entry["title"]) for entry in found["items"]]


def _lanes(ledger: Ledger, columns: list[Values], by: str | None) -> list[tuple[str, list[list[Values]]]]:
    """The cards of each column in swimlanes by a field of theirs; one lane without a title otherwise."""
    field = LANES.get(by or "")
    if field is None:
        return [("", [column["items"] for column in columns])]
    held = {str(card.get(field) or "") for column in columns for card in column["items"]}
    names = {value: _lane_name(ledger, field, value) for value in held}
    return [
        (
            names[value],
            [[card for card in column["items"] if str(card.get(field) or "") == value] for column in columns],
        )
        for value in sorted(held, key=lambda value: (not value, names[value]))
    ]


def _lane_name(ledger: Ledger, field: str, value: str) -> str:
    if not value:
        return f"without {'an' if field == 'assignee' else 'a'} {field.removesuffix('_id')}"
    return value if field == "assignee" else str(ledger.ask("query_work_item", id=value)["title"])
