"""What may happen to a work item, and why not."""

from typing import assert_never, get_args

from msgspec import UNSET, UnsetType
from msgspec.structs import asdict

from ledger.aggregates.annotation_decider import decide as annotate
from ledger.aggregates.decider import Decided, Decider, Undoable, with_also
from ledger.aggregates.guards import existing
from ledger.aggregates.work_item.bulk import change_all
from ledger.aggregates.work_item.commands import (
    AnswerQuestion,
    ArchiveWorkItems,
    AskQuestion,
    ChangeWorkItems,
    ClaimNextWorkItem,
    ClaimWorkItem,
    CreateWorkItem,
    ImportWorkItems,
    LinkWorkItems,
    ReleaseClaim,
    RenewClaim,
    RestoreArchived,
    UpdateWorkItem,
    WithdrawQuestion,
    WorkItemCommand,
)
from ledger.aggregates.work_item.events import (
    WorkItemCreated,
    WorkItemDeleted,
    WorkItemFact,
    WorkItemLinked,
    WorkItemMoved,
    WorkItemReinstated,
    WorkItemRestored,
    WorkItemReverted,
    WorkItemRevised,
    WorkItemUnlinked,
    WorkItemWithdrawn,
)
from ledger.aggregates.work_item.imported.item_plan import plan
from ledger.aggregates.work_item.item_summaries import CATEGORY, neighbour_summaries, state_summary
from ledger.aggregates.work_item.metadata import metadata_problems
from ledger.aggregates.work_item.rules.archive import archive, refuse_archived, refuse_archived_parent, restore
from ledger.aggregates.work_item.rules.claims import claim, claim_next, release, renew
from ledger.aggregates.work_item.rules.enhancement_links import implement
from ledger.aggregates.work_item.rules.held_items import accounted, overridden, overridden_below
from ledger.aggregates.work_item.rules.questions import answer, ask, withdraw
from ledger.aggregates.work_item.rules.recurrence import with_next
from ledger.aggregates.work_item.rules.reviews import restrained
from ledger.aggregates.work_item.rules.status_changes import change_status
from ledger.aggregates.work_item.rules.undo import check_undo
from ledger.aggregates.work_item.state import IMPLEMENTS, WorkItem, evolve
from ledger.annotation.commands import Annotate, AnnotationCommand
from ledger.annotation.events import ANNOTATION_FACTS, EFFORT_FACTS
from ledger.envelope import Fact, stream_id
from ledger.errors import Invalid, NotFound, Refused
from ledger.problems import check, problem
from ledger.values.dates import begins, ends
from ledger.values.revision import Change, Changes, apply, difference
from ledger.values.states import first_state
from ledger.world import World


def decide(command: WorkItemCommand | Annotate, world: World) -> Decided:
    match command:
        case CreateWorkItem():
            return _create(command, world)
        case UpdateWorkItem():
            return _update(command, world)
        case LinkWorkItems():
            return _link(command, world)
        case ClaimWorkItem():
            return claim(command, world)
        case ClaimNextWorkItem():
            return claim_next(command, world)
        case RenewClaim():
            return renew(command, world)
        case ReleaseClaim():
            return release(command, world)
        case AskQuestion():
            return ask(command, world)
        case AnswerQuestion():
            return answer(command, world)
        case WithdrawQuestion():
            return withdraw(command, world)
        case ArchiveWorkItems():
            return archive(command, world)
        case RestoreArchived():
            return restore(command, world)
        case ChangeWorkItems():
            return change_all(command, world, decide)
        case ImportWorkItems():
            return plan(command, world).decided
        case AnnotationCommand():
            return annotate(command, world)
        case _:
            assert_never(command)


def _create(command: CreateWorkItem, world: World) -> Decided:
    world.creates(stream_id(CATEGORY, command.id))
    fields = asdict(command)
    del fields["id"]
    first = first_state(world.settings().states)
    item = WorkItem(**fields)
    _check_form(item)
    _check_milestone(world, item)
    if command.parent_id is not None:
        _check_depth(world, command.parent_id, height=0)
    return [(stream_id(CATEGORY, command.id), WorkItemCreated(**fields, status=first.name, category=first.category))]


def _update(command: UpdateWorkItem, world: World) -> Decided:
    item: WorkItem = existing(world, CATEGORY, command.id, command.expected)
    refuse_archived(world, command.id, item)
    if item.deleted and command.deleted is not False:
        raise Refused(
            f"{world.reference(CATEGORY, command.id)} is deleted",
            rule="deleted",
            items=[state_summary(world, command.id, item)],
            next_step="restore it first with deleted=false",
        )
    stream = stream_id(CATEGORY, command.id)
    forced = overridden(command, item, world)
    decided: Decided = []
    if command.deleted is False and item.deleted:
        decided += _restore(command, item, world)
    changes = _revise(command, item, world) | _move(command, item, world)
    decided += with_next(command.id, apply(item, changes), change_status(command, item, world), world)
    if command.deleted and not item.deleted:
        decided += _delete(command, world, forced)
    if not decided or (forced is not None and changes):
        decided += [(stream, fact) for fact in _revision(changes, forced)]
    else:
        head = next(n for n, entry in enumerate(decided) if entry[0] == stream)
        decided[head] = (stream, with_also(decided[head][1], changes))
    return accounted(command, decided, world)


