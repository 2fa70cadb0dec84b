"""A ledger and a repository of GitHub, kept the same both ways: against a repository of the test's own on loopback."""

import json
import time
from collections.abc import Callable
from datetime import timedelta
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from ledger.errors import Forbidden, Invalid, NotFound, Unavailable
from ledger.settings import Settings
from projections.application.app import App
from projections.transfer.file_import import ImportRequest
from projections.transfer.github.interface import api as client
from projections.transfer.github.interface.last_run import file_of
from projections.transfer.github.rules.filters import filter_of
from projections.transfer.github.run import Report, Synchronisation
from projections.transfer.github.terms import Terms
from tests.conftest import Perform
from tests.support.command_line import run
from tests.support.github_api import CUT, OWNER, Fault, GithubApi
from tests.support.long_cases import long_cases

Sync = Callable[..., Report]


@pytest.fixture
def sync(app: App, github: GithubApi) -> Sync:
    """sync(pull=False, ...) -> the report; no wait takes time."""

    def run(**terms: Any) -> Report:
        wanted = Synchronisation(repository=OWNER, url=github.url, terms=Terms(**terms))
        return wanted.run(app, sleep=lambda _: None)

    return run


@pytest.fixture
def item(app: App, perform: Perform) -> Callable[[int], dict[str, Any]]:
    """item(7) -> the work item that is issue 7."""
    return lambda number: perform("query_work_item", id=f"{OWNER}#{number}")


@pytest.fixture
def change(perform: Perform, item: Any) -> Callable[..., Any]:
    """change(7, title=...) changes the work item that is issue 7."""

    def run(number: int, **fields: Any) -> Any:
        found = item(number)
        return perform("update_work_item", id=found["id"], version=found["version"], **fields)

    return run


@pytest.mark.processes
def test_an_issue_becomes_an_item_with_all_that_it_says(sync: Sync, github: GithubApi, item: Any) -> None:
    number = github.open_issue("Broken", "It fails", labels=["Bug"], assignees=["bob"])
    github.comment(number, "Since when?", by="ann")

    report = sync(push=False)

    found = item(number)
    assert (found["title"], found["description"], found["tags"]) == ("Broken", "It fails", ["bug"])
    assert (found["assignee"], found["status"], found["created_by"]) == ("bob", "active", "ann")
    assert [(comment["by"], comment["text"]) for comment in found["comments"]] == [("ann", "Since when?")]
    assert (report["pulled"], github.writes()) == ({"created": 1, "changed": 0}, 0)


@pytest.mark.processes
def test_what_changes_there_changes_here(sync: Sync, github: GithubApi, item: Any) -> None:
    number = github.open_issue("Broken", labels=["bug"])
    sync(push=False)
    github.edit(number, title="Broken again", state="closed", state_reason="not_planned", labels=["bug", "late"])
    github.comment(number, "Never mind")

    report = sync(push=False)

    found = item(number)
    assert (found["title"], found["category"], found["tags"]) == ("Broken again", "dropped", ["bug", "late"])
    assert [comment["text"] for comment in found["comments"]] == ["Never mind"]
    assert report["pulled"] == {"created": 0, "changed": 1}


@pytest.mark.processes
def test_a_second_run_writes_nothing_and_hears_that_nothing_changed(sync: Sync, github: GithubApi, app: App) -> None:
    for title in ("One", "Two"):
        github.comment(github.open_issue(title), "Yes")
    sync(push=False)
    head = app.store.read_streams([]).head
    github.requests.clear()

    report = sync(push=False)

    assert (report["events"], app.store.read_streams([]).head) == (0, head)
    assert [status for _, _, status in github.requests] == [200, 304, 304, 304]


@pytest.mark.processes
def test_what_changes_here_changes_there_and_is_no_change_at_the_next_run(
    sync: Sync, github: GithubApi, item: Any, perform: Perform, app: App
) -> None:
    number = github.open_issue("Broken", "Why", labels=["Late"])
    sync()
    found = item(number)
    perform(
        "update_work_item",
        id=found["id"],
        version=found["version"],
        status="completed",
        title="Mended",
        tags=["late", "bug"],
        assignee="bob",
    )
    perform("comment", id=found["id"], text="Done")

    report = sync()

    issue = github.issues[number]
    assert (issue["title"], issue["state"], issue["state_reason"]) == ("Mended", "closed", "completed")
    assert [label["name"] for label in issue["labels"]] == ["Late", "bug"]
    assert [person["login"] for person in issue["assignees"]] == ["bob"]
    assert [comment["body"].split("\n\n")[1] for comment in github.of_issue(number)] == ["Done"]
    assert (report["pushed"], report["conflicts"]) == ({"created": 0, "changed": 1}, [])
    assert len(item(number)["comments"]) == 1
    _assert_quiet(sync, github, app)


