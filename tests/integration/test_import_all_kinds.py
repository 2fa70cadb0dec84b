"""Vendors, deployments and enhancements of a source, imported into a real PostgreSQL."""

from collections.abc import Callable
from typing import Any

import pytest

from ledger.aggregates.vendor.events import TestResults
from ledger.importing.commands import ImportedDeployment, ImportedEnhancement, ImportedVendor
from projections.application.app import App
from projections.maintenance import current_report
from projections.reports import html_page, parse
from projections.reports import report as status_report
from projections.transfer.import_execution import Report, record_reading, report
from tests.conftest import Perform
from tests.support.import_builders import FULL_HASH, deployment, enhancement, reading, vendor

Imported = ImportedVendor | ImportedDeployment | ImportedEnhancement
Import = Callable[..., Report]


@pytest.fixture
def import_records(app: App) -> Import:
    """import_records(vendor(...), deployment(...), source="notes") -> the report of importing what a source states."""

    def run(*records: Imported, source: str = "notes", **more: Any) -> Report:
        given = reading(*records)
        return report(given, record_reading(app.live_view(), source, given, **more))

    return run


def events(app: App) -> list[tuple[str, str]]:
    return [(event.type, event.by) for event in app.store.read_all()]


def warned(records: Report) -> dict[str, list[str]]:
    return {warning["kind"]: warning["examples"] for warning in records["warnings"]}


def test_all_kinds_are_recorded_at_once_by_whom_and_when_the_source_says(
    import_records: Import, app: App, perform: Perform
) -> None:
    results = TestResults(passing=8, total=8)

    records = import_records(
        vendor(status="operational", test_results=results), deployment(vendors=("epson",)), enhancement()
    )

    assert (records["found"], records["taken"], records["created"], records["events"]) == (3, 3, 3, 3)
    assert len({event.command_id for event in app.store.read_all()}) == 1
    one = perform("query_vendor_status", name="EPSON")
    assert (one["created_by"], one["created_at"]) == ("ann", "2026-03-01T10:00:00.000000Z")
    assert (one["status"], one["test_results"]["passing"], one.get("extractor_version")) == ("operational", 8, None)
    [deployed] = perform("query_deployments")["items"]
    assert deployed["vendor_ids"] == [one["id"]]
    [planned] = perform("list_enhancements")["items"]
    assert (planned["title"], planned["status"]) == ("Read faxes", None)


def test_what_the_source_does_not_say_is_reported_and_not_made_up(import_records: Import) -> None:
    records = import_records(vendor("x/y"), deployment(commit_hash="84b0fb4"))

    assert warned(records)["not_stated"] == [
        "vendor x/y: status, extractor_version, format_support, test_results, manifest_compliant",
        "deployment #7: deployed_at, test_summary, constitutional_compliance",
    ]
    assert warned(records)["name_not_allowed_today"] == ["vendor x/y"]
    assert warned(records)["hash_not_of_40_hex_digits"] == ["deployment #7: 84b0fb4"]


def test_importing_the_same_again_records_nothing(import_records: Import, app: App) -> None:
    same = (vendor(status="broken"), deployment(vendors=("EPSON", "gone"), work_items=("T1",)), enhancement())
    import_records(*same)
    before = events(app)

    records = import_records(*same)

    assert (records["events"], records["unchanged"], events(app)) == (0, 3, before)


def test_two_states_of_a_source_become_the_events_between_them(import_records: Import, app: App) -> None:
    import_records(vendor(status="broken", metadata={"a": 1}), deployment(), enhancement(status="planned"))

    import_records(
        vendor(day=3, status="operational", test_results=TestResults(passing=1, total=2), metadata={"b": 2}),
        deployment(day=4, pr_title="Read it all"),
        enhancement(day=5, status="approved", priority=2),
    )

    assert [event.type for event in app.store.read_all(after=3)] == [
        "VendorTestsReported",
        "DeploymentAmended",
        "EnhancementStatusChanged",
    ]


def test_what_was_changed_here_since_stays(import_records: Import, perform: Perform) -> None:
    import_records(vendor(status="operational", extractor_version="1.0"))
    perform("update_vendor_status", name="EPSON", version=1, extractor_version="9.9")

    records = import_records(vendor(day=2, status="broken", extractor_version="2.0"))

    one = perform("query_vendor_status", name="EPSON")
    assert (one["status"], one["extractor_version"]) == ("broken", "9.9")
    assert warned(records)["changed_on_both_sides"] == ["vendor EPSON: extractor_version"]


