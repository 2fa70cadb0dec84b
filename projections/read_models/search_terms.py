"""The words by which an entity is found, whatever their case, accents or script; the same in every store of rows.

Words are what Unicode calls letters and digits, folded: compatibility forms and accents are taken off (NFKD), case is
levelled. Scripts that write no spaces (Chinese, Japanese) are cut into single characters and pairs. The terms are
kept as PostgreSQL writes a tsvector, each once with the classes of the fields it stands in:

    'apple':1A,3D 'pie':3D      apple stands in the title and in a text, pie in a text

so that a hit weighs WEIGHTS. What a person looks for becomes terms in the same way; a word may be the beginning of one.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

TITLE, TAG, TEXT = "1A", "2B", "3D"
WEIGHTS = {TITLE: 4, TAG: 3, TEXT: 1}
MOST = 1_000_000  # bytes; a tsvector holds a megabyte
LONGEST = 64  # characters of a term; what is longer is found by its beginning
BEGINNING = 3  # letters of a word that may go on
WANTED = 20  # words of one search

_WORD = re.compile(r"[^\W_]+")
_SPACED = bytes(code if chr(code).isalnum() else 32 for code in range(128)) + bytes(128)  # ASCII as _WORD parts it
_UNSPACED = re.compile(  # radicals, kana, ideographs and their extensions
    "([\u2e80-\u2fdf\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+)"
)


class _WithoutMarks(dict[int, str | None]):
    """A table for `translate` that leaves combining marks out. It is filled by what is met: `translate` takes twice as
    long over a character that is not in it."""

    def __missing__(self, point: int) -> str | None:
        character = chr(point)
        if point >= 0x1F000:  # no mark is beyond, and the table stays small
            return character
        kept = self[point] = None if unicodedata.combining(character) else character
        return kept


_WITHOUT_MARKS = _WithoutMarks()


def fold(text: str) -> str:
    """
    >>> fold("Ärger \u0130STANBUL ﬁne")
    'arger istanbul fine'
    """
    if text.isascii():
        return text.lower()
    spread = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return spread.translate(_WITHOUT_MARKS)


def search_terms(fields: Mapping[str, Iterable[str]]) -> str:
    """The terms of an entity from its texts by class, titles first; of a very long text those at its beginning."""
    classes: dict[str, str] = {}
    for place, texts in sorted(fields.items()):
        for term in _terms(fold("\n".join(texts))) if texts else ():
            classes[term] = f"{classes[term]},{place}" if term in classes else place
    whole = " ".join([f"'{term}':{places}" for term, places in classes.items()])
    return whole if len(whole) * 4 <= MOST else _beginning(whole)


def wanted(text: str) -> list[str]:
    """What to look for; a term that ends in * is the beginning of a word. Empty if there is no word in it.

    A word of three letters or more is a beginning, so `table` finds tables; a shorter one only where it is still typed.

    >>> wanted("Apple pi"), wanted("no pie "), wanted("no "), wanted("台账"), wanted("...")
    (['apple*', 'pi*'], ['no', 'pie*'], ['no'], ['台账'], [])
    """
    words = _WORD.findall(fold(text))
    terms = list(dict.fromkeys(term for word in words for term in _sought(word)))[:WANTED]
    is_typed = text[-1:].isalnum()
    last = len(terms) - 1
    return [
        f"{term}*" if not _UNSPACED.search(term) and (len(term) >= BEGINNING or (is_typed and place == last)) else term
        for place, term in enumerate(terms)
    ]


def score(kept: str, terms: Iterable[str]) -> int:
    """What the hits weigh; 0 if one of the terms is not there. As PostgreSQL's function `matching` says it.

    >>> score("'apple':1A,3D 'pie':3D", ["app*", "pie"]), score("'apple':1A", ["app"])
    (6, 0)
    """
    total = 0
    for term in terms:
        places = {place for found in _looked_for(term).findall(kept) for place in found.split(",")}
        if not places:
            return 0
        total += sum(WEIGHTS[place] for place in places)
    return total


def texts_in(value: Any) -> Iterator[str]:
    """Every text inside a JSON value; keys are not texts."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inside in value.values():
            yield from texts_in(inside)
    elif isinstance(value, (list, tuple)):
        for inside in value:
            yield from texts_in(inside)


def _beginning(whole: str) -> str:
    kept = whole.encode()
    return whole if len(kept) <= MOST else kept[:MOST].decode("utf-8", "ignore").rpartition(" ")[0]


def _terms(folded: str) -> Iterable[str]:
    """Each term once. Each word is cut once; most texts have none to cut."""
    if not folded.isascii():
        return dict.fromkeys(_cut(dict.fromkeys(_WORD.findall(folded))))
    words = dict.fromkeys(folded.encode().translate(_SPACED).decode().split())
    return words if max([0, *map(len, words)]) <= LONGEST else dict.fromkeys(_cut(words))


def _cut(words: Iterable[str]) -> Iterator[str]:
    for word in words:
        if word.isascii():
            yield word[:LONGEST]
            continue
        for n, part in enumerate(_UNSPACED.split(word)):
            if n % 2:
                yield from part
                yield from (part[at : at + 2] for at in range(len(part) - 1))
            elif part:
                yield part[:LONGEST]


def _sought(word: str) -> Iterator[str]:
    """Pairs are enough to look for: a text that holds them holds their characters."""
    for n, part in enumerate(_UNSPACED.split(word)):
        if n % 2 and len(part) > 1:
            yield from (part[at : at + 2] for at in range(len(part) - 1))
        elif part:
            yield part[:LONGEST]


@cache
def _looked_for(term: str) -> re.Pattern[str]:
    beginning = term.endswith("*")
    return re.compile(f"'{re.escape(term.rstrip('*'))}{'[^' + chr(39) + ']*' if beginning else ''}':(\\S+)")
