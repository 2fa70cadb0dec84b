"""When work is due and may begin, what it belongs to, what it takes and what comes after it: through the operations."""

import pytest

from ledger.errors import Invalid, NotFound, Refused, VersionConflict
from projections.application.app import App
from tests.conftest import Perform
from tests.support.calls import titles_in


def task(perform: Perform, title: str, **fields: object) -> str:
    return str(perform("create_work_item", item_type="task", title=title, **fields)["id"])


@pytest.mark.processes
def test_dates_are_kept_as_they_were_given_and_answer_filters_and_an_order(perform: Perform) -> None:
    task(perform, "late", due="2020-01-31")
    task(perform, "soon", due="2999-01-01T12:00:00+01:00", estimate=90)
    task(perform, "never")
    done = task(perform, "done late", due="2020-01-01")
    perform("update_work_item", id=done, version=1, status="completed")

    soon = perform("list_work_items", order="due", detail=True)["items"][2]
    assert (soon["title"], soon["due"], soon["estimate"]) == ("soon", "2999-01-01T11:00:00.000000Z", 90)
    assert titles_in(perform("list_work_items", order="due")) == ["done late", "late", "soon", "never"]
    assert titles_in(perform("list_work_items", overdue=True)) == ["late"]
    assert titles_in(perform("list_work_items", due_until="2020-01-31", order="due")) == ["done late", "late"]
    assert titles_in(perform("list_work_items", due_until="2020-01-31", unfinished=True)) == ["late"]
    first = perform("list_work_items", order="due", limit=1)
    assert titles_in(perform("list_work_items", order="due", limit=1, cursor=first["next_cursor"])) == ["late"]


@pytest.mark.processes
def test_what_is_below_something_deferred_is_not_ready_either_and_says_until_when(perform: Perform) -> None:
    season = task(perform, "season", not_before="2999-01-01")
    epic = task(perform, "epic", parent_id=season)
    child = task(perform, "child", parent_id=epic)

    why = perform("query_work_item", id=child)["not_ready_because"]
    assert [(each["reason"], each["id"], each["until"]) for each in why] == [
        ("ancestor_deferred", season, "2999-01-01T00:00:00.000000Z")
    ]
    assert "you_hold" not in perform("ready_work", parent_id=season)
    assert titles_in(perform("ready_work")) == []
    assert titles_in(perform("list_work_items", blocked=True, order="created")) == ["child", "epic"]
    assert "ancestor deferred" in perform("prime")["text"]
    with pytest.raises(Refused) as refused:
        perform("claim_work_item", action="claim", id=child)
    assert [each["title"] for each in refused.value.details["items"]] == ["season"]

    perform("update_work_item", id=season, version=1, clear=["not_before"])
    assert titles_in(perform("ready_work")) == ["child"]


def test_what_is_below_something_done_is_ready_and_below_something_dropped_is_not(perform: Perform) -> None:
    perform("update_project_configuration", version=0, states=[{"name": "wont_do", "category": "dropped"}])
    epic = task(perform, "epic")
    child = task(perform, "child", parent_id=epic)
    perform("update_work_item", id=epic, version=1, status="completed", force=True, reason="the rest is for later")
    assert titles_in(perform("ready_work")) == ["child"]

    perform("update_work_item", id=epic, version=2, status="wont_do")

    assert titles_in(perform("ready_work")) == []
    [why] = perform("query_work_item", id=child)["not_ready_because"]
    assert (why["reason"], why["id"], why["status"]) == ("ancestor_status", epic, "wont_do")


@pytest.mark.parametrize(("field", "value"), [("due", "soon"), ("not_before", "2026-02-30"), ("recurrence", "often")])
def test_what_is_no_date_or_rule_is_refused_with_an_example(perform: Perform, field: str, value: str) -> None:
    with pytest.raises(Invalid, match="like") as refused:
        task(perform, "x", **{field: value})

    assert [fault["field"] for fault in refused.value.details["fields"]] == [field]


