"""The body of a Backlog.md file: sections under known headings, checklists and comments between HTML comments.

A section ends at the next known heading; any other heading is part of its text. Between a section's own BEGIN and END
no heading counts; a BEGIN without its END counts for nothing, as in Backlog.md. What stands in a code block is text.
What none of the known forms describes is kept as it stands.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

from msgspec import Struct

from ledger.importing.readers.text.code_fences import fenced

TEXTS = ("description", "implementation plan", "implementation notes", "final summary")
CHECKLISTS = {"acceptance criteria": "acceptance", "definition of done": "definition_of_done"}
COMMENTS = "comments"
COMMENT = "COMMENT"  # the mark around one of them
MARKS = {
    "description": "DESCRIPTION",
    "implementation plan": "PLAN",
    "implementation notes": "NOTES",
    "final summary": "FINAL_SUMMARY",
    "acceptance criteria": "AC",
    "definition of done": "DOD",
    COMMENTS: "COMMENTS",
}
DELIMITER = "---"
_HEADING = re.compile(r"##\s+(\S.*?)\s*#*\s*")
_MARK = re.compile(r" {0,3}<!--\s*(?:SECTION:)?(\w+):(BEGIN|END)\s*-->\s*", re.IGNORECASE)
_ENTRY = re.compile(r"\s*[-*] \[([ xX])\] (?:#(\d+) )?(\S.*?)\s*")
_FIELD = re.compile(r"([A-Za-z_]+):\s*(.*?)\s*")


class Line(Struct, frozen=True):
    """`heading` is a known one, in lower case; `mark` is a name and BEGIN or END. Both are absent in a code block."""

    text: str
    heading: str | None = None
    mark: tuple[str, str] | None = None
    fenced: bool = False


class Section(Struct, kw_only=True):
    """`inside` are the lines between the section's own marks, `around` all others below its heading."""

    heading: str
    inside: list[Line] = []
    around: list[Line] = []
    is_marked: bool = False
    lacks_a_mark: bool = False

    @property
    def lines(self) -> list[Line]:
        return [*self.inside, *self.around]


class Body(Struct, kw_only=True):
    """`before` is what stands above the first known heading, `more` what a section says beside its text or entries.

    `unpaired` are headings with a BEGIN or an END that has no partner.
    """

    before: str = ""
    texts: dict[str, str] = {}
    checklists: dict[str, list[tuple[bool, str]]] = {}
    comments: list[dict[str, Any]] = []
    more: dict[str, str] = {}
    unpaired: list[str] = []


def body_of(text: str) -> Body:
    """A section that comes twice is one text; so it is with a checklist."""
    before, sections = _sections(_lines(text))
    body = Body(before=_text(before), unpaired=[section.heading for section in sections if section.lacks_a_mark])
    for section in sections:
        if section.heading in CHECKLISTS:
            _take_checklist(section, body)
        elif section.heading == COMMENTS:
            _take_comments(section, body)
        else:
            _add(body.texts, section.heading, _text(section.inside if section.is_marked else section.around))
            _add(body.more, section.heading, _text(section.around) if section.is_marked else "")
    _take_nested(sections, body)
    return body


def one_text(text: str) -> Body:
    """A body in which no heading counts."""
    return Body(before=_text([Line(line) for line in text.split("\n")]))


def _lines(text: str) -> list[Line]:
    raw = text.split("\n")
    return [
        Line(line, fenced=True) if inside else Line(line, _known_heading(line), _mark(line))
        for line, inside in zip(raw, fenced(raw), strict=True)
    ]


def _known_heading(line: str) -> str | None:
    found = _HEADING.fullmatch(line)
    name = found[1].lower().removesuffix(" (optional)") if found else ""
    return name if name in MARKS else None


def _mark(line: str) -> tuple[str, str] | None:
    found = _MARK.fullmatch(line)
    return (found[1].upper(), found[2].upper()) if found else None


def _sections(lines: list[Line]) -> tuple[list[Line], list[Section]]:
    before: list[Line] = []
    sections: list[Section] = []
    place = 0
    while place < len(lines):
        line, section = lines[place], sections[-1] if sections else None
        end = _end(lines, place, section)
        if line.heading:
            sections.append(Section(heading=line.heading))
        elif section is None:
            before.append(line)
        elif end is not None and line.mark == (COMMENT, "BEGIN"):
            section.around += lines[place : end + 1]
        elif end is not None:
            section.inside += lines[place + 1 : end]
            section.is_marked = True
        elif line.mark and line.mark[0] == MARKS[section.heading]:
            section.lacks_a_mark = True
        else:
            section.around.append(line)
        place = (place if end is None else end) + 1
    return before, sections


