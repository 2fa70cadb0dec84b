"""Where work went, from the log: effort by person, time in each state, who completed it, at a time and since one."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from ledger.aggregates.configuration.commands import ChangeConfiguration
from ledger.aggregates.decider import Undo
from ledger.aggregates.work_item.commands import (
    AnswerQuestion,
    AskQuestion,
    ClaimWorkItem,
    CreateWorkItem,
    UpdateWorkItem,
)
from ledger.annotation.commands import LogEffort
from ledger.envelope import stream_id
from projections.questions.log.work_report import Scope, work_report
from tests.support.given import CONFIGURATION, LEDGER, numbered
from tests.support.ledgers import FIRST_DAY, Ledger, in_memory, numbered_command

ONE, TWO, MILESTONE = numbered(1), numbered(2), numbered(3)
STATES = [
    {"name": "todo", "category": "planned"},
    {"name": "doing", "category": "active", "on_claim": True},
    {"name": "in_review", "category": "review"},
]


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """Commands are at the minute of their number: ONE is begun at 10, in review at 40, done at 100; TWO waits."""
    with in_memory(tmp_path / "rows.sqlite3", LEDGER) as ledger:
        own = {"states": STATES, "review_types": ["task"], "reviewer": "lead"}
        ledger.execute(0, ChangeConfiguration(id=CONFIGURATION, expected=0, fields=own))
        ledger.execute(1, CreateWorkItem(id=MILESTONE, item_type="milestone", title="Beta"))
        ledger.execute(2, CreateWorkItem(id=ONE, item_type="task", title="One", milestone_id=MILESTONE))
        ledger.execute(3, CreateWorkItem(id=TWO, item_type="task", title="Two", assignee="cyd"))
        ledger.execute(10, ClaimWorkItem(id=ONE, token="t", minutes=600), "bot")
        ledger.execute(20, effort(ONE, "a", minutes=25, tokens=7), "bot")
        ledger.execute(21, effort(ONE, "b", minutes=5, cost_micros=250_000), "ann")
        ledger.execute(22, effort(TWO, "c", minutes=9), "ann")
        ledger.execute(40, UpdateWorkItem(id=ONE, expected=2, status="completed", force=True, reason="so"), "bot")
        ledger.execute(100, AnswerQuestion(id=ONE, verdict="approve"), "ann")
        yield ledger


def effort(item: str, entry: str, **spent: int) -> LogEffort:
    return LogEffort(category="work_item", id=item, entry_id=entry, **spent)


def asked(ledger: Ledger, until: int = 123, since: int | None = None, **scope: Any) -> Any:
    begins = None if since is None else FIRST_DAY + timedelta(minutes=since)
    wanted = Scope(until=FIRST_DAY + timedelta(minutes=until), since=begins, **scope)
    with ledger.tables.snapshot() as snapshot:
        return work_report(ledger.store, snapshot, wanted, 20)


def by(answer: Any, name: str, key: str, *fields: str) -> dict[str, Any]:
    return {entry[key]: tuple(entry[field] for field in fields) for entry in answer[name]}


def test_effort_is_summed_by_person_and_who_had_it_in_hand_completed_it(ledger: Ledger) -> None:
    people = by(asked(ledger), "people", "person", "minutes", "tokens", "cost", "completed", "items")

    assert people == {"bot": (25, 7, 0, 1, 1), "ann": (14, 0, 0.25, 0, 2), "cyd": (0, 0, 0, 0, 1)}


def test_the_time_in_each_state_runs_until_it_is_left_and_of_what_is_done_no_more(ledger: Ledger) -> None:
    answer = asked(ledger)

    assert by(answer, "items", "title", "minutes_in") == {
        "One": ({"in_review": 60, "doing": 30, "todo": 8},),
        "Two": ({"todo": 120},),
        "Beta": ({"todo": 122},),
    }
    assert by(answer, "states", "state", "minutes", "items", "now") == {
        "todo": (8 + 120 + 122, 3, 2),
        "doing": (30, 1, 0),
        "in_review": (60, 1, 0),
        "completed": (0, 0, 1),
    }


def test_of_one_person_only_what_is_theirs_is_reported(ledger: Ledger) -> None:
    answer = asked(ledger, person="bot")

    assert list(by(answer, "people", "person")) == ["bot"]
    assert by(answer, "items", "title", "minutes") == {"One": (25,)}


def test_what_was_completed_what_is_late_and_what_waits_is_said_where_there_is_some(ledger: Ledger) -> None:
    quiet = asked(ledger, person="cyd")
    ledger.execute(110, UpdateWorkItem(id=TWO, expected=1, fields={"due": "2020-01-01"}))
    ledger.execute(111, AskQuestion(id=TWO, whom="lead", text="Which?"), "cyd")
    ledger.execute(112, UpdateWorkItem(id=MILESTONE, expected=1, status="blocked", reason="no date"))

    answer = asked(ledger)

    assert not {"completed", "overdue", "waiting"} & quiet.keys()
    assert by(answer, "completed", "title", "by") == {"One": ("bot",)}
    assert by(answer, "overdue", "title", "due", "who") == {"Two": ("2020-01-01", "cyd")}
    [first, second] = answer["waiting"]
    assert (first["title"], first["whom"], first["by"], first["question"]) == ("Two", "lead", "cyd", "Which?")
    assert (second["title"], second["reason"]) == ("Beta", "no date")
    assert [line["title"] for line in asked(ledger, person="lead")["waiting"]] == ["Two"]
    assert "completed" not in asked(ledger, since=101)
    assert "overdue" not in asked(ledger, items=frozenset([MILESTONE]))


def test_since_a_time_only_what_was_after_it_counts(ledger: Ledger) -> None:
    answer = asked(ledger, since=30)

    assert by(answer, "people", "person", "minutes", "completed")["bot"] == (0, 1)
    assert by(answer, "items", "title", "minutes_in")["One"] == ({"in_review": 60, "doing": 10},)


def test_of_a_milestone_what_belongs_to_it_is_meant(ledger: Ledger) -> None:
    assert set(by(asked(ledger, items=frozenset([MILESTONE])), "items", "title")) == {"One", "Beta"}


def test_what_was_taken_back_is_not_counted(ledger: Ledger) -> None:
    ledger.execute(110, Undo(undone=str(numbered_command(20)), streams=(stream_id("work_item", ONE),)), "bot")
    ledger.execute(111, UpdateWorkItem(id=TWO, expected=2, deleted=True), "ann")

    answer = asked(ledger)

    assert by(answer, "people", "person", "minutes") == {"bot": (0,), "ann": (5,)}
    assert set(by(answer, "items", "title")) == {"One", "Beta"}
    assert isinstance(answer["items"][0]["id"], str) and UUID(answer["items"][0]["id"])
