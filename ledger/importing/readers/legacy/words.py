"""The words of legacy files and what they become; numbers as people write them.

A found word that is not the one we keep goes along in the metadata, and the import lists it.
"""

import re
from typing import Any

from ledger.aggregates.vendor.events import TestResults
from ledger.importing.readers.words.written_state import WrittenState, key
from ledger.values.states import ORIGINAL, Category, State

VENDOR_STATUSES = {
    "operational": "operational",
    "broken": "broken",
    "planned": "broken",
    "in development": "broken",
    "ready for production": "broken",
    "deprecated": "broken",
}
OF_VENDORS: dict[Category, str] = {
    "planned": "broken",
    "active": "broken",
    "waiting": "broken",
    "review": "broken",
    "done": "operational",
    "dropped": "broken",
}
OF_ITEMS: dict[Category, State] = {
    "planned": State(name="active", category="active"),
    "active": State(name="in_progress", category="active"),
    "waiting": State(name="blocked", category="waiting"),
    "review": State(name="in_review", category="review"),
    "done": State(name="completed", category="done"),
    "dropped": State(name="dropped", category="dropped"),
}
NOT_UNDERSTOOD = OF_ITEMS["waiting"]  # a state that means none of these: it is not to be begun unasked
OF_ENHANCEMENTS: dict[Category, str] = {
    "planned": "planned",
    "active": "implementing",
    "waiting": "planned",
    "review": "implementing",
    "done": "completed",
    "dropped": "dropped",
}
ENHANCEMENT_STATUSES = {
    "planned": "planned",
    "approved": "approved",
    "implementing": "implementing",
    "completed": "completed",
    "dropped": "dropped",
    "in progress": "implementing",
    "complete": "completed",
    "deferred": "dropped",
    "blocked": "planned",
}
ITEM_TYPES = {
    "project": "project",
    "session": "session",
    "task": "task",
    "research": "research",
    "work session": "session",
    "research phase": "research",
}
PRIORITIES = {
    "p0": 1,
    "critical": 1,
    "p1": 2,
    "high": 2,
    "p2": 3,
    "medium": 3,
    "p3": 4,
    "low": 4,
    "1": 1,
    "2": 2,
    "3": 3,
    "4": 4,
    "5": 5,
}
FORMATS = {"excel": "excel", "xlsx": "excel", "xls": "excel", "csv": "csv", "pdf": "pdf", "ocr": "ocr"}
YES = ("✓", "✔", "✅", "☑", "🟢")
NO = ("✗", "✘", "❌", "✕", "✖", "☒", "🔴", "❎")
AFFIRMED = {"yes", "true", "pass", "passed", "compliant", "ok", "ja", "y", "supported"}
DENIED = {"no", "false", "fail", "failed", "non-compliant", "noncompliant", "not compliant", "nein", "n"}
UNKNOWN = {"", "-", "--", "—", "–", "n/a", "na", "none", "null", "unknown", "tbd", "?", "not stated", "pending"}

_TOTAL = re.compile(
    r"(?:overall |grand |sub ?)?(?:totals?|sums?)"
    r"(?: (?:vendors|items|tasks|enhancements|deployments|tests|count|number))?"
    r"|number of \w+|average|mean|overall|all|∑|σ|ø"
    r"|(?:zwischen|gesamt)?summen?|gesamt(?:zahl|anzahl)?|insgesamt|durchschnitt"
    r"|(?:sous )?totaux|somme|moyenne|suma|totale[ns]?|totaal|razem|łącznie|итого|всего|合計|总计|合计|합계"
)
_QUARTER = re.compile(r"\b(?:Q([1-4])[ /,-]*(?:of )?((?:19|20)\d\d)|((?:19|20)\d\d)[ /,-]*Q([1-4]))\b", re.IGNORECASE)


def item_state(state: WrittenState) -> State | None:
    """What it means of a work item; None if it is not understood.

    `active` is what this ledger calls all that is open; any other word or sign of work under way says that it is
    in hand.

    >>> [item_state(WrittenState(written, "active")).name for written in ("Active", "In Progress", "🚧")]
    ['active', 'in_progress', 'in_progress']
    """
    if state.category is None:
        return None
    is_open = state.category == "active" and re.search(r"\bactive\b", key(state.written))
    return OF_ITEMS["planned" if is_open else state.category]


def of_item(state: State | None) -> dict[str, Any]:
    """A state as an imported item has it; nothing where the file says none."""
    if state is None:
        return {}
    return {"status": state.name} | ({} if state.name in ORIGINAL else {"category": state.category})


def is_total(name: str) -> bool:
    """Whether a name is a word for a sum of other records.

    >>> is_total("**Total**"), is_total("Summe"), is_total("Total Energies")
    (True, True, False)
    """
    return _TOTAL.fullmatch(key(name)) is not None


