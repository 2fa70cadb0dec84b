"""What an item waits for a person or a role to say: who may ask, who may answer, and what follows from the answer."""

from msgspec.structs import replace

from ledger.aggregates.decider import Decided
from ledger.aggregates.guards import existing
from ledger.aggregates.work_item.commands import AnswerQuestion, AskQuestion, WithdrawQuestion
from ledger.aggregates.work_item.events import QuestionAnswered, QuestionAsked, QuestionWithdrawn
from ledger.aggregates.work_item.item_summaries import CATEGORY, state_summary
from ledger.aggregates.work_item.rules.recurrence import with_next
from ledger.aggregates.work_item.rules.reviews import ADMINISTRATOR, completion
from ledger.aggregates.work_item.rules.status_changes import refuse_unfinished, status_changed
from ledger.aggregates.work_item.state import Question, WorkItem
from ledger.envelope import Fact, stream_id
from ledger.errors import Refused
from ledger.problems import check, problem
from ledger.values.moment import text
from ledger.values.revision import Change
from ledger.values.states import State, States, claimed_state, find_state
from ledger.world import World

WORDS = {"approve": "approve", "refuse": "refuse", "reject": "refuse"}  # of a review
MOVES = ("WorkItemStatusChanged", "WorkItemReverted")  # facts after which an item can be in review


def ask(command: AskQuestion, world: World) -> Decided:
    """One question at a time: its answer decides how the work goes on."""
    item: WorkItem = existing(world, CATEGORY, command.id, None)
    if item.deleted or item.finished:
        raise _refused(world, command.id, item, "ended", "reopen or restore it first", "is finished or deleted")
    if item.question is not None:
        if _same(item.question, command, world):
            return []
        raise _refused(
            world,
            command.id,
            item,
            "waits_already",
            "answer that question, or withdraw it",
            f"waits for {item.question.whom} already: {item.question.text}",
        )
    asked = QuestionAsked(
        whom=command.whom, by=world.by, at=text(world.occurred_at), text=command.text, choices=command.choices
    )
    return _of(command.id, asked)


def answer(command: AnswerQuestion, world: World) -> Decided:
    item: WorkItem = existing(world, CATEGORY, command.id, None)
    question = _open_question(world, command.id, item)
    command = _in_words(command, question)
    _check_form(command, question)
    _check_may_answer(command, item, question, world)
    answered = QuestionAnswered(
        verdict=command.verdict, by=world.by, at=text(world.occurred_at), choice=command.choice, text=command.text
    )
    given_back = _given_back(command.id, item, question, world) if command.verdict == "refuse" else []
    return [*_of(command.id, answered), *_approved(command, item, question, world), *given_back]


def _in_words(command: AnswerQuestion, question: Question) -> AnswerQuestion:
    """The answer in words: the choice itself; of a review whether it was approved, or refused and why."""
    if command.verdict != "answer" or command.text is None:
        return command
    if command.text in question.choices:
        return replace(command, verdict="choose", choice=command.text, text=None)
    word, _, why = command.text.strip().partition(" ")
    if question.completes is None or word.casefold() not in WORDS:
        return command
    verdict = WORDS[word.casefold()]
    if verdict == "approve" and why:  # approved under a condition is not approved
        return command
    return replace(command, verdict=verdict, text=why or None)


def withdraw(command: WithdrawQuestion, world: World) -> Decided:
    """Its author takes it back, or an administrator; what is to be reviewed no more is worked at again."""
    item: WorkItem = existing(world, CATEGORY, command.id, None)
    question = _open_question(world, command.id, item)
    if world.scope != "admin" and question.by != world.by:
        next_step = f"answer it, or ask {question.by} to withdraw it"
        raise _refused(world, command.id, item, "not_the_asker", next_step, f"waits for a question of {question.by}")
    given_back = _given_back(command.id, item, question, world) if question.completes is not None else []
    return [*_of(command.id, QuestionWithdrawn(reason=command.reason)), *given_back]


def is_asked(whom: str, by: str, world: World) -> bool:
    """Whether a question to a person or a role is one to this person."""
    return by == whom or by in world.settings().roles.get(whom, ())


