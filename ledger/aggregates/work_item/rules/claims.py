"""Who may take a work item, keep it and give it back.

A lease is measured in ledger time, and judged again inside the append: `world.not_before` and `world.not_after` bound
the time at which a decision may be recorded. The holder is the one who knows the token, because fifty assistants may
all have the same name.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from ledger.aggregates.decider import Decided
from ledger.aggregates.guards import existing
from ledger.aggregates.work_item.commands import ClaimNextWorkItem, ClaimWorkItem, ReleaseClaim, RenewClaim
from ledger.aggregates.work_item.events import (
    PreviousHolder,
    WorkItemClaimed,
    WorkItemClaimReleased,
    WorkItemClaimRenewed,
)
from ledger.aggregates.work_item.item_summaries import CATEGORY, obstacle_summaries, state_summary
from ledger.aggregates.work_item.state import Claim, WorkItem
from ledger.envelope import stream_id
from ledger.errors import LostRace, Refused
from ledger.values.dates import begins
from ledger.values.moment import parse, text
from ledger.values.states import claimed_state
from ledger.world import Obstacle, World

INSTANT = timedelta(microseconds=1)  # of ledger time; a lease holds until the one before its end


def token_digest(token: str | None) -> str:
    """What is recorded of a token; empty for none."""
    return hashlib.sha256(token.encode()).hexdigest() if token else ""


def held(item: WorkItem, moment: datetime) -> Claim | None:
    """The claim that is in force at a moment of ledger time."""
    return item.claim if item.claim is not None and text(moment) < item.claim.until else None


def deferred(item: WorkItem, moment: datetime) -> bool:
    """Whether it is not to be begun yet."""
    return item.not_before is not None and text(moment) < begins(item.not_before)


def held_by_another(item: WorkItem, world: World) -> Claim | None:
    """The claim in force of a token that is not the caller's."""
    force = held(item, world.now) if item.claim else None
    return force if force is not None and force.token_digest != token_digest(world.token) else None


def claimed(world: World, entity_id: str, item: WorkItem, claim: Claim, next_step: str, **more: Any) -> Refused:
    return Refused(
        f"{world.reference(CATEGORY, entity_id)} is claimed by {claim.by} until {claim.until}",
        rule="claimed",
        items=[state_summary(world, entity_id, item)],
        next_step=next_step,
        by=claim.by,
        until=claim.until,
        **more,
    )


def claim(command: ClaimWorkItem, world: World) -> Decided:
    """Claims what is ready, nothing else; claiming again what one holds renews it."""
    item: WorkItem = existing(world, CATEGORY, command.id, None)
    digest, force = token_digest(command.token), held(item, world.now)
    if force is not None and force.token_digest != digest:
        raise claimed(
            world, command.id, item, force, "claim this one when its lease has ended, unless its holder renews it"
        )
    obstacles = world.obstacles(command.id, digest)
    if obstacles:
        own = next((obstacle for obstacle in obstacles if obstacle.reason == "status"), None)
        raise Refused(
            f"{world.reference(CATEGORY, command.id)} is {own.status if own else 'not ready'}, so it cannot be begun",
            rule="not_ready",
            items=obstacle_summaries(world, obstacles),
            next_step=_way_to_begin(obstacles),
        )
    if force is not None:
        return _renewed(command.id, force, _end(world, command.minutes), world)
    return _claimed(command.id, item, digest, command.minutes, world)


def _way_to_begin(obstacles: Sequence[Obstacle]) -> str:
    reasons = {obstacle.reason for obstacle in obstacles}
    if "status" in reasons:
        return "make it active first, if it is to be worked on"
    return (
        "assign it to yourself first, if you take it over" if "assigned" in reasons else "finish the named items first"
    )


def claim_next(command: ClaimNextWorkItem, world: World) -> Decided:
    """Nothing is decided when nothing that is wanted is left."""
    found = world.next_ready(command.wanted)
    if found is None:
        return []
    item: WorkItem = world.state(CATEGORY, found)
    hidden = item.deleted or item.archived or item.question
    if not item.workable or hidden or held(item, world.now) or deferred(item, world.now):
        raise LostRace("the next item was taken after it was found", id=found)
    return _claimed(found, item, token_digest(command.token), command.minutes, world)


def renew(command: RenewClaim, world: World) -> Decided:
    item: WorkItem = existing(world, CATEGORY, command.id, None)
    mine = _own(command.id, item, command.token, world)
    if mine is None:
        raise Refused(
            f"{world.reference(CATEGORY, command.id)} is not claimed",
            rule="not_claimed",
            items=[state_summary(world, command.id, item)],
            next_step="claim it (action claim)",
        )
    if held(item, world.now) is None:
        raise Refused(
            f"the lease on {world.reference(CATEGORY, command.id)} ended at {mine.until}",
            rule="lease_expired",
            items=[state_summary(world, command.id, item)],
            next_step="claim it again (action claim), after a look at what changed",
            by=mine.by,
            until=mine.until,
        )
    return _renewed(command.id, mine, _end(world, command.minutes), world)


def release(command: ReleaseClaim, world: World) -> Decided:
    """Giving back what one does not hold any more is no fault: what was wanted is so already."""
    item: WorkItem = existing(world, CATEGORY, command.id, None)
    mine = _own(command.id, item, command.token, world)
    return [(stream_id(CATEGORY, command.id), WorkItemClaimReleased())] if mine else []


def _own(entity_id: str, item: WorkItem, token: str, world: World) -> Claim | None:
    """The caller's claim, expired or not. Raises Refused while it is another's."""
    if item.claim is None or item.claim.token_digest == token_digest(token):
        return item.claim
    force = held(item, world.now)
    if force is not None:
        raise claimed(
            world, entity_id, item, force, "send the token that claiming it answered, or leave it to its holder"
        )
    return None


def _claimed(entity_id: str, item: WorkItem, digest: str, minutes: int | None, world: World) -> Decided:
    previous = None
    if item.claim is not None:  # its lease has ended: that must still be so when this is recorded
        world.not_before = parse(item.claim.until)
        if item.claim.token_digest != digest:
            previous = PreviousHolder(by=item.claim.by, until=item.claim.until)
    wanted = claimed_state(world.settings().states)
    fact = WorkItemClaimed(
        by=world.by,
        until=_end(world, minutes),
        token_digest=digest,
        taken_from=previous,
        status=wanted.name if wanted else None,
        category=wanted.category if wanted else None,
    )
    return [(stream_id(CATEGORY, entity_id), fact)]


def _renewed(entity_id: str, mine: Claim, until: str, world: World) -> Decided:
    """A lease is never shortened; and only recorded while it lasts."""
    world.not_after = parse(mine.until) - INSTANT
    return [(stream_id(CATEGORY, entity_id), WorkItemClaimRenewed(until=until))] if until > mine.until else []


def _end(world: World, minutes: int | None) -> str:
    return text(world.now + timedelta(minutes=minutes or world.settings().lease_minutes))
