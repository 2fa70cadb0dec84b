"""Rows and list items that add up the records above them, and are none: `| **Total** | 2 of 3 | 13/21 |`."""

import re
from collections.abc import Iterable, Iterator

from ledger.importing.readers.legacy.entries import WrittenEntry
from ledger.importing.readers.legacy.legacy_file import LegacyFile
from ledger.importing.readers.legacy.outline import plain
from ledger.importing.readers.legacy.words import VENDOR_STATUSES, is_total
from ledger.importing.readers.words.written_state import key, state_of

_VALUE = re.compile(r"\s*[:=–—(]|\s-\s")


def without_totals(found: Iterable[WrittenEntry], legacy: LegacyFile) -> Iterator[WrittenEntry]:
    """The same entries but for sums, which are reported."""
    for entry in found:
        if _is_total(entry):
            legacy.warn("adds_up_the_others", entry.line, " | ".join(filter(None, [entry.head, *_values(entry)]))[:80])
        else:
            yield entry


def _is_total(entry: WrittenEntry) -> bool:
    """A word for a sum with numbers beside it, or with nothing in a row. What has a state in words has that name."""
    head = plain(entry.head) or plain(next(iter(_values(entry)), ""))
    name = _VALUE.split(head, maxsplit=1)[0]
    if entry.is_heading or not is_total(name):
        return False
    values = [plain(value) for value in (head[len(name) :].strip(" :=–—()-"), *_values(entry))]
    values = [value for value in values if value != name]
    filled = [value for value in values if re.search(r"\w", value)]
    if not filled:
        return entry.is_row
    is_named_so = any(not re.search(r"\d", value) and _is_state(value) for value in filled)
    return not is_named_so and any(re.search(r"\d", value) for value in filled)


def _values(entry: WrittenEntry) -> list[str]:
    return [*(field.full_text for field in entry.fields.values()), *entry.prose]


def _is_state(value: str) -> bool:
    state = state_of(value)
    return key(value) in VENDOR_STATUSES or (state is not None and state.category is not None)
