"""Deployments through the operations, on a real PostgreSQL."""

from datetime import timedelta
from typing import Any

import pytest

from ledger.errors import Invalid, NotFound, NotUnique, VersionConflict
from ledger.values.moment import text
from projections.application.app import App
from tests.conftest import Perform

NOWHERE = "00000000-0000-4000-8000-000000000000"


def deployment(number: int = 123, **more: Any) -> dict[str, Any]:
    """The arguments of a deployment; each number has a commit of its own."""
    return {
        "deployed_at": "2026-01-15T10:00:00Z",
        "commit_hash": f"{number:07x}" + "a" * 33,
        "pr_number": number,
        "pr_title": f"Pull request {number}",
        "test_summary": {"passed": 45, "failed": 0, "skipped": 2},
        "constitutional_compliance": True,
    } | more


def test_a_deployment_reads_back_whole_with_what_it_touched(perform: Perform) -> None:
    vendors = [perform("create_vendor", name=name) for name in ("Acme", "Beta")]
    items = [perform("create_work_item", item_type="task", title=title) for title in ("One", "Two")]
    made = perform(
        "record_deployment",
        **deployment(
            deployed_at="2026-01-15T11:00:00+01:00",
            vendor_ids=["acme", vendors[1]["ref"]],
            work_item_ids=[items[0]["ref"], items[1]["id"]],
            environment="production",
            metadata={"approved_by": "QA"},
        ),
    )

    found = perform("query_deployments", id=made["ref"])

    assert made.keys() == {"outcome", "id", "ref", "version", "position", "command_id"}
    assert (found["id"], found["ref"], found["version"]) == (made["id"], made["ref"], 1)
    assert found["deployed_at"] == "2026-01-15T10:00:00.000000Z"
    assert (found["pr_number"], found["pr_title"]) == (123, "Pull request 123")
    assert found["test_summary"] == {"passed": 45, "failed": 0, "skipped": 2}
    assert (found["constitutional_compliance"], found["environment"]) == (True, "production")
    assert found["metadata"] == {"approved_by": "QA"}
    assert found["vendor_ids"] == [vendor["id"] for vendor in vendors]
    assert found["vendors"] == [
        {"id": vendor["id"], "ref": vendor["ref"], "name": name}
        for vendor, name in zip(vendors, ("Acme", "Beta"), strict=True)
    ]
    assert found["work_item_ids"] == [item["id"] for item in items]
    assert found["work_items"] == [
        {"id": item["id"], "ref": item["ref"], "title": title}
        for item, title in zip(items, ("One", "Two"), strict=True)
    ]


def test_both_links_are_readable_from_both_sides(perform: Perform) -> None:
    perform("create_vendor", name="Acme")
    item = perform("create_work_item", item_type="task", title="One")
    made = perform("record_deployment", **deployment(vendor_ids=["Acme"], work_item_ids=[item["id"]]))
    perform("record_deployment", **deployment(124))

    of_vendor = perform("query_deployments", vendor="ACME")
    of_item = perform("query_deployments", work_item=item["ref"])
    beside = perform("query_work_item", id=item["id"], include=["deployments"])["deployments"]

    assert [found["id"] for found in of_vendor["items"]] == [made["id"]]
    assert [found["id"] for found in of_item["items"]] == [made["id"]]
    assert [(found["id"], found["ref"], found["pr_number"]) for found in beside] == [(made["id"], made["ref"], 123)]


def test_the_same_deployment_twice_answers_the_first(perform: Perform) -> None:
    first = perform("record_deployment", **deployment())

    again = perform("record_deployment", **deployment(pr_title="Another title"))

    assert again == first | {"repeated": True}
    assert perform("query_deployments")["total_count"] == 1


def test_another_environment_is_another_deployment(perform: Perform) -> None:
    perform("record_deployment", **deployment(environment="staging"))

    perform("record_deployment", **deployment(environment="production"))

    assert perform("query_deployments")["total_count"] == 2


def test_a_redeployment_is_recorded_beside_the_first(perform: Perform) -> None:
    first = perform("record_deployment", **deployment())

    again = perform("record_deployment", **deployment(redeployment=True))

    assert again["id"] != first["id"]
    assert perform("query_deployments")["total_count"] == 2


