"""The review that a ledger's settings demand of some types of items before they are completed, in whatever way.

Completing such an item asks for its review instead: a question whose approval completes it. Where the ledger has a
state for what is in review, the item waits there. Every rule that would complete an item comes here first.
"""

from collections.abc import Iterable
from functools import reduce
from typing import Any

from ledger.aggregates.work_item.commands import Attribution
from ledger.aggregates.work_item.events import QuestionAsked, WorkItemCompleted, WorkItemStatusChanged
from ledger.aggregates.work_item.item_summaries import CATEGORY, state_summary
from ledger.aggregates.work_item.state import WorkItem, evolve
from ledger.envelope import Fact
from ledger.errors import Refused
from ledger.values.moment import text
from ledger.values.revision import Changes, apply
from ledger.values.states import State
from ledger.world import World

ADMINISTRATOR = "administrator"  # the role of all who may administer; it reviews where the settings name no reviewer
ASKS = "May it be completed?"
OF_COMPLETION = ("status", "category", "forced", "block_reason", "archived", "question", "answer")


def is_required(item: WorkItem, world: World) -> bool:
    return item.item_type in world.settings().review_types


def completed(entity_id: str, item: WorkItem, wanted: State, forced: str | None, world: World) -> list[Fact]:
    """What completing it records: that it is done, or the request for its review, unless that is made already."""
    if not is_required(item, world):
        return [completion(item, wanted, forced)]
    if item.question is not None and item.question.completes is None:
        raise Refused(
            f"{world.reference(CATEGORY, entity_id)} waits for {item.question.whom}: {item.question.text}",
            rule="waits_already",
            items=[state_summary(world, entity_id, item)],
            next_step="answer that question or withdraw it, then complete it",
        )
    return requested(item, wanted, forced, text(world.occurred_at), world)


def completion(item: WorkItem, wanted: State, forced: str | None) -> Fact:
    if wanted.name == "completed":
        return WorkItemCompleted(forced=forced)
    return WorkItemStatusChanged(
        old_status=item.status,
        old_category=item.category,
        status=wanted.name,
        category=wanted.category,
        forced=forced,
    )


def requested(item: WorkItem, wanted: State, forced: str | None, at: str, world: World) -> list[Fact]:
    """Moves it to the first state for reviews, if the ledger has one, and asks for the review, unless that is done."""
    own = next((state for state in world.settings().states if state.category == "review"), None)
    facts: list[Fact] = []
    if own is not None and item.category != "review" and not item.finished:
        facts.append(completion(item, own, None))
    if item.question is None:
        facts.append(request(wanted, forced, at, world))
    return facts


def request(wanted: State, forced: str | None, at: str, world: World) -> QuestionAsked:
    """Asks for the review; its approval brings the item to the state that was wanted. It is the caller who asks, also
    in an import, so that no writer approves under another name what it brought itself."""
    whom = world.settings().reviewer or ADMINISTRATOR
    done = (wanted.name, wanted.category)
    return QuestionAsked(whom=whom, by=world.by, at=at, text=ASKS, completes=done, forced=forced)


def imported(facts: Iterable[tuple[Any, Attribution]], entity_id: str, world: World) -> list[tuple[Fact, Attribution]]:
    """What an import records of an item: where its type needs a review, completing it asks for that instead.

    What a source tells of its past before it is known here, an administrator brings as it was.
    """
    item: WorkItem = world.state(CATEGORY, entity_id)
    kept: list[tuple[Any, Attribution]] = []
    if not item.exists and world.scope == "admin":
        return list(facts)
    for fact, attribution in facts:
        after = evolve(item, fact)
        if after.category == "done" and item.category != "done" and is_required(after, world):
            wanted = State(name=after.status, category="done")
            stays = item.question is not None or _refused_since(item, attribution)
            instead: list[Any] = [] if stays else requested(item, wanted, after.forced, text(attribution.at), world)
        else:
            instead = [fact]
        kept += [(one, attribution) for one in instead]
        item = reduce(evolve, instead, item)
    return kept


def _refused_since(item: WorkItem, attribution: Attribution) -> bool:
    """Whether a review was refused after the source had said that it is done: it is not asked for again."""
    answer = item.answer
    return (
        answer is not None
        and answer.verdict == "refuse"
        and answer.question.completes is not None
        and text(attribution.at) <= answer.at
    )


def restrained(world: World, now: WorkItem, changes: Changes) -> tuple[Changes, tuple[Fact, ...]]:
    """What an undo may restore, and what it asks for: it completes no item that needs a review, and a review that it
    brings back is one that its caller asks for, not its first author."""
    then, at = apply(now, changes), text(world.occurred_at)
    if then.category == "done" and now.category != "done" and is_required(then, world):
        kept = {path: change for path, change in changes.items() if path not in OF_COMPLETION}
        done = State(name=then.status, category="done")
        return kept, tuple(requested(apply(now, kept), done, then.forced, at, world))
    review = then.question
    if review is None or review.completes is None or review == now.question:
        return changes, ()
    kept = {path: change for path, change in changes.items() if path not in ("question", "answer")}
    word, category = review.completes
    done = State(name=word, category=category)  # type: ignore[arg-type]  # as it was decided then
    return kept, tuple(requested(apply(now, kept), done, review.forced, at, world))
