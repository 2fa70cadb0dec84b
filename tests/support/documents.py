"""Documents of the report without a database: by example, and any that a ledger could add up to."""

from collections import Counter
from typing import Any
from uuid import UUID

from hypothesis import strategies as some

from ledger.values.reference import FULL, LETTERS, encode
from ledger.values.states import FINISHED, ORIGINAL, WORKABLE

HOSTILE = [
    "two\nlines\r\n",
    " a | b ",
    "`code``",
    "\\",
    "x (task, P3): on `b`; with c",
    "(planned) for 2027-Q1",
    "a; compliant: yes, b",
    " until 2026-11-22 15:00:00 UTC",
    "# heading\n## Vendors",
    "<!-- tracking-ledger: ids\n-->",
    "&#10;&lt;&amp;",
    "*unknown*",
    "unknown",
    "#12 1. x",
    "1. x",
    "\x1b[31mred\u202e\u2028\x85",
    "... and 5 more.",
    "csv?",
    "_a_ ~~b~~ [c](d)",
]


CLEAN = {"source": "postgres", "clean": True, "queued": 0, "conflicts": 0}
WAITING = {"source": "journal", "clean": False, "queued": 3, "conflicts": 1}


def item(ref: str, title: str = "Something", **fields: Any) -> dict[str, Any]:
    return {
        "id": ref,
        "ref": ref,
        "title": title,
        "item_type": "task",
        "status": "active",
        "category": ORIGINAL[fields.get("status", "active")],
        "priority": 3,
        "parent_id": None,
        "depth": 0,
        "created_at": f"2026-11-22T00:00:00.{ref[-6:].zfill(6)}Z",
        "branch_name": None,
        "assignee": None,
        "block_reason": None,
        "comment_count": None,
        "attachment_count": None,
        "claim": None,
        "blocked_by": [],
        **fields,
    }


def document(items: list[dict[str, Any]], **parts: Any) -> dict[str, Any]:
    by_status = dict(sorted(Counter(one["status"] for one in items).items()))
    by_category = dict(sorted(Counter(one["category"] for one in items).items()))
    return {
        "project": "a project",
        "as_of": {"position": 7, "time": "2026-11-22T15:00:00.000000Z"},
        "vendor_health": {
            "total_vendors": 0,
            "operational_count": 0,
            "broken_count": 0,
            "operational_percentage": 0.0,
            "vendors": [],
        },
        "active_work_items": {
            "total_count": len(items),
            "archived_count": 0,
            "by_type": {},
            "by_priority": {},
            "by_status": by_status,
            "by_category": by_category,
            "returned": len(items),
            "has_more": False,
            "items": items,
            "cycles": [],
        },
        "overdue": {"total_count": 0, "returned": 0, "has_more": False, "items": []},
        "due_this_week": {"total_count": 0, "returned": 0, "has_more": False, "items": []},
        "ready": {"total_count": 0, "returned": 0, "has_more": False, "items": []},
        "recent_deployments": [],
        "pending_enhancements": [],
        "pending_enhancements_count": 0,
        "sync": CLEAN,
        **parts,
    }


texts = some.sampled_from(HOSTILE) | some.text(some.characters(exclude_categories=["Cs"]), max_size=12)
said = texts.filter(bool)
maybe = some.none() | said
numbers = some.none() | some.integers(0, 99)
categories = some.sampled_from(["planned", "active", "waiting", "review"])
own_words = said.filter(lambda word: word not in (*ORIGINAL, "unknown"))
states = some.sampled_from([("active", "active"), ("blocked", "waiting")]) | some.tuples(own_words, categories)
priorities = some.none() | some.integers(1, 5)
moments = some.datetimes().map(lambda moment: f"{moment.year:04}-{moment:%m-%dT%H:%M:%S}.000000Z")
ids = some.integers(0, 2**128 - 1).map(lambda number: str(UUID(int=number)))


versions = some.integers(1, 999) | some.just("p-06h09h7k61ymb5pfyf7nz8vd5w-0")  # of one that is only queued


def ref(category: str, entity_id: str) -> str:
    return f"{LETTERS[category]}-{encode(entity_id, FULL)}"


def entities(category: str, **fields: some.SearchStrategy[Any]) -> some.SearchStrategy[list[dict[str, Any]]]:
    """Some entities of a category, whatever their fields."""
    made = some.fixed_dictionaries({"id": ids, "version": versions, **fields})
    return some.lists(made, max_size=5, unique_by=lambda entity: entity["id"]).map(
        lambda found: [entity | {"ref": ref(category, entity["id"])} for entity in found]
    )


