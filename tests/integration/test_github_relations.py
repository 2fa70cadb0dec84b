"""Sub-issues and dependencies of a repository and of a ledger, kept the same both ways."""

# ruff: noqa: F811  (the fixtures are those of the test of everything else)

from collections.abc import Callable
from typing import Any

import pytest

from projections.application.app import App
from projections.transfer.github import exchange
from projections.transfer.github.rules.filters import filter_of
from tests.conftest import Perform
from tests.integration.test_github_sync import Sync, change, item, sync  # noqa: F401
from tests.support.github_api import CUT, OWNER, Fault, GithubApi

Item = Callable[[int], dict[str, Any]]


@pytest.fixture
def block(perform: Perform, item: Item) -> Callable[..., Any]:
    """block(1, 2): item 1 blocks item 2."""
    return lambda one, other, **more: perform(
        "link_work_items", id=item(one)["id"], kind="blocks", to_id=item(other)["id"], **more
    )


def blocked_by(item: Item, number: int) -> set[str]:
    found = item(number)["links"]
    return {link["to_id"] for link in found if link["kind"] == "blocks"}


def assert_quiet(sync: Sync, github: GithubApi, app: App, **terms: Any) -> None:
    head, writes = app.store.read_streams([]).head, github.writes()

    report = sync(**terms)

    assert (github.writes(), app.store.read_streams([]).head, report["events"]) == (writes, head, 0)


@pytest.mark.processes
def test_sub_issues_and_dependencies_are_taken_with_the_issues(
    sync: Sync, github: GithubApi, item: Item, app: App
) -> None:
    parent, child, later = (github.open_issue(title) for title in ("Parent", "Child", "Later"))
    github.set_parent(child, parent)
    github.blocks = {(child, later)}

    report = sync()

    assert item(child)["parent_id"] == item(parent)["id"]
    assert blocked_by(item, child) == {item(later)["id"]}
    assert (report["conflicts"], report["findings"], github.writes()) == ([], [], 0)
    assert_quiet(sync, github, app, full=True)


@pytest.mark.processes
def test_a_known_issue_below_a_new_one_is_below_it_here(
    sync: Sync, github: GithubApi, item: Item, perform: Perform, app: App
) -> None:
    perform("create_work_item", item_type="task", title="Child")
    sync()
    [child] = github.issues
    parent = github.open_issue("Parent")
    github.set_parent(child, parent)
    foreseen = sync(full=True, dry_run=True)

    report = sync(full=True)

    assert item(child)["parent_id"] == item(parent)["id"]
    assert (report["conflicts"], report["findings"], github.parents) == ([], [], {child: parent})
    assert foreseen["pulled"] == report["pulled"] == {"created": 1, "changed": 1}
    assert_quiet(sync, github, app, full=True)


@pytest.mark.processes
def test_an_issue_that_comes_into_the_filter_brings_its_relations_with_it(
    sync: Sync, github: GithubApi, item: Item, app: App
) -> None:
    only = filter_of(["label=bug"])
    parent, blocked = github.open_issue("Parent"), github.open_issue("Blocked")
    child, blocker = github.open_issue("Child", labels=["bug"]), github.open_issue("Blocker", labels=["bug"])
    github.set_parent(child, parent)
    github.blocks = {(blocker, blocked)}
    sync(only=only)
    for number in (parent, blocked):
        github.edit(number, labels=["bug"])
    foreseen = sync(only=only, dry_run=True)

    report = sync(only=only)

    assert item(child)["parent_id"] == item(parent)["id"]
    assert blocked_by(item, blocker) == {item(blocked)["id"]}
    assert (foreseen["pulled"]["created"], report["pulled"]) == (2, {"created": 2, "changed": 2})
    assert (report["conflicts"], report["findings"], github.writes()) == ([], [], 0)
    assert_quiet(sync, github, app, only=only)
    assert_quiet(sync, github, app, only=only, full=True)


@pytest.mark.processes
def test_a_tree_made_here_is_a_tree_there(sync: Sync, github: GithubApi, perform: Perform, app: App) -> None:
    blocker = perform("create_work_item", item_type="task", title="Blocker")["id"]
    parent = perform("create_work_item", item_type="project", title="Parent")["id"]
    child = perform("create_work_item", item_type="task", title="Child", parent_id=parent)["id"]
    perform("link_work_items", id=blocker, kind="blocks", to_id=child)

    report = sync()

    numbers = {issue["title"]: number for number, issue in github.issues.items()}
    assert github.parents == {numbers["Child"]: numbers["Parent"]}
    assert github.blocks == {(numbers["Blocker"], numbers["Child"])}
    assert (report["findings"], len(github.issues)) == ([], 3)
    assert_quiet(sync, github, app, full=True)


@pytest.mark.processes
def test_what_changes_on_one_side_goes_to_the_other(
    sync: Sync, github: GithubApi, item: Item, change: Any, block: Any, app: App
) -> None:
    one, two, three, four = (github.open_issue(title) for title in ("One", "Two", "Three", "Four"))
    github.parents = {three: one}
    github.blocks = {(one, four)}
    sync()
    change(three, parent_id=item(two)["id"])
    block(one, four, remove=True)
    block(two, four)
    github.set_parent(four, one)

    sync(full=True)

    assert github.parents == {three: two, four: one}
    assert github.blocks == {(two, four)}
    assert item(four)["parent_id"] == item(one)["id"]
    change(three, clear=["parent_id"])
    github.set_parent(four, None)
    github.blocks = {(three, one)}
    sync(full=True)
    assert (github.parents, item(four)["parent_id"]) == ({}, None)
    assert (blocked_by(item, two), blocked_by(item, three)) == (set(), {item(one)["id"]})
    assert_quiet(sync, github, app, full=True)


