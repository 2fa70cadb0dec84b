"""The configuration through the operations, on a real PostgreSQL."""

import subprocess
from pathlib import Path

import pytest

from ledger.envelope import configuration_id
from ledger.errors import Invalid, NotFound, VersionConflict
from projections.application.app import App
from tests.conftest import Perform


def git(folder: Path, *arguments: str) -> str:
    identified = ["-c", "user.name=Tester", "-c", "user.email=tester@example.org", "-c", "commit.gpgsign=false"]
    answer = subprocess.run(["git", *identified, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return answer.stdout.strip()


@pytest.fixture
def repository(app: App) -> Path:
    """The project as a git repository on the branch `001-first`, with one commit."""
    project = app.identity.project
    git(project, "init", "--initial-branch", "001-first")
    git(project, "commit", "--allow-empty", "--message", "First")
    return project


def test_the_configuration_is_there_from_the_start_at_version_0(perform: Perform, app: App) -> None:
    configuration = perform("get_project_configuration")

    assert configuration["id"] == configuration_id(app.identity.ledger)
    assert configuration["ref"].startswith("g-")
    assert (configuration["version"], configuration["active_context_type"]) == (0, "feature")
    assert configuration["default_token_budget"] == 200_000
    assert configuration["settings"] == {
        "depth_limit": 5,
        "archive_days": 365,
        "lease_minutes": 30,
        "write_status_file": False,
        "only_asked_answer": False,
        "roles": {},
        "review_types": [],
        "reviewer": None,
        "currency": None,
    }
    stamps = ("created_at", "created_by", "updated_at", "updated_by")
    assert {configuration[name] for name in ("current_session_id", "git_branch", "git_head_commit", *stamps)} == {None}


def test_health_says_what_answers_and_up_to_where(perform: Perform) -> None:
    made = perform("create_work_item", item_type="task", title="One")

    health = perform("get_project_configuration")["health"]

    assert (health["source"], health["database"], health["position"]) == ("postgres", "given", made["position"])
    assert health["server_version"]
    assert health["last_recorded_at"] <= health["as_of"]
    assert health["checked_ms"] >= 0
    assert (health["queued"], health["conflicts"]) == (0, 0)
    assert health["journal"] <= health["position"]


def test_the_first_change_makes_version_1_and_leaves_the_rest_as_it_was(perform: Perform) -> None:
    receipt = perform(
        "update_project_configuration",
        version=0,
        active_context_type="research",
        settings={"lease_minutes": 45},
    )

    configuration = perform("get_project_configuration")
    assert (receipt["version"], configuration["version"], configuration["created_by"]) == (1, 1, "tester")
    assert (configuration["active_context_type"], configuration["default_token_budget"]) == ("research", 200_000)
    assert configuration["settings"] == {
        "depth_limit": 5,
        "archive_days": 365,
        "lease_minutes": 45,
        "write_status_file": False,
        "only_asked_answer": False,
        "roles": {},
        "review_types": [],
        "reviewer": None,
        "currency": None,
    }


def test_of_two_first_writers_the_second_is_refused(perform: Perform) -> None:
    perform("update_project_configuration", version=0, default_token_budget=100_000)

    with pytest.raises(VersionConflict) as refused:
        perform("update_project_configuration", version=0, default_token_budget=300_000)

    assert (refused.value.details["expected"], refused.value.details["actual"]) == (0, 1)
    assert perform("get_project_configuration")["default_token_budget"] == 100_000


def test_the_session_is_named_by_reference_and_cleared_by_null(perform: Perform) -> None:
    session = perform(
        "create_work_item",
        item_type="session",
        title="Monday",
        metadata={"token_budget": 1000, "prompts_count": 0, "yaml_frontmatter": {"schema_version": "1.0"}},
    )

    first = perform("update_project_configuration", version=0, current_session_id=session["ref"], detail=True)
    then = perform("update_project_configuration", version=1, current_session_id=None, detail=True)

    assert first["current_session_id"] == session["id"]
    assert first["current_session"] == {"id": session["id"], "ref": session["ref"], "title": "Monday"}
    assert then["current_session_id"] is None


def test_a_session_that_does_not_exist_is_not_found(perform: Perform) -> None:
    with pytest.raises(NotFound):
        perform("update_project_configuration", version=0, current_session_id="w-00000")


def test_all_faults_of_a_configuration_are_named_at_once(perform: Perform) -> None:
    with pytest.raises(Invalid) as refused:
        perform(
            "update_project_configuration",
            version=-1,
            active_context_type="party",
            default_token_budget=999,
            git_head_commit="HEAD",
            settings={"depth": 3},
            theme="dark",
        )

    assert {fault["field"] for fault in refused.value.details["fields"]} == {
        "version",
        "active_context_type",
        "default_token_budget",
        "git_head_commit",
        "settings.depth",
        "theme",
    }


def test_a_setting_of_the_wrong_kind_is_refused(perform: Perform) -> None:
    for settings in ({"lease_minutes": True}, {"write_status_file": 2}, {"archive_days": 0}):
        with pytest.raises(Invalid):
            perform("update_project_configuration", version=0, settings=settings)


def test_branch_and_head_are_taken_from_git(perform: Perform, repository: Path) -> None:
    changed = perform("update_project_configuration", version=0, from_git=True, detail=True)

    assert changed["git_branch"] == "001-first"
    assert changed["git_head_commit"] == git(repository, "rev-parse", "HEAD")


def test_a_detached_head_has_no_branch(perform: Perform, repository: Path) -> None:
    perform("update_project_configuration", version=0, from_git=True)
    git(repository, "checkout", "--detach")

    changed = perform("update_project_configuration", version=1, from_git=True, detail=True)

    assert (changed["git_branch"], changed["git_head_commit"]) == (None, git(repository, "rev-parse", "HEAD"))


def test_a_repository_before_its_first_commit_has_no_head(perform: Perform, app: App) -> None:
    git(app.identity.project, "init", "--initial-branch", "main")

    changed = perform("update_project_configuration", version=0, from_git=True, detail=True)

    assert (changed["git_branch"], changed["git_head_commit"]) == ("main", None)


def test_without_a_repository_there_is_nothing_to_take(perform: Perform) -> None:
    with pytest.raises(Invalid) as refused:
        perform("update_project_configuration", version=0, from_git=True)

    assert [fault["field"] for fault in refused.value.details["fields"]] == ["from_git"]


def test_a_branch_given_and_to_be_taken_from_git_is_refused(perform: Perform, repository: Path) -> None:
    with pytest.raises(Invalid) as refused:
        perform("update_project_configuration", version=0, from_git=True, git_branch="main")

    assert [fault["field"] for fault in refused.value.details["fields"]] == ["git_branch"]


STATES = [
    {"name": "backlog", "category": "planned"},
    {"name": "in_progress", "category": "active", "on_claim": True},
    {"name": "In Review", "category": "review"},
    {"name": "wont_do", "category": "dropped"},
]


@pytest.mark.processes
def test_states_of_the_ledgers_own_are_listed_in_their_order_and_work_through_every_operation(perform: Perform) -> None:
    perform("update_project_configuration", version=0, states=STATES)
    made = perform("create_work_item", item_type="task", title="One")
    perform("create_work_item", item_type="task", title="Two")

    perform("update_work_item", id=made["id"], version=1, status="in-review")

    names = [state["name"] for state in perform("get_project_configuration")["states"]]
    assert names == ["backlog", "active", "in_progress", "blocked", "In Review", "completed", "wont_do"]
    item = perform("query_work_item", id=made["id"])
    assert (item["status"], item["category"], item["ready"]) == ("In Review", "review", False)
    assert item["not_ready_because"][0] | {"category": "review", "reason": "status"} == item["not_ready_because"][0]
    listed = perform("list_work_items", status="IN REVIEW")["items"]
    assert [(one["title"], one["status"], one["category"]) for one in listed] == [("One", "In Review", "review")]
    assert [one["title"] for one in perform("list_work_items", category="review")["items"]] == ["One"]
    assert [one["title"] for one in perform("list_work_items", blocked=True)["items"]] == ["One"]
    assert [one["title"] for one in perform("ready_work")["items"]] == ["Two"]
    assert [one["status"] for one in perform("list_work_items", category="planned")["items"]] == ["backlog"]


@pytest.mark.processes
def test_every_new_item_begins_in_the_first_planned_state(perform: Perform) -> None:
    before = perform("create_work_item", item_type="task", title="Before")
    perform("update_project_configuration", version=0, states=STATES)

    made = perform("create_work_item", item_type="task", title="One")
    created = [{"op": "create", "item_type": "task", "title": "Two", "parent_id": made["id"]}]
    perform("bulk_work_items", items=created)
    third = perform("create_work_item", item_type="task", title="Three", recurrence="weekly")
    following = perform("update_work_item", id=third["id"], version=1, status="completed")["next_item"]

    planned = perform("list_work_items", category="planned", status="backlog")["items"]
    assert sorted(one["title"] for one in planned) == ["One", "Three", "Two"]
    assert following["ref"] in [one["ref"] for one in planned]
    assert perform("query_work_item", id=before["id"])["status"] == "active"
    ready = [one["title"] for one in perform("ready_work")["items"]]
    assert sorted(ready) == ["Before", "Two"]  # One waits for its part, the next of Three for its day


@pytest.mark.processes
def test_a_claim_moves_and_gives_back_and_what_becomes_ready_by_a_dropped_item_is_reported(perform: Perform) -> None:
    perform("update_project_configuration", version=0, states=STATES)
    blocker = perform("create_work_item", item_type="task", title="Blocker")
    waiting = perform("create_work_item", item_type="task", title="Waiting")
    perform("link_work_items", id=blocker["id"], kind="blocks", to_id=waiting["id"])

    perform("claim_work_item", action="claim", id=blocker["id"])
    claimed = perform("query_work_item", id=blocker["id"])
    perform("claim_work_item", action="release", id=blocker["id"])
    released = perform("query_work_item", id=blocker["id"])
    dropped = perform("update_work_item", id=blocker["id"], version=released["version"], status="wont_do")

    assert (claimed["status"], claimed["category"], claimed["ready"]) == ("in_progress", "active", True)
    assert (released["status"], released["category"]) == ("backlog", "planned")
    assert dropped["became_ready"] == [{"ref": waiting["ref"], "title": "Waiting"}]


@pytest.mark.processes
def test_what_another_has_in_hand_is_handed_out_only_when_it_is_asked_for(perform: Perform) -> None:
    perform("update_project_configuration", version=0, states=STATES)
    made = perform("create_work_item", item_type="task", title="One", assignee="bob")
    assert [one["title"] for one in perform("ready_work")["items"]] == ["One"]  # the original word says nothing of it

    perform("update_work_item", id=made["id"], version=1, status="in_progress")

    assert perform("ready_work")["items"] == []
    assert perform("claim_work_item", action="next")["outcome"] == "none_left"
    assert perform("query_work_item", id=made["id"])["not_ready_because"][0]["reason"] == "assigned"
    assert [one["title"] for one in perform("ready_work", assignee="bob")["items"]] == ["One"]
    assert perform("claim_work_item", action="next", by="bob")["title"] == "One"


def test_items_in_a_state_that_is_removed_are_named_and_stay_as_they_are(perform: Perform) -> None:
    perform("update_project_configuration", version=0, states=STATES)
    made = perform("create_work_item", item_type="task", title="One")
    perform("update_work_item", id=made["id"], version=1, status="In Review")

    removed = perform("update_project_configuration", version=1, states=STATES[:1])

    ref = perform("query_work_item", id=made["id"])["ref"]
    named = [{"state": "In Review", "category": "review", "items": 1, "examples": [{"ref": ref, "title": "One"}]}]
    assert removed["items_in_other_states"] == named
    assert perform("get_project_configuration")["items_in_other_states"] == named
    assert [one["title"] for one in perform("list_work_items", status="in_review")["items"]] == ["One"]
    with pytest.raises(Invalid, match="is not a state"):
        perform(
            "update_work_item",
            id=perform("create_work_item", item_type="task", title="Two")["id"],
            version=1,
            status="in_review",
        )
    perform("update_work_item", id=made["id"], version=2, status="backlog")
    assert "items_in_other_states" not in perform("get_project_configuration")


def test_a_filter_by_a_word_that_nothing_has_is_refused_with_those_there_are(perform: Perform) -> None:
    with pytest.raises(Invalid, match="is no state") as refused:
        perform("list_work_items", status="nowhere")

    assert refused.value.details["fields"][0]["allowed"] == ["active", "blocked", "completed", "dropped"]


def test_a_change_of_the_states_is_an_event_that_can_be_undone(perform: Perform) -> None:
    changed = perform("update_project_configuration", version=0, states=STATES)

    entry = perform("query_history", id=changed["ref"])["items"][0]
    perform("undo", command=entry["command_id"])

    assert [change["field"] for change in entry["changes"]] == ["states"]
    named = [state["name"] for state in perform("get_project_configuration")["states"]]
    assert named == ["active", "blocked", "completed", "dropped"]


@pytest.mark.processes
def test_work_is_dropped_on_the_first_day_without_a_state_for_it(perform: Perform) -> None:
    """One by one and in a bulk; it is found by the word, ends what waited for it, and can be taken up again."""
    first = perform("create_work_item", item_type="task", title="One")
    second = perform("create_work_item", item_type="task", title="Two")
    perform("link_work_items", id=first["id"], kind="blocks", to_id=second["id"])

    dropped = perform("update_work_item", id=first["id"], version=2, status="dropped", reason="no customer asks for it")
    update = {"op": "update", "id": second["id"], "version": 1, "status": "Dropped"}
    perform("bulk_work_items", items=[update])

    assert dropped["became_ready"] == [{"ref": second["ref"], "title": "Two"}]
    found = perform("list_work_items", status="dropped")["items"]
    assert {(one["title"], one["status"], one["category"]) for one in found} == {
        (title, "dropped", "dropped") for title in ("One", "Two")
    }
    assert perform("list_work_items", unfinished=True)["items"] == []
    assert "items_in_other_states" not in perform("get_project_configuration")
    perform("update_work_item", id=first["id"], version=3, status="active")
    assert [one["title"] for one in perform("ready_work")["items"]] == ["One"]
