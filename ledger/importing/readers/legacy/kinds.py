"""What a section of a status file is about, by its heading, and how many records the heading announces."""

import re

from msgspec import Struct

from ledger.importing.readers.legacy.outline import Section, plain

_COUNT = re.compile(
    r"[(\[]\s*(?:(last|latest|top|newest)\s+)?(\d{1,6})(?:\s*(?:/|of)\s*(\d{1,6}))?(?:\s+[^\W\d][\w ]*)?\s*[)\]]\s*$"
    r"|\s[-–—:]\s*(\d{1,6})(?:\s+(?:total|items|in total))?\s*$",
    re.IGNORECASE,
)
_KINDS = {
    "vendors": r"(?:(?:operational|all|active|supported|broken|known|our) )*vendors?"
    r"(?: (?:status|health|overview|list))?|production capabilities(?: .*)?",
    "deployments": r"(?:(?:recent|latest|last|all|production|past) )*deployments?(?: (?:history|log|list))?",
    "enhancements": r"(?:(?:future|planned|pending|proposed|upcoming|next) )*enhancements?(?: (?:backlog|list))?",
    "sessions": r"(?:(?:inline|recent|all|stored) )*(?:session prompts?|sessions|prompts|session (?:log|history))",
    "work_items": r"(?:(?:active|current|open|all|completed|blocked) )*(?:work items?|work|tasks|todos?)(?: \w+ \w+)?",
    "context": r"(?:active )?context(?: type)?",
}
_WORDS = re.compile(r"\b(vendors?|deployments?|enhancements?|session|prompts?|work items?)\b", re.IGNORECASE)


class Announced(Struct, frozen=True):
    """`records` is how many the heading speaks of, `operational` how many of them it calls so; None: it does not say.

    `at_most` tells that the heading gives a bound (`Last 10`) and no number.
    """

    records: int | None = None
    operational: int | None = None
    at_most: bool = False


def kind_of(title: str) -> str | None:
    """
    >>> kind_of("## 📦 Operational Vendors (3/5)"), kind_of("FUTURE ENHANCEMENTS"), kind_of("Deployment Procedures")
    ('vendors', 'enhancements', None)
    """
    bare = re.sub(r"[^\w\s]|_", " ", _COUNT.sub("", plain(title.lstrip("# ")))).lower()
    bare = re.sub(r"^\d+\s+", "", re.sub(r"\s+", " ", bare).strip())
    return next((kind for kind, pattern in _KINDS.items() if re.fullmatch(pattern, bare)), None)


def announced(title: str) -> Announced:
    """
    >>> announced("Vendors (45 total)").records, announced("Operational Vendors (3/5)").operational
    (45, 3)
    """
    found = _COUNT.search(plain(title))
    if not found:
        return Announced()
    if found[3]:
        return Announced(records=int(found[3]), operational=int(found[2]))
    return Announced(records=int(found[2] or found[4]), at_most=bool(found[1]))


def sounds_like_records(section: Section) -> bool:
    """Whether a heading that is none of ours yet announces records of ours."""
    return _COUNT.search(plain(section.title)) is not None and _WORDS.search(section.title) is not None
