"""What may happen to a deployment, and why not."""

from collections.abc import Iterable, Iterator
from typing import assert_never, get_args

from ledger.aggregates.annotation_decider import decide as annotate
from ledger.aggregates.decider import Decided, Decider, Turns, Undoable
from ledger.aggregates.deployment.commands import AmendDeployment, DeploymentCommand, RecordDeployment
from ledger.aggregates.deployment.events import (
    DeploymentAmended,
    DeploymentFact,
    DeploymentRecorded,
    DeploymentReinstated,
    DeploymentReverted,
    DeploymentWithdrawn,
)
from ledger.aggregates.deployment.state import Deployment, evolve
from ledger.aggregates.guards import existing
from ledger.annotation.commands import Annotate, AnnotationCommand
from ledger.annotation.events import ANNOTATION_FACTS
from ledger.envelope import stream_id
from ledger.errors import AlreadyRecorded, NotFound, NotUnique
from ledger.problems import Problem, check, problem
from ledger.values.revision import apply, difference
from ledger.world import World

CATEGORY = "deployment"
LINKS = {"vendor_ids": "vendor", "work_item_ids": "work_item"}
NAMING = (
    "commit_hash",
    "pr_number",
    "pr_title",
)  # of which a deployment has one at least, so that it can be recognised


def decide(command: DeploymentCommand | Annotate, world: World) -> Decided:
    match command:
        case RecordDeployment():
            return _record(command, world)
        case AmendDeployment():
            return _amend(command, world)
        case AnnotationCommand():
            return annotate(command, world)
        case _:
            assert_never(command)


def _record(command: RecordDeployment, world: World) -> Decided:
    world.creates(stream_id(CATEGORY, command.id))
    fact = DeploymentRecorded(**{name: getattr(command, name) for name in command.__struct_fields__ if name != "id"})
    deployment = evolve(Deployment(), fact)
    check(_unnamed(deployment))
    _check_first(world, deployment)
    _check_links(world, Deployment(), deployment)
    return [(stream_id(CATEGORY, command.id), fact)]


def _amend(command: AmendDeployment, world: World) -> Decided:
    deployment: Deployment = existing(world, CATEGORY, command.id, command.expected)
    if command.fields.get("test_summary", {}) is None:
        check([problem("test_summary", "cannot be emptied as a whole: send null for each count that is unknown")])
    changes = difference(deployment, command.fields)
    if not changes:
        return []
    amended = apply(deployment, changes)
    check(_unnamed(amended))
    if amended.key != deployment.key:
        _check_key(world, command.id, amended)
    _check_links(world, deployment, amended)
    return [(stream_id(CATEGORY, command.id), DeploymentAmended(changes=changes))]


def _unnamed(deployment: Deployment) -> Iterator[Problem]:
    if all(getattr(deployment, name) is None for name in NAMING):
        yield problem("commit_hash", f"or {' or '.join(NAMING[1:])} is needed: what was deployed?")


def _check_undo(world: World, turns: Turns[Deployment]) -> None:
    for entity_id, (now, then) in turns.items():
        if not then.withdrawn:
            if now.withdrawn or now.key != then.key:
                _check_key(world, entity_id, then)
            _check_links(world, now, then)


def _check_first(world: World, deployment: Deployment) -> None:
    if deployment.key is None:
        return
    if first := world.holder("deployment_key", deployment.key):
        raise AlreadyRecorded(
            f"this is recorded as {world.reference(CATEGORY, first.id)}: the same commit, pull request and environment",
            next_step="nothing is left to do; send redeployment=true if it was deployed once more",
            id=first.id,
            category=CATEGORY,
        )


def _check_key(world: World, own: str, amended: Deployment) -> None:
    holder = world.holder("deployment_key", amended.key) if amended.key is not None else None
    if holder and holder.id != own:
        raise NotUnique(
            f"{world.reference(CATEGORY, holder.id)} has this commit, pull request and environment, {holder.label}",
            next_step="amend that one, or correct commit_hash, pr_number or environment",
            field="commit_hash, pr_number, environment",
            stored=holder.label,
            id=holder.id,
        )


def _check_links(world: World, before: Deployment, after: Deployment) -> None:
    """Refuses new links that lead nowhere; what an import brought stays as found."""
    unknown = [
        {"field": field, "id": entity_id}
        for field, category in LINKS.items()
        for entity_id in _unknown(world, category, set(getattr(after, field)) - set(getattr(before, field)))
    ]
    if unknown:
        raise NotFound(
            "this ledger does not have " + ", ".join(f"{link['id']} ({link['field']})" for link in unknown),
            next_step="check the ids, or create them first",
            items=unknown,
        )


def _unknown(world: World, category: str, entity_ids: Iterable[str]) -> list[str]:
    wanted = sorted(entity_ids)
    known = world.known(category, wanted)
    return [entity_id for entity_id in wanted if entity_id not in known]


decider: Decider[Deployment] = Decider(
    category=CATEGORY,
    initial=Deployment(),
    evolve=evolve,
    decide=decide,
    facts=(*get_args(DeploymentFact), *ANNOTATION_FACTS),
    commands=get_args(DeploymentCommand),
    unique=("deployment_key",),
    undoable=Undoable(
        reverted=DeploymentReverted, withdrawn=DeploymentWithdrawn, reinstated=DeploymentReinstated, check=_check_undo
    ),
)
