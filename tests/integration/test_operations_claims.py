"""What can be begun, who has begun it, and what is put away: through the operations, on a real PostgreSQL."""

import json
import os
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from ledger.aggregates.work_item.commands import ClaimNextWorkItem
from ledger.errors import CommandIdReused, Invalid, Refused
from ledger.postgres.connection import deadline
from ledger.settings import Settings
from ledger.world import ReadyFilter
from projections.application.app import App
from projections.operations.catalog import OPERATIONS
from projections.questions.work import readiness
from tests.conftest import Perform
from tests.support import claim_process
from tests.support.calls import titles_in
from tests.support.forked import Forked
from tests.support.mcp_client import served

Make = Callable[..., str]

PROCESSES = int(os.environ.get("LEDGER_TEST_PROCESSES", "12"))
OTHER = "another-token"


@pytest.fixture
def task(perform: Perform) -> Make:
    """task("title", ...) -> its id."""
    return lambda title, **fields: perform("create_work_item", item_type="task", title=title, **fields)["id"]


def version(perform: Perform, entity_id: str) -> int:
    return int(perform("query_work_item", id=entity_id)["version"])


def complete(perform: Perform, entity_id: str) -> dict[str, Any]:
    return perform("update_work_item", id=entity_id, version=version(perform, entity_id), status="completed")


def test_ready_work_is_ordered_by_priority_and_then_by_age(perform: Perform, task: Make) -> None:
    for title, priority in (("old", 3), ("urgent", 1), ("new", 3)):
        task(title, priority=priority)

    answer = perform("ready_work")

    assert titles_in(answer) == ["urgent", "old", "new"]
    assert (answer["total_count"], answer["has_more"]) == (3, False)


@pytest.mark.processes
def test_ready_work_is_narrowed_down_to_what_is_below_an_item(perform: Perform, task: Make) -> None:
    epic = task("epic")
    inner = task("inner", parent_id=epic)
    task("deep", parent_id=inner, tags=["now"])
    task("elsewhere", tags=["now"])

    assert titles_in(perform("ready_work", parent_id=epic)) == ["deep"]
    assert titles_in(perform("ready_work", tag="NOW ")) == ["deep", "elsewhere"]


@pytest.mark.processes
def test_the_pages_of_ready_work_together_are_all_of_it(perform: Perform, task: Make) -> None:
    made = {task(f"item {n}", priority=n % 3 + 1) for n in range(7)}

    seen, cursor = [], None
    while True:
        page = perform("ready_work", limit=3, cursor=cursor)
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if not page["has_more"]:
            break

    assert (sorted(seen), page["total_count"]) == (sorted(made), 7)