def test_what_is_deferred_is_not_ready_until_then_and_says_so(perform: Perform) -> None:
    deferred = task(perform, "deferred", not_before="2999-01-01")
    begun = task(perform, "begun", not_before="2020-01-01")

    item = perform("query_work_item", id=deferred)
    assert (item["ready"], item["not_ready_because"][0]["reason"]) == (False, "deferred")
    assert item["not_ready_because"][0]["until"] == "2999-01-01T00:00:00.000000Z"
    assert titles_in(perform("ready_work")) == ["begun"]
    assert titles_in(perform("list_work_items", deferred=True)) == ["deferred"]
    assert titles_in(perform("list_work_items", deferred=False)) == ["begun"]
    assert titles_in(perform("list_work_items", ready=False)) == ["deferred"]
    perform("claim_work_item", action="next")
    assert perform("query_work_item", id=begun)["claim"] is not None
    perform("update_work_item", id=deferred, version=1, clear=["not_before"])
    ready = perform("ready_work")
    assert titles_in(ready) == ["deferred"]
    assert [item["title"] for item in ready["you_hold"]] == ["begun"]


@pytest.mark.processes
def test_a_milestone_shows_how_far_it_is_and_is_never_handed_out(perform: Perform) -> None:
    milestone = perform("create_work_item", item_type="milestone", title="1.0", due="2999-01-01")
    first = task(perform, "first", milestone_id=milestone["ref"], estimate=60)
    task(perform, "second", milestone_id=milestone["id"], estimate=90)
    task(perform, "other", estimate=5)
    dropped = task(perform, "twice the second", milestone_id=milestone["id"], estimate=90)
    perform("update_project_configuration", version=0, states=[{"name": "dropped", "category": "dropped"}])
    perform("update_work_item", id=dropped, version=1, status="dropped", reason="the same as the second")
    perform("update_work_item", id=first, version=1, status="completed")

    shown = perform("query_work_item", id=milestone["id"])
    assert shown["progress"] == {
        "items": 2,
        "finished": 1,
        "by_category": {"active": 1, "done": 1, "dropped": 1},
        "estimate": 150,
        "estimate_left": 90,
    }
    assert shown["not_ready_because"][0]["reason"] == "milestone"
    assert sorted(titles_in(perform("ready_work"))) == ["other", "second"]
    assert sorted(titles_in(perform("list_work_items", milestone_id=milestone["ref"], unfinished=True))) == ["second"]
    with pytest.raises(NotFound):
        task(perform, "nowhere", milestone_id="w-zzzzz")
    with pytest.raises(Invalid, match=r"must be a milestone, and w-.* is a task"):
        perform("list_work_items", milestone_id=first)
    with pytest.raises(Invalid, match="must be a milestone"):
        task(perform, "wrong", milestone_id=first)


def test_effort_adds_up_over_what_is_below_and_needs_no_version(perform: Perform) -> None:
    above = task(perform, "above", estimate=60)
    below = task(perform, "below", parent_id=above, estimate=30)
    perform("log_effort", id=above, minutes=15, note="planning the zebra")
    perform("log_effort", id=below, tokens=120_000, cost=0.1)
    last = perform("log_effort", id=below, minutes=45, cost=0.2, by="ann")

    perform(
        "update_work_item", id=below, version=1, title="renamed"
    )  # what was logged meanwhile stands in no other's way

    effort = perform("query_work_item", id=above, include=["effort"])["effort"]
    assert effort["with_subtree"] == {"items": 2, "estimate": 90, "minutes": 60, "tokens": 120_000, "cost": 0.3}
    assert (effort["minutes"], effort["tokens"], effort["cost"]) == (15, 0, 0)
    entries = perform("query_work_item", id=below, include=["effort"])["effort"]["entries"]
    assert [(entry["by"], entry.get("minutes", 0), entry["cost"]) for entry in entries][-1] == ("ann", 45, 0.2)
    assert titles_in(perform("list_work_items", text="zebra")) == ["above"]
    perform("undo", id=below, version=last["version"])
    assert perform("query_work_item", id=below)["effort"]["minutes"] == 0
    with pytest.raises(Invalid, match="unless tokens or cost is"):
        perform("log_effort", id=below)