def test_everything_unknown_is_named_at_once(perform: Perform) -> None:
    with pytest.raises(NotFound) as refused:
        perform("record_deployment", **deployment(vendor_ids=["Nobody", NOWHERE], work_item_ids=["w-00000"]))

    assert sorted((link["field"], link["id"]) for link in refused.value.details["items"]) == [
        ("vendor_ids", NOWHERE),
        ("vendor_ids", "Nobody"),
        ("work_item_ids", "w-00000"),
    ]
    assert perform("query_deployments")["total_count"] == 0


def test_unknown_ids_alone_are_named_at_once_too(perform: Perform) -> None:
    with pytest.raises(NotFound) as refused:
        perform("record_deployment", **deployment(vendor_ids=[NOWHERE], work_item_ids=[NOWHERE]))

    assert {link["field"] for link in refused.value.details["items"]} == {"vendor_ids", "work_item_ids"}


def test_a_vendor_named_twice_is_linked_once(perform: Perform) -> None:
    vendor = perform("create_vendor", name="Acme")

    made = perform("record_deployment", **deployment(vendor_ids=["acme", vendor["id"]]), detail=True)

    assert made["vendor_ids"] == [vendor["id"]]


def test_a_time_more_than_five_minutes_ahead_is_refused(perform: Perform, app: App) -> None:
    ahead = text(app.clock() + timedelta(minutes=6))

    with pytest.raises(Invalid) as refused:
        perform("record_deployment", **deployment(deployed_at=ahead))

    assert [fault["field"] for fault in refused.value.details["fields"]] == ["deployed_at"]


def test_a_clock_that_runs_four_minutes_ahead_is_accepted(perform: Perform, app: App) -> None:
    ahead = text(app.clock() + timedelta(minutes=4))

    assert perform("record_deployment", **deployment(deployed_at=ahead))["version"] == 1


def test_all_faults_of_a_deployment_are_named_at_once(perform: Perform) -> None:
    with pytest.raises(Invalid) as refused:
        perform(
            "record_deployment",
            deployed_at="2026-01-15T10:00:00",
            commit_hash="84b0fb4",
            pr_number=0,
            pr_title=" ",
            test_summary={"passed": -1},
            constitutional_complience=True,
        )

    assert {fault["field"] for fault in refused.value.details["fields"]} == {
        "deployed_at",
        "commit_hash",
        "pr_number",
        "pr_title",
        "test_summary.passed",
        "constitutional_complience",
    }


def test_an_amendment_merges_and_replaces_links_only(perform: Perform) -> None:
    perform("create_vendor", name="Acme")
    beta = perform("create_vendor", name="Beta")
    made = perform("record_deployment", **deployment(vendor_ids=["Acme"], environment="staging", metadata={"a": 1}))

    amended = perform(
        "amend_deployment",
        id=made["ref"],
        version=1,
        changes={
            "vendor_ids": ["Beta"],
            "test_summary": {"failed": 1, "skipped": None},
            "environment": None,
            "metadata": {"b": 2},
        },
        detail=True,
    )

    assert (amended["version"], amended["pr_title"]) == (2, "Pull request 123")
    assert amended["vendors"] == [{"id": beta["id"], "ref": beta["ref"], "name": "Beta"}]
    assert amended["test_summary"] == {"passed": 45, "failed": 1}
    assert (amended["environment"], amended["metadata"]) == (None, {"a": 1, "b": 2})
    assert perform("query_deployments", vendor="Acme")["items"] == []


def test_an_amendment_of_an_old_version_is_refused(perform: Perform) -> None:
    made = perform("record_deployment", **deployment())
    perform("amend_deployment", id=made["id"], version=1, changes={"pr_title": "Corrected"})

    with pytest.raises(VersionConflict):
        perform("amend_deployment", id=made["id"], version=1, changes={"pr_title": "Corrected otherwise"})

    assert perform("query_deployments", id=made["id"])["pr_title"] == "Corrected"


