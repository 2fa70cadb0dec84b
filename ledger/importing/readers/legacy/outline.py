"""A markdown text as its headings and the lines below each. What stands in a code block is text, not structure."""

import re
from collections.abc import Iterator

from msgspec import Struct

TAB = 4  # columns
LONGEST_HEADING = 1000  # characters; what is longer is text
LONGEST_RECORD = 5000  # characters of one record's texts; what is longer is no record that anybody wrote
_HEADING = re.compile(r"(#{1,6})(?:[ \t]+(.*?))?[ \t]*#*$")
_FENCE = re.compile(r"(`{3,}|~{3,})")
_BULLET = re.compile(r"(?:[-*+•–]|\d{1,4}[.)])(?:\s+(.*))?$|[-•](\*\*.*)$")
_RULE = re.compile(r"(?:[-*_=]\s*){3,}$")


class Line(Struct, frozen=True):
    """`text` has neither indent nor line end; `code` tells that it stands in a code block, fences included."""

    number: int
    indent: int
    text: str
    code: bool = False

    @property
    def heading(self) -> tuple[int, str] | None:
        """Level and words of a heading, however far it is indented."""
        found = None if self.code or len(self.text) > LONGEST_HEADING else _HEADING.fullmatch(self.text)
        return (len(found[1]), (found[2] or "").strip()) if found else None

    @property
    def bullet(self) -> str | None:
        """The text of a list item; None for a line that is none."""
        if self.code or self.is_rule:
            return None
        found = _BULLET.fullmatch(self.text)
        return (found[1] or found[2] or "").strip() if found else None

    @property
    def is_rule(self) -> bool:
        return not self.code and _RULE.fullmatch(self.text) is not None


class Section(Struct, frozen=True):
    """A heading (level 0 and no words for what stands before the first), and the lines up to the next of its rank."""

    level: int
    title: str
    number: int
    lines: list[Line]


def lines_of(text: str) -> list[Line]:
    """Every line, also the blank ones. All kinds of line ends count; a tab is four columns."""
    found: list[Line] = []
    fence = ""
    for number, raw in enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), 1):
        line = raw.expandtabs(TAB).rstrip()
        stripped = line.lstrip()
        marker = _FENCE.match(stripped)
        inside = bool(fence)
        if marker and not fence:
            fence, inside = marker[1], True
        elif marker and fence and stripped.rstrip("`~ ") == "" and stripped.startswith(fence):
            fence = ""
        found.append(Line(number, len(line) - len(stripped), stripped, inside))
    return found


def sections(lines: list[Line], level: int) -> Iterator[Section]:
    """The text cut at every heading of this level or a higher one; deeper headings stay among the lines."""
    rank, title, number, below = 0, "", 1, list[Line]()
    for line in lines:
        heading = line.heading
        if heading and heading[0] <= level:
            yield Section(rank, title, number, below)
            (rank, title), number, below = heading, line.number, []
        else:
            below.append(line)
    yield Section(rank, title, number, below)


def plain(text: str) -> str:
    """A text without emphasis, code marks and the pictures people put in front.

    >>> plain("**EPSON**: `v1`"), plain("🚀 Vendors"), plain("a_b and *c*"), plain("[x](y)")
    ('EPSON: v1', 'Vendors', 'a_b and c', 'x')
    """
    text = re.sub(r"\[([^\[\]]{1,300})\]\([^()\s]{0,1000}\)", r"\1", text)
    text = re.sub(r"(\*\*|__|`|~~)", "", text)
    text = re.sub(r"(?<![\w*])\*(?=\S)(.+?)(?<=\S)\*(?![\w*])", r"\1", text)
    text = re.sub(r"(?<!\w)_(?=\S)(.+?)(?<=\S)_(?!\w)", r"\1", text)
    return re.sub(r"^[^\w\s(\[#\"'<$/.+~-]+\s*", "", text).strip()
