"""The report as one HTML page that needs nothing else: no network, no data in scripts, every text escaped.

It is built whole on this side; the page's script only hides and opens what is there. Where a ledger holds more than a
page can, the most important part of it is shown and the rest counted.
"""

import base64
import re
from collections import Counter
from functools import cache
from hashlib import sha256
from typing import Any

import jinja2
from markupsafe import Markup

from ledger.envelope import stream_id
from ledger.resources import folder
from ledger.store import EventStore
from ledger.values.moment import parse
from ledger.values.states import FINISHED
from ledger.vendor.decider import FORMATS
from projections.questions import status, vendor_history
from projections.questions.entities import rows
from projections.reports import report
from projections.tables.contract import Snapshot

TEMPLATE = "status_page.html.j2"
VENDORS = 500
RUNS = 30  # newest test runs of one vendor
DEPLOYMENTS = 200
TAGS = 100  # in the choice of tags, the most frequent ones
OPEN = 60  # items up to which the tree is open from the start
FOLD = 40  # entries of one list in the tree before the rest is folded
LANES = 5  # environments with a line of their own
LEFT, RIGHT, LANE_HEIGHT = 140, 960, 34  # of the timeline, in its own units
TICKS = 5
PLOT_HEIGHT = 24
FAILED = frozenset({"failed", "failures", "errors", "error"})  # what test summaries call a test that did not pass

Entity = dict[str, Any]
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


def page(snapshot: Snapshot, log: EventStore, document: report.Document) -> str:
    """The page of a snapshot's report. The log is asked for the test runs of vendors, which read models do not keep."""
    work, health = document["active_work_items"], document["vendor_health"]
    items = _with_tags(snapshot, work["items"])
    vendors = _with_runs(log, sorted(health["vendors"], key=_works)[:VENDORS], snapshot.as_of.position)
    deployments = status.recent_deployments(snapshot, DEPLOYMENTS)
    standing = sum(work["by_status"].values())
    style, script = _file("status_page.css"), _file("status_page.js")
    return _template().render(
        **document,
        tree=_tree(items),
        items_count=len(items),
        items_left_out=standing - sum(not item["above"] for item in items),
        unfinished=standing - sum(work["by_category"].get(category, 0) for category in FINISHED),
        kinds=sorted(work["by_type"]),
        own_states=report.own_states(work),
        tags=sorted(_tags(items), key=lambda tag: tag[0]),
        vendors=vendors,
        vendors_left_out=health["total_vendors"] - len(vendors),
        deployments=deployments,
        deployments_left_out=status.deployments_count(snapshot) - len(deployments),
        timeline=_timeline(deployments),
        fold=FOLD,
        style=Markup(style),
        script=Markup(script),
        style_hash=_hash(style),
        script_hash=_hash(script),
    )


def _with_tags(snapshot: Snapshot, items: list[Entity]) -> list[Entity]:
    generation = snapshot.generation("work_items")
    ids = [item["id"] for item in items]
    found = rows("work_item", snapshot.ask("entities/by_ids", category="work_item", generation=generation, ids=ids))
    states = {row.id: row.state for row in found}
    hidden = {entity_id for entity_id, state in states.items() if state.archived or state.deleted or state.withdrawn}
    return [item | {"tags": list(states[item["id"]].tags), "above": item["id"] in hidden} for item in items]


def _tags(items: list[Entity]) -> list[tuple[str, int]]:
    return Counter(tag for item in items for tag in item["tags"]).most_common(TAGS)


def _with_runs(log: EventStore, vendors: list[Entity], position: int) -> list[Entity]:
    streams = [stream_id("vendor", vendor["id"]) for vendor in vendors]
    pasts = log.read_streams(streams).events if streams else {}
    told = []
    for vendor, stream in zip(vendors, streams, strict=True):
        past = [event for event in pasts.get(stream, []) if event.position <= position]
        runs = vendor_history.test_runs(past)[:RUNS][::-1]
        told.append(vendor | {"runs": [_run(run) for run in runs], "formats": _formats(vendor["format_support"])})
    return told