@pytest.mark.processes
def test_a_new_item_becomes_an_issue_once(sync: Sync, github: GithubApi, perform: Perform, item: Any, app: App) -> None:
    made = perform("create_work_item", item_type="task", title="Paint", description="Blue", tags=["house"])
    perform("update_work_item", id=made["id"], version=1, status="completed")

    report = sync()

    [issue] = github.issues.values()
    assert (issue["title"], issue["state"], report["pushed"]["created"]) == ("Paint", "closed", 1)
    assert issue["body"].startswith("Blue\n\n<!-- tracking-ledger: ")
    assert (item(1)["id"], item(1)["description"]) == (made["id"], "Blue")
    _assert_quiet(sync, github, app)


@pytest.mark.processes
def test_a_lost_answer_makes_no_second_issue_and_no_second_comment(
    sync: Sync, github: GithubApi, perform: Perform, app: App
) -> None:
    made = perform("create_work_item", item_type="task", title="Paint")
    perform("comment", id=made["id"], text="Blue")
    lost = {"POST"}
    github.faults = lambda method, path: (
        Fault(CUT, carried_out=True) if method in lost and sum(m == "POST" for m, _, _ in github.requests) < 1 else None
    )

    sync()

    assert [issue["title"] for issue in github.issues.values()] == ["Paint"]
    assert len(github.comments) == 1
    _assert_quiet(sync, github, app)


@pytest.mark.processes
def test_an_issue_whose_making_was_not_recorded_is_found_by_its_mark(
    sync: Sync, github: GithubApi, perform: Perform, app: App
) -> None:
    perform("create_work_item", item_type="task", title="Paint")
    github.faults = lambda method, path: Fault(CUT, carried_out=True) if github.issues or method == "POST" else None
    with pytest.raises(Unavailable):
        sync()
    github.faults = lambda method, path: None

    report = sync()

    assert ([issue["title"] for issue in github.issues.values()], report["pushed"]["created"]) == (["Paint"], 0)
    _assert_quiet(sync, github, app)


@pytest.mark.processes
def test_a_field_that_both_changed_is_a_conflict_that_all_machines_see(
    sync: Sync, github: GithubApi, perform: Perform, item: Any, change: Any, app: App
) -> None:
    number = github.open_issue("Broken")
    sync()
    change(number, title="Ours")
    github.edit(number, title="Theirs", body="New")

    report = sync()

    [conflict] = perform("sync_state")["items"]
    assert ([conflict["ref"]], conflict["met"][0]["mine"], conflict["met"][0]["now"]) == (
        report["conflicts"],
        "Theirs",
        "Ours",
    )
    assert (item(number)["title"], github.issues[number]["title"], item(number)["description"]) == (
        "Ours",
        "Theirs",
        "New",
    )
    assert (sync()["conflicts"], perform("sync_state")["conflicts"]) == (report["conflicts"], 1)


@pytest.mark.processes
@pytest.mark.parametrize(("choice", "title"), [("mine", "Theirs"), ("theirs", "Ours")])
def test_a_decided_conflict_ends_on_both_sides(
    sync: Sync, github: GithubApi, perform: Perform, item: Any, change: Any, app: App, choice: str, title: str
) -> None:
    number = github.open_issue("Broken")
    sync()
    change(number, title="Ours")
    github.edit(number, title="Theirs")
    [ref] = sync()["conflicts"]

    perform("resolve_conflict", id=ref, version=1, choice=choice)
    report = sync()

    assert (item(number)["title"], github.issues[number]["title"], report["conflicts"]) == (title, title, [])
    _assert_quiet(sync, github, app)


@pytest.mark.processes
def test_what_became_ready_is_said_of_what_was_taken_and_of_what_was_decided(
    sync: Sync, github: GithubApi, perform: Perform, item: Any, change: Any
) -> None:
    first, second = github.open_issue("First"), github.open_issue("Second")
    sync()
    waiting = [perform("create_work_item", item_type="task", title=f"After {number}") for number in (first, second)]
    for number, after in zip((first, second), waiting, strict=True):
        perform("link_work_items", id=item(number)["id"], kind="blocks", to_id=after["id"])
    assert "became_ready" not in sync()
    for number in (first, second):
        github.edit(number, state="closed", state_reason="completed")

    taken = sync()
    change(second, status="active")
    github.edit(second, state="closed", state_reason="not_planned")
    [ref] = sync()["conflicts"]
    decided = perform("resolve_conflict", id=ref, version=1, choice="mine")

    said = [{"ref": after["ref"], "title": f"After {number}"} for number, after in enumerate(waiting, first)]
    assert (sorted(taken["became_ready"], key=itemgetter("title")), decided["became_ready"]) == (said, said[1:])


@pytest.mark.processes
@pytest.mark.parametrize(("policy", "title"), [("github", "Theirs"), ("ledger", "Ours")])
def test_a_policy_decides_what_both_changed(
    sync: Sync, github: GithubApi, perform: Perform, item: Any, change: Any, app: App, policy: str, title: str
) -> None:
    number = github.open_issue("Broken")
    sync()
    change(number, title="Ours")
    github.edit(number, title="Theirs")

    report = sync(policy=policy)

    assert (item(number)["title"], github.issues[number]["title"], report["conflicts"]) == (title, title, [])


