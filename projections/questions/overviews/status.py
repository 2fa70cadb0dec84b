"""What the status report asks: each answer is one section of it, all in one snapshot."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import msgspec

from ledger.aggregates.work_item.rules.cycles import cycles
from ledger.values.moment import EPOCH, text
from ledger.values.states import FINISHED
from ledger.world import DEEPEST, ReadyFilter
from projections.questions.answers import Entity
from projections.questions.entities import rows, with_fields
from projections.questions.references import all_references, references
from projections.questions.vendors import all_counts
from projections.questions.work import readiness
from projections.read_models.projection import Row
from projections.tables.contract import Answer, Snapshot, pages

Choose = Callable[
    [Answer], Iterable[str]
]  # items by importance, as {id, parent_id, category, priority, created_at} -> ids

LISTED = 1500  # items in one report; what is left out is counted
READY = 10
DUE = 20
SOON = timedelta(days=7)  # what is due within it is due this week
DEPLOYMENTS = 10
ENHANCEMENTS = 100

DUE_FIELDS = ("title", "item_type", "priority", "due", "assignee")
READY_FIELDS = ("title", "item_type", "priority", "branch_name", "assignee")
VENDOR_FIELDS = ("name", "status", "extractor_version", "format_support", "test_results", "manifest_compliant")
DEPLOYMENT_FIELDS = (
    "deployed_at", "commit_hash", "pr_number", "pr_title", "test_summary", "constitutional_compliance", "environment",
)  # fmt: skip
ENHANCEMENT_FIELDS = ("title", "description", "priority", "status", "target_quarter", "principles")


def vendor_health(snapshot: Snapshot, most: int | None = None) -> Entity:
    """Every vendor by name, and how many of them work; an unknown status is neither.

    With `most` only so many vendors are there, what does not work before what does.
    """
    if most is None:
        found = rows("vendor", list(pages(snapshot, "vendor", snapshot.generation("vendors"))))
        refs = all_references("vendor", [row.id for row in found])
    else:
        found = rows("vendor", _first_vendors(snapshot, most))
        refs = references(snapshot, "vendor", [row.id for row in found])
    existing = [row for row in found if row.state.exists and not row.state.withdrawn]
    vendors = sorted(_summaries_with(existing, refs, VENDOR_FIELDS), key=lambda vendor: vendor["name"].casefold())
    for vendor in vendors:
        vendor["test_results"] = all_counts(vendor["test_results"])
    counted = {line["status"]: line["vendors"] for line in snapshot.ask("status/vendor_counts")}
    total, operational = sum(counted.values()), counted.get("operational", 0)
    return {
        "total_vendors": total,
        "operational_count": operational,
        "broken_count": counted.get("broken", 0),
        "operational_percentage": round(100 * operational / total, 2) if total else 0.0,
        "vendors": vendors,
    }


def active_work_items(snapshot: Snapshot, most: int = LISTED, choose: Choose | None = None) -> Entity:
    """Counts over all items that are not deleted; the tree of those not archived, what matters first.

    `items` are at most so many and whatever those are part of; `has_more` says that there are others. `cycles` are the
    groups of them that wait for themselves, of which nothing can be begun until a link is taken away. With `choose`
    only the items whose ids it answers are described, of the unfinished ones and what they are part of.
    """
    counts = snapshot.ask("status/counts")
    visible = [line for line in counts if not line["hidden"]]
    if choose is None:
        chosen = snapshot.ask("status/visible", finished=0, limit=most)
        chosen += snapshot.ask("status/visible", finished=1, limit=most - len(chosen))
        items = _described(snapshot, _tree(_with_ancestors(snapshot, chosen)))
        among = _cycles(items)
    else:
        chosen = snapshot.ask("status/urgent", limit=most)
        places = _with_ancestors(snapshot, chosen, "status/places")
        items = _described(snapshot, _tree(snapshot.ask("status/titles", ids=sorted(choose(places)))))
        among = _cycles_among(snapshot, places)
    return {
        "total_count": sum(line["items"] for line in counts),
        "archived_count": sum(line["items"] for line in counts if line["hidden"]),
        "by_type": _by(visible, "item_type"),
        "by_priority": _by(visible, "priority"),
        "by_status": _by(visible, "status"),
        "by_category": _by(visible, "category"),
        "returned": len(items),
        "has_more": sum(line["items"] for line in visible) > len(chosen),
        "items": items,
        "cycles": among,
    }


def active_counts(snapshot: Snapshot) -> dict[str, int]:
    """How many items there are of each status, archived ones left out."""
    return _by([line for line in snapshot.ask("status/counts") if not line["hidden"]], "status")


def ready(snapshot: Snapshot, moment: datetime | None = None) -> Entity:
    """What can be begun at a moment, else at the position's time; most urgent first, then oldest first.

    `total_count` is None where there are more than `total_is_at_least`.
    """
    lines = list(islice(readiness.ready(snapshot, ReadyFilter(), moment or _moment(snapshot)), readiness.COUNTED + 1))
    generation, ids = snapshot.generation("work_items"), [line["id"] for line in lines[:READY]]
    found = snapshot.ask("entities/by_ids", category="work_item", generation=generation, ids=ids)
    ordered = sorted(rows("work_item", found), key=lambda row: ids.index(row.id))
    items = _summaries(snapshot, "work_item", ordered, READY_FIELDS)
    more = len(lines) > len(items)
    return {**readiness.counted(iter(lines)), "returned": len(items), "has_more": more, "items": items}


def overdue(snapshot: Snapshot) -> Entity:
    """What should have been done before the position's time, the oldest date first; counted as `ready` is."""
    return _due(snapshot, "", text(_moment(snapshot)))


