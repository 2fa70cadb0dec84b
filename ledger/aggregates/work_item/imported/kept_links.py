"""What a source says of links that the ledger's links cannot hold: kept in the metadata of the item that has it.

A link older than the item in whose stream it stands is recorded with the creation of that item, because nothing can
happen to an item before it is there. A link to an item that is nowhere is no link yet.
"""

from collections.abc import Callable
from datetime import datetime

from msgspec.structs import replace

from ledger.aggregates.work_item.commands import ImportedItem, ImportedLink
from ledger.values.finding import Finding
from ledger.values.moment import text

KEPT_UNDER = "source_links"  # the key of the metadata


def with_kept_links(
    item: ImportedItem, created_at: Callable[[str], datetime | None], warnings: list[Finding]
) -> ImportedItem:
    """The item with what its links would lose. `created_at` tells when an item began, None if it is nowhere."""
    absent = [link for link in item.links if created_at(link.to_id) is None and link.to_id != item.id]
    early = [link for link in item.links if link not in absent and _is_early(link, created_at(_owner(item, link)))]
    if not early and not absent:
        return item
    kept = {link.to: _made(item, link) for link in early}
    kept |= {link.to: {"type": link.word} | _made(item, link) for link in absent}
    warnings += [Finding("link_older_than_its_item", f"{item.external_id} -> {link.to}") for link in early]
    metadata = item.fields.get("metadata", {}) | {KEPT_UNDER: kept}
    return replace(item, fields=item.fields | {"metadata": metadata})


def _made(item: ImportedItem, link: ImportedLink) -> dict[str, str]:
    """Who made it and when, where the source says so: the time of an import changes with each."""
    is_stated = item.created_in_source is not None or link.made.at != item.created.at
    return ({"created_at": text(link.made.at)} if is_stated else {}) | {"created_by": link.made.by}


def _is_early(link: ImportedLink, created_at: datetime | None) -> bool:
    return created_at is not None and link.made.at < created_at and link.kind != "child"  # whose time is not known


def _owner(item: ImportedItem, link: ImportedLink) -> str:
    return link.to_id if link.kind == "depends_on" else item.id
