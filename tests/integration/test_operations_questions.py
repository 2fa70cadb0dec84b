"""Items that wait for a person or a role, through the operations."""

from typing import Any

import pytest

from ledger.errors import Invalid, Refused
from tests.conftest import Perform
from tests.support.long_cases import long_cases


def create(perform: Perform, title: str = "Ship") -> dict[str, Any]:
    return perform("create_work_item", item_type="task", title=title)


def ask(perform: Perform, item: dict[str, Any], **more: Any) -> dict[str, Any]:
    return perform("question", id=item["ref"], action="ask", whom="ann", text="Ship it?", **more)


@pytest.mark.processes
def test_what_waits_is_not_ready_and_says_for_whom(perform: Perform) -> None:
    item = create(perform)
    ask(perform, item)

    shown = perform("query_work_item", id=item["id"])
    [listed] = perform("list_work_items", blocked=True)["items"]

    assert perform("ready_work")["items"] == []
    assert [(why["reason"], why["by"]) for why in shown["not_ready_because"]] == [("waiting", "ann")]
    assert (listed["question"]["whom"], listed["question"]["text"]) == ("ann", "Ship it?")
    with pytest.raises(Refused):
        perform("claim_work_item", action="claim", id=item["id"])


def test_the_answer_sets_it_free_and_stays_with_it(perform: Perform) -> None:
    item = create(perform)
    ask(perform, item, choices=["now", "later"], by="bot")

    perform("question", id=item["id"], action="answer", choice="later", text="after the fair", by="ann")

    shown = perform("query_work_item", id=item["id"])
    assert [ready["id"] for ready in perform("ready_work")["items"]] == [item["id"]]
    assert (shown["question"], shown["answer"]["choice"], shown["answer"]["by"]) == (None, "later", "ann")


@pytest.mark.processes
def test_a_refusal_leaves_it_with_its_holder(perform: Perform) -> None:
    item = create(perform)
    perform("claim_work_item", action="claim", id=item["id"])
    ask(perform, item)

    perform("question", id=item["id"], action="answer", verdict="refuse", text="no tests", by="ann")

    shown = perform("query_work_item", id=item["id"])
    assert shown["claim"] is not None
    assert (shown["answer"]["verdict"], shown["answer"]["text"]) == ("refuse", "no tests")


@pytest.mark.processes
def test_a_question_is_as_it_was_and_its_undo_takes_it_back(perform: Perform) -> None:
    item = create(perform)
    asked = ask(perform, item)
    perform("question", id=item["id"], action="answer", verdict="approve", by="ann")

    then = perform("query_work_item", id=item["id"], as_of=str(asked["position"]))
    perform("undo", id=item["id"], version="3")
    again = perform("query_work_item", id=item["id"])

    assert then["question"]["whom"] == again["question"]["whom"] == "ann"
    assert again["answer"] is None


@pytest.mark.parametrize(
    ("given", "fields"),
    [
        ({"action": "ask"}, ["whom", "text"]),
        ({"action": "ask", "whom": "ann", "text": "x", "verdict": "approve"}, ["verdict"]),
        ({"action": "ask", "whom": "ann", "text": "x", "choices": ["a", "a"]}, ["choices"]),
        ({"action": "answer", "whom": "ann", "text": "x"}, ["whom"]),
        ({"action": "withdraw", "text": "x", "verdict": "approve", "choice": "a"}, ["verdict", "choice"]),
    ],
)
def test_what_is_missing_or_does_not_belong_is_named(perform: Perform, given: Any, fields: list[str]) -> None:
    item = create(perform)

    with pytest.raises(Invalid) as refused:
        perform("question", id=item["id"], **given)

    assert [fault["field"] for fault in refused.value.details["fields"]] == fields


def test_roles_are_settings(perform: Perform) -> None:
    perform("update_project_configuration", version=0, settings={"roles": {"lead": ["ann", "ben"]}})
    perform("update_project_configuration", version=1, settings={"roles": {"qa": ["cyd"], "lead": None}})

    assert {
        role: list(people) for role, people in perform("get_project_configuration")["settings"]["roles"].items()
    } == {"qa": ["cyd"]}