def _end(lines: list[Line], place: int, section: Section | None) -> int | None:
    """Where the pair ends that a mark of this section begins; None if it begins none, or has no partner."""
    mark = lines[place].mark
    if section is None or mark is None or mark[1] != "BEGIN":
        return None
    if mark[0] != MARKS[section.heading] and (section.heading, mark[0]) != (COMMENTS, COMMENT):
        return None
    partners = (at for at in range(place + 1, len(lines)) if (lines[at].mark or ("",))[0] == mark[0])
    partner = next(partners, None)
    return partner if partner is not None and lines[partner].mark == (mark[0], "END") else None


def _text(lines: list[Line]) -> str:
    """The lines as they stand, but for blank ones around them and the end of the last one."""
    filled = [place for place, line in enumerate(lines) if line.text.strip()]
    within = lines[filled[0] : filled[-1] + 1] if filled else []
    return "\n".join(line.text for line in within).removesuffix("\r")


def _add(texts: dict[str, str], heading: str, text: str) -> None:
    if text:
        texts[heading] = f"{texts[heading]}\n\n{text}" if heading in texts else text


def _take_checklist(section: Section, body: Body) -> None:
    entries = body.checklists.setdefault(section.heading, [])
    found = [(line, None if line.fenced else _ENTRY.fullmatch(line.text)) for line in section.lines]
    entries += [(entry[1] != " ", entry[3]) for _, entry in found if entry]
    _add(body.more, section.heading, _text([line for line, entry in found if not entry]))


def _take_comments(section: Section, body: Body) -> None:
    """Below the end of the section only what has marks of its own is a comment."""
    is_whole = section.is_marked and not any(line.mark for line in section.around)
    body.comments += _comments(section.inside if is_whole else section.lines)
    _add(body.more, COMMENTS, _text(section.around) if is_whole else "")


def _take_nested(sections: list[Section], body: Body) -> None:
    """Checklists within the marks of a text belong to the task too, as in Backlog.md; the text keeps them.

    One without marks of its own counts only where the task has no other.
    """
    nested = [inner for section in sections if section.heading in TEXTS for inner in _sections(section.inside)[1]]
    checklists = [inner for inner in nested if inner.heading in CHECKLISTS]
    for inner in sorted(checklists, key=lambda inner: not inner.is_marked):
        if inner.is_marked or not body.checklists.get(inner.heading):
            entries = body.checklists.setdefault(inner.heading, [])
            found = [None if line.fenced else _ENTRY.fullmatch(line.text) for line in inner.lines]
            entries += [(entry[1] != " ", entry[3]) for entry in found if entry]


def _comments(lines: list[Line]) -> list[dict[str, Any]]:
    """The comments between COMMENT marks, or between `---` lines, each after its fields, as first versions wrote them.

    Whatever is neither is a comment of an unknown author.
    """
    cut = list(_cut(lines, lambda line: line.mark is not None and line.mark[0] == COMMENT))
    blocks = cut if len(cut) > 1 else list(_delimited(lines))
    return [_comment(block) for block in blocks if _text(block)]


def _delimited(lines: list[Line]) -> Iterator[list[Line]]:
    parts = list(_cut(lines, lambda line: not line.fenced and line.text.strip() == DELIMITER))
    pairs = zip(parts[::2], [*parts[1::2], []], strict=False)  # fields, text, fields, text, ... and what is left
    return ([*fields, Line(""), *text] for fields, text in pairs)


def _cut(lines: list[Line], between: Callable[[Line], bool]) -> Iterator[list[Line]]:
    part: list[Line] = []
    for line in lines:
        if between(line):
            yield part
            part = []
        else:
            part.append(line)
    yield part


def _comment(lines: list[Line]) -> dict[str, Any]:
    """Its fields, then a blank line, then its text."""
    start = next(place for place, line in enumerate(lines) if line.text.strip())
    blank = next((place for place in range(start, len(lines)) if not lines[place].text.strip()), start)
    fields = [_FIELD.fullmatch(line.text) for line in lines[start:blank]]
    if not fields or not all(fields):
        return {"text": _text(lines)}
    return {field[1].lower(): field[2] for field in fields if field} | {"text": _text(lines[blank:])}
