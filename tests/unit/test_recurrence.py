"""What comes again: when the next one is due, and that there is one of it."""

from datetime import datetime

import pytest

from ledger.aggregates.work_item.commands import CreateWorkItem, UpdateWorkItem
from ledger.aggregates.work_item.decider import decider
from ledger.aggregates.work_item.events import (
    WorkItemCompleted,
    WorkItemCreated,
    WorkItemReopened,
    WorkItemReverted,
    WorkItemStatusChanged,
)
from ledger.aggregates.work_item.rules.recurrence import next_one, rule_of
from ledger.aggregates.work_item.state import WorkItem
from ledger.values.dates import begins, ends, later, moved, planned
from ledger.values.moment import parse
from ledger.values.revision import Change
from tests.support.each import each
from tests.support.given import ENTITY, given, numbered

DONE_AT = parse("2026-11-23T09:00:00Z")  # when things are done in these tests
NEXT = next_one(ENTITY, WorkItem(item_type="task", recurrence="every day"), DONE_AT)
assert NEXT is not None
NEXT_ID = NEXT[0]
MILESTONE = numbered(5)


def created(**more: object) -> WorkItemCreated:
    return WorkItemCreated(**{"item_type": "task", "title": "T"} | more)  # type: ignore[arg-type]


def done(expected: int = 1, **fields: object) -> UpdateWorkItem:
    return UpdateWorkItem(id=ENTITY, expected=expected, status="completed", fields=fields)


@each(
    ("given_text", "kept"),
    [
        ("2026-12-15", "2026-12-15"),
        (" 2026-12-15 ", "2026-12-15"),
        ("2026-12-15T10:00:00+01:00", "2026-12-15T09:00:00.000000Z"),
    ],
)
def test_a_day_stays_a_day_and_a_time_is_kept_in_utc(given_text: str, kept: str) -> None:
    assert planned(given_text) == kept


@each("text", ["", "tomorrow", "2026-13-01", "2026-02-30", "2026-12-15T10:00:00", "15.12.2026"])
def test_what_is_neither_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        planned(text)


def test_what_is_planned_for_a_day_lasts_the_whole_day() -> None:
    assert (begins("2026-12-15"), ends("2026-12-15")) == ("2026-12-15T00:00:00.000000Z", "2026-12-15T23:59:59.999999Z")
    assert begins("2026-12-15T09:00:00.000000Z") == ends("2026-12-15T09:00:00.000000Z")


def test_a_month_later_is_its_last_day_where_there_is_no_such_day() -> None:
    assert later("2026-01-31", "month", 1) == "2026-02-28"
    assert later("2024-02-29", "year", 1) == "2025-02-28"
    assert later("2026-12-15T09:00:00.000000Z", "week", 2) == "2026-12-29T09:00:00.000000Z"
    assert moved("2026-12-10", "2026-12-15", "2027-01-15") == "2027-01-10"


@each("words", ["", "sometimes", "every 0 days", "every -1 day", "every 1000 days", "every fortnight"])
def test_a_rule_that_says_nothing_is_refused(words: str) -> None:
    with pytest.raises(ValueError, match="must be a rule like"):
        rule_of(words)


@each(
    ("rule", "due", "not_before", "expected"),
    [
        ("weekly", "2026-11-20", None, ("2026-11-27", None)),
        ("weekly", "2026-11-20", "2026-11-18", ("2026-11-27", "2026-11-25")),
        ("every day", "2026-11-25", None, ("2026-11-26", None)),  # done before it was due
        ("every day", "2026-10-01", None, ("2026-11-23", None)),  # what has gone by is left out, today is not over
        ("monthly", "2020-01-31", None, ("2026-11-30", None)),
        ("every 2 weeks", "2026-11-20T10:00:00.000000Z", None, ("2026-12-04T10:00:00.000000Z", None)),
        ("every 3 days after completion", "2026-10-01", None, ("2026-11-26", None)),
        ("every 3 days after completion", None, None, (None, "2026-11-26")),
        ("yearly", None, None, (None, "2027-11-23")),
        ("weekly", None, "2026-11-20", (None, "2026-11-27")),
    ],
)
def test_the_next_one_is_due_at_the_first_turn_that_has_not_gone_by(
    rule: str, due: str | None, not_before: str | None, expected: tuple[str | None, str | None]
) -> None:
    item = WorkItem(item_type="task", recurrence=rule, due=due, not_before=not_before)

    following = next_one(ENTITY, item, DONE_AT)

    assert following is not None
    assert (following[1].due, following[1].not_before) == expected


def test_a_completion_makes_the_next_one_with_what_the_item_is_and_not_with_what_was_done_to_it() -> None:
    item = created(
        tags=("a",), priority=2, notes="did it", branch_name="x", due="2026-11-20", recurrence="weekly", estimate=30
    )

    outcome = given(decider).past(item).when(done())

    following = created(
        tags=("a",), priority=2, due="2026-11-27", recurrence="weekly", estimate=30, recurrence_of=ENTITY
    )
    outcome.then(WorkItemCompleted(next_id=NEXT_ID), (NEXT_ID, following))
    outcome.then_it_has(status="completed", next_id=NEXT_ID)


def test_what_is_changed_by_the_same_call_holds_for_the_next_one() -> None:
    outcome = given(decider).past(created(due="2026-11-20")).when(done(recurrence="every day", title="New"))

    changes = {"title": Change("T", "New"), "recurrence": Change(None, "every day")}
    following = created(title="New", due="2026-11-23", recurrence="every day", recurrence_of=ENTITY)
    outcome.then(WorkItemCompleted(next_id=NEXT_ID, also=changes), (NEXT_ID, following))