@pytest.mark.processes
def test_a_parent_that_both_changed_is_a_conflict_and_holds_up_nothing(
    sync: Sync, github: GithubApi, item: Item, change: Any, perform: Perform, app: App
) -> None:
    one, two, child = (github.open_issue(title) for title in ("One", "Two", "Child"))
    sync()
    change(child, parent_id=item(one)["id"], title="Renamed")
    github.set_parent(child, two)

    [ref] = sync()["conflicts"]

    assert (github.parents, github.issues[child]["title"]) == ({child: two}, "Renamed")
    [conflict] = perform("sync_state")["items"]
    assert (conflict["met"][0]["field"], conflict["met"][0]["mine"]) == ("parent_id", item(two)["id"])
    perform("resolve_conflict", id=ref, version=1, choice="mine")
    assert sync()["conflicts"] == []
    assert item(child)["parent_id"] == item(two)["id"]
    assert_quiet(sync, github, app, full=True)


@pytest.mark.processes
def test_what_github_refuses_is_named_and_holds_up_nothing(
    sync: Sync, github: GithubApi, item: Item, change: Any, block: Any
) -> None:
    one, two, three = (github.open_issue(title) for title in ("One", "Two", "Three"))
    sync()
    github.most_sub_issues, github.most_dependencies = 0, 0
    change(two, parent_id=item(one)["id"], title="Renamed")
    block(one, three)

    report = sync()

    [found] = report["findings"]
    assert (found["kind"], found["count"], github.issues[two]["title"]) == ("declined_there", 2, "Renamed")
    assert "more than 100 sub-issues" in found["where"][1]
    github.most_sub_issues, github.most_dependencies = 100, 50
    sync(full=True)
    assert (github.parents, github.blocks) == ({two: one}, {(one, three)})


@pytest.mark.processes
def test_what_would_wait_for_itself_here_is_named_and_holds_up_nothing(
    sync: Sync, github: GithubApi, item: Item, block: Any
) -> None:
    one, two, three = (github.open_issue(title) for title in ("One", "Two", "Three"))
    sync()
    block(one, two)
    sync()
    github.set_parent(two, one)  # GitHub takes both; here a child that waits for its parent would wait for ever
    github.set_parent(three, one)

    report = sync(full=True)

    assert [(found["kind"], found["count"]) for found in report["findings"]] == [("cycle_here", 1)]
    assert (item(two)["parent_id"], item(three)["parent_id"]) == (None, item(one)["id"])
    assert sync()["findings"] == report["findings"], "it is named until it is mended"
    github.set_parent(two, None)
    assert sync()["findings"] == []


@pytest.mark.processes
def test_a_lost_answer_to_a_relation_is_looked_for(
    sync: Sync, github: GithubApi, item: Item, change: Any, block: Any, app: App
) -> None:
    one, two = github.open_issue("One"), github.open_issue("Two")
    sync()
    change(two, parent_id=item(one)["id"])
    lost = iter([Fault(CUT, carried_out=True)])
    github.faults = lambda method, path: next(lost, None) if path.endswith("sub_issues") else None
    sync()
    change(two, clear=["parent_id"])
    taken = iter([Fault(502, carried_out=True)])
    github.faults = lambda method, path: next(taken, None) if path.endswith("sub_issue") else None

    report = sync()

    assert (github.parents, report["findings"]) == ({}, [])
    assert_quiet(sync, github, app, full=True)


@pytest.mark.processes
def test_relations_alone_are_found_by_a_sweep_that_costs_nothing(
    sync: Sync, github: GithubApi, item: Item, monkeypatch: pytest.MonkeyPatch, app: App
) -> None:
    one, two = github.open_issue("One"), github.open_issue("Two")
    sync()
    monkeypatch.setattr(exchange, "SWEEP_AFTER", 0.0)
    sync()
    github.requests.clear()
    sync()
    assert [status for _, _, status in github.requests] == [200, 304, 304, 304, 304]
    github.set_parent(two, one)

    sync()

    assert item(two)["parent_id"] == item(one)["id"]


@pytest.mark.processes
def test_what_is_no_issue_is_left_as_it_is_on_its_side(
    sync: Sync, github: GithubApi, item: Item, change: Any, perform: Perform, app: App
) -> None:
    number, other = github.open_issue("One"), github.open_issue("Two")
    sync()
    beta = perform("create_work_item", item_type="milestone", title="Beta")["id"]
    change(number, parent_id=beta)

    report = sync(full=True)

    assert (item(number)["parent_id"], github.parents, report["findings"]) == (beta, {}, [])
    github.set_parent(number, other)
    assert len(sync(full=True)["conflicts"]) == 1, "both sides gave it another parent"


def test_an_interface_without_sub_issues_changes_no_tree(
    sync: Sync, github: GithubApi, item: Item, change: Any, app: App
) -> None:
    github.has_relations = False
    one, two = github.open_issue("One"), github.open_issue("Two")
    sync()
    change(two, parent_id=item(one)["id"])

    report = sync(full=True)

    assert (item(two)["parent_id"], report["findings"], github.writes()) == (item(one)["id"], [], 0)
    assert github.issues[one]["html_url"].startswith(f"https://github.com/{OWNER}")