def quarter(text: str) -> tuple[str, str] | None:
    """The quarter in a text, and how it is written there.

    >>> quarter("(High, Q1 2026)"), quarter("2026Q3"), quarter("soon")
    (('2026-Q1', 'Q1 2026'), ('2026-Q3', '2026Q3'), None)
    """
    found = _QUARTER.search(text)
    if not found:
        return None
    return f"{found[2] or found[3]}-Q{found[1] or found[4]}", found[0]


def results(text: str) -> tuple[TestResults, str] | None:
    """The counts of a run of tests, and the text without them. What is not stated is unknown, never computed.

    >>> results("10/12 tests passed, 2 skipped")
    (TestResults(passing=10, total=12, skipped=2), '')
    >>> results("27 of 31 passing")[0], results("27/31/4")[0]
    (TestResults(passing=27, total=31, skipped=None), TestResults(passing=27, total=31, skipped=4))
    """
    text = ungrouped(text)
    counts: dict[str, int] = {}
    for pattern in _RESULTS:
        found = pattern.search(text)
        fresh = {name: int(value) for name, value in found.groupdict().items() if value} if found else {}
        if found and not fresh.keys() & counts.keys():
            counts |= fresh
            text = f"{text[: found.start()]} {text[found.end() :]}"
    return (TestResults(**counts), tidy(text)) if counts else None


def ungrouped(text: str) -> str:
    """The text with its numbers written without separators of thousands.

    >>> ungrouped("1,045 passed, 12 failed"), ungrouped("3,4 and 1,0450")
    ('1045 passed, 12 failed', '3,4 and 1,0450')
    """
    return _GROUPED.sub(lambda number: number[0].replace(",", ""), text)


def tidy(text: str) -> str:
    """What is left of a text after something was taken out: no empty brackets, no separators at its ends.

    >>> tidy(" ( , ) - a, "), tidy("a (b)")
    ('a', 'a (b)')
    """
    before = None
    while before != text:
        before, text = text, re.sub(r"\(\s*[,;|/]*\s*\)|\[\s*\]", " ", text)
        text = re.sub(r"\(\s*[,;|]\s*", "(", re.sub(r"\s*[,;|]\s*\)", ")", text))
        text = re.sub(r"\s+", " ", text).strip(" \t,;|:-–—•·")
    return text


def verdict(text: str) -> bool | None:
    """Yes or no by a check mark, a cross or a word; None if it says neither, or both.

    >>> verdict("✅ compliant"), verdict("❌"), verdict("n/a"), verdict("✗ failed"), verdict("Non-compliant")
    (True, False, None, False, False)
    """
    word = re.sub(r"[^\w\s/-]", "", text).strip().lower()
    yes = any(mark in text for mark in YES) or bool(re.fullmatch(r"\[?x\]?", text.strip(), re.IGNORECASE))
    no = any(mark in text for mark in NO)
    if yes != no:
        return yes
    first = re.split(r"[\s,(]+", word)[0]
    if word in DENIED or first in DENIED:
        return False
    return True if word in AFFIRMED or first in AFFIRMED else None


def is_unknown(text: str) -> bool:
    return text.strip().lower() in UNKNOWN


_GROUPED = re.compile(r"(?<![\d,.])\d{1,3}(?:,\d{3})+(?!,?\d)")
_RESULTS = (
    re.compile(
        r"(?<![\d/])(?P<passing>\d{1,9})\s*/\s*(?P<total>\d{1,9})\s*/\s*(?P<skipped>\d{1,9})(?![\d/])"
        r"(?:\s*(?:unit )?tests?)?"
    ),
    re.compile(
        r"(?<![\d/])(?P<passing>\d{1,9})\s*(?:/|\bof\b|\bvon\b)\s*(?P<total>\d{1,9})(?![\d/])"
        r"(?:\s*(?:unit )?tests?)?(?:\s*(?:are )?(?:passing|passed|pass|ok|green|bestanden))?",
        re.IGNORECASE,
    ),
    re.compile(r"\b(?P<passing>\d{1,9})\s*(?:tests?\s*)?(?:passing|passed|pass|bestanden)\b", re.IGNORECASE),
    re.compile(r"\b(?:passing|passed)\s*[:=]\s*(?P<passing>\d{1,9})\b", re.IGNORECASE),
    re.compile(r"\b(?P<skipped>\d{1,9})\s*(?:tests?\s*)?(?:skipped|skips?|übersprungen)\b", re.IGNORECASE),
    re.compile(r"\b(?:skipped|skips?)\s*[:=]\s*(?P<skipped>\d{1,9})\b", re.IGNORECASE),
    re.compile(r"\b(?P<total>\d{1,9})\s*(?:tests?\s*)?(?:in total|total)\b", re.IGNORECASE),
    re.compile(r"\btotal\s*[:=]\s*(?P<total>\d{1,9})\b", re.IGNORECASE),
)
