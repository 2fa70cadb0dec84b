"""The status report: one document from one snapshot, and the Markdown that a person reads.

The same position gives the same bytes: nothing in it is asked from a clock. What it shows of a ledger's texts cannot
break its structure; see `inline`. Long lists are folded with a count, the most important lines first.
"""

import re
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import chain
from typing import Any

from msgspec import Struct

from ledger.aggregates.vendor.state import FORMATS
from ledger.aggregates.work_item.state import ITEM_TYPES
from ledger.values.moment import text as moment_text
from ledger.values.states import FINISHED, ORIGINAL
from projections.questions.conflicts import open_count
from projections.questions.overviews import status
from projections.reports.markdown import UNKNOWN, inline
from projections.reports.templates import rendered
from projections.tables.contract import Snapshot

TEMPLATE = "project_status.md.j2"
IDS = "project_status_ids.md.j2"
TREE_LINES = 40
VENDOR_LINES = 60
ENHANCEMENT_LINES = 20
LONGEST = 200  # characters of a description in a folded document

PLANS = ("planned", "approved", "implementing")
_BRACKET = re.compile(rf"\((?=(?:{'|'.join(ITEM_TYPES + PLANS)})[,)])")

Document = dict[str, Any]


class Shown(Struct, frozen=True, kw_only=True):
    """How much of a document its reader will show: so many vendors, and so many lines of the tree, None for all."""

    vendors: int
    lines: int | None


IN_MARKDOWN = Shown(vendors=VENDOR_LINES, lines=TREE_LINES)


def document(
    snapshot: Snapshot,
    name: str,
    source: str = "postgres",
    queued: int = 0,
    items: int = status.LISTED,
    *,
    is_live: bool = True,
    shown: Shown | None = None,
) -> Document:
    """The report as plain data. `name` is what the project is called.

    `source` is the layer that answers, from the database where it `is_live`, and `queued` how many writes of this
    machine wait for the database. `items` is how many work items it lists at most. With `shown` it has no more than its
    reader will show; that leaves out what waits for the database, so it is for layers where nothing does.
    """
    vendors = shown.vendors if shown else None
    choose = partial(_most_urgent, most=shown.lines) if shown and shown.lines is not None else None
    as_of, conflicts = snapshot.as_of, open_count(snapshot)
    clean = is_live and not queued and not conflicts
    return {
        "project": name,
        "as_of": {"position": as_of.position, "time": as_of.time and moment_text(as_of.time)},
        "vendor_health": status.vendor_health(snapshot, vendors),
        "active_work_items": status.active_work_items(snapshot, items, choose),
        "overdue": status.overdue(snapshot),
        "due_this_week": status.due_this_week(snapshot),
        "ready": status.ready(snapshot),
        "recent_deployments": status.recent_deployments(snapshot),
        "pending_enhancements": status.pending_enhancements(snapshot),
        "pending_enhancements_count": status.pending_count(snapshot),
        "sync": {"source": source, "clean": clean, "queued": queued, "conflicts": conflicts},
    }


def folded(document: Document, most: int) -> Document:
    """The document with at most so many entries in each list, what matters first; each list says what is left out."""
    health, work = document["vendor_health"], document["active_work_items"]
    vendors = sorted(health["vendors"], key=_works)[:most]
    items, left_out = _tree_lines(work, most)
    planned = document["pending_enhancements"]
    return document | {
        "vendor_health": health | {"vendors": vendors, "has_more": len(vendors) < health["total_vendors"]},
        "active_work_items": work | {"items": items, "returned": len(items), "has_more": left_out > 0},
        "recent_deployments": document["recent_deployments"][:most],
        "pending_enhancements": [_cut(enhancement) for enhancement in planned[:most]],
    }


def markdown(document: Document) -> str:
    """The report for a person."""
    return rendered(TEMPLATE, {**document, **_selected(document), "unknown": UNKNOWN}, titled=titled, formats=formats)


def with_ids(document: Document) -> str:
    """The report for a file: behind what a person reads stands which id and version each reference means."""
    return markdown(document) + rendered(IDS, {"entities": _named_entities(document)})


def titled(value: object) -> str:
    """A title before brackets that hold a type or a status: none of its own brackets looks like those.

    >>> titled("a (task) in (b)")
    'a \\\\(task) in (b)'
    """
    return _BRACKET.sub(r"\(", inline(value))