def test_two_sources_do_not_overwrite_each_other(import_records: Import, app: App, perform: Perform) -> None:
    import_records(vendor(status="operational"), source="one")
    records = import_records(vendor(day=2, status="broken", extractor_version="2.0"), source="two")
    before = events(app)

    again = import_records(vendor(status="operational"), source="one")

    one = perform("query_vendor_status", name="EPSON")
    assert (one["status"], one["extractor_version"]) == ("operational", "2.0")
    assert warned(records)["differs_here"] == ["vendor EPSON: status"]
    assert (again["events"], events(app)) == (0, before)


def test_a_deployment_known_by_the_beginning_of_its_hash_gets_the_whole_one(
    import_records: Import, perform: Perform
) -> None:
    import_records(deployment(commit_hash="84b0fb4"), source="one")

    import_records(deployment("other", day=2), source="two")
    records = import_records(deployment(commit_hash="84b0fb4"), source="one")

    [deployed] = perform("query_deployments")["items"]
    assert (deployed["commit_hash"], records["events"]) == (FULL_HASH, 0)


def test_one_stated_twice_is_taken_once(import_records: Import) -> None:
    records = import_records(vendor("EPSON"), vendor("Epson"), deployment("a"), deployment("a"))

    assert (records["found"], records["taken"], records["created"]) == (4, 2, 2)
    assert records["not_taken"] == [{"kind": "repeated_record", "count": 2, "where": ["vendor Epson", "deployment a"]}]


def test_what_is_linked_and_absent_is_kept_in_its_words(import_records: Import, perform: Perform) -> None:
    records = import_records(deployment(vendors=("EPSON", "gone"), work_items=("T1",)), vendor())

    [deployed] = perform("query_deployments")["items"]
    assert len(deployed["vendor_ids"]) == 1
    assert deployed["metadata"] == {"vendors": ["gone"], "work_items": ["T1"]}
    assert warned(records)["link_kept_as_text"] == ["#7 -> gone", "#7 -> T1"]


def test_enhancements_that_wait_for_each_other_are_linked(import_records: Import, perform: Perform) -> None:
    import_records(enhancement("one", needs=("two",)), enhancement("two"))

    listed = {one["title"]: one for one in perform("list_enhancements")["items"]}
    assert listed["one"]["depends_on"] == [listed["two"]["id"]]


def test_what_was_withdrawn_here_stays_withdrawn(import_records: Import, app: App, perform: Perform) -> None:
    import_records(vendor(status="broken"))
    perform("undo", command=str(next(app.store.read_all()).command_id))

    records = import_records(vendor(day=2, status="operational"))

    assert (records["events"], warned(records)["withdrawn_here"]) == (0, ["vendor EPSON"])


def test_a_dry_run_tells_the_same_and_records_nothing(import_records: Import, app: App) -> None:
    planned = import_records(vendor(), deployment(), dry_run=True)

    assert events(app) == []
    assert planned == import_records(vendor(), deployment()) | {"position": None}


def test_what_was_made_here_is_found_by_name_and_title(import_records: Import, perform: Perform) -> None:
    perform("create_vendor", name="epson", status="operational")
    perform("record_enhancement", title="READ FAXES", description="d", priority=2, principles=[])

    records = import_records(vendor("EPSON", status="operational"), enhancement("Read faxes", description="d"))

    assert (records["created"], records["taken"]) == (0, 2)
    assert perform("list_enhancements")["total_count"] == 1


@pytest.mark.processes
def test_a_report_of_records_that_sources_state_half_of_is_whole(import_records: Import, app: App) -> None:
    import_records(
        vendor("A", test_results=TestResults(passing=8, total=9)),
        vendor("B", test_results=TestResults(skipped=1)),
        vendor("C", format_support={"pdf": True}),
        deployment("#1", commit_hash=None, pr_number=None, pr_title=None),
        deployment("#2", deployed_at="2026-03-01T00:00:00.000000Z"),
        enhancement("e"),
    )

    with app.tables.snapshot() as snapshot:
        document = current_report.document_in(app.live_view(), snapshot)
        page = html_page.page(snapshot, app.store, document)
    text = status_report.with_ids(document)

    assert "8 of 9, ? skipped" in text
    assert parse.parse(text)["vendor_health"]["total_vendors"] == 3
    assert "8 of 9" in page


def test_two_deployments_of_one_commit_and_pull_request_are_one(import_records: Import, perform: Perform) -> None:
    records = import_records(
        deployment("a", commit_hash="84b0fb4"), deployment("b"), deployment("c", redeployment=True)
    )

    assert [entry["where"] for entry in records["not_taken"]] == [["deployment b"]]
    assert perform("query_deployments")["total_count"] == 2
