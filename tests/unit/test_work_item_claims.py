"""Who may take a work item, keep it and give it back, and how ledger time judges it."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from ledger.aggregates.work_item.commands import (
    ClaimNextWorkItem,
    ClaimWorkItem,
    ReleaseClaim,
    RenewClaim,
    UpdateWorkItem,
)
from ledger.aggregates.work_item.decider import decider
from ledger.aggregates.work_item.events import (
    PreviousHolder,
    WorkItemBlocked,
    WorkItemClaimed,
    WorkItemClaimReleased,
    WorkItemClaimRenewed,
    WorkItemCompleted,
    WorkItemCreated,
    WorkItemDeleted,
    WorkItemRevised,
)
from ledger.aggregates.work_item.rules.claims import token_digest
from ledger.aggregates.work_item.state import Claim
from ledger.errors import Refused
from ledger.values.moment import parse, text
from ledger.values.revision import Change
from ledger.world import Neighbour, Obstacle
from tests.support.each import each
from tests.support.given import ENTITY, NOW, Given, given, numbered

CREATED = WorkItemCreated(item_type="task", title="T")
BLOCKER = Obstacle(reason="blocker", id=ENTITY, title="a blocker", status="active")
MINE, OTHERS = "my-own-token", "another-token"
CHILD = numbered(1)


def at(minutes: int) -> str:
    """The moment so many minutes after now."""
    return text(NOW + timedelta(minutes=minutes))


def claimed(until: str, token: str = MINE, by: str = "somebody") -> WorkItemClaimed:
    return WorkItemClaimed(by=by, until=until, token_digest=token_digest(token))


def held(until: str, token: str = MINE) -> Given:
    return given(decider).past(CREATED, claimed(until, token, by="ann"))


def claim(minutes: int | None = None) -> ClaimWorkItem:
    return ClaimWorkItem(id=ENTITY, token=MINE, minutes=minutes)


def test_a_ready_item_is_claimed_for_as_long_as_the_setting_says() -> None:
    outcome = given(decider).past(CREATED).when(claim(), by="bob")

    outcome.then(claimed(at(30), by="bob")).then_it_has(
        claim=Claim(by="bob", until=at(30), token_digest=token_digest(MINE))
    )


def test_a_claim_may_be_shorter_than_the_setting() -> None:
    given(decider).past(CREATED).when(claim(minutes=5)).then(claimed(at(5)))


def test_the_token_itself_is_never_recorded() -> None:
    assert MINE not in repr(claimed(at(30)))


def test_an_item_that_is_not_ready_cannot_be_claimed_and_says_why() -> None:
    refusal = (
        given(decider).past(CREATED).around(obstacles=[BLOCKER]).when(claim()).then_refused(Refused, rule="not_ready")
    )

    assert [(item["reason"], item["title"]) for item in refusal.details["items"]] == [("blocker", "a blocker")]


def test_an_item_whose_own_state_is_in_the_way_is_refused_with_that_state() -> None:
    own = Obstacle(reason="status", id=ENTITY, title="T", status="completed")

    refusal = given(decider).past(CREATED).around(obstacles=[own]).when(claim()).then_refused(Refused, rule="not_ready")

    assert refusal.message.endswith("is completed, so it cannot be begun")
    assert refusal.next_step == "make it active first, if it is to be worked on"


def test_a_claim_is_void_if_what_makes_it_ready_changes_meanwhile() -> None:
    outcome = given(decider).past(CREATED).when(claim())

    outcome.looking_at("creation", "existence", "hierarchy", "links", "reopening", "suspension")


def test_what_another_token_holds_is_refused_with_its_holder_and_its_end() -> None:
    refusal = held(at(1), OTHERS).when(claim(), by="ann").then_refused(Refused, rule="claimed", by="ann", until=at(1))

    assert [item["id"] for item in refusal.details["items"]] == [ENTITY]


def test_an_expired_lease_is_taken_over_and_its_holder_stays_on_record() -> None:
    outcome = held(at(-1), OTHERS).when(claim(), by="bob")

    previous = PreviousHolder(by="ann", until=at(-1))
    outcome.then(WorkItemClaimed(by="bob", until=at(30), token_digest=token_digest(MINE), taken_from=previous))


def test_taking_over_is_judged_again_when_it_is_recorded() -> None:
    held(at(-1), OTHERS).when(claim()).within(not_before=parse(at(-1)))


def test_at_its_very_end_a_lease_can_be_taken_over_and_not_renewed() -> None:
    held(at(0), OTHERS).when(claim()).then_it_has(
        claim=Claim(by="somebody", until=at(30), token_digest=token_digest(MINE))
    )
    held(at(0)).when(RenewClaim(id=ENTITY, token=MINE)).then_refused(Refused, rule="lease_expired")


def test_claiming_again_what_one_holds_renews_it() -> None:
    held(at(10)).when(claim()).then(WorkItemClaimRenewed(until=at(30)))


def test_renewing_never_shortens_a_lease() -> None:
    held(at(50)).when(RenewClaim(id=ENTITY, token=MINE, minutes=5)).then_nothing()


def test_renewing_is_recorded_only_while_the_lease_lasts() -> None:
    outcome = held(at(10)).when(RenewClaim(id=ENTITY, token=MINE))

    outcome.then(WorkItemClaimRenewed(until=at(30)))
    outcome.within(not_after=parse(at(10)) - timedelta(microseconds=1))


def test_renewing_after_the_end_is_refused_with_that_end() -> None:
    held(at(-1)).when(RenewClaim(id=ENTITY, token=MINE)).then_refused(Refused, rule="lease_expired", until=at(-1))


def test_renewing_what_is_not_held_is_refused() -> None:
    given(decider).past(CREATED).when(RenewClaim(id=ENTITY, token=MINE)).then_refused(Refused, rule="not_claimed")


@pytest.mark.parametrize("command", [RenewClaim(id=ENTITY, token=MINE), ReleaseClaim(id=ENTITY, token=MINE)])
def test_only_the_token_of_the_holder_renews_or_releases(command: RenewClaim | ReleaseClaim) -> None:
    held(at(10), OTHERS).when(command, by="ann").then_refused(Refused, rule="claimed", by="ann")


def test_a_released_item_is_free() -> None:
    held(at(10)).when(ReleaseClaim(id=ENTITY, token=MINE)).then(WorkItemClaimReleased()).then_it_has(claim=None)


def test_releasing_what_one_no_longer_holds_changes_nothing() -> None:
    given(decider).past(CREATED).when(ReleaseClaim(id=ENTITY, token=MINE)).then_nothing()
    held(at(-1), OTHERS).when(ReleaseClaim(id=ENTITY, token=MINE)).then_nothing()


@each("end", [WorkItemBlocked(reason="r"), WorkItemCompleted(), WorkItemDeleted()])
def test_a_claim_ends_with_the_work(end: WorkItemBlocked | WorkItemCompleted | WorkItemDeleted) -> None:
    outcome = given(decider).past(CREATED, claimed(at(10)), end).when(ReleaseClaim(id=ENTITY, token=MINE))

    outcome.then_nothing().then_it_has(claim=None)


def test_the_next_ready_item_is_claimed() -> None:
    outcome = given(decider).past(CREATED).around(next_ready=ENTITY).when(ClaimNextWorkItem(token=MINE))

    outcome.then(claimed(at(30)))


def test_nothing_happens_when_nothing_is_ready() -> None:
    given(decider).past(CREATED).when(ClaimNextWorkItem(token=MINE)).then_nothing()


DEFERRED = WorkItemRevised(changes={"not_before": Change(None, "2099-01-01")})


@each("faster", [claimed(at(5), OTHERS), WorkItemCompleted(), WorkItemDeleted(), DEFERRED])
def test_a_next_item_that_was_taken_after_it_was_found_is_a_lost_race(faster: WorkItemClaimed) -> None:
    given(decider).past(CREATED, faster).around(next_ready=ENTITY).when(ClaimNextWorkItem(token=MINE)).then_again()


def test_what_another_holds_is_completed_by_force_with_a_reason_only() -> None:
    completing = UpdateWorkItem(id=ENTITY, expected=2, status="completed")
    forcing = UpdateWorkItem(id=ENTITY, expected=2, status="completed", force=True, reason="ann left")

    held(at(10), OTHERS).when(completing, token=MINE).then_refused(Refused, rule="claimed", by="ann")
    held(at(10), OTHERS).when(forcing, token=MINE).then(WorkItemCompleted(forced="ann left", forced_over="ann"))


def test_its_holder_and_after_its_end_anybody_completes_it() -> None:
    completing = UpdateWorkItem(id=ENTITY, expected=2, status="completed")

    held(at(10)).when(completing, token=MINE).then(WorkItemCompleted())
    held(at(-1), OTHERS).when(completing, token=MINE).then(WorkItemCompleted())


def test_what_another_holds_can_still_be_edited() -> None:
    held(at(10), OTHERS).when(UpdateWorkItem(id=ENTITY, expected=2, fields={"notes": "n"}), token=MINE).then_it_has(
        notes="n"
    )


RENAMING = UpdateWorkItem(id=ENTITY, expected=2, fields={"title": "N"})
DELETING = UpdateWorkItem(id=ENTITY, expected=2, deleted=True)


@pytest.mark.parametrize("command", [RENAMING, DELETING])
def test_what_another_holds_is_neither_renamed_nor_deleted_without_a_word(command: UpdateWorkItem) -> None:
    forcing = replace(command, force=True)

    held(at(10), OTHERS).when(command, token=MINE).then_refused(Refused, rule="claimed", by="ann", until=at(10))
    held(at(10), OTHERS).when(forcing, token=MINE).then_invalid("reason")
    [fact] = held(at(10), OTHERS).when(replace(forcing, reason="a mistake"), token=MINE).facts
    assert fact.forced == "a mistake"
    [fact] = held(at(10), MINE).when(command, token=MINE).facts
    assert fact.forced is None
    assert held(at(-1), OTHERS).when(command, token=MINE).facts


def test_what_another_holds_is_not_deleted_with_what_it_is_part_of() -> None:
    child = Neighbour(id=CHILD, title="Part", status="active", category="active", parent_id=ENTITY, depth=1)
    history = given(decider).past(CREATED).elsewhere("work_item", CHILD, CREATED, claimed(at(10), OTHERS, by="ann"))
    history = history.around(subtree={ENTITY: [Neighbour(id=ENTITY, title="T", status="active"), child]})
    deleting = UpdateWorkItem(id=ENTITY, expected=1, deleted=True, cascade=True)

    refused = history.when(deleting, token=MINE).then_refused(Refused, rule="claimed", by="ann")
    forced = history.when(replace(deleting, force=True, reason="dropped"), token=MINE)

    assert [item["id"] for item in refused.details["items"]] == [CHILD]
    assert [fact.forced for fact in forced.facts] == [None, "dropped"]


def test_a_forced_new_title_comes_with_its_reason_beside_another_change() -> None:
    both = replace(RENAMING, status="blocked", force=True, reason="so")

    held(at(10), OTHERS).when(both, token=MINE).then(
        WorkItemBlocked(reason="so", forced_over="ann"),
        WorkItemRevised(changes={"title": Change("T", "N")}, forced="so", forced_over="ann"),
    )


@each(
    "change",
    [
        {"status": "blocked"},
        {"status": "completed"},
        {"deleted": True},
        {"fields": {"title": "N"}},
        {"fields": {"notes": "n"}},
        {"parent_id": numbered(7)},
    ],
)
def test_what_is_forced_says_over_whose_claim_it_was_and_why(change: dict[str, Any]) -> None:
    command = UpdateWorkItem(id=ENTITY, expected=2, force=True, reason="ann left", **change)
    parent = Neighbour(id=numbered(7), title="P", status="active", category="active")
    around = held(at(10), OTHERS).around(
        lineage={numbered(7): [parent]}, subtree={ENTITY: [Neighbour(id=ENTITY, title="T", status="active")]}
    )

    [fact] = around.when(command, token=MINE).facts

    assert (fact.forced_over, "ann left" in (fact.reason, getattr(fact, "forced", None))) == ("ann", True)
