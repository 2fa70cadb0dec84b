"""How a refusal names the work items that stand in the way."""

from collections.abc import Iterable, Mapping

from msgspec import to_builtins

from ledger.aggregates.work_item.state import WorkItem
from ledger.world import Neighbour, Obstacle, World

CATEGORY = "work_item"


def state_summary(world: World, entity_id: str, item: WorkItem) -> dict[str, str]:
    return state_summaries(world, {entity_id: item})[0]


def state_summaries(world: World, items: Mapping[str, WorkItem]) -> list[dict[str, str]]:
    refs = world.references(CATEGORY, items)
    return [
        {"id": entity_id, "ref": refs[entity_id], "title": item.title, "status": item.status}
        for entity_id, item in items.items()
    ]


def neighbour_summaries(world: World, items: Iterable[Neighbour]) -> list[dict[str, str]]:
    found = list(items)
    refs = world.references(CATEGORY, [item.id for item in found])
    return [{"id": item.id, "ref": refs[item.id], "title": item.title, "status": item.status} for item in found]


def obstacle_summaries(world: World, obstacles: Iterable[Obstacle]) -> list[dict[str, str]]:
    found = list(obstacles)
    refs = world.references(CATEGORY, [obstacle.id for obstacle in found])
    return [obstacle_summary(obstacle, refs[obstacle.id]) for obstacle in found]


def obstacle_summary(obstacle: Obstacle, ref: str) -> dict[str, str]:
    """Why an item is not ready: {reason, id, ref, title, status, by?, until?}."""
    fields: dict[str, str] = to_builtins(obstacle)
    return {"reason": fields.pop("reason"), "id": fields.pop("id"), "ref": ref, **fields}
