"""The review that settings demand before items of some types are completed: asked for through every door."""

from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from ledger.across.undo import decide as decide_undo
from ledger.aggregates.configuration.commands import ChangeConfiguration
from ledger.aggregates.configuration.events import ConfigurationChanged
from ledger.aggregates.decider import Undo
from ledger.aggregates.work_item.commands import (
    AnswerQuestion,
    AskQuestion,
    Attribution,
    ChangeWorkItems,
    CreateWorkItem,
    ImportedItem,
    ImportWorkItems,
    UpdateWorkItem,
    WithdrawQuestion,
)
from ledger.aggregates.work_item.decider import decider
from ledger.aggregates.work_item.events import (
    QuestionAnswered,
    QuestionAsked,
    WorkItemClaimed,
    WorkItemCompleted,
    WorkItemCreated,
    WorkItemReopened,
    WorkItemReverted,
    WorkItemStatusChanged,
)
from ledger.aggregates.work_item.state import Question, WorkItem
from ledger.catalog import states_of
from ledger.envelope import Command
from ledger.errors import Refused
from ledger.values.moment import parse
from ledger.values.revision import Change
from ledger.world import Neighbour
from tests.support.each import each
from tests.support.given import CONFIGURATION, ENTITY, LEDGER, NOW, Given, given, numbered
from tests.support.ledgers import in_memory, numbered_command
from tests.support.machines import Machine

NOW_AT, THEN = "2026-11-23T09:00:00.000000Z", "2026-11-22T08:00:00.000000Z"
DONE = ("completed", "done")
CHILD = numbered(1)
ASKED = QuestionAsked(whom="lead", by="bot", at=THEN, text="May it be completed?", completes=DONE)


def settings(**fields: Any) -> ConfigurationChanged:
    return ConfigurationChanged(changes={name: Change(None, value) for name, value in fields.items()})


def demanded(**fields: Any) -> Given:
    wanted = {"review_types": ["task"], "reviewer": "lead", "roles": {"lead": ["ann"]}} | fields
    return given(decider).elsewhere("configuration", CONFIGURATION, settings(**wanted))


def a_task() -> Given:
    return demanded().past(WorkItemCreated(item_type="task", title="One"))


def complete(version: int = 1, **more: Any) -> UpdateWorkItem:
    return UpdateWorkItem(id=ENTITY, expected=version, status="completed", **more)


def approve() -> AnswerQuestion:
    return AnswerQuestion(id=ENTITY, verdict="approve")


def asked_now(by: str = "bot", **more: Any) -> QuestionAsked:
    return QuestionAsked(whom="lead", by=by, at=NOW_AT, text="May it be completed?", completes=DONE, **more)


def test_completing_asks_for_the_review() -> None:
    a_task().when(complete(), by="bot", at=NOW).then(asked_now()).then_it_has(status="active")


def test_completing_by_force_asks_too() -> None:
    claim = WorkItemClaimed(by="ben", until="2027-01-01T00:00:00.000000Z", token_digest="x")

    asked = a_task().past(claim).when(complete(2, force=True, reason="he left"), by="bot", at=NOW)

    asked.then(asked_now(forced="he left", forced_over="ben"))


def test_completing_again_while_it_is_reviewed_is_no_change() -> None:
    a_task().past(ASKED).when(complete(2), by="bot").then_nothing()


def test_completing_while_another_question_is_open_is_refused() -> None:
    question = QuestionAsked(whom="ann", by="bot", at=THEN, text="Which?")

    a_task().past(question).when(complete(2), by="bot").then_refused(Refused, rule="waits_already")


def test_items_of_other_types_are_completed_as_before() -> None:
    demanded().past(WorkItemCreated(item_type="research", title="One")).when(complete()).then(WorkItemCompleted())


def test_where_no_reviewer_is_named_administrators_are_asked() -> None:
    history = demanded(reviewer=None).past(WorkItemCreated(item_type="task", title="One"))

    history.when(complete(), by="bot", at=NOW).then(replace(asked_now(), whom="administrator"))


def test_an_approval_completes_the_item() -> None:
    approved = a_task().past(ASKED).when(approve(), by="ann", scope="write", at=NOW)

    approved.then(QuestionAnswered(verdict="approve", by="ann", at=NOW_AT), WorkItemCompleted())
    approved.then_it_has(status="completed", question=None)