def test_the_history_has_costs_as_every_answer_has_them(perform: Perform) -> None:
    made = perform("create_work_item", item_type="task", title="Fence")
    perform("log_effort", id=made["id"], minutes=5, cost=12.5)

    [change] = perform("query_history", id=made["id"])["items"][0]["changes"]
    then = perform("query_history", id=made["id"], as_of="v2")["then"]

    assert {name: change["new"][name] for name in ("minutes", "cost")} == {"minutes": 5, "cost": 12.5}
    assert "cost_micros" not in {**change["new"], **next(iter(then["effort"].values()))}


@pytest.mark.processes
def test_costs_are_in_the_currency_of_the_ledger_beside_every_sum(perform: Perform) -> None:
    above = perform("create_work_item", item_type="project", title="Zoo")["id"]
    below = perform("create_work_item", item_type="task", title="Fence", parent_id=above)["id"]
    perform("log_effort", id=below, minutes=5, cost=0.25)
    perform("log_effort", id=above, minutes=5)
    before = perform("query_work_item", id=below)["effort"]

    perform("update_project_configuration", version=0, settings={"currency": "EUR"})

    assert "currency" not in before
    sums = [
        perform("query_work_item", id=below)["effort"],
        perform("query_work_item", id=above, include=["effort"])["effort"]["with_subtree"],
        perform("work_report"),
        perform("list_work_items", fields=["effort"], parent_id=above)["items"][0]["effort"],
    ]
    assert [sum.get("currency") for sum in sums] == ["EUR"] * 4
    assert "currency" not in perform("query_work_item", id=above)["effort"], "no cost went into the item itself"
    with pytest.raises(Invalid, match="three capital letters, like EUR"):
        perform("update_project_configuration", version=1, settings={"currency": "euros"})
    perform("update_project_configuration", version=1, settings={"currency": None})
    assert "currency" not in perform("work_report")


def test_effort_is_logged_with_other_changes_in_one_call(perform: Perform) -> None:
    answer = perform(
        "bulk_work_items",
        items=[
            {"op": "create", "key": "a", "item_type": "task", "title": "A", "due": "2999-01-01"},
            {"op": "effort", "id": "$a", "minutes": 5, "happened_at": "2020-02-29"},
            {"op": "update", "id": "$a", "status": "completed"},
        ],
    )

    item = perform("query_work_item", id=answer["results"][0]["ref"], include=["effort"])
    assert (item["effort"]["minutes"], item["status"], item["due"]) == (5, "completed", "2999-01-01")
    assert item["effort"]["entries"][0]["at"] == "2020-02-29T00:00:00.000000Z"


@pytest.mark.processes
def test_a_completed_item_that_recurs_answers_the_next_one_and_an_undo_takes_both_back(perform: Perform) -> None:
    made = perform("create_work_item", item_type="task", title="Backup", recurrence="Weekly", due="2999-01-01")

    done = perform("update_work_item", id=made["id"], version=1, status="completed")

    following = perform("query_work_item", id=done["next_item"]["ref"])
    assert (following["title"], following["due"], following["recurrence"]) == ("Backup", "2999-01-08", "every week")
    assert (done["next_item"]["due"], following["recurrence_of"]) == ("2999-01-08", made["id"])
    assert titles_in(perform("list_work_items")) == ["Backup", "Backup"]
    with pytest.raises(VersionConflict):
        perform("update_work_item", id=made["id"], version=1, status="completed")
    assert len(perform("list_work_items")["items"]) == 2
    history = perform("query_history", id=made["id"])["items"][0]
    perform("undo", command=history["command_id"])
    assert [item["status"] for item in perform("list_work_items")["items"]] == ["active"]


def test_what_was_planned_is_seen_as_it_was_and_in_history_and_diff(perform: Perform, app: App) -> None:
    item = task(perform, "T", due="2026-12-01")
    perform("update_work_item", id=item, version=1, due="2026-12-15", recurrence="monthly")

    assert perform("query_work_item", id=item, as_of="1")["due"] == "2026-12-01"
    assert titles_in(perform("list_work_items", as_of="1", due_until="2026-12-01")) == ["T"]
    changes = perform("query_history", id=item)["items"][0]["changes"]
    assert changes == [
        {"field": "due", "old": "2026-12-01", "new": "2026-12-15"},
        {"field": "recurrence", "old": None, "new": "every month"},
    ]
    differing = perform("query_history", id=item, diff_from="v1")
    assert [change["field"] for change in differing["changes"]] == ["due", "recurrence"]
