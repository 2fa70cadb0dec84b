"""A report, read back into rows: as far as it shows entities, they are there. What it does not show is unknown."""

from collections.abc import Iterator
from uuid import NAMESPACE_OID, uuid5

from msgspec import Struct

from ledger.aggregates.deployment.state import Deployment
from ledger.aggregates.enhancement.state import Enhancement
from ledger.aggregates.vendor.events import TestResults
from ledger.aggregates.vendor.state import Vendor
from ledger.aggregates.work_item.state import Claim, Link, WorkItem
from projections.questions.answers import Entity
from projections.read_models.projection import Row, Stamps
from projections.reports.report import Document

BY = "unknown"  # the report does not say who
NEVER = "1970-01-01T00:00:00.000000Z"


def rows(document: Document) -> Iterator[tuple[str, Row]]:
    """(category, row) of everything that the report shows."""
    stamps = _stamps(document["as_of"]["time"] or NEVER)
    items = document["active_work_items"]["items"]
    due = {item["ref"]: item["due"] for name in ("overdue", "due_this_week") for item in document[name]["items"]}
    for place, item in enumerate(items):
        yield "work_item", _row(item, _item(item, items, due.get(item["ref"])), stamps, place)
    for vendor in document["vendor_health"]["vendors"]:
        yield "vendor", _row(vendor, _vendor(vendor), stamps)
    for deployment in document["recent_deployments"]:
        yield "deployment", _row(deployment, _deployment(deployment), stamps)
    for enhancement in document["pending_enhancements"]:
        yield "enhancement", _row(enhancement, _enhancement(enhancement), stamps)


def _row(entity: Entity, state: Struct, stamps: Stamps, place: int = 0) -> Row:
    return Row(id=_id(entity), version=entity["version"] or 1, position=0, stamps=stamps, state=state)


def _stamps(time: str) -> Stamps:
    return Stamps(created_at=time, created_by=BY, updated_at=time, updated_by=BY)


def _id(entity: Entity) -> str:
    """A report that was not made for a file has references only."""
    return str(entity["id"] or uuid5(NAMESPACE_OID, entity["ref"]))


def _ids(linked: list[Entity]) -> tuple[str, ...]:
    return tuple(_id(entity) for entity in linked if entity.get("id") or "ref" in entity)


def _item(item: Entity, items: list[Entity], due: str | None) -> WorkItem:
    claim = item["claim"]
    waiting = [other for other in items if any(blocker["ref"] == item["ref"] for blocker in other["blocked_by"])]
    return WorkItem(
        item_type=item["item_type"],
        title=item["title"],
        status=item["status"],
        category=item["category"],
        block_reason=item["block_reason"],
        parent_id=item["parent_id"],
        assignee=item["assignee"],
        branch_name=item["branch_name"],
        priority=item["priority"],
        due=due,
        links=tuple(Link(kind="blocks", to_id=_id(other)) for other in waiting),
        claim=claim and Claim(by=claim["by"], until=claim["until"], token_digest=""),
    )


def _vendor(vendor: Entity) -> Vendor:
    results = vendor["test_results"]
    return Vendor(
        name=vendor["name"],
        status=vendor["status"],
        extractor_version=vendor["extractor_version"],
        format_support=vendor["format_support"],
        test_results=results and TestResults(**results),
        manifest_compliant=vendor["manifest_compliant"],
    )


def _deployment(deployment: Entity) -> Deployment:
    shown = ("deployed_at", "commit_hash", "pr_number", "pr_title", "test_summary", "constitutional_compliance")
    return Deployment(
        recorded=True,
        environment=deployment["environment"],
        vendor_ids=_ids(deployment["vendors"]),
        work_item_ids=_ids(deployment["work_items"]),
        **{name: deployment[name] for name in shown},
    )


def _enhancement(enhancement: Entity) -> Enhancement:
    shown = ("title", "status", "priority", "target_quarter")
    return Enhancement(**{name: enhancement[name] for name in shown})