def _revision(changes: Changes, forced: str | None) -> list[Fact]:
    """A change of fields that comes with no better fact; a move alone is one."""
    match list(changes.items()):
        case []:
            return []
        case [("parent_id", Change(old=old, new=new))]:
            return [WorkItemMoved(old_parent_id=old, new_parent_id=new)]
        case _:
            return [WorkItemRevised(changes=changes, forced=forced)]


def _revise(command: UpdateWorkItem, item: WorkItem, world: World) -> Changes:
    changes = difference(item, command.fields)
    revised = apply(item, changes)
    _check_form(revised, only=set(changes))
    if "milestone_id" in changes:
        _check_milestone(world, revised)
    return changes


def _move(command: UpdateWorkItem, item: WorkItem, world: World) -> Changes:
    if isinstance(command.parent_id, UnsetType) or command.parent_id == item.parent_id:
        return {}
    if command.parent_id is not None:
        _check_cycle(world, command.id, command.parent_id)
        height = max(below.depth for below in world.subtree(command.id))
        _check_depth(world, command.parent_id, height=height)
    return {"parent_id": Change(item.parent_id, command.parent_id)}


def _delete(command: UpdateWorkItem, world: World, forced: str | None) -> Decided:
    below = [item for item in world.subtree(command.id)[1:] if not item.deleted]
    if below and not command.cascade:
        raise Refused(
            f"{world.reference(CATEGORY, command.id)} has {len(below)} descendants that are not deleted",
            rule="living_children",
            items=neighbour_summaries(world, below),
            next_step="delete or move those first, or send cascade=true to delete them with it",
        )
    also = overridden_below(command, (item.id for item in below), world)
    return [
        (stream_id(CATEGORY, command.id), WorkItemDeleted(forced=forced)),
        *((stream_id(CATEGORY, one), WorkItemDeleted(cascade_of=command.id, forced=why)) for one, why in also.items()),
    ]


def _restore(command: UpdateWorkItem, item: WorkItem, world: World) -> Decided:
    if item.parent_id is not None:
        parent = world.lineage(item.parent_id)
        if parent and parent[0].deleted:
            raise Refused(
                f"the parent of {world.reference(CATEGORY, command.id)} is deleted",
                rule="parent_deleted",
                items=neighbour_summaries(world, [parent[0]]),
                next_step=f"restore {world.reference(CATEGORY, item.parent_id)} first",
            )
    below = [other.id for other in world.subtree(command.id)[1:] if other.deleted]
    world.look(stream_id(CATEGORY, other) for other in below)
    taken_along = [other for other in below if world.state(CATEGORY, other).cascade_of == command.id]
    return [(stream_id(CATEGORY, entity_id), WorkItemRestored()) for entity_id in (command.id, *taken_along)]


def _link(command: LinkWorkItems, world: World) -> Decided:
    if command.kind == IMPLEMENTS:
        return implement(command, world)
    world.look(stream_id(CATEGORY, one) for one in (command.id, command.to_id))
    existing(world, CATEGORY, command.id, command.expected)
    owner, other, kind = command.id, command.to_id, command.kind
    if kind == "depends_on":  # the mirror of blocks, stored once
        owner, other, kind = other, owner, "blocks"
    item: WorkItem = existing(world, CATEGORY, owner, None)
    target: WorkItem = existing(world, CATEGORY, other, None)
    refuse_archived(world, owner, item)
    stored = {(link.kind, link.to_id): link.note for link in item.links}
    mirrored = kind == "relates_to" and any((link.kind, link.to_id) == (kind, owner) for link in target.links)
    if command.remove:
        return _unlink(owner, other, kind, (kind, other) in stored, mirrored)
    if mirrored or stored.get((kind, other), UNSET) == command.note:
        return []
    _check_link(world, (owner, item), (other, target), kind)
    return [(stream_id(CATEGORY, owner), WorkItemLinked(kind=kind, to_id=other, note=command.note))]


def _unlink(owner: str, other: str, kind: str, stored: bool, mirrored: bool) -> Decided:
    if stored:
        return [(stream_id(CATEGORY, owner), WorkItemUnlinked(kind=kind, to_id=other))]
    if mirrored:
        return [(stream_id(CATEGORY, other), WorkItemUnlinked(kind=kind, to_id=owner))]
    return []


