"""Vendors: creation, partial updates, runs of tests, unique names."""

from typing import Any

from ledger.aggregates.vendor.commands import CreateVendor, UpdateVendor
from ledger.aggregates.vendor.decider import decider
from ledger.aggregates.vendor.events import (
    TestResults,
    VendorCreated,
    VendorRevised,
    VendorStatusChanged,
    VendorTestsReported,
)
from ledger.aggregates.vendor.state import Vendor
from ledger.envelope import UnknownFact
from ledger.errors import NotFound, NotUnique, VersionConflict
from ledger.values.revision import Change
from ledger.world import Holder
from tests.support.each import each
from tests.support.given import ENTITY, Given, given, numbered

DEPLOYMENT = numbered(1)
CREATED = VendorCreated(
    name="Acme Foods",
    status="broken",
    extractor_version="1.2.3",
    format_support={"excel": True, "csv": False, "pdf": False, "ocr": False},
    test_results=TestResults(passing=10, total=12, skipped=2),
    manifest_compliant=True,
    metadata={"region": "north"},
)


def vendor() -> Given:
    return given(decider).past(CREATED).around(known={"deployment": {DEPLOYMENT}})


def update(**fields: Any) -> UpdateVendor:
    return UpdateVendor(id=ENTITY, expected=1, fields=fields)


def run(deployment_id: str | None = None, **counts: int) -> UpdateVendor:
    return UpdateVendor(id=ENTITY, expected=1, test_results=TestResults(**counts), deployment_id=deployment_id)


def test_of_a_new_vendor_only_what_was_said_is_known() -> None:
    outcome = given(decider).when(CreateVendor(id=ENTITY, name="Acme", format_support={"pdf": True}))

    outcome.then_it_has(
        name="Acme",
        status=None,
        extractor_version=None,
        format_support={"pdf": True},
        test_results=None,
        manifest_compliant=None,
    )


def test_a_name_is_unique_whatever_its_case_and_the_stored_spelling_is_reported() -> None:
    history = given(decider).around(holder={("vendor_name", "acme"): Holder(id=numbered(9), label="Acme")})

    refusal = history.when(CreateVendor(id=ENTITY, name="ACME")).then_refused(
        NotUnique, field="name", stored="Acme", id=numbered(9)
    )
    assert "Acme" in refusal.message


def test_a_name_cannot_be_changed() -> None:
    vendor().when(update(name="Other")).then_invalid("name")


def test_a_vendor_that_does_not_exist_cannot_be_updated() -> None:
    given(decider).when(update(status="operational")).then_refused(NotFound, id=ENTITY)


def test_a_stale_writer_gets_both_versions() -> None:
    history = vendor().past(VendorStatusChanged(old="broken", new="operational"))

    history.when(update(extractor_version="2.0.0")).then_refused(VersionConflict, expected=1, actual=2)


def test_a_change_of_status_is_one_fact_with_whatever_else_changed() -> None:
    outcome = vendor().when(update(status="operational", extractor_version="1.3.0"))

    revised = {"extractor_version": Change("1.2.3", "1.3.0")}
    outcome.then(VendorStatusChanged(old="broken", new="operational", also=revised))
    outcome.then_it_has(status="operational", extractor_version="1.3.0")


def test_a_run_that_changes_the_status_is_one_fact() -> None:
    results = TestResults(passing=12, total=12, skipped=0)

    command = UpdateVendor(id=ENTITY, expected=1, fields={"status": "operational"}, test_results=results)
    outcome = vendor().when(command)

    changed = {"status": Change("broken", "operational")}
    outcome.then(VendorTestsReported(passing=12, total=12, skipped=0, also=changed))
    outcome.then_it_has(status="operational", test_results=results)


def test_what_is_the_same_already_is_not_recorded() -> None:
    vendor().when(update(status="broken", format_support={"excel": True}, metadata={})).then_nothing()