def test_an_approval_completes_to_the_state_that_was_wanted() -> None:
    history = a_task().past(replace(ASKED, completes=("shipped", "done")))

    history.when(approve(), by="ann", scope="write").then_it_has(status="shipped", category="done")


def test_an_approval_makes_the_next_of_an_item_that_comes_again() -> None:
    history = demanded().past(WorkItemCreated(item_type="task", title="One", recurrence="every week"), ASKED)

    approved = history.when(approve(), by="ann", scope="write", at=NOW).facts

    assert [type(fact) for fact in approved] == [QuestionAnswered, WorkItemCompleted, WorkItemCreated]
    assert approved[1].next_id is not None


def test_a_refusal_gives_it_back_with_the_reason() -> None:
    refuse = AnswerQuestion(id=ENTITY, verdict="refuse", text="no tests")

    a_task().past(ASKED).when(refuse, by="ann", scope="write", at=NOW).then_it_has(status="active", question=None)


def test_a_review_is_approved_or_refused_and_nothing_else() -> None:
    a_task().past(ASKED).when(AnswerQuestion(id=ENTITY, verdict="answer", text="hm"), by="ann").then_invalid("verdict")


@pytest.mark.parametrize(("said", "status"), [("approve", "completed"), ("Refuse no tests", "active")])
def test_a_review_is_answered_in_words_too(said: str, status: str) -> None:
    answer = AnswerQuestion(id=ENTITY, verdict="answer", text=said)

    a_task().past(ASKED).when(answer, by="ann", scope="write").then_it_has(status=status, question=None)


@each("said", ["approve when it is tested", "refuse", "approved"])
def test_a_condition_or_a_refusal_without_a_reason_is_no_answer_to_a_review(said: str) -> None:
    outcome = a_task().past(ASKED).when(AnswerQuestion(id=ENTITY, verdict="answer", text=said))

    outcome.then_invalid("text" if said == "refuse" else "verdict")


@pytest.mark.parametrize(("by", "rule"), [("bot", "own_question"), ("ben", "not_asked")])
def test_no_other_writer_approves(by: str, rule: str) -> None:
    a_task().past(ASKED).when(approve(), by=by, scope="write").then_refused(Refused, rule=rule)


def test_an_administrator_approves_what_it_asked_itself_with_a_reason_only() -> None:
    history = a_task().past(ASKED)
    with_reason = AnswerQuestion(id=ENTITY, verdict="approve", text="ann is on leave")

    history.when(approve(), by="bot", scope="admin").then_refused(Refused, rule="own_question")
    history.when(with_reason, by="bot", scope="admin", at=NOW).then_it_has(status="completed")
    history.when(approve(), by="ben", scope="admin", at=NOW).then_it_has(status="completed")


def test_an_approval_completes_nothing_over_what_was_opened_since() -> None:
    child = Neighbour(id=CHILD, title="Child", status="active", category="active", depth=1)
    history = a_task().past(ASKED).around(subtree={ENTITY: [child]})

    history.when(approve(), by="ann").then_refused(Refused, rule="unfinished")


def test_a_bulk_asks() -> None:
    a_task().when(ChangeWorkItems(changes=(complete(),)), by="bot", at=NOW).then(asked_now())


def source(status: str = "completed", day: int = 22) -> ImportWorkItems:
    """An item as the source has it; what it says was so on this day."""
    began, mark = (Attribution(by="carol", at=parse(at)) for at in (THEN, THEN.replace("22T", f"{day}T")))
    fields = {"item_type": "task", "title": "One"}
    item = ImportedItem(id=ENTITY, external_id="x", fields=fields, created=began, changed=mark, status=status)
    return ImportWorkItems(source="beads", items=(item,))


def test_an_import_of_what_is_known_here_asks_in_the_name_of_who_imports() -> None:
    known = a_task().when(source(), by="bot", scope="admin")

    assert [fact for fact in known.facts if isinstance(fact, QuestionAsked)] == [replace(ASKED, by="bot")]
    known.then_it_has(status="active")