def _approved(command: AnswerQuestion, item: WorkItem, question: Question, world: World) -> Decided:
    """What an approved review completes, over nothing that was not there when it was asked for."""
    if question.completes is None or command.verdict != "approve":
        return []
    if question.forced is None:
        refuse_unfinished(command.id, world)
    word, category = question.completes
    wanted = State(name=word, category=category)  # type: ignore[arg-type]  # as it was decided then
    return with_next(command.id, item, [completion(item, wanted, question.forced)], world)


def _given_back(entity_id: str, item: WorkItem, question: Question, world: World) -> Decided:
    """What leaves review unfinished goes back to its assignee, else to its former holder, else to the one who asked."""
    if item.category != "review":
        return []
    before = _before_review(entity_id, world)
    holder = item.assignee or (before.claim.by if before.claim else question.by)
    also = {} if holder == item.assignee else {"assignee": Change(item.assignee, holder)}
    wanted = _active(before, world.settings().states)
    return _of(entity_id, replace(status_changed(item, wanted), also=also))


def _before_review(entity_id: str, world: World) -> WorkItem:
    """What the item was when it last came into review."""
    stream = stream_id(CATEGORY, entity_id)
    past = world.past(stream)
    for place in range(len(past) - 1, -1, -1):
        if past[place].type in MOVES:
            before: WorkItem = world.fold(stream, past[:place])
            if before.category != "review":
                return before
    return WorkItem()


def _active(before: WorkItem, states: States) -> State:
    """The state in which it was worked at; else the one that a claim moves to, or the original one."""
    was = find_state(states, before.status)
    if was is not None and was.category == "active":
        return was
    return claimed_state(states) or State(name="active", category="active")


def _check_form(command: AnswerQuestion, question: Question) -> None:
    if question.completes is not None and command.verdict not in ("approve", "refuse"):
        check([problem("verdict", "must approve or refuse a review", command.verdict, allowed=("approve", "refuse"))])
    if command.verdict == "choose" and command.choice not in question.choices:
        check([problem("choice", "is none of the choices", command.choice, allowed=question.choices)])
    if command.verdict != "choose" and command.choice is not None:
        check([problem("choice", "goes with the verdict choose", command.choice)])
    if command.verdict in ("refuse", "answer") and not (command.text or "").strip():
        check([problem("text", f"is required to {command.verdict}", command.text)])


def _check_may_answer(command: AnswerQuestion, item: WorkItem, question: Question, world: World) -> None:
    """An administrator may answer any question, but one of its own that is left to another only with a reason. Other
    callers may not answer their own questions, nor those that the settings leave to another."""
    restricted = question.completes is not None or world.settings().only_asked_answer
    is_own, is_for_it = question.by == world.by, is_asked(question.whom, world.by, world)
    if world.scope == "admin":
        has_reason = bool((command.text or "").strip())
        if restricted and is_own and not is_for_it and question.whom != ADMINISTRATOR and not has_reason:
            next_step = f"leave it to {question.whom}, or say in text why {world.by} answers, as an administrator"
            raise _own_question(command.id, item, next_step, world)
        return
    next_step = f"leave it to {question.whom}, or to an administrator"
    if is_own:
        raise _own_question(command.id, item, next_step, world)
    if restricted and not is_for_it:
        why = f"waits for {question.whom}, not for {world.by}"
        raise _refused(world, command.id, item, "not_asked", next_step, why)


def _own_question(entity_id: str, item: WorkItem, next_step: str, world: World) -> Refused:
    return _refused(world, entity_id, item, "own_question", next_step, f"waits for an answer to what {world.by} asked")


def _open_question(world: World, entity_id: str, item: WorkItem) -> Question:
    if item.question is None:
        next_step = "read it again: its history has what was asked"
        raise _refused(world, entity_id, item, "nothing_asked", next_step, "waits for no answer")
    return item.question


def _same(question: Question, command: AskQuestion, world: World) -> bool:
    given = (command.whom, world.by, command.text, command.choices)
    return (question.whom, question.by, question.text, question.choices) == given


def _of(entity_id: str, fact: Fact) -> Decided:
    return [(stream_id(CATEGORY, entity_id), fact)]


def _refused(world: World, entity_id: str, item: WorkItem, rule: str, next_step: str, why: str) -> Refused:
    return Refused(
        f"{world.reference(CATEGORY, entity_id)} {why}",
        rule=rule,
        items=[state_summary(world, entity_id, item)],
        next_step=next_step,
    )
