"""States of a ledger's own: which way leads into them and out of them, and what the rules see of them."""

from typing import Any

import pytest

from ledger.aggregates.configuration.events import ConfigurationChanged
from ledger.aggregates.work_item.commands import ClaimWorkItem, CreateWorkItem, ReleaseClaim, UpdateWorkItem
from ledger.aggregates.work_item.decider import decider
from ledger.aggregates.work_item.events import (
    QuestionAsked,
    WorkItemBlocked,
    WorkItemClaimed,
    WorkItemClaimReleased,
    WorkItemCompleted,
    WorkItemCreated,
    WorkItemReopened,
    WorkItemReverted,
    WorkItemRevised,
    WorkItemStatusChanged,
    WorkItemUnblocked,
)
from ledger.aggregates.work_item.rules.claims import token_digest
from ledger.aggregates.work_item.state import Claim
from ledger.catalog import topics_of
from ledger.envelope import Fact
from ledger.errors import Refused
from ledger.values.revision import Change
from ledger.values.states import CATEGORIES, ORIGINAL, State, in_order
from ledger.world import Neighbour
from tests.support.each import each
from tests.support.given import CONFIGURATION, ENTITY, Given, Outcome, given, numbered

CREATED = WorkItemCreated(item_type="task", title="T")
MINE = "my-own-token"
STATES = [
    {"name": "backlog", "category": "planned"},
    {"name": "in_progress", "category": "active", "on_claim": True},
    {"name": "vendor", "category": "waiting"},
    {"name": "In Review", "category": "review"},
    {"name": "shipped", "category": "done"},
    {"name": "wont_do", "category": "dropped"},
]
CATEGORY = {state["name"]: state["category"] for state in STATES} | ORIGINAL
CLAIM = WorkItemClaimed(
    by="ann",
    until="2999-01-01T00:00:00.000000Z",
    token_digest=token_digest(MINE),
    status="in_progress",
    category="active",
)
CHILD = Neighbour(id=numbered(1), title="a child", status="in_progress", category="active", parent_id=ENTITY, depth=1)
BLOCKER = Neighbour(id=numbered(3), title="a blocker", status="active")
ITSELF = Neighbour(id=ENTITY, title="T", status="active")


def item(*further: Fact, states: list[dict[str, Any]] = STATES) -> Given:
    configured = ConfigurationChanged(changes={"states": Change([], states)})
    return given(decider).elsewhere("configuration", CONFIGURATION, configured).past(CREATED, *further)


def moved(status: str, before: str = "active", **more: Any) -> WorkItemStatusChanged:
    return WorkItemStatusChanged(
        status=status, category=CATEGORY[status], old_status=before, old_category=CATEGORY[before], **more
    )


def to(status: str, *, expected: int = 1, reason: str | None = None, force: bool = False) -> UpdateWorkItem:
    return UpdateWorkItem(id=ENTITY, expected=expected, status=status, reason=reason, force=force)


@each("word", ["in review", "In Review", "IN_REVIEW", "in-review"])
def test_a_state_is_found_however_it_is_written_and_keeps_its_own_word(word: str) -> None:
    item().when(to(word)).then(moved("In Review")).then_it_has(status="In Review", category="review")


@each(("word", "status"), [("Done", "completed"), ("review", "In Review"), ("dropped", "wont_do")])
def test_the_name_of_a_category_means_its_first_state(word: str, status: str) -> None:
    change = UpdateWorkItem(id=ENTITY, expected=1, status=word, reason="so")

    item().when(change).then_it_has(status=status)


def test_a_ledger_without_a_state_for_it_has_the_word_dropped() -> None:
    """Beside the original words, that of a category whose meaning none of them has."""
    new, drop = item(states=[]), to("dropped", reason="no customer asks for it")

    new.when(drop).then(
        WorkItemStatusChanged(
            status="dropped", category="dropped", old_status="active", old_category="active", reason=drop.reason
        )
    ).then_it_has(status="dropped", category="dropped", block_reason="no customer asks for it")
    assert "dropped" in new.when(to("nowhere")).then_invalid("status").details["fields"][0]["allowed"]
    own = [{"name": "dropped", "category": "planned"}]  # a ledger's own word goes on meaning what it meant
    item(states=own).when(drop).then_it_has(status="dropped", category="planned")


