"""What an import records of vendors."""

from typing import Any

from ledger.aggregates.vendor.decider import CATEGORY
from ledger.aggregates.vendor.events import (
    TestResults,
    VendorCreated,
    VendorRevised,
    VendorStatusChanged,
    VendorTestsReported,
)
from ledger.aggregates.vendor.state import Vendor
from ledger.aggregates.work_item.commands import Attribution
from ledger.envelope import Fact, imported_id
from ledger.importing.commands import Import, ImportedVendor
from ledger.importing.import_plan import ImportPlan
from ledger.importing.three_way_merge import ThreeWayMerge, mapping, news, three_way_merge
from ledger.values.finding import Finding
from ledger.values.revision import Changes
from ledger.world import World

PLAIN = ("status", "extractor_version", "manifest_compliant")
MAPPINGS = ("format_support", "metadata")


def ids(command: Import, world: World) -> dict[str, str]:
    """The id of every vendor of the source, by its name in lower case; that of a new one follows from its name."""
    keys = [vendor.name.casefold() for vendor in command.vendors]
    held = world.holders("vendor_name") if keys else {}
    return {key: held.get(key) or imported_id(world.ledger, CATEGORY, key) for key in keys}


def plan(command: Import, ids: dict[str, str], world: World, made: ImportPlan) -> None:
    seen: set[str] = set()
    for vendor in command.vendors:
        key = vendor.name.casefold()
        if key in seen:
            made.not_taken.append(Finding("repeated_record", f"vendor {vendor.name}"))
            continue
        seen.add(key)
        merge = three_way_merge(world, CATEGORY, ids[key], command.source)
        facts = _facts(vendor, ids[key], merge, made)
        made.add(CATEGORY, ids[key], vendor.name, facts, is_new=merge is None)


def _facts(
    vendor: ImportedVendor, entity_id: str, merge: ThreeWayMerge | None, made: ImportPlan
) -> list[tuple[Fact, Attribution]]:
    if merge is None:
        return [(VendorCreated(name=vendor.name, **vendor.fields), vendor.created)]
    base: Vendor = merge.base
    wanted: dict[str, Any] = {field: vendor.fields.get(field) for field in PLAIN}
    wanted |= {field: mapping(getattr(base, field), vendor.fields.get(field, {})) for field in MAPPINGS}
    name = f"vendor {vendor.name}"
    changes = news(merge, wanted, entity_id, name, made)
    run = _run(vendor.fields.get("test_results"), merge, entity_id, name, made)
    if not changes and run is None:
        return []
    return [(_fact(changes, run), merge.when(vendor.changed))]


def _run(
    imported: TestResults | None, merge: ThreeWayMerge, entity_id: str, name: str, made: ImportPlan
) -> TestResults | None:
    """The results of a run that is new in the source. A run that it no longer has still took place."""
    base, ours = merge.base.test_results, merge.ours.test_results
    if imported is None or imported == ours or merge.ours.withdrawn:
        return None
    if imported != base and ours in (base, None):
        return imported
    if merge.last_imported is not None:
        made.kept.add((entity_id, "test_results"))
    if imported != base:
        kind = "differs_here" if merge.last_imported is None else "changed_on_both_sides"
        made.warnings.append(Finding(kind, f"{name}: test_results"))
    return None


def _fact(changes: Changes, run: TestResults | None) -> Fact:
    """A new run of the tests, else a new status, else a revision; what else changed goes along."""
    if run is not None:
        return VendorTestsReported(passing=run.passing, total=run.total, skipped=run.skipped, also=changes)
    if "status" in changes:
        also = {path: change for path, change in changes.items() if path != "status"}
        return VendorStatusChanged(old=changes["status"].old, new=changes["status"].new, also=also)
    return VendorRevised(changes=changes)