@pytest.mark.parametrize(("scope", "status"), [("admin", "completed"), ("write", "active")])
def test_an_administrator_imports_a_past_as_it_was_and_a_writer_asks(scope: Any, status: str) -> None:
    demanded().when(source(), by="bot", scope=scope).then_it_has(status=status)


def test_an_undo_completes_nothing_again_but_asks() -> None:
    undoable = replace(decider, decide=decide_undo)
    history = Given(undoable, ENTITY).elsewhere("configuration", CONFIGURATION, settings(review_types=["task"]))
    history = history.past(WorkItemCreated(item_type="task", title="One"), WorkItemCompleted(), WorkItemReopened())

    undone = history.when(Undo(undone=history.command_of(3), streams=(f"work_item-{ENTITY}",)), by="bot", at=NOW)

    assert [type(fact) for fact in undone.facts] == [QuestionAsked]
    undone.then_it_has(status="active")


def test_an_undo_restores_the_other_fields() -> None:
    undoable = replace(decider, decide=decide_undo)
    history = Given(undoable, ENTITY).elsewhere("configuration", CONFIGURATION, settings(review_types=["task"]))
    reopened = WorkItemStatusChanged(status="active", category="active", also={"title": Change("One", "Two")})
    history = history.past(WorkItemCreated(item_type="task", title="One"), WorkItemCompleted(), reopened)

    undone = history.when(Undo(undone=history.command_of(3), streams=(f"work_item-{ENTITY}",)), by="bot", at=NOW)

    assert [type(fact) for fact in undone.facts] == [WorkItemReverted, QuestionAsked]
    undone.then_it_has(title="One", status="active")


def test_the_undo_of_an_approval_asks_in_the_name_of_its_caller() -> None:
    undoable = replace(decider, decide=decide_undo)
    review = settings(review_types=["task"], reviewer="lead")
    history = Given(undoable, ENTITY).elsewhere("configuration", CONFIGURATION, review)
    approved = QuestionAnswered(verdict="approve", by="ann", at=THEN)
    history = history.past(WorkItemCreated(item_type="task", title="One"), replace(ASKED, by="ann"), approved)

    undone = history.when(Undo(undone=history.command_of(3), streams=(f"work_item-{ENTITY}",)), by="bot", at=NOW)

    assert [type(fact) for fact in undone.facts] == [QuestionAsked]
    undone.then_it_has(question=Question(whom="lead", by="bot", at=NOW_AT, text=ASKED.text, completes=DONE))


IN_REVIEW = {"name": "in_review", "category": "review"}
MOVED = WorkItemStatusChanged(status="in_review", category="review")


def with_a_state() -> Given:
    return demanded(states=[IN_REVIEW]).past(WorkItemCreated(item_type="task", title="One"))


def test_completing_moves_the_item_to_the_state_for_reviews() -> None:
    asked = with_a_state().when(complete(), by="bot", at=NOW)

    asked.then(MOVED, asked_now()).then_it_has(status="in_review", category="review")


def test_a_bulk_and_an_import_move_it_there_too() -> None:
    with_a_state().when(ChangeWorkItems(changes=(complete(),)), by="bot", at=NOW).then(MOVED, asked_now())
    with_a_state().when(source(), by="bot", scope="admin").then_it_has(status="in_review")


def test_completing_again_what_was_taken_out_of_review_moves_it_back() -> None:
    with_a_state().past(ASKED).when(complete(2), by="bot").then(MOVED)


def test_an_approval_in_the_state_for_reviews_completes_it() -> None:
    with_a_state().past(MOVED, ASKED).when(approve(), by="ann", scope="write").then_it_has(status="completed")


def test_a_refusal_and_a_withdrawal_give_it_back_to_its_holder_and_its_state() -> None:
    doing = [IN_REVIEW, {"name": "doing", "category": "active", "on_claim": True}]
    claim = WorkItemClaimed(by="ben", until="2027-01-01T00:00:00.000000Z", token_digest="x", status="doing")
    history = demanded(states=doing).past(
        WorkItemCreated(item_type="task", title="One"), replace(claim, category="active"), MOVED, ASKED
    )
    refuse = AnswerQuestion(id=ENTITY, verdict="refuse", text="no tests")

    history.when(refuse, by="ann", scope="write").then_it_has(status="doing", assignee="ben", question=None)
    history.when(WithdrawQuestion(id=ENTITY), by="bot", scope="write").then_it_has(status="doing", question=None)


