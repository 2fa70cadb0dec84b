"""What to do with an item that repeats another one: the link alone does not keep it from being handed out."""

from collections.abc import Iterable

from ledger.aggregates.work_item.item_summaries import CATEGORY
from ledger.envelope import configuration_id
from ledger.values.states import DROPPED
from projections.application.view import LedgerView
from projections.questions import configuration
from projections.questions.answers import Answered
from projections.questions.references import references
from projections.questions.work import readiness, work_items
from projections.tables.contract import Snapshot

NAMED = 10


def still_ready(view: LedgerView, linked: Iterable[str]) -> Answered:
    """{dropped_states, next_step} where items that were linked as duplicates can be begun: what ends them."""
    lines = [{"id": entity_id} for entity_id in dict.fromkeys(linked)]
    if not lines:
        return {}
    with view.tables.snapshot() as snapshot:
        ready = [line["id"] for line in readiness.ready_of(snapshot, lines, snapshot.as_of.now)]
        named = [one for one in ready if _repeats(snapshot, one)][:NAMED]
        refs = references(snapshot, CATEGORY, named)
        states = configuration.current(snapshot, configuration_id(view.identity.ledger))["states"]
    if not named:
        return {}
    dropped = [state["name"] for state in states if state["category"] == DROPPED.category]
    listed = ", ".join(refs[one] for one in named)
    return {"dropped_states": dropped, "next_step": f"{listed} can still be begun: set status {' or '.join(dropped)}"}


def _repeats(snapshot: Snapshot, entity_id: str) -> bool:
    return any(link.kind == "duplicates" for link in work_items.row(snapshot, entity_id).state.links)