def test_an_amendment_cannot_become_another_deployment(perform: Perform) -> None:
    first = perform("record_deployment", **deployment(1))
    second = perform("record_deployment", **deployment(2))

    with pytest.raises(NotUnique):
        same = {"commit_hash": deployment(1)["commit_hash"], "pr_number": 1}
        perform("amend_deployment", id=second["id"], version=1, changes=same)

    assert perform("query_deployments", pr_number=1)["items"][0]["id"] == first["id"]


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"pr_number": 2**31}, {"changes.pr_number"}),
        ({"pr_number": 0, "titel": "misspelt"}, {"changes.pr_number", "changes.titel"}),
        ({"test_summary": {"failed": -1}}, {"changes.test_summary.failed"}),
        ({"vendor_ids": ["v-"], "work_item_ids": ["?"]}, {"changes.work_item_ids"}),
        ({"deployed_at": "2999-01-01T00:00:00Z"}, {"changes.deployed_at"}),
        ("nothing", {"changes"}),
    ],
    ids=["too large", "their own", "deeper", "names", "the future", "no object"],
)
def test_faults_of_an_amendment_are_named_by_their_whole_path(perform: Perform, changes: Any, fields: set[str]) -> None:
    made = perform("record_deployment", **deployment())

    with pytest.raises(Invalid) as refused:
        perform("amend_deployment", id=made["id"], version=1, changes=changes)

    assert {fault["field"] for fault in refused.value.details["fields"]} == fields


def test_an_amendment_may_come_as_its_json_text(perform: Perform) -> None:
    made = perform("record_deployment", **deployment())

    amended = perform("amend_deployment", id=made["id"], version=1, changes='{"pr_title": "As text"}', detail=True)

    assert amended["pr_title"] == "As text"


def test_deployments_are_found_by_time_commit_pull_request_and_environment(perform: Perform) -> None:
    for day in (1, 2, 3):
        perform("record_deployment", **deployment(day, deployed_at=f"2026-01-0{day}T00:00:00Z", environment=f"e{day}"))

    def found(**filters: Any) -> list[int]:
        return [one["pr_number"] for one in perform("query_deployments", **filters)["items"]]

    assert found() == [3, 2, 1]
    assert found(**{"from": "2026-01-02T00:00:00Z"}) == [3, 2]
    assert found(to="2026-01-02T01:00:00+01:00") == [2, 1]
    assert found(**{"from": "2026-01-02T00:00:00Z", "to": "2026-01-02T23:00:00Z"}) == [2]
    assert found(commit="0000002") == [2]
    assert found(commit=deployment(2)["commit_hash"]) == [2]
    assert found(pr_number=3) == [3]
    assert found(environment="e1") == [1]
    assert found(environment="e1", pr_number=3) == []


def test_a_beginning_of_fewer_than_seven_digits_is_refused(perform: Perform) -> None:
    with pytest.raises(Invalid):
        perform("query_deployments", commit="84b0fb")


def test_a_question_for_one_deployment_takes_no_filter_of_the_list(perform: Perform) -> None:
    made = perform("record_deployment", **deployment())

    with pytest.raises(Invalid) as refused:
        perform("query_deployments", id=made["id"], pr_number=123, **{"from": "2026-01-01T00:00:00Z"})

    assert {fault["field"] for fault in refused.value.details["fields"]} == {"from", "pr_number"}


def test_the_pages_together_are_all_deployments_newest_first(perform: Perform) -> None:
    for number in range(1, 6):
        perform("record_deployment", **deployment(number, deployed_at=f"2026-01-0{(number + 1) // 2}T00:00:00Z"))

    seen, cursor = [], None
    while True:
        page = perform("query_deployments", limit=2, cursor=cursor)
        seen += [(one["deployed_at"], one["id"]) for one in page["items"]]
        cursor = page["next_cursor"]
        if not page["has_more"]:
            break

    assert (seen, len(set(seen)), page["total_count"]) == (sorted(seen, reverse=True), 5, 5)


def test_repeating_a_command_id_answers_again_and_records_nothing(perform: Perform) -> None:
    command = "0198c0de-0000-7000-8000-000000000002"
    first = perform("record_deployment", **deployment(redeployment=True), command_id=command)

    again = perform("record_deployment", **deployment(redeployment=True), command_id=command)

    assert again == first | {"repeated": True}
    assert perform("query_deployments")["total_count"] == 1


def test_what_is_not_known_of_a_deployment_stays_unknown(perform: Perform) -> None:
    made = perform("record_deployment", pr_number=41, detail=True)

    unknown = ("deployed_at", "commit_hash", "pr_title", "constitutional_compliance", "environment")
    assert [made[name] for name in unknown] == [None] * len(unknown)
    assert made["test_summary"] == {}


def test_a_deployment_is_made_unknown_again_where_it_had_been_guessed(perform: Perform) -> None:
    made = perform("record_deployment", pr_number=41, constitutional_compliance=True)

    changed = perform(
        "amend_deployment", id=made["id"], version=1, changes={"constitutional_compliance": None}, detail=True
    )

    assert changed["constitutional_compliance"] is None