def test_a_word_that_is_no_state_is_refused_with_those_there_are() -> None:
    refusal = item().when(to("nowhere")).then_invalid("status")

    allowed = ["backlog", "active", "in_progress", "blocked", "vendor", "In Review", "completed", "shipped", "wont_do"]
    assert refusal.details["fields"][0]["allowed"] == allowed


@each("before", [state["name"] for state in STATES] + list(ORIGINAL))
@each("after", [state["name"] for state in STATES] + list(ORIGINAL))
def test_every_way_leads_where_it_says_but_from_waiting_to_done_and_from_the_end_back_into_waiting(
    before: str, after: str
) -> None:
    """Moved there and on; the original words keep the ways they have had."""
    past = [] if before == "active" else [moved(before)]
    asked = to(after, expected=1 + len(past), reason=None if before == after else "why")
    ended = ("done", "dropped")
    refused = (CATEGORY[before] == "waiting" and CATEGORY[after] == "done") or (
        CATEGORY[before] in ended and CATEGORY[after] in ("waiting", "review")
    )

    outcome = item(*past).when(asked)

    if before == after:
        outcome.then_nothing()
    elif refused:
        outcome.then_refused(Refused, rule="status_transition", present=before, wanted=after)
    else:
        outcome.then_it_has(status=after, category=CATEGORY[after])


def test_the_original_words_have_the_facts_they_always_had() -> None:
    item(moved("In Review")).when(to("completed", expected=2)).then(WorkItemCompleted())
    item(moved("in_progress")).when(to("blocked", expected=2, reason="no key")).then(WorkItemBlocked(reason="no key"))
    item(moved("shipped")).when(to("active", expected=2)).then(WorkItemReopened())


def test_a_state_of_waiting_or_a_dropped_one_keeps_the_reason_and_any_other_forgets_it() -> None:
    item().when(to("wont_do", reason="nobody reads it")).then_it_has(block_reason="nobody reads it")
    item(moved("wont_do", reason="why")).when(to("active", expected=2)).then_it_has(block_reason=None)
    item().when(to("vendor", reason="no answer")).then_it_has(block_reason="no answer", category="waiting")
    item(moved("vendor", reason="no answer")).when(to("in_progress", expected=2)).then_it_has(block_reason=None)


def test_a_done_state_waits_for_children_and_blockers_as_completion_does() -> None:
    around = item().around(subtree={ENTITY: [ITSELF, CHILD]}, blockers={ENTITY: [BLOCKER]})

    refused = around.when(to("shipped"))
    refused.then_refused(Refused, rule="unfinished", children=[CHILD.id], blockers=[BLOCKER.id])
    around.when(to("shipped", force=True, reason="late")).then(moved("shipped", forced="late"))


def test_what_is_dropped_does_not_wait_for_its_blockers() -> None:
    item().around(blockers={ENTITY: [BLOCKER]}).when(to("wont_do")).then(moved("wont_do"))


def test_work_that_ends_or_waits_ends_the_claim_and_work_that_goes_on_does_not() -> None:
    claim = WorkItemClaimed(by="ann", until="2999-01-01T00:00:00.000000Z", token_digest=token_digest(MINE))

    for word in ("vendor", "In Review"):
        item(claim).when(to(word, expected=2)).then_it_has(claim=None)
    kept = Claim(by="ann", until=claim.until, token_digest=claim.token_digest)
    item(claim).when(to("backlog", expected=2)).then_it_has(claim=kept)


def create(states: list[dict[str, Any]]) -> Outcome:
    configured = ConfigurationChanged(changes={"states": Change([], states)})
    history = given(decider).elsewhere("configuration", CONFIGURATION, configured)
    return history.when(CreateWorkItem(id=ENTITY, item_type="task", title="T"))


