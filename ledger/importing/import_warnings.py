"""What today's rules would refuse of an imported record, or miss in it: recorded as found, with a warning."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from ledger.aggregates.enhancement.decider import REQUIRED as OF_ENHANCEMENT
from ledger.aggregates.vendor.events import TestResults
from ledger.importing.commands import Import
from ledger.values.finding import Finding

OF_DEPLOYMENT = ("deployed_at", "commit_hash", "pr_number", "pr_title", "test_summary", "constitutional_compliance")
OF_VENDOR = ("status", "extractor_version", "format_support", "test_results", "manifest_compliant")
NAME = re.compile(r"[A-Za-z0-9 _-]{1,100}")
FULL_HASH = re.compile(r"[0-9a-f]{40}")
QUARTER = re.compile(r"[0-9]{4}-Q[1-4]")
LONGEST_TITLE = 200  # characters


def as_found(command: Import) -> Iterator[Finding]:
    for vendor in command.vendors:
        name = f"vendor {vendor.name}"
        yield from _not_stated(name, vendor.fields, OF_VENDOR)
        if not NAME.fullmatch(vendor.name):
            yield Finding("name_not_allowed_today", name)
        yield from _contradictory_results(name, vendor.fields.get("test_results"))
    for deployment in command.deployments:
        name = f"deployment {deployment.external_id}"
        yield from _not_stated(name, deployment.fields, OF_DEPLOYMENT)
        commit = deployment.fields.get("commit_hash")
        if commit is not None and not FULL_HASH.fullmatch(commit):
            yield Finding("hash_not_of_40_hex_digits", f"{name}: {commit}")
        yield from _too_long(name, "pr_title", deployment.fields)
    for enhancement in command.enhancements:
        name = f"enhancement {enhancement.external_id}"
        yield from _not_stated(name, enhancement.fields, OF_ENHANCEMENT)
        yield from _too_long(name, "title", enhancement.fields)
        quarter = enhancement.fields.get("target_quarter")
        if quarter is not None and not QUARTER.fullmatch(quarter):
            yield Finding("quarter_not_understood", f"{name}: {quarter}")


def _not_stated(name: str, fields: dict[str, Any], required: Iterable[str]) -> Iterator[Finding]:
    missing = [field for field in required if fields.get(field) in (None, {})]
    if missing:
        yield Finding("not_stated", f"{name}: {', '.join(missing)}")


def _contradictory_results(name: str, results: TestResults | None) -> Iterator[Finding]:
    if results is None or results.total is None:
        return
    if (results.passing or 0) + (results.skipped or 0) > results.total:
        counts = f"{results.passing} passing, {results.skipped} skipped, {results.total} in total"
        yield Finding("tests_do_not_add_up", f"{name}: {counts}")


def _too_long(name: str, field: str, fields: dict[str, Any]) -> Iterator[Finding]:
    length = len(fields.get(field) or "")
    if length > LONGEST_TITLE:
        yield Finding("longer_than_the_limit", f"{name}: {field} ({length} characters, limit {LONGEST_TITLE})")