def due_this_week(snapshot: Snapshot) -> Entity:
    """What has to be done within seven days of the position's time, the earliest first; counted as `ready` is."""
    return _due(snapshot, text(_moment(snapshot)), text(_moment(snapshot) + SOON))


def recent_deployments(snapshot: Snapshot, most: int = DEPLOYMENTS) -> list[Entity]:
    """The newest deployments, the newest first, with what they touched by name."""
    found = rows("deployment", snapshot.ask("status/recent_deployments", limit=most))
    shown = _summaries(snapshot, "deployment", found, DEPLOYMENT_FIELDS)
    vendors = with_fields(snapshot, "vendor", (id for row in found for id in row.state.vendor_ids), "name")
    items = with_fields(snapshot, "work_item", (id for row in found for id in row.state.work_item_ids), "title")
    return [
        deployment
        | {
            "vendors": [vendors[id] for id in row.state.vendor_ids],
            "work_items": [items[id] for id in row.state.work_item_ids],
        }
        for deployment, row in zip(shown, found, strict=True)
    ]


def deployments_count(snapshot: Snapshot) -> int:
    """How many deployments there are, also beyond the recent ones."""
    count: int = snapshot.ask("status/deployments_count")[0]["deployments"]
    return count


def pending_enhancements(snapshot: Snapshot) -> list[Entity]:
    """What is planned and not done, most urgent first."""
    found = rows("enhancement", snapshot.ask("status/pending_enhancements", limit=ENHANCEMENTS))
    shown = _summaries(snapshot, "enhancement", found, ENHANCEMENT_FIELDS)
    return sorted(shown, key=lambda one: (one["priority"] or 9, one["target_quarter"] or "9", one["title"], one["id"]))


def pending_count(snapshot: Snapshot) -> int:
    """How many there are of `pending_enhancements`, also beyond those listed."""
    count: int = snapshot.ask("status/pending_count")[0]["pending"]
    return count


def _due(snapshot: Snapshot, since: str, before: str) -> Entity:
    found = snapshot.ask("status/due", due_from=since, due_before=before, limit=readiness.COUNTED + 1)
    items = _summaries(snapshot, "work_item", list(rows("work_item", found[:DUE])), DUE_FIELDS)
    more = len(found) > len(items)
    return {**readiness.counted(iter(found)), "returned": len(items), "has_more": more, "items": items}


def _first_vendors(snapshot: Snapshot, most: int) -> Answer:
    found = snapshot.ask("status/vendors", works=0, limit=most)
    return found + snapshot.ask("status/vendors", works=1, limit=most - len(found))


def _summaries(snapshot: Snapshot, category: str, found: list[Row], names: tuple[str, ...]) -> list[Entity]:
    return _summaries_with(found, references(snapshot, category, [row.id for row in found]), names)


def _summaries_with(found: list[Row], refs: dict[str, str], names: tuple[str, ...]) -> list[Entity]:
    return [
        {"id": row.id, "ref": refs[row.id], "version": row.version}
        | {name: _plain(getattr(row.state, name)) for name in names}
        for row in found
    ]


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | int | None) else msgspec.to_builtins(value)


def _by(counts: Answer, name: str) -> dict[str, int]:
    """How many items there are of each value, in the order of the values; what is unknown is called so."""
    counted: Counter[str] = Counter()
    for line in counts:
        counted[str(line[name]) if line[name] is not None else "unknown"] += line["items"]
    return dict(sorted(counted.items()))


def _with_ancestors(snapshot: Snapshot, chosen: Answer, question: str = "status/titles") -> Answer:
    """The chosen items and whatever stands above them, as `question` has it."""
    known = {line["id"]: line for line in chosen}
    for _ in range(DEEPEST):
        missing = sorted({line["parent_id"] for line in known.values()} - known.keys() - {None})
        found = snapshot.ask(question, ids=missing) if missing else []
        if not found:
            break
        known |= {line["id"]: line for line in found}
    return list(known.values())