def _run(run: Entity) -> Entity:
    passing, total, skipped = run["passing"] or 0, run["total"] or 0, run["skipped"] or 0
    height = round(PLOT_HEIGHT * passing / total) if total else 0
    return {"undone": False, **run, "height": max(height, 1 if passing else 0), "bad": passing + skipped < total}


def _formats(support: dict[str, bool | None]) -> str:
    named = sorted(name if known else f"{name}?" for name in FORMATS if (known := support.get(name)) is not False)
    return ", ".join(named) or "none"


def _tree(items: list[Entity]) -> list[Entity]:
    """Each item with what is below it, in the order of the report."""
    roots: list[Entity] = []
    above: list[Entity] = []
    for item in items:
        node = {
            "item": item,
            "children": [],
            "text": _searched(item),
            "below": 0,
            "done": 0,
            "open": len(items) <= OPEN,
        }
        del above[item["depth"] :]
        (above[-1]["children"] if above else roots).append(node)
        for one in above:
            one["below"] += 1
            one["done"] += item["category"] in FINISHED
        above.append(node)
    return roots


def _searched(item: Entity) -> str:
    words = (item["ref"], item["title"], item["assignee"], item["branch_name"], item["block_reason"])
    claimed = item["claim"] and item["claim"]["by"]
    return " ".join(word for word in (*words, claimed, *item["tags"]) if word).lower()


def _timeline(deployments: list[Entity]) -> Entity:
    """Where each deployment stands: from the left to the right its time, a line for each environment."""
    placed = [deployment for deployment in deployments if deployment["deployed_at"]][::-1]
    if not placed:
        return {"dots": []}
    frequent = [name for name, _ in Counter(_lane(deployment) for deployment in placed).most_common(LANES)]
    lanes = sorted(frequent) + (["others"] if any(_lane(one) not in frequent for one in placed) else [])
    heights = {name: 18 + LANE_HEIGHT * n for n, name in enumerate(lanes)}
    times = [parse(deployment["deployed_at"]).timestamp() for deployment in placed]
    first, last = times[0], max(times[-1], times[0] + 1)
    return {
        "height": 18 + LANE_HEIGHT * len(lanes) + 14,
        "lanes": [{"name": _cut(name, 18), "y": y} for name, y in heights.items()],
        "ticks": _ticks(placed[0]["deployed_at"], placed[-1]["deployed_at"]),
        "first": placed[0]["deployed_at"],
        "last": placed[-1]["deployed_at"],
        "dots": [
            {
                "ref": deployment["ref"],
                "x": round(LEFT + (RIGHT - LEFT) * (time - first) / (last - first), 1),
                "y": heights.get(_lane(deployment), 18 + LANE_HEIGHT * (len(lanes) - 1)),
                "state": _state(deployment),
                "label": f"{deployment['deployed_at'][:10]} {deployment['pr_title'] or 'without a title'}",
            }
            for deployment, time in zip(placed, times, strict=True)
        ],
    }


def _ticks(first: str, last: str) -> list[Entity]:
    """A few days along the time, each named once."""
    beginning, end = parse(first), parse(last)
    days: dict[str, float] = {}
    for n in range(TICKS):
        day = beginning + (end - beginning) * n / (TICKS - 1)
        days.setdefault(f"{day:%Y-%m-%d}", round(LEFT + (RIGHT - LEFT) * n / (TICKS - 1), 1))
    return [{"x": x, "label": day} for day, x in days.items()]


def _lane(deployment: Entity) -> str:
    return deployment["environment"] or "no environment"


def _state(deployment: Entity) -> str:
    failed = any(count for name, count in deployment["test_summary"].items() if name.lower() in FAILED)
    compliant = deployment["constitutional_compliance"]
    if failed or compliant is False:
        return "bad"
    return "good" if compliant else "unknown"


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


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
    return _UNSEEN.sub(lambda found: ascii(found[0])[1:-1], value)


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
