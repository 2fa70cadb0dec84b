"""What an import records of vendors."""

from typing import Any

from ledger.envelope import Fact, imported_id
from ledger.finding import Finding
from ledger.importing.commands import Import, ImportedVendor
from ledger.importing.made import Made
from ledger.importing.standing import Standing, mapping, news, standing
from ledger.revision import Changes
from ledger.vendor.decider import CATEGORY
from ledger.vendor.events import TestResults, VendorCreated, VendorRevised, VendorStatusChanged, VendorTestsReported
from ledger.vendor.state import Vendor
from ledger.work_item.commands import Mark
from ledger.world import World

PLAIN = ("status", "extractor_version", "test_results", "manifest_compliant")
MAPPINGS = ("format_support", "metadata")


def ids(command: Import, world: World) -> dict[str, str]:
    """The id of every vendor of the source, by its name in lower case; that of a new one follows from its name."""
    keys = [vendor.name.casefold() for vendor in command.vendors]
    held = world.holders("vendor_name") if keys else {}
    return {key: held.get(key) or imported_id(world.ledger, CATEGORY, key) for key in keys}


def plan(command: Import, ids: dict[str, str], world: World, made: Made) -> None:
    seen: set[str] = set()
    for vendor in command.vendors:
        key = vendor.name.casefold()
        if key in seen:
            made.not_taken.append(Finding("told_twice", f"vendor {vendor.name}"))
            continue
        seen.add(key)
        stands = standing(world, CATEGORY, ids[key], command.source)
        facts = _facts(vendor, stands, made)
        made.add(CATEGORY, ids[key], facts, is_new=stands is None)


def _facts(vendor: ImportedVendor, stands: Standing | None, made: Made) -> list[tuple[Fact, Mark]]:
    if stands is None:
        return [(VendorCreated(name=vendor.name, **vendor.fields), vendor.created)]
    now: Vendor = stands.then
    wanted: dict[str, Any] = {field: vendor.fields.get(field) for field in PLAIN}
    wanted |= {field: mapping(getattr(now, field), vendor.fields.get(field, {})) for field in MAPPINGS}
    changes = news(stands, wanted, f"vendor {vendor.name}", made.warnings)
    return [(_fact(changes, vendor), stands.when(vendor.changed))] if changes else []


def _fact(changes: Changes, vendor: ImportedVendor) -> Fact:
    """A new run of the tests, else a new status, else a revision; what else changed goes along."""
    results: TestResults | None = vendor.fields.get("test_results")
    if "test_results" in changes and results is not None:
        also = {path: change for path, change in changes.items() if path != "test_results"}
        return VendorTestsReported(passing=results.passing, total=results.total, skipped=results.skipped, also=also)
    if "status" in changes:
        also = {path: change for path, change in changes.items() if path != "status"}
        return VendorStatusChanged(old=changes["status"].old, new=changes["status"].new, also=also)
    return VendorRevised(changes=changes)
