"""Vendors through the operations, on a real PostgreSQL."""

import pytest

from ledger.errors import Invalid, NotFound, NotUnique, Refused, VersionConflict
from tests.conftest import Perform

COMMIT = "84b0fb4" + "0" * 33


def test_of_a_new_vendor_nothing_is_known_that_was_not_said(perform: Perform) -> None:
    made = perform("create_vendor", name="Acme")

    vendor = perform("query_vendor_status", name="Acme")

    assert {name: vendor[name] for name in ("id", "ref", "version", "name", "status", "created_by")} == {
        "id": made["id"],
        "ref": made["ref"],
        "version": 1,
        "name": "Acme",
        "status": None,
        "created_by": "tester",
    }
    assert vendor["format_support"] == {"excel": None, "csv": None, "pdf": None, "ocr": None}
    unknown = ("extractor_version", "test_results", "manifest_compliant")
    assert [vendor[name] for name in unknown] == [None, None, None]
    assert vendor["metadata"] == {}


@pytest.mark.processes
def test_one_of_45_vendors_is_found_by_its_name_in_any_spelling(perform: Perform) -> None:
    for number in range(44):
        perform("create_vendor", name=f"Vendor {number}")
    perform(
        "create_vendor",
        name="Eurofins Agro",
        status="operational",
        extractor_version="1.2.3",
        format_support={"excel": True},
        test_results={"passing": 10, "total": 12, "skipped": 2},
        manifest_compliant=True,
    )

    vendor = perform("query_vendor_status", name=" eUROFINS aGRO ")

    assert (vendor["name"], vendor["status"], vendor["extractor_version"]) == ("Eurofins Agro", "operational", "1.2.3")
    assert vendor["test_results"] == {"passing": 10, "total": 12, "skipped": 2}
    assert (vendor["format_support"]["excel"], vendor["manifest_compliant"]) == (True, True)


def test_an_id_a_reference_and_a_name_mean_the_same_vendor(perform: Perform) -> None:
    made = perform("create_vendor", name="Acme")
    perform("create_vendor", name="Other")

    by_name = perform("query_vendor_status", name="acme")

    assert perform("query_vendor_status", id=made["id"]) == by_name
    assert perform("query_vendor_status", id=made["ref"]) == by_name
    assert perform("query_vendor_status", id="ACME") == by_name


def test_a_vendor_whose_name_looks_like_a_reference_is_found_by_that_name(perform: Perform) -> None:
    made = perform("create_vendor", name="v-12345")

    assert perform("query_vendor_status", id="V-12345")["id"] == made["id"]


def test_a_name_that_is_taken_in_another_spelling_is_refused_with_the_stored_one(perform: Perform) -> None:
    perform("create_vendor", name="Acme Labs")

    with pytest.raises(NotUnique) as refused:
        perform("create_vendor", name="ACME labs")

    assert refused.value.details["stored"] == "Acme Labs"
    assert perform("query_vendor_status")["total_count"] == 1


def test_an_update_is_merged_and_replaces_nothing_it_does_not_name(perform: Perform) -> None:
    perform(
        "create_vendor",
        name="Acme",
        format_support={"excel": True},
        test_results={"passing": 10, "total": 12, "skipped": 2},
        metadata={"kept": 1, "gone": 2},
    )

    updated = perform(
        "update_vendor_status",
        name="ACME",
        version=1,
        format_support={"pdf": True},
        test_results={"passing": 9},
        metadata={"gone": None, "new": 3},
        detail=True,
    )

    assert updated["format_support"] == {"excel": True, "csv": None, "pdf": True, "ocr": None}
    assert updated["test_results"] == {"passing": 9, "total": 12, "skipped": 2}
    assert updated["metadata"] == {"kept": 1, "new": 3}
    assert (updated["name"], updated["outcome"]) == ("Acme", "committed")


def test_a_run_names_the_deployment_it_tested(perform: Perform) -> None:
    perform("create_vendor", name="Acme", test_results={"passing": 1, "total": 2, "skipped": 0})
    deployment = perform(
        "record_deployment",
        deployed_at="2026-01-01T00:00:00Z",
        commit_hash=COMMIT,
        pr_number=1,
        pr_title="Ship it",
        test_summary={},
        constitutional_compliance=True,
    )

    updated = perform(
        "update_vendor_status",
        id="acme",
        version=1,
        test_results={"passing": 2},
        deployment_id=deployment["ref"],
        detail=True,
    )

    assert updated["tested_deployment_id"] == deployment["id"]