def _tree(items: Answer) -> Answer:
    """Parents before their children, each with its depth; unfinished before finished, then by priority and age.

    Items in a cycle of parents, which an import may bring, hang at the first of them.
    """
    ordered = sorted(items, key=_importance)
    present = {line["id"] for line in ordered}
    children: dict[str | None, Answer] = {}
    for line in ordered:
        children.setdefault(line["parent_id"] if line["parent_id"] in present else None, []).append(line)
    placed: dict[str, dict[str, Any]] = {}
    for start in (*children.get(None, []), *ordered):
        waiting = [(start, 0)]
        while waiting:
            line, depth = waiting.pop()
            if line["id"] not in placed:
                placed[line["id"]] = {**line, "depth": depth}
                waiting += [(child, depth + 1) for child in reversed(children.get(line["id"], []))]
    return list(placed.values())


def _importance(line: dict[str, Any]) -> tuple[bool, int, str, str]:
    return line["category"] in FINISHED, line["priority"] or 9, line["created_at"], line["id"]


def _described(snapshot: Snapshot, items: Answer) -> list[Entity]:
    ids = [line["id"] for line in items]
    found = snapshot.ask("work_items/blockers", ids=ids)
    refs = references(snapshot, "work_item", [*ids, *(line["id"] for line in found)])
    blockers, moment = _blockers(found, refs), text(_moment(snapshot))
    described = []
    for line in items:
        by, until = line.pop("claimed_by"), line.pop("claimed_until")
        claim = {"by": by, "until": until} if until is not None and until > moment else None
        described.append({"ref": refs[line["id"]], **line, "claim": claim, "blocked_by": blockers.get(line["id"], [])})
    return described


def waiting_cycles(snapshot: Snapshot) -> list[list[Entity]]:
    """The `cycles` of `active_work_items`, among all items that there are."""
    parents = {line["id"]: line["parent_id"] for line in snapshot.ask("work_items/parents")}
    links = snapshot.ask("entries/of_relation", generation=snapshot.generation("work_items"), relation="blocks")
    return _named_cycles(snapshot, parents, [(link["id"], link["target"]) for link in links])


def _cycles_among(snapshot: Snapshot, places: Answer) -> list[list[Entity]]:
    """The same among some items and what they are part of.

    What waits for itself does so by a link, or by a parent that is above itself. So they are looked for among what
    links name and what that is part of, and only if there are any among all.
    """
    unfinished = {line["id"]: line["parent_id"] for line in places if line["category"] not in FINISHED}
    parents = {id: parent for id, parent in unfinished.items() if parent in unfinished}
    links = snapshot.ask("status/blocks", ids=sorted(unfinished)) if unfinished else []
    blocks = [(link["id"], link["target"]) for link in links if link["id"] in unfinished]
    above: dict[str, str] = {}
    for at in (id for link in blocks for id in link):
        while at in parents and at not in above:
            above[at] = parents[at]
            at = parents[at]
    if not cycles(above, blocks) and not _has_cycle(parents):
        return []
    return _named_cycles(snapshot, parents, blocks)


def _has_cycle(parents: Mapping[str, str]) -> bool:
    known: set[str] = set()
    for start in parents:
        walked: set[str] = set()
        at = start
        while at in parents and at not in known:
            if at in walked:
                return True
            walked.add(at)
            at = parents[at]
        known |= walked
    return False


def _named_cycles(snapshot: Snapshot, parents: Mapping[str, str], blocks: list[tuple[str, str]]) -> list[list[Entity]]:
    members = {id for cycle in cycles(parents, blocks) for id in cycle}
    return _cycles(_described(snapshot, snapshot.ask("status/titles", ids=sorted(members)))) if members else []


def _cycles(items: list[Entity]) -> list[list[Entity]]:
    unfinished = {item["id"]: item for item in items if item["category"] not in FINISHED}
    parents = {id: item["parent_id"] for id, item in unfinished.items() if item["parent_id"] in unfinished}
    blocks = [(blocker["id"], id) for id, item in unfinished.items() for blocker in item["blocked_by"]]
    return [
        [{name: unfinished[id][name] for name in ("id", "ref", "version")} for id in cycle if id in unfinished]
        for cycle in cycles(parents, blocks)
    ]


def _moment(snapshot: Snapshot) -> datetime:
    """The position's time: a report asks no clock."""
    return snapshot.as_of.time or EPOCH


def _blockers(found: Answer, refs: dict[str, str]) -> dict[str, list[Entity]]:
    """The blockers of each blocked item, by its id."""
    blockers: dict[str, list[Entity]] = {}
    for line in found:
        blocker = {"id": line["id"], "ref": refs[line["id"]], "title": line["title"]}
        blockers.setdefault(line["asked"], []).append(blocker)
    return blockers