def test_formats_are_merged_never_replaced() -> None:
    outcome = vendor().when(update(format_support={"ocr": True}))

    outcome.then(VendorRevised(changes={"format_support.ocr": Change(False, True)}))
    outcome.then_it_has(format_support={"excel": True, "csv": False, "pdf": False, "ocr": True})


def test_metadata_is_merged_and_null_removes_a_key() -> None:
    outcome = vendor().when(update(metadata={"contact": "ada", "region": None}))

    outcome.then_it_has(metadata={"contact": "ada"})


@each("support", [{"xml": True}, {"excel": None}, {"excel": "yes"}])
def test_formats_are_four_and_each_is_true_or_false(support: dict[str, Any]) -> None:
    vendor().when(update(format_support=support)).then_invalid(f"format_support.{next(iter(support))}")


def test_clearing_all_formats_is_refused() -> None:
    vendor().when(update(format_support=None)).then_invalid("format_support")


@each("field", ["status", "extractor_version", "manifest_compliant"])
def test_what_turns_out_to_be_unknown_can_be_emptied(field: str) -> None:
    vendor().when(update(**{field: None})).then_it_has(**{field: None})


def test_a_run_is_reported_with_the_deployment_it_tested() -> None:
    outcome = vendor().when(run(DEPLOYMENT, passing=11, total=13, skipped=1))

    outcome.then(VendorTestsReported(passing=11, total=13, skipped=1, deployment_id=DEPLOYMENT))
    outcome.then_it_has(
        test_results=TestResults(passing=11, total=13, skipped=1), tested_deployment_id=DEPLOYMENT
    ).looking_at("existence")


def test_counts_a_run_leaves_out_are_those_of_the_run_before() -> None:
    vendor().when(run(passing=9)).then(VendorTestsReported(passing=9, total=12, skipped=2))


def test_a_run_with_the_same_counts_is_another_run() -> None:
    vendor().when(run(passing=10, total=12, skipped=2)).then(VendorTestsReported(passing=10, total=12, skipped=2))


def test_passing_and_skipped_are_never_more_than_total_after_the_merge() -> None:
    vendor().when(run(passing=11)).then_invalid("test_results.total")


def test_passing_and_skipped_are_never_more_than_total_at_creation() -> None:
    command = CreateVendor(id=ENTITY, name="Acme", test_results=TestResults(passing=3, total=3, skipped=1))

    given(decider).when(command).then_invalid("test_results.total")


def test_passing_and_skipped_may_be_all_there_is() -> None:
    vendor().when(run(passing=10, skipped=2)).then(VendorTestsReported(passing=10, total=12, skipped=2))


def test_a_first_run_says_what_it_knows_and_that_is_something() -> None:
    history = given(decider).past(VendorCreated(name="Imported"))

    history.when(run(passing=3, total=9)).then(VendorTestsReported(passing=3, total=9))
    history.when(run()).then_invalid("test_results")


def test_the_deployment_of_a_run_must_be_known() -> None:
    vendor().when(run(numbered(7), passing=9)).then_refused(NotFound, field="deployment_id", id=numbered(7))


def test_a_deployment_without_a_run_says_nothing() -> None:
    command = UpdateVendor(id=ENTITY, expected=1, deployment_id=DEPLOYMENT)

    vendor().when(command).then_invalid("deployment_id")


def test_all_faults_are_reported_at_once() -> None:
    command = UpdateVendor(
        id=ENTITY,
        expected=1,
        fields={"name": "Other", "format_support": {"xml": True}},
        test_results=TestResults(passing=99),
    )

    vendor().when(command).then_invalid("name", "format_support.xml", "test_results.total")


def test_what_an_import_did_not_say_stays_unknown() -> None:
    history = given(decider).past(VendorCreated(name="Imported"))

    history.when(update(status="operational")).then(VendorStatusChanged(new="operational")).then_it_has(
        extractor_version=None, format_support={}, test_results=None, manifest_compliant=None
    )


def test_an_unknown_fact_leaves_a_vendor_as_it_is() -> None:
    before = Vendor(name="Acme")

    assert decider.evolve(before, UnknownFact(type="VendorPainted", schema=1)) == before
