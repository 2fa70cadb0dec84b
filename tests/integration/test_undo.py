"""Taking things back, through the operations, on a real PostgreSQL."""

from typing import Any
from uuid import uuid4

import pytest

from ledger.errors import Invalid, NotFound, NotUnique, Refused, VersionConflict
from tests.conftest import Perform
from tests.support.calls import task
from tests.support.each import each

COMMIT = "84b0fb4c1d2e3f4a5b6c7d8e9f0a1b2c3d4e5f60"


def change(perform: Perform, entity: dict[str, Any], **fields: Any) -> dict[str, Any]:
    version = perform("query_work_item", id=entity["id"])["version"]
    return perform("update_work_item", id=entity["id"], version=version, **fields)


def command_of(perform: Perform, entity: dict[str, Any], version: int) -> str:
    history = perform("query_history", id=entity["id"], limit=100)["items"]
    found: str = next(item["command_id"] for item in history if item["version"] == version)
    return found


def read(perform: Perform, entity: dict[str, Any]) -> dict[str, Any]:
    """The fields that an undo restores."""
    item = perform("query_work_item", id=entity["id"])
    changing = ("version", "updated_at", "updated_by", "as_of")
    return {name: value for name, value in item.items() if name not in changing}


@pytest.mark.processes
def test_an_undo_restores_every_field_and_can_be_undone_itself(perform: Perform) -> None:
    item = task(perform, "Before", tags=["a"], metadata={"estimated_hours": 3})
    before = read(perform, item)
    change(perform, item, title="After", tags=["b"], metadata={"estimated_hours": None, "x": 1}, status="completed")
    after = read(perform, item)

    undone = perform("undo", id=item["ref"], version="v2")
    assert (undone["outcome"], undone["ref"], read(perform, item)) == ("committed", item["ref"], before)

    perform("undo", command=undone["command_id"])
    assert read(perform, item) == after


@pytest.mark.processes
def test_an_undo_between_two_states_of_one_category_restores_the_first(perform: Perform) -> None:
    perform("update_project_configuration", version=0, states=[{"name": "shipped", "category": "done"}])
    item = task(perform, "One")
    change(perform, item, status="shipped")
    change(perform, item, status="completed")

    perform("undo", id=item["id"], version=3)

    undone = perform("query_work_item", id=item["id"])
    assert (undone["status"], undone["category"]) == ("shipped", "done")


def test_an_undo_is_refused_with_the_later_changes_that_it_would_lose(perform: Perform) -> None:
    item = task(perform, "One")
    change(perform, item, title="Two")
    change(perform, item, title="Three", by="grace")

    with pytest.raises(Refused) as refused:
        perform("undo", id=item["id"], version=2)

    (later,) = refused.value.details["items"]
    assert refused.value.details["rule"] == "later_changes"
    assert (later["version"], later["by"], later["fields"]) == (3, "grace", ["title"])
    assert f"version 3 of {later['ref']}" in refused.value.next_step
    assert "only_untouched" in refused.value.next_step
    with pytest.raises(Refused) as again:
        perform("undo", id=item["id"], version=2, only_untouched=True, by="ada")
    assert "only_untouched" not in again.value.next_step


@pytest.mark.processes
def test_what_a_refused_undo_advises_leads_to_it(perform: Perform) -> None:
    item = task(perform, "One")
    for title, by in (("Two", "ada"), ("Three", "grace"), ("Four", "bo")):
        change(perform, item, title=title, by=by)

    for _ in range(2):
        with pytest.raises(Refused, match="later change") as refused:
            perform("undo", id=item["id"], version=2)
        perform("undo", id=item["id"], version=refused.value.details["items"][0]["version"])
    perform("undo", id=item["id"], version=2)

    assert perform("query_work_item", id=item["id"])["title"] == "One"


@pytest.mark.processes
def test_only_the_untouched_part_is_restored_when_asked_for_that(perform: Perform) -> None:
    item = task(perform, "One")
    change(perform, item, title="Two", assignee="ada")
    change(perform, item, title="Three")

    perform("undo", id=item["id"], version=2, only_untouched=True)

    now = perform("query_work_item", id=item["id"])
    assert (now["title"], now["assignee"]) == ("Three", None)