def test_counts_that_exceed_the_total_are_refused_also_when_merged(perform: Perform) -> None:
    perform("create_vendor", name="Acme", test_results={"passing": 1, "total": 2, "skipped": 1})

    with pytest.raises(Invalid) as refused:
        perform("update_vendor_status", name="Acme", version=1, test_results={"passing": 2})

    assert [fault["field"] for fault in refused.value.details["fields"]] == ["test_results.total"]


def test_a_stale_writer_gets_both_versions_and_the_first_write_stays(perform: Perform) -> None:
    perform("create_vendor", name="Acme")
    perform("update_vendor_status", name="Acme", version=1, status="operational")

    with pytest.raises(VersionConflict) as refused:
        perform("update_vendor_status", name="Acme", version=1, extractor_version="2.0.0")

    assert (refused.value.details["expected"], refused.value.details["actual"]) == (1, 2)
    vendor = perform("query_vendor_status", name="Acme")
    assert (vendor["status"], vendor["extractor_version"], vendor["version"]) == ("operational", None, 2)


def test_an_unknown_name_is_not_found(perform: Perform) -> None:
    with pytest.raises(NotFound):
        perform("query_vendor_status", name="Nobody")
    with pytest.raises(NotFound):
        perform("update_vendor_status", id="Nobody", version=1, status="broken")


def test_an_update_names_its_vendor_once(perform: Perform) -> None:
    made = perform("create_vendor", name="Acme")

    with pytest.raises(Invalid):
        perform("update_vendor_status", version=1, status="broken")
    with pytest.raises(Invalid):
        perform("update_vendor_status", id=made["id"], name="Acme", version=1, status="broken")


def test_a_question_for_one_vendor_takes_no_filter_of_the_list(perform: Perform) -> None:
    with pytest.raises(Invalid) as refused:
        perform("query_vendor_status", id="Acme", name="Acme", status="broken")

    assert [fault["field"] for fault in refused.value.details["fields"]] == ["name", "status"]


def test_all_faults_of_a_vendor_are_named_at_once(perform: Perform) -> None:
    with pytest.raises(Invalid) as refused:
        perform(
            "create_vendor",
            name="Acme & Sons",
            status="fine",
            extractor_version="",
            format_support={"word": True, "csv": "perhaps"},
            test_results={"passing": -1},
        )

    assert {fault["field"] for fault in refused.value.details["fields"]} == {
        "name",
        "status",
        "extractor_version",
        "format_support.word",
        "format_support.csv",
        "test_results.passing",
    }


def test_objects_may_come_as_their_json_text(perform: Perform) -> None:
    made = perform("create_vendor", name="Acme", format_support='{"csv": true}', detail=True)

    assert made["format_support"]["csv"] is True


def test_the_list_is_filtered_by_status_and_format(perform: Perform) -> None:
    perform("create_vendor", name="A", status="operational", format_support={"pdf": True})
    perform("create_vendor", name="B", status="operational")
    perform("create_vendor", name="C", format_support={"pdf": True})

    found = perform("query_vendor_status", status="operational", format="pdf")

    assert [vendor["name"] for vendor in found["items"]] == ["A"]
    assert (found["total_count"], found["returned"], found["has_more"], found["next_cursor"]) == (1, 1, False, None)


def test_a_format_that_is_lost_is_no_longer_found(perform: Perform) -> None:
    perform("create_vendor", name="A", format_support={"pdf": True})

    perform("update_vendor_status", name="A", version=1, format_support={"pdf": False})

    assert perform("query_vendor_status", format="pdf")["items"] == []


def test_the_pages_together_are_all_vendors_by_name(perform: Perform) -> None:
    for name in ("delta", "Alpha", "charlie", "Bravo", "echo"):
        perform("create_vendor", name=name)

    seen, cursor = [], None
    while True:
        page = perform("query_vendor_status", limit=2, cursor=cursor)
        seen += [vendor["name"] for vendor in page["items"]]
        cursor = page["next_cursor"]
        if not page["has_more"]:
            break

    assert (seen, page["total_count"]) == (["Alpha", "Bravo", "charlie", "delta", "echo"], 5)


def test_a_cursor_of_another_list_is_refused(perform: Perform) -> None:
    for number in range(2):
        perform("create_work_item", item_type="task", title=f"Item {number}")
    cursor = perform("list_work_items", limit=1)["next_cursor"]

    with pytest.raises(Invalid):
        perform("query_vendor_status", cursor=cursor)


