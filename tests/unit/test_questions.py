"""What an item waits for a person to say: who may ask, who may answer, what follows."""

from typing import Any

import pytest

from ledger.aggregates.configuration.events import ConfigurationChanged
from ledger.aggregates.work_item.commands import AnswerQuestion, AskQuestion, ClaimNextWorkItem, WithdrawQuestion
from ledger.aggregates.work_item.decider import decider
from ledger.aggregates.work_item.events import (
    QuestionAnswered,
    QuestionAsked,
    QuestionWithdrawn,
    WorkItemCompleted,
    WorkItemCreated,
    WorkItemDeleted,
)
from ledger.aggregates.work_item.state import Answer, Question
from ledger.errors import NotFound, Refused
from ledger.values.revision import Change
from tests.support.each import each
from tests.support.given import CONFIGURATION, ENTITY, NOW, Given, given

AT, NOW_AT = "2026-11-22T10:00:00.000000Z", "2026-11-23T09:00:00.000000Z"
ASKED = QuestionAsked(whom="lead", by="bot", at=AT, text="Ship it?", choices=("now", "later"))
QUESTION = Question(whom="lead", by="bot", at=AT, text="Ship it?", choices=("now", "later"))


def a_task() -> Given:
    return given(decider).past(WorkItemCreated(item_type="task", title="One"))


def waiting(**settings: Any) -> Given:
    changes = {name: Change(None, value) for name, value in settings.items()}
    history = a_task().past(ASKED)
    return history.elsewhere("configuration", CONFIGURATION, ConfigurationChanged(changes=changes))


def answer(verdict: str = "approve", **more: Any) -> AnswerQuestion:
    return AnswerQuestion(id=ENTITY, verdict=verdict, **more)


def test_an_item_waits_for_a_person_or_a_role() -> None:
    asked = a_task().when(AskQuestion(id=ENTITY, whom="lead", text="Ship it?"), by="bot", at=NOW)

    asked.then(QuestionAsked(whom="lead", by="bot", at=NOW_AT, text="Ship it?"))
    asked.then_it_has(question=Question(whom="lead", by="bot", at=NOW_AT, text="Ship it?"), status="active")


def test_the_same_question_again_is_no_change() -> None:
    again = AskQuestion(id=ENTITY, whom="lead", text="Ship it?", choices=("now", "later"))

    waiting().when(again, by="bot").then_nothing()


def test_another_question_is_refused_while_one_is_open() -> None:
    waiting().when(AskQuestion(id=ENTITY, whom="ann", text="Why?")).then_refused(Refused, rule="waits_already")


@pytest.mark.parametrize("ended", [WorkItemDeleted(), WorkItemCompleted()])
def test_what_is_over_waits_for_no_person(ended: Any) -> None:
    a_task().past(ended).when(AskQuestion(id=ENTITY, whom="ann", text="Why?")).then_refused(Refused, rule="ended")


def test_a_question_about_nothing_is_refused() -> None:
    given(decider).when(AskQuestion(id=ENTITY, whom="ann", text="Why?")).then_refused(NotFound)


@each(
    "said",
    [
        {"verdict": "approve"},
        {"verdict": "refuse", "text": "tests are missing"},
        {"verdict": "choose", "choice": "later"},
        {"verdict": "answer", "text": "tomorrow"},
    ],
)
def test_an_answer_ends_the_question_and_is_kept(said: dict[str, Any]) -> None:
    answered = waiting().when(AnswerQuestion(id=ENTITY, **said), by="ann", at=NOW, scope="write")

    answered.then(QuestionAnswered(by="ann", at=NOW_AT, **said))
    answered.then_it_has(question=None, answer=Answer(question=QUESTION, by="ann", at=NOW_AT, **said))


@each(
    ("said", "field"),
    [
        (answer("refuse"), "text"),
        (answer("answer", text=" "), "text"),
        (answer("choose", choice="never"), "choice"),
        (answer("choose"), "choice"),
        (answer("approve", choice="now"), "choice"),
    ],
)
def test_an_answer_that_says_too_little_is_refused(said: AnswerQuestion, field: str) -> None:
    waiting().when(said).then_invalid(field)


def test_what_was_not_asked_is_not_answered() -> None:
    a_task().when(answer()).then_refused(Refused, rule="nothing_asked")


def test_a_writer_does_not_answer_what_it_asked_itself() -> None:
    waiting().when(answer(), by="bot", scope="write").then_refused(Refused, rule="own_question")


def test_an_administrator_answers_whatever_was_asked() -> None:
    history = waiting(only_asked_answer=True)

    history.when(answer(), by="ben", scope="admin").then_it_has(question=None)
    history.when(answer(), by="bot", scope="admin").then_refused(Refused, rule="own_question")
    waiting().when(answer(), by="bot", scope="admin").then_it_has(question=None)


def test_where_the_settings_say_so_only_the_asked_answer() -> None:
    history = waiting(only_asked_answer=True, roles={"lead": ["ann"]})

    history.when(answer(), by="ben", scope="write").then_refused(Refused, rule="not_asked")
    history.when(answer(), by="ann", scope="write").then_it_has(question=None)
    history.when(answer(), by="lead", scope="write").then_it_has(question=None)


def test_who_asked_withdraws_the_question_and_no_other_writer() -> None:
    withdraw = WithdrawQuestion(id=ENTITY)

    waiting().when(withdraw, by="ben", scope="write").then_refused(Refused, rule="not_the_asker")
    waiting().when(withdraw, by="bot", scope="write").then(QuestionWithdrawn()).then_it_has(question=None, answer=None)


def test_a_new_question_puts_the_last_answer_away() -> None:
    answered = waiting().past(QuestionAnswered(verdict="refuse", by="ann", at=AT, text="no"))

    answered.when(AskQuestion(id=ENTITY, whom="lead", text="Now?")).then_it_has(answer=None)


def test_the_end_of_the_work_ends_the_question() -> None:
    assert decider.after(decider.after(decider.initial, ASKED), WorkItemCompleted()).question is None


def test_what_waits_is_not_the_next_to_be_claimed() -> None:
    waiting().around(next_ready=ENTITY).when(ClaimNextWorkItem(token="a-token-of-mine")).then_again()
