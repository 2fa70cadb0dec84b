"""A markdown text as its headings, its tables and the lines below each. What stands in a code block is text.

Headings are written with `#`, underlined with `===` or `---`, or in HTML; tables with or without pipes at their sides.
"""

import re
from collections.abc import Iterator
from itertools import count

from msgspec import Struct

LONGEST_HEADING = 1000  # characters; what is longer is text
LONGEST_RECORD = 5000  # characters of one record's texts; what is longer is no record that a person wrote
_HEADING = re.compile(r"(#{1,6})(?:[ \t]+(.*?))?[ \t]*#*$")
_HTML_HEADING = re.compile(r"<h([1-6])(?:\s[^<>]*)?>(.*)</h\1>", re.IGNORECASE)
_BULLET = re.compile(r"(?:[-*+•–]|\d{1,4}[.)])(?:\s+(.*))?$|[-•](\*\*.*)$")
_RULE = re.compile(r"(?:[-*_=]\s*){3,}$")
_QUOTE = ">"
LINK = re.compile(r"\[([^\[\]]{1,300})\]\(([^()\s]{0,1000})\)")
_CODE = re.compile(r"`([^`]+)`")
_HELD = re.compile("\ue000(\\d+)\ue001")  # where a span of code stands while the marks around it are taken


class TableRow(Struct, frozen=True):
    """A row of a table: its cells, and the names that the table's head gives their columns, if it has one."""

    cells: tuple[str, ...]
    columns: tuple[str, ...] = ()


class Line(Struct, frozen=True):
    """`text` has neither indent nor line end; `code` says that it stands in a code block, fences included.

    `comment`: it is one, or part of one. `underlined` is the level of a heading whose underline follows, `underline`
    says that it is that. `row` is a table's, `frame` says that the line is a table's head or its rule.
    """

    number: int
    indent: int
    text: str
    code: bool = False
    comment: bool = False
    underlined: int = 0
    underline: bool = False
    row: TableRow | None = None
    frame: bool = False

    @property
    def heading(self) -> tuple[int, str] | None:
        """Level and words of a heading, however far it is indented."""
        if self.code or self.comment or self.row or len(self.text) > LONGEST_HEADING:
            return None
        if self.underlined:
            return self.underlined, self.text
        if html := _HTML_HEADING.fullmatch(self.text):
            return int(html[1]), re.sub(r"<[^<>]*>", "", html[2]).strip()
        found = _HEADING.fullmatch(self.text)
        return (len(found[1]), (found[2] or "").strip()) if found else None

    @property
    def bullet(self) -> str | None:
        """The text of a list item; None for a line that is none."""
        if self.code or self.comment or self.is_rule or self.underlined:
            return None
        found = _BULLET.fullmatch(self.text)
        return (found[1] or found[2] or "").strip() if found else None

    @property
    def is_rule(self) -> bool:
        return not self.code and not self.underline and _RULE.fullmatch(self.text) is not None

    @property
    def is_blank(self) -> bool:
        return not self.text and not self.code

    @property
    def is_paragraph(self) -> bool:
        """Plain text: neither heading nor list item nor anything else with a sign of its own."""
        other = self.is_blank or self.code or self.comment or self.row or self.frame or self.is_rule or self.underline
        return not other and self.heading is None and self.bullet is None and not self.text.startswith(_QUOTE)


class Section(Struct, frozen=True):
    """A heading (level 0 and no words for what stands before the first), and the lines up to the next of its rank."""

    level: int
    title: str
    number: int
    lines: list[Line]


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
    text = unmarked(LINK.sub(r"\1", text).replace("~~", ""))
    return re.sub(r"^[^\w\s(\[#\"'<$/.+~-]+\s*", "", text).strip()


def unmarked(text: str) -> str:
    """A text without emphasis and code marks; what stands in code stays as it is.

    >>> unmarked("**Fax:** ❌ ~~no~~, [x](y)"), unmarked("`__init__.py` and __that__")
    ('Fax: ❌ ~~no~~, [x](y)', '__init__.py and that')
    """
    code = [] if "\ue000" in text else _CODE.findall(text)
    if code:
        numbers = count()
        text = _CODE.sub(lambda _: f"\ue000{next(numbers)}\ue001", text)
    text = re.sub(r"(\*\*|__|`)", "", text)
    text = re.sub(r"(?<![\w*])\*(?=\S)(.+?)(?<=\S)\*(?![\w*])", r"\1", text)
    text = re.sub(r"(?<!\w)_(?=\S)(.+?)(?<=\S)_(?!\w)", r"\1", text)
    return (_HELD.sub(lambda held: code[int(held[1])], text) if code else text).strip()