def test_a_new_item_begins_in_the_first_planned_state_of_the_ledgers_own() -> None:
    outcome = create([*STATES[1:], {"name": "todo", "category": "planned"}, STATES[0]])

    outcome.then(WorkItemCreated(item_type="task", title="T", priority=3, status="todo", category="planned"))
    outcome.then_it_has(status="todo", category="planned")


def test_without_a_planned_state_a_new_item_begins_in_the_original_one() -> None:
    create(STATES[1:]).then(WorkItemCreated(item_type="task", title="T", priority=3))


@pytest.mark.parametrize("word", ["completed", "shipped"])
def test_the_next_of_what_recurs_begins_where_a_new_item_does(word: str) -> None:
    again = WorkItemRevised(changes={"recurrence": Change(None, "every day")})

    _, following = item(again).when(to(word, expected=2)).facts

    assert isinstance(following, WorkItemCreated)
    assert (following.status, following.category) == ("backlog", "planned")


def test_a_claim_moves_the_item_into_its_state_and_giving_it_back_moves_it_back() -> None:
    outcome = item(moved("backlog")).when(ClaimWorkItem(id=ENTITY, token=MINE))
    outcome.then_it_has(status="in_progress", category="active")

    given_back = item(moved("backlog"), CLAIM).when(ReleaseClaim(id=ENTITY, token=MINE))
    given_back.then(WorkItemClaimReleased()).then_it_has(status="backlog", category="planned", claim=None)


def test_what_was_moved_on_while_it_was_claimed_stays_there_when_it_is_given_back() -> None:
    outcome = item(CLAIM, moved("backlog", "in_progress")).when(ReleaseClaim(id=ENTITY, token=MINE))

    outcome.then_it_has(status="backlog", category="planned", claim=None)


def test_without_such_a_state_a_claim_leaves_the_state_alone() -> None:
    outcome = item(states=STATES[2:]).when(ClaimWorkItem(id=ENTITY, token=MINE))

    outcome.then_it_has(status="active", category="active")


def test_an_undo_of_before_there_were_categories_restores_the_one_of_the_word() -> None:
    reverted = WorkItemReverted(changes={"status": Change("completed", "active")}, undoes="x")

    item(WorkItemCompleted(), reverted).when(to("backlog", expected=3)).then(moved("backlog"))


def test_an_undo_between_two_states_of_one_category_leaves_the_category() -> None:
    reverted = WorkItemReverted(changes={"status": Change("completed", "shipped")}, undoes="x")

    outcome = item(moved("shipped"), WorkItemCompleted(), reverted).when(to("backlog", expected=4))

    outcome.then_it_has(status="backlog", category="planned")


def test_a_state_that_is_set_again_takes_the_category_that_the_configuration_gives_it_now() -> None:
    of_before = WorkItemStatusChanged(status="In Review", category="waiting")

    item(of_before).when(to("In Review", expected=2)).then_it_has(status="In Review", category="review")


def test_only_what_opens_again_touches_what_others_may_have_looked_at() -> None:
    assert topics_of(moved("in_progress", "shipped")) == ("reopening",)
    assert topics_of(moved("shipped", "wont_do")) == topics_of(moved("shipped")) == ()


def test_what_begins_to_wait_or_is_dropped_or_deferred_touches_the_readiness_of_what_is_below_it() -> None:
    deferred = {"not_before": Change(None, "2999-01-01")}
    facts = (
        moved("wont_do"),
        moved("vendor"),
        WorkItemBlocked(reason="no licence"),
        QuestionAsked(whom="lead", by="ann", at="2026-11-22T09:00:00.000000Z", text="May it?"),
        WorkItemRevised(changes=deferred),
        WorkItemUnblocked(also=deferred),
        WorkItemReverted(changes=deferred, undoes="x"),
    )

    assert [topics_of(fact) for fact in facts] == [("suspension",)] * len(facts)


def test_a_board_shows_the_states_by_category_the_original_word_first() -> None:
    shown = in_order(State(**state) for state in STATES)

    places = [CATEGORIES.index(state.category) for state in shown]
    assert places == sorted(places)
    assert [state.name for state in shown if state.category == "done"] == ["completed", "shipped"]
