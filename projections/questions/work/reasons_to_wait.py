"""What keeps unfinished work from being begun, in words: for what each item waits, or who has it."""

from ledger.aggregates.work_item.item_summaries import CATEGORY
from ledger.world import Asker, Obstacle
from projections.questions.answers import Entity
from projections.questions.references import references
from projections.questions.work import item_lists, readiness
from projections.tables.contract import Snapshot

LOOKED_AT = 30  # items that are not ready, the most urgent first
OF_ITS_KIND = ("milestone", "child")  # it waits only for what is named itself
WORDS = {
    "waiting": "waits for {by}",
    "claimed": "is claimed by {by} until {until}",
    "assigned": "is in the hands of {by}",
    "deferred": "is deferred until {until}",
    "status": "is {status}",
    "blocker": "waits for {ref} {title}",
    "ancestor_waiting": "is below {ref} {title}, which waits for {by}",
    "ancestor_deferred": "is below {ref} {title}, which is deferred until {until}",
    "ancestor_status": "is below {ref} {title}, which is {status}",
    "ancestor_blocker": "is below an item that waits for {ref} {title}",
}


def reasons(
    snapshot: Snapshot, asker: Asker, most: int, wanted: item_lists.WorkItemFilter, without: str = ""
) -> list[Entity]:
    """Some unfinished items that the asker cannot begin, the most urgent first: {ref, title, why}."""
    found = item_lists.beginning(snapshot, wanted, order="priority", limit=LOOKED_AT)["items"]
    causes = readiness.obstacles(snapshot, [item["id"] for item in found], snapshot.as_of.now, asker, most=1)
    named = [
        (item, cause)
        for item in found
        for cause in causes.get(item["id"], [])[:1]
        if cause.reason not in OF_ITS_KIND and item["id"] != without
    ][:most]
    refs = references(snapshot, CATEGORY, [cause.id for _, cause in named])
    return [
        {"ref": item["ref"], "title": item["title"], "why": _why(item, cause, refs[cause.id])} for item, cause in named
    ]


def sentence(found: list[Entity]) -> str:
    """The reasons in one sentence.

    >>> sentence([{"ref": "w-7k3qd", "title": "License", "why": "waits for lead"}])
    'w-7k3qd License waits for lead'
    """
    return "; ".join(f"{item['ref']} {item['title']} {item['why']}" for item in found)


def _why(item: Entity, cause: Obstacle, ref: str) -> str:
    until = f"{cause.until[:16].replace('T', ' ')} UTC" if cause.until else ""
    fields = {"ref": ref, "title": cause.title, "status": cause.status, "by": cause.by or "someone unknown"}
    reason_text = WORDS[cause.reason].format(**fields, until=until)
    reason = item["block_reason"] if cause.reason == "status" else None
    return f"{reason_text}: {reason}" if reason else reason_text