@pytest.mark.processes
def test_completing_an_item_of_a_reviewed_type_asks_for_its_review(perform: Perform) -> None:
    perform("update_project_configuration", version=0, settings={"review_types": ["task"], "reviewer": "ann"})
    item = create(perform)

    asked = perform("update_work_item", id=item["id"], version=1, status="completed", by="bot")
    waiting = perform("query_work_item", id=item["id"])
    after = create(perform, "After it")
    perform("link_work_items", id=after["id"], kind="depends_on", to_id=item["id"])
    said = perform("question", id=item["id"], action="answer", verdict="approve", by="ann")

    assert (said["status"], [freed["title"] for freed in said["became_ready"]]) == ("completed", ["After it"])
    assert (asked["outcome"], asked["waits_for"]) == ("committed", "ann")
    assert (waiting["status"], waiting["question"]["text"]) == ("active", "May it be completed?")
    assert perform("query_work_item", id=item["id"])["status"] == "completed"


@pytest.mark.processes
def test_a_bulk_says_whose_review_each_item_waits_for(perform: Perform) -> None:
    perform("update_project_configuration", version=0, settings={"review_types": ["task"], "reviewer": "ann"})
    task, other = create(perform), perform("create_work_item", item_type="research", title="Why")
    done = [{"op": "update", "id": item["id"], "version": 1, "status": "completed"} for item in (task, other)]

    results = perform("bulk_work_items", items=done)["results"]

    assert [result.get("waits_for") for result in results] == ["ann", None]
    assert [item["kind"] for item in perform("needs_me", by="ann")["items"]] == ["review"]
    assert [item["kind"] for item in perform("needs_me", by="bot")["items"]] == []


@pytest.mark.processes
def test_what_is_completed_waits_in_the_state_for_reviews_until_it_is_judged(perform: Perform) -> None:
    states = [{"name": "doing", "category": "active", "on_claim": True}, {"name": "in_review", "category": "review"}]
    settings = {"review_types": ["task"], "reviewer": "ann"}
    perform("update_project_configuration", version=0, settings=settings, states=states)
    item = create(perform)
    perform("claim_work_item", action="claim", id=item["id"], by="bot")

    asked = perform("update_work_item", id=item["id"], version=2, status="completed", by="bot")
    listed = perform("list_work_items", status="in_review")["items"]
    primed = perform("prime", by="cyd")["text"]
    said = perform("question", id=item["id"], action="answer", verdict="refuse", text="no tests", by="ann")
    back = perform("query_work_item", id=item["id"])
    perform(
        "bulk_work_items", items=[{"op": "update", "id": item["id"], "version": back["version"], "status": "completed"}]
    )
    perform("question", id=item["id"], action="answer", verdict="approve", by="ann")

    assert (asked["waits_for"], [found["id"] for found in listed]) == ("ann", [item["id"]])
    assert "in review by ann" in primed
    assert (said["status"], said["holder"]) == ("doing", "bot")
    assert (back["status"], back["assignee"]) == ("doing", "bot")
    assert perform("query_work_item", id=item["id"])["status"] == "completed"


def test_a_type_that_does_not_exist_needs_no_review(perform: Perform) -> None:
    with pytest.raises(Invalid) as refused:
        perform("update_project_configuration", version=0, settings={"review_types": ["tsk"]})

    assert [fault["field"] for fault in refused.value.details["fields"]] == ["settings.review_types.0"]


