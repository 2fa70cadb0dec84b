"""Where the links in a record's texts lead to, which its title and its texts without marks do not show."""

from typing import Any

from ledger.importing.readers.legacy.entries import WrittenEntry
from ledger.importing.readers.legacy.outline import LINK


def addresses(entry: WrittenEntry) -> list[str]:
    texts = [entry.head, *(field.full_text for field in entry.fields.values()), *entry.prose]
    return list(dict.fromkeys(found[2] for text in texts for found in LINK.finditer(text) if found[2]))


def with_addresses(fields: dict[str, Any], found: list[str]) -> dict[str, Any]:
    """The fields of a record, with the addresses that none of them has among its metadata."""
    text = str(fields)
    left = [address for address in found if address not in text]
    return fields | {"metadata": {**fields.get("metadata", {}), "addresses": left}} if left else fields
