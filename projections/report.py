"""The status report: one document from one snapshot, and the Markdown that a person reads.

The same position gives the same bytes: nothing in it is asked from a clock. What it shows of a ledger's texts cannot
break its structure; see `inline`. Long lists are folded with a count, the most important lines first.
"""

import re
from collections.abc import Callable
from functools import cache
from typing import Any

import jinja2

from ledger.moment import text as moment_text
from ledger.resources import folder
from projections.questions import status
from projections.tables import Snapshot

TEMPLATE = "project_status.md.j2"
TREE_LINES = 40
VENDOR_LINES = 60
ENHANCEMENT_LINES = 20
LONGEST = 200  # characters of a description in a folded document

Document = dict[str, Any]

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]+")
_SPECIAL = re.compile(r"[\\`*\[|~&]|(?<!\w)_|_(?!\w)")


def document(snapshot: Snapshot, name: str) -> Document:
    """The report as plain data. `name` is what the project is called."""
    as_of = snapshot.as_of
    return {
        "project": name,
        "as_of": {"position": as_of.position, "time": as_of.time and moment_text(as_of.time)},
        "vendor_health": status.vendor_health(snapshot),
        "active_work_items": status.active_work_items(snapshot),
        "ready": status.ready(snapshot),
        "recent_deployments": status.recent_deployments(snapshot),
        "pending_enhancements": status.pending_enhancements(snapshot),
        "sync": {"source": "postgres", "clean": True},
    }


def folded(document: Document, most: int) -> Document:
    """The document with at most so many entries in each list, what matters first; each list says what is left out."""
    health, work = document["vendor_health"], document["active_work_items"]
    vendors = sorted(health["vendors"], key=_works)[:most]
    items, left_out = _tree_lines(work, most)
    planned = document["pending_enhancements"]
    return document | {
        "vendor_health": health | {"vendors": vendors, "has_more": len(vendors) < len(health["vendors"])},
        "active_work_items": work | {"items": items, "returned": len(items), "has_more": left_out > 0},
        "recent_deployments": document["recent_deployments"][:most],
        "pending_enhancements": [_cut(enhancement) for enhancement in planned[:most]],
        "pending_enhancements_count": len(planned),
    }


def markdown(document: Document) -> str:
    """The report for a person."""
    work, vendors = document["active_work_items"], document["vendor_health"]["vendors"]
    lines, left_out = _tree_lines(work, TREE_LINES)
    return template(TEMPLATE).render(
        **document,
        vendors=sorted(vendors, key=_works)[:VENDOR_LINES],
        vendors_folded=max(0, len(vendors) - VENDOR_LINES),
        tree=lines,
        tree_folded=left_out,
        enhancements=document["pending_enhancements"][:ENHANCEMENT_LINES],
        enhancements_folded=max(0, len(document["pending_enhancements"]) - ENHANCEMENT_LINES),
    )


def template(name: str, **filters: Callable[..., str]) -> jinja2.Template:
    """A text with holes, from the templates folder; `filters` are its own beside those of the report."""
    environment = _environment()
    environment.filters |= filters
    return environment.get_template(name)


def inline(value: object) -> str:
    """A text within a line of Markdown: it stays in its line and its cell and marks nothing up.

    >>> inline("a | b\\n# `c` <!-- d -->")
    'a \\\\| b # \\\\`c\\\\` &lt;!-- d -->'
    """
    line = _CONTROL.sub(" ", str(value)).strip()
    return _SPECIAL.sub(r"\\\g<0>", line).replace("<", "&lt;")  # no text may look like a marker


def code(value: object) -> str:
    """A text as a code span, whatever backticks it holds.

    >>> code("feature/a"), code("a`b")
    ('`feature/a`', '``a`b``')
    """
    shown = _CONTROL.sub(" ", str(value))
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", shown)), default=0))
    padding = " " if shown[:1] == "`" or shown[-1:] == "`" else ""
    return f"{fence}{padding}{shown}{padding}{fence}"


def moment(value: str | None) -> str:
    """A time of the ledger, to the second.

    >>> moment("2026-11-22T15:00:00.123456Z"), moment(None)
    ('2026-11-22 15:00:00 UTC', 'unknown')
    """
    return f"{inline(value[:19].replace('T', ' '))} UTC" if value else "unknown"


def yes_no(value: bool | None) -> str:
    return "unknown" if value is None else "yes" if value else "no"


def _tree_lines(work: Document, most: int) -> tuple[list[dict[str, Any]], int]:
    """The most important unfinished items below whatever they are part of, and how many are left out."""
    items = {item["id"]: item for item in work["items"]}
    unfinished = [item for item in items.values() if item["status"] != "completed"]
    shown: set[str] = set()
    for item in sorted(unfinished, key=_importance):
        needed = _upwards(items, item) - shown
        if len(shown) + len(needed) <= most:
            shown |= needed
    total = sum(count for status, count in work["by_status"].items() if status != "completed")
    left_out = total - sum(item["id"] in shown for item in unfinished)
    return [item for item in items.values() if item["id"] in shown], left_out


def _importance(item: dict[str, Any]) -> tuple[Any, ...]:
    return item["priority"] or 9, item["created_at"], item["id"]


def _upwards(items: dict[str, dict[str, Any]], item: dict[str, Any]) -> set[str]:
    """The item and its ancestors; a circle ends where it began."""
    found: set[str] = set()
    at: dict[str, Any] | None = item
    while at is not None and at["id"] not in found:
        found.add(at["id"])
        at = items.get(at["parent_id"])
    return found


def _works(vendor: Document) -> bool:
    """What does not work stands first."""
    return bool(vendor["status"] == "operational")


def _cut(enhancement: Document) -> Document:
    description = enhancement["description"] or ""
    return enhancement | ({"description": description[:LONGEST] + "..."} if len(description) > LONGEST else {})


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder("templates")),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # it is Markdown; `inline` and `code` do what Markdown needs
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"inline": inline, "code": code, "moment": moment, "yes_no": yes_no}
    return environment
