"""Vendors as commit messages tell of them: the last word on each field stands."""

from typing import Any

from msgspec import Struct

from ledger.aggregates.vendor.events import TestResults
from ledger.aggregates.work_item.commands import Attribution
from ledger.importing.commands import ImportedVendor
from ledger.importing.import_warnings import NAME
from ledger.importing.readers.git.attributions import Attributions
from ledger.importing.readers.git.log import Commit
from ledger.importing.readers.git.message import ParsedMessage, VendorNamed
from ledger.values.finding import Finding


class FoundVendors(Struct, kw_only=True):
    vendors: list[ImportedVendor] = []
    used: set[str] = set()
    not_taken: list[Finding] = []


class Vendors:
    """Takes the newest commit first."""

    def __init__(self, attributions: Attributions) -> None:
        self._attributions = attributions
        self._said: dict[str, list[tuple[VendorNamed, Attribution]]] = {}
        self._found = FoundVendors()

    def take(self, commit: Commit, message: ParsedMessage) -> None:
        for vendor in reversed(message.vendors):
            if not NAME.fullmatch(vendor.name):
                self._found.not_taken.append(
                    Finding("vendor_name_not_possible", f"{commit.hash} {vendor.name[:100]!a}")
                )
                continue
            self._said.setdefault(vendor.name.casefold(), []).append((vendor, self._attributions.landed(commit)))
            self._found.used.add(commit.hash)

    def result(self) -> FoundVendors:
        self._found.vendors = [_vendor(named) for named in self._said.values()]
        return self._found


def _vendor(named: list[tuple[VendorNamed, Attribution]]) -> ImportedVendor:
    status = next((vendor.status for vendor, _ in named if vendor.status), None)
    version = next((vendor.version for vendor, _ in named if vendor.version), None)
    tests = next((vendor.tests for vendor, _ in named if vendor.tests), None)
    fields: dict[str, Any] = {"status": status, "extractor_version": version}
    fields["test_results"] = TestResults(passing=tests[0], total=tests[1]) if tests else None
    return ImportedVendor(
        name=named[-1][0].name,
        fields={field: value for field, value in fields.items() if value is not None},
        created=min((attribution for _, attribution in named), key=lambda attribution: attribution.at),
        changed=max((attribution for _, attribution in named), key=lambda attribution: attribution.at),
    )
