"""What a section of a status file is about, by its heading: its kind, the state of what it lists, and how many."""

import re
from collections.abc import Collection

from msgspec import Struct

from ledger.importing.readers.legacy.outline import Section, plain
from ledger.importing.readers.words.status_words import category_in_another_language
from ledger.importing.readers.words.written_state import WORDS, key
from ledger.values.states import Category

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
_WORK = (
    r"(?:work|tasks?|items?|to ?dos?|issues?|steps?|actions?|features?|fixes|bugs?|stories|points?|priorit(?:y|ies))"
)
_ABOUT_STATE = re.compile(  # which tells of the whole, and lists no work
    r"(?:.* )?(?:state|status|phase|stage|context|version|focus|situation|overview|summary|environment|branch|goals?)"
    r"|definition of done|.*\b(?:criteria|questions?|decisions?|source)\b.*"
)
_NOT_DONE = re.compile(
    r"\b(?:not (?:yet )?|to be |needs? (?:to be )?|what remains|still to|remaining|incomplete|unfinished)"
)
_DONE = (
    r"\b(?:completed?|done|finished|shipped|accomplish(?:ed|ments?)|achievements?|delivered|erledigt|abgeschlossen)\b"
)
_ACTIVE = r"(?:in progress|work in progress|wip|doing|ongoing|in arbeit)"
_OPEN = r"(?:(?:currently )?active|current)"  # what a list of all that is open is called
_PLANNED = rf"(?:{_OPEN}|pending|remaining|upcoming|planned|open|immediate|outstanding|queued|scheduled)"
_STATES: tuple[tuple[Category, str], ...] = (
    ("done", f".*{_DONE}"),
    ("dropped", rf"(?:cancell?ed|dropped|abandoned|rejected|wont do)(?: {_WORK})?$"),
    ("waiting", r"(?:currently )?(?:block(?:ed|ers?)|on hold|waiting|paused|deferred|postponed)\b"),
    ("review", rf"(?:(?:in|under) review|in testing)(?: {_WORK})?$"),
    ("active", rf"{_ACTIVE}(?: (?:\w+ ){{0,2}}{_WORK})?$"),
    ("planned", rf"(?:\w+ )?next (?:\w+ ){{0,2}}{_WORK}\b|(?:up )?next$|whats next\b|next up\b"),
    ("planned", r"(?:\w+ )*(?:tasks?|to ?dos?|work|action) (?:check)?lists?$"),
    ("planned", r"action items?\b|to ?dos?\b|backlog$|offen\b"),
    ("planned", rf"{_PLANNED}(?: (?:\w+ ){{0,2}}{_WORK}\b.*|)$"),
)
_TOPICS = ("testing", "test", "tests", "qa", "review", "reviews", "lista")  # states beside others only
_NEXT_STEPS = (
    *("nächste schritte", "offene punkte", "offene aufgaben", "prochaines étapes", "próximos pasos"),
    *("próximos passos", "prossimi passi", "volgende stappen", "następne kroki", "следующие шаги"),
    *("下一步", "次のステップ", "다음 단계"),
)
_ASIDE = re.compile(r"\(.*?\)|（.*?）|\[.*?\]")
_SHARE = re.compile(r"(\d{1,3})\s?%")
_PARTLY = re.compile(r"\b(?:partially|partly|half|mostly|almost|nearly) (?:complete|done|finish)")
_TO_COMPLETE = re.compile(rf"(?:complete|finish) (?!{_WORK}$)\w")  # a title, or all of something
_AND = re.compile(r"\s*(?:[/&+,]|\b(?:and|und|or|oder)\b)\s*")
_LEAST_OFFERED: tuple[Category, ...] = ("waiting", "review", "active", "planned")  # what is not over, where several are
_WORDS = re.compile(r"\b(vendors?|deployments?|enhancements?|session|prompts?|work items?)\b", re.IGNORECASE)


class Announced(Struct, frozen=True):
    """`records` is how many the heading speaks of, `operational` how many of them it calls so; None: it does not say.

    `at_most` says that the heading gives a bound (`Last 10`) and no number.
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


def listed_state(title: str, siblings: Collection[str] = ()) -> Category | None:
    """The state of what is listed below a heading: `Next Actionable Step`, `Completed Tasks (May)`; None for others.

    `siblings` are the titles of the headings of its rank.

    >>> [listed_state(one) for one in ("Next Actionable Step", "Completed Tasks (May)", "What Was Done", "Not done")]
    ['planned', 'done', 'done', 'planned']
    >>> [listed_state(one) for one in ("Active State", "Current Status", "Definition of Done", "Open Questions")]
    [None, None, None, None]
    >>> [listed_state(one) for one in ("🚧 In Progress", "Active Tasks", "Active", "Current Work Items")]
    ['active', 'planned', 'planned', 'planned']
    >>> [listed_state(one) for one in ("In Progress / Planned", "Completed & In Review", "Done and shipped")]
    ['active', 'review', 'done']
    >>> [listed_state(one) for one in ("✅ 已完成（3）", "En cours", "Nächste Schritte", "完了条件", "Prüfung")]
    ['done', 'active', 'planned', None, None]
    >>> [listed_state(one) for one in ("Progress: 85% Complete", "Almost done", "Complete Task List", "Testing")]
    [None, 'active', 'planned', None]
    >>> listed_state("Testing", ("To Do", "Testing", "Done")), listed_state("Testing", ("Testing", "Backend"))
    ('review', None)
    """
    if _is_topic(title) and not any(_listed_state(one) for one in siblings if not _is_topic(one)):
        return None
    parts = [_listed_state(part) for part in _AND.split(plain(title))]
    if len(parts) > 1 and None not in parts:
        return next((state for state in _LEAST_OFFERED if state in parts), parts[0])
    return _listed_state(title)


def _is_topic(title: str) -> bool:
    name = key(plain(title))
    return name in _TOPICS or category_in_another_language(name) == "review"


def in_another_language(title: str) -> Category | None:
    """The state that a heading says in a language that is not English."""
    bare = _bare(title)
    return "planned" if bare in _NEXT_STEPS else category_in_another_language(bare)


def _bare(title: str) -> str:
    """A heading without signs, numbers and what stands in brackets."""
    return re.sub(r"\s+", " ", re.sub(r"\b\d+\b|/", " ", key(_ASIDE.sub("", plain(title))))).strip()


def _listed_state(title: str) -> Category | None:
    bare = _bare(title)
    share = _SHARE.search(title)
    if not bare or _ABOUT_STATE.fullmatch(bare) or (share and int(share[1]) < 100):
        return None
    if _PARTLY.search(bare):
        return "active"
    if bare in WORDS and not re.fullmatch(_OPEN, bare):
        return WORDS[bare]
    if category := in_another_language(title):
        return category
    if _NOT_DONE.search(bare):
        return "planned"
    states = _STATES[1:] if _TO_COMPLETE.match(bare) else _STATES
    return next((state for state, pattern in states if re.match(pattern, bare)), None)


def is_about_state(title: str) -> bool:
    """Whether a heading tells how far the whole is: `Current Status`."""
    return _ABOUT_STATE.fullmatch(key(plain(title))) is not None


def is_title(text: str) -> bool:
    """Whether a line reads as the heading of a section that is ours."""
    return kind_of(text) is not None or listed_state(text) is not None


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
