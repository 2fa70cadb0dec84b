"""A report that knows more than this machine does, with what this machine has queued laid over it.

While the database is away a machine's own copy may be older than a status file that came with `git pull`, or be gone.
Then the file keeps what it tells, and what is queued here is added to it by id.
"""

from projections.questions.answers import Entity
from projections.reports.report import Document, is_queued

DEPLOYMENTS = 10  # that a report lists


def laid_over(shown: Document, own: Document) -> Document:
    """`shown` was read from a file, `own` is what this machine can say; the answer is as of the file's position.

    An item that the file does not show is taken for a new one, unless the file folds its list and the item is older.
    """
    return shown | {
        "project": own["project"],
        "vendor_health": _vendors(shown["vendor_health"], own["vendor_health"]),
        "active_work_items": _work(shown, own),
        "recent_deployments": _deployments(shown["recent_deployments"], own["recent_deployments"]),
        **_enhancements(shown, own),
        "sync": own["sync"],
    }


def _work(shown: Document, own: Document) -> Entity:
    work, since = dict(shown["active_work_items"]), shown["as_of"]["time"] or ""
    items = list(work["items"])
    for item in filter(is_queued, own["active_work_items"]["items"]):
        place = next((n for n, one in enumerate(items) if one["id"] == item["id"]), None)
        if place is not None:
            work = _counted(work, items[place], -1)
            items[place] = item | {name: items[place][name] for name in ("depth", "parent_id")}
        else:
            items = _with(items, item)
        if place is not None or not work["has_more"] or item["created_at"] > since:
            work = _counted(work, item, +1)
    return work | {"items": items, "returned": len(items)}


def _with(items: list[Entity], item: Entity) -> list[Entity]:
    """The items with one more, below its parent if that is there."""
    for n, parent in enumerate(items):
        if item["parent_id"] is not None and parent["id"] == item["parent_id"]:
            return [*items[: n + 1], item | {"depth": parent["depth"] + 1}, *items[n + 1 :]]
    return [*items, item | {"depth": 0, "parent_id": None}]


def _counted(work: Entity, item: Entity, change: int) -> Entity:
    """The counts after an item came or went."""
    words = {
        "by_type": item["item_type"],
        "by_status": item["status"],
        "by_category": item["category"],
        "by_priority": str(item["priority"] or "unknown"),
    }
    counts = {
        name: {key: n for key, n in sorted((work[name] | {word: work[name].get(word, 0) + change}).items()) if n}
        for name, word in words.items()
    }
    return work | counts | {"total_count": work["total_count"] + change}


def _vendors(shown: Entity, own: Entity) -> Entity:
    """Where the file folds its vendors, only those it shows are known to be counted."""
    queued = {vendor["id"]: vendor for vendor in filter(is_queued, own["vendors"])}
    known = {vendor["id"]: vendor for vendor in shown["vendors"]}
    added = len(queued.keys() - known.keys()) if shown["total_vendors"] == len(known) else 0
    vendors = list((known | queued).values())

    def count(status: str) -> int:
        was = sum(one["status"] == status for one in known.values())
        now = sum(one["status"] == status for one in vendors)
        return int(shown[f"{status}_count"] - was + now)

    total = max(shown["total_vendors"] + added, len(vendors))
    return shown | {
        "vendors": vendors,
        "total_vendors": total,
        "operational_count": count("operational"),
        "broken_count": count("broken"),
        "operational_percentage": round(100 * count("operational") / total, 2) if total else 0.0,
    }


def _deployments(shown: list[Entity], own: list[Entity]) -> list[Entity]:
    queued = {deployment["id"]: deployment for deployment in filter(is_queued, own)}
    found = (queued | {one["id"]: queued.get(one["id"], one) for one in shown}).values()
    return sorted(found, key=lambda one: one["deployed_at"] or "", reverse=True)[:DEPLOYMENTS]


def _enhancements(shown: Document, own: Document) -> Entity:
    known = {one["id"]: one for one in shown["pending_enhancements"]}
    queued = {one["id"]: one for one in filter(is_queued, own["pending_enhancements"])}
    planned = list((known | queued).values())
    folded = shown["pending_enhancements_count"] - len(known)
    return {"pending_enhancements": planned, "pending_enhancements_count": len(planned) + folded}