@pytest.mark.processes
def test_what_is_refused_in_review_goes_back_to_who_held_it_with_the_reason(perform: Perform) -> None:
    states = [
        {"name": "in_progress", "category": "active", "on_claim": True},
        {"name": "in_review", "category": "review"},
    ]
    perform("update_project_configuration", version=0, states=states)
    item = create(perform)
    perform("claim_work_item", action="claim", id=item["id"], by="bot")
    perform("update_work_item", id=item["id"], version=2, status="in_review", by="bot")
    ask(perform, item, by="bot")

    said = perform("question", id=item["id"], action="answer", verdict="refuse", text="stack traces are cut", by="ann")

    shown = perform("query_work_item", id=item["id"])
    assert (shown["status"], shown["category"], shown["assignee"]) == ("in_progress", "active", "bot")
    assert (said["status"], said["holder"]) == ("in_progress", "bot")
    [entry] = perform("needs_me", by="bot")["items"]
    assert (entry["kind"], entry["by"], entry["reason"]) == ("refused", "ann", "stack traces are cut")
    assert perform("needs_me", by="ann")["items"] == []
    assert "id" not in perform("claim_work_item", action="next", by="cyd")
    assert perform("claim_work_item", action="next", by="bot")["id"] == item["id"]
    assert "ann refused: stack traces are cut" in perform("prime", by="bot")["text"]
    assert [found["id"] for found in perform("list_work_items", text="stack traces")["items"]] == [item["id"]]


@long_cases("assignee", [None, "cyd"])
def test_what_was_never_held_goes_back_to_its_assignee_or_to_who_asked(perform: Perform, assignee: str | None) -> None:
    perform("update_project_configuration", version=0, states=[{"name": "in_review", "category": "review"}])
    item = create(perform)
    perform("update_work_item", id=item["id"], version=1, status="in_review", assignee=assignee, by="bot")
    ask(perform, item, by="bot")

    answered = perform("question", id=item["id"], action="answer", verdict="refuse", text="no", by="ann")
    shown = perform("query_work_item", id=item["id"])
    perform("undo", id=item["id"], version=str(shown["version"]))

    assert (shown["status"], shown["assignee"]) == ("active", assignee or "bot")
    assert answered["outcome"] == "committed"
    again = perform("query_work_item", id=item["id"])
    assert (again["status"], again["assignee"], again["question"]["text"]) == ("in_review", assignee, "Ship it?")


@pytest.mark.processes
def test_what_was_refused_leaves_the_list_when_it_is_asked_again_or_finished(perform: Perform) -> None:
    item, other = create(perform), create(perform, "Other")
    for each in (item, other):
        ask(perform, each, by="bot")
        perform("question", id=each["id"], action="answer", verdict="refuse", text="no", by="ann")
    assert [entry["kind"] for entry in perform("needs_me", by="bot")["items"]] == ["refused", "refused"]

    ask(perform, item, by="bot")
    perform("update_work_item", id=other["id"], version=3, status="completed", by="bot")

    assert perform("needs_me", by="bot")["items"] == []


@pytest.mark.parametrize("word", ["Which", "cheaper", "sandstone"])
def test_what_was_asked_and_answered_is_found_by_its_words(perform: Perform, word: str) -> None:
    item = create(perform)
    text = {"text": "Which stone?", "choices": ["the cheaper", "the other"]}
    perform("question", id=item["id"], action="ask", whom="ann", **text)
    perform("question", id=item["id"], action="answer", choice="the cheaper", text="sandstone lasts", by="ann")

    assert [found["id"] for found in perform("list_work_items", text=word)["items"]] == [item["id"]]


@pytest.mark.processes
def test_asking_says_whether_the_one_who_is_asked_is_known(perform: Perform) -> None:
    perform("update_project_configuration", version=0, settings={"roles": {"lead": ["kim"]}, "reviewer": "rex"})
    perform("create_work_item", item_type="task", title="Of ann", assignee="ann")
    item = perform("create_work_item", item_type="task", title="Ship", by="bob")
    asked = {}
    for whom in ("lead", "kim", "rex", "ann", "bob", "administrator", "leed"):
        asked[whom] = perform("question", id=item["id"], action="ask", whom=whom, text="Ship it?")
        perform("question", id=item["id"], action="withdraw")

    assert [whom for whom, answer in asked.items() if not answer["whom_is_known"]] == ["leed"]
    assert asked["leed"]["next_step"].startswith("no person or role is known by the name leed yet")
    assert "next_step" not in asked["kim"]


def test_choices_that_repeat_a_verdict_are_said_to_be_needless(perform: Perform) -> None:
    asked = ask(perform, create(perform), choices=["Approve", "later"])

    assert "choices need not repeat Approve" in asked["next_step"]