def test_beyond_what_is_counted_a_list_says_at_least(
    perform: Perform, task: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(4):
        task(f"item {n}")
    monkeypatch.setattr(readiness, "COUNTED", 2)

    page = perform("ready_work", limit=1)

    assert (page["total_count"], page["total_is_at_least"], page["has_more"]) == (None, 2, True)


def test_an_item_says_why_it_is_not_ready(perform: Perform, task: Make) -> None:
    epic, blocker = task("epic"), task("blocker")
    child = task("child", parent_id=epic)
    perform("link_work_items", id=blocker, kind="blocks", to_id=epic)

    assert perform("query_work_item", id=blocker)["ready"] is True
    found = {entity_id: perform("query_work_item", id=entity_id) for entity_id in (epic, child)}

    assert [(why["reason"], why["title"]) for why in found[epic]["not_ready_because"]] == [
        ("blocker", "blocker"),
        ("child", "child"),
    ]
    assert [(why["reason"], why["id"]) for why in found[child]["not_ready_because"]] == [("ancestor_blocker", blocker)]


@pytest.mark.processes
def test_lists_ask_for_what_is_ready_blocked_or_claimed(perform: Perform, task: Make) -> None:
    blocker, waiting, finished = task("blocker"), task("waiting"), task("finished")
    perform("link_work_items", id=waiting, kind="depends_on", to_id=blocker)
    complete(perform, finished)
    perform("claim_work_item", action="claim", id=blocker, token=OTHER, by="ann")

    assert titles_in(perform("list_work_items", blocked=True)) == ["waiting"]
    assert titles_in(perform("list_work_items", blocked=False)) == ["blocker"]
    assert titles_in(perform("list_work_items", ready=True)) == []
    assert titles_in(perform("list_work_items", ready=False, order="created")) == ["waiting", "blocker"]
    assert titles_in(perform("list_work_items", claimed_by="ann")) == ["blocker"]
    assert titles_in(perform("list_work_items", claimed_by="bob")) == []


@pytest.mark.processes
def test_completing_answers_with_what_became_ready_by_it(perform: Perform, task: Make) -> None:
    epic = task("epic")
    first, second = task("first", parent_id=epic), task("second", parent_id=epic)
    below = task("below the second", parent_id=second)
    perform("link_work_items", id=first, kind="blocks", to_id=second)

    assert complete(perform, first)["became_ready"] == [readable(perform, below)]
    assert complete(perform, below)["became_ready"] == [readable(perform, second)]
    assert complete(perform, second)["became_ready"] == [readable(perform, epic)]
    assert "became_ready" not in complete(perform, epic)


def readable(perform: Perform, entity_id: str) -> dict[str, str]:
    """The reference of eight characters, and the title."""
    item = perform("query_work_item", id=entity_id)
    assert item["id"] == entity_id
    return {"ref": item["ref"], "title": item["title"]}


@pytest.mark.processes
def test_the_next_item_is_the_most_important_one_that_is_free(perform: Perform, task: Make) -> None:
    task("second", priority=2)
    task("first", priority=1)

    taken = [perform("claim_work_item", action="next") for _ in range(3)]

    assert [answer.get("title") for answer in taken] == ["first", "second", None]
    receipt = {"outcome", "id", "ref", "version", "position", "command_id"}
    assert taken[0].keys() == receipt | {"title", "why", "until", "token"}
    assert taken[0]["why"].startswith("the most urgent that is ready: priority 1, the oldest of these (created ")
    assert (taken[2]["outcome"], "next_step" in taken[2]) == ("none_left", True)


@pytest.mark.processes
def test_repeating_claim_next_with_its_command_id_answers_the_same_item(perform: Perform, task: Make) -> None:
    task("one")
    task("two")
    command = "0198c0de-0000-7000-8000-000000000002"

    first = perform("claim_work_item", action="next", command_id=command)

    assert perform("claim_work_item", action="next", command_id=command) == first | {"repeated": True}
    with pytest.raises(CommandIdReused):
        perform("claim_work_item", action="next", command_id=command, token=OTHER)


def test_a_claim_is_shown_without_its_token(perform: Perform, task: Make) -> None:
    entity_id = task("mine")
    taken = perform("claim_work_item", action="claim", id=entity_id, by="ann")

    shown = perform("query_work_item", id=entity_id)

    assert shown["claim"] == {"by": "ann", "until": taken["until"]}
    assert taken["token"] not in json.dumps(shown)


@pytest.mark.processes
def test_two_of_the_same_name_are_told_apart_by_their_tokens(settings: Settings, perform: Perform, task: Make) -> None:
    entity_id = task("contested")
    perform("claim_work_item", action="claim", id=entity_id)
    twin = App(replace(settings, token=OTHER))

    for action in ("claim", "renew", "release"):
        with pytest.raises(Refused) as refused:
            OPERATIONS["claim_work_item"].perform(twin, {"action": action, "id": entity_id})
        assert (refused.value.details["rule"], refused.value.details["items"][0]["id"]) == ("claimed", entity_id)
    twin.close()


@pytest.mark.processes
def test_a_claim_belongs_to_its_name_in_the_next_process_too(settings: Settings, perform: Perform, task: Make) -> None:
    kept, given_back = task("kept"), task("given back")
    perform("claim_work_item", action="claim", id=kept, by="ann")
    perform("claim_work_item", action="claim", id=given_back)
    later = App(settings)

    released = OPERATIONS["claim_work_item"].perform(later, {"action": "release", "id": given_back})
    completing = {"id": kept, "version": 2, "status": "completed"}
    with pytest.raises(Refused) as refused:
        OPERATIONS["update_work_item"].perform(later, completing)
    completed = OPERATIONS["update_work_item"].perform(later, completing | {"by": "ann"})
    later.close()

    assert (released["outcome"], completed["outcome"]) == ("committed", "committed")
    assert refused.value.details["by"] == "ann"


@pytest.mark.processes
def test_an_assistant_completes_after_a_restart_what_it_has_claimed(settings: Settings, task: Make) -> None:
    item = task("begun")
    unnamed = replace(settings, by=None)
    with served(unnamed, name="claude") as before:
        before.call("claim_work_item", action="claim", id=item)
    with served(unnamed, name="other") as another:
        refusal = another.refusal("update_work_item", id=item, version=2, title="Mine now")
    with served(unnamed, name="claude") as after:
        held = after.call("ready_work")["you_hold"]
        completed = after.call("update_work_item", id=item, version=2, status="completed")

    assert (refusal["details"]["rule"], refusal["details"]["by"]) == ("claimed", "claude")
    assert [entry["title"] for entry in held] == ["begun"]
    assert completed["outcome"] == "committed"


@pytest.mark.processes
def test_what_one_holds_stands_apart_from_what_is_ready(perform: Perform, task: Make) -> None:
    mine, theirs, free, later = task("mine"), task("theirs"), task("free"), task("later")
    perform("claim_work_item", action="claim", id=mine)
    perform("claim_work_item", action="claim", id=theirs, by="ann")

    answer = perform("ready_work")

    assert [item["id"] for item in answer["items"]] == [free, later]
    assert [item["title"] for item in answer["you_hold"]] == ["mine"]
    assert "you_hold" not in perform("ready_work", cursor=perform("ready_work", limit=1)["next_cursor"])


def test_what_another_holds_is_not_renamed_in_a_bulk(perform: Perform, task: Make) -> None:
    theirs = task("theirs")
    perform("claim_work_item", action="claim", id=theirs, by="ann")
    renaming = {"op": "update", "id": theirs, "version": 2, "title": "Mine"}

    with pytest.raises(Refused) as refused:
        perform("bulk_work_items", items=[renaming])
    perform("bulk_work_items", items=[renaming | {"force": True, "reason": "a typo"}])

    assert "ann" in str(refused.value.details)
    assert perform("query_work_item", id=theirs)["title"] == "Mine"


@pytest.mark.processes
def test_a_claim_is_renewed_and_released_with_its_token_from_anywhere(perform: Perform, task: Make) -> None:
    entity_id = task("carried over")
    first = perform("claim_work_item", action="claim", id=entity_id, token=OTHER, minutes=10)

    renewed = perform("claim_work_item", action="renew", id=entity_id, token=OTHER, minutes=60)
    released = perform("claim_work_item", action="release", id=entity_id, token=OTHER)

    assert renewed["until"] > first["until"]
    assert "until" not in released
    assert perform("claim_work_item", action="next")["id"] == entity_id


def test_a_length_is_refused_where_a_claim_is_given_back_and_the_claim_stays(perform: Perform, task: Make) -> None:
    entity_id = task("held")
    perform("claim_work_item", action="claim", id=entity_id)

    with pytest.raises(Invalid) as refused:
        perform("claim_work_item", action="release", id=entity_id, minutes=30)

    assert [problem["field"] for problem in refused.value.details["fields"]] == ["minutes"]
    assert [item["title"] for item in perform("ready_work")["you_hold"]] == ["held"]


@pytest.mark.processes
def test_what_another_holds_is_completed_with_its_token_or_by_force(perform: Perform, task: Make) -> None:
    entity_id = task("theirs")
    taken = perform("claim_work_item", action="claim", id=entity_id, token=OTHER)
    asked = {"id": entity_id, "version": taken["version"], "status": "completed"}

    with pytest.raises(Refused) as refused:
        perform("update_work_item", **asked)
    done = perform("update_work_item", **asked, token=OTHER, detail=True)

    assert refused.value.details["rule"] == "claimed"
    assert (done["status"], done["claim"]) == ("completed", None)


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"action": "claim"}, "id"),
        ({"action": "next", "id": "w-7k3qd"}, "id"),
        ({"action": "claim", "id": "w-7k3qd", "filter": {"tag": "x"}}, "filter"),
        ({"action": "next", "filter": {"tagg": "x"}}, "filter.tagg"),
        ({"action": "renew", "id": "w-7k3qd", "tag": "x"}, "tag"),
        ({"action": "next", "token": "short"}, "token"),
        ({"action": "next", "minutes": 0}, "minutes"),
    ],
)
def test_arguments_that_do_not_go_together_are_refused(perform: Perform, arguments: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        perform("claim_work_item", **arguments)

    assert [fault["field"] for fault in refused.value.details["fields"]] == [field]


@pytest.mark.processes
def test_processes_of_one_name_get_different_items_or_none(settings: Settings, perform: Perform, task: Make) -> None:
    made = {task(f"item {n}", priority=n % 5 + 1) for n in range(PROCESSES - 5)}
    words = (str(settings.project), str(settings.dsn), str(settings.home))
    started = [
        Forked(*words, env=os.environ, cwd=settings.project, program=claim_process.main, stdin=subprocess.PIPE)
        for _ in range(PROCESSES)
    ]
    try:
        for process in started:
            assert process.stdout is not None and process.stdout.readline() == b"ready\n"
        for process in started:
            assert process.stdin is not None
            process.stdin.write(b"\n")
            process.stdin.flush()
        answers = [json.loads(process.stdout.read()) for process in started if process.stdout is not None]
    finally:
        for process in started:
            process.close()

    taken = [answer["id"] for answer in answers if answer["outcome"] == "committed"]
    assert (len(taken), set(taken)) == (len(made), made)
    assert sum(answer["outcome"] == "none_left" for answer in answers) == 5


def test_what_is_read_of_a_claim_once_it_is_recorded_may_take_the_time_of_a_question(app: App, task: Make) -> None:
    task("item")

    with deadline.at_most(60):
        app.live_view().record(ClaimNextWorkItem(token=OTHER, wanted=ReadyFilter()))
        left = deadline.left()

    assert left is None


def test_a_refused_claim_is_not_offered_the_item_itself(perform: Perform, task: Make) -> None:
    wanted, other = task("wanted", priority=1), task("other", priority=2)
    perform("claim_work_item", action="claim", id=wanted, by="agent-1")

    with pytest.raises(Refused) as refused:
        perform("claim_work_item", action="claim", id=wanted, token=OTHER, by="agent-2")

    assert [item["title"] for item in refused.value.details["free"]] == ["other"]
    assert other


def test_a_refused_claim_offers_what_else_is_free(perform: Perform, task: Make) -> None:
    wanted, other = task("wanted", priority=1), task("other", priority=2)
    perform("claim_work_item", action="claim", id=wanted, token=OTHER, by="ann")

    with pytest.raises(Refused) as refused:
        perform("claim_work_item", action="claim", id=wanted)

    ref = perform("query_work_item", id=other)["ref"]
    assert refused.value.details["free"] == [{"ref": ref, "title": "other", "priority": 2}]
    assert ref in refused.value.next_step


def test_a_refused_claim_says_why_nothing_else_is_ready(perform: Perform, task: Make) -> None:
    wanted, license_item, stuck = task("wanted", priority=1), task("license", priority=2), task("stuck")
    perform("claim_work_item", action="claim", id=wanted, token=OTHER, by="ann")
    perform("question", action="ask", id=license_item, whom="lead", text="May we?")
    perform("update_work_item", id=stuck, version=1, status="blocked", reason="no key")
    refs = [perform("query_work_item", id=item)["ref"] for item in (license_item, stuck)]

    with pytest.raises(Refused) as refused:
        perform("claim_work_item", action="claim", id=wanted)

    because = f"nothing else is ready, because {refs[0]} license waits for lead; {refs[1]} stuck is blocked: no key"
    assert refused.value.next_step.endswith(because)
    assert "another" not in refused.value.next_step
    assert refused.value.details["free"] == []


def test_a_refused_claim_of_the_only_item_offers_no_other(perform: Perform, task: Make) -> None:
    wanted = task("wanted")
    perform("claim_work_item", action="claim", id=wanted, token=OTHER, by="ann")

    with pytest.raises(Refused) as refused:
        perform("claim_work_item", action="claim", id=wanted)

    assert refused.value.next_step.endswith("; nothing else is ready")


def test_what_the_claimer_holds_already_is_not_offered_as_free(perform: Perform, task: Make) -> None:
    held, wanted = task("held", priority=1), task("wanted")
    perform("claim_work_item", action="claim", id=wanted, token=OTHER, by="ann")
    perform("claim_work_item", action="claim", id=held)

    with pytest.raises(Refused) as refused:
        perform("claim_work_item", action="claim", id=wanted)

    assert refused.value.details["free"] == []
    assert "held is claimed by tester until" in refused.value.next_step


@pytest.mark.processes
def test_next_and_the_ready_work_say_what_the_rest_waits_for_when_none_is_left(perform: Perform, task: Make) -> None:
    nothing = perform("claim_work_item", action="next")
    blocker, below, later = task("blocker", tags=["b"]), task("below"), task("later", not_before="2999-01-01")
    perform("link_work_items", id=blocker, kind="blocks", to_id=below)
    perform("claim_work_item", action="claim", id=blocker, token=OTHER, by="ann")

    answer = perform("claim_work_item", action="next")
    filtered = perform("claim_work_item", action="next", filter={"tag": "b"})

    why = {line["title"]: line["why"] for line in answer["waiting"]}
    ref = perform("query_work_item", id=blocker)["ref"]
    assert (answer["outcome"], nothing["outcome"]) == ("none_left", "none_left")
    assert nothing["next_step"].startswith("nothing is ready; list_work_items")
    assert why["blocker"].startswith("is claimed by ann until ")
    assert (why["below"], why["later"]) == (f"waits for {ref} blocker", "is deferred until 2999-01-01 00:00 UTC")
    assert f"{ref} blocker is claimed by ann" in answer["next_step"]
    assert [line["title"] for line in filtered["waiting"]] == ["blocker"]
    listed = perform("ready_work")
    assert (listed["items"], listed["waiting"], listed["next_step"]) == ([], answer["waiting"], answer["next_step"])
    assert perform("ready_work", tag="b")["waiting"] == filtered["waiting"]
    assert later


@pytest.mark.processes
def test_every_write_that_sets_something_free_answers_what(perform: Perform, task: Make) -> None:
    first, second = task("first"), task("second")
    perform("link_work_items", id=first, kind="blocks", to_id=second)
    freed, itself = [readable(perform, second)], [readable(perform, first)]

    done = {"op": "update", "id": first, "version": version(perform, first), "status": "completed"}
    in_bulk = perform("bulk_work_items", items=[done])
    perform("undo", command=in_bulk["command_id"])
    unlinked = perform("link_work_items", id=first, kind="blocks", to_id=second, remove=True)
    perform("question", id=first, action="ask", whom="ann", text="?")
    answered = perform("question", id=first, action="answer", verdict="approve", by="ann")
    perform("claim_work_item", action="claim", id=first)
    released = perform("claim_work_item", action="release", id=first)
    deleted = perform("update_work_item", id=first, version=version(perform, first), deleted=True)
    undone = perform("undo", command=deleted["command_id"])
    renamed = perform("update_work_item", id=first, version=version(perform, first), title="other")

    assert in_bulk["became_ready"] == freed
    assert unlinked["became_ready"] == freed
    assert [one["became_ready"] for one in (answered, released, undone)] == [itself] * 3
    assert "became_ready" not in deleted | renamed


@pytest.mark.processes
def test_a_repeated_completion_answers_what_became_ready_again(perform: Perform, task: Make) -> None:
    first, second = task("first"), task("second")
    perform("link_work_items", id=first, kind="blocks", to_id=second)
    given = {"id": first, "version": version(perform, first), "status": "completed"}
    given["command_id"] = "5f0c9b1e-3d1c-4a52-9f58-0c6d2f1f8a77"

    perform("update_work_item", **given)
    again = perform("update_work_item", **given)

    assert (again["repeated"], again["became_ready"]) == (True, [readable(perform, second)])


def test_a_duplicate_that_is_still_handed_out_says_so_and_how_to_end_it(perform: Perform, task: Make) -> None:
    first, again, third = task("first"), task("again"), task("third")

    linked = perform("link_work_items", id=again, kind="duplicates", to_id=first)
    perform("update_project_configuration", version=0, states=[{"name": "wont_do", "category": "dropped"}])
    link = {"op": "link", "id": third, "kind": "duplicates", "to_id": first}
    in_bulk = perform("bulk_work_items", items=[link])
    perform("update_work_item", id=again, version=version(perform, again), status="wont_do")
    ended = perform("link_work_items", id=again, kind="duplicates", to_id=third)

    assert linked["next_step"] == f"{readable(perform, again)['ref']} can still be begun: set status dropped"
    assert in_bulk["next_step"] == f"{readable(perform, third)['ref']} can still be begun: set status wont_do"
    assert "next_step" not in ended
