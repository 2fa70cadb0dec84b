"""The report as one HTML page that needs nothing else: no network, no data in scripts, every text escaped.

It is built whole on this side; the page's script only hides and opens what is there. Where a ledger holds more than a
page can, the most important part of it is shown and the rest counted.
"""

import base64
from functools import cache
from hashlib import sha256
from typing import Any

import jinja2
from markupsafe import Markup

from ledger.aggregates.vendor.state import FORMATS
from ledger.envelope import stream_id
from ledger.resources import folder
from ledger.store import EventStore
from ledger.values.controls import visible_in_lines
from ledger.values.states import FINISHED
from projections.questions import vendor_history
from projections.questions.answers import Entity
from projections.questions.overviews import status
from projections.reports import page_items, report
from projections.reports.page_week import week
from projections.reports.plots import bars, timeline
from projections.tables.contract import Snapshot

TEMPLATE = "status_page.html.j2"
VENDORS = 500
RUNS = 30  # newest test runs of one vendor
DEPLOYMENTS = 200
FOLD = 40  # entries of one list in the tree before the rest is folded
ITEMS = 6_000  # work items on one page
SHOWN = report.Shown(vendors=VENDORS, lines=None)


def page(snapshot: Snapshot, log: EventStore, document: report.Document) -> str:
    """The page of a snapshot's report. The log is asked for test runs and for what happened."""
    work, health = document["active_work_items"], document["vendor_health"]
    items = page_items.described(snapshot, log, work["items"])
    vendors = _with_runs(log, sorted(health["vendors"], key=_works)[:VENDORS], snapshot.as_of.position)
    deployments = status.recent_deployments(snapshot, DEPLOYMENTS)
    total = sum(work["by_status"].values())
    style, script = _file("status_page.css"), _file("status_page.js")
    return _template().render(
        **document,
        tree=page_items.tree(items),
        items_count=len(items),
        shown={item["id"] for item in items},
        items_left_out=total - sum(not item["above"] for item in items),
        unfinished=total - sum(work["by_category"].get(category, 0) for category in FINISHED),
        kinds=sorted(work["by_type"]),
        priorities=[priority for priority in work["by_priority"] if priority.isdigit()],
        own_states=report.own_states(work),
        tags=page_items.choices(tag for item in items for tag in item["tags"]),
        assignees=page_items.choices(item["assignee"] for item in items),
        waiting=page_items.waiting(items),
        week=week(log, snapshot),
        vendors=vendors,
        vendors_left_out=health["total_vendors"] - len(vendors),
        deployments=deployments,
        deployments_left_out=status.deployments_count(snapshot) - len(deployments),
        timeline=timeline(deployments),
        fold=FOLD,
        style=Markup(style),
        script=Markup(script),
        style_hash=_hash(style),
        script_hash=_hash(script),
    )


def _with_runs(log: EventStore, vendors: list[Entity], position: int) -> list[Entity]:
    streams = [stream_id("vendor", vendor["id"]) for vendor in vendors]
    pasts = log.read_streams(streams).events if streams else {}
    drawn = []
    for vendor, stream in zip(vendors, streams, strict=True):
        past = [event for event in pasts.get(stream, []) if event.position <= position]
        runs = vendor_history.test_runs(past)[:RUNS][::-1]
        drawn.append(vendor | {"runs": runs and bars(runs), "formats": _formats(vendor["format_support"])})
    return drawn


def _formats(support: dict[str, bool | None]) -> str:
    named = sorted(name if known else f"{name}?" for name in FORMATS if (known := support.get(name)) is not False)
    return ", ".join(named) or "none"


def _works(vendor: Entity) -> bool:
    return bool(vendor["status"] == "operational")


def _moment(value: str | None) -> str:
    return f"{value[:16].replace('T', ' ')} UTC" if value else "unknown"


def _day(value: str | None) -> str:
    return value[:10] if value else "unknown"


def _visible(value: Any) -> Any:
    """Control characters and marks that turn the direction of writing as words, in whatever the template prints."""
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    return visible_in_lines(value)


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(sha256(text.encode()).digest()).decode()}"


@cache
def _file(name: str) -> str:
    return (folder("templates") / name).read_text(encoding="utf-8")


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder("templates")),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        finalize=_visible,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"moment": _moment, "day": _day}
    return environment.get_template(TEMPLATE)
