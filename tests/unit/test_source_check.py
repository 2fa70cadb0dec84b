"""What stands in no text was made up; what stands in it, however it is marked, was not."""

from ledger.aggregates.deployment.state import Deployment
from ledger.aggregates.enhancement.state import Enhancement
from ledger.aggregates.vendor.events import TestResults
from ledger.aggregates.vendor.state import Vendor
from projections.transfer.source_check import Text, deployment, enhancement, vendor

TEXT = Text("- **EP**SON_2: (8/012 tests) [XLSX] V1.2.3\n### PR #7 `84B0FB4` 45 passed\n- Read *faxes* (Q1 2026)\n")


def test_what_stands_in_the_text_is_supported() -> None:
    found = Vendor(
        name="epson_2",
        extractor_version="1.2.3",
        test_results=TestResults(passing=8, total=12),
        format_support={"excel": True, "ocr": False},
    )

    assert list(vendor(found, TEXT)) == []
    assert list(deployment(Deployment(commit_hash="84b0fb4", pr_number=7, test_summary={"passed": 45}), TEXT)) == []
    assert list(enhancement(Enhancement(title="Read faxes", target_quarter="2026-Q1"), TEXT)) == []


def test_what_stands_nowhere_is_named() -> None:
    made_up = Vendor(
        name="AMINA",
        extractor_version="0.0.0",
        test_results=TestResults(passing=8, total=12, skipped=5),
        format_support={"ocr": True},
    )

    assert [field for field, _ in vendor(made_up, TEXT)] == [
        "name",
        "extractor_version",
        "test_results.skipped",
        "format_support.ocr",
    ]
    filled = Deployment(commit_hash="a" * 40, pr_number=77, test_summary={"failed": 99})
    assert [field for field, _ in deployment(filled, TEXT)] == ["commit_hash", "pr_number", "test_summary.failed"]
    assert [field for field, _ in enhancement(Enhancement(title="Dark", target_quarter="2027-Q1"), TEXT)] == [
        "title",
        "target_quarter",
    ]