@some.composite
def trees(draw: some.DrawFn) -> list[dict[str, Any]]:
    """Items in their order: a child behind its parent, at most five deep."""
    found = draw(
        entities(
            "work_item",
            title=texts,
            item_type=some.sampled_from(["project", "session", "task", "research"]),
            state=states,
            priority=priorities,
            created_at=moments,
            branch_name=maybe,
            assignee=maybe,
            block_reason=maybe,
            comment_count=some.none() | some.integers(1, 99),
            attachment_count=some.none() | some.integers(1, 99),
            claim=some.none() | some.fixed_dictionaries({"by": said, "until": moments}),
        )
    )
    above: list[str] = []
    for one in found:
        one["status"], one["category"] = one.pop("state")
        depth = draw(some.integers(0, len(above)))
        del above[depth:]
        one |= {"depth": depth, "parent_id": above[-1] if above else None}
        blockers = [other for other in found if other is not one and draw(some.booleans())]
        one["blocked_by"] = [{"id": other["id"], "ref": other["ref"], "title": other["title"]} for other in blockers]
        above.append(one["id"])
    return found


@some.composite
def listed(draw: some.DrawFn, items: list[dict[str, Any]]) -> dict[str, Any]:
    """A list that names some entries and counts the others."""
    least = draw(some.sampled_from([None, 0, 7])) if items else 0
    total = {"total_count": None, "total_is_at_least": 100} if least is None else {"total_count": len(items) + least}
    return {**total, "returned": len(items), "has_more": least != 0, "items": items}


@some.composite
def documents(draw: some.DrawFn) -> dict[str, Any]:
    """Any document that a ledger could add up to, its lists short; archived and folded ones are counted besides."""
    items, archived = draw(trees()), draw(some.integers(0, 9))
    vendors = draw(
        entities(
            "vendor",
            name=said,
            status=some.sampled_from([None, "operational", "broken"]),
            extractor_version=maybe,
            format_support=some.dictionaries(some.sampled_from(["excel", "csv", "pdf", "ocr"]), some.booleans()),
            test_results=some.none()
            | some.fixed_dictionaries({"passing": numbers, "total": numbers, "skipped": numbers}),
            manifest_compliant=some.none() | some.booleans(),
        )
    )
    deployments = draw(
        entities(
            "deployment",
            deployed_at=some.none() | moments,
            commit_hash=some.none() | some.text("0123456789abcdef", min_size=7, max_size=40),
            pr_number=some.none() | some.integers(1, 999),
            pr_title=some.none() | texts,
            test_summary=some.dictionaries(texts, some.integers(0, 99), max_size=3),
            constitutional_compliance=some.none() | some.booleans(),
            environment=maybe,
        )
    )
    nobody = {"id": str(UUID(int=1)), "ref": ref("vendor", str(UUID(int=1))), "name": None}
    for deployment in deployments:
        touched = [vendor for vendor in vendors if draw(some.booleans())]
        named = [{name: vendor[name] for name in ("id", "ref", "name")} for vendor in touched]
        deployment["vendors"] = [*named, *([nobody] if draw(some.booleans()) else [])]
        touched = [one for one in items if draw(some.booleans())]
        deployment["work_items"] = [{name: one[name] for name in ("id", "ref", "title")} for one in touched]
    planned = draw(
        entities(
            "enhancement",
            title=texts,
            description=maybe,
            status=some.sampled_from([None, "planned", "approved", "implementing"]),
            priority=priorities,
            target_quarter=maybe,
        )
    )
    found = document(items)
    work, counted = found["active_work_items"], Counter(vendor["status"] for vendor in vendors)
    work |= {"total_count": len(items) + archived, "archived_count": archived}
    work["by_type"] = dict(sorted(Counter(one["item_type"] for one in items).items()))
    work["by_priority"] = dict(sorted(Counter(str(one["priority"] or "unknown") for one in items).items()))
    ready = [one for one in items if one["category"] in WORKABLE and draw(some.booleans())]
    days = some.just("2026-12-15") | moments
    due = [one | {"due": draw(days)} for one in items if one["category"] not in FINISHED]
    return found | {
        "project": draw(texts),
        "as_of": {"position": draw(some.integers(0, 10**9)), "time": draw(some.none() | moments)},
        "vendor_health": {
            "total_vendors": len(vendors),
            "operational_count": counted["operational"],
            "broken_count": counted["broken"],
            "operational_percentage": round(100 * counted["operational"] / len(vendors), 2) if vendors else 0.0,
            "vendors": vendors,
        },
        "overdue": draw(listed(due)),
        "due_this_week": draw(listed(due[:2])),
        "ready": draw(listed(ready)),
        "recent_deployments": deployments,
        "pending_enhancements": planned,
        "pending_enhancements_count": len(planned) + (draw(some.integers(0, 3)) if planned else 0),
        "sync": draw(
            some.sampled_from([CLEAN, CLEAN | {"clean": False, "source": "journal", "queued": 3, "conflicts": 1}])
        ),
    }
