"""Whether a name means a person or a role that the ledger has heard of."""

from ledger.aggregates.work_item.rules.reviews import ADMINISTRATOR
from ledger.store import EventStore
from projections.questions import configuration
from projections.questions.work import item_lists
from projections.tables.contract import Snapshot

LOOKED_BACK = 1000  # positions in which what a person did is looked for


def is_known(log: EventStore, snapshot: Snapshot, configuration_id: str, name: str, head: int) -> bool:
    """A role or its holder in the settings, an assignee, a holder of an item, or who changed something lately."""
    return (
        name in _people_of_roles(snapshot, configuration_id)
        or _has_items(snapshot, item_lists.WorkItemFilter(assignee=name))
        or _has_items(snapshot, item_lists.WorkItemFilter(claimed_by=name))
        or any(event.by == name for event in log.read_all(max(0, head - LOOKED_BACK)))
    )


def _people_of_roles(snapshot: Snapshot, configuration_id: str) -> set[str]:
    settings = configuration.current(snapshot, configuration_id)["settings"]
    roles: dict[str, list[str]] = settings["roles"]
    return {
        ADMINISTRATOR,
        settings["reviewer"] or ADMINISTRATOR,
        *roles,
        *(one for held in roles.values() for one in held),
    }


def _has_items(snapshot: Snapshot, wanted: item_lists.WorkItemFilter) -> bool:
    page = item_lists.listed(snapshot, wanted, order="updated", limit=1, offset=0, cursor=None)
    return bool(page["items"])
