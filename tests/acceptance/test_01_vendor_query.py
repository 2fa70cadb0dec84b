"""Scenario 1: among 45 vendors, one is asked for by name, and what is known of it is answered."""

from collections.abc import Callable

import pytest

from tests.support.mcp_client import McpClient

VENDORS = 45


@pytest.mark.processes
def test_one_of_45_vendors_is_read_by_its_name(connect: Callable[[str], McpClient]) -> None:
    assistant = connect("claude-code")
    for number in range(1, VENDORS):
        assistant.call("create_vendor", name=f"Vendor {number:02}", status="broken")
    assistant.call(
        "create_vendor",
        name="Epson Print",
        status="operational",
        extractor_version="1.2.3",
        format_support={"excel": True, "csv": False, "pdf": False, "ocr": False},
        test_results={"passing": 10, "total": 12, "skipped": 2},
        manifest_compliant=True,
    )

    vendor = assistant.call("query_vendor_status", name="epson print")
    everybody = assistant.call("query_vendor_status")

    assert vendor["name"] == "Epson Print"
    assert vendor["status"] == "operational"
    results = vendor["test_results"]
    assert (results["passing"], results["total"], results["skipped"]) == (10, 12, 2)
    assert vendor["format_support"] == {"excel": True, "csv": False, "pdf": False, "ocr": False}
    assert vendor["extractor_version"] == "1.2.3"
    assert vendor["manifest_compliant"] is True
    assert vendor["created_by"] == "claude-code"
    assert everybody["total_count"] == VENDORS
    assert everybody["returned"] == VENDORS
    assert everybody["has_more"] is False


def test_a_vendor_that_is_not_recorded_is_not_found(connect: Callable[[str], McpClient]) -> None:
    assistant = connect("claude-code")

    refusal = assistant.refusal("query_vendor_status", name="Nobody")

    assert refusal["code"] == "not_found"
    assert "Nobody" in refusal["message"]