def test_the_undo_of_a_request_takes_it_out_of_review() -> None:
    undoable = Given(replace(decider, decide=decide_undo), ENTITY)
    history = undoable.elsewhere("configuration", CONFIGURATION, settings(review_types=["task"], states=[IN_REVIEW]))
    history = history.past(WorkItemCreated(item_type="task", title="One"), WorkItemCompleted(), WorkItemReopened())

    again = history.when(Undo(undone=history.command_of(3), streams=(f"work_item-{ENTITY}",)), by="bot", at=NOW)

    again.then_it_has(status="in_review", category="review")


def test_a_source_that_says_done_is_judged_once_and_asks_again_with_something_newer(tmp_path: Path) -> None:
    with in_memory(tmp_path / "rows.sqlite3", LEDGER, lambda: NOW + timedelta(days=1)) as ledger:
        numbers = count(1)

        def act(command: Command, by: str = "bot") -> tuple[int, WorkItem]:
            recorded = ledger.execute(next(numbers), command, by)
            past = ledger.store.read_streams([f"work_item-{ENTITY}"]).events.get(f"work_item-{ENTITY}", [])
            return len(recorded.positions), states_of(f"work_item-{ENTITY}", past)[-1]

        own = {"review_types": ["task"], "reviewer": "lead", "states": [IN_REVIEW]}
        act(ChangeConfiguration(id=CONFIGURATION, expected=0, fields=own))
        act(source("active"))
        assert act(source(day=21))[1].status == "in_review"
        assert act(source(day=21))[0] == 0
        refused = act(AnswerQuestion(id=ENTITY, verdict="refuse", text="no tests"), by="ann")[1]
        assert (refused.status, refused.assignee) == ("active", "bot")
        assert act(source(day=21))[0] == 0
        assert act(source(day=24))[1].status == "in_review"
        assert act(approve(), by="ann")[1].status == "completed"
        assert act(source(day=24))[0] == 0


def test_a_source_that_says_done_is_held_to_a_later_state_though_another_question_was_answered(tmp_path: Path) -> None:
    with in_memory(tmp_path / "rows.sqlite3", LEDGER, lambda: NOW + timedelta(days=1)) as ledger:
        own = {"states": [{"name": "later", "category": "planned"}]}
        ledger.execute(0, ChangeConfiguration(id=CONFIGURATION, expected=0, fields=own))
        ledger.execute(1, source("active"))
        ledger.execute(2, AskQuestion(id=ENTITY, text="Which colour?", whom="ann"))
        ledger.execute(3, AnswerQuestion(id=ENTITY, verdict="answer", text="red"), "ann")
        ledger.execute(4, UpdateWorkItem(id=ENTITY, expected=3, status="later"))

        ledger.execute(5, source(day=21))

        past = ledger.store.read_streams([f"work_item-{ENTITY}"]).events[f"work_item-{ENTITY}"]
        assert states_of(f"work_item-{ENTITY}", past)[-1].status == "later"


def test_two_that_complete_an_item_while_the_database_is_away_ask_for_one_review(tmp_path: Path) -> None:
    own = {"review_types": ["task"], "states": [{"name": "in_review", "category": "review"}]}
    with in_memory(tmp_path / "rows.sqlite3", LEDGER) as ledger:
        ledger.execute(0, ChangeConfiguration(id=CONFIGURATION, expected=0, fields=own))
        ledger.execute(1, CreateWorkItem(id=ENTITY, item_type="task", title="One"))
        machines = {name: Machine(tmp_path / name, ledger) for name in ("ann", "ben")}
        for number, (name, machine) in enumerate(machines.items(), start=2):
            machine.follow()
            machine.queue(complete(), numbered_command(number), by=name)

        drained = [machine.drain() for machine in machines.values()]

        for machine in machines.values():
            machine.close()
        asked = [event.by for event in ledger.store.read_all() if event.type == "QuestionAsked"]
        assert asked == ["ann"]
        assert [found.outcomes for found in drained] == [{"recorded": 1}, {"fulfilled": 1}]