@pytest.mark.processes
def test_closing_there_completes_what_is_in_hand_here(
    sync: Sync, github: GithubApi, perform: Perform, item: Any
) -> None:
    number = github.open_issue("Broken")
    sync()
    perform("claim_work_item", action="claim", id=item(number)["id"])
    github.edit(number, state="closed")

    report = sync()

    assert (item(number)["status"], report["conflicts"]) == ("completed", [])


@pytest.mark.processes
def test_what_is_deleted_or_moved_there_stays_here_and_is_named(
    sync: Sync, github: GithubApi, perform: Perform, item: Any, app: App
) -> None:
    first, second = github.open_issue("One"), github.open_issue("Two")
    sync()
    github.delete_issue(first)
    github.delete_issue(second, moved_to="https://api.github.com/repositories/2/issues/9")

    report = sync(full=True)

    [found] = report["findings"]
    assert (found["kind"], found["count"]) == ("gone_there", 2)
    assert "moved to" in found["where"][1]
    assert (item(first)["status"], item(second)["metadata"]["github_gone"][:8]) == ("active", "moved to")
    assert sync(full=True)["events"] == 0


@pytest.mark.processes
def test_what_is_deleted_here_is_named_and_left_there(
    sync: Sync, github: GithubApi, perform: Perform, item: Any, change: Any
) -> None:
    number = github.open_issue("One")
    sync()
    change(number, deleted=True)
    github.edit(number, title="Two")

    report = sync()

    assert (report["findings"][0]["kind"], github.issues[number]["state"]) == ("deleted_here", "open")


@pytest.mark.processes
def test_labels_that_both_sides_added_are_all_kept(
    sync: Sync, github: GithubApi, perform: Perform, item: Any, change: Any, app: App
) -> None:
    number = github.open_issue("One", labels=["a", "x"])
    sync()
    change(number, tags=["a", "x", "b"])
    github.edit(number, labels=["a", "c"])

    for terms in ({"push": False}, {"pull": False}, {}):
        assert sync(**terms)["conflicts"] == []

    assert set(item(number)["tags"]) == {"a", "b", "c"}
    assert {label["name"] for label in github.issues[number]["labels"]} == {"a", "b", "c"}
    _assert_quiet(sync, github, app)


@pytest.mark.processes
def test_closing_there_asks_for_the_review_that_is_needed_here(
    sync: Sync, github: GithubApi, item: Any, perform: Perform
) -> None:
    number = github.open_issue("Door")
    sync()
    perform("update_project_configuration", version=0, settings={"review_types": ["task"], "reviewer": "lead"})

    github.edit(number, state="closed")
    sync()
    sync()

    found = item(number)
    assert (found["status"], found["question"]["whom"]) == ("active", "lead")
    perform("question", id=found["id"], action="answer", verdict="approve", by="lead")
    sync()
    assert (item(number)["category"], github.issues[number]["state"]) == ("done", "closed")


@pytest.mark.processes
def test_a_pull_request_is_attached_to_what_it_closes(sync: Sync, github: GithubApi, item: Any, app: App) -> None:
    number = github.open_issue("Broken")
    pull = github.open_pull_request("Mend it", f"Fixes #{number}, see #99")

    sync()

    [attached] = item(number)["attachments"]
    assert (attached["kind"], attached["url"]) == ("pull_request", github.issues[pull]["html_url"])
    _assert_quiet(sync, github, app)


def test_a_dry_run_changes_nothing_on_either_side(sync: Sync, github: GithubApi, perform: Perform, app: App) -> None:
    github.open_issue("There")
    perform("create_work_item", item_type="task", title="Here")
    head = app.store.read_streams([]).head

    report = sync(dry_run=True)

    assert (report["pulled"]["created"], report["pushed"]["created"]) == (1, 1)
    assert (github.writes(), app.store.read_streams([]).head) == (0, head)


def _assert_quiet(sync: Sync, github: GithubApi, app: App) -> None:
    """A further run writes nothing on either side, and asks little."""
    head = app.store.read_streams([]).head
    github.requests.clear()

    report = sync()

    assert (github.writes(), app.store.read_streams([]).head, report["events"]) == (0, head, 0)
    assert [status for _, _, status in github.requests] == [200, 304, 304, 304]


