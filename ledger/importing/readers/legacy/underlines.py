"""Headings that are underlined, as against rules and YAML, which are written with the same dashes."""

import re

from msgspec.structs import replace

from ledger.importing.readers.legacy.entries import field_of
from ledger.importing.readers.legacy.kinds import is_title
from ledger.importing.readers.legacy.outline import Line, plain

_UNDERLINE = re.compile(r"=+|-{2,}")
_DASHES = re.compile(r"-{3,}")
_YAML = re.compile(r"(?:[\"']?[^\W\d][\w .-]*[\"']?\s*:(?:\s|$)|- |#|[\]\[}{,\"'])|^$")
_KEY = re.compile(r"[\"']?[^\W\d][\w -]*[\"']?\s*:(?:\s|$)")
_TITLED = re.compile(r"(?:[^\W\d_][\w'/&+-]*|[&/–-])(?:\s+(?:[^\W\d_][\w'/&+-]*|[&/–-]))*:?")
NEAR = 2  # letters by which an underline may be longer or shorter than its title
LONGEST_YAML = 200  # lines


def with_underlined(lines: list[Line]) -> list[Line]:
    """The same lines; those of underlined headings say so, and what stands between dashes as YAML does is text."""
    found = list(lines)
    for place in range(len(found)):
        if found[place].code:
            continue
        for inside in range(place + 1, _end_of_yaml(found, place)):
            found[inside] = replace(found[inside], code=True)
        if place and _is_underlined(found, place):
            level = 1 if found[place].text.startswith("=") else 2
            found[place - 1] = replace(found[place - 1], underlined=level)
            found[place] = replace(found[place], underline=True)
    return found


def _end_of_yaml(lines: list[Line], start: int) -> int:
    """Where the YAML that begins at these dashes ends; the same place where none begins."""
    if not _DASHES.fullmatch(lines[start].text):
        return start
    before = next((lines[place] for place in range(start - 1, -1, -1) if lines[place].text), None)
    below = next((line for line in lines[start + 1 : start + 3] if line.text), None)
    may_begin = before is None or (before.heading is not None and not is_title(before.heading[1]))
    if not (may_begin and below and _KEY.match(below.text)):
        return start
    for place in range(start + 1, min(start + LONGEST_YAML, len(lines))):
        if _DASHES.fullmatch(lines[place].text):
            return place
        if lines[place].indent <= lines[start].indent and not _YAML.match(lines[place].text):
            return start
    return start


def _is_underlined(lines: list[Line], place: int) -> bool:
    line, title = lines[place], lines[place - 1]
    if not _UNDERLINE.fullmatch(line.text) or line.indent > title.indent + 3:
        return False
    words = title.bullet if title.bullet is not None else title.text
    if title.bullet is not None:  # `1. Vendors` may be a title with a number
        return title.text[:1].isdigit() and line.indent == title.indent and is_title(words)
    if not title.is_paragraph or title.comment:
        return False
    if line.text.startswith("="):
        return True
    fits = abs(len(line.text) - len(title.text)) <= NEAR or is_title(words)
    before = lines[place - 2] if place > 1 else None
    if before is not None and (before.is_paragraph or before.bullet is not None):  # else it goes on with that
        return fits or _is_titled(words)
    return fits or not (field_of(words) or words.startswith(("*", "_")) or words[-1] in ".!?…,;")


def _is_titled(words: str) -> bool:
    """Several words, all of weight with a capital letter, and no sign of a sentence."""
    weighty = [word for word in plain(words).split() if len(word) > 3]
    return len(weighty) > 1 and bool(_TITLED.fullmatch(plain(words))) and all(word[0].isupper() for word in weighty)
