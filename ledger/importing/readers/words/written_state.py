"""How far a piece of work is, as people write it: in a word, in a box, by a sign, or by striking it out.

Every word and sign means one of six categories. What means none, or several at once, is not understood.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable

from msgspec import Struct

from ledger.importing.readers.words.status_words import category_in_another_language
from ledger.values.states import Category

_STRONG: dict[Category, str] = {  # words that a title has before or behind it; in another place they mean the same
    "planned": "planned, todo, to do, pending, not started, not done, not complete, offen, geplant",
    "active": "active, in progress, wip, work in progress, doing, ongoing, underway, partially done, in arbeit",
    "waiting": "blocked, waiting, on hold, paused, stalled, deferred, postponed, blockiert, wartet",
    "review": "in review, under review, needs review, awaiting review, ready for review",
    "done": "done, complete, completed, finished, shipped, erledigt, fertig, abgeschlossen",
    "dropped": "dropped, cancelled, canceled, abandoned, obsolete, wontfix, wont fix, wont do, not needed, verworfen",
}
_FURTHER: dict[Category, str] = {
    "planned": "planning, to be done, need to be done, needs to be done, open, new, backlog, queued, upcoming,"
    "scheduled, proposed, accepted, approved, not yet started, not yet done, not completed, incomplete, unstarted,"
    "next, up next, ready",
    "active": "in work, started, on going, working, working on, current, currently, under way, in development,"
    "implementing, partial, partially complete, partially completed, partly done, mostly done, almost done, half done",
    "waiting": "waiting for, hold, parked, stuck, delayed, later, someday, snoozed, suspended",
    "review": "review, pending review, reviewing, testing, in testing, in test, qa, in qa, verifying,"
    "awaiting approval, in pr",
    "done": "all done, fully done, fully complete, fully completed, session complete, session completed, closed,"
    "released, deployed, merged, resolved, fixed, delivered, live, implemented, success, successful",
    "dropped": "will not do, rejected, superseded, declined, discarded, removed, skipped, duplicate, invalid,"
    "no longer needed",
}
_SIGNS: dict[Category, str] = {
    "planned": "☐⬜◻▢🔲🔳⭕○◯□",
    "active": "🚧🔄🔃🏗🔨🛠🔧⏳⌛▶⏯🟡◐◑◒◓",
    "waiting": "⏸🛑⛔💤",
    "review": "👀",
    "done": "✅✔✓☑🗸",
}
_BOXES: dict[Category, str] = {"planned": " <", "active": "/.oO@", "waiting": ">", "done": "xX✓✔✅☑", "dropped": "-"}


def _by_member(table: dict[Category, str], separator: str | None) -> dict[str, Category]:
    return {
        member.strip() if separator else member: category
        for category, text in table.items()
        for member in (text.split(separator) if separator else text)
    }


STRONG = _by_member(_STRONG, ",")
WORDS = _by_member(_FURTHER, ",") | STRONG
SIGNS = _by_member(_SIGNS, None)
BOXES = _by_member(_BOXES, None)
BOX = re.compile(r"\[\s*([^\w\s]?|[xXoO_])[\ufe0e\ufe0f]?\s*\](?:(?=\s|$)|(?<=[xX ]\])(?![(\[:\s]))")
STRUCK = re.compile(
    r"(\*\*|__|)(?:(?P<sign>~~?)(?=\S)(?P<text>(?:(?!~).)+)(?P=sign)"
    r"|<(?P<tag>s|del|strike)>(?P<marked>.+)</(?P=tag)>)\1[.:]?",
    re.IGNORECASE,
)
STRIKE = "~~"
_JOINING = "\ufe0e\ufe0f\u200d"
_WORD_BEFORE = re.compile(
    r"(?:[(\[](?P<bracketed>[^()\[\]]{2,30})[)\]]\s+"
    r"|(?P<strong>\*\*|__|)(?P<named>[^\W\d][\w' ]{1,24})(?::\s*(?P=strong)|(?P=strong)\s*:)\s*"
    r"|(?P<capitals>[A-Z][A-Z ]{2,24})\s[-–—]\s+"
    r"|(?:\*\*|__)(?P<loud>[A-Z][A-Z ]{2,24})(?:\*\*|__)\s+)(?=\S)"
)
_BOLD = re.compile(r"(\*\*|__)(.+?)\1(.*)$")
_BRACKETED = re.compile(r"\s*[*_`]{0,3}[(\[]([^()\[\]]{2,60})[)\]][*_`]{0,3}$")
_BOXED = re.compile(r"\s+`?(\[[ xX]?\])`?$")
_IN_CODE = re.compile(r"`(\[[^\w\s`]?\]|\[[ xX]\])`(?=\s)")
_HELD_UP = re.compile(r"(?:blocked|held up) by |waiting (?:for|on) ")
_DASHED = re.compile(r"\s[-–—]\s+([^-–—]{2,30})$")
_NAMED = re.compile(r":\s+([^:]{1,30})$")
_DATE = re.compile(r"\W*\b(?:on |at |in |since )?(?:\d{4}-\d|\d{1,2}[./]\d|[^\W\d]{3,9}\.? \d{1,2}\b).*$")
_ENDS_DONE = re.compile(r" (?:complete|completed|done|finished)$")
_NOT_QUITE = re.compile(r"\b(?:not|in|to|be|un|partially|partly|mostly|almost|nearly|half|until|when|if|once|never)\b")
_SHARE = re.compile(r"(?<![\d.])(\d{1,3})\s?%")


class WrittenState(Struct, frozen=True):
    """`written` is how the text says it; `category` is None where that is not understood."""

    written: str
    category: Category | None = None

    @property
    def is_plain(self) -> bool:
        """A box that every reader of markdown shows as what it means."""
        return self.written.lower() in ("[ ]", "[]", "[x]")


Take = Callable[[str], tuple[WrittenState, str] | None]


def key(word: str) -> str:
    """A word as the tables have it.

    >>> key("In_Progress"), key("✅ Complete!"), key("won't fix")
    ('in progress', 'complete', 'wont fix')
    """
    return re.sub(r"[\s_-]+", " ", re.sub(r"[^\w\s/-]", "", word)).strip().lower()


def state_of(text: str) -> WrittenState | None:
    """What a text says that is nothing but a state, as the value of a field is; None for one that says nothing.

    >>> state_of("✅ Complete (July)").category, state_of("[/]").category, state_of("60 %").category
    ('done', 'active', 'active')
    >>> state_of("0 %").category, state_of("5 %").category
    ('planned', 'active')
    >>> state_of("P0 + P1 Complete").category, state_of("not quite done").category
    ('done', None)
    >>> state_of("Terminé").category, state_of("进行中").category
    ('done', 'active')
    >>> state_of("flaky since monday").category, state_of("❌").category, state_of("✅ in progress").category
    (None, None, None)
    """
    written = text.strip().strip("*_`").strip()
    if not re.search(r"\w|[^\x00-\x7f–—]|~~|\[.\]", written):
        return None
    share = _SHARE.search(written)
    states = {_by_signs(written), _by_words(written)} - {None}
    if not states and (begun := category_in_another_language(written) or state_begun(written)):
        states = {begun}
    if not states and share:
        states = {"done" if int(share[1]) >= 100 else "active" if int(share[1]) else "planned"}
    if not states and _ENDS_DONE.search(key(written)) and not _NOT_QUITE.search(key(written)):
        states = {"done"}
    return WrittenState(written, states.pop() if len(states) == 1 else None)


def state_begun(text: str) -> Category | None:
    """What the first words of a sentence say: `Completed the importer, began the tests`.

    >>> state_begun("Completed Phase 1 & 2"), state_begun("Evaluate the code"), state_begun("Complete the tests")
    ('done', None, None)
    """
    words = key(text).split()
    for length in (3, 2, 1):
        if (category := STRONG.get(" ".join(words[:length]))) and (length > 1 or words[0] != "complete"):
            return category
    return None


def state_in(head: str) -> tuple[WrittenState | None, str]:
    """The state that stands in a title, before it or behind it, and the title without it.

    A picture that is no sign for a state is one that is not understood.

    >>> ways = ("✅ Ship", "**🚧 Ship**", "[-] Ship", "~~Ship~~", "Ship (done)", "**DONE** Ship", "🚀 Ship")
    >>> [state_in(one)[0].category for one in ways]
    ['done', 'active', 'dropped', 'done', 'done', 'done', None]
    >>> [state_in(one)[0].category for one in ("<s>Ship</s>", "~Ship~", "Ship **(done)**", "Ship `[x]`", "`[x]` Ship")]
    ['done', 'done', 'done', 'done', 'done']
    >>> [state_in(one)[0].category for one in ("Ship **(blocked by the press)**", "Ship [waiting for ann]")]
    ['waiting', 'waiting']
    >>> state_in("[ ] 🚧 Ship it"), state_in("Ship it")
    ((WrittenState(written='[ ] 🚧', category='active'), 'Ship it'), (None, 'Ship it'))
    >>> state_in("[ ] Run it, all ✅")
    (WrittenState(written='[ ] ✅', category=None), 'Run it, all')
    """
    return _state_and_rest(head, (_before, _behind))


def state_before(head: str) -> tuple[WrittenState | None, str]:
    """The same of a text in which signs behind something else say something of that."""
    return _state_and_rest(head, (_before,))


def _state_and_rest(head: str, takes: Iterable[Take]) -> tuple[WrittenState | None, str]:
    found: list[WrittenState] = []
    rest = head.strip()
    for take in takes:
        while (taken := take(rest)) is not None and taken[1].strip("*_ "):
            found.append(_unless_open(taken[0], found) if take is _behind else taken[0])
            rest = taken[1]
    if struck := STRUCK.fullmatch(rest):
        found.append(WrittenState(STRIKE, "done"))
        rest = struck["text"] or struck["marked"]
    return (_together(found), rest) if found else (None, rest)


def signed(text: str) -> Category | None:
    """What the signs in a text say, wherever they stand.

    >>> signed("Phase 2: Trading ⏳ framework ready"), signed("✅ and 🚧"), signed("Phase 2")
    ('active', None, None)
    """
    return _by_signs(text)


def _unless_open(state: WrittenState, before: list[WrittenState]) -> WrittenState:
    """What ends a title whose box is empty does not say that it is done: `[ ] Run the tests, all ✅`."""
    is_open = any(one.is_plain and one.category == "planned" for one in before)
    return WrittenState(state.written) if is_open and state.category in ("done", "dropped") else state


def _together(found: list[WrittenState]) -> WrittenState:
    """What a box leaves open a sign beside it says: `[ ] 🚧 Ship it` is under way."""
    categories = {state.category for state in found if state.category != "planned" or not state.is_plain} or {"planned"}
    known = categories - {None}
    return WrittenState(" ".join(state.written for state in found), known.pop() if len(known) == 1 else None)


def _before(text: str) -> tuple[WrittenState, str] | None:
    """A box, signs or a word for a state at the beginning, also of what is bold, and what follows."""
    strong = next((mark for mark in ("**", "__") if text.startswith(mark)), "")
    inside = text[len(strong) :]
    if code := _IN_CODE.match(inside):
        inside = code[1] + inside[code.end() :]
    if box := BOX.match(inside):
        return WrittenState(box[0], BOXES.get(box[1] or " ")), strong + inside[box.end() :].lstrip()
    if signs := _signs(inside):
        return WrittenState(signs.strip(_JOINING), _by_signs(signs)), strong + inside[len(signs) :].lstrip(" \t:-–—")
    word = _WORD_BEFORE.match(text)
    written = (word["bracketed"] or word["named"] or word["capitals"] or word["loud"]) if word else ""
    if word is None or not (category := STRONG.get(key(written))):
        return None
    return WrittenState(written, category), text[word.end() :]


def _behind(text: str) -> tuple[WrittenState, str] | None:
    """Signs or a word for a state at the end, also of what is bold at the beginning, and what stands before."""
    if (bold := _BOLD.match(text)) and (taken := _behind(bold[2])):
        return taken[0], f"{bold[1]}{taken[1]}{bold[1]}{bold[3]}"
    signs = _signs(text[::-1])[::-1]
    if signs and _by_signs(signs):
        return WrittenState(signs.strip(_JOINING), _by_signs(signs)), text[: -len(signs)].rstrip(" \t:-–—")
    for pattern in (_BOXED, _BRACKETED, _DASHED, _NAMED):
        if (found := pattern.search(text)) and (category := _of_tag(found[1], pattern)):
            return WrittenState(found[1].strip(), category), text[: found.start()]
    return None


def _of_tag(word: str, pattern: re.Pattern[str]) -> Category | None:
    """Behind a dash stands many a word that is part of the title, so only the plainest count there."""
    if pattern is _DASHED:
        return STRONG.get(key(word))
    held: Category | None = "waiting" if _HELD_UP.match(key(word) + " ") else None
    return _by_signs(word) or _by_words(word) or held


def _signs(text: str) -> str:
    """The pictures at the beginning of a text, and the blanks between them."""
    end = 0
    for place, letter in enumerate(text):
        if letter in _JOINING or letter in SIGNS or _is_picture(letter):
            end = place + 1
        elif letter != " ":
            break
    return text[:end]


def _is_picture(letter: str) -> bool:
    return letter > "\u00ff" and unicodedata.category(letter) in ("So", "Cn", "Sk")


def _by_signs(text: str) -> Category | None:
    if box := BOX.match(text):
        return BOXES.get(box[1] or " ")
    categories = {SIGNS[sign] for sign in text if sign in SIGNS}
    return categories.pop() if len(categories) == 1 else None


def _by_words(text: str) -> Category | None:
    """The state by the whole text, else by what stands before a date or the first sign of punctuation."""
    bare = BOX.sub("", text)
    first = re.split(r"\s*[(:,;–—]\s*|\s-\s|\.\s", bare.strip(" *_`"))[0]
    return next((WORDS[word] for part in (bare, _DATE.sub("", bare), first) if (word := key(part)) in WORDS), None)