@pytest.mark.processes
def test_limits_are_waited_for_as_long_as_they_say(app: App, github: GithubApi) -> None:
    github.open_issue("One")
    limits = iter(
        [
            Fault(403, headers={"Retry-After": "7"}, message="You have exceeded a secondary rate limit"),
            Fault(429, headers={"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(time.time()) + 50)}),
            Fault(403, message="You have exceeded a secondary rate limit. Please wait a few minutes"),
            Fault(502),
        ]
    )
    github.faults = lambda method, path: next(limits, None)
    waits: list[float] = []

    report = Synchronisation(repository=OWNER, url=github.url).run(app, sleep=waits.append)

    assert report["pulled"]["created"] == 1
    assert [7 <= waits[0] < 9, 45 < waits[1] < 60, waits[2] >= 60, waits[3] < 60] == [True] * 4


def test_a_limit_of_an_hour_is_reported_with_its_end(sync: Sync, github: GithubApi) -> None:
    github.faults = lambda method, path: Fault(
        403, headers={"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(time.time()) + 3600)}
    )

    with pytest.raises(Unavailable, match="limit of requests is used up until"):
        sync()


@pytest.mark.parametrize("status", [401, 403])
def test_a_token_that_is_not_accepted_is_refused_once(sync: Sync, github: GithubApi, status: int) -> None:
    github.faults = lambda method, path: Fault(status, message="Bad credentials")

    with pytest.raises(Forbidden, match="Bad credentials") as refused:
        sync()

    assert (len(github.requests), "secret" in str(refused.value.as_answer())) == (1, False)


@pytest.mark.processes
@pytest.mark.parametrize("tick", [0, 1])
def test_pages_that_shift_while_they_are_read_lose_no_issue(
    sync: Sync, github: GithubApi, monkeypatch: pytest.MonkeyPatch, perform: Perform, tick: int
) -> None:
    github.most_per_page, github.tick = 5, tick
    numbers = [github.open_issue(f"T{place}") for place in range(18)]
    moved = iter(numbers)

    def shift() -> None:
        if (number := next(moved, None)) is not None:
            github.now += timedelta(seconds=1)
            github.edit(number, body="moved")

    github.between_pages = shift

    sync(push=False)

    assert perform("list_work_items", limit=100)["total_count"] == 18


@pytest.mark.processes
def test_a_file_of_the_same_repository_is_the_same_items(
    sync: Sync, github: GithubApi, app: App, tmp_path: Path, perform: Perform
) -> None:
    number = github.open_issue("Broken", "Why", labels=["Bug"])
    github.comment(number, "Since when?")
    sync()
    issue = github.issues[number] | {"comments": github.of_issue(number)}
    file = tmp_path / "issues.json"
    file.write_text(json.dumps([issue]))

    report = ImportRequest(source="github", path=file).run(app)

    assert (report["created"], perform("list_work_items")["total_count"]) == (0, 1)
    assert len(perform("query_work_item", id=f"{OWNER}#{number}")["comments"]) == 1


@pytest.mark.processes
def test_an_unknown_filter_is_refused_and_a_known_one_takes_up_what_it_says(
    sync: Sync, github: GithubApi, perform: Perform
) -> None:
    github.open_issue("Taken", labels=["Bug"])
    github.open_issue("Left")
    perform("create_work_item", item_type="task", title="Left too")

    with pytest.raises(Invalid, match="is no filter"):
        filter_of(["color=red"])
    sync(only=filter_of(["label=bug"]))

    assert {item["title"] for item in perform("list_work_items")["items"]} == {"Taken", "Left too"}
    assert len(github.issues) == 2


@pytest.mark.processes
def test_the_command_tells_a_person_and_a_script(github: GithubApi, settings: Settings) -> None:
    github.open_issue("Broken \x1b[31m")
    words = ("sync", "github", OWNER, "--api-url", github.url)

    result = run(settings, *words, "--pull")
    as_json = run(settings, *words, "--json")
    wrong = run(settings, "sync", "github", "hello", "--api-url", github.url, "--json")
    plain = run(settings, "sync", "github", OWNER, "--api-url", "http://example.com", "--json")

    assert (result.exit_code, "1 new, 0 changed" in result.stdout) == (0, True)
    assert (as_json.exit_code, json.loads(as_json.stdout)["repository"]) == (0, OWNER)
    assert (wrong.exit_code, json.loads(wrong.stdout)["error"]["code"]) == (2, "invalid")
    assert (plain.exit_code, "token would be seen" in plain.stdout) == (2, True)
    assert "nothing to send" in run(settings, "sync").stdout


@pytest.mark.processes
def test_milestones_come_with_their_issues_and_go_with_their_items(
    sync: Sync, github: GithubApi, item: Any, change: Any, perform: Perform, app: App
) -> None:
    first = github.open_milestone("Beta", description="First", due_on="2026-12-24T08:00:00Z")
    number = github.open_issue("Broken", milestone=first)
    sync()
    beta = perform("query_work_item", id=item(number)["milestone_id"])
    made = perform("create_work_item", item_type="milestone", title="Gold", due="2027-02-01")
    change(number, milestone_id=made["id"])
    github.edit_milestone(first, state="closed", title="Beta 1")

    report = sync()

    gold = github.milestones[github.issues[number]["milestone"]]
    known = perform("query_work_item", id=beta["id"])
    assert (beta["title"], beta["due"], known["title"], known["status"]) == (
        "Beta",
        "2026-12-24",
        "Beta 1",
        "completed",
    )
    assert (gold["title"], gold["due_on"][:10], report["conflicts"]) == ("Gold", "2027-02-01", [])
    assert len(github.milestones) == 2
    _assert_quiet(sync, github, app)


@pytest.mark.processes
def test_a_milestone_of_that_title_is_used_and_not_made_again(
    sync: Sync, github: GithubApi, item: Any, change: Any, perform: Perform, app: App
) -> None:
    number = github.open_issue("Broken")
    sync()
    made = perform("create_work_item", item_type="milestone", title="Gold")
    change(number, milestone_id=made["id"])
    lost = iter([Fault(CUT, carried_out=True)])
    github.faults = lambda method, path: next(lost, None) if method == "POST" else None

    sync()

    assert [one["title"] for one in github.milestones.values()] == ["Gold"]
    assert item(number)["milestone_id"] == made["id"]
    _assert_quiet(sync, github, app)


@pytest.mark.processes
def test_a_file_means_the_item_that_was_sent_whatever_it_is_called_meanwhile(
    sync: Sync, github: GithubApi, app: App, tmp_path: Path, perform: Perform
) -> None:
    perform("create_work_item", item_type="task", title="Paint")
    sync()
    github.edit(1, title="Paint it blue")
    file = tmp_path / "issues.json"
    file.write_text(json.dumps([github.issues[1] | {"body": None, "comments": 0}]))

    report = ImportRequest(source="github", path=file).run(app)

    assert (report["created"], perform("list_work_items")["total_count"]) == (0, 1)
    assert perform("query_work_item", id=f"{OWNER}#1")["title"] == "Paint it blue"


@pytest.mark.processes
def test_undo_of_the_own_last_command_is_none_of_what_was_exchanged(
    sync: Sync, github: GithubApi, change: Any, item: Any, settings: Settings
) -> None:
    number = github.open_issue("One", labels=["a"])
    sync()
    change(number, tags=["a", "b"])
    github.edit(number, labels=["a", "c"])
    sync(push=False)

    undone = run(settings, "undo", "--yes", "--by", "tester")

    assert "tags +b" in undone.output
    assert (undone.exit_code, item(number)["tags"]) == (3, ["a", "b", "c"])


@pytest.mark.processes
def test_comments_of_a_file_of_gh_are_the_same_comments(
    sync: Sync, github: GithubApi, app: App, tmp_path: Path, item: Any
) -> None:
    number = github.open_issue("Broken")
    own = github.comment(number, "Since when?")
    issue = github.issues[number]
    comment = github.comments[own]
    as_gh = {"id": comment["node_id"], "author": {"login": "ann"}, "body": "Since when?"}
    file = tmp_path / "issues.json"
    file.write_text(
        json.dumps(
            [
                {"number": number, "title": "Broken", "state": "OPEN", "url": issue["html_url"]}
                | {"createdAt": issue["created_at"], "updatedAt": issue["updated_at"]}
                | {"comments": [as_gh | {"createdAt": comment["created_at"]}]}
            ]
        )
    )
    ImportRequest(source="github", path=file).run(app)
    github.edit_comment(own, "Since when, please?")

    sync()

    assert [comment["text"] for comment in item(number)["comments"]] == ["Since when, please?"]
    _assert_quiet(sync, github, app)


@pytest.mark.processes
def test_a_link_to_another_host_is_followed_at_the_given_address(
    sync: Sync, github: GithubApi, perform: Perform
) -> None:
    github.most_per_page, github.link_host = 1, "https://elsewhere.example"
    for place in range(3):
        github.open_issue(f"T{place}")

    sync(push=False)

    assert perform("list_work_items")["total_count"] == 3


@pytest.mark.processes
def test_watching_goes_on_over_a_limit_until_it_is_interrupted(
    github: GithubApi, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(time.time()) + 3600)}
    waits: list[float] = []

    def pause(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 1:
            github.faults = lambda method, path: Fault(403, headers=limits)
        elif len(waits) == 2:
            github.faults = lambda method, path: None
            github.open_issue("Later")
        else:
            raise KeyboardInterrupt

    monkeypatch.setattr("projections.cli.exchange.github.pause", pause)

    result = run(settings, "sync", "github", OWNER, "--api-url", github.url, "--watch")

    assert (result.exit_code, result.stdout.count("1 new, 0 changed")) == (0, 1)
    assert "waiting: GitHub's limit" in result.output
    assert [waits[0], waits[1] > 3000, waits[2]] == [60, True, 60]


@long_cases("fault", [Fault(502), Fault(CUT), Fault(408), Fault(200, message="a page of a proxy"), "another process"])
def test_watching_goes_on_over_what_is_over_later(
    github: GithubApi, settings: Settings, app: App, monkeypatch: pytest.MonkeyPatch, fault: Any
) -> None:
    lock = FileLock(file_of(app.home, OWNER).with_suffix(".lock"))
    rounds = iter(["broken", "broken", "whole", "interrupted"])

    def pause(_: float) -> None:
        match next(rounds):
            case "broken" if isinstance(fault, Fault):
                github.faults = lambda method, path: fault if path.endswith("/issues") else None
            case "broken":
                lock.acquire()
            case "whole":
                lock.release(force=True)
                github.faults = lambda method, path: None
                github.open_issue("Later")
            case _:
                raise KeyboardInterrupt

    monkeypatch.setattr("projections.cli.exchange.github.pause", pause)
    monkeypatch.setattr(client, "ATTEMPTS", 1)

    result = run(settings, "sync", "github", OWNER, "--api-url", github.url, "--watch")

    assert (result.exit_code, result.stdout.count("1 new, 0 changed")) == (0, 1), result.output
    assert result.output.count("waiting: ") == 2


@pytest.mark.processes
def test_texts_that_no_database_holds_and_accounts_that_are_gone_are_taken(
    sync: Sync, github: GithubApi, item: Any, app: App
) -> None:
    number = github.open_issue("Broken \x00 \ud83d", "a\x00b", user=None)
    own = github.comment(number, "c\x00d")
    github.comments[own]["user"] = None
    pull = github.open_pull_request("Mend \x00", f"Fixes #{number}")
    github.edit(pull, user=None)
    sync()
    github.edit(number, title="Again \x00 \ud83d", body="e\x00f")

    sync()

    found = item(number)
    assert (found["title"], found["description"]) == ("Again \ufffd \ufffd", "e\ufffdf")
    assert [(comment["by"], comment["text"]) for comment in found["comments"]] == [("ghost", "c\ufffdd")]
    assert [attached["by"] for attached in found["attachments"]] == ["ghost"]
    _assert_quiet(sync, github, app)


@pytest.mark.processes
def test_the_mark_of_another_item_makes_no_issue_that_item(
    sync: Sync, github: GithubApi, perform: Perform, item: Any, app: App
) -> None:
    made = perform("create_work_item", item_type="task", title="Paint")
    sync()
    copied = github.open_issue("Mine", github.issues[1]["body"])

    sync()

    assert item(copied)["id"] != made["id"]
    assert (item(1)["title"], item(copied)["title"], item(copied)["description"]) == ("Paint", "Mine", None)
    _assert_quiet(sync, github, app)


@pytest.mark.processes
def test_what_was_sent_is_the_last_common_state(sync: Sync, github: GithubApi, item: Any, change: Any) -> None:
    number = github.open_issue("A", "A")
    sync()
    change(number, title="B", description="B", status="completed", assignee="ann")
    sync()
    change(number, title="C", status="active", assignee="bob")
    github.edit(number, body="C")
    first = sync()
    github.edit(number, title="D", state="closed", assignees=["ann"])

    second = sync()

    found = item(number)
    assert (first["conflicts"], second["conflicts"]) == ([], [])
    assert (found["title"], found["description"], found["status"], found["assignee"]) == ("D", "C", "completed", "ann")


@pytest.mark.processes
def test_long_and_odd_texts_are_read_in_time(sync: Sync, github: GithubApi, item: Any) -> None:
    number = github.open_issue("Broken", " " * 65_000 + "x")
    github.open_pull_request("Mend", f"Fixes #{'9' * 5_000}, fixes #{number}")
    began = time.process_time()

    sync()

    assert time.process_time() - began < 10
    assert [attached["name"] for attached in item(number)["attachments"]] == ["Mend"]


@pytest.mark.processes
def test_a_comment_with_the_copied_mark_of_another_one_is_a_comment_of_its_own(
    sync: Sync, github: GithubApi, perform: Perform, item: Any, app: App
) -> None:
    number = github.open_issue("Broken")
    sync()
    perform("comment", id=item(number)["id"], text="Ours")
    sync()
    [ours] = github.of_issue(number)
    github.comment(number, "Theirs" + ours["body"].partition("Ours")[2])
    github.edit_comment(ours["id"], ours["body"].replace("Ours", "Ours, mended"))

    sync()

    found = {comment["by"]: comment["text"].partition("\n")[0] for comment in item(number)["comments"]}
    assert (found, len(item(number)["comments"])) == ({"tester": "Ours, mended", "ann": "Theirs"}, 2)
    _assert_quiet(sync, github, app)


@pytest.mark.processes
def test_a_locked_issue_keeps_no_other_issue_from_its_changes(
    sync: Sync, github: GithubApi, perform: Perform, item: Any
) -> None:
    locked, other = github.open_issue("Locked", locked=True), github.open_issue("Broken")
    sync()
    perform("comment", id=item(locked)["id"], text="Late")
    github.edit(other, title="Broken again")
    github.faults = lambda method, path: Fault(403, message="issue is locked") if method == "POST" else None

    report = sync()

    assert item(other)["title"] == "Broken again"
    assert [found["kind"] for found in report["findings"]] == ["locked_there"]


@pytest.mark.processes
def test_what_github_leaves_out_without_a_word_stays_here(
    sync: Sync, github: GithubApi, perform: Perform, item: Any, change: Any, app: App
) -> None:
    number = github.open_issue("Broken")
    milestone = perform("create_work_item", item_type="milestone", title="Later")["id"]
    sync()
    github.not_set = {"assignees", "labels", "milestone"}
    change(number, title="Mended", assignee="bob", tags=["bug"], milestone_id=milestone)

    report = sync()

    found = item(number)
    assert (found["assignee"], found["tags"], found["milestone_id"]) == ("bob", ["bug"], milestone)
    [left_out] = report["findings"]
    assert (left_out["kind"], left_out["count"], github.issues[number]["title"]) == ("left_out_there", 3, "Mended")
    _assert_quiet(sync, github, app)


@pytest.mark.processes
def test_two_milestones_of_one_title_are_named_and_end_no_run(
    sync: Sync, github: GithubApi, perform: Perform, app: App
) -> None:
    for title in ("One", "Two"):
        milestone = perform("create_work_item", item_type="milestone", title="v1")["id"]
        made = perform("create_work_item", item_type="task", title=title)
        perform("update_work_item", id=made["id"], version=1, milestone_id=milestone)

    report = sync()

    assert sorted(issue["title"] for issue in github.issues.values()) == ["One", "Two"]
    assert [found["kind"] for found in report["findings"]] == ["milestone_of_another_source"]
    _assert_quiet(sync, github, app)


@pytest.mark.parametrize("token", ["zxq\nzxq", "zxq\u20aczxq"])
def test_a_token_that_no_header_can_hold_is_refused_unseen(
    github: GithubApi, settings: Settings, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", token)

    result = run(settings, "sync", "github", OWNER, "--api-url", github.url, "--json")

    assert (result.exit_code, json.loads(result.stdout)["error"]["code"]) == (3, "forbidden")
    assert ("zxq" in result.output, github.requests) == (False, [])


@pytest.mark.processes
def test_a_token_that_may_only_read_makes_no_item_gone(
    sync: Sync, github: GithubApi, perform: Perform, item: Any, change: Any
) -> None:
    number = github.open_issue("Broken")
    sync()
    github.faults = lambda method, path: None if method == "GET" else Fault(404)
    change(number, title="Mended")

    with pytest.raises(Forbidden, match="lets it change nothing"):
        sync()
    change(number, title="Broken")
    perform("create_work_item", item_type="task", title="Paint")
    with pytest.raises(Forbidden, match="lets it change nothing"):
        sync()

    assert "github_gone" not in item(number)["metadata"]


def test_what_github_declines_to_make_is_counted_and_asked_for_once(
    sync: Sync, github: GithubApi, perform: Perform
) -> None:
    perform("create_work_item", item_type="task", title="Paint")
    github.faults = lambda method, path: Fault(422, message="spam") if method == "POST" else None

    report = sync()

    assert (report["pushed"]["created"], github.writes()) == (0, 1)
    assert [found["kind"] for found in report["findings"]] == ["declined_there"]


@pytest.mark.parametrize("answered", [{}, [], "hello", {"full_name": 3}])
def test_an_address_that_is_not_githubs_is_named(sync: Sync, github: GithubApi, answered: Any) -> None:
    github.answer = lambda *_: (200, {}, answered)  # type: ignore[method-assign]

    with pytest.raises(Unavailable, match="does not answer as GitHub's interface does"):
        sync()


@pytest.mark.parametrize("seconds", ["9" * 30, "\u00b2"])
def test_a_wait_that_no_calendar_has_ends_as_a_refusal(sync: Sync, github: GithubApi, seconds: str) -> None:
    github.faults = lambda method, path: Fault(403, headers={"Retry-After": seconds})

    with pytest.raises(Forbidden, match="GitHub refuses"):
        sync()


@long_cases("asked", [OWNER, "Octo/Hello", "octo/renamed"])
def test_a_renamed_repository_goes_on_under_either_name_and_no_issue_becomes_a_second_item(
    github: GithubApi, app: App, perform: Perform, sync: Sync, item: Any, change: Any, asked: str
) -> None:
    known, child = github.open_issue("Broken"), github.open_issue("Part")
    github.set_parent(child, known)
    github.comment(known, "Since when?")
    sync()
    github.rename("octo/renamed")
    change(known, title="Broken again")
    later = github.open_issue("Later", milestone=github.open_milestone("Beta"))
    github.set_parent(later, known)
    github.comment(known, "Since June")
    github.open_pull_request("Mend", f"Fixes #{later}")

    report = Synchronisation(repository=asked, url=github.url).run(app, sleep=lambda _: None)
    again = Synchronisation(repository=asked, url=github.url).run(app, sleep=lambda _: None)

    assert (report["repository"], report["findings"], report["conflicts"]) == (OWNER, [], [])
    assert (again["events"], again["requests"]["writes"]) == (0, 0)
    assert github.issues[known]["title"] == "Broken again"
    assert [comment["text"] for comment in item(known)["comments"]] == ["Since when?", "Since June"]
    assert {item(one)["parent_id"] for one in (child, later)} == {item(known)["id"]}
    assert [attached["kind"] for attached in item(later)["attachments"]] == ["pull_request"]
    assert perform("list_work_items", item_type="task")["total_count"] == 3


def test_a_repository_that_is_nowhere_is_named(github: GithubApi, app: App) -> None:
    with pytest.raises(NotFound, match="no repository octo/other"):
        Synchronisation(repository="octo/other", url=github.url).run(app)


@pytest.mark.processes
def test_a_label_without_a_name_is_left_and_a_plain_text_is_one(
    sync: Sync, github: GithubApi, item: Any, app: App
) -> None:
    number = github.open_issue("Broken")
    github.issues[number]["labels"] = [{"id": 1, "name": None}, "bug"]

    sync()

    assert item(number)["tags"] == ["bug"]
    _assert_quiet(sync, github, app)


@pytest.mark.processes
def test_a_milestone_that_changes_here_changes_there(
    sync: Sync, github: GithubApi, perform: Perform, item: Any, app: App
) -> None:
    number = github.open_issue("Broken", milestone=github.open_milestone("Beta", due_on="2026-12-24T08:00:00Z"))
    made = perform("create_work_item", item_type="milestone", title="Gold", description="All")["id"]
    sync()
    beta = perform("query_work_item", id=item(number)["milestone_id"])
    fields = {"title": "Beta 2", "description": "Late", "due": "2027-01-15", "status": "completed"}
    perform("update_work_item", id=beta["id"], version=beta["version"], **fields)

    report = sync()

    there = {one["title"]: one for one in github.milestones.values()}
    assert perform("query_work_item", id=made)["external_id"].startswith(f"{OWNER}/milestone/")
    late, gold = there["Beta 2"], there["Gold"]
    assert (late["description"], late["due_on"][:10], late["state"]) == ("Late", "2027-01-15", "closed")
    assert (gold["description"], gold["due_on"], gold["state"]) == ("All", None, "open")
    assert (report["pushed"]["changed"], report["findings"], report["conflicts"]) == (1, [], [])
    _assert_quiet(sync, github, app)


@pytest.mark.processes
def test_a_milestone_that_both_changed_is_a_conflict_in_that_field(
    sync: Sync, github: GithubApi, perform: Perform, item: Any, app: App
) -> None:
    beta = github.open_milestone("Beta")
    number = github.open_issue("Broken", milestone=beta)
    sync()
    known = perform("query_work_item", id=item(number)["milestone_id"])
    perform("update_work_item", id=known["id"], version=known["version"], title="Ours", description="Why")
    github.edit_milestone(beta, title="Theirs", due_on="2027-03-01T08:00:00Z")

    [ref] = sync()["conflicts"]

    known = perform("query_work_item", id=known["id"])
    assert (known["title"], known["due"], github.milestones[beta]["description"]) == ("Ours", "2027-03-01", "Why")
    assert sync()["conflicts"] == [ref]
    perform("resolve_conflict", id=ref, version=1, choice="theirs")
    assert (sync()["conflicts"], github.milestones[beta]["title"]) == ([], "Ours")
    _assert_quiet(sync, github, app)


@pytest.mark.processes
def test_a_milestone_that_is_deleted_or_refused_there_holds_up_nothing(
    sync: Sync, github: GithubApi, perform: Perform, item: Any, change: Any, app: App
) -> None:
    beta, gold = github.open_milestone("Beta"), github.open_milestone("Gold")
    first, second = github.open_issue("One", milestone=beta), github.open_issue("Two", milestone=gold)
    sync()
    known = perform("query_work_item", id=item(first)["milestone_id"])
    perform("update_work_item", id=known["id"], version=known["version"], title="Gold")
    gone = item(second)["milestone_id"]
    github.delete_milestone(gold)
    github.open_milestone("Gold")
    change(first, milestone_id=gone, title="Renamed")

    report = sync(full=True)

    kinds = {found["kind"] for found in report["findings"]}
    assert kinds == {"declined_there", "gone_there", "milestone_of_another_source"}
    assert (github.issues[first]["title"], item(second)["milestone_id"]) == ("Renamed", None)
    assert "deleted" in perform("query_work_item", id=gone)["metadata"]["github_gone"]


@pytest.mark.processes
def test_a_state_that_the_ledger_does_not_have_can_be_decided_for(
    sync: Sync, github: GithubApi, perform: Perform, item: Any, change: Any, app: App
) -> None:
    number = github.open_issue("Broken")
    sync()
    change(number, status="completed")
    github.edit(number, state="closed", state_reason="not_planned")
    [ref] = sync()["conflicts"]

    perform("resolve_conflict", id=ref, version=1, choice="mine")
    report = sync()

    assert (item(number)["category"], github.issues[number]["state_reason"]) == ("dropped", "not_planned")
    assert report["conflicts"] == []
    _assert_quiet(sync, github, app)
