"""The past, through the operations, on a real PostgreSQL."""

from typing import Any

import pytest

from ledger.errors import Invalid, NotFound
from projections.application.app import App
from projections.reports import report
from tests.conftest import Perform
from tests.support.calls import task


def rewritten(perform: Perform) -> dict[str, Any]:
    """An item with three versions."""
    item = task(perform, "One")
    perform("update_work_item", id=item["id"], version=1, title="Two", by="ada")
    perform("update_work_item", id=item["id"], version=2, title="Three", priority=1, by="grace")
    return item


def deployed(perform: Perform, **fields: Any) -> dict[str, Any]:
    return perform(
        "record_deployment",
        commit_hash="84b0fb4c1d2e3f4a5b6c7d8e9f0a1b2c3d4e5f60",
        pr_number=7,
        pr_title="Ship it",
        test_summary={"passed": 1},
        constitutional_compliance=True,
        **fields,
    )


def test_a_history_says_who_changed_which_field_from_what_to_what_by_which_command(perform: Perform) -> None:
    item = rewritten(perform)

    history = perform("query_history", id=item["ref"])

    newest = history["items"][0]
    assert (history["total_count"], newest["version"]) == (3, 3)
    assert (newest["by"], newest["event"]) == ("grace", "WorkItemRevised")
    assert {"field": "title", "old": "Two", "new": "Three"} in newest["changes"]
    assert newest["command"] == "UpdateWorkItem"
    assert newest["command_id"]


def test_every_page_of_a_history_together_is_the_whole_of_it(perform: Perform) -> None:
    item = rewritten(perform)
    first = perform("query_history", id=item["id"], limit=2)

    rest = perform("query_history", id=item["id"], limit=2, cursor=first["next_cursor"])

    assert [line["version"] for page in (first, rest) for line in page["items"]] == [3, 2, 1]
    assert (first["has_more"], rest["has_more"], rest["total_count"]) == (True, False, 3)


@pytest.mark.parametrize("since", ["v2", 2, "2"])
def test_a_history_is_asked_since_a_version_or_a_position(perform: Perform, since: str | int) -> None:
    item = rewritten(perform)

    history = perform("query_history", id=item["id"], since=since)

    assert [line["version"] for line in history["items"]] == [3]


def test_an_entity_is_shown_as_of_a_version_a_position_and_a_time(perform: Perform) -> None:
    item = rewritten(perform)
    recorded_at = perform("query_history", id=item["id"])["items"][1]["recorded_at"]

    points: list[str | int] = ["v2", 2, recorded_at]
    titles = [perform("query_history", id=item["id"], as_of=point)["then"]["title"] for point in points]

    assert titles == ["Two", "Two", "Two"]


def test_the_difference_of_two_points_leaves_out_what_was_in_between(perform: Perform) -> None:
    item = rewritten(perform)

    difference = perform("query_history", id=item["id"], diff_from="v1", as_of="v3")

    assert {"field": "title", "old": "One", "new": "Three"} in difference["changes"]
    assert (difference["from"]["version"], difference["to"]["version"]) == (1, 3)


@pytest.mark.parametrize("unknown", ["w-00000", "0198c0de-0000-7000-8000-00000000dead", "nobody at all"])
def test_the_history_of_what_never_was_is_refused_not_empty(perform: Perform, unknown: str) -> None:
    with pytest.raises(NotFound):
        perform("query_history", id=unknown)


def test_a_point_before_an_entity_was_there_is_refused_with_the_first_one(perform: Perform) -> None:
    task(perform, "First")
    second = task(perform, "Second")

    with pytest.raises(NotFound) as refused:
        perform("query_history", id=second["id"], as_of=1)

    assert refused.value.details["first_position"] == 2


@pytest.mark.parametrize("point", ["v9", 99, "yesterday"])
def test_a_point_that_is_none_is_invalid(perform: Perform, point: str | int) -> None:
    item = task(perform, "One")

    with pytest.raises(Invalid):
        perform("query_history", id=item["id"], as_of=point)


