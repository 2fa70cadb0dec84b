"""What a source tells of vendors, deployments and enhancements, in as few words as a test needs."""

from typing import Any

from ledger.aggregates.work_item.commands import Attribution
from ledger.importing.commands import ImportedDeployment, ImportedEnhancement, ImportedVendor
from ledger.importing.readers.reading import Reading
from ledger.values.moment import parse

FULL_HASH = "84b0fb4c1d2e3f405162738495a6b7c8d9e0f1a2"


def mark(day: int = 1, by: str = "ann") -> Attribution:
    return Attribution(by=by, at=parse(f"2026-03-{day:02}T10:00:00Z"))


def vendor(name: str = "EPSON", *, day: int = 1, **fields: Any) -> ImportedVendor:
    return ImportedVendor(name=name, fields=fields, created=mark(), changed=mark(day))


def deployment(
    external_id: str = "#7",
    *,
    day: int = 1,
    vendors: tuple[str, ...] = (),
    work_items: tuple[str, ...] = (),
    **more: Any,
) -> ImportedDeployment:
    fields = {"commit_hash": FULL_HASH, "pr_number": 7, "pr_title": "Read it"} | more
    return ImportedDeployment(
        external_id=external_id,
        fields={name: value for name, value in fields.items() if value is not None},
        created=mark(),
        changed=mark(day),
        vendors=vendors,
        work_items=work_items,
    )


def enhancement(
    title: str = "Read faxes", *, day: int = 1, needs: tuple[str, ...] = (), **more: Any
) -> ImportedEnhancement:
    fields = {"title": title} | more
    return ImportedEnhancement(external_id=title, fields=fields, created=mark(), changed=mark(day), depends_on=needs)


def reading(*records: ImportedVendor | ImportedDeployment | ImportedEnhancement) -> Reading:
    return Reading(
        found=len(records),
        vendors=[one for one in records if isinstance(one, ImportedVendor)],
        deployments=[one for one in records if isinstance(one, ImportedDeployment)],
        enhancements=[one for one in records if isinstance(one, ImportedEnhancement)],
    )
