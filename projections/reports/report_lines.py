"""The lines of a report's Markdown, and what the words in them mean; `parse` says which lines a section has."""

import re
from collections.abc import Callable
from typing import Any

from ledger.errors import Damaged
from ledger.values.moment import parse as parse_moment
from ledger.values.moment import text as text_of
from projections.questions.answers import Entity
from projections.reports.markdown import ENTRY, UNKNOWN, moment_of, unescaped

Line = tuple[int, str]  # its number in the text, from 1

_MORE = re.compile(r"(?:- )?\.\.\. and (at least )?(\d{1,18}) more(?: vendors| unfinished items)?\.")
_COUNT = re.compile(rf"(\d{{1,18}}) ({ENTRY})")


def entries(lines: list[Line], read: Callable[[Line], Entity]) -> tuple[list[Entity], int]:
    """The entries of a list, and how many the list says it leaves out."""
    more = _MORE.fullmatch(lines[-1][1]) if lines else None
    return [read(line) for line in (lines[:-1] if more else lines)], int(more[2]) if more else 0


def counts(text: str) -> dict[str, int]:
    return {unescaped(word): int(count) for count, word in _COUNT.findall(text)}


def text_or_none(text: str) -> str | None:
    return None if text == UNKNOWN else unescaped(text)


def yes_or_no(text: str) -> bool | None:
    return None if text == UNKNOWN else text == "yes"


def count(text: str) -> int | None:
    return None if text == "?" else int(text)


def rows(lines: list[Line], words: str) -> list[Line]:
    """The lines of a list, of which these words say that it is empty."""
    if not lines or _MORE.fullmatch(lines[0][1]):
        raise unread(first(lines))
    return [] if says_only(lines, words) else lines


def says_only(lines: list[Line], words: str) -> bool:
    return [text for _, text in lines] == [words]


def first(lines: list[Line]) -> Line:
    return lines[0] if lines else (0, "nothing")


def time(text: str, line: Line) -> str | None:
    time = moment_of(text)
    try:
        return time and text_of(parse_moment(time))
    except ValueError:
        raise unread(line) from None


def end(lines: list[Line]) -> None:
    if lines:
        raise unread(lines[0])


def match(pattern: re.Pattern[str], line: Line) -> tuple[Any, ...]:
    found = pattern.fullmatch(line[1])
    if found is None:
        raise unread(line)
    return found.groups()


def unread(line: Line) -> Damaged:
    return Damaged(
        f"line {line[0]} of the report is none that a report can have: {line[1][:80]}",
        next_step="write it again with `tracking-ledger status --write`",
        line=line[0],
    )