@pytest.mark.parametrize("number", ["²", "9" * 30, "9" * 5000, "v²"])
def test_a_number_that_no_position_is_written_as_is_invalid_wherever_a_point_is_asked(
    perform: Perform, number: str
) -> None:
    item = rewritten(perform)
    asked: dict[str, dict[str, Any]] = {
        "query_history": {"id": item["id"], "since": number},
        "query_work_item": {"id": item["id"], "as_of": number},
        "list_work_items": {"changed_since": number},
        "query_vendor_status": {"broke_since": number},
        "changes_since": {"since": number},
        "undo": {"id": item["id"], "version": number},
    }

    for operation, arguments in asked.items():
        with pytest.raises(Invalid):
            perform(operation, **arguments)


def test_a_vendor_is_found_by_its_name_and_the_configuration_by_that_word(perform: Perform) -> None:
    perform("create_vendor", name="Acme")

    assert perform("query_history", id="ACME")["category"] == "vendor"
    assert perform("query_history", id="configuration")["total_count"] == 0


@pytest.mark.processes
def test_items_and_lists_and_the_report_are_shown_as_of_a_position(app: App, perform: Perform) -> None:
    item = rewritten(perform)
    child = task(perform, "Child", parent_id=item["id"])
    perform("update_work_item", id=child["id"], version=1, deleted=True)

    alone = perform("query_work_item", id=item["id"], as_of=2)
    with_children = perform("query_work_item", id=item["id"], as_of=4, include=["descendants"])
    before, after = perform("list_work_items", as_of=4), perform("list_work_items")
    with app.live_view().snapshot(2) as snapshot:
        document = report.document(snapshot, "project")

    assert (alone["title"], alone["as_of"]["position"]) == ("Two", 2)
    assert [line["title"] for line in with_children["descendants"]] == ["Child"]
    assert (before["total_count"], after["total_count"]) == (2, 1)
    assert [line["title"] for line in document["active_work_items"]["items"]] == ["Two"]
    assert document["as_of"]["position"] == 2


def test_an_item_tells_its_history_when_asked_to(perform: Perform) -> None:
    item = rewritten(perform)

    history = perform("query_work_item", id=item["id"], include=["history"])["history"]

    assert [line["version"] for line in history] == [3, 2, 1]


def test_a_vendor_is_shown_as_of_a_position_with_the_runs_until_then(perform: Perform) -> None:
    good, bad = {"passing": 3, "total": 4, "skipped": 1}, {"passing": 2, "total": 4, "skipped": 1}
    new = perform("create_vendor", name="Acme")
    first = perform(
        "update_vendor_status", name="acme", version=new["version"], extractor_version="1.0", test_results=good
    )
    perform("update_vendor_status", name="acme", version=first["version"], extractor_version="2.0", test_results=bad)

    then = perform("query_vendor_status", name="acme", as_of=first["position"], include=["test_runs"])
    now = perform("query_vendor_status", name="acme", include=["test_runs"])

    assert (then["extractor_version"], len(then["test_runs"])) == ("1.0", 1)
    assert [(run["passing"], run["extractor_version"]) for run in now["test_runs"]] == [(2, "2.0"), (3, "1.0")]
    assert now["last_good"]["extractor_version"] == "1.0"


@pytest.mark.processes
def test_who_broke_since_a_deployment_is_reported_with_the_last_good_version(perform: Perform) -> None:
    good = {"passing": 1, "total": 1, "skipped": 0}
    for name in ("Sound", "Breaks", "Broken before"):
        perform("create_vendor", name=name, status="operational", extractor_version="1.0", test_results=good)
    perform("update_vendor_status", name="Broken before", version=1, status="broken")
    perform("create_vendor", name="Never worked")
    deployment = deployed(perform, deployed_at=perform("changes_since", since=0)["items"][-1]["at"])
    perform("update_vendor_status", name="Breaks", version=1, status="broken", by="ada")

    broken = perform("query_vendor_status", broke_since=deployment["ref"])

    (vendor,) = broken["items"]
    assert (vendor["name"], vendor["status"], vendor["by"]) == ("Breaks", "broken", "ada")
    assert vendor["last_good"]["extractor_version"] == "1.0"


