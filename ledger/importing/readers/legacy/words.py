"""The words of legacy files and what they become; numbers, hashes and times as people write them.

A found word that is not the one we keep goes along in the metadata, and the import lists it.
"""

import re
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_tz

from ledger.vendor.events import TestResults

VENDOR_STATUSES = {
    "operational": "operational",
    "broken": "broken",
    "planned": "broken",
    "in development": "broken",
    "ready for production": "broken",
    "deprecated": "broken",
}
ITEM_STATUSES = {
    "active": "active",
    "blocked": "blocked",
    "completed": "completed",
    "complete": "completed",
    "need to be done": "active",
    "needs to be done": "active",
    "in progress": "active",
    "planned": "active",
    "pending": "active",
    "todo": "active",
    "to do": "active",
    "open": "active",
    "done": "completed",
    "finished": "completed",
    "closed": "completed",
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
SPACES = re.compile(r"[\s_-]+")

_QUARTER = re.compile(r"\b(?:Q([1-4])[ /,-]*(?:of )?((?:19|20)\d\d)|((?:19|20)\d\d)[ /,-]*Q([1-4]))\b", re.IGNORECASE)
_DATE = re.compile(r"\b(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?!\d)")
_DATE_BY_DOTS = re.compile(r"\b(\d{1,2})\.(\d{1,2})\.(\d{4})\b")
_CLOCK = re.compile(
    r"(?:[T ,@]|\bat\b|\bum\b)+\s*(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,6})\d*)?)?\s*([AP]M\b)?\s*"
    r"(Z\b|UTC\b|GMT\b|[+-]\d{2}:?\d{2}\b|[ECMP][SD]T\b)?",
    re.IGNORECASE,
)
_MONTHS = (
    "jan|january|januar|feb|february|februar|mar|march|märz|apr|april|may|mai|jun|june|juni|jul|july|juli|aug|august|"
    "sep|sept|september|oct|october|okt|oktober|nov|november|dec|december|dez|dezember"
)
_WORDY = re.compile(
    rf"\b(?:({_MONTHS})\.? (\d{{1,2}})(?:st|nd|rd|th)?,? (\d{{4}})|(\d{{1,2}})\.? ({_MONTHS})\.?,? (\d{{4}}))\b",
    re.IGNORECASE,
)
_SHORT_MONTHS = ("jan", "feb", "mar mär", "apr", "may mai", "jun", "jul", "aug", "sep", "oct okt", "nov", "dec dez")
_NUMBER_OF_MONTH = {name: number for number, names in enumerate(_SHORT_MONTHS, 1) for name in names.split()}


def key(word: str) -> str:
    """A word as the tables have it.

    >>> key("In_Progress"), key("✅ Complete!")
    ('in progress', 'complete')
    """
    return SPACES.sub(" ", re.sub(r"[^\w\s/-]", "", word)).strip().lower()


def quarter(text: str) -> tuple[str, str] | None:
    """The quarter in a text, and how it is written there.

    >>> quarter("(High, Q1 2026)"), quarter("2026Q3"), quarter("soon")
    (('2026-Q1', 'Q1 2026'), ('2026-Q3', '2026Q3'), None)
    """
    found = _QUARTER.search(text)
    if not found:
        return None
    return f"{found[2] or found[3]}-Q{found[1] or found[4]}", found[0]


def moment(text: str) -> tuple[datetime, bool, str] | None:
    """The first date in a text with its time of day, whether that is stated, and how it is written. UTC if no zone is.

    >>> moment("2025-01-15 - PR #7")
    (datetime.datetime(2025, 1, 15, 0, 0, tzinfo=datetime.timezone.utc), False, '2025-01-15')
    >>> moment("2025-02-06T10:00:00+01:00")[0].isoformat()
    '2025-02-06T09:00:00+00:00'
    >>> moment("November 2, 2025 @ 11:38 AM PST")[0].isoformat(), moment("15. März 2025")[0].isoformat()
    ('2025-11-02T19:38:00+00:00', '2025-03-15T00:00:00+00:00')
    """
    found = _DATE.search(text)
    if found:
        year, month, day = int(found[1]), int(found[2]), int(found[3])
    elif found := _DATE_BY_DOTS.search(text):
        day, month, year = int(found[1]), int(found[2]), int(found[3])
    else:
        found = _WORDY.search(text)
        if not found:
            return None
        year, day = int(found[3] or found[6]), int(found[2] or found[4])
        month = _NUMBER_OF_MONTH[(found[1] or found[5]).lower()[:3]]
    clock = _CLOCK.match(text, found.end())
    try:
        at = datetime(year, month, day, tzinfo=UTC) + (_of_day(clock) if clock else timedelta())
    except (ValueError, OverflowError):
        return None
    return at.astimezone(UTC), clock is not None, text[found.start() : (clock or found).end()].strip()


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


def _of_day(clock: re.Match[str]) -> timedelta:
    hour = int(clock[1])
    if clock[5]:
        hour = hour % 12 + (12 if clock[5].lower() == "pm" else 0)
    if hour > 23 or int(clock[2]) > 59 or int(clock[3] or 0) > 59:
        raise ValueError(f"{clock[0]!r} is no time of day")
    microseconds = int((clock[4] or "0").ljust(6, "0"))
    told = timedelta(hours=hour, minutes=int(clock[2]), seconds=int(clock[3] or 0), microseconds=microseconds)
    return told - _offset(clock[6] or "Z")


def _offset(zone: str) -> timedelta:
    if zone.upper() in ("Z", "UTC", "GMT"):
        return timedelta()
    known = parsedate_tz(f"1 Jan 2000 00:00:00 {zone.replace(':', '').upper()}")
    return timezone(timedelta(seconds=(known[9] or 0) if known else 0)).utcoffset(None)
