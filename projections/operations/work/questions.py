"""The operation on questions that an item waits for: asked, answered, withdrawn."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from ledger.aggregates.work_item.commands import AnswerQuestion, AskQuestion, WithdrawQuestion
from ledger.aggregates.work_item.item_summaries import CATEGORY
from ledger.aggregates.work_item.state import WorkItem
from ledger.envelope import configuration_id
from ledger.problems import Problem, check, problem
from projections.application.view import LedgerView
from projections.operations.base import Operation, Writes, carry_out
from projections.operations.inputs.fields import AsArray, Name, NotBlank, Text
from projections.operations.work.consequences import with_freed
from projections.operations.work.work_items import followed
from projections.questions.answers import Answered
from projections.questions.overviews import people
from projections.questions.references import resolve
from projections.questions.work import work_items as questions

Action = Literal["ask", "answer", "withdraw"]
Verdict = Literal["approve", "refuse", "choose", "answer"]
NOT_WITH: dict[Action, tuple[str, ...]] = {
    "ask": ("verdict", "choice"),
    "answer": ("whom", "choices"),
    "withdraw": ("whom", "choices", "verdict", "choice"),
}
ALWAYS = ("approve", "refuse")  # verdicts on every question
Choice = Annotated[str, Field(min_length=1, max_length=200), NotBlank]


class QuestionInput(Writes):
    id: Annotated[str, Field(description="Item that waits, like w-7k3qd")]
    action: Annotated[
        Action,
        Field(description="ask: the item waits, is not ready; answer: it goes on; withdraw: no longer asked"),
    ]
    whom: Annotated[Annotated[Name, NotBlank] | None, Field(description="For ask: the person or role")] = None
    text: Annotated[Text | None, Field(description="The question; or the answer, or why (refuse needs it)")] = None
    choices: Annotated[
        Annotated[tuple[Choice, ...], Field(max_length=20)],
        AsArray,
        Field(description="For ask, beside approve and refuse"),
    ] = ()
    verdict: Annotated[Verdict | None, Field(description="For answer; refuse gives the item back to its holder")] = None
    choice: Annotated[str | None, Field(description="For choose: one of the choices")] = None


def question(view: LedgerView, request: QuestionInput) -> Answered:
    check(_problems(request))
    item = resolve(view.tables, CATEGORY, request.id)
    answer = with_freed(
        view,
        () if request.action == "ask" else (item,),
        lambda: carry_out(view, request, CATEGORY, _command(request, item), questions.by_id),
    )
    match request.action:
        case "ask":
            return answer | _asked_of(view, request)
        case "answer":
            return answer | _outcome_of_answer(view, item)
        case "withdraw":
            return answer


def _asked_of(view: LedgerView, request: QuestionInput) -> Answered:
    """{whom_is_known, next_step?}: whether the ledger has heard of the person or role, and what else to mend."""
    whom, head = request.whom or "", view.store.read_streams([]).head
    with view.tables.snapshot() as snapshot:
        known = people.is_known(view.store, snapshot, configuration_id(view.identity.ledger), whom, head)
    unknown = f"no person or role is known by the name {whom} yet: it waits for who acts so; if misspelt, withdraw it"
    steps = [] if known else [unknown]
    if repeated := [choice for choice in request.choices if choice.strip().lower() in ALWAYS]:
        steps.append(f"choices need not repeat {' or '.join(repeated)}: these verdicts can always be given")
    return {"whom_is_known": known, **({"next_step": "; ".join(steps)} if steps else {})}


def _outcome_of_answer(view: LedgerView, item: str) -> Answered:
    """{status, holder?, next_item?}: where the answer brought the item, and whom it is with."""
    with view.tables.snapshot() as snapshot:
        state: WorkItem = questions.row(snapshot, item).state
        holder = state.claim.by if state.claim else state.assignee
        with_whom = {"holder": holder} if holder and not state.finished else {}
        return {"status": state.status, **with_whom, **followed(snapshot, state)}


def _command(request: QuestionInput, item: str) -> AskQuestion | AnswerQuestion | WithdrawQuestion:
    match request.action:
        case "ask":
            return AskQuestion(id=item, whom=request.whom or "", text=request.text or "", choices=request.choices)
        case "answer":
            verdict = request.verdict or ("choose" if request.choice is not None else "answer")
            return AnswerQuestion(id=item, verdict=verdict, choice=request.choice, text=request.text)
        case "withdraw":
            return WithdrawQuestion(id=item, reason=request.text)


def _problems(request: QuestionInput) -> Iterator[Problem]:
    asks = request.action == "ask"
    for field in ("whom", "text"):
        if asks and not (getattr(request, field) or "").strip():
            yield problem(field, "is required to ask")
    for field in NOT_WITH[request.action]:
        if field in request.model_fields_set:
            yield problem(field, f"does not go with action {request.action}", getattr(request, field))
    if len(set(request.choices)) < len(request.choices):
        yield problem("choices", "names one twice", list(request.choices))


OPERATIONS = (
    Operation(
        name="question",
        title="Ask, answer",
        summary="Let an item wait for a person's decision, or decide. Remark: comment; other obstacle: blocked.",
        toolset="work",
        input=QuestionInput,
        run=question,
        scope="write",
        commands=dict.fromkeys((AskQuestion, AnswerQuestion, WithdrawQuestion), QuestionInput),
    ),
)