@pytest.mark.processes
def test_a_break_names_the_deployment_that_its_test_run_tested(perform: Perform) -> None:
    shipped = deployed(perform)
    for name in ("Tested", "Untested", "Tested before"):
        perform("create_vendor", name=name, status="operational")
    run = {"test_results": {"passing": 1, "total": 4}, "deployment_id": shipped["ref"]}
    perform("update_vendor_status", name="Tested", version=1, status="broken", **run)
    perform("update_vendor_status", name="Untested", version=1, status="broken")
    tested = perform("update_vendor_status", name="Tested before", version=1, **run)
    perform("update_vendor_status", name="Tested before", version=tested["version"], status="broken")

    broken = {vendor["name"]: vendor for vendor in perform("query_vendor_status", broke_since=0)["items"]}
    [newest] = perform("query_vendor_status", name="Tested", include=["test_runs"])["test_runs"]

    named = {"ref": shipped["ref"], "pr_title": "Ship it", "pr_number": 7}
    assert broken["Tested"]["deployment"] == newest["deployment"] == named
    assert broken["Tested"]["deployment_id"] == newest["deployment_id"] == shipped["id"]
    assert (broken["Untested"]["deployment"], broken["Tested before"]["deployment"]) == (None, None)


def test_asking_again_with_each_next_position_shows_every_change_once(perform: Perform) -> None:
    rewritten(perform)
    perform("create_vendor", name="Acme")
    seen: list[int] = []
    position, more = 0, True

    while more:
        answer = perform("changes_since", since=position, limit=2)
        seen += [item["position"] for item in answer["items"]]
        position, more = answer["next_position"], answer["has_more"]

    assert seen == [1, 2, 3, 4]


@pytest.mark.processes
def test_changes_are_filtered_and_the_next_position_advances_over_what_is_left_out(perform: Perform) -> None:
    rewritten(perform)
    perform("create_vendor", name="Acme")

    by_ada = perform("changes_since", since=0, by="ada")
    of_vendors = perform("changes_since", since=0, categories=["vendor"])
    of_no_type = perform("changes_since", since=0, types=["WorkItemDeleted"])

    assert [(item["position"], item["fields"], item["title"]) for item in by_ada["items"]] == [(2, ["title"], "Two")]
    assert [item["type"] for item in of_vendors["items"]] == ["VendorCreated"]
    assert (of_no_type["items"], of_no_type["next_position"], of_no_type["has_more"]) == ([], 4, False)


def test_a_change_says_what_its_author_said(perform: Perform) -> None:
    item = perform("create_work_item", item_type="task", title="Color")
    perform("question", id=item["id"], action="ask", whom="kim", text="Which?", choices=["red", "blue"])
    perform("question", id=item["id"], action="answer", choice="blue", text="b" * 300, by="kim")
    perform("comment", id=item["id"], text="done")

    created, *_, answered, remarked = perform("changes_since", since=0)["items"]

    assert not {"verdict", "choice", "text", "reason", "note"} & created.keys()
    assert (answered["by"], answered["verdict"], answered["choice"]) == ("kim", "choose", "blue")
    assert answered["text"] == "b" * 197 + "..."
    assert remarked["text"] == "done"


def test_a_position_of_another_ledger_and_an_unknown_event_are_invalid(perform: Perform) -> None:
    for wanted in ({"since": 12}, {"since": 0, "types": ["SomethingHappened"]}):
        with pytest.raises(Invalid):
            perform("changes_since", **wanted)
