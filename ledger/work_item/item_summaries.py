"""How a refusal names the work items that stand in the way."""

from msgspec import to_builtins

from ledger.values.reference import brief
from ledger.work_item.state import WorkItem
from ledger.world import Neighbour, Obstacle

CATEGORY = "work_item"


def state_summary(entity_id: str, item: WorkItem) -> dict[str, str]:
    return {"id": entity_id, "ref": brief(CATEGORY, entity_id), "title": item.title, "status": item.status}


def neighbour_summary(item: Neighbour) -> dict[str, str]:
    return {"id": item.id, "ref": brief(CATEGORY, item.id), "title": item.title, "status": item.status}


def obstacle_summary(obstacle: Obstacle) -> dict[str, str]:
    """Why an item is not ready: {reason, id, ref, title, status, by?, until?}."""
    fields: dict[str, str] = to_builtins(obstacle)
    return {"reason": fields.pop("reason"), "id": fields.pop("id"), "ref": brief(CATEGORY, obstacle.id), **fields}