def _check_link(world: World, owner: tuple[str, WorkItem], other: tuple[str, WorkItem], kind: str) -> None:
    if owner[0] == other[0]:
        raise Invalid(
            "to_id: an item cannot be linked to itself",
            next_step="name another item",
            fields=[problem("to_id", "is the item itself", other[0])],
        )
    gone = [state_summary(world, entity_id, item) for entity_id, item in (owner, other) if item.deleted]
    if gone:
        raise Refused("a deleted item cannot be linked", rule="deleted", items=gone, next_step="restore it first")
    if kind == "blocks" and world.precedes(("start", other[0]), ("finish", owner[0])):
        raise Refused(
            f"{world.reference(CATEGORY, owner[0])} cannot block {world.reference(CATEGORY, other[0])}:"
            " by links and hierarchy it would wait for itself",
            rule="dependency_cycle",
            items=[state_summary(world, *owner), state_summary(world, *other)],
            next_step="remove the link or the parent that closes the cycle",
        )


def _check_cycle(world: World, moved: str, parent: str) -> None:
    if parent == moved or world.precedes(("start", moved), ("start", parent), without=moved):
        raise Refused(
            f"{world.reference(CATEGORY, moved)} cannot move below {world.reference(CATEGORY, parent)}:"
            " that is itself, below it, or waits for it",
            rule="hierarchy_cycle",
            items=[{"id": parent}],
            next_step="choose a parent outside its own subtree that nothing in it blocks",
        )
    if world.precedes(("finish", parent), ("finish", moved), without=moved):
        refs = world.references(CATEGORY, [parent, moved])
        raise Refused(
            f"{refs[parent]} must finish before {refs[moved]} can, so it cannot be its parent",
            rule="dependency_cycle",
            items=[{"id": parent}],
            next_step="remove the link that makes it wait",
        )


def _check_depth(world: World, parent: str, *, height: int) -> None:
    lineage = world.lineage(parent)
    if not lineage:
        raise NotFound(
            f"there is no parent {parent} in this ledger", next_step="check parent_id", field="parent_id", id=parent
        )
    if lineage[0].deleted:
        raise Refused(
            "the parent is deleted",
            rule="parent_deleted",
            items=neighbour_summaries(world, [lineage[0]]),
            next_step="restore the parent first",
        )
    refuse_archived_parent(world, lineage[0])
    deepest, limit = len(lineage) + height, world.settings().depth_limit
    if deepest > limit:
        raise Refused(
            f"the item or its subtree would reach depth {deepest}, the limit is {limit}",
            rule="depth_limit",
            items=neighbour_summaries(world, [lineage[0]]),
            next_step="choose a parent nearer to the root, or raise the setting depth_limit",
            depth=deepest,
            limit=limit,
        )


def _check_form(item: WorkItem, only: set[str] | None = None) -> None:
    """`only` limits the faults to the paths that a revision touches: what an import brought stays as found."""
    problems = list(metadata_problems(item.item_type, item.metadata))
    if item.due is not None and item.not_before is not None and begins(item.not_before) > ends(item.due):
        field = "not_before" if only is None or "not_before" in only else "due"
        problems.append(problem(field, f"would let it begin at {item.not_before}, after it is due at {item.due}"))
    check(fault for fault in problems if only is None or fault["field"] in only)


def _check_milestone(world: World, item: WorkItem) -> None:
    if item.milestone_id is None:
        return
    if item.item_type == "milestone":
        check([problem("milestone_id", "cannot be set on a milestone, which belongs to no other", item.milestone_id)])
    milestone: WorkItem = existing(world, CATEGORY, item.milestone_id, None)
    if milestone.item_type != "milestone":
        found = f"{world.reference(CATEGORY, item.milestone_id)} is a {milestone.item_type}"
        check([problem("milestone_id", f"must be a milestone, and {found}")])
    if milestone.deleted:
        check([problem("milestone_id", "is deleted: restore it, or name another", item.milestone_id)])


decider: Decider[WorkItem] = Decider(
    category=CATEGORY,
    initial=WorkItem(),
    evolve=evolve,
    revised=WorkItemRevised,
    decide=decide,
    facts=(*get_args(WorkItemFact), *ANNOTATION_FACTS, *EFFORT_FACTS),
    commands=get_args(WorkItemCommand),
    unique=("external_id",),
    undoable=Undoable(
        reverted=WorkItemReverted,
        withdrawn=WorkItemWithdrawn,
        reinstated=WorkItemReinstated,
        kept=frozenset({"claim", "nexts_made"}),
        together=(frozenset({"status", "category", "block_reason", "forced"}),),
        check=check_undo,
        restrained=restrained,
    ),
)
