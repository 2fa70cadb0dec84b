"""What may happen to an enhancement, and why not."""

from collections.abc import Iterable
from typing import assert_never, get_args

from msgspec.structs import asdict

from ledger.aggregates.annotation_decider import decide as annotate
from ledger.aggregates.decider import Decided, Decider, Turns, Undoable, with_also
from ledger.aggregates.enhancement.commands import EnhancementCommand, RecordEnhancement, UpdateEnhancement
from ledger.aggregates.enhancement.events import (
    EnhancementFact,
    EnhancementRecorded,
    EnhancementReinstated,
    EnhancementReverted,
    EnhancementRevised,
    EnhancementStatusChanged,
    EnhancementWithdrawn,
)
from ledger.aggregates.enhancement.state import Enhancement, evolve
from ledger.aggregates.guards import existing
from ledger.annotation.commands import Annotate, AnnotationCommand
from ledger.annotation.events import ANNOTATION_FACTS
from ledger.envelope import stream_id
from ledger.errors import NotFound, Refused
from ledger.problems import check, problem
from ledger.values.revision import Changes, apply, difference
from ledger.world import World

CATEGORY = "enhancement"
REQUIRED = ("title",)
NEXT = {
    "planned": ("approved", "dropped"),
    "approved": ("implementing", "dropped"),
    "implementing": ("completed", "dropped"),
    "completed": (),
    "dropped": ("planned",),
}


def decide(command: EnhancementCommand | Annotate, world: World) -> Decided:
    match command:
        case RecordEnhancement():
            return _record(command, world)
        case UpdateEnhancement():
            return _update(command, world)
        case AnnotationCommand():
            return annotate(command, world)
        case _:
            assert_never(command)


def _record(command: RecordEnhancement, world: World) -> Decided:
    world.creates(stream_id(CATEGORY, command.id))
    _check_dependencies(world, command.id, command.depends_on)
    fields = asdict(command)
    del fields["id"]
    return [(stream_id(CATEGORY, command.id), EnhancementRecorded(**fields))]


def _update(command: UpdateEnhancement, world: World) -> Decided:
    enhancement: Enhancement = existing(world, CATEGORY, command.id, command.expected)
    stream = stream_id(CATEGORY, command.id)
    changes = _revise(command, enhancement, world)
    if changed := _change_status(command, enhancement, world):
        return [(stream, with_also(changed, changes))]
    return [(stream, EnhancementRevised(changes=changes))] if changes else []


def _revise(command: UpdateEnhancement, enhancement: Enhancement, world: World) -> Changes:
    check(
        problem(field, "is required and cannot be cleared")
        for field in REQUIRED
        if field in command.fields and command.fields[field] is None
    )
    changes = difference(enhancement, command.fields)
    added = [
        entity_id for entity_id in apply(enhancement, changes).depends_on if entity_id not in enhancement.depends_on
    ]
    _check_dependencies(world, command.id, added)
    return changes


def _change_status(
    command: UpdateEnhancement, enhancement: Enhancement, world: World
) -> EnhancementStatusChanged | None:
    before, after = enhancement.status, command.status
    if after is None or after == before:
        return None
    if before is not None and after not in NEXT[before]:
        raise Refused(
            f"{world.reference(CATEGORY, command.id)} is {before} and cannot become {after}",
            rule="status_transition",
            items=[_summary(world, command.id, enhancement)],
            next_step=_next_step(before),
            present=before,
            wanted=after,
        )
    return EnhancementStatusChanged(old=before, new=after)


def _check_dependencies(world: World, own: str, added: Iterable[str]) -> None:
    wanted = list(added)
    check(problem("depends_on", "is the enhancement itself", entity_id) for entity_id in wanted if entity_id == own)
    known = world.known(CATEGORY, wanted)
    unknown = [{"field": "depends_on", "id": entity_id} for entity_id in wanted if entity_id not in known]
    if unknown:
        raise NotFound(
            "this ledger does not have the enhancements " + ", ".join(link["id"] for link in unknown),
            next_step="check depends_on, or record those enhancements first",
            items=unknown,
        )
    if cycle := _dependency_path(world, wanted, own):
        refs = world.references(CATEGORY, [own, cycle[0]])
        raise Refused(
            f"{refs[own]} cannot depend on {refs[cycle[0]]}, which depends on it already",
            rule="dependency_cycle",
            items=[_summary(world, entity_id, world.state(CATEGORY, entity_id)) for entity_id in cycle],
            next_step="remove the dependency that closes the cycle",
        )


def _check_undo(world: World, turns: Turns[Enhancement]) -> None:
    for entity_id, (now, then) in turns.items():
        if not then.withdrawn:
            _check_dependencies(world, entity_id, [other for other in then.depends_on if other not in now.depends_on])


def _dependency_path(world: World, starts: list[str], goal: str) -> list[str]:
    """The shortest chain of dependencies from one of the starts to the last before the goal; empty if there is none."""
    came_from: dict[str, str | None] = dict.fromkeys(starts)
    level = list(came_from)
    while level:
        world.look(stream_id(CATEGORY, entity_id) for entity_id in level)
        following: list[str] = []
        for entity_id in level:
            for dependency in world.state(CATEGORY, entity_id).depends_on:
                if dependency == goal:
                    return _chain(came_from, entity_id)
                if dependency not in came_from:
                    came_from[dependency] = entity_id
                    following.append(dependency)
        level = following
    return []


def _chain(came_from: dict[str, str | None], last: str) -> list[str]:
    chain = [last]
    while (before := came_from[chain[0]]) is not None:
        chain.insert(0, before)
    return chain


def _next_step(status: str) -> str:
    ways = " or ".join(NEXT[status])
    return (
        f"from {status} it can become {ways}" if ways else f"record a new enhancement, {status} is the end of this one"
    )


def _summary(world: World, entity_id: str, enhancement: Enhancement) -> dict[str, str | None]:
    ref = world.reference(CATEGORY, entity_id)
    return {"id": entity_id, "ref": ref, "title": enhancement.title, "status": enhancement.status}


decider: Decider[Enhancement] = Decider(
    category=CATEGORY,
    initial=Enhancement(),
    evolve=evolve,
    revised=EnhancementRevised,
    decide=decide,
    facts=(*get_args(EnhancementFact), *ANNOTATION_FACTS),
    commands=get_args(EnhancementCommand),
    undoable=Undoable(
        reverted=EnhancementReverted,
        withdrawn=EnhancementWithdrawn,
        reinstated=EnhancementReinstated,
        check=_check_undo,
    ),
)