def formats(support: dict[str, bool | None]) -> str:
    """
    >>> formats({"excel": True, "csv": True, "pdf": False, "ocr": False}), formats({"csv": True, "pdf": False})
    ('csv, excel', 'csv, excel?, ocr?')
    """
    if not support:
        return UNKNOWN
    named = {name: inline(name, ",;?") for name, supported in support.items() if supported}
    unsaid = {name: f"{name}?" for name in FORMATS if support.get(name) is None}
    return ", ".join(text for _, text in sorted((named | unsaid).items())) or "none"


def own_states(work: Document) -> list[str]:
    """The states that items are in besides the original ones."""
    return [word for word in work["by_status"] if word not in ORIGINAL and word != "unknown"]


def is_queued(entity: Document) -> bool:
    """Whether it waits for the database: its version is not a number yet."""
    return isinstance(entity.get("version"), str)


def _selected(document: Document) -> Document:
    """What of the document the Markdown shows, and how much of it is left out."""
    health, planned = document["vendor_health"], document["pending_enhancements"]
    vendors = sorted(health["vendors"], key=_works)[:VENDOR_LINES]
    tree, tree_folded = _tree_lines(document["active_work_items"], TREE_LINES)
    return {
        "vendors": vendors,
        "vendors_folded": health["total_vendors"] - len(vendors),
        "tree": tree,
        "tree_folded": tree_folded,
        "own_states": own_states(document["active_work_items"]),
        "enhancements": planned[:ENHANCEMENT_LINES],
        "enhancements_folded": document["pending_enhancements_count"] - len(planned[:ENHANCEMENT_LINES]),
    }


def _named_entities(document: Document) -> list[Document]:
    """Everything that the Markdown names by a reference, once each."""
    found: dict[str, Document] = {}
    for entity in _referred(document):
        if entity.get("version") or entity["ref"] not in found:
            found[entity["ref"]] = entity
    return [found[ref] for ref in sorted(found)]


def _referred(document: Document) -> Iterator[Document]:
    shown = _selected(document)
    yield from (
        *shown["vendors"],
        *shown["tree"],
        *chain(*document["active_work_items"]["cycles"]),
        *document["ready"]["items"],
        *shown["enhancements"],
    )
    yield from (*document["overdue"]["items"], *document["due_this_week"]["items"])
    for item in shown["tree"]:
        yield from item["blocked_by"]
    for deployment in document["recent_deployments"]:
        nameless = (vendor for vendor in deployment["vendors"] if vendor["name"] is None)
        yield from (deployment, *nameless, *deployment["work_items"])


def _tree_lines(work: Document, most: int) -> tuple[list[dict[str, Any]], int]:
    """The most urgent unfinished items below whatever they are part of, and how many are left out.

    What is only queued counts as most urgent, also when it says that something is finished.
    """
    shown = _most_urgent(work["items"], most)
    items = [item for item in work["items"] if item["id"] in shown]
    total = sum(count for category, count in work["by_category"].items() if category not in FINISHED)
    return items, total - sum(item["category"] not in FINISHED for item in items)


def _most_urgent(listed: Iterable[dict[str, Any]], most: int) -> set[str]:
    """The ids of at most so many items: the most urgent ones with all that they are part of."""
    items = {item["id"]: item for item in listed}
    shown: set[str] = set()
    unfinished = [item for item in items.values() if item["category"] not in FINISHED or is_queued(item)]
    for item in sorted(unfinished, key=_importance):
        if len(shown) >= most:
            break
        needed = _ancestors(items, item) - shown
        if len(shown) + len(needed) <= most:
            shown |= needed
    return shown


def _importance(item: dict[str, Any]) -> tuple[Any, ...]:
    return not is_queued(item), item["priority"] or 9, item.get("created_at", ""), item["id"]


def _ancestors(items: dict[str, dict[str, Any]], item: dict[str, Any]) -> set[str]:
    """The item and its ancestors; a cycle ends where it began."""
    found: set[str] = set()
    at: dict[str, Any] | None = item
    while at is not None and at["id"] not in found:
        found.add(at["id"])
        at = items.get(at["parent_id"])
    return found


def _works(vendor: Document) -> tuple[bool, bool]:
    """What does not work stands first, behind what is only queued."""
    return not is_queued(vendor), vendor["status"] == "operational"


def _cut(enhancement: Document) -> Document:
    description = enhancement["description"] or ""
    return enhancement | ({"description": description[:LONGEST] + "..."} if len(description) > LONGEST else {})