def test_one_that_was_reopened_and_is_done_again_makes_no_second_one() -> None:
    history = given(decider).past(created(recurrence="weekly"), WorkItemCompleted(next_id=NEXT_ID), WorkItemReopened())

    history.when(done(3)).then(WorkItemCompleted())


def test_one_whose_next_was_taken_back_makes_another() -> None:
    taken_back = WorkItemReverted(
        changes={"status": Change("completed", "active"), "next_id": Change(NEXT_ID, None)}, undoes="x"
    )
    history = given(decider).past(created(recurrence="weekly"), WorkItemCompleted(next_id=NEXT_ID), taken_back)

    outcome = history.when(done(3))

    other = next_one(ENTITY, WorkItem(item_type="task", recurrence="weekly", nexts_made=1), DONE_AT)
    assert other is not None
    assert other[0] != NEXT_ID
    outcome.then_it_has(next_id=other[0])


def test_what_is_dropped_does_not_come_again() -> None:
    history = given(decider).past(created(recurrence="weekly"))
    dropped = WorkItemStatusChanged(status="wont_do", category="dropped")

    given(decider).past(created(recurrence="weekly"), dropped).when(
        UpdateWorkItem(id=ENTITY, expected=2, status="active")
    ).then(WorkItemReopened())
    history.when(UpdateWorkItem(id=ENTITY, expected=1, deleted=True)).then_it_has(next_id=None)


def test_a_milestone_is_another_item_of_that_type() -> None:
    other = created(item_type="milestone")
    history = given(decider).past(created()).past(other, of=MILESTONE).past(created(), of=numbered(6))

    history.when(_belongs(MILESTONE)).then_it_has(milestone_id=MILESTONE)
    history.when(_belongs(numbered(6))).then_invalid("milestone_id")
    given(decider).when(
        CreateWorkItem(id=ENTITY, item_type="milestone", title="M", milestone_id=MILESTONE)
    ).then_invalid("milestone_id")


def test_what_is_due_before_it_may_begin_is_refused() -> None:
    command = CreateWorkItem(id=ENTITY, item_type="task", title="T", due="2026-11-20", not_before="2026-11-21")

    given(decider).when(command).then_invalid("not_before")
    fields = {"due": "2026-11-20"}
    given(decider).past(created(not_before="2026-11-21")).when(
        UpdateWorkItem(id=ENTITY, expected=1, fields=fields)
    ).then_invalid("due")


def test_rules_that_are_ages_behind_are_caught_up_with_at_once() -> None:
    item = WorkItem(item_type="task", recurrence="every day", due="0001-01-01")

    following = next_one(ENTITY, item, datetime.fromisoformat("2026-11-23T09:00:00+00:00"))

    assert following is not None
    assert following[1].due == "2026-11-23"


@each("rule", ["weekly", "every 2 months", "yearly", "every monday"])
def test_what_has_no_turn_left_before_the_year_10000_is_done_and_does_not_come_again(rule: str) -> None:
    outcome = given(decider).past(created(due="9999-12-31", recurrence=rule)).when(done())

    outcome.then(WorkItemCompleted())


def test_the_next_one_is_not_deferred_to_before_the_first_year() -> None:
    rule = "weekly after completion"
    item = WorkItem(item_type="task", recurrence=rule, due="9999-12-31", not_before="2026-11-01")

    following = next_one(ENTITY, item, DONE_AT)

    assert following is not None
    assert (following[1].due, following[1].not_before) == ("2026-11-30", None)


def _belongs(milestone: str) -> UpdateWorkItem:
    return UpdateWorkItem(id=ENTITY, expected=1, fields={"milestone_id": milestone})


@each(
    ("rule", "due", "done_at", "coming"),
    [
        ("every weekday", "2026-11-27", "2026-11-27T09:00:00Z", "2026-11-30"),  # a Friday
        ("weekdays", "2026-11-23", "2026-11-26T09:00:00Z", "2026-11-26"),  # what is still to come today
        ("every monday", "2026-11-30", "2026-11-29T09:00:00Z", "2026-12-07"),
        ("every mon, thu", "2026-11-23", "2026-11-23T09:00:00Z", "2026-11-26"),
        ("mondays and thursdays", "2026-11-26", "2026-11-26T09:00:00Z", "2026-11-30"),
        ("every sunday", "2001-01-07", "2026-11-23T09:00:00Z", "2026-11-29"),  # years behind
        ("every friday after completion", "2026-11-06", "2026-11-23T09:00:00Z", "2026-11-27"),
        ("every friday", "2026-11-20T17:00:00.000000Z", "2026-11-20T18:00:00Z", "2026-11-27T17:00:00.000000Z"),
    ],
)
def test_what_comes_on_days_of_the_week_comes_on_the_next_of_them(
    rule: str, due: str, done_at: str, coming: str
) -> None:
    following = next_one(ENTITY, WorkItem(item_type="task", due=due, recurrence=rule), parse(done_at))

    assert following is not None
    assert following[1].due == coming


def test_without_a_date_what_comes_on_days_of_the_week_is_deferred_until_the_next() -> None:
    following = next_one(ENTITY, WorkItem(item_type="task", recurrence="every friday"), DONE_AT)

    assert following is not None
    assert (following[1].due, following[1].not_before) == (None, "2026-11-27")


@each("words", ["every mon, noday", "every", "weekdays and holidays", "every 0 days", "", "after completion"])
def test_what_names_no_day_of_the_week_is_no_rule(words: str) -> None:
    with pytest.raises(ValueError, match="every weekday"):
        rule_of(words)
