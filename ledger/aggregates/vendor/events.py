"""What can happen to a vendor. Never edited after release; a changed shape is a new schema with an upcast."""

from typing import Any

from msgspec import Struct, field

from ledger.envelope import Fact
from ledger.values.revision import Changes


class TestResults(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The counts of one run; None is unknown: `10/12 tests passing` says nothing of skipped ones."""

    __test__ = False  # pytest would take the name for a test class

    passing: int | None = None
    total: int | None = None
    skipped: int | None = None


class VendorCreated(Fact, frozen=True, kw_only=True):
    """Fields an imported source did not state are absent, never a default that looks like a fact."""

    name: str
    status: str | None = None
    extractor_version: str | None = None
    format_support: dict[str, bool] = field(default_factory=dict)
    test_results: TestResults | None = None
    manifest_compliant: bool | None = None
    metadata: dict[str, Any] = field(default_factory=dict)


class VendorRevised(Fact, frozen=True, kw_only=True):
    """Fields that fit no better fact, old and new."""

    changes: Changes


class VendorStatusChanged(Fact, frozen=True, kw_only=True):
    """None is unknown: an import did not say."""

    old: str | None = None
    new: str | None = None


class VendorTestsReported(Fact, frozen=True, kw_only=True):
    """One run, whole; its time is the event's `occurred_at`. `deployment_id` is the deployment that was tested."""

    passing: int | None = None
    total: int | None = None
    skipped: int | None = None
    deployment_id: str | None = None


class VendorReverted(Fact, frozen=True, kw_only=True):
    """Fields are again what they were before the command `undoes`, old and new."""

    changes: Changes
    undoes: str


class VendorWithdrawn(Fact, frozen=True, kw_only=True):
    """Its creation by the command `undoes` was undone: it is kept and hidden, what was unique in it is free again."""

    undoes: str


class VendorReinstated(Fact, frozen=True, kw_only=True):
    """It is back, because its withdrawal by the command `undoes` was undone."""

    undoes: str


VendorFact = (
    VendorCreated
    | VendorRevised
    | VendorStatusChanged
    | VendorTestsReported
    | VendorReverted
    | VendorWithdrawn
    | VendorReinstated
)
