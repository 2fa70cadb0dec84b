"""What the facts of one vendor add up to."""

from typing import Any, Literal, assert_never, get_args

from msgspec import Struct
from msgspec.structs import replace

from ledger.aggregates.vendor.events import (
    TestResults,
    VendorCreated,
    VendorFact,
    VendorReinstated,
    VendorReverted,
    VendorRevised,
    VendorStatusChanged,
    VendorTestsReported,
    VendorWithdrawn,
)
from ledger.annotation.events import Annotation, AnnotationFact
from ledger.annotation.state import Attachment, Comment, annotate
from ledger.envelope import UnknownFact, stated
from ledger.values.revision import apply

Status = Literal["operational", "broken"]
Format = Literal["excel", "csv", "pdf", "ocr"]  # what an extractor may read
FORMATS: tuple[str, ...] = get_args(Format)


class Vendor(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An empty `name` means: there is no such vendor. None is unknown: an import did not say."""

    name: str = ""
    status: Status | None = None
    extractor_version: str | None = None
    format_support: dict[str, bool] = {}
    test_results: TestResults | None = None
    tested_deployment_id: str | None = None
    manifest_compliant: bool | None = None
    metadata: dict[str, Any] = {}
    comments: dict[str, Comment] = {}
    attachments: dict[str, Attachment] = {}  # by URL
    withdrawn: bool = False

    @property
    def exists(self) -> bool:
        return self.name != ""


def evolve(vendor: Vendor, fact: VendorFact | Annotation | UnknownFact) -> Vendor:
    match fact:
        case AnnotationFact():
            return annotate(vendor, fact)
        case VendorCreated():
            return Vendor(**stated(fact))
        case VendorRevised(changes=changes) | VendorReverted(changes=changes):
            return apply(vendor, changes)
        case VendorStatusChanged(new=status):
            return replace(vendor, status=status)
        case VendorTestsReported(passing=passing, total=total, skipped=skipped, deployment_id=deployment):
            results = TestResults(passing=passing, total=total, skipped=skipped)
            return replace(vendor, test_results=results, tested_deployment_id=deployment)
        case VendorWithdrawn():
            return replace(vendor, withdrawn=True)
        case VendorReinstated():
            return replace(vendor, withdrawn=False)
        case UnknownFact():
            return vendor  # carried, not interpreted
        case _:
            assert_never(fact)