def test_a_break_is_recorded_with_the_time_it_happened_and_the_last_good_state_is_reported(perform: Perform) -> None:
    good = {"status": "operational", "extractor_version": "1.8.0", "happened_at": "2026-11-19T12:00:00Z"}
    perform("create_vendor", name="Acme", **good)
    perform(
        "update_vendor_status",
        name="Acme",
        version=1,
        status="broken",
        test_results={"passing": 3, "total": 9},
        happened_at="2026-11-20T08:30:00+01:00",
    )

    vendor = perform("query_vendor_status", name="Acme", include=["test_runs"])
    (broken,) = perform("query_vendor_status", broke_since=0)["items"]

    assert vendor["test_results"] == {"passing": 3, "total": 9, "skipped": None}
    assert vendor["test_runs"][0]["at"] == broken["broke_at"] == "2026-11-20T07:30:00.000000Z"
    assert {name: broken["last_good"][name] for name in ("extractor_version", "version", "tested")} == {
        "extractor_version": "1.8.0",
        "version": 1,
        "tested": False,
    }
    assert vendor["last_good"] == broken["last_good"]


def test_nothing_happens_in_the_future(perform: Perform) -> None:
    perform("create_vendor", name="Acme")

    with pytest.raises(Invalid) as refused:
        perform("update_vendor_status", name="Acme", version=1, status="broken", happened_at="2999-01-01T00:00:00Z")

    assert [fault["field"] for fault in refused.value.details["fields"]] == ["happened_at"]


def test_what_was_good_after_a_break_was_not_the_last_good_state_before_it(perform: Perform) -> None:
    broken = {"status": "broken", "happened_at": "2026-11-20T08:30:00Z"}
    passed = {"test_results": {"passing": 2, "total": 2}}
    perform("create_vendor", name="Acme", status="operational", extractor_version="1.8.0", **passed)
    perform("update_vendor_status", name="Acme", version=1, **broken)
    unknown = perform("query_vendor_status", name="Acme", include=["test_runs"])["last_good"]
    for version, (release, day) in enumerate((("1.6.0", "18"), ("1.9.0", "21")), start=2):
        done = {"extractor_version": release, "happened_at": f"2026-11-{day}T00:00:00Z", **passed}
        perform("update_vendor_status", name="Acme", version=version, **done)

    known = perform("query_vendor_status", name="Acme", include=["test_runs"])["last_good"]
    since = perform("query_vendor_status", broke_since=0)["items"][0]["last_good"]
    perform(
        "update_vendor_status",
        name="Acme",
        version=perform("query_vendor_status", name="Acme")["version"],
        status="operational",
        happened_at="2026-11-22T00:00:00Z",
    )
    repaired = perform("query_vendor_status", broke_since=0)["items"][0]["last_good"]

    assert unknown is None
    assert (known["at"], known["extractor_version"]) == ("2026-11-18T00:00:00.000000Z", "1.6.0")
    assert known == since == repaired


@pytest.mark.parametrize("change", [{"status": "operational"}, {"test_results": {"passing": 4, "total": 9}}])
def test_an_older_state_does_not_replace_a_newer_one(perform: Perform, change: dict[str, object]) -> None:
    broken = {"status": "broken", "test_results": {"passing": 3, "total": 9}, "happened_at": "2026-11-20T08:30:00Z"}
    perform("create_vendor", name="Acme")
    sent = {"name": "Acme", "version": 1, "command_id": "a" * 8 + "-0000-4000-8000-000000000000", **broken}
    perform("update_vendor_status", **sent)
    at = perform("query_vendor_status", name="Acme")["version"]

    with pytest.raises(Refused) as refused:
        perform("update_vendor_status", name="Acme", version=at, happened_at="2026-11-20T08:00:00Z", **change)

    assert refused.value.details["rule"] == "out_of_order"
    assert "2026-11-20T08:00:00.000000Z lies before 2026-11-20T08:30:00.000000Z" in refused.value.message
    assert "comment" in refused.value.next_step
    later = perform("update_vendor_status", name="Acme", version=at, happened_at="2026-11-20T09:00:00Z", **change)
    assert (later["outcome"], perform("update_vendor_status", **sent)["repeated"]) == ("committed", True)


def test_a_report_that_was_taken_back_orders_nothing(perform: Perform) -> None:
    perform("create_vendor", name="Acme", status="operational", happened_at="2026-11-19T00:00:00Z")
    perform("update_vendor_status", name="Acme", version=1, status="broken", happened_at="2026-11-21T00:00:00Z")
    perform("undo", id="acme")
    perform("update_vendor_status", name="Acme", version=3, status="broken", happened_at="2026-11-20T00:00:00Z")
    perform("update_vendor_status", name="Acme", version=4, status="operational")
    perform("undo", id="acme")

    vendor = perform("query_vendor_status", name="Acme", include=["test_runs"])

    assert (vendor["status"], vendor["last_good"]["at"]) == ("broken", "2026-11-19T00:00:00.000000Z")
