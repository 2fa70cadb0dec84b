"""From one state to another, and why not: which ways there are, what must be finished first, what needs a reason."""

from ledger.aggregates.work_item.commands import UpdateWorkItem
from ledger.aggregates.work_item.events import (
    WorkItemBlocked,
    WorkItemReopened,
    WorkItemStatusChanged,
    WorkItemUnblocked,
)
from ledger.aggregates.work_item.item_summaries import CATEGORY, neighbour_summaries, state_summary
from ledger.aggregates.work_item.rules.claims import claimed, held_by_another
from ledger.aggregates.work_item.rules.reviews import completed
from ledger.aggregates.work_item.state import WorkItem
from ledger.envelope import Fact
from ledger.errors import Refused
from ledger.problems import check, problem
from ledger.values.states import FINISHED, REASONLESS, State, find_state, in_order, key
from ledger.world import Neighbour, World

NO_STATE = "is not a state of this ledger's configuration; update_project_configuration adds it to states"


def change_status(command: UpdateWorkItem, item: WorkItem, world: World) -> list[Fact]:
    """The original words have facts of their own; every other way is a WorkItemStatusChanged."""
    if command.status is None:
        return []
    wanted = _state(command.status, world)
    if (wanted.name, wanted.category) == (item.status, item.category):
        return _reasoned_anew(command, item, wanted)
    _check_way(command, item, wanted, world)
    forced = _finishing(command, item, world, wanted) if wanted.category in FINISHED and not item.finished else None
    if wanted.category == "done" and item.category != "done":
        return completed(command.id, item, wanted, forced, world)
    match wanted.name:
        case "blocked":
            return [WorkItemBlocked(reason=reason(command, "blocking"))]
        case "active" if item.finished:
            return [WorkItemReopened()]
        case "active" if item.status == "blocked":
            return [WorkItemUnblocked()]
    return [status_changed(item, wanted, reason=command.reason, forced=forced)]


def status_changed(
    item: WorkItem, wanted: State, *, reason: str | None = None, forced: str | None = None
) -> WorkItemStatusChanged:
    return WorkItemStatusChanged(
        old_status=item.status,
        old_category=item.category,
        status=wanted.name,
        category=wanted.category,
        reason=None if wanted.category in REASONLESS else reason,
        forced=forced,
    )


def _reasoned_anew(command: UpdateWorkItem, item: WorkItem, present: State) -> list[Fact]:
    """Why it waits or was dropped, in other words than so far; nothing where that is no part of the item."""
    if present.category in REASONLESS or command.reason in (None, item.block_reason):
        return []
    if present.name == "blocked":
        return [WorkItemBlocked(reason=reason(command, "blocking"))]
    return [status_changed(item, present, reason=command.reason, forced=item.forced)]


def reason(command: UpdateWorkItem, purpose: str) -> str:
    if not command.reason or not command.reason.strip():
        check([problem("reason", f"is required for {purpose}", command.reason)])
    return command.reason or ""


def _state(word: str, world: World) -> State:
    """A state of the configuration; the name of a category means its first one."""
    every = in_order(world.settings().states)
    first = next((state for state in every if state.category == key(word)), None)
    wanted = find_state((), word) or find_state(world.settings().states, word) or first
    if wanted is None:
        allowed = [state.name for state in every]
        check([problem("status", NO_STATE, word, allowed=allowed)])
    assert wanted is not None, "what is not found was refused"
    return wanted


def _check_way(command: UpdateWorkItem, item: WorkItem, wanted: State, world: World) -> None:
    """What waits is not done, and what is finished does not wait: work lies between the two."""
    if (item.category == "waiting" and wanted.category == "done") or (
        item.finished and wanted.category in ("waiting", "review")
    ):
        raise Refused(
            f"{world.reference(CATEGORY, command.id)} is {item.status} and cannot become {wanted.name}",
            rule="status_transition",
            items=[state_summary(world, command.id, item)],
            next_step="make it active first",
            present=item.status,
            wanted=wanted.name,
        )


def _finishing(command: UpdateWorkItem, item: WorkItem, world: World, wanted: State) -> str | None:
    """Why it is finished over unfinished children or open blockers, or although another holds it; None if over none.

    What is dropped need not wait for its blockers. Editing and blocking stay open to all; what ends the work ends the
    claim.
    """
    taken = held_by_another(item, world)
    if taken and not command.force:
        raise claimed(world, command.id, item, taken, "leave it to its holder, or send force=true with a reason")
    children, blockers = _unfinished(command.id, world, blocked=wanted.category == "done")
    if not children and not blockers and not taken:
        return None
    if command.force:
        return reason(command, "forcing completion")
    raise _over_unfinished(world, command.id, children, blockers)


def refuse_unfinished(entity_id: str, world: World) -> None:
    """Raises Refused for what cannot be done yet, because its children or blockers are not."""
    children, blockers = _unfinished(entity_id, world, blocked=True)
    if children or blockers:
        raise _over_unfinished(world, entity_id, children, blockers)


def _unfinished(entity_id: str, world: World, *, blocked: bool) -> tuple[list[Neighbour], list[Neighbour]]:
    children = [below for below in world.subtree(entity_id) if below.depth == 1 and _open(below)]
    return children, world.blockers(entity_id) if blocked else []


def _over_unfinished(world: World, entity_id: str, children: list[Neighbour], blockers: list[Neighbour]) -> Refused:
    return Refused(
        f"{world.reference(CATEGORY, entity_id)} has {len(children)} unfinished children"
        f" and {len(blockers)} open blockers",
        rule="unfinished",
        items=neighbour_summaries(world, (*children, *blockers)),
        children=[below.id for below in children],
        blockers=[blocker.id for blocker in blockers],
        next_step="finish those first, or send force=true with a reason",
    )


def _open(item: Neighbour) -> bool:
    return not item.deleted and not item.finished