def test_a_later_change_that_was_taken_back_is_no_reason_to_refuse(perform: Perform) -> None:
    item = task(perform, "One")
    change(perform, item, title="Two")
    change(perform, item, title="Three")
    perform("undo", id=item["id"], version=3)

    perform("undo", id=item["id"], version=2)

    assert perform("query_work_item", id=item["id"])["title"] == "One"


@each(
    ("named", "sentence"),
    [
        ({}, "command: say what to undo by command (the command_id of that call), id or position"),
        ({"id": "w-7k3qd", "position": 3}, "command: say what to undo by one of command, id and position, not by"),
    ],
)
def test_an_undo_of_nothing_or_of_two_things_says_what_to_send(
    perform: Perform, named: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(Invalid) as refused:
        perform("undo", **named)

    assert refused.value.message.startswith(sentence)


@each("position", [99, 2**63 - 1, 10**20])
def test_a_position_that_is_not_there_is_named(perform: Perform, position: int) -> None:
    with pytest.raises(NotFound, match=f"there is no position {position} in this ledger"):
        perform("undo", position=position)


@pytest.mark.processes
def test_nothing_is_left_to_undo_the_second_time(perform: Perform) -> None:
    item = task(perform, "One")
    change(perform, item, title="Two")
    perform("undo", id=item["id"], version=2)

    with pytest.raises(Refused) as refused:
        perform("undo", id=item["id"], version=2)

    assert refused.value.details["rule"] == "nothing_to_undo"


@pytest.mark.processes
def test_repeating_an_undo_with_its_command_id_answers_again(perform: Perform) -> None:
    item = task(perform, "One")
    change(perform, item, title="Two")
    command = "0198c0de-0000-7000-8000-000000000009"
    first = perform("undo", id=item["id"], version=2, command_id=command)

    again = perform("undo", id=item["id"], version=2, command_id=command)

    assert again == first | {"repeated": True}


@pytest.mark.processes
def test_the_undo_of_a_creation_frees_the_vendors_name_and_hides_it_everywhere(perform: Perform) -> None:
    vendor = perform("create_vendor", name="Acme")

    undone = perform("undo", id="acme", version=1)

    assert perform("query_vendor_status")["total_count"] == 0
    assert perform("query_vendor_status", id=vendor["id"])["withdrawn"] is True
    with pytest.raises(NotFound):
        perform("query_vendor_status", name="Acme")
    with pytest.raises(Refused):
        perform("update_vendor_status", id=vendor["id"], version=2, status="operational")
    again = perform("create_vendor", name="ACME")
    with pytest.raises(NotUnique) as taken:
        perform("undo", command=undone["command_id"])
    assert taken.value.details["id"] == again["id"]

    perform("undo", id=again["id"], version=1)
    perform("undo", command=undone["command_id"])
    assert perform("query_vendor_status", name="acme")["id"] == vendor["id"]


@pytest.mark.processes
def test_a_withdrawn_vendor_cannot_be_named_by_a_deployment(perform: Perform) -> None:
    vendor = perform("create_vendor", name="Acme")
    perform("undo", id=vendor["id"], version=1)

    with pytest.raises(NotFound):
        perform(
            "record_deployment",
            deployed_at="2026-01-01T00:00:00Z",
            commit_hash=COMMIT,
            pr_number=1,
            pr_title="One",
            test_summary={},
            constitutional_compliance=True,
            vendor_ids=[vendor["id"]],
        )


@pytest.mark.processes
def test_the_undo_of_a_cascading_deletion_brings_the_whole_subtree_back(perform: Perform) -> None:
    root = task(perform, "Root")
    below = [task(perform, f"Below {n}", parent_id=root["id"]) for n in range(3)]
    change(perform, root, deleted=True, cascade=True)

    undone = perform("undo", command=command_of(perform, root, 2))

    assert undone["total_count"] == 4
    assert perform("list_work_items")["total_count"] == 4
    assert all(perform("query_work_item", id=item["id"])["deleted"] is False for item in below)


@pytest.mark.processes
def test_one_of_a_deleted_subtree_cannot_come_back_below_its_deleted_parent(perform: Perform) -> None:
    root = task(perform, "Root")
    child = task(perform, "Child", parent_id=root["id"])
    change(perform, root, deleted=True, cascade=True)

    with pytest.raises(Refused) as refused:
        perform("undo", id=child["id"], version=2)

    assert refused.value.details["rule"] == "parent_deleted"
    assert [item["id"] for item in refused.value.details["items"]] == [root["id"]]
    assert "restore" in refused.value.next_step


@pytest.mark.processes
def test_the_undo_of_an_undo_below_a_deleted_parent_is_refused_with_rule_and_next_step(perform: Perform) -> None:
    root = task(perform, "Root")
    child = task(perform, "Child", parent_id=root["id"])
    undone = perform("undo", id=child["id"], version=1)
    change(perform, root, deleted=True)

    with pytest.raises(Refused) as refused:
        perform("undo", command=undone["command_id"])

    assert refused.value.details["rule"] == "parent_deleted"
    assert refused.value.next_step


def test_the_creation_of_an_item_with_living_children_is_not_undone(perform: Perform) -> None:
    root = task(perform, "Root")
    child = task(perform, "Child", parent_id=root["id"])

    with pytest.raises(Refused) as refused:
        perform("undo", id=root["id"], version=1)

    assert refused.value.details["rule"] == "living_children"
    assert [item["id"] for item in refused.value.details["items"]] == [child["id"]]


@pytest.mark.processes
def test_an_undo_that_would_complete_an_item_over_open_work_is_refused(perform: Perform) -> None:
    root = task(perform, "Root")
    change(perform, root, status="completed")
    change(perform, root, status="active")
    task(perform, "Child", parent_id=root["id"])

    with pytest.raises(Refused) as refused:
        perform("undo", id=root["id"], version=3)

    assert refused.value.details["rule"] == "unfinished"


@pytest.mark.processes
def test_an_undo_that_would_close_a_cycle_is_refused(perform: Perform) -> None:
    one, other = task(perform, "One"), task(perform, "Other")
    perform("link_work_items", id=one["id"], kind="blocks", to_id=other["id"])
    perform("link_work_items", id=one["id"], kind="blocks", to_id=other["id"], remove=True)
    perform("link_work_items", id=other["id"], kind="blocks", to_id=one["id"])

    with pytest.raises(Refused) as refused:
        perform("undo", id=one["id"], version=3)

    assert refused.value.details["rule"] == "dependency_cycle"


@pytest.mark.processes
def test_an_undo_below_itself_is_refused(perform: Perform) -> None:
    one = task(perform, "One")
    other = task(perform, "Other")
    perform("update_work_item", id=other["id"], version=1, parent_id=one["id"])
    perform("update_work_item", id=other["id"], version=2, clear=["parent_id"])
    perform("update_work_item", id=one["id"], version=1, parent_id=other["id"])

    with pytest.raises(Refused) as refused:
        perform("undo", id=other["id"], version=3)

    assert refused.value.details["rule"] == "dependency_cycle"


@pytest.mark.processes
def test_one_link_is_taken_back_while_a_later_one_stays(perform: Perform) -> None:
    one, other, third = task(perform, "One"), task(perform, "Other"), task(perform, "Third")
    perform("link_work_items", id=one["id"], kind="blocks", to_id=other["id"])
    perform("link_work_items", id=one["id"], kind="relates_to", to_id=third["id"])

    perform("undo", id=one["id"], version=2)

    links = perform("query_work_item", id=one["id"])["links"]
    assert [(link["kind"], link["to_id"]) for link in links] == [("relates_to", third["id"])]


def test_the_last_test_run_is_taken_back_and_no_longer_the_last_good_one(perform: Perform) -> None:
    good, bad = {"passing": 3, "total": 3, "skipped": 0}, {"passing": 1, "total": 3, "skipped": 0}
    done = perform("create_vendor", name="Acme")
    for release, results in (("1.0", good), ("1.1", bad), ("1.2", good)):
        done = perform(
            "update_vendor_status",
            id="acme",
            version=done["version"],
            extractor_version=release,
            test_results=results,
        )

    latest = perform("query_vendor_status", name="acme", include=["test_runs"])
    perform("undo", id="acme")
    now = perform("query_vendor_status", name="acme", include=["test_runs"])

    assert (latest["last_good"]["extractor_version"], now["last_good"]["extractor_version"]) == ("1.2", "1.0")
    assert [run["passing"] for run in now["test_runs"]] == [3, 1, 3]
    assert (now["test_results"]["passing"], now["extractor_version"]) == (1, "1.1")


def test_a_configuration_is_put_back(perform: Perform) -> None:
    perform("update_project_configuration", version=0, settings={"depth_limit": 2})

    perform("undo", id="configuration", version=1)

    assert perform("get_project_configuration")["settings"]["depth_limit"] == 5


def test_a_claim_is_never_undone(perform: Perform) -> None:
    item = task(perform, "One")
    perform("claim_work_item", action="claim", id=item["id"])

    with pytest.raises(Refused) as refused:
        perform("undo", id=item["id"], version=2)

    assert refused.value.details["rule"] == "nothing_to_undo"


@pytest.mark.parametrize(
    "wanted",
    [
        {"command": "0198c0de-0000-7000-8000-00000000dead"},
        {"position": 999},
        {"id": "w-00000", "version": 1},
        {"id": "nobody", "version": 1},
    ],
)
def test_what_is_not_known_is_not_found(perform: Perform, wanted: dict[str, Any]) -> None:
    task(perform, "One")

    with pytest.raises(NotFound):
        perform("undo", **wanted)


def test_a_version_that_is_not_there_is_a_conflict(perform: Perform) -> None:
    item = task(perform, "One")

    with pytest.raises(VersionConflict):
        perform("undo", id=item["id"], version=7)


def test_without_a_version_the_newest_change_of_an_entity_is_taken_back(perform: Perform) -> None:
    item = task(perform, "One")
    change(perform, item, title="Two", status="completed")

    perform("undo", id=item["id"])

    now = perform("query_work_item", id=item["id"])
    assert (now["title"], now["status"]) == ("One", "active")


@pytest.mark.parametrize("wanted", [{}, {"version": 1}, {"position": 1, "command": "x"}])
def test_what_is_to_be_undone_must_be_said_in_one_way(perform: Perform, wanted: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        perform("undo", **wanted)


@pytest.mark.processes
def test_a_move_and_its_undo_say_from_where_to_where(perform: Perform) -> None:
    first, second, child = (task(perform, title) for title in ("First", "Second", "Child"))
    change(perform, child, parent_id=first["id"])

    moved = change(perform, child, parent_id=second["ref"], priority=2)
    back = perform("undo", command=moved["command_id"])
    again = perform("undo", command=back["command_id"], command_id=str(uuid4()))
    [*_, line] = perform("changes_since", since=moved["position"] - 1)["items"]

    to_second = {"parent_id": {"old": first["ref"], "new": second["ref"]}, "priority": {"old": 3, "new": 2}}
    to_first = {name: {"old": value["new"], "new": value["old"]} for name, value in to_second.items()}
    assert (moved["changed"], back["changed"], again["changed"]) == (to_second, to_first, to_second)
    assert line["changed"] == to_second


@pytest.mark.processes
def test_an_undo_of_several_says_of_each_what_it_restored(perform: Perform) -> None:
    items = [task(perform, title) for title in ("One", "Two")]
    updates = [{"op": "update", "id": item["id"], "version": 1, "status": "blocked", "reason": "r"} for item in items]
    done = perform("bulk_work_items", items=updates)

    undone = perform("undo", command=done["command_id"])

    assert [item["changed"]["status"] for item in undone["items"]] == [{"old": "blocked", "new": "active"}] * 2


@pytest.mark.processes
def test_what_is_long_or_secret_is_named_without_its_value(perform: Perform) -> None:
    item = task(perform, "One")
    at = change(perform, item, description="d" * 500, title="Two")["position"]
    perform("claim_work_item", action="claim", id=item["id"], token="a-token-of-mine")

    revised, claimed = perform("changes_since", since=at - 1)["items"]

    assert (revised["fields"], revised["changed"]) == (
        ["title", "description"],
        {"title": {"old": "One", "new": "Two"}},
    )
    assert "claim" in claimed["fields"]
    assert "digest" not in str(claimed)
