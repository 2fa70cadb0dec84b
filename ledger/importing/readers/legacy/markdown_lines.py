"""The lines of a markdown text, each with what it is: of a code block, a comment, a table, or a heading."""

import re
from collections.abc import Iterator

from ledger.importing.readers.legacy.outline import Line
from ledger.importing.readers.legacy.tables import with_tables
from ledger.importing.readers.legacy.underlines import with_underlined

TAB = 4  # columns
_FENCE = re.compile(r"(`{3,}(?=[^`]*$)|~{3,})")
_MARKED_CODE = re.compile(r"(`+)(?:(?!\1).)*?\1")


def lines_of(text: str) -> list[Line]:
    """Every line, also the blank ones. All kinds of line ends count; a tab is four columns."""
    raw = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return with_underlined(with_tables(list(_lines(raw))))


def unclosed_fence(lines: list[Line]) -> Line | None:
    """The fence of a code block that never ends, if there is one: all below it is text, which may not be meant so."""
    first = len(lines)
    while first and lines[first - 1].code:
        first -= 1
    opening: Line | None = None
    for line in lines[first:]:
        if opening is None:
            opening = line if _FENCE.match(line.text) else None
        elif _closes(line.text, opening.text):
            opening = None
    return opening


def _lines(texts: list[str]) -> Iterator[Line]:
    """A code block in a list item ends with the item."""
    fence, fence_indent, list_indent, in_comment = "", 0, 0, False
    for number, raw in enumerate(texts, 1):
        line = raw.expandtabs(TAB).rstrip()
        text = line.lstrip()
        indent = len(line) - len(text)
        if fence and text and indent < min(fence_indent, list_indent) and not _closes(text, fence):
            fence = ""
        if fence:
            yield Line(number, indent, text, code=True)
            fence = "" if _closes(text, fence) else fence
            continue
        if not in_comment and _FENCE.match(text):
            fence, fence_indent = text, indent
            yield Line(number, indent, text, code=True)
            continue
        text, in_comment, touched = _uncommented(text, in_comment)
        found = Line(number, indent, text, comment=touched and not text)
        if found.bullet is not None:
            list_indent = indent + len(text) - len(found.bullet)
        elif text and indent < list_indent:
            list_indent = 0
        yield found


def _closes(text: str, fence: str) -> bool:
    found = _FENCE.match(fence)
    return found is not None and text.startswith(found[1]) and not text.strip(fence[0] + " ")


def _uncommented(text: str, inside: bool) -> tuple[str, bool, bool]:
    """The text without its comments, whether one goes on behind it, and whether there was one."""
    spared = _MARKED_CODE.sub(lambda code: "\0" * len(code[0]), text)
    kept, place, touched = "", 0, inside
    while True:
        found = spared.find("-->" if inside else "<!--", place)
        if found < 0:
            return (kept if inside else kept + text[place:]).strip(), inside, touched
        kept, place = (kept, found + 3) if inside else (kept + text[place:found], found + 4)
        inside, touched = not inside, True
