"""What can be asked of vendors. `id` is the whole UUID; `expected` the version the writer has read."""

from typing import Any

from msgspec import field

from ledger.aggregates.vendor.events import TestResults
from ledger.envelope import Command
from ledger.pending import Version


class CreateVendor(Command, frozen=True, kw_only=True):
    """What is left out is unknown."""

    id: str
    name: str
    status: str | None = None
    extractor_version: str | None = None
    format_support: dict[str, bool] = field(default_factory=dict)
    test_results: TestResults | None = None
    manifest_compliant: bool | None = None
    metadata: dict[str, Any] = field(default_factory=dict)


class UpdateVendor(Command, frozen=True, kw_only=True):
    """Changes what it names. `fields` maps a field to its new value; format_support and metadata merge key by key.

    `test_results` reports a run: counts it leaves out are those of the run before. `deployment_id` says which
    deployment was tested. The name cannot change.
    """

    id: str
    expected: Version
    fields: dict[str, Any] = field(default_factory=dict)
    test_results: TestResults | None = None
    deployment_id: str | None = None


VendorCommand = CreateVendor | UpdateVendor
